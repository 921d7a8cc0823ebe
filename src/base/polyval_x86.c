/* SPDX-License-Identifier: Apache-2.0 */
/* polyval_x86.c: POLYVAL with PCLMULQDQ, 16 bytes a multiplication, and with VPCLMULQDQ, 64 bytes.
 *
 * Three multiplications a block (Karatsuba): low halves, high halves, and the sums of the halves. Compiled for processors
 * that have the instructions, called only on those. */
#include "base/polyval.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum {
	NARROW = 16, /* blocks a step */
	WIDE = TN_DIGEST_POWERS, /* blocks a step: 1 KiB */
	LANES = 4, /* blocks in a register */
	AHEAD = 12288, /* bytes that are asked for before they are needed: the hardware stops at each page */
};

#define PCLMULQDQ __attribute__((target("pclmul,avx")))
#define VPCLMULQDQ __attribute__((target("vpclmulqdq,pclmul,avx512f")))

bool tn_polyval_has_pclmulqdq(void)
{
	return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("avx");
}

bool tn_polyval_has_vpclmulqdq(void)
{
	return tn_polyval_has_pclmulqdq() && __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f");
}

/* Times x^-128, modulo x^128 + x^127 + x^126 + x^121 + 1: twice fold the lowest 64 bits away. */
PCLMULQDQ static inline __m128i reduce(__m128i low, __m128i middle, __m128i high)
{
	const __m128i poly = _mm_set1_epi64x((long long)UINT64_C(0xc200000000000000));
	__m128i t;

	middle = _mm_xor_si128(middle, _mm_xor_si128(low, high));
	low = _mm_xor_si128(low, _mm_slli_si128(middle, 8));
	high = _mm_xor_si128(high, _mm_srli_si128(middle, 8));
	t = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, poly, 0x00));
	t = _mm_xor_si128(_mm_shuffle_epi32(t, 0x4e), _mm_clmulepi64_si128(t, poly, 0x00));
	return _mm_xor_si128(high, t);
}

/* n blocks times the powers H^n .. H^1, the first block with the carry; the products are added and reduced once. The first
 * block comes last, so that the multiplications of the others need not wait for the carry of the step before. */
PCLMULQDQ __attribute__((always_inline)) static inline __m128i
step(const struct tn_digest_key *key, const unsigned char *at, int n, __m128i carry)
{
	__m128i low = _mm_setzero_si128(), middle = low, high = low;

#pragma GCC unroll 32
	for (int i = n - 1; i >= 0; i--) {
		__m128i block = _mm_loadu_si128((const __m128i *)(const void *)(at + TN_BLOCK * i));
		__m128i power = _mm_loadu_si128((const __m128i *)(const void *)key->powers[TN_DIGEST_POWERS - n + i]);
		__m128i folded = _mm_loadu_si128((const __m128i *)(const void *)key->folded[TN_DIGEST_POWERS - n + i]);

		if (i % 4 == 0)
			_mm_prefetch((const char *)at + AHEAD + TN_BLOCK * i, _MM_HINT_T0);
		if (i == 0)
			block = _mm_xor_si128(block, carry);
		low = _mm_xor_si128(low, _mm_clmulepi64_si128(block, power, 0x00));
		high = _mm_xor_si128(high, _mm_clmulepi64_si128(block, power, 0x11));
		block = _mm_xor_si128(block, _mm_shuffle_epi32(block, 0x4e));
		middle = _mm_xor_si128(middle, _mm_clmulepi64_si128(block, folded, 0x00));
	}
	return reduce(low, middle, high);
}

PCLMULQDQ void tn_polyval_pclmulqdq(const struct tn_digest_key *key, const unsigned char *at, size_t count, uint64_t sum[2])
{
	__m128i carry = _mm_loadu_si128((const __m128i *)(const void *)sum);

	for (; count >= NARROW; count -= NARROW, at += TN_BLOCK * NARROW)
		carry = step(key, at, NARROW, carry);
	for (; count > 0; count--, at += TN_BLOCK)
		carry = step(key, at, 1, carry);
	_mm_storeu_si128((__m128i *)(void *)sum, carry);
}

/* The four lanes of a register, added. */
VPCLMULQDQ static inline __m128i add_lanes(__m512i x)
{
	__m256i half = _mm256_xor_si256(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));

	return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

/* WIDE blocks: as step() above, on four lanes. */
VPCLMULQDQ static inline __m128i wide_step(const struct tn_digest_key *key, const unsigned char *at, __m128i carry)
{
	__m512i low = _mm512_setzero_si512(), middle = low, high = low;

#pragma GCC unroll 16
	for (int i = WIDE / LANES - 1; i >= 0; i--) {
		__m512i block = _mm512_loadu_si512(at + TN_BLOCK * LANES * i);
		__m512i power = _mm512_loadu_si512(key->powers[LANES * i]);

		_mm_prefetch((const char *)at + AHEAD + TN_BLOCK * LANES * i, _MM_HINT_T0);
		if (i == 0)
			block = _mm512_xor_si512(block, _mm512_zextsi128_si512(carry));
		low = _mm512_xor_si512(low, _mm512_clmulepi64_epi128(block, power, 0x00));
		high = _mm512_xor_si512(high, _mm512_clmulepi64_epi128(block, power, 0x11));
		block = _mm512_xor_si512(block, _mm512_shuffle_epi32(block, (_MM_PERM_ENUM)0x4e));
		middle = _mm512_xor_si512(middle,
					  _mm512_clmulepi64_epi128(block, _mm512_loadu_si512(key->folded[LANES * i]), 0x00));
	}
	return reduce(add_lanes(low), add_lanes(middle), add_lanes(high));
}

VPCLMULQDQ void tn_polyval_vpclmulqdq(const struct tn_digest_key *key, const unsigned char *at, size_t count, uint64_t sum[2])
{
	__m128i carry = _mm_loadu_si128((const __m128i *)(const void *)sum);

	for (; count >= WIDE; count -= WIDE, at += TN_BLOCK * WIDE)
		carry = wide_step(key, at, carry);
	_mm_storeu_si128((__m128i *)(void *)sum, carry);
	if (count != 0)
		tn_polyval_pclmulqdq(key, at, count, sum);
}
#endif
