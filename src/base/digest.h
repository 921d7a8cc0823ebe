/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h: a keyed 128-bit digest of long key leaves.
 *
 * POLYVAL (RFC 8452, section 3) over the data and its length, under a secret of the process, finished by SipHash-2-4
 * (Aumasson and Bernstein, 2012) under a second one, so that a digest tells nothing of the first. POLYVAL is almost
 * universal: for n blocks two different texts collide with a probability of at most (n + 1) / 2^128 over the secret,
 * which nobody who chooses the texts knows. The digest is the same whichever way it is computed. */
#ifndef TN_DIGEST_H
#define TN_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TN_DIGEST_POWERS = 64 };

struct tn_digest_key {
	uint64_t powers[TN_DIGEST_POWERS][2]; /* H^64 .. H^1, as POLYVAL multiplies; low half first */
	uint64_t folded[TN_DIGEST_POWERS][2]; /* low half + high half, twice: for Karatsuba's middle product */
	uint64_t finish[2];
};

void tn_digest_key_init(struct tn_digest_key *key, const unsigned char secret[32]);
void tn_digest(const struct tn_digest_key *key, const void *data, size_t size, unsigned char ret[16]);

/* One way to compute it: "vpclmulqdq", "pclmulqdq", "pmull", "portable". */
struct tn_digest_way {
	const char *name;
	bool (*available)(void); /* on this machine */
	void (*add)(const struct tn_digest_key *key, const unsigned char *at, size_t count, uint64_t sum[2]); /* blocks */
};

extern const struct tn_digest_way tn_digest_ways[]; /* the fastest first; the last is portable */
enum { TN_DIGEST_WAYS_MOST = 3 };

/* The one that tn_digest() takes here. */
const struct tn_digest_way *tn_digest_way(void);

#endif
