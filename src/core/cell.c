/* SPDX-License-Identifier: Apache-2.0 */
/* cell.c: threads' records, and the cells of leases in them.
 *
 * A cell is opened by its owner only, under M, while its entry is LIVE (here), and closed by the retirer only, under M
 * (here, for retire.c). Between the two, pins and give-backs change its word without a lock: hit.h.
 * Who opens a cell enters its record's number at the head of the entry's list, in the same section of M. So a retirer finds
 * every open cell, and looks at no other: not at threads that never had this entry, nor at records of those that ended. */
#include "core/cell.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/region.h"

__thread struct tenure_record_ *tenure_thread_ __attribute__((tls_model("initial-exec")));

static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static bool exit_key_made;

static void thread_exits(void *pointer)
{
	struct tn_record *record = pointer;

	tenure_thread_ = NULL; /* later destructors of this thread go without a record */
	TN_FAULT("record.exiting");
	tn_lock();
	record->next_free = tn_core.free_records;
	tn_core.free_records = record;
	tn_unlock();
	TN_FAULT("record.freed");
}

static void make_exit_key(void)
{
	exit_key_made = pthread_key_create(&exit_key, thread_exits) == 0;
}

/* Room for one more record's number. False: no memory. */
static bool reserve_number(void)
{
	struct tn_record **bigger, **old;
	uint32_t room;

	tn_lock();
	room = tn_core.record_room;
	if (tn_core.record_count + 1 < room) {
		tn_unlock();
		return true;
	}
	tn_unlock();
	room = room == 0 ? 64 : 2 * room;
	bigger = room > UINT32_MAX / 4 ? NULL : tn_alloc(room * sizeof(struct tn_record *));
	if (bigger == NULL)
		return false;
	tn_lock();
	old = bigger;
	if (room > tn_core.record_room) {
		old = tn_core.records;
		if (old != NULL)
			memcpy(bigger, old, tn_core.record_room * sizeof(struct tn_record *));
		tn_core.records = bigger;
		tn_core.record_room = room;
	}
	tn_unlock();
	tn_free(old); /* read under M only */
	return true;
}

/* One that a thread has left, or a new one; NULL: no memory. */
static struct tn_record *find_record(void)
{
	struct tn_record *record, *made;

	for (;;) {
		made = tn_alloc_aligned(64, sizeof(*made));
		tn_lock();
		record = tn_core.free_records;
		if (record != NULL) {
			tn_core.free_records = record->next_free;
		} else if (made != NULL && tn_core.record_count + 1 < tn_core.record_room) {
			made->number = ++tn_core.record_count;
			tn_core.records[made->number] = record = made;
			made = NULL;
		}
		tn_unlock();
		if (record != NULL || made == NULL || !reserve_number()) {
			tn_free(made);
			return record;
		}
		tn_free(made);
	}
}

struct tn_record *tn_record_get(void)
{
	struct tn_record *record = (struct tn_record *)tenure_thread_;

	if (record != NULL)
		return record;
	pthread_once(&exit_once, make_exit_key);
	if (!exit_key_made)
		return NULL;
	record = find_record();
	if (record == NULL)
		return NULL;
	if (pthread_setspecific(exit_key, record) != 0) { /* it could not be given back at the thread's end */
		tn_lock();
		record->next_free = tn_core.free_records;
		tn_core.free_records = record;
		tn_unlock();
		return NULL;
	}
	tenure_thread_ = &record->head;
	return record;
}

static struct tn_cells *reserve_cells(void)
{
	struct tn_cells *cells;
	void *memory;
	size_t bytes;

	for (;;) {
		tn_lock();
		cells = tn_region_take_locked(&tn_core.cell_chunks);
		bytes = tn_region_wants_locked(&tn_core.cell_chunks);
		tn_unlock();
		if (cells != NULL)
			return cells;
		memory = tn_region_make(bytes);
		if (memory == NULL)
			return NULL;
		tn_lock();
		if (tn_region_adopt_locked(&tn_core.cell_chunks, memory, bytes))
			memory = NULL;
		tn_unlock();
		if (memory != NULL)
			tn_region_unmake(memory, bytes);
	}
}

bool tn_cell_reserve(uint64_t id, struct tn_cell_room *room)
{
	struct tn_record *record = tn_record_get();
	uint64_t chunk = id >> TENURE_CHUNK_BITS_;

	if (record == NULL)
		return false;
	if (chunk < record->head.chunk_count && record->head.chunks[chunk].cells != NULL)
		return true; /* this thread's own; nobody else changes it */
	if (room->chunk == NULL)
		room->chunk = reserve_cells();
	if (room->chunk == NULL)
		return false;
	if (chunk >= record->head.chunk_count && chunk >= room->count) {
		uint64_t count = 16;

		while (count <= chunk)
			count *= 2;
		tn_free(room->directory);
		room->count = 0;
		room->directory = tn_alloc(count * sizeof(struct tenure_chunk_));
		if (room->directory == NULL)
			return false;
		room->count = count;
	}
	return true;
}

void tn_cell_release_room(struct tn_cell_room *room)
{
	if (room->chunk != NULL) {
		tn_lock();
		tn_region_put_locked(&tn_core.cell_chunks, room->chunk);
		tn_unlock();
	}
	tn_free(room->directory);
	memset(room, 0, sizeof(*room));
}

