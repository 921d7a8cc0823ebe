/* SPDX-License-Identifier: Apache-2.0 */
/* polyval.h: the ways to compute POLYVAL (RFC 8452, section 3), for digest.c to choose from.
 *
 * POLYVAL works in GF(2^128) with a product that carries a factor x^-128, so that it needs no bit reflection and one
 * short reduction. n blocks are multiplied by the powers H^n .. H^1, their unreduced products added, and reduced once.
 * Bytes are read as little-endian words. Every way gives the same sums. */
#ifndef TN_POLYVAL_H
#define TN_POLYVAL_H

#include "base/digest.h"

enum { TN_BLOCK = 16 };

/* The whole blocks at `at` into the sum. */
typedef void tn_polyval(const struct tn_digest_key *key, const unsigned char *at, size_t count, uint64_t sum[2]);

tn_polyval tn_polyval_portable;

/* out = a * b * x^-128 */
void tn_polyval_multiply(const uint64_t a[2], const uint64_t b[2], uint64_t out[2]);

#if defined(__x86_64__)
bool tn_polyval_has_pclmulqdq(void);
bool tn_polyval_has_vpclmulqdq(void); /* and AVX-512, which the system must have switched on */
tn_polyval tn_polyval_pclmulqdq, tn_polyval_vpclmulqdq;
#elif defined(__aarch64__)
bool tn_polyval_has_pmull(void);
tn_polyval tn_polyval_pmull;
#endif

#endif
