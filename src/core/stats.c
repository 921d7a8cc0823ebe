/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c: the counters of functions and caches, summed up, and every entry as it stands.
 *
 * Hits are counted in the cells of leases, where they cost nothing, and move to the function when a cell closes; so the sum
 * is what the function has, and what the open cells of its live entries have. Entries are walked by id, a chunk of headers
 * at a time, since headers are never freed: no cursor can become stale. */
#include "core/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "core/cell.h"
#include "core/entry.h"
#include "core/key.h"
#include "core/lease.h"
#include "core/worker.h"

static struct tn_entry *entry_at_locked(uint64_t id)
{
	return &tn_core.entry_chunks[id >> TENURE_CHUNK_BITS_][id & (TENURE_CHUNK_ - 1)];
}

static uint64_t end_locked(void)
{
	return tn_core.entry_chunk_count << TENURE_CHUNK_BITS_;
}

static void add_counters_locked(const struct tn_function *function, tenure_stats *stats)
{
	const uint64_t *causes = function->causes;
	const struct tn_prepared *key;

	stats->hits += function->hits;
	tn_list_for_each(key, &function->prepared, struct tn_prepared, in_function)
		stats->hits += __atomic_load_n(&key->head.hits_, __ATOMIC_RELAXED);
	stats->waits += function->waits;
	stats->misses += function->misses;
	stats->creations += function->creations;
	stats->creation_time += function->creation_time;
	stats->failures += function->failures;
	stats->abandoned += function->abandoned;
	stats->release_failures += function->release_failures;
	stats->refreshes += function->refreshes;
	stats->retired_expired += causes[TN_EXPIRED];
	stats->retired_idle += causes[TN_IDLE];
	stats->retired_capacity += causes[TN_CAPACITY];
	stats->retired_cleared += causes[TN_CLEARED];
	stats->retired_invalid += causes[TN_INVALID];
	stats->retired_replaced += causes[TN_REPLACED];
	stats->retired_closed += causes[TN_CLOSED];
	stats->retired_session += causes[TN_SESSION_ENDED];
	stats->live += function->live_count;
	stats->retired += function->retired_count;
	stats->pending_releases += function->releasing_count;
}

static void add_entry_locked(const struct tn_function *function, const struct tn_entry *entry, tenure_stats *stats)
{
	uint64_t leases, hits;

	if (!tn_entry_is(entry, TN_LIVE) ||
	    (tn_function_of(entry) != function && tn_function_of(entry)->parent != function))
		return;
	tn_cell_sum_locked(entry, &leases, &hits);
	stats->hits += hits;
	stats->leased += tn_lease_count_locked(entry) != 0;
}

/* At the end of a chunk of headers others get M. */
static void breathe_unlock_lock(uint64_t id)
{
	if (id % TENURE_CHUNK_ == TENURE_CHUNK_ - 1)
		tn_breathe_unlock_lock("stats.between_batches");
}

static uint64_t begin_locked(void)
{
	return tn_core.first_chunk << TENURE_CHUNK_BITS_;
}

/* Of a function, and of its sessions' parts. */
static void add_family_locked(const struct tn_function *root, tenure_stats *stats)
{
	const struct tn_function *child;

	add_counters_locked(root, stats);
	tn_list_for_each(child, &root->children, struct tn_function, in_parent)
		add_counters_locked(child, stats);
}

void tn_stats_add(struct tn_function *function, tenure_stats *stats)
{
	tn_lock();
	add_family_locked(function, stats);
	for (uint64_t id = begin_locked(); id < end_locked(); id++) {
		add_entry_locked(function, entry_at_locked(id), stats);
		breathe_unlock_lock(id);
	}
	tn_unlock();
}

/* ---- all functions */

static void copy_name(char to[TN_NAME_ROOM], const char *name)
{
	if (snprintf(to, TN_NAME_ROOM, "%s", name) >= TN_NAME_ROOM)
		tn_text_trim(to);
}

static size_t list_functions_locked(const tenure_cache *cache, struct tn_function_stats *ret, size_t room)
{
	struct tn_function *function;
	size_t count = 0;

	tn_list_for_each(function, &tn_core.functions, struct tn_function, in_core) {
		if (function->parent != NULL || tn_forgotten_locked(function, 0))
			continue;
		if (cache == NULL ? !function->cache->open : function->cache != cache)
			continue;
		if (count < room) {
			ret[count].function = function;
			copy_name(ret[count].cache, function->cache->name);
			copy_name(ret[count].name, function->definition->name);
			memset(&ret[count].stats, 0, sizeof(ret[count].stats));
			add_family_locked(function, &ret[count].stats);
		}
		count++;
	}
	return count;
}

