/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c: who runs a cache's releases and jobs.
 *
 * Releases are entries that are RELEASING, jobs are creations that shall not run on a caller's thread. Releases go first, in
 * the order in which they came; of the jobs so many run at a time that a worker is left for releases.
 * Workers: one from the first creation on; one that takes a job, or leaves others waiting, starts the next, up to the
 * option. A worker that has been in user code for over a second is stuck: another takes its place (a release is reported),
 * and when it comes back it fills a place that is empty, or ends. A worker's structure lives on its thread's stack.
 * With an executor of the program's own there are no workers: each task that is queued is handed to it (outbox.c). In manual
 * mode polls run what is queued, and so does who has to wait for it. */
#include "core/worker.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/spin.h"
#include "base/thread.h"
#include "core/entry.h"
#include "core/lease.h"
#include "core/outbox.h"
#include "core/recording.h"

enum { STUCK_CAP = 64 };
static const int64_t STUCK_AFTER = 1000000000; /* ns */

bool (*tn_worker_start_maintenance_unlock_lock)(tenure_cache *cache);

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

/* ---- one task */

static uint32_t most_workers(const tenure_cache *cache)
{
	return cache->options.workers == 0 ? 2 : cache->options.workers;
}

/* May one more job begin? One worker of several stays free for releases. */
static bool job_may_begin_locked(const tenure_cache *cache)
{
	uint32_t most = most_workers(cache);

	if (cache->job_first == NULL)
		return false;
	return cache->options.execute != NULL || cache->options.manual || cache->jobs_running < (most > 1 ? most - 1 : 1);
}

static bool work_waits_locked(const tenure_cache *cache)
{
	return cache->queued != 0 || job_may_begin_locked(cache);
}

void tn_worker_queue_locked(tenure_cache *cache, struct tn_task *task)
{
	task->next = NULL;
	*cache->job_end = task;
	cache->job_end = &task->next;
	cache->jobs_queued++;
	tn_tell_work_locked(cache);
}

static struct tn_task *next_job_locked(tenure_cache *cache)
{
	struct tn_task *task = cache->job_first;

	cache->job_first = task->next;
	if (cache->job_first == NULL)
		cache->job_end = &cache->job_first;
	cache->jobs_queued--;
	return task;
}

/* The next thing for this worker to do. False: there is none. */
static bool take_locked(struct tn_worker *worker, bool jobs)
{
	tenure_cache *cache = worker->cache;

	worker->reported = worker->told = false;
	worker->entry = tn_entry_next_release_locked(cache);
	if (worker->entry == NULL && jobs && job_may_begin_locked(cache)) {
		worker->job = next_job_locked(cache);
		cache->jobs_running++;
	}
	worker->busy = worker->entry != NULL || worker->job != NULL;
	if (worker->busy)
		worker->busy_since = tn_cache_time_locked(cache);
	return worker->busy;
}

/* Once: should the report end the thread, nobody hears it again. False: it has forked, and this is the child. */
static bool report_failure(struct tn_worker *worker, int result)
{
	const char *name;

	if (worker->told)
		return true;
	worker->told = true;
	tn_lock();
	name = tn_function_of(worker->entry)->definition->name; /* it stays as long as the entry */
	tn_unlock();
	tn_report(worker->cache, TENURE_EFAILED, "the release of a resource of %s() failed with %d", name, result);
	return !tn_forked_since(worker->generation);
}

