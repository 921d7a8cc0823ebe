/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: from the hash of a key to the id of its entry.
 *
 * Open addressing, linear probing from the start of a bucket of four, slots of {hash, id}, at most three quarters full.
 * Writers hold M. Readers hold nothing and need no protection:
 *   - a slot that is being moved or filled may show the hash of one key beside the id of another: the reader then pins
 *     an entry whose key differs, gives it back, and looks again under M;
 *   - one that is moved behind a reader's back is missed: the same;
 *   - a grown table is a new array, published whole; who reads the old one sees an old state, and from some moment on
 *     zeroes, since its pages go back to the kernel while the addresses stay. So arrays are never unmapped. */
#include "core/table.h"

#include <string.h>

#include "base/fault.h"
#include "base/map.h"

enum { FIRST_SLOTS = 256 };

/* An empty table: one bucket that says "nobody". */
static uint64_t nothing[8 + 2 * TENURE_BUCKET_] __attribute__((aligned(64))) = { TENURE_BUCKET_ - 1 };

struct tenure_core_ tenure_core_ = { .array = (struct tenure_array_ *)nothing };

#define NOTHING ((struct tenure_array_ *)nothing)

static struct tenure_array_ *array_locked(void)
{
	return __atomic_load_n(&tenure_core_.array, __ATOMIC_RELAXED);
}

static size_t bytes_of(uint64_t slots)
{
	return sizeof(struct tenure_array_) + slots * sizeof(struct tenure_slot_);
}

/* Writers are alone, so they may read relaxed what they wrote. */
static uint64_t id_at(const struct tenure_slot_ *slot)
{
	return __atomic_load_n(&slot->id, __ATOMIC_RELAXED);
}

static uint64_t hash_at(const struct tenure_slot_ *slot)
{
	return __atomic_load_n(&slot->hash, __ATOMIC_RELAXED);
}

static void fill(struct tenure_slot_ *slot, uint64_t hash, uint64_t id)
{
	__atomic_store_n(&slot->hash, hash, __ATOMIC_RELAXED);
	/* Release: who reads this id finds the header it belongs to. */
	__atomic_store_n(&slot->id, id, __ATOMIC_RELEASE);
}

/* The first slot of its bucket. */
static uint64_t home_of(const struct tenure_array_ *array, uint64_t hash)
{
	return hash & array->mask & ~(uint64_t)(TENURE_BUCKET_ - 1);
}

static void insert_into(struct tenure_array_ *array, uint64_t hash, uint64_t id)
{
	uint64_t at = home_of(array, hash);

	while (id_at(&array->slots[at]) != 0)
		at = (at + 1) & array->mask;
	fill(&array->slots[at], hash, id);
}

static void move_locked(struct tenure_array_ *array)
{
	struct tenure_array_ *old = array_locked();

	for (uint64_t i = 0; i <= old->mask; i++) {
		if (id_at(&old->slots[i]) != 0)
			insert_into(array, hash_at(&old->slots[i]), id_at(&old->slots[i]));
	}
	__atomic_store_n(&tenure_core_.array, array, __ATOMIC_RELEASE);
}

static bool has_room_locked(void)
{
	uint64_t slots = array_locked()->mask + 1;

	return array_locked() != NOTHING && tn_core.table_count + tn_core.table_reserved < slots / 4 * 3;
}

bool tn_table_reserve(void)
{
	struct tenure_array_ *array, *old;
	uint64_t slots;

	for (;;) {
		tn_lock();
		if (has_room_locked()) {
			tn_core.table_reserved++;
			tn_unlock();
			return true;
		}
		slots = array_locked() == NOTHING ? FIRST_SLOTS : 2 * (array_locked()->mask + 1);
		tn_unlock();

		array = tn_map(bytes_of(slots));
		if (array == NULL)
			return false;
		array->mask = slots - 1;
		tn_lock();
		old = array; /* another thread may have been quicker */
		if (!has_room_locked() && slots > array_locked()->mask + 1) {
			old = array_locked();
			move_locked(array);
		}
		tn_unlock();
		if (old != NOTHING)
			tn_map_empty(old, bytes_of(old->mask + 1));
	}
}

void tn_table_give_room_back_locked(void)
{
	tn_core.table_reserved--;
}

static struct tn_entry *entry_of(uint64_t id)
{
	return &tn_core.entry_chunks[id >> TENURE_CHUNK_BITS_][id & (TENURE_CHUNK_ - 1)];
}

struct tn_entry *tn_table_find_locked(const struct tn_function *function, uint64_t hash, const unsigned char *key,
				      uint32_t key_size)
{
	struct tenure_array_ *array = array_locked();

	tn_assert_locked();
	for (uint64_t at = home_of(array, hash);; at = (at + 1) & array->mask) {
		uint64_t id = id_at(&array->slots[at]);
		struct tn_entry *entry;

		if (id == 0)
			return NULL;
		if (hash_at(&array->slots[at]) != hash)
			continue;
		entry = entry_of(id);
		if (entry->head.function == &function->state && entry->head.key_size == key_size &&
		    memcmp(tenure_key_of_(&entry->head), key, key_size & ~TENURE_DIGESTED_) == 0)
			return entry;
	}
}

void tn_table_insert_locked(struct tn_entry *entry)
{
	TN_CHECK(tn_core.table_reserved > 0);
	tn_core.table_reserved--;
	tn_core.table_count++;
	insert_into(array_locked(), entry->head.hash, entry->head.id);
}

/* Close the gap at `hole`: each later slot of the run moves back if its home allows (Knuth, TAOCP 3, 6.4 R). */
static void close_gap(struct tenure_array_ *array, uint64_t hole)
{
	for (uint64_t at = (hole + 1) & array->mask;; at = (at + 1) & array->mask) {
		struct tenure_slot_ *slot = &array->slots[at];
		uint64_t home;

		if (id_at(slot) == 0)
			break;
		home = home_of(array, hash_at(slot));
		if (((at - home) & array->mask) < ((at - hole) & array->mask))
			continue; /* it would move before its home */
		fill(&array->slots[hole], hash_at(slot), id_at(slot));
		hole = at;
	}
	__atomic_store_n(&array->slots[hole].id, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&array->slots[hole].hash, 0, __ATOMIC_RELAXED); /* a hit looks at the hashes first */
}

void tn_table_replace_locked(struct tn_entry *from, struct tn_entry *to)
{
	struct tenure_array_ *array = array_locked();
	uint64_t at = home_of(array, from->head.hash);

	tn_assert_locked();
	while (id_at(&array->slots[at]) != from->head.id) {
		TN_CHECK(id_at(&array->slots[at]) != 0);
		at = (at + 1) & array->mask;
	}
	if (to != NULL) {
		fill(&array->slots[at], to->head.hash, to->head.id);
		return;
	}
	tn_core.table_count--;
	close_gap(array, at);
}

void tn_table_start(void)
{
	tn_core.table_count = tn_core.table_reserved = 0;
	__atomic_store_n(&tenure_core_.array, NOTHING, __ATOMIC_RELEASE);
}
