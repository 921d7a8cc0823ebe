/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c: a cache's threads.
 *
 * Workers take RELEASING entries first in, first out, and run the release without a lock. There is one from the first
 * creation on; one that leaves others waiting starts the next, up to the option. A worker whose callback runs for over
 * a second is stuck: it is reported, another takes its place, and it ends when the callback returns.
 * The maintenance thread runs no user code. It sleeps exactly until the next deadline, moves the cached time, retires,
 * and looks for stuck workers. With an injected clock there is none: polls do the same.
 * A worker structure lives on its thread's stack; all its fields are guarded by M but the constant ones. */
#include "core/worker.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/thread.h"
#include "core/entry.h"
#include "core/expire.h"
#include "core/lease.h"
#include "core/recording.h"

enum { STUCK_CAP = 64 };
static const int64_t STUCK_AFTER = 1000000000; /* ns */

/* A user's time: the end of all times is none, since nothing is due then. */
static int64_t real_time(int64_t now)
{
	return now < TN_NEVER ? now : TN_NEVER - 1;
}

int64_t tn_cache_time(tenure_cache *cache)
{
	enum tn_callback was;
	int64_t now;

	if (cache->options.now == NULL)
		return tn_clock_monotonic();
	was = tn_callback_enter(TN_IN_CLOCK);
	now = cache->options.now(cache->options.user);
	tn_callback_leave(was);
	return real_time(now);
}

int64_t tn_cache_time_locked(const tenure_cache *cache)
{
	return cache->options.now == NULL ? tn_clock_monotonic() : tn_cached_now(cache);
}

void tn_worker_wait_unlock_lock(tenure_cache *cache, struct tn_cond *cond, int64_t deadline)
{
	if (cache->options.now != NULL) /* a poll moves the clock, and wakes */
		tn_cond_wait(cond, &tn_core.mutex);
	else
		tn_cond_wait_until(cond, &tn_core.mutex, deadline);
}

void tn_report(tenure_cache *cache, int result, const char *format, ...)
{
	char text[1024];
	enum tn_callback was;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (cache->options.report == NULL) {
		fprintf(stderr, "tenure: %s\n", text);
		return;
	}
	was = tn_callback_enter(TN_IN_REPORT);
	cache->options.report(cache->options.user, result, text);
	tn_callback_leave(was);
}

bool tn_worker_inside_release(void)
{
	return tn_context()->callback == TN_IN_RELEASE;
}

/* ---- releasing */

/* After the callback: what else the entry held, and the entry itself. */
static void finish_release(struct tn_worker *worker, int result)
{
	struct tn_entry *entry = worker->entry;
	struct tn_function *function = tn_function_of(entry);
	struct tn_recording *recording = entry->recording;
	const unsigned char *key = entry->head.key;

	if (result != 0)
		tn_report(worker->cache, TENURE_EFAILED, "the release of a resource of %s() failed with %d",
			  function->definition->name, result);
	for (size_t i = 0; recording != NULL && i < recording->kept_count; i++)
		tn_lease_give_back(&recording->kept[i]);
	tn_lock();
	function->release_failures += result != 0;
	worker->entry = NULL;
	tn_entry_free_locked(entry);
	tn_unlock();
	tn_free((void *)(uintptr_t)key);
	tn_recording_put(recording);
}

static void leave_locked(struct tn_worker *worker)
{
	tenure_cache *cache = worker->cache;

	tn_list_remove(&worker->in_cache);
	if (worker->stuck)
		cache->stuck_workers--;
	else
		cache->worker_count--;
	cache->threads--;
	tn_cond_broadcast(&cache->settled);
}

