/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h: who runs a cache's releases and jobs: its workers, the program's executor, or in manual mode whoever polls. */
#ifndef TN_WORKER_H
#define TN_WORKER_H

#include "core/context.h"
#include "core/report.h"

/* Make sure that releases will be run and deadlines met: at least one worker, and the maintenance thread, as far as the
 * cache has such. Called before every creation, so that nothing is created that could not be released. Takes M.
 * 0, or TENURE_ENOMEM with a message. */
int tn_worker_ensure(tenure_cache *cache);

/* Now, by this cache's clock. Calls an injected clock: no lock. */
int64_t tn_cache_time(tenure_cache *cache);

/* Have a task run on a worker, after the releases that are queued. It stays the caller's memory until it runs. */
void tn_worker_queue_locked(tenure_cache *cache, struct tn_task *task);

/* Run one release or, if `jobs`, one job of those queued, on this thread. False: there was none. */
bool tn_worker_run_one_unlock_lock(tenure_cache *cache, bool jobs);

/* Wait on one of M's conditions until it is signalled, or the deadline by the cache's clock; it may wake for nothing. In
 * manual mode, where nobody else would do it, what is queued is run instead of waiting. M is let go meanwhile. */
void tn_worker_wait_unlock_lock(tenure_cache *cache, struct tn_cond *cond, int64_t deadline);

/* For the maintenance. Start one more worker; M is let go meanwhile. find: mark the workers that have been in user code for
 * too long, so that others take their place; how many are to be started, and *ret_next: when to look again. */
bool tn_worker_start_unlock_lock(tenure_cache *cache);
int tn_worker_find_stuck_locked(tenure_cache *cache, int64_t now, int64_t *ret_next);

/* Starts the thread that keeps time; M is let go meanwhile. Set by maintenance.c, which stands above this room. */
extern bool (*tn_worker_start_maintenance_unlock_lock)(tenure_cache *cache);

/* What `cache->run` is: one task on a thread of the program's. */
void tn_worker_run_for_executor(void *cache);

#endif
