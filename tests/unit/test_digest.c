/* SPDX-License-Identifier: Apache-2.0 */
/* test_digest.c: the digest of long leaves: vectors of RFC 8452, and every way against the portable one. */
#include "support.h"

#include <time.h>

#include "base/digest.h"

static struct tn_digest_key key_of(const unsigned char first[16])
{
	unsigned char secret[32] = { 0 };
	struct tn_digest_key key;

	memcpy(secret, first, 16);
	tn_digest_key_init(&key, secret);
	return key;
}

/* RFC 8452, appendix A: H and two blocks. */
static const unsigned char H[16] = { 0x25, 0x62, 0x93, 0x47, 0x58, 0x92, 0x42, 0x76,
				     0x1d, 0x31, 0xf8, 0x26, 0xba, 0x4b, 0x75, 0x7b };
static const unsigned char X[32] = { 0x4f, 0x4f, 0x95, 0x66, 0x8c, 0x83, 0xdf, 0xb6, 0x40, 0x17, 0x62,
				     0xbb, 0x2d, 0x01, 0xa2, 0x62, 0xd1, 0xa2, 0x4d, 0xdd, 0x27, 0x21,
				     0xd0, 0x06, 0xbb, 0xe4, 0x5f, 0x20, 0xd3, 0xc9, 0xf3, 0x62 };
static const unsigned char SUM[16] = { 0xf7, 0xa3, 0xb4, 0x7b, 0x84, 0x61, 0x19, 0xfa,
				       0xe5, 0xb7, 0x86, 0x6c, 0xf5, 0xe5, 0xb7, 0x7e };

/* The last of the ways: portable. */
static const struct tn_digest_way *last_way(void)
{
	const struct tn_digest_way *way = tn_digest_ways;

	while (strcmp(way->name, "portable") != 0)
		way++;
	return way;
}

static void K6_polyval_gives_the_vector_of_rfc_8452_on_every_path(void **state)
{
	struct tn_digest_key key = key_of(H);

	(void)state;
	for (const struct tn_digest_way *way = tn_digest_ways; way <= last_way(); way++) {
		uint64_t sum[2] = { 0, 0 };

		if (!way->available()) {
			printf("# this machine has no %s\n", way->name);
			continue;
		}
		way->add(&key, X, 2, sum);
		assert_memory_equal(sum, SUM, 16);
	}
}

static void K6_all_paths_agree_on_random_lengths_and_alignments(void **state)
{
	enum { MOST = 400 }; /* blocks: some steps of the widest way and a rest */
	static unsigned char data[MOST * 16 + 64];
	uint64_t random = (uint64_t)time(NULL) | 1;
	struct tn_digest_key key = key_of(H);

	(void)state;
	printf("# seed %ju, %s\n", (uintmax_t)random, tn_digest_way()->name);
	for (size_t i = 0; i < sizeof(data); i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		data[i] = (unsigned char)(random >> 56);
	}
	for (int i = 0; i < 3000; i++) {
		uint64_t slow[2] = { 1, 2 };
		size_t count, at;

		random = random * UINT64_C(6364136223846793005) + 1;
		count = i <= MOST ? (size_t)i : (random >> 33) % MOST;
		at = (random >> 50) % 64;
		last_way()->add(&key, data + at, count, slow);
		for (const struct tn_digest_way *way = tn_digest_ways; way < last_way(); way++) {
			uint64_t fast[2] = { 1, 2 };

			if (!way->available())
				continue;
			way->add(&key, data + at, count, fast);
			assert_memory_equal(fast, slow, 16);
		}
	}
}

static void K6_content_length_and_secret_count(void **state)
{
	unsigned char zeroes[100] = { 0 }, digests[100][16], other[16];
	struct tn_digest_key key = key_of(H), key2 = key_of(X);

	(void)state;
	for (size_t n = 0; n < 100; n++) { /* zeroes at the end count */
		tn_digest(&key, zeroes, n, digests[n]);
		for (size_t m = 0; m < n; m++)
			assert_memory_not_equal(digests[m], digests[n], 16);
	}
	tn_digest(&key2, zeroes, 50, other);
	assert_memory_not_equal(other, digests[50], 16);
	zeroes[49] = 1;
	tn_digest(&key, zeroes, 50, other);
	assert_memory_not_equal(other, digests[50], 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(K6_polyval_gives_the_vector_of_rfc_8452_on_every_path),
		cmocka_unit_test(K6_all_paths_agree_on_random_lengths_and_alignments),
		cmocka_unit_test(K6_content_length_and_secret_count),
	};

	return RUN(tests);
}
