/* SPDX-License-Identifier: Apache-2.0 */
/* test_manual.c: manual mode without a thread of the library's, and an executor of the program's own. */
#include "support.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

static tenure_cache *manual;
static int64_t now_here; /* atomic */
static long wakes, told; /* atomic */

static int64_t read_clock(void *user)
{
	(void)user;
	return __atomic_load_n(&now_here, __ATOMIC_SEQ_CST);
}

static void wake(void *user)
{
	assert_ptr_equal(user, &wakes);
	assert_int_equal(tenure_poll(manual, 0, 0, NULL), TENURE_EREENTRANT); /* only signal in it */
	__atomic_fetch_add(&wakes, 1, __ATOMIC_SEQ_CST);
}

static void tell(void *user, int result, const char *text)
{
	(void)user, (void)result, (void)text;
	__atomic_fetch_add(&told, 1, __ATOMIC_SEQ_CST);
}

TENURE_DECLARE(get_book, struct book, (int, number));
static bool fail_next;
static int make_book(tenure_call *call, const get_book_args *a, struct book **ret)
{
	*ret = book_new(a->number);
	if (fail_next)
		return tenure_fail(call, "not now");
	return 0;
}
TENURE_DEFINE(get_book, .cache = &manual, .create = make_book, .release = book_release, .ttl = "100s", .max_stale = "1000s",
	      .refresh = TENURE_BACKGROUND);

static int set_up_manual(void **state)
{
	(void)state;
	created = released = wakes = told = 0;
	now_here = TENURE_SECONDS(1000);
	fail_next = false;
	return tenure_cache_open(&manual, .name = "manual", .manual = true, .now = read_clock, .wake = wake, .report = tell,
				 .user = &wakes);
}

static int tear_down_manual(void **state)
{
	(void)state;
	tn_fault_reset();
	if (manual != NULL && tenure_cache_close(&manual, 0) != 0) {
		fprintf(stderr, "%s\n", tenure_message());
		return -1;
	}
	return created == released ? 0 : -1;
}
#undef T
#define T(name) cmocka_unit_test_setup_teardown(name, set_up_manual, tear_down_manual)

static int threads_of_process(void)
{
	DIR *folder = opendir("/proc/self/task");
	int count = 0;

	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count - 2;
}

static int poll_at(double seconds, int64_t *ret_next)
{
	now_here += (int64_t)(seconds * 1e9);
	return tenure_poll(manual, now_here, 0, ret_next);
}

static tenure_stats stats_now(void)
{
	tenure_stats stats;

	assert_int_equal(tenure_get_stats(get_book, &stats), 0);
	return stats;
}

static void T2_in_manual_mode_a_poll_releases_and_no_thread_exists(void **state)
{
	int before = threads_of_process();
	int64_t next;

	(void)state;
	assert_int_equal(tenure_update(get_book, .cache = &manual, .ttl = "100s"), 0);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_get(get_book, NULL, 2), TENURE_CREATED);
	assert_true(wakes > 0); /* there is a deadline now */
	assert_int_equal(poll_at(0, &next), 0);
	assert_true(next == now_here + TENURE_SECONDS(100));
	wakes = 0;
	assert_int_equal(tenure_clear_entry(get_book, 1), 1);
	assert_int_equal(wakes, 1);
	assert_int_equal(released, 0);
	assert_int_equal(stats_now().pending_releases, 1);
	assert_int_equal(poll_at(0, &next), 1); /* one callback */
	assert_int_equal(released, 1);
	assert_int_equal(poll_at(101, &next), 1);
	assert_int_equal(released, 2);
	assert_true(next == TENURE_FOREVER);
	assert_int_equal(threads_of_process(), before);
	assert_int_equal(tenure_update(get_book, .cache = &manual, .ttl = "100s", .max_stale = "1000s",
				       .refresh = TENURE_BACKGROUND), 0);
}

static void T5_a_poll_runs_at_most_so_many_callbacks_and_says_when_to_come_again(void **state)
{
	int64_t next;

	(void)state;
	for (int i = 0; i < 10; i++)
		tenure_get(get_book, NULL, i);
	tenure_clear_function(get_book);
	assert_int_equal(tenure_poll(manual, now_here, 3, &next), 3);
	assert_true(next == now_here); /* at once */
	assert_int_equal(released, 3);
	assert_int_equal(tenure_poll(manual, now_here, 0, &next), 7);
	assert_true(next == TENURE_FOREVER);
	assert_int_equal(tenure_poll(manual, TENURE_FOREVER, 0, NULL), 0); /* "never" does not come */
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_HIT);
}