/* The callback ended its thread (pthread_exit, cancellation): a failed release, and a worker less. */
static void thread_lost(void *pointer)
{
	struct tn_worker *worker = pointer;
	tenure_cache *cache = worker->cache;

	if (tn_forked_since(worker->generation))
		return;
	finish_release(worker, -1);
	tn_lock();
	leave_locked(worker);
	tn_unlock();
	if (tn_worker_ensure(cache) != 0)
		tn_report(cache, TENURE_ENOMEM, "no thread for releases; the next creation tries again");
}

/* false: the process was forked inside the callback, and this is the child. */
static bool release(struct tn_worker *worker)
{
	struct tn_entry *entry = worker->entry;
	int result = 0;

	TN_FAULT("worker.before_release");
	if (entry->last) {
		const tenure_definition *definition = entry->object->definition;
		enum tn_callback was = tn_callback_enter(TN_IN_RELEASE);

		pthread_cleanup_push(thread_lost, worker);
		result = definition->release(definition->user, entry->head.resource);
		pthread_cleanup_pop(0);
		tn_callback_leave(was);
	}
	if (tn_forked_since(worker->generation))
		return false;
	finish_release(worker, result);
	return true;
}

/* ---- workers */

static void *worker_main(void *pointer);

/* Count it first, so that nobody starts one too many; uncount it when it does not start. */
static bool start_worker_unlock(tenure_cache *cache)
{
	bool started;

	cache->worker_count++;
	cache->threads++;
	tn_unlock();
	started = tn_thread_start(worker_main, cache, "tenure-release") == 0;
	if (!started) {
		tn_lock();
		cache->worker_count--;
		cache->threads--;
		tn_unlock();
	}
	return started;
}

static bool more_hands_wanted_locked(const tenure_cache *cache)
{
	uint32_t most = cache->options.workers == 0 ? 2 : cache->options.workers;

	return cache->queued != 0 && cache->idle_workers == 0 && cache->worker_count < most && !cache->stop;
}

/* Tell of one stuck callback that nobody has told of. True: it did, and M was let go meanwhile. */
static bool report_stuck_unlock_lock(tenure_cache *cache)
{
	struct tn_worker *worker;

	tn_list_for_each(worker, &cache->workers, struct tn_worker, in_cache) {
		const char *name;
		double age;

		if (!worker->stuck || worker->reported || worker->entry == NULL)
			continue;
		worker->reported = true;
		name = tn_function_of(worker->entry)->definition->name;
		age = (double)(tn_cache_time_locked(cache) - worker->busy_since) / 1e9;
		tn_unlock();
		tn_report(cache, TENURE_EBUSY, "the release of a resource of %s() has been running for %.1f s; "
			  "other releases go on without it", name, age);
		tn_lock();
		return true;
	}
	return false;
}

static void *worker_main(void *pointer)
{
	tenure_cache *cache = pointer;
	struct tn_worker self = { .cache = cache, .generation = tn_core.generation };

	tn_lock();
	tn_list_insert_tail(&cache->workers, &self.in_cache);
	while (!self.stuck) {
		if (report_stuck_unlock_lock(cache))
			continue;
		self.entry = tn_entry_next_release_locked(cache);
		if (self.entry == NULL) {
			if (cache->stop)
				break;
			cache->idle_workers++;
			tn_cond_wait(&cache->work, &tn_core.mutex);
			cache->idle_workers--;
			continue;
		}
		self.busy_since = tn_cache_time_locked(cache);
		if (!cache->watching && cache->maintained) {
			cache->watching = true;
			tn_cond_signal(&cache->tick);
		}
		if (more_hands_wanted_locked(cache))
			start_worker_unlock(cache);
		else
			tn_unlock();
		if (!release(&self))
			return NULL;
		tn_lock();
	}
	leave_locked(&self);
	tn_unlock();
	return NULL;
}

/* ---- keeping time */

