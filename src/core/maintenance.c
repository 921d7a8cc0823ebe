/* SPDX-License-Identifier: Apache-2.0 */
/* maintenance.c: keeping a cache's time.
 *
 * The maintenance thread runs no user code. It sleeps exactly until the next deadline, moves the cached time, retires, and
 * looks for stuck workers. With an injected clock, and in manual mode, there is none: polls do the same. */
#include "core/maintenance.h"

#include "base/clock.h"
#include "base/thread.h"
#include "core/expire.h"
#include "core/outbox.h"
#include "core/worker.h"

static const int64_t LOOK_AGAIN = 1000000000; /* ns: after which a callback may have got stuck */

/* Many deadlines at once are met in batches: others want M. */
static void breathe_unlock_lock(void)
{
	if (tn_batch_done_locked())
		tn_breathe_unlock_lock("expire.between_batches");
}

static bool due_locked(const tenure_cache *cache, int64_t now)
{
	int64_t next = tn_expire_next_locked(cache);

	return next != TN_NEVER && next <= now;
}

/* M is let go meanwhile. */
static void replace_stuck_unlock_lock(tenure_cache *cache, int64_t now, int64_t *ret_next)
{
	int64_t again;

	for (int wanted = tn_worker_find_stuck_locked(cache, now, ret_next); wanted > 0; wanted--)
		tn_worker_start_unlock_lock(cache); /* if it does not start, the next look tries again */
	tn_worker_find_stuck_locked(cache, now, &again);
	*ret_next = again < *ret_next ? again : *ret_next;
}

static void *maintenance_main(void *pointer)
{
	tenure_cache *cache = pointer;
	int64_t now, next, look;

	tn_lock();
	while (!cache->stop) {
		now = tn_clock_monotonic();
		if (due_locked(cache, now))
			__atomic_store_n(&cache->now, now, __ATOMIC_RELAXED);
		while (due_locked(cache, now) && !cache->stop) {
			tn_expire_one_locked(cache, now);
			breathe_unlock_lock();
		}
		tn_tell_unlock_lock();
		replace_stuck_unlock_lock(cache, now, &look);
		if (cache->stop)
			break;
		if (look == TN_NEVER && cache->worked) /* it would be told to look again at the next release */
			look = tn_time_add(now, LOOK_AGAIN);
		cache->worked = false;
		cache->watching = look != TN_NEVER;
		next = tn_expire_next_locked(cache);
		cache->looks_at = next < look ? next : look;
		tn_cond_wait_until(&cache->tick, &tn_core.mutex, cache->looks_at);
		cache->looks_at = INT64_MIN;
	}
	cache->maintained = false;
	cache->threads--;
	tn_cond_broadcast(&cache->settled);
	tn_unlock();
	return NULL;
}

static bool start_unlock_lock(tenure_cache *cache)
{
	bool started;

	cache->maintained = true;
	cache->threads++;
	tn_unlock();
	started = tn_thread_start(maintenance_main, cache, "tenure-time") == 0;
	tn_lock();
	if (!started) {
		cache->maintained = false;
		cache->threads--;
		tn_cond_broadcast(&cache->settled);
	}
	return started;
}

void tn_maintenance_start(void)
{
	tn_worker_start_maintenance_unlock_lock = start_unlock_lock;
}

int tn_maintenance_poll(tenure_cache *cache, int64_t now, int limit, int64_t *ret_next)
{
	bool manual = cache->options.manual;
	tenure_call *flight;
	int64_t next, look;
	int done = 0;

	now = now < TN_NEVER ? now : TN_NEVER - 1; /* "never" does not come */
	tn_lock();
	if (now > tn_cached_now(cache))
		__atomic_store_n(&cache->now, now, __ATOMIC_RELAXED);
	while (due_locked(cache, now) && (limit == 0 || done < limit)) {
		bool retired = tn_expire_one_locked(cache, now);

		done += !manual && retired;
		breathe_unlock_lock();
	}
	while (manual && (limit == 0 || done < limit) && tn_worker_run_one_unlock_lock(cache, true))
		done++;
	replace_stuck_unlock_lock(cache, now, &look);
	tn_list_for_each(flight, &cache->flights, tenure_call, in_cache)
		tn_cond_broadcast(&flight->changed); /* waits with a deadline look at the time again */
	tn_cond_broadcast(&cache->settled);
	next = manual && (cache->queued != 0 || cache->job_first != NULL) ? now : tn_expire_next_locked(cache);
	tn_unlock();
	if (ret_next != NULL)
		*ret_next = next;
	return done;
}
