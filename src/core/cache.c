/* SPDX-License-Identifier: Apache-2.0 */
/* cache.c: a cache: how it is opened and closed, the process-wide one, and what exit() does to all of them.
 *
 * Closing is a series of waits with one deadline, each of which can be taken up again by a later call: creations that
 * run (their results go to those who wait, and are released), releases, threads. Only a cache with nothing left of it
 * is freed. At exit() every open cache is closed with its own exit_timeout; what is still leased then is named, and
 * left alone: closing a resource under its holder is worse than not closing it. */
#include "core/cache.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "core/clear.h"
#include "core/forget.h"
#include "core/holder.h"
#include "core/outbox.h"
#include "core/worker.h"

static const int64_t EXIT_TIMEOUT = 5000000000; /* ns */

enum { OUT_ROOM = 1600 }; /* what is out, in words */

static tenure_cache *default_cache; /* guarded by M */

static void free_cache(tenure_cache *cache)
{
	if (cache == NULL)
		return;
	tn_free(cache->timers.items);
	tn_free(cache->name);
	tn_free(cache);
}

static tenure_cache *new_cache(const tenure_cache_options *options)
{
	tenure_cache *cache = tn_alloc_aligned(64, sizeof(*cache));

	if (cache == NULL)
		return NULL;
	cache->options = *options;
	cache->name = tn_strdup(options->name == NULL ? "tenure" : options->name);
	if (cache->name == NULL) {
		free_cache(cache);
		return NULL;
	}
	cache->options.name = cache->name;
	tn_list_init(&cache->functions);
	tn_list_init(&cache->flights);
	tn_list_init(&cache->workers);
	cache->release_end = &cache->release_first;
	cache->job_end = &cache->job_first;
	cache->run = tn_worker_run_for_executor;
	tn_cond_init(&cache->work);
	tn_cond_init(&cache->tick);
	tn_cond_init(&cache->settled);
	cache->looks_at = INT64_MIN;
	cache->open = true;
	cache->now = tn_cache_time(cache);
	return cache;
}

static void at_exit(void);

/* *ret_first: at_exit() is to be registered. With the first cache: so it runs before what was set up earlier is undone. */
static void enter_locked(tenure_cache *cache, bool *ret_first)
{
	static bool registered; /* guarded by M; a forked child inherits it with the registration */

	tn_list_insert_tail(&tn_core.caches, &cache->in_core);
	*ret_first = !registered;
	registered = true;
}

tenure_cache *tn_cache_default(const tenure_cache_options *options)
{
	tenure_cache *cache, *made;
	bool first = false;

	tn_lock();
	cache = default_cache;
	tn_unlock();
	if (cache != NULL)
		return cache;
	made = new_cache(options);
	tn_lock();
	if (default_cache == NULL && made != NULL) {
		default_cache = made;
		enter_locked(made, &first);
		made = NULL;
	}
	cache = default_cache;
	tn_unlock();
	free_cache(made);
	if (first)
		atexit(at_exit);
	return cache;
}

