/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h: a cache's threads: those that run releases, and the one that keeps time. */
#ifndef TN_WORKER_H
#define TN_WORKER_H

#include "core/context.h"

/* Make sure that releases will be run and deadlines met: at least one worker, and the maintenance thread unless the
 * clock is injected. Called before every creation, so that nothing is created that could not be released. Takes M.
 * 0, or TENURE_ENOMEM with a message. */
int tn_worker_ensure(tenure_cache *cache);

/* Now, by this cache's clock. Calls an injected clock: no lock. */
int64_t tn_cache_time(tenure_cache *cache);

/* Wait on one of M's conditions until it is signalled, or the deadline by the cache's clock; it may wake for nothing. M is
 * let go meanwhile. */
void tn_worker_wait_unlock_lock(tenure_cache *cache, struct tn_cond *cond, int64_t deadline);

/* The same where M is held: an injected clock stands at its cached time. */
int64_t tn_cache_time_locked(const tenure_cache *cache);

/* Move the cached time to `now` and take out of service what is due, at most `limit` entries (0: all); replace stuck
 * workers. How many entries. Takes M. */
int tn_worker_poll(tenure_cache *cache, int64_t now, int limit, int64_t *ret_next);

/* A failed release, a leak: to the cache's report, or stderr. No lock. */
void tn_report(tenure_cache *cache, int result, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Is the calling thread inside a release of this cache? (0 or 1: how many releases it would wait for itself.) */
bool tn_worker_inside_release(void);

#endif
