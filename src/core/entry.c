/* SPDX-License-Identifier: Apache-2.0 */
/* entry.c: the states of one resource. Only this file changes an entry's state and hands it over to release.
 *
 * Headers are made 256 at a time and never freed: a reader with a stale id always finds a header, and a give-back
 * always finds its word. Ids are indexes of headers, go up, and in a forked child go on after the parent's. */
#include "core/entry.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "core/object.h"
#include "core/outbox.h"

_Static_assert((int)TN_LIVE == (int)TENURE_LIVE_, "hit.h knows one state");
enum { RELEASING_BUCKETS = sizeof(tn_core.releasing) / sizeof(tn_core.releasing[0]) };

/* For tenure_key_live(), which reads without a pin: whoever sees this resource sees its life too, or a later one. */
static void set_resource(struct tn_entry *entry, void *resource)
{
	__atomic_store_n(&entry->head.resource, resource, __ATOMIC_RELEASE);
}

static void set_state(struct tn_entry *entry, enum tn_state from, enum tn_state to)
{
	tn_assert_locked();
	TN_CHECK(entry->head.state == from);
	__atomic_store_n(&entry->head.state, (uint8_t)to, __ATOMIC_RELEASE); /* likewise */
}

/* ---- headers */

_Static_assert(sizeof(struct tn_entry) == TENURE_ENTRY_SIZE_, "hit.h finds entries by their size");
_Static_assert(sizeof(struct tenure_entry_) == 64, "a head is one cache line, the entry's own bytes at its end");

static void adopt_chunk_locked(struct tn_entry *chunk)
{
	uint64_t base = tn_core.entry_chunk_count++ << TENURE_CHUNK_BITS_;

	tn_core.entry_chunks[base >> TENURE_CHUNK_BITS_] = chunk;
	for (uint32_t i = TENURE_CHUNK_; i-- > 0;) {
		chunk[i].head.id = (uint32_t)(base + i);
		chunk[i].grant.entry = &chunk[i].head;
		if (base + i == 0)
			continue; /* id 0 says in the table that a slot is empty */
		chunk[i].next_free = tn_core.free_entries;
		tn_core.free_entries = &chunk[i];
	}
}

/* Room in the directory of headers for one more chunk. */
static bool reserve_directory(void)
{
	struct tn_entry **bigger, **old;
	uint64_t room;

	tn_lock();
	room = tn_core.entry_chunk_room;
	if (tn_core.entry_chunk_count < room) {
		tn_unlock();
		return true;
	}
	tn_unlock();
	room = room == 0 ? 16 : 2 * room;
	bigger = tn_alloc(room * sizeof(struct tn_entry *));
	if (bigger == NULL)
		return false;
	tn_lock();
	old = bigger;
	if (room > tn_core.entry_chunk_room) {
		old = tn_core.entry_chunks;
		if (old != NULL)
			memcpy(bigger, old, tn_core.entry_chunk_count * sizeof(struct tn_entry *));
		tn_core.entry_chunks = bigger;
		tn_core.entry_chunk_room = room;
	}
	tn_unlock();
	tn_free(old); /* read under M only */
	return true;
}

struct tn_entry *tn_entry_reserve(void)
{
	struct tn_entry *entry;
	void *memory;
	size_t bytes;

	for (;;) {
		tn_lock();
		if (tn_core.free_entries == NULL && tn_core.entry_chunk_count < tn_core.entry_chunk_room) {
			memory = tn_region_take_locked(&tn_core.headers);
			if (memory != NULL)
				adopt_chunk_locked(memory);
		}
		entry = tn_core.free_entries;
		if (entry != NULL)
			tn_core.free_entries = entry->next_free;
		bytes = tn_region_wants_locked(&tn_core.headers);
		tn_unlock();
		if (entry != NULL)
			return entry;
		if (!reserve_directory())
			return NULL;
		memory = tn_region_make(bytes);
		if (memory == NULL)
			return NULL;
		tn_lock();
		if (tn_region_adopt_locked(&tn_core.headers, memory, bytes))
			memory = NULL;
		tn_unlock();
		if (memory != NULL)
			tn_region_unmake(memory, bytes);
	}
}

void tn_entry_put_locked(struct tn_entry *entry)
{
	TN_CHECK(tn_entry_is(entry, TN_FREE));
	entry->next_free = tn_core.free_entries;
	tn_core.free_entries = entry;
}

/* ---- whose entry it is */

static void add_counters_locked(struct tn_function *to, const struct tn_function *from)
{
	to->hits += from->hits;
	to->waits += from->waits;
	to->misses += from->misses;
	to->creations += from->creations;
	to->failures += from->failures;
	to->abandoned += from->abandoned;
	to->release_failures += from->release_failures;
	to->refreshes += from->refreshes;
	to->creation_time += from->creation_time;
	for (int i = 0; i < TN_CAUSES; i++)
		to->causes[i] += from->causes[i];
}

