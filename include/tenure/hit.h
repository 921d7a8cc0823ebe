/* SPDX-License-Identifier: Apache-2.0 */
/* hit.h: the hit, inlined into its caller: hash, probe, pin, and giving back.
 *
 * Nothing here is for users: every name ends in '_', and the layouts belong to one soname of the library. tenure.h
 * includes this file, so that tenure_get() on a live resource is some thirty instructions and no call.
 *
 * What a hit reads, and who writes it (M is the core mutex of the library):
 *   tenure_core_.array  the table's slots: {hash, id}. Written under M, read here without a lock. Arrays are never
 *                       freed. A reader may meet a stale or moved slot: it then pins nothing, or the wrong entry,
 *                       which the comparison of keys turns into a miss; a miss looks again under M.
 *   tenure_thread_      this thread's record: its cells, found by entry id. The directory is written by this thread
 *                       only, under M, so this thread reads it plainly.
 *   a cell              one thread's word for one entry. Pin, give-back and close are read-modify-writes of that one
 *                       word, so its modification order decides every race between them.
 *   an entry's head     type-stable memory, never freed. `life`, `expire_at` and `flags` are atomic; the rest is plain
 *                       and written only while every cell of the entry is closed and no lease is out.
 *
 * The word of a cell:   63 ... 31 leases | 30 ... 1 hits | 0 OPEN
 *   pin        fetch_add(LEASE + HIT, acquire)   OPEN in what it returns: a lease. Not OPEN: the counts are void.
 *   give back  fetch_sub(LEASE, release)         OPEN in what it returns: done, and the entry is not touched again.
 *   close      exchange(0, acquire)              by the retirer, under M; moves leases to the entry, hits to stats.
 * Counting hits in the same addition makes statistics free. The topmost bit of the hits sends the owner to the slow
 * path, which folds them away long before they could carry into the leases.
 *
 * Memory order: the release of a give-back and the acquire of a close order every use of the resource before its
 * release. The acquire of a pin is not needed for correctness (this thread opened the cell under M and so has seen
 * the entry of that life); it spares a reader the argument and costs nothing on x86-64. Everything else is relaxed
 * but the id in a slot: acquire, so that the header behind a fresh id is seen. docs/internals/ordering.md argues it. */
#ifndef TENURE_HIT_H
#define TENURE_HIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef TENURE_TENURE_H
#error "include <tenure/tenure.h>, which includes this"
#endif

/* The number of what is laid out here, which compiled programs contain. From the first release on, who changes a layout,
 * the hash or a protocol below gives it the next number, and src/libtenure.map and the soname with it. The library refuses
 * (TENURE_EVERSION) definitions of another number before any hit is inlined: docs/internals/abi.md. */
#define TENURE_LAYOUT_ 1

#define TENURE_LIKELY_(x) __builtin_expect(!!(x), 1)
#define TENURE_UNLIKELY_(x) __builtin_expect(!!(x), 0)

#ifdef TENURE_FAULTS /* builds for the tests: named places where a test can hold a thread */
void tn_fault_at(const char *name);
#define TENURE_FAULT_(name) tn_fault_at(name)
#else
#define TENURE_FAULT_(name) ((void)0)
#endif

#define TENURE_OPEN_ UINT64_C(1)
#define TENURE_HIT_ UINT64_C(2)
#define TENURE_HITS_HIGH_ (UINT64_C(1) << 30)
#define TENURE_LEASE_SHIFT_ 31
#define TENURE_ONE_LEASE_ (UINT64_C(1) << TENURE_LEASE_SHIFT_)

enum {
	TENURE_CHUNK_BITS_ = 8, /* cells in a chunk of a thread's directory: 2^8 */
	TENURE_CHUNK_ = 1 << TENURE_CHUNK_BITS_,
	TENURE_ENTRY_SIZE_ = 192, /* bytes of an entry, of which the head is the first */
	TENURE_BUCKET_ = 4, /* slots that are looked at together: one cache line */
	TENURE_SMALL_KEY_ = 8, /* bytes; a key up to that stands in the entry */
};

