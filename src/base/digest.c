/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c: a keyed 128-bit digest of long key leaves: the choice of the way, the length, the finish. */
#include "base/digest.h"

#include <string.h>

#include "base/polyval.h"

/* ---- the ways */

static bool always(void)
{
	return true;
}

const struct tn_digest_way tn_digest_ways[] = {
#if defined(__x86_64__)
	{ "vpclmulqdq", tn_polyval_has_vpclmulqdq, tn_polyval_vpclmulqdq },
	{ "pclmulqdq", tn_polyval_has_pclmulqdq, tn_polyval_pclmulqdq },
#elif defined(__aarch64__)
	{ "pmull", tn_polyval_has_pmull, tn_polyval_pmull },
#endif
	{ "portable", always, tn_polyval_portable },
};

const struct tn_digest_way *tn_digest_way(void)
{
	const struct tn_digest_way *way = tn_digest_ways;

	while (!way->available())
		way++;
	return way;
}

/* ---- the digest */

void tn_digest_key_init(struct tn_digest_key *key, const unsigned char secret[32])
{
	uint64_t *power = key->powers[TN_DIGEST_POWERS - 1];

	memcpy(power, secret, TN_BLOCK);
	memcpy(key->finish, secret + TN_BLOCK, sizeof(key->finish));
	for (int i = TN_DIGEST_POWERS - 1; i > 0; i--)
		tn_polyval_multiply(key->powers[i], power, key->powers[i - 1]);
	for (int i = 0; i < TN_DIGEST_POWERS; i++)
		key->folded[i][0] = key->folded[i][1] = key->powers[i][0] ^ key->powers[i][1];
}

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

/* SipHash-2-4 of two words. */
static uint64_t sip(uint64_t key0, uint64_t key1, const uint64_t words[2])
{
	uint64_t v[4] = {
		key0 ^ UINT64_C(0x736f6d6570736575), key1 ^ UINT64_C(0x646f72616e646f6d),
		key0 ^ UINT64_C(0x6c7967656e657261), key1 ^ UINT64_C(0x7465646279746573),
	};
	const uint64_t message[3] = { words[0], words[1], UINT64_C(16) << 56 };

	for (int i = 0; i < 3; i++) {
		v[3] ^= message[i];
		sip_round(v);
		sip_round(v);
		v[0] ^= message[i];
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void tn_digest(const struct tn_digest_key *key, const void *data, size_t size, unsigned char ret[16])
{
	const struct tn_digest_way *way = tn_digest_way();
	size_t blocks = size / TN_BLOCK, rest = size % TN_BLOCK;
	uint64_t sum[2] = { 0, 0 }, last[4] = { 0, 0, 0, 0 }, out[2];
	unsigned char *tail = (unsigned char *)last;

	way->add(key, data, blocks, sum);
	if (rest != 0)
		memcpy(tail, (const unsigned char *)data + blocks * TN_BLOCK, rest);
	last[2] = size; /* in bytes: two texts that differ in zeroes at the end differ here */
	way->add(key, rest != 0 ? tail : tail + TN_BLOCK, rest != 0 ? 2 : 1, sum);
	out[0] = sip(key->finish[0], key->finish[1], sum);
	out[1] = sip(key->finish[1], ~key->finish[0], sum);
	memcpy(ret, out, sizeof(out));
}