void tn_function_put_locked(struct tn_function *function)
{
	while (function != NULL) {
		struct tn_function *parent = function->parent;

		if (function->closed && function->cache != NULL)
			tn_cond_broadcast(&function->cache->settled); /* forget waits for it */
		if (--function->users != 0)
			return;
		if (parent != NULL)
			add_counters_locked(parent, function);
		tn_list_remove(&function->in_cache);
		tn_list_remove(&function->in_core);
		tn_list_remove(&function->in_parent);
		tn_list_remove(&function->in_session);
		tn_pool_put_locked(&tn_core.function_pool, function);
		function = parent;
	}
}

/* ---- the arrows */

void tn_entry_begin_locked(struct tn_entry *entry, struct tn_function *function, uint64_t hash,
			   const unsigned char *key, uint32_t key_size, tenure_call *flight)
{
	set_state(entry, TN_FREE, TN_CREATING);
	__atomic_store_n(&entry->head.life, ++tn_core.next_life, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->head.flags, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->head.expire_at, TN_NEVER, __ATOMIC_RELAXED);
	entry->head.hash = hash;
	entry->head.function = &function->state;
	function->users++;
	set_resource(entry, NULL);
	if (key_size <= TENURE_SMALL_KEY_)
		memcpy(entry->head.small_key, key, key_size);
	else
		entry->head.key = key;
	entry->head.key_size = key_size;
	entry->object = NULL;
	entry->recording = NULL;
	entry->flight = flight;
	entry->last = entry->counted = false;
	entry->opened = 0;
	entry->cause = TN_CAUSES; /* none yet */
	entry->ready_at = TN_NEVER; /* likewise */
	entry->creation_time = 0;
	tn_list_init(&entry->in_function);
}

void tn_entry_count_out_locked(struct tn_entry *entry)
{
	struct tn_function *function = tn_function_of(entry);

	if (!entry->counted) {
		entry->counted = true;
		entry->counted_at = ++tn_core.counted;
		function->unfinished++;
		function->cache->unfinished++;
	}
}

void tn_entry_grant(struct tn_entry *entry, uint64_t count)
{
	/* Relaxed: whoever gives one back got it after this. */
	__atomic_fetch_add(&entry->grant.word, count << TENURE_LEASE_SHIFT_, __ATOMIC_RELAXED);
}

void tn_entry_publish_locked(struct tn_entry *entry, void *resource, struct tn_object *object, uint64_t granted)
{
	struct tn_function *function = tn_function_of(entry);

	set_state(entry, TN_CREATING, TN_LIVE);
	set_resource(entry, resource);
	entry->object = object;
	entry->flight = NULL;
	/* Relaxed: whoever touches it next got here through M, or through a cell that was opened under M. */
	__atomic_store_n(&entry->shared, TN_BIAS + granted, __ATOMIC_RELAXED);
	tn_entry_grant(entry, granted);
	tn_list_insert_head(&function->live, &entry->in_function);
	function->live_count++;
}

void tn_entry_publish_out_locked(struct tn_entry *entry, void *resource, struct tn_object *object, uint64_t granted,
				 enum tn_cause cause)
{
	struct tn_function *function = tn_function_of(entry);

	set_state(entry, TN_CREATING, TN_RETIRED);
	set_resource(entry, resource);
	entry->object = object;
	entry->flight = NULL;
	entry->cause = (uint8_t)cause;
	__atomic_store_n(&entry->shared, TN_BIAS + granted, __ATOMIC_RELAXED);
	tn_entry_grant(entry, granted);
	tn_list_insert_head(&function->retired, &entry->in_function);
	function->retired_count++;
	function->causes[cause]++;
	tn_entry_count_out_locked(entry);
}

static void queue_release_locked(struct tn_entry *entry)
{
	struct tn_function *function = tn_function_of(entry);
	tenure_cache *cache = function->cache;
	struct tn_releasing *bucket = &tn_core.releasing[entry->head.hash % RELEASING_BUCKETS];

	tn_entry_count_out_locked(entry);
	entry->last = entry->object != NULL && tn_object_leave_locked(entry->object);
	function->releasing_count++;
	entry->next_same_hash = NULL;
	if (bucket->first == NULL)
		bucket->first = entry;
	else
		bucket->last->next_same_hash = entry;
	bucket->last = entry;
	entry->next_release = NULL;
	*cache->release_end = entry;
	cache->release_end = &entry->next_release;
	cache->queued++;
	entry->used_at = tn_cache_time_locked(cache);
	tn_tell_work_locked(cache);
}

