/* SPDX-License-Identifier: Apache-2.0 */
/* polyval_arm.c: POLYVAL with PMULL, 16 bytes a multiplication.
 *
 * Three multiplications a block (Karatsuba), as in polyval_x86.c. Compiled for processors that have the instruction, called
 * only on those. */
#include "base/polyval.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

enum { STEP = 8 }; /* blocks between two reductions; the powers stay in registers */

#if defined(__clang__)
#define PMULL __attribute__((target("aes")))
#else
#define PMULL __attribute__((target("+crypto")))
#endif

bool tn_polyval_has_pmull(void)
{
#if defined(__linux__)
	const unsigned long pmull = 1UL << 4; /* HWCAP_PMULL */

	return (getauxval(AT_HWCAP) & pmull) != 0;
#else
	return true; /* every 64-bit machine of Apple's */
#endif
}

PMULL static inline uint64x2_t multiply_low(uint64x2_t a, uint64x2_t b)
{
	return vreinterpretq_u64_p128(vmull_p64((poly64_t)vgetq_lane_u64(a, 0), (poly64_t)vgetq_lane_u64(b, 0)));
}

PMULL static inline uint64x2_t multiply_high(uint64x2_t a, uint64x2_t b)
{
	return vreinterpretq_u64_p128(vmull_high_p64(vreinterpretq_p64_u64(a), vreinterpretq_p64_u64(b)));
}

static inline uint64x2_t swap(uint64x2_t x)
{
	return vextq_u64(x, x, 1);
}

/* Times x^-128, modulo x^128 + x^127 + x^126 + x^121 + 1: twice fold the lowest 64 bits away. */
PMULL static inline uint64x2_t reduce(uint64x2_t low, uint64x2_t middle, uint64x2_t high)
{
	const uint64x2_t poly = vdupq_n_u64(UINT64_C(0xc200000000000000)), zero = vdupq_n_u64(0);
	uint64x2_t t;

	middle = veorq_u64(middle, veorq_u64(low, high));
	low = veorq_u64(low, vextq_u64(zero, middle, 1));
	high = veorq_u64(high, vextq_u64(middle, zero, 1));
	t = veorq_u64(swap(low), multiply_low(low, poly));
	t = veorq_u64(swap(t), multiply_low(t, poly));
	return veorq_u64(high, t);
}

PMULL static inline uint64x2_t load(const void *at)
{
	return vreinterpretq_u64_u8(vld1q_u8(at));
}

/* The last n powers times n blocks, the first of them with the carry; the products are added and reduced once. */
PMULL __attribute__((always_inline)) static inline uint64x2_t
step(const uint64x2_t *powers, const uint64x2_t *folded, const unsigned char *at, int n, uint64x2_t carry)
{
	uint64x2_t low = vdupq_n_u64(0), middle = low, high = low;

#pragma GCC unroll 8
	for (int i = n - 1; i >= 0; i--) {
		uint64x2_t block = load(at + TN_BLOCK * i);

		if (i == 0)
			block = veorq_u64(block, carry);
		low = veorq_u64(low, multiply_low(block, powers[STEP - n + i]));
		high = veorq_u64(high, multiply_high(block, powers[STEP - n + i]));
		middle = veorq_u64(middle, multiply_low(veorq_u64(block, swap(block)), folded[STEP - n + i]));
	}
	return reduce(low, middle, high);
}

PMULL void tn_polyval_pmull(const struct tn_digest_key *key, const unsigned char *at, size_t count, uint64_t sum[2])
{
	uint64x2_t carry = load(sum), powers[STEP], folded[STEP];

	for (int i = 0; i < STEP; i++) {
		powers[i] = load(key->powers[TN_DIGEST_POWERS - STEP + i]);
		folded[i] = load(key->folded[TN_DIGEST_POWERS - STEP + i]);
	}
	for (; count >= STEP; count -= STEP, at += TN_BLOCK * STEP)
		carry = step(powers, folded, at, STEP, carry);
	for (; count > 0; count--, at += TN_BLOCK)
		carry = step(powers, folded, at, 1, carry);
	vst1q_u64(sum, carry);
}
#endif