/* After the release: what else the entry held, and the entry itself. */
static void finish_release(struct tn_worker *worker, int result)
{
	struct tn_entry *entry = worker->entry;
	struct tn_function *function = tn_function_of(entry);
	struct tn_recording *recording = entry->recording;
	const unsigned char *key = tn_entry_long_key(entry);

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

static int call_release(const struct tn_entry *entry, tenure_cache *cache)
{
	const tenure_definition *definition = entry->object->definition;
	struct tn_context *context = tn_context();
	struct tn_releasing_now here = { .outer = context->releasing, .cache = cache };
	enum tn_callback was = tn_callback_enter(TN_IN_RELEASE);
	int result;

	context->releasing = &here;
	result = definition->release(definition->user, entry->head.resource);
	context->releasing = here.outer;
	tn_callback_leave(was);
	return result;
}

/* The task was taken; run it without M. False: the process was forked inside it, and this is the child. */
static bool run(struct tn_worker *worker)
{
	struct tn_entry *entry = worker->entry;
	int result = 0;

	if (entry == NULL) {
		worker->job->run(worker->job); /* the job's memory is its own from here on */
		return !tn_forked_since(worker->generation);
	}
	TN_FAULT("worker.before_release");
	if (entry->last)
		result = call_release(entry, worker->cache);
	if (tn_forked_since(worker->generation) || (result != 0 && !report_failure(worker, result)))
		return false;
	finish_release(worker, result);
	return true;
}

static void done_locked(struct tn_worker *worker)
{
	tenure_cache *cache = worker->cache;

	if (worker->job != NULL && !worker->stuck) {
		cache->jobs_running--;
		if (cache->job_first != NULL)
			tn_cond_signal(&cache->work);
	}
	worker->job = NULL;
	worker->entry = NULL;
	worker->busy = false;
}

/* The task has ended its thread (pthread_exit, cancellation): a release failed by that, a job has concluded itself. */
static bool task_lost(struct tn_worker *worker)
{
	struct tn_context *context = tn_context();

	context->releasing = context->releasing == NULL ? NULL : context->releasing->outer;
	if (worker->entry == NULL)
		return true;
	if (!report_failure(worker, -1))
		return false;
	finish_release(worker, -1);
	return true;
}

static bool run_guarded(struct tn_worker *worker, void (*lost)(void *worker))
{
	bool here;

	pthread_cleanup_push(lost, worker);
	here = run(worker);
	pthread_cleanup_pop(0);
	return here;
}

/* ---- on a thread of the program's */

static void lost_on_a_guest(void *pointer)
{
	struct tn_worker *guest = pointer;

	if (tn_forked_since(guest->generation) || !task_lost(guest))
		return;
	tn_lock();
	done_locked(guest);
	guest->cache->calls--;
	tn_cond_broadcast(&guest->cache->settled);
	tn_unlock();
}

bool tn_worker_run_one_unlock_lock(tenure_cache *cache, bool jobs)
{
	struct tn_worker guest = { .cache = cache, .generation = tn_core.generation };
	bool here;

	if (!take_locked(&guest, jobs))
		return false;
	cache->calls++;
	tn_unlock();
	here = run_guarded(&guest, lost_on_a_guest);
	tn_lock();
	if (!here)
		return true;
	done_locked(&guest);
	if (--cache->calls == 0 && cache->closing)
		tn_cond_broadcast(&cache->settled);
	return true;
}

void tn_worker_run_for_executor(void *pointer)
{
	tenure_cache *cache = pointer;

	tn_lock();
	cache->executing--;
	tn_worker_run_one_unlock_lock(cache, true);
	tn_cond_broadcast(&cache->settled);
	tn_unlock();
}

void tn_worker_wait_unlock_lock(tenure_cache *cache, struct tn_cond *cond, int64_t deadline)
{
	const struct tn_context *context = tn_context();
	int cancel;
	bool ran;

	/* A job here, inside of user code, could wait for what that code holds up; a release runs inside it as if called. */
	if (cache->options.manual) {
		/* The callers have what they wait for linked in lists: a cancellation in the callback waits. */
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
		ran = tn_worker_run_one_unlock_lock(cache, context->callback == TN_OUTSIDE);
		pthread_setcancelstate(cancel, NULL);
		if (ran)
			return;
	}
	if (tn_tell_unlock_lock())
		return;
	if (cache->options.now != NULL) /* a poll moves the clock, and wakes */
		tn_cond_wait(cond, &tn_core.mutex);
	else
		tn_cond_wait_until(cond, &tn_core.mutex, deadline);
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
		tn_cond_broadcast(&cache->settled);
		tn_unlock();
	}
	return started;
}

bool tn_worker_start_unlock_lock(tenure_cache *cache)
{
	bool started = start_worker_unlock(cache);

	tn_lock();
	return started;
}