struct tenure_cell_ *tn_cell_locked(struct tn_entry *entry, struct tn_cell_room *room)
{
	struct tenure_record_ *record = tenure_thread_;
	uint64_t id = entry->head.id, at = id >> TENURE_CHUNK_BITS_;
	struct tn_cells *chunk;

	tn_assert_locked();
	if (record == NULL)
		return NULL;
	if (at >= record->chunk_count) {
		struct tenure_chunk_ *old = record->chunks;

		if (at >= room->count || room->chunk == NULL)
			return NULL;
		if (record->chunk_count != 0)
			memcpy(room->directory, old, record->chunk_count * sizeof(*old));
		record->chunks = room->directory;
		record->chunk_count = room->count;
		room->directory = old; /* nobody but this thread reads it outside M: freed with the room */
		room->count = 0;
	}
	if (record->chunks[at].cells == NULL) {
		chunk = room->chunk;
		if (chunk == NULL)
			return NULL;
		room->chunk = NULL;
		for (uint32_t i = 0; i < TENURE_CHUNK_; i++)
			chunk->cells[i].entry = &tn_core.entry_chunks[at][i].head;
		record->chunks[at].entries = (const char *)tn_core.entry_chunks[at];
		record->chunks[at].cells = chunk->cells;
	}
	return &record->chunks[at].cells[id & (TENURE_CHUNK_ - 1)];
}

static struct tenure_cell_ *cell_of(const struct tn_record *record, const struct tn_entry *entry)
{
	return &record->head.chunks[entry->head.id >> TENURE_CHUNK_BITS_].cells[entry->head.id & (TENURE_CHUNK_ - 1)];
}

/* Whose cell of the entry was opened before this record's. */
static uint32_t *next_of(const struct tn_record *record, const struct tn_entry *entry)
{
	struct tn_cells *chunk = (struct tn_cells *)record->head.chunks[entry->head.id >> TENURE_CHUNK_BITS_].cells;

	return &chunk->next[entry->head.id & (TENURE_CHUNK_ - 1)];
}

void tn_cell_open_locked(struct tenure_cell_ *cell, bool hit)
{
	struct tn_record *record = (struct tn_record *)tenure_thread_;
	struct tn_entry *entry = tn_entry_of(cell);
	uint64_t add = TENURE_ONE_LEASE_ + (hit ? TENURE_HIT_ : 0);

	tn_assert_locked();
	/* Only the owner opens, so a word seen closed stays closed: whatever a closed word counts is void, and a
	 * straggling give-back of an earlier life has done its subtraction here before it brought `shared` down. */
	if (__atomic_load_n(&cell->word, __ATOMIC_RELAXED) & TENURE_OPEN_) {
		__atomic_fetch_add(&cell->word, add, __ATOMIC_ACQUIRE);
		return;
	}
	*next_of(record, entry) = entry->opened;
	entry->opened = record->number;
	__atomic_store_n(&cell->word, TENURE_OPEN_ + add, __ATOMIC_RELAXED);
}

/* Signed: a lease given back twice makes a count negative until that give-back undoes itself (lease.c). */
static uint64_t leases_of(uint64_t word)
{
	return (uint64_t)((int64_t)word >> TENURE_LEASE_SHIFT_);
}

static uint64_t hits_of(uint64_t word)
{
	return (word & (TENURE_ONE_LEASE_ - 1)) >> 1;
}

uint64_t tn_cell_close_all_locked(struct tn_entry *entry)
{
	uint64_t leases = 0, word;

	tn_assert_locked();
	while (entry->opened != 0) {
		struct tn_record *record = tn_core.records[entry->opened];

		word = __atomic_exchange_n(&cell_of(record, entry)->word, 0, __ATOMIC_ACQUIRE);
		leases += leases_of(word);
		tn_function_of(entry)->hits += hits_of(word);
		entry->opened = *next_of(record, entry);
		tn_core.work++;
		TN_FAULT("retire.between_records");
	}
	return leases;
}

void tn_cell_sum_locked(const struct tn_entry *entry, uint64_t *ret_leases, uint64_t *ret_hits)
{
	*ret_leases = *ret_hits = 0;
	for (uint32_t number = entry->opened; number != 0;) {
		struct tn_record *record = tn_core.records[number];
		uint64_t word = __atomic_load_n(&cell_of(record, entry)->word, __ATOMIC_RELAXED);

		*ret_leases += leases_of(word);
		*ret_hits += hits_of(word);
		tn_core.work++;
		number = *next_of(record, entry);
	}
}

void tn_cell_fold_locked(struct tn_entry *entry, struct tenure_cell_ *cell)
{
	uint64_t word = __atomic_load_n(&cell->word, __ATOMIC_RELAXED);

	if ((word & TENURE_OPEN_) && (word & TENURE_HITS_HIGH_)) {
		__atomic_fetch_sub(&cell->word, TENURE_HITS_HIGH_, __ATOMIC_RELAXED);
		tn_function_of(entry)->hits += hits_of(TENURE_HITS_HIGH_);
	}
}

void tn_cell_forget_all(void)
{
	tn_core.free_records = NULL;
	tenure_thread_ = NULL;
	if (exit_key_made)
		pthread_setspecific(exit_key, NULL);
}
