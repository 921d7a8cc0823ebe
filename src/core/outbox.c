/* SPDX-License-Identifier: Apache-2.0 */
/* outbox.c: telling whoever does a cache's work that there is some: its threads, the program's executor, its event loop. */
#include "core/outbox.h"

#include <pthread.h>

#include "core/context.h"

static void post_locked(tenure_cache *cache)
{
	if (cache->posted)
		return;
	cache->posted = true;
	cache->calls++; /* it must not go before it was told */
	cache->next_posted = tn_core.outbox;
	tn_core.outbox = cache;
}

void tn_tell_work_locked(tenure_cache *cache)
{
	if (cache->options.execute != NULL) {
		cache->to_execute++;
		cache->executing++;
		post_locked(cache);
	} else if (cache->options.manual) {
		tn_tell_time_locked(cache, INT64_MIN);
	} else if (cache->idle_workers != 0) {
		__atomic_store_n(&cache->told, cache->told + 1, __ATOMIC_RELAXED);
		if (cache->queued + cache->jobs_queued > cache->spinning_workers) /* who spins comes by itself */
			tn_cond_signal(&cache->work);
	} else if (!cache->watching) {
		tn_tell_time_locked(cache, INT64_MIN); /* the maintenance watches for stuck workers while something waits */
	}
}

void tn_tell_time_locked(tenure_cache *cache, int64_t at)
{
	if (!cache->options.manual) {
		if (at < cache->looks_at) {
			cache->looks_at = INT64_MIN; /* one signal is enough */
			tn_cond_signal(&cache->tick);
		}
	} else if (cache->options.wake != NULL) {
		cache->to_wake = true;
		post_locked(cache);
	}
}

static void tell(tenure_cache *cache, uint64_t tasks, bool wake)
{
	enum tn_callback was = tn_callback_enter(TN_IN_TELL);
	int cancel;

	/* A cancellation that comes here (writing to a descriptor is a point of it) waits: what is counted must be uncounted. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	for (; tasks > 0; tasks--)
		cache->options.execute(cache->options.user, cache->run, cache);
	if (wake)
		cache->options.wake(cache->options.user);
	pthread_setcancelstate(cancel, NULL);
	tn_callback_leave(was);
}

void tn_unlock_and_tell(void)
{
	uint64_t generation = tn_core.generation;
	tenure_cache *cache;

	while ((cache = tn_core.outbox) != NULL) {
		uint64_t tasks = cache->to_execute;
		bool wake = cache->to_wake;

		tn_core.outbox = cache->next_posted;
		cache->posted = cache->to_wake = false;
		cache->to_execute = 0;
		tn_mutex_unlock(&tn_core.mutex);
		tell(cache, tasks, wake);
		if (tn_forked_since(generation))
			return; /* in the child nothing of this is counted */
		tn_mutex_lock(&tn_core.mutex);
		if (--cache->calls == 0 && cache->closing)
			tn_cond_broadcast(&cache->settled);
	}
	tn_mutex_unlock(&tn_core.mutex);
}

bool tn_tell_unlock_lock(void)
{
	if (tn_core.outbox == NULL)
		return false;
	tn_unlock();
	tn_lock();
	return true;
}
