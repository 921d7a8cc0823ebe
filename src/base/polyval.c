/* SPDX-License-Identifier: Apache-2.0 */
/* polyval.c: POLYVAL from integer multiplications, for machines without a carry-less one. */
#include "base/polyval.h"

#include <string.h>

enum { STEP = 8 }; /* blocks between two reductions */

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

void tn_polyval_portable(const struct tn_digest_key *key, const unsigned char *at, size_t count, uint64_t sum[2])
{
	while (count > 0) {
		size_t n = count < STEP ? count : STEP;
		struct wide wide = { 0 };

		for (size_t i = 0; i < n; i++, at += TN_BLOCK) {
			uint64_t block[2];

			memcpy(block, at, TN_BLOCK);
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

void tn_polyval_multiply(const uint64_t a[2], const uint64_t b[2], uint64_t out[2])
{
	struct wide wide = { 0 };

	add_product(&wide, a, b);
	reduce(&wide, out);
}