static void T4_in_manual_mode_a_poll_runs_the_refresh(void **state)
{
	int before = threads_of_process();

	(void)state;
	tenure_get(get_book, NULL, 1);
	assert_int_equal(poll_at(101, NULL), 0);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_STALE);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_STALE);
	assert_int_equal(poll_at(0, NULL), 2); /* the refresh, and the release of the old one */
	assert_int_equal(created, 2);
	assert_int_equal(released, 1);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_HIT);
	fail_next = true;
	assert_int_equal(poll_at(101, NULL), 0);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_STALE);
	assert_int_equal(poll_at(0, NULL), 2); /* it fails, and what it left is released */
	assert_int_equal(told, 1);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_STALE);
	assert_int_equal(poll_at(0, NULL), 0);
	assert_int_equal(threads_of_process(), before);
}

static void C8_in_manual_mode_who_has_to_wait_releases_itself(void **state)
{
	(void)state;
	tenure_get(get_book, NULL, 1);
	tenure_get(get_book, NULL, 2);
	tenure_clear_function(get_book);
	assert_int_equal(released, 0);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED); /* its predecessor's release has run */
	assert_true(released >= 1);
	assert_int_equal(tenure_drain(get_book, TENURE_FOREVER), 0);
	assert_int_equal(created, released);
	tenure_get(get_book, NULL, 1);
	assert_int_equal(tenure_forget(get_book, TENURE_FOREVER), 0);
	assert_int_equal(created, released);
	tenure_get(get_book, NULL, 1);
	assert_int_equal(tenure_cache_close(&manual, 0), 0); /* likewise */
	assert_int_equal(created, released);
}

static void C8_in_manual_mode_a_release_that_nobody_polled_for_is_run_however_old_it_is(void **state)
{
	(void)state;
	tenure_get(get_book, NULL, 1);
	tenure_clear_function(get_book);
	now_here += TENURE_SECONDS(60);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	assert_int_equal(released, 1);
}

/* A clock that goes on between the polls. */
static void L7_a_timeout_of_0_waits_for_no_poll_C5_F3(void **state)
{
	TENURE_LEASE(get_book, l);

	(void)state;
	tenure_get(get_book, &l, 1);
	now_here += 1;
	assert_int_equal(tenure_drain(get_book, 0), 1);
	assert_int_equal(tenure_drain_all(manual, -1), 1);
	assert_int_equal(tenure_forget(get_book, 0), TENURE_EBUSY);
	tenure_give_back(&l);
	assert_int_equal(tenure_get_within(get_book, 0, NULL, 1), TENURE_ETIMEDOUT); /* for the release that is queued */
}

