/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c: counters and snapshots.
 *
 * Hits are counted in the cells of leases, where they cost nothing, and move to the function when a cell closes; so the sum
 * is what the function has, and what the open cells of its live entries have. Entries are walked by id, a chunk of headers
 * at a time, since headers are never freed: no cursor can become stale. */
#include "core/stats.h"

#include "base/clock.h"
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

	stats->hits += function->hits;
	stats->waits += function->waits;
	stats->misses += function->misses;
	stats->creations += function->creations;
	stats->creation_time += function->creation_time;
	stats->failures += function->failures;
	stats->abandoned += function->abandoned;
	stats->release_failures += function->release_failures;
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

void tn_stats_add(struct tn_function *function, tenure_stats *stats)
{
	struct tn_function *child;
	uint64_t id;

	tn_lock();
	add_counters_locked(function, stats);
	tn_list_for_each(child, &function->children, struct tn_function, in_parent)
		add_counters_locked(child, stats);
	for (id = tn_core.first_chunk << TENURE_CHUNK_BITS_; id < end_locked(); id++) {
		add_entry_locked(function, entry_at_locked(id), stats);
		if (id % TENURE_CHUNK_ == TENURE_CHUNK_ - 1) { /* a chunk at a time: others want M */
			tn_unlock();
			tn_lock();
		}
	}
	tn_unlock();
}

static const char *const STATES[] = { "free", "creating", "live", "retired, leased", "releasing" };

static void take_locked(const tenure_cache *cache, struct tn_entry *entry, struct tn_snapshot *ret)
{
	const struct tn_function *function = tn_function_of(entry);
	int64_t now = tn_cache_time_locked(cache);
	bool creating = tn_entry_is(entry, TN_CREATING);

	ret->function = function->definition->name;
	ret->phase = STATES[entry->head.state];
	tn_key_format(function->definition, entry->head.key, entry->head.key_size, ret->arguments,
		      sizeof(ret->arguments));
	ret->age = now - (creating ? entry->flight->started : entry->ready_at);
	ret->creation_time = creating ? 0 : entry->creation_time;
	ret->time_left = TN_NEVER;
	if (tn_entry_is(entry, TN_LIVE) && entry->hard_at != TN_NEVER)
		ret->time_left = entry->hard_at - now;
	ret->leases = creating ? 0 : tn_lease_count_locked(entry);
}

bool tn_snapshot_next(const tenure_cache *cache, uint64_t *at, struct tn_snapshot *ret)
{
	bool found = false;

	tn_lock();
	if (*at == 0)
		*at = tn_core.first_chunk << TENURE_CHUNK_BITS_;
	for (; !found && *at < end_locked(); ++*at) {
		struct tn_entry *entry = entry_at_locked(*at);

		found = !tn_entry_is(entry, TN_FREE) && tn_function_of(entry)->cache == cache;
		if (found)
			take_locked(cache, entry, ret);
	}
	tn_unlock();
	return found;
}