const unsigned char *tn_entry_fail_locked(struct tn_entry *entry, void *left, struct tn_object *object)
{
	const unsigned char *key = tn_entry_long_key(entry);

	entry->flight = NULL;
	if (object == NULL && entry->recording == NULL) {
		if (entry->counted) { /* a drain counts a cleared creation */
			set_state(entry, TN_CREATING, TN_RELEASING);
			tn_function_of(entry)->releasing_count++;
			tn_entry_free_locked(entry);
			return key;
		}
		set_state(entry, TN_CREATING, TN_FREE);
		tn_function_put_locked(tn_function_of(entry));
		tn_entry_put_locked(entry);
		return key;
	}
	set_state(entry, TN_CREATING, TN_RELEASING);
	set_resource(entry, left);
	entry->object = object;
	queue_release_locked(entry);
	return NULL;
}

void tn_entry_leave_locked(struct tn_entry *entry, enum tn_cause cause)
{
	struct tn_function *function = tn_function_of(entry);

	set_state(entry, TN_LIVE, TN_RETIRED);
	entry->cause = (uint8_t)cause;
	function->causes[cause]++;
	if (function->hand == entry)
		function->hand = NULL;
	if (function->walk == entry)
		function->walk = entry->in_function.prev == &function->live ? NULL :
			tn_container(entry->in_function.prev, struct tn_entry, in_function);
	tn_list_remove(&entry->in_function);
	tn_list_insert_head(&function->retired, &entry->in_function);
	function->live_count--;
	function->retired_count++;
	tn_entry_count_out_locked(entry);
}

void tn_entry_hand_over_locked(struct tn_entry *entry)
{
	set_state(entry, TN_RETIRED, TN_RELEASING);
	tn_list_remove(&entry->in_function);
	tn_function_of(entry)->retired_count--;
	queue_release_locked(entry);
}

struct tn_entry *tn_entry_next_release_locked(tenure_cache *cache)
{
	struct tn_entry *entry = cache->release_first;

	if (entry == NULL)
		return NULL;
	cache->release_first = entry->next_release;
	if (cache->release_first == NULL)
		cache->release_end = &cache->release_first;
	cache->queued--;
	return entry;
}

/* Out of the bucket; a cleared creation that ends without a release is in none. */
static void leave_bucket_locked(struct tn_entry *entry)
{
	struct tn_releasing *bucket = &tn_core.releasing[entry->head.hash % RELEASING_BUCKETS];
	struct tn_entry **at = &bucket->first, *before = NULL;

	while (*at != NULL && *at != entry) {
		before = *at;
		at = &before->next_same_hash;
	}
	if (*at == NULL)
		return;
	*at = entry->next_same_hash;
	if (bucket->last == entry)
		bucket->last = before;
}

void tn_entry_free_locked(struct tn_entry *entry)
{
	struct tn_function *function = tn_function_of(entry);
	tenure_cache *cache = function->cache;
	struct tn_drain *drain;
	bool awaited;

	set_state(entry, TN_RELEASING, TN_FREE);
	leave_bucket_locked(entry);
	function->releasing_count--;
	function->unfinished--;
	cache->unfinished--;
	awaited = cache->awaiting != 0 || (cache->closing && cache->unfinished <= 1);
	tn_list_for_each(drain, &function->drains, struct tn_drain, in_function) {
		if (entry->counted_at <= drain->last && --drain->left == 0)
			awaited = true;
	}
	if (entry->last)
		tn_object_put_locked(entry->object);
	__atomic_store_n(&entry->head.life, 0, __ATOMIC_RELAXED); /* a copy of a lease that comes now is told */
	entry->object = NULL;
	entry->head.key = NULL;
	entry->head.key_size = 0;
	set_resource(entry, NULL);
	entry->recording = NULL;
	tn_entry_put_locked(entry);
	if (awaited) /* waking for each of many would cost more than the releases */
		tn_cond_broadcast(&cache->settled);
	tn_function_put_locked(function);
}

int64_t tn_entry_releasing_locked(const struct tn_function *function, uint64_t hash, const unsigned char *key,
				  uint32_t key_size, uint64_t life, const struct tn_entry **ret_youngest)
{
	size_t bytes = key_size & ~TENURE_DIGESTED_;
	int64_t since = INT64_MIN;

	for (struct tn_entry *entry = tn_core.releasing[hash % RELEASING_BUCKETS].first; entry != NULL;
	     entry = entry->next_same_hash) {
		if (entry->head.hash == hash && entry->head.function == &function->state &&
		    entry->head.life < life && entry->head.key_size == key_size &&
		    memcmp(tenure_key_of_(&entry->head), key, bytes) == 0 && entry->used_at > since) {
			since = entry->used_at;
			*ret_youngest = entry;
		}
	}
	return since;
}

void tn_entry_forget_all(void)
{
	tn_core.free_entries = NULL;
	tn_core.first_chunk = tn_core.entry_chunk_count;
	memset(tn_core.releasing, 0, sizeof(tn_core.releasing));
}
