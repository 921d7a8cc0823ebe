/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h: the counters of functions and caches, summed up, and every entry as it stands. */
#ifndef TN_STATS_H
#define TN_STATS_H

#include "core/core.h"
#include "core/holder.h"

enum { TN_NAME_ROOM = 256 }; /* names are copied: their writer may be unloaded while they are shown */

/* Add what the function has counted. Takes M, in batches. */
void tn_stats_add(struct tn_function *function, tenure_stats *stats);

/* The counters of one function. */
struct tn_function_stats {
	const struct tn_function *function;
	char cache[TN_NAME_ROOM], name[TN_NAME_ROOM];
	tenure_stats stats;
};

/* Those of every function of a cache (NULL: of every open cache), by name; in one pass over the entries. The caller frees; NULL:
 * no memory. Takes M, in batches. */
struct tn_function_stats *tn_stats_gather(const tenure_cache *cache, size_t *ret_count);

/* One entry, as it was under M. */
struct tn_snapshot {
	char function[TN_NAME_ROOM];
	char arguments[256];
	const char *state, *cause; /* cause NULL: it did not leave service */
	int64_t age, time_left, creation_time; /* ns; time_left TN_NEVER: no end */
	uint64_t leases;
};

/* A walk over what there is when it begins; begin as { 0 }. */
struct tn_walk {
	uint64_t at, last_life;
};

/* The next entry of this cache; false: no more. Takes M, in batches. */
bool tn_snapshot_next(const tenure_cache *cache, struct tn_walk *walk, struct tn_snapshot *ret);

/* One tracked lease, as it was under M. */
struct tn_held {
	char function[TN_NAME_ROOM];
	char arguments[256];
	struct tn_holder holder;
	int64_t age; /* ns */
};

/* The next lease of this cache, from *at on (0: the first). false: no more. Takes M, in batches. */
bool tn_held_next(const tenure_cache *cache, uint32_t *at, struct tn_held *ret);

#endif