/* Bits of an entry's flags. A hit goes on only when they are exactly WARM: anything else is for the slow path, or a
 * bit to set. */
enum {
	TENURE_VISITED_ = 1, /* for the hand of the eviction */
	TENURE_USED_ = 2, /* for the idle deadline */
	TENURE_WARM_ = TENURE_VISITED_ | TENURE_USED_,
	TENURE_RECORDING_ = 4, /* has messages to replay; set before publication, stays for the life */
	TENURE_STALE_ = 8, /* past its ttl, and being refreshed */
};

enum { TENURE_LIVE_ = 2 }; /* of an entry's states, the one that is in service */

struct tenure_cell_ {
	uint64_t word; /* atomic */
	struct tenure_entry_ *entry; /* constant: an id never changes its header */
};

struct tenure_slot_ {
	uint64_t hash; /* atomic, relaxed; written under M */
	uint64_t id; /* atomic, stored with release; 0: empty; written under M */
};

#if defined(__cplusplus) && defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc99-extensions"
#endif
struct tenure_array_ {
	uint64_t mask; /* slots - 1; constant */
	uint64_t unused_[7]; /* so that each bucket is one cache line */
	__extension__ struct tenure_slot_ slots[];
};
#if defined(__cplusplus) && defined(__clang__)
#pragma clang diagnostic pop
#endif

/* The part of an entry that a hit reads: one cache line. */
struct tenure_entry_ {
	int64_t expire_at; /* atomic, relaxed: the earliest moment at which a hit must take the slow path */
	uint64_t life; /* atomic, relaxed: number of this life, unique in the process and never 0 */
	uint64_t hash; /* of the base key */
	const void *function; /* the tenure_state_ whose resource this is */
	void *resource;
	union { /* canonical bytes; by tenure_key_of_() */
		const unsigned char *key;
		unsigned char small_key[TENURE_SMALL_KEY_];
	};
	uint32_t key_size;
	uint32_t id; /* constant */
	uint8_t flags; /* atomic, relaxed */
	uint8_t state; /* atomic; written under M by entry.c only */
};

/* What a hit needs of a function: the head of the library's own structure, never freed. */
struct tenure_state_ {
	uint64_t seed; /* constant */
	const int64_t *now; /* the cached time of its cache: atomic, relaxed */
};

/* A thread's cells of TENURE_CHUNK_ entries, and those entries. */
struct tenure_chunk_ {
	struct tenure_cell_ *cells; /* NULL where this thread has touched none */
	const char *entries; /* TENURE_ENTRY_SIZE_ bytes each */
};

/* The part of a thread's record that a hit reads; owned by the thread. */
struct tenure_record_ {
	struct tenure_chunk_ *chunks; /* by id / TENURE_CHUNK_ */
	uint64_t chunk_count;
};

struct tenure_core_ {
	struct tenure_array_ *array; /* atomic, stored with release under M; never NULL */
	uint64_t oldest_life; /* atomic, relaxed: lives below belong to the parent of a forked process */
};

#define TENURE_DATA_ extern __attribute__((visibility("default")))
TENURE_DATA_ struct tenure_core_ tenure_core_;
TENURE_DATA_ __thread struct tenure_record_ *tenure_thread_ __attribute__((tls_model("initial-exec")));

/* ---- hashing: only an index into the table, since keys are compared in full; seeded for each function */

__extension__ typedef unsigned __int128 tenure_u128_;