TENURE_DECLARE(get_nested, struct book, (int, n));
static int make_nested(tenure_call *call, const get_nested_args *a, struct book **ret)
{
	if (tenure_get(get_book, NULL, a->n) < 0) /* whose predecessor waits for its release */
		return tenure_fail(call, "%s", tenure_message());
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(get_nested, .cache = &manual, .create = make_nested, .release = book_release, .create_on_worker = true);

static void C8_inside_a_creator_too_and_create_on_worker_is_inline(void **state)
{
	int before = threads_of_process();

	(void)state;
	tenure_get(get_book, NULL, 1);
	tenure_clear_function(get_book);
	assert_int_equal(tenure_get(get_nested, NULL, 1), TENURE_CREATED);
	assert_int_equal(released, 1);
	assert_int_equal(threads_of_process(), before);
	tenure_clear_function(get_nested);
}

static void L3_options_that_exclude_each_other_are_told_F5(void **state)
{
	tenure_cache *other;

	(void)state;
	assert_int_equal(tenure_cache_open(&other, .manual = true, .workers = 2), TENURE_EINVAL);
	assert_int_equal(tenure_cache_open(&other, .wake = wake), TENURE_EINVAL);
}

static void P1_a_child_of_a_manual_cache_polls_its_own(void **state)
{
	pid_t child;
	int status;

	(void)state;
	tenure_get(get_book, NULL, 1);
	tenure_clear_function(get_book); /* queued in the parent */
	child = fork();
	if (child == 0) {
		bool right = poll_at(0, NULL) == 0 && tenure_get(get_book, NULL, 1) == TENURE_CREATED &&
			     tenure_clear_function(get_book) == 1 && poll_at(0, NULL) == 1;

		_exit(right ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(poll_at(0, NULL), 1);
	assert_int_equal(released, 1);
}

/* ---- an executor of the program's own */

static tenure_cache *pooled;
enum { TASKS = 4096 };
static struct {
	pthread_mutex_t mutex;
	void (*run[TASKS])(void *);
	void *task[TASKS];
	int count, done;
} pool = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void execute(void *user, void (*run)(void *), void *task)
{
	(void)user;
	pthread_mutex_lock(&pool.mutex);
	pool.run[pool.count % TASKS] = run;
	pool.task[pool.count++ % TASKS] = task;
	pthread_mutex_unlock(&pool.mutex);
}

/* The next task, run on this thread. False: there is none. */
static bool run_task(void)
{
	void (*run)(void *) = NULL;
	void *task = NULL;

	pthread_mutex_lock(&pool.mutex);
	if (pool.done < pool.count) {
		run = pool.run[pool.done % TASKS];
		task = pool.task[pool.done++ % TASKS];
	}
	pthread_mutex_unlock(&pool.mutex);
	if (run != NULL)
		run(task);
	return run != NULL;
}

TENURE_DECLARE(get_pooled, struct book, (int, n));
static int make_pooled(tenure_call *call, const get_pooled_args *a, struct book **ret)
{
	(void)call;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(get_pooled, .cache = &pooled, .create = make_pooled, .release = book_release, .ttl = "100s", .create_on_worker = true);

static void *get_pooled_on_a_thread(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get(get_pooled, NULL, 1);
}

static void *drain_pooled(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_drain(get_pooled, TENURE_FOREVER);
}

static void L3_an_executor_runs_releases_and_creators_on_its_own_threads(void **state)
{
	pthread_t thread;

	(void)state;
	pool.count = pool.done = 0;
	assert_int_equal(tenure_cache_open(&pooled, .name = "pooled", .execute = execute, .now = read_clock), 0);
	assert_int_equal(tenure_cache_open(&manual, .execute = execute, .manual = true), TENURE_EINVAL);
	thread = start(get_pooled_on_a_thread, NULL);
	while (!run_task())
		sched_yield();
	assert_int_equal((intptr_t)finish(thread), TENURE_CREATED);
	assert_int_equal(tenure_clear_function(get_pooled), 1);
	assert_int_equal(released, 0);
	assert_true(run_task());
	assert_int_equal(released, 1);
	assert_false(run_task());
	thread = start(get_pooled_on_a_thread, NULL);
	while (!run_task())
		sched_yield();
	finish(thread);
	thread = start(drain_pooled, NULL);
	while (!run_task())
		sched_yield();
	assert_int_equal((intptr_t)finish(thread), 0);
	assert_int_equal(released, 2);
	thread = start(get_pooled_on_a_thread, NULL);
	while (!run_task())
		sched_yield();
	finish(thread);
	assert_int_equal(tenure_cache_close(&pooled, 0), TENURE_EBUSY); /* its executor has a release to run */
	assert_true(run_task());
	assert_int_equal(tenure_cache_close(&pooled, TENURE_SECONDS(10)), 0);
	assert_int_equal(created, released);
}

/* An executor that is through with the task before the one who queued it goes on. */
struct errand {
	void (*run)(void *);
	void *task;
};

static void *run_errand(void *pointer)
{
	struct errand *errand = pointer;

	errand->run(errand->task);
	return NULL;
}

static void execute_quickly(void *user, void (*run)(void *), void *task)
{
	struct errand errand = { run, task };

	(void)user;
	finish(start(run_errand, &errand));
}

static void L3_an_executor_may_be_quicker_than_who_waits_for_it(void **state)
{
	(void)state;
	assert_int_equal(tenure_cache_open(&pooled, .name = "quick", .execute = execute_quickly, .now = read_clock), 0);
	for (int i = 0; i < 20; i++) { /* the clock stands still: a wake-up that is missed is missed for good */
		assert_int_equal(tenure_get(get_pooled, NULL, i), TENURE_CREATED);
		assert_int_equal(tenure_drain(get_pooled, TENURE_FOREVER), 0);
	}
	assert_int_equal(tenure_cache_close(&pooled, TENURE_SECONDS(10)), 0);
	assert_int_equal(created, released);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(T2_in_manual_mode_a_poll_releases_and_no_thread_exists),
		T(T5_a_poll_runs_at_most_so_many_callbacks_and_says_when_to_come_again),
		T(T4_in_manual_mode_a_poll_runs_the_refresh),
		T(C8_in_manual_mode_who_has_to_wait_releases_itself),
		T(C8_in_manual_mode_a_release_that_nobody_polled_for_is_run_however_old_it_is),
		T(L7_a_timeout_of_0_waits_for_no_poll_C5_F3),
		T(C8_inside_a_creator_too_and_create_on_worker_is_inline),
		T(L3_options_that_exclude_each_other_are_told_F5),
		T(P1_a_child_of_a_manual_cache_polls_its_own),
		T(L3_an_executor_runs_releases_and_creators_on_its_own_threads),
		T(L3_an_executor_may_be_quicker_than_who_waits_for_it),
	};
	return RUN(tests);
}