static int by_function(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct tn_function_stats *)a)->function;
	uintptr_t y = (uintptr_t)((const struct tn_function_stats *)b)->function;

	return (x > y) - (x < y);
}

static int by_name(const void *a, const void *b)
{
	const struct tn_function_stats *x = a, *y = b;
	int caches = strcmp(x->cache, y->cache);

	return caches != 0 ? caches : strcmp(x->name, y->name);
}

static void add_entries(struct tn_function_stats *all, size_t count)
{
	struct tn_function_stats wanted, *row;

	qsort(all, count, sizeof(*all), by_function);
	tn_lock();
	for (uint64_t id = begin_locked(); id < end_locked(); id++) {
		const struct tn_entry *entry = entry_at_locked(id);

		if (tn_entry_is(entry, TN_LIVE)) {
			const struct tn_function *function = tn_function_of(entry);

			wanted.function = function->parent != NULL ? function->parent : function;
			row = bsearch(&wanted, all, count, sizeof(*all), by_function);
			if (row != NULL)
				add_entry_locked(row->function, entry, &row->stats);
		}
		breathe_unlock_lock(id);
	}
	tn_unlock();
	qsort(all, count, sizeof(*all), by_name);
}

struct tn_function_stats *tn_stats_gather(const tenure_cache *cache, size_t *ret_count)
{
	struct tn_function_stats *all;
	size_t room = 16, count;

	for (;;) {
		all = tn_alloc(room * sizeof(*all));
		if (all == NULL)
			return NULL;
		tn_lock();
		count = list_functions_locked(cache, all, room);
		tn_unlock();
		if (count <= room)
			break;
		tn_free(all);
		room = 2 * count; /* functions may come in between */
	}
	add_entries(all, count);
	*ret_count = count;
	return all;
}

/* ---- entries */

static const char *const STATES[] = { "free", "creating", "live", "retired", "releasing" };
static const char *const CAUSES[] = { "expired", "idle", "capacity", "cleared", "invalid", "replaced", "closed", "session" };
_Static_assert(sizeof(CAUSES) / sizeof(CAUSES[0]) == TN_CAUSES, "every cause has its word");

static void describe_locked(const struct tn_entry *entry, char function[TN_NAME_ROOM], char *arguments, size_t room)
{
	const tenure_definition *definition = tn_function_of(entry)->definition;

	copy_name(function, definition->name);
	tn_key_format(definition, tenure_key_of_(&entry->head), entry->head.key_size, arguments, room);
}

static void take_locked(const tenure_cache *cache, struct tn_entry *entry, struct tn_snapshot *ret)
{
	int64_t now = tn_cache_time_locked(cache);
	bool creating = tn_entry_is(entry, TN_CREATING), live = tn_entry_is(entry, TN_LIVE);

	describe_locked(entry, ret->function, ret->arguments, sizeof(ret->arguments));
	ret->state = STATES[entry->head.state];
	ret->cause = creating || live || entry->cause >= TN_CAUSES ? NULL : CAUSES[entry->cause];
	ret->age = creating ? now - entry->flight->started : entry->ready_at == TN_NEVER ? 0 : now - entry->ready_at;
	ret->creation_time = creating ? 0 : entry->creation_time;
	ret->time_left = live && entry->hard_at != TN_NEVER ? entry->hard_at - now : TN_NEVER;
	ret->leases = creating ? 0 : tn_lease_count_locked(entry);
}

bool tn_snapshot_next(const tenure_cache *cache, struct tn_walk *walk, struct tn_snapshot *ret)
{
	bool found = false;

	tn_lock();
	if (walk->at == 0) {
		walk->at = begin_locked();
		walk->last_life = tn_core.next_life; /* what comes later is not part of it, so it ends */
	}
	while (!found && walk->at < end_locked()) {
		struct tn_entry *entry = entry_at_locked(walk->at);

		found = !tn_entry_is(entry, TN_FREE) && tn_function_of(entry)->cache == cache &&
			entry->head.life <= walk->last_life;
		if (found)
			take_locked(cache, entry, ret);
		breathe_unlock_lock(walk->at++);
	}
	tn_unlock();
	return found;
}

bool tn_held_next(const tenure_cache *cache, uint32_t *at, struct tn_held *ret)
{
	const struct tn_holder *holder;
	bool more;

	do {
		tn_lock();
		holder = tn_holder_next_locked(cache, at, &more);
		if (holder != NULL) {
			ret->holder = *holder;
			ret->age = tn_cache_time_locked(cache) - holder->since;
			describe_locked(holder->entry, ret->function, ret->arguments, sizeof(ret->arguments));
		}
		tn_unlock();
	} while (holder == NULL && more);
	return holder != NULL;
}