/* One that is in a creator for long would hold up the releases that come meanwhile. */
static bool more_hands_wanted_locked(const struct tn_worker *worker)
{
	const tenure_cache *cache = worker->cache;

	return (work_waits_locked(cache) || worker->job != NULL) && cache->idle_workers == 0 &&
	       cache->worker_count < most_workers(cache) && !cache->stop;
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

static void worker_lost(void *pointer)
{
	struct tn_worker *worker = pointer;
	tenure_cache *cache = worker->cache;
	bool started = true;

	if (tn_forked_since(worker->generation) || !task_lost(worker))
		return;
	tn_lock();
	done_locked(worker);
	cache->calls++; /* so that it stays */
	leave_locked(worker);
	if (cache->worker_count == 0 && !cache->stop)
		started = tn_worker_start_unlock_lock(cache);
	tn_unlock();
	if (!started)
		tn_report(cache, TENURE_ENOMEM, "no thread for releases; the next creation tries again");
	tn_lock();
	cache->calls--;
	tn_cond_broadcast(&cache->settled);
	tn_unlock();
}

/* Tell of one stuck release that nobody has told of. True: it did, and M was let go meanwhile. */
static bool report_stuck_unlock_lock(struct tn_worker *self)
{
	tenure_cache *cache = self->cache;
	struct tn_worker *worker;

	tn_list_for_each(worker, &cache->workers, struct tn_worker, in_cache) {
		const char *name;
		double age;

		if (!worker->stuck || worker->reported || worker->entry == NULL)
			continue;
		worker->reported = true;
		name = tn_function_of(worker->entry)->definition->name;
		self->busy_since = tn_cache_time_locked(cache);
		self->busy = true; /* a report can hang too */
		age = (double)(self->busy_since - worker->busy_since) / 1e9;
		tn_unlock();
		pthread_cleanup_push(worker_lost, self);
		tn_report(cache, TENURE_EBUSY, "the release of a resource of %s() has been running for %.1f s; "
			  "other releases go on without it", name, age);
		pthread_cleanup_pop(0);
		tn_lock();
		self->busy = false;
		return true;
	}
	return false;
}

/* One that is back from user code. False: its place is taken, it ends. */
static bool may_stay_locked(struct tn_worker *worker)
{
	tenure_cache *cache = worker->cache;

	if (!worker->stuck)
		return true;
	if (cache->worker_count >= most_workers(cache))
		return false;
	worker->stuck = false;
	cache->stuck_workers--;
	cache->worker_count++;
	return true;
}

/* One worker at a time looks for work for some microseconds before it parks. */
static void wait_for_work_unlock_lock(tenure_cache *cache)
{
	int64_t spin = cache->spinning_workers != 0 ? 0 : tn_spin_time(&cache->work_patience);
	uint64_t told = cache->told;

	cache->idle_workers++;
	tn_tell_unlock_lock();
	if (spin != 0) {
		cache->spinning_workers++;
		tn_unlock();
		tn_spin(&cache->told, told, spin);
		tn_lock();
		cache->spinning_workers--;
		tn_spin_learn(&cache->work_patience, work_waits_locked(cache));
	}
	if (!work_waits_locked(cache) && !cache->stop)
		tn_cond_wait(&cache->work, &tn_core.mutex);
	cache->idle_workers--;
}

static void *worker_main(void *pointer)
{
	tenure_cache *cache = pointer;
	struct tn_worker self = { .cache = cache, .generation = tn_core.generation };

	tn_context()->worker_of = cache;
	tn_lock();
	tn_list_insert_tail(&cache->workers, &self.in_cache);
	while (may_stay_locked(&self)) {
		if (report_stuck_unlock_lock(&self)) {
			if (!tn_forked_since(self.generation))
				continue;
			tn_unlock(); /* a child that the report has forked */
			return NULL;
		}
		if (!take_locked(&self, true)) {
			if (cache->stop)
				break;
			wait_for_work_unlock_lock(cache);
			continue;
		}
		cache->worked = true;
		if (!cache->watching && cache->maintained) {
			cache->watching = true;
			tn_tell_time_locked(cache, tn_time_add(self.busy_since, STUCK_AFTER));
		}
		if (more_hands_wanted_locked(&self))
			start_worker_unlock(cache);
		else
			tn_unlock();
		if (!run_guarded(&self, worker_lost))
			return NULL;
		tn_lock();
		done_locked(&self);
	}
	leave_locked(&self);
	tn_unlock();
	return NULL;
}

int tn_worker_find_stuck_locked(tenure_cache *cache, int64_t now, int64_t *ret_next)
{
	struct tn_worker *worker;
	int wanted = 0;

	*ret_next = TN_NEVER;
	tn_list_for_each(worker, &cache->workers, struct tn_worker, in_cache) {
		if (!worker->busy || worker->stuck)
			continue;
		if (now - worker->busy_since < STUCK_AFTER) {
			if (worker->busy_since + STUCK_AFTER < *ret_next)
				*ret_next = worker->busy_since + STUCK_AFTER;
		} else if (cache->stuck_workers < STUCK_CAP) {
			worker->stuck = true;
			cache->worker_count--;
			cache->stuck_workers++;
			cache->jobs_running -= worker->job != NULL;
			wanted += worker->entry != NULL; /* to report it, if for nothing else */
		} else {
			*ret_next = now + STUCK_AFTER;
		}
	}
	if (work_waits_locked(cache) && cache->idle_workers != 0) /* a job that waited for the stuck one's turn to be over */
		tn_tell_work_locked(cache);
	if (work_waits_locked(cache) && cache->worker_count == 0) { /* also where a start failed before */
		wanted += wanted == 0;
		*ret_next = *ret_next < now + STUCK_AFTER ? *ret_next : now + STUCK_AFTER;
	}
	return cache->stop || cache->options.manual || cache->options.execute != NULL ? 0 : wanted;
}

int tn_worker_ensure(tenure_cache *cache)
{
	bool started = true;

	if (cache->options.manual)
		return 0;
	tn_lock();
	if (cache->options.execute == NULL && cache->worker_count == 0 && !cache->stop)
		started = tn_worker_start_unlock_lock(cache);
	if (started && !cache->maintained && cache->options.now == NULL && !cache->stop)
		started = tn_worker_start_maintenance_unlock_lock(cache);
	tn_unlock();
	return started ? 0 : tn_fail(TENURE_ENOMEM, "no thread could be started for the releases of the cache \"%s\"",
				     cache->name);
}
