/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c: a keyed 128-bit digest of long key leaves.
 *
 * POLYVAL works in GF(2^128) with a product that carries a factor x^-128, so that it needs no bit reflection and one
 * short reduction. Eight blocks are multiplied by the powers H^8 .. H^1, their unreduced products added, and reduced
 * once. Bytes are read as little-endian words. */
#include "base/digest.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>
#endif

enum { BLOCK = 16 };

/* ---- portable: carry-less multiplication from integer multiplications with holes */

struct wide { /* 256 bits: a sum of unreduced products */
	uint64_t low, low_mid, high_mid, high;
};

/* The low 64 bits of the carry-less product. Every fourth bit is kept, so that sums of up to 15 ones do not reach the
 * next kept bit. */
static uint64_t multiply_low(uint64_t a, uint64_t b)
{
	const uint64_t every_fourth = UINT64_C(0x1111111111111111);
	uint64_t product = 0;

	for (int i = 0; i < 4; i++) {
		uint64_t part = 0;

		for (int j = 0; j < 4; j++)
			part ^= (a & every_fourth << j) * (b & every_fourth << ((i - j) & 3));
		product |= part & every_fourth << i;
	}
	return product;
}

static uint64_t reverse(uint64_t x)
{
	x = (x >> 1 & UINT64_C(0x5555555555555555)) | (x & UINT64_C(0x5555555555555555)) << 1;
	x = (x >> 2 & UINT64_C(0x3333333333333333)) | (x & UINT64_C(0x3333333333333333)) << 2;
	x = (x >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (x & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
	return __builtin_bswap64(x);
}

/* The high half is the low half of the reversed product, reversed, without its top bit. */
static void multiply(uint64_t a, uint64_t b, uint64_t *low, uint64_t *high)
{
	*low = multiply_low(a, b);
	*high = reverse(multiply_low(reverse(a), reverse(b))) >> 1;
}

static void add_product(struct wide *sum, const uint64_t a[2], const uint64_t b[2])
{
	uint64_t low, high;

	multiply(a[0], b[0], &low, &high);
	sum->low ^= low;
	sum->low_mid ^= high;
	multiply(a[1], b[1], &low, &high);
	sum->high_mid ^= low;
	sum->high ^= high;
	multiply(a[0], b[1], &low, &high);
	sum->low_mid ^= low;
	sum->high_mid ^= high;
	multiply(a[1], b[0], &low, &high);
	sum->low_mid ^= low;
	sum->high_mid ^= high;
}

/* Times x^-128, modulo x^128 + x^127 + x^126 + x^121 + 1: twice fold the lowest 64 bits away. */
static void reduce(const struct wide *sum, uint64_t out[2])
{
	uint64_t a = sum->low, b = sum->low_mid, c = sum->high_mid, d = sum->high;

	b ^= a << 63 ^ a << 62 ^ a << 57;
	c ^= a ^ a >> 1 ^ a >> 2 ^ a >> 7;
	c ^= b << 63 ^ b << 62 ^ b << 57;
	d ^= b ^ b >> 1 ^ b >> 2 ^ b >> 7;
	out[0] = c;
	out[1] = d;
}

static void polyval_portable(const struct tn_digest_key *key, const unsigned char *at, size_t count, uint64_t sum[2])
{
	while (count > 0) {
		size_t n = count < TN_DIGEST_POWERS ? count : TN_DIGEST_POWERS;
		struct wide wide = { 0 };

		for (size_t i = 0; i < n; i++, at += BLOCK) {
			uint64_t block[2];

			memcpy(block, at, BLOCK);
			if (i == 0) {
				block[0] ^= sum[0];
				block[1] ^= sum[1];
			}
			add_product(&wide, block, key->powers[TN_DIGEST_POWERS - n + i]);
		}
		reduce(&wide, sum);
		count -= n;
	}
}

/* ---- x86-64 with PCLMULQDQ */

#if defined(__x86_64__)
static bool fast_available(void)
{
	return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

#define FAST_NAME "pclmulqdq"

__attribute__((target("pclmul,sse4.1"))) static __m128i reduce_fast(__m128i low, __m128i middle, __m128i high)
{
	const __m128i poly = _mm_set1_epi64x((long long)UINT64_C(0xc200000000000000));
	__m128i t;

	low = _mm_xor_si128(low, _mm_slli_si128(middle, 8));
	high = _mm_xor_si128(high, _mm_srli_si128(middle, 8));
	t = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, poly, 0x00));
	t = _mm_xor_si128(_mm_shuffle_epi32(t, 0x4e), _mm_clmulepi64_si128(t, poly, 0x00));
	return _mm_xor_si128(high, t);
}

/* The last n powers times n blocks, the first of them with the carry; the products are added and reduced once. Three
 * multiplications a block (Karatsuba): `folded` are the powers with their halves added. */
__attribute__((target("pclmul,sse4.1"), always_inline)) static inline __m128i
step_fast(const __m128i *powers, const __m128i *folded, const unsigned char *at, int n, __m128i carry)
{
	__m128i low = _mm_setzero_si128(), middle = low, high = low;

#pragma GCC unroll 8
	for (int i = 0; i < n; i++) {
		__m128i block = _mm_loadu_si128((const __m128i *)(const void *)(at + BLOCK * i));
		__m128i power = powers[TN_DIGEST_POWERS - n + i];

		if (i == 0)
			block = _mm_xor_si128(block, carry);
		low = _mm_xor_si128(low, _mm_clmulepi64_si128(block, power, 0x00));
		high = _mm_xor_si128(high, _mm_clmulepi64_si128(block, power, 0x11));
		block = _mm_xor_si128(block, _mm_shuffle_epi32(block, 0x4e));
		middle = _mm_xor_si128(middle, _mm_clmulepi64_si128(block, folded[TN_DIGEST_POWERS - n + i], 0x00));
	}
	middle = _mm_xor_si128(middle, _mm_xor_si128(low, high));
	return reduce_fast(low, middle, high);
}

__attribute__((target("pclmul,sse4.1"))) static void polyval_fast(const struct tn_digest_key *key,
								   const unsigned char *at, size_t count, uint64_t sum[2])
{
	__m128i carry = _mm_loadu_si128((const __m128i *)(const void *)sum), powers[TN_DIGEST_POWERS];
	__m128i folded[TN_DIGEST_POWERS];

	for (int i = 0; i < TN_DIGEST_POWERS; i++) {
		powers[i] = _mm_loadu_si128((const __m128i *)(const void *)key->powers[i]);
		folded[i] = _mm_xor_si128(powers[i], _mm_shuffle_epi32(powers[i], 0x4e));
	}
	for (; count >= TN_DIGEST_POWERS; count -= TN_DIGEST_POWERS, at += BLOCK * TN_DIGEST_POWERS) {
		_mm_prefetch((const char *)at + 1024, _MM_HINT_T0);
		_mm_prefetch((const char *)at + 1024 + 64, _MM_HINT_T0);
		carry = step_fast(powers, folded, at, TN_DIGEST_POWERS, carry);
	}
	for (; count > 0; count--, at += BLOCK)
		carry = step_fast(powers, folded, at, 1, carry);
	_mm_storeu_si128((__m128i *)(void *)sum, carry);
}

/* ---- aarch64 with PMULL */

#elif defined(__aarch64__)
#ifndef HWCAP_PMULL
#define HWCAP_PMULL (1 << 4)
#endif

static bool fast_available(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0;
}

#define FAST_NAME "pmull"

__attribute__((target("+crypto"))) static void polyval_fast(const struct tn_digest_key *key, const unsigned char *at,
							      size_t count, uint64_t sum[2])
{
	while (count > 0) {
		size_t n = count < TN_DIGEST_POWERS ? count : TN_DIGEST_POWERS;
		uint64x2_t low = vdupq_n_u64(0), middle = low, high = low;
		struct wide wide;

		for (size_t i = 0; i < n; i++, at += BLOCK) {
			const uint64_t *power = key->powers[TN_DIGEST_POWERS - n + i];
			uint64_t b[2];

			memcpy(b, at, BLOCK);
			if (i == 0) {
				b[0] ^= sum[0];
				b[1] ^= sum[1];
			}
			low = veorq_u64(low, vreinterpretq_u64_p128(vmull_p64(b[0], power[0])));
			high = veorq_u64(high, vreinterpretq_u64_p128(vmull_p64(b[1], power[1])));
			middle = veorq_u64(middle, vreinterpretq_u64_p128(vmull_p64(b[0], power[1])));
			middle = veorq_u64(middle, vreinterpretq_u64_p128(vmull_p64(b[1], power[0])));
		}
		wide.low = vgetq_lane_u64(low, 0);
		wide.low_mid = vgetq_lane_u64(low, 1) ^ vgetq_lane_u64(middle, 0);
		wide.high_mid = vgetq_lane_u64(high, 0) ^ vgetq_lane_u64(middle, 1);
		wide.high = vgetq_lane_u64(high, 1);
		reduce(&wide, sum);
		count -= n;
	}
}

#else
static bool fast_available(void)
{
	return false;
}

#define FAST_NAME "portable"
#define polyval_fast polyval_portable
#endif

/* ---- the digest */

void tn_digest_polyval(const struct tn_digest_key *key, bool portable, const void *blocks, size_t count, uint64_t sum[2])
{
	if (!portable && fast_available())
		polyval_fast(key, blocks, count, sum);
	else
		polyval_portable(key, blocks, count, sum);
}

const char *tn_digest_path(void)
{
	return fast_available() ? FAST_NAME : "portable";
}

void tn_digest_key_init(struct tn_digest_key *key, const unsigned char secret[32])
{
	uint64_t *power = key->powers[TN_DIGEST_POWERS - 1];

	memcpy(power, secret, BLOCK);
	memcpy(key->finish, secret + BLOCK, sizeof(key->finish));
	for (int i = TN_DIGEST_POWERS - 1; i > 0; i--) {
		struct wide wide = { 0 };

		add_product(&wide, key->powers[i], power);
		reduce(&wide, key->powers[i - 1]);
	}
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
	size_t blocks = size / BLOCK, rest = size % BLOCK;
	uint64_t sum[2] = { 0, 0 }, last[2] = { 0, 0 }, out[2];

	tn_digest_polyval(key, false, data, blocks, sum);
	if (rest != 0) {
		memcpy(last, (const unsigned char *)data + blocks * BLOCK, rest);
		tn_digest_polyval(key, false, last, 1, sum);
	}
	last[0] = size; /* in bytes: two texts that differ in zeroes at the end differ here */
	last[1] = 0;
	tn_digest_polyval(key, false, last, 1, sum);
	out[0] = sip(key->finish[0], key->finish[1], sum);
	out[1] = sip(key->finish[1], ~key->finish[0], sum);
	memcpy(ret, out, sizeof(out));
}