int tn_cache_configure(const tenure_cache_options *options)
{
	tenure_cache *made = new_cache(options);
	bool first = false, done = false;

	if (made == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache");
	tn_lock();
	if (default_cache == NULL) {
		default_cache = made;
		enter_locked(made, &first);
		done = true;
	}
	tn_unlock();
	if (first)
		atexit(at_exit);
	if (done)
		return 0;
	free_cache(made);
	return tn_fail(TENURE_EBUSY, "the process-wide cache is in use; configure it before the first call of a "
		       "cached function");
}

int tn_cache_open(const tenure_cache_options *options, tenure_cache **ret_cache)
{
	tenure_cache *cache = new_cache(options);
	bool first = false;

	if (cache == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for a cache");
	tn_lock();
	enter_locked(cache, &first);
	tn_unlock();
	if (first)
		atexit(at_exit);
	*ret_cache = cache;
	return 0;
}

int tn_cache_clear(tenure_cache *cache, enum tn_cause cause)
{
	struct tn_function *root;
	int count = 0;

	for (root = NULL; (root = tn_clear_next_root(cache, root)) != NULL;)
		count += tn_clear_family(root, cause);
	return count;
}

/* ---- closing */

/* What the calling thread itself is in the middle of, in this cache, and so cannot end while it waits here: at exit() it may
 * be inside a creator or a release. */
struct own {
	uint64_t flights, releases, threads;
};

static void find_own_locked(const tenure_cache *cache, struct own *own)
{
	const struct tn_context *context = tn_context();

	*own = (struct own){ .threads = context->worker_of == cache };
	for (const tenure_call *flight = context->attached ? NULL : context->inside; flight != NULL; flight = flight->parent)
		own->flights += flight->function->cache == cache && !flight->ended;
	for (const struct tn_releasing_now *at = context->releasing; at != NULL; at = at->outer)
		own->releases += at->cache == cache;
}

static bool at_rest_locked(const tenure_cache *cache, const struct own *own)
{
	const struct tn_list *flight = &cache->flights;
	uint64_t flights = 0;

	while ((flight = flight->next) != &cache->flights)
		flights++;
	/* A creation that was cleared counts as unfinished too. */
	return flights <= own->flights && cache->unfinished <= own->flights + own->releases;
}

/* The calls that wait for a creation which this thread itself is in the middle of: they cannot end before it. */
static uint64_t waiting_for_own_locked(const tenure_cache *cache)
{
	const struct tn_context *context = tn_context();
	const struct tn_waiter *waiter;
	uint64_t count = 0;

	for (const tenure_call *flight = context->attached ? NULL : context->inside; flight != NULL; flight = flight->parent) {
		tn_list_for_each(waiter, &flight->waiters, struct tn_waiter, in_flight)
			count += flight->function->cache == cache && !flight->ended;
	}
	return count;
}

/* Nothing of it is out: no creation, nothing unreleased, no call, no thread. */
static bool settled_locked(const tenure_cache *cache, const struct own *own)
{
	return at_rest_locked(cache, own) && cache->threads <= own->threads && cache->executing == 0 &&
	       cache->calls <= own->flights + own->releases + waiting_for_own_locked(cache);
}

static bool await_settled_locked(tenure_cache *cache, int64_t deadline)
{
	struct own own;

	find_own_locked(cache, &own);
	while (!settled_locked(cache, &own)) {
		if (at_rest_locked(cache, &own) && !cache->stop) {
			cache->stop = true;
			tn_cond_broadcast(&cache->work);
			tn_cond_broadcast(&cache->tick);
			continue;
		}
		if (cache->options.manual && tn_worker_run_one_unlock_lock(cache, true))
			continue;
		if (tn_tell_unlock_lock())
			continue;
		if (tn_cond_wait_until(&cache->settled, &tn_core.mutex, deadline))
			return settled_locked(cache, &own);
	}
	return true;
}

/* Name what is out, for people: "2 of get_model(), 1 of get_log(); held: get_log() for 3 s, taken at ...". */
static void describe_out_locked(const tenure_cache *cache, char *text, size_t room)
{
	struct tn_function *function;
	char held[OUT_ROOM - 300];
	size_t length = 0;

	text[0] = '\0';
	tn_list_for_each(function, &tn_core.functions, struct tn_function, in_core) {
		int written;

		if (function->cache != cache || function->unfinished == 0 || length >= room)
			continue;
		written = snprintf(text + length, room - length, "%s%llu of %s() (%llu leased, %llu being released)",
				   length == 0 ? "" : ", ", (unsigned long long)function->unfinished,
				   function->definition->name, (unsigned long long)function->retired_count,
				   (unsigned long long)function->releasing_count);
		length += written > 0 ? (size_t)written : 0;
	}
	if (length == 0) {
		snprintf(text, room, "a creation, a call or a thread of the library is still running");
		return;
	}
	if (length >= room)
		return;
	tn_holder_describe_locked(cache, held, sizeof(held));
	if (held[0] != '\0')
		snprintf(text + length, room - length, "; held: %s", held);
}

/* false: something is out, and `out` says what. */
static bool close_down(tenure_cache *cache, int64_t timeout, char *out, size_t room)
{
	int64_t deadline = tn_time_add(tn_clock_monotonic(), timeout);
	bool down;

	tn_lock();
	cache->closing = true;
	tn_cond_broadcast(&cache->settled); /* creations that await a release end here */
	tn_unlock();
	tn_cache_clear(cache, TN_CLOSED);
	tn_lock();
	down = await_settled_locked(cache, deadline);
	if (!down)
		describe_out_locked(cache, out, room);
	tn_unlock();
	return down;
}

/* Several threads may close one cache at once: each counts itself, and the last one out frees what is closed. */
static bool begin_close(tenure_cache *cache)
{
	tenure_cache *known;
	bool found = false;

	tn_lock();
	tn_list_for_each(known, &tn_core.caches, tenure_cache, in_core)
		found = found || known == cache;
	if (found)
		cache->closers++;
	tn_unlock();
	return found;
}

static void end_close(tenure_cache *cache)
{
	bool last;

	tn_lock();
	last = --cache->closers == 0 && !cache->open;
	tn_unlock();
	if (last)
		free_cache(cache);
}

/* Nothing of it is out any more. False: another call was first. */
static bool leave(tenure_cache *cache)
{
	bool first;

	tn_lock();
	first = cache->open;
	cache->open = false;
	tn_list_remove(&cache->in_core);
	if (default_cache == cache)
		default_cache = NULL;
	tn_unlock();
	if (first)
		tn_forget_cache(cache);
	return first;
}

int tn_cache_close(tenure_cache *cache, int64_t timeout)
{
	char out[OUT_ROOM];
	int result = 0;

	if (!begin_close(cache))
		return tn_fail(TENURE_ECLOSED, "the cache was closed before");
	if (!close_down(cache, timeout, out, sizeof(out)))
		result = tn_fail(TENURE_EBUSY, "the cache \"%s\" is still closing: %s", cache->name, out);
	TN_FAULT("close.down");
	if (result == 0 && !leave(cache))
		result = tn_fail(TENURE_ECLOSED, "the cache was closed by another call at the same time");
	end_close(cache);
	return result;
}

static tenure_cache *next_at_exit_locked(void)
{
	tenure_cache *cache;

	tn_list_for_each(cache, &tn_core.caches, tenure_cache, in_core) {
		if (!cache->exited)
			return cache;
	}
	return NULL;
}

static void at_exit(void)
{
	tenure_cache *cache;
	char out[OUT_ROOM];

	tn_lock();
	tn_core.exiting = true;
	while ((cache = next_at_exit_locked()) != NULL) {
		int64_t timeout;

		cache->exited = true;
		cache->closers++; /* another thread may be closing it */
		tn_unlock();
		timeout = cache->options.exit_timeout == 0 ? EXIT_TIMEOUT : cache->options.exit_timeout;
		if (!close_down(cache, timeout, out, sizeof(out)))
			tn_report(cache, TENURE_EBUSY, "at exit, the cache \"%s\" still has %s; not released", cache->name, out);
		end_close(cache);
		tn_lock();
	}
	tn_unlock();
}

void tn_cache_forget(tenure_cache *cache)
{
	tn_list_init(&cache->workers);
	tn_list_init(&cache->flights);
	cache->worker_count = cache->idle_workers = cache->spinning_workers = cache->threads = cache->stuck_workers = 0;
	cache->maintained = cache->watching = cache->worked = cache->stop = false;
	cache->looks_at = INT64_MIN;
	cache->release_first = NULL;
	cache->release_end = &cache->release_first;
	cache->queued = cache->unfinished = cache->awaiting = 0;
	cache->calls = 0;
	cache->closers = 0;
	cache->job_first = NULL;
	cache->job_end = &cache->job_first;
	cache->jobs_queued = cache->jobs_running = 0;
	cache->to_execute = cache->executing = 0;
	cache->posted = cache->to_wake = false;
	cache->timers.size = cache->timers_reserved = 0;
	tn_cond_reinit(&cache->work);
	tn_cond_reinit(&cache->tick);
	tn_cond_reinit(&cache->settled);
}
