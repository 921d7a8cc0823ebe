/* SPDX-License-Identifier: Apache-2.0 */
/* peers.h: one piece of work for every peer: find a 32-byte key, compare it in full, take a counted handle, compare the
 * deadline with a cached time, give the handle back. */
#ifndef PEERS_H
#define PEERS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KEY = 32, KEYS = 1024 };

struct key {
	unsigned char bytes[KEY];
};

struct thing {
	struct key key;
	long count; /* atomic: the handles, and one for the table */
	int64_t expire_at;
};

extern int64_t peers_now; /* atomic, relaxed: the cached time */

void fill(struct thing *things, int count); /* once */
void enter(void); /* by each measuring thread, first */
void leave(void);
void run(long count, const struct key *keys); /* KEYS of them, in turn */

static inline int valid(const struct thing *thing)
{
	return thing->expire_at > __atomic_load_n(&peers_now, __ATOMIC_RELAXED);
}

/* As hit.h does it for 32 bytes, so that all have the same. */
static inline uint64_t peers_word(const unsigned char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static inline uint64_t peers_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t peers_hash(const struct key *key)
{
	const unsigned char *p = key->bytes;

	return peers_fold(peers_word(p) ^ UINT64_C(0x9e3779b97f4a7c15), peers_word(p + 8) ^ 12345) ^
	       peers_fold(peers_word(p + 16) ^ UINT64_C(0xd1342543de82ef95), peers_word(p + 24) ^ UINT64_C(0xc2b2ae3d27d4eb4f));
}

static inline int peers_same(const struct key *a, const struct key *b)
{
	const unsigned char *p = a->bytes, *q = b->bytes;

	return ((peers_word(p) ^ peers_word(q)) | (peers_word(p + 8) ^ peers_word(q + 8)) |
		(peers_word(p + 16) ^ peers_word(q + 16)) | (peers_word(p + 24) ^ peers_word(q + 24))) == 0;
}

#ifdef __cplusplus
}
#endif
#endif