static inline uint64_t tenure_fold_(uint64_t a, uint64_t b)
{
	tenure_u128_ product = (tenure_u128_)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t tenure_read8_(const unsigned char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t tenure_read4_(const unsigned char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

#define TENURE_MIX_1_ UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio; any odd, well mixed constants do */
#define TENURE_MIX_2_ UINT64_C(0xd1342543de82ef95)
#define TENURE_MIX_3_ UINT64_C(0xc2b2ae3d27d4eb4f)

/* One 64-bit word of a key into the hash. */
static inline uint64_t tenure_mix_word_(uint64_t hash, uint64_t word)
{
	return tenure_fold_(hash ^ word, TENURE_MIX_1_);
}

/* `size` bytes and their number into the hash. Both factors of every product depend on the secret seed: who chooses the
 * bytes can make neither zero, nor two products equal, whatever the seed is. */
static inline uint64_t tenure_mix_bytes_(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *p = (const unsigned char *)data;
	uint64_t a, b, secret = hash; /* known earlier than what follows, so that it costs no time */

	hash = tenure_mix_word_(hash, size);
	if (size > 16) {
		const unsigned char *end = p + size, *rest = size > 32 ? end - 32 : p;
		uint64_t other = hash, turned = secret << 32 | secret >> 32; /* no xor leads from one lane to the other */

		for (; end - p > 32; p += 32) {
			hash = tenure_fold_(tenure_read8_(p) ^ secret, tenure_read8_(p + 8) ^ hash);
			other = tenure_fold_(tenure_read8_(p + 16) ^ turned, tenure_read8_(p + 24) ^ other);
		}
		/* the last 17 to 32 bytes, from both ends; of longer data the last 32, some of them again */
		hash = tenure_fold_(tenure_read8_(rest) ^ secret, tenure_read8_(rest + 8) ^ hash);
		return hash ^ tenure_fold_(tenure_read8_(end - 16) ^ turned, tenure_read8_(end - 8) ^ other);
	}
	if (size >= 8) {
		a = tenure_read8_(p);
		b = tenure_read8_(p + size - 8);
	} else if (size >= 4) {
		a = tenure_read4_(p);
		b = tenure_read4_(p + size - 4);
	} else if (size > 0) {
		a = (uint64_t)p[0] << 16 | (uint64_t)p[size / 2] << 8 | p[size - 1];
		b = 0;
	} else {
		a = b = 0;
	}
	return tenure_fold_(a ^ secret, b ^ hash);
}

/* ---- pin and give back */

/* This thread's cell of the entry with this id, or NULL. */
static inline struct tenure_cell_ *tenure_cell_of_(uint64_t id)
{
	struct tenure_record_ *record = tenure_thread_;
	uint64_t number = id >> TENURE_CHUNK_BITS_, at = id & (TENURE_CHUNK_ - 1);
	struct tenure_chunk_ *chunk;

	if (TENURE_UNLIKELY_(record == NULL || number >= record->chunk_count))
		return NULL;
	chunk = &record->chunks[number];
	if (TENURE_UNLIKELY_(chunk->cells == NULL))
		return NULL;
	/* The cell names its entry, but among many entries both are far away: ask for both at once. */
	__builtin_prefetch(chunk->entries + at * TENURE_ENTRY_SIZE_);
	return &chunk->cells[at];
}

/* Where the key of a pinned entry is. */
static inline const unsigned char *tenure_key_of_(const struct tenure_entry_ *entry)
{
	return entry->key_size <= TENURE_SMALL_KEY_ ? entry->small_key : entry->key;
}

/* The part of a give-back that is not the common case: the cell was closed, or counts no lease. `old` is what the
 * subtraction returned. 0, or TENURE_ENOTHELD with the subtraction undone. */
TENURE_API int tenure_give_back_slowly_(struct tenure_cell_ *cell, uint64_t old);

/* Give back one lease that this cell counts, or counted until it was closed. Touches nothing after its own
 * subtraction while the cell is open. 0, or TENURE_ENOTHELD. */
static inline int tenure_unpin_(struct tenure_cell_ *cell)
{
	uint64_t old = __atomic_fetch_sub(&cell->word, TENURE_ONE_LEASE_, __ATOMIC_RELEASE);

	if (TENURE_LIKELY_((old & TENURE_OPEN_) && old >= TENURE_ONE_LEASE_))
		return 0;
	return tenure_give_back_slowly_(cell, old);
}

/* Likewise for a pin that did not become a hit. `old` is what its subtraction returned. */
TENURE_API void tenure_unpin_miss_slowly_(struct tenure_cell_ *cell, uint64_t old);

/* Undo a pin that did not become a hit: its lease, and its part in the count of hits. */
static inline void tenure_unpin_miss_(struct tenure_cell_ *cell)
{
	uint64_t old = __atomic_fetch_sub(&cell->word, TENURE_ONE_LEASE_ + TENURE_HIT_, __ATOMIC_RELEASE);

	if (TENURE_UNLIKELY_(!(old & TENURE_OPEN_) || old < TENURE_ONE_LEASE_))
		tenure_unpin_miss_slowly_(cell, old);
}

/* One lease on the cell's entry if the cell is open; else false, with nothing left to undo. */
static inline bool tenure_pin_cell_(struct tenure_cell_ *cell)
{
	uint64_t old = __atomic_fetch_add(&cell->word, TENURE_ONE_LEASE_ + TENURE_HIT_, __ATOMIC_ACQUIRE);

	TENURE_FAULT_("hit.pinned");
	if (TENURE_LIKELY_((old & (TENURE_OPEN_ | TENURE_HITS_HIGH_)) == TENURE_OPEN_))
		return true;
	if (old & TENURE_OPEN_) /* the hits want folding: the slow path does it */
		tenure_unpin_miss_(cell);
	return false;
}

/* The id of the first slot with this hash, from the start of its bucket on; 0: none. Bounded: slots that move under a reader
 * must not make it walk in circles. */
static inline uint64_t tenure_probe_(struct tenure_array_ *array, uint64_t hash)
{
	uint64_t mask = array->mask, at = hash & mask & ~(uint64_t)(TENURE_BUCKET_ - 1), end = at + mask + 1;

	for (; at < end; at++) {
		struct tenure_slot_ *slot = &array->slots[at & mask];
		uint64_t id = __atomic_load_n(&slot->id, __ATOMIC_ACQUIRE);

		if (id == 0 || __atomic_load_n(&slot->hash, __ATOMIC_RELAXED) == hash)
			return id;
	}
	return 0;
}

/* Probe for the hash and pin what stands there. NULL: the slow path looks again. The caller compares function and
 * key, and unpins what is not its own. */
static inline struct tenure_cell_ *tenure_pin_(uint64_t hash)
{
	struct tenure_array_ *array = __atomic_load_n(&tenure_core_.array, __ATOMIC_ACQUIRE);
	struct tenure_slot_ *slot = &array->slots[hash & array->mask & ~(uint64_t)(TENURE_BUCKET_ - 1)];
	struct tenure_cell_ *cell;
	uint64_t id, second, third, fourth;

	/* Which of the bucket's slots it is, without a branch: among many entries nobody could foresee it, and who
	 * guesses wrong waits for the memory. */
	second = __atomic_load_n(&slot[1].hash, __ATOMIC_RELAXED) == hash;
	third = __atomic_load_n(&slot[2].hash, __ATOMIC_RELAXED) == hash;
	fourth = __atomic_load_n(&slot[3].hash, __ATOMIC_RELAXED) == hash;
	slot += (second | fourth) + 2 * (third | fourth);
	id = __atomic_load_n(&slot->id, __ATOMIC_ACQUIRE);
	if (TENURE_UNLIKELY_(__atomic_load_n(&slot->hash, __ATOMIC_RELAXED) != hash || id == 0)) {
		id = tenure_probe_(array, hash);
		if (id == 0)
			return NULL;
	}
	TENURE_FAULT_("hit.probed");
	cell = tenure_cell_of_(id);
	return cell != NULL && tenure_pin_cell_(cell) ? cell : NULL;
}

/* May a hit hand out this pinned entry without the slow path? Marks it as used. */
static inline bool tenure_warm_(struct tenure_entry_ *entry, const struct tenure_state_ *state)
{
	uint8_t flags = __atomic_load_n(&entry->flags, __ATOMIC_RELAXED);

	if (TENURE_UNLIKELY_(__atomic_load_n(&entry->expire_at, __ATOMIC_RELAXED) <=
			     __atomic_load_n(state->now, __ATOMIC_RELAXED)))
		return false;
	if (TENURE_UNLIKELY_(flags != TENURE_WARM_)) {
		if (flags & ~TENURE_WARM_)
			return false;
		__atomic_fetch_or(&entry->flags, TENURE_WARM_, __ATOMIC_RELAXED); /* another bit may come meanwhile */
	}
	return true;
}

/* The lease of a pinned cell, for the caller. */
static inline void tenure_hand_out_(tenure_lease *lease, struct tenure_cell_ *cell)
{
	lease->resource = cell->entry->resource;
	lease->cell_ = cell;
	lease->stamp_ = __atomic_load_n(&cell->entry->life, __ATOMIC_RELAXED);
}

static inline int tenure_give_back_(tenure_lease *lease)
{
	struct tenure_cell_ *cell = (struct tenure_cell_ *)lease->cell_;
	int result;

	if (cell == NULL)
		return 0;
	if (TENURE_UNLIKELY_(lease->stamp_ != __atomic_load_n(&cell->entry->life, __ATOMIC_RELAXED) ||
			     lease->stamp_ < __atomic_load_n(&tenure_core_.oldest_life, __ATOMIC_RELAXED)))
		return tenure_lease_give_back(lease);
	result = tenure_unpin_(cell);
	if (TENURE_LIKELY_(result == 0)) {
		lease->resource = lease->cell_ = NULL;
		lease->stamp_ = 0;
	}
	return result;
}

/* A prepared key remembers which entry it last led to: no hash, no probe, no comparison of keys, since a life has one.
 * False: the slow path. The lease is empty, and the key is the function's. */
static inline bool tenure_hit_key_(tenure_lease *lease, tenure_key *key)
{
	const struct tenure_state_ *state = (const struct tenure_state_ *)key->function_;
	struct tenure_cell_ *cell = tenure_cell_of_(__atomic_load_n(&key->id_, __ATOMIC_RELAXED));

	if (TENURE_UNLIKELY_(cell == NULL || !tenure_pin_cell_(cell)))
		return false;
	if (TENURE_LIKELY_(__atomic_load_n(&cell->entry->life, __ATOMIC_RELAXED) ==
			   __atomic_load_n(&key->life_, __ATOMIC_RELAXED) &&
			   tenure_warm_(cell->entry, state))) {
		tenure_hand_out_(lease, cell);
		return true;
	}
	tenure_unpin_miss_(cell);
	return false;
}

/* Is there a resource in service for this key, right now? Its address, counted as a hit, or NULL: ask
 * tenure_get_key(), which finds out (NULL also: it has to replay messages, to validate, or is NULL itself). No lease:
 * nothing is held, nothing is written that another thread's hit touches.
 *
 * For a runtime with one global lock, such as Python's. The caller must
 *   - hold a lock G that the function's release takes before it lets go of the resource, and that orders clears: who
 *     clears holds G at some moment after the clear and before it tells anybody;
 *   - take a reference of its own, one that outlives G, before it lets go of G;
 *   - have led the key to a resource before, by tenure_get_key(); until then, and after a fork(), the answer is NULL;
 *   - not close the key's cache at the same time.
 * Why that is enough. A resource that was handed over to its release before the caller took G: then so were its
 * retirement, which changed the state, and perhaps its end, which took the life away; the release took and left G after
 * that, so this thread sees it and says NULL. One that is handed over later: its release waits for G, and finds the
 * caller's reference. A clear that is over is seen in the same way; one under way may or may not count, as for any hit.
 * Expiry, idleness and capacity need no G: what this thread does not see yet is a hit just before.
 * The address itself: entries are never freed, so `entry_` can be read at any time. A key may be led elsewhere meanwhile,
 * but lives are unique, so only the entry of this very life passes. `life_` is read with acquire, after whose store the
 * resource of that life stood; `resource` and `state` with acquire, so that those of a later life would bring it along. */
static inline void *tenure_key_live(tenure_key *key)
{
	uint64_t life = __atomic_load_n(&key->life_, __ATOMIC_ACQUIRE);
	struct tenure_entry_ *entry = __atomic_load_n(&key->entry_, __ATOMIC_ACQUIRE);
	void *resource;

	if (TENURE_UNLIKELY_(entry == NULL || life < __atomic_load_n(&tenure_core_.oldest_life, __ATOMIC_RELAXED)))
		return NULL;
	resource = __atomic_load_n(&entry->resource, __ATOMIC_ACQUIRE);
	TENURE_FAULT_("live.resource_read");
	if (TENURE_UNLIKELY_(__atomic_load_n(&entry->state, __ATOMIC_ACQUIRE) != TENURE_LIVE_ ||
			     __atomic_load_n(&entry->life, __ATOMIC_RELAXED) != life || resource == NULL ||
			     !tenure_warm_(entry, (const struct tenure_state_ *)key->function_)))
		return NULL;
	/* No read-modify-write: G lets one thread in at a time. */
	__atomic_store_n(&key->hits_, __atomic_load_n(&key->hits_, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
	return resource;
}

static inline int tenure_get_key_(tenure_function *function, tenure_lease *lease, tenure_key *key)
{
	if (TENURE_LIKELY_(lease != NULL && lease->cell_ == NULL && key != NULL &&
			   key->function_ == __atomic_load_n(&function->state_[0], __ATOMIC_RELAXED)) &&
	    TENURE_LIKELY_(tenure_hit_key_(lease, key)))
		return 0; /* TENURE_HIT */
	return tenure_function_get_key(function, INT64_MAX, lease, key);
}

/* ---- one parameter into the hash, and compared with its part of a key. The key: a word for each keyed parameter (the
 * scalar, or the size of its tail), then the tails in the same order. */

enum {
	TENURE_LEAF_MOST_ = 4096, /* bytes; longer leaves enter as a digest, longer keys too: not here */
};
#define TENURE_DIGESTED_ (UINT32_C(1) << 31) /* in key_size: the key is {size, digest} */

#define TENURE_SCALARS_(M) \
	M(bool, bool) M(char, char) M(signed char, schar) M(unsigned char, uchar) M(short, short) \
	M(unsigned short, ushort) M(int, int) M(unsigned, uint) M(long, long) M(unsigned long, ulong) \
	M(long long, llong) M(unsigned long long, ullong) M(float, float) M(double, double)
#define TENURE_MIXER_(type, tag) type: tenure_mix_##tag##_,
#define TENURE_SAMER_(type, tag) type: tenure_same_##tag##_,

static inline uint64_t tenure_real_word_(double real)
{
	uint64_t word;

	memcpy(&word, &real, sizeof(word));
	return word;
}

#define TENURE_SCALAR_(type, tag, word) \
	static inline bool tenure_mix_##tag##_(const type *value, uint64_t *hash, size_t *size) \
	{ \
		(void)size; \
		*hash = tenure_mix_word_(*hash, word); \
		return true; \
	} \
	static inline bool tenure_same_##tag##_(const type *value, size_t size, const unsigned char **at, \
						const unsigned char **tail) \
	{ \
		(void)size, (void)tail; \
		*at += 8; \
		return tenure_read8_(*at - 8) == (word); \
	}
TENURE_SCALAR_(bool, bool, (uint64_t)*value)
TENURE_SCALAR_(char, char, (uint64_t)(int64_t)*value)
TENURE_SCALAR_(signed char, schar, (uint64_t)(int64_t)*value)
TENURE_SCALAR_(unsigned char, uchar, (uint64_t)*value)
TENURE_SCALAR_(short, short, (uint64_t)(int64_t)*value)
TENURE_SCALAR_(unsigned short, ushort, (uint64_t)*value)
TENURE_SCALAR_(int, int, (uint64_t)(int64_t)*value)
TENURE_SCALAR_(unsigned, uint, (uint64_t)*value)
TENURE_SCALAR_(long, long, (uint64_t)(int64_t)*value)
TENURE_SCALAR_(unsigned long, ulong, (uint64_t)*value)
TENURE_SCALAR_(long long, llong, (uint64_t)(int64_t)*value)
TENURE_SCALAR_(unsigned long long, ullong, (uint64_t)*value)
TENURE_SCALAR_(float, float, tenure_real_word_((double)*value))
TENURE_SCALAR_(double, double, tenure_real_word_(*value))

static inline bool tenure_same_bytes_(const void *left, const void *right, size_t size)
{
	const unsigned char *a = (const unsigned char *)left, *b = (const unsigned char *)right;
	uint64_t differ = 0;

	if (size < 8)
		return memcmp(a, b, size) == 0;
	for (; size > 16; size -= 8, a += 8, b += 8)
		differ |= tenure_read8_(a) ^ tenure_read8_(b);
	if (size > 8) { /* the rest, from its end */
		differ |= tenure_read8_(a) ^ tenure_read8_(b);
		a += size - 8;
		b += size - 8;
	}
	return (differ | (tenure_read8_(a) ^ tenure_read8_(b))) == 0;
}

static inline bool tenure_mix_tail_(const void *data, size_t length, uint64_t *hash, size_t *size)
{
	*size = length;
	if (TENURE_UNLIKELY_(length > TENURE_LEAF_MOST_))
		return false;
	*hash = tenure_mix_bytes_(*hash, data, length);
	return true;
}

static inline bool tenure_same_tail_(const void *data, size_t size, const unsigned char **at,
				     const unsigned char **tail)
{
	if (tenure_read8_(*at) != size)
		return false;
	*at += 8;
	*tail += size;
	return tenure_same_bytes_(data, *tail - size, size);
}

static inline bool tenure_mix_text_(const void *value, uint64_t *hash, size_t *size)
{
	const char *text = *(const char *const *)value;

	return TENURE_LIKELY_(text != NULL) && tenure_mix_tail_(text, strlen(text), hash, size);
}

static inline bool tenure_same_text_(const void *value, size_t size, const unsigned char **at,
				     const unsigned char **tail)
{
	return tenure_same_tail_(*(const char *const *)value, size, at, tail);
}

static inline bool tenure_mix_blob_(const tenure_bytes *value, uint64_t *hash, size_t *size)
{
	return TENURE_LIKELY_(value->data != NULL || value->size == 0) &&
	       tenure_mix_tail_(value->data, value->size, hash, size);
}

static inline bool tenure_same_blob_(const tenure_bytes *value, size_t size, const unsigned char **at,
				     const unsigned char **tail)
{
	return tenure_same_tail_(value->data, size, at, tail);
}

/* Values and types of the user's own: the library builds their key. */
static inline bool tenure_mix_not_(const void *value, uint64_t *hash, size_t *size)
{
	(void)value, (void)hash, (void)size;
	return false;
}

static inline bool tenure_same_not_(const void *value, size_t size, const unsigned char **at,
				    const unsigned char **tail)
{
	(void)value, (void)size, (void)at, (void)tail;
	return false;
}

#endif