/* Mark the stuck ones. Returns how many have to be replaced; *ret_next: when to look again. */
static int find_stuck_locked(tenure_cache *cache, int64_t now, int64_t *ret_next)
{
	struct tn_worker *worker;
	int found = 0;

	*ret_next = TN_NEVER;
	tn_list_for_each(worker, &cache->workers, struct tn_worker, in_cache) {
		if (worker->entry == NULL || worker->stuck)
			continue;
		if (now - worker->busy_since < STUCK_AFTER) {
			if (worker->busy_since + STUCK_AFTER < *ret_next)
				*ret_next = worker->busy_since + STUCK_AFTER;
		} else if (cache->stuck_workers < STUCK_CAP) {
			worker->stuck = true;
			cache->worker_count--;
			cache->stuck_workers++;
			found++;
		}
	}
	return found;
}

/* Replace each stuck worker that was found; the new one also reports it. M is let go meanwhile. */
static void replace_unlock_lock(tenure_cache *cache, int count)
{
	for (; count > 0; count--) {
		start_worker_unlock(cache);
		tn_lock();
	}
}

/* Many deadlines at once are met in batches: others want M. */
static void breathe_unlock_lock(int *looked)
{
	if (++*looked % TN_BATCH == 0) {
		tn_unlock();
		tn_lock();
	}
}

static void *maintenance_main(void *pointer)
{
	tenure_cache *cache = pointer;
	int64_t now, next, look;
	int looked = 0, stuck;

	tn_lock();
	while (!cache->stop) {
		now = tn_clock_monotonic();
		if (tn_expire_next_locked(cache) <= now)
			__atomic_store_n(&cache->now, now, __ATOMIC_RELAXED);
		while (tn_expire_next_locked(cache) <= now && !cache->stop) {
			tn_expire_one_locked(cache, now);
			breathe_unlock_lock(&looked);
		}
		stuck = find_stuck_locked(cache, now, &look);
		if (stuck != 0) {
			replace_unlock_lock(cache, stuck);
			continue;
		}
		cache->watching = look != TN_NEVER;
		next = tn_expire_next_locked(cache);
		tn_cond_wait_until(&cache->tick, &tn_core.mutex, next < look ? next : look);
	}
	cache->maintained = false;
	cache->threads--;
	tn_cond_broadcast(&cache->settled);
	tn_unlock();
	return NULL;
}

int tn_worker_ensure(tenure_cache *cache)
{
	bool started = true;

	tn_lock();
	if (cache->worker_count == 0 && !cache->stop) {
		started = start_worker_unlock(cache);
		tn_lock();
	}
	if (started && !cache->maintained && cache->options.now == NULL && !cache->stop) {
		cache->maintained = true;
		cache->threads++;
		tn_unlock();
		started = tn_thread_start(maintenance_main, cache, "tenure-time") == 0;
		tn_lock();
		if (!started) {
			cache->maintained = false;
			cache->threads--;
		}
	}
	tn_unlock();
	return started ? 0 : tn_fail(TENURE_ENOMEM, "no thread could be started for the releases of the cache \"%s\"",
				     cache->name);
}

int tn_worker_poll(tenure_cache *cache, int64_t now, int limit, int64_t *ret_next)
{
	tenure_call *flight;
	int64_t next, look;
	int done = 0, looked = 0, stuck;

	now = real_time(now);
	tn_lock();
	if (now > tn_cached_now(cache))
		__atomic_store_n(&cache->now, now, __ATOMIC_RELAXED);
	while ((next = tn_expire_next_locked(cache)) <= now && (limit == 0 || done < limit)) {
		done += tn_expire_one_locked(cache, now);
		breathe_unlock_lock(&looked);
	}
	stuck = find_stuck_locked(cache, now, &look);
	replace_unlock_lock(cache, stuck);
	tn_list_for_each(flight, &cache->flights, tenure_call, in_cache)
		tn_cond_broadcast(&flight->changed); /* waits with a deadline look at the time again */
	tn_cond_broadcast(&cache->settled);
	tn_unlock();
	if (ret_next != NULL)
		*ret_next = next;
	return done;
}
