/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h: counters and snapshots. */
#ifndef TN_STATS_H
#define TN_STATS_H

#include "core/core.h"

/* Add what the function has counted. Takes M, in batches. */
void tn_stats_add(struct tn_function *function, tenure_stats *stats);

/* One entry, as it was under M. */
struct tn_snapshot {
	const char *function; /* lives on */
	char arguments[256];
	const char *phase;
	int64_t age, time_left, creation_time; /* ns; time_left TN_NEVER: no end */
	uint64_t leases;
};

/* The next entry of this cache, from *at on (0: the first), which moves past it. false: no more. Takes M. */
bool tn_snapshot_next(const tenure_cache *cache, uint64_t *at, struct tn_snapshot *ret);

#endif
