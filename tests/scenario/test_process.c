/* SPDX-License-Identifier: Apache-2.0 */
/* test_process.c: fork, exit, cancellation, real time. */
#include "support.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

#define CACHE .cache = &cache

/* ASan's allocator has locks of its own, which a forked child finds as they were: the child of a process whose other threads are
 * at work hangs in it now and then. So these tests are not in its builds. */
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#endif
#define AMONG_THREADS static __attribute__((unused)) void

TENURE_DECLARE(get_book, struct book, (int, n));
static pid_t fork_inside = -1;
static bool fork_now;
static long pauses, paused;
static int make_book(tenure_call *c, const get_book_args *a, struct book **ret)
{
	(void)c;
	if (fork_now)
		fork_inside = fork();
	TN_FAULT("test.creator");
	if (pauses) {
		__atomic_fetch_add(&paused, 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause(); /* a point of cancellation */
	}
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(get_book, CACHE, .create = make_book, .release = book_release);

TENURE_DECLARE(brief, struct book);
static int make_brief(tenure_call *c, const brief_args *a, struct book **ret)
{
	(void)c, (void)a;
	*ret = book_new(0);
	return 0;
}
TENURE_DEFINE(brief, CACHE, .create = make_brief, .release = book_release, .ttl = "20ms");

TENURE_DECLARE(news, struct book, (int, n));
static int make_news(tenure_call *c, const news_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(news, CACHE, .create = make_news, .release = book_release, .ttl = "10s", .refresh = TENURE_BACKGROUND);

/* Run `body` in a forked child; its result is the child's exit code, 0 for good. */
static int in_child(int (*body)(void *), void *argument)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		_exit(body(argument));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 999;
	return WEXITSTATUS(status);
}

static int start_empty(void *lease)
{
	get_book_lease *parents = lease;
	long freed = released;
	tenure_stats stats;
	TENURE_LEASE(get_book, l);

	if (tenure_give_back(parents) != TENURE_EFORKED)
		return 1;
	if (tenure_get(get_book, &l, 1) != TENURE_CREATED) /* not the parent's */
		return 2;
	if (tenure_get(get_book, NULL, 1) != TENURE_HIT)
		return 3;
	tenure_get_stats(get_book, &stats);
	if (stats.live != 1 || stats.creations != 1)
		return 4;
	tenure_give_back(&l);
	if (tenure_drain(get_book, TENURE_SECONDS(30)) != 0 || released != freed + 1)
		return 5; /* threads started again, and released the child's own only */
	return tenure_cache_close(&cache, TENURE_SECONDS(30)) == 0 ? 0 : 6;
}

static void P1_a_child_starts_empty_and_leaves_the_parents_alone(void **state)
{
	TENURE_LEASE(get_book, l);
	TENURE_LEASE(get_book, again);

	(void)state;
	tenure_get(get_book, &l, 1);
	assert_int_equal(in_child(start_empty, &l), 0);
	book_check(l.resource);
	assert_int_equal(tenure_get(get_book, &again, 1), TENURE_HIT);
	assert_ptr_equal(l.resource, again.resource);
}

TENURE_DECLARE(tracked, struct book, (int, n));
static int make_tracked(tenure_call *c, const tracked_args *a, struct book **ret)
{
	(void)c;
	if (fork_now)
		fork_inside = fork();
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(tracked, CACHE, .create = make_tracked, .release = book_release, .track_holders = true);

static int nothing_of_the_parents(void *user, const char *text, size_t size)
{
	char *all = user;

	memcpy(all + strlen(all), text, size);
	return 0;
}

static int track_its_own(void *pointer)
{
	static char text[20000];
	tracked_lease *parents = pointer, copy = parents[0], own = { 0 }, more[70] = { 0 };
	tenure_lease again;

	if (tenure_give_back(&copy) != TENURE_EFORKED || tenure_share(&parents[0], &own) != TENURE_EFORKED ||
	    tenure_discard(&parents[1]) != TENURE_EFORKED)
		return 1;
	if (tenure_dump(cache, TENURE_DUMP_HOLDERS, nothing_of_the_parents, text) != 0 || strstr(text, "nobody holds") == NULL)
		return 2;
	for (int i = 0; i < 70; i++) { /* more than the parent had room for */
		if (tenure_get(tracked, &more[i], 1) < 0)
			return 3;
	}
	again = more[3].lease;
	if (tenure_give_back(&more[3]) != 0 || tenure_lease_give_back(&again) != TENURE_ENOTHELD)
		return 4;
	if (tenure_give_back(&copy) != TENURE_EFORKED) /* not taken for one of the child's */
		return 5;
	for (int i = 0; i < 70; i++) {
		if (tenure_give_back(&more[i]) != 0)
			return 6;
	}
	return tenure_cache_close(&cache, TENURE_SECONDS(30)) == 0 ? 0 : 7;
}

static void P1_L5_tracked_leases_of_the_parent_are_told(void **state)
{
	tracked_lease leases[2] = { 0 };
	tenure_lease copy;

	(void)state;
	tenure_get(tracked, &leases[0], 1);
	tenure_get(tracked, &leases[1], 1);
	assert_int_equal(in_child(track_its_own, leases), 0);
	copy = leases[0].lease;
	assert_int_equal(tenure_give_back(&leases[0]), 0);
	assert_int_equal(tenure_lease_give_back(&copy), TENURE_ENOTHELD);
	assert_int_equal(tenure_give_back(&leases[1]), 0);
}

static void P1_L5_a_fork_inside_a_tracked_creator(void **state)
{
	TENURE_LEASE(tracked, l);
	int result, status;

	(void)state;
	fork_now = true;
	fflush(NULL);
	result = tenure_get(tracked, &l, 2);
	fork_now = false;
	if (fork_inside == 0) {
		tracked_lease many[130] = { 0 };
		bool good = result == TENURE_EFORKED && l.lease.cell_ == NULL;

		alarm(60);
		for (int i = 0; i < 130; i++) /* none gets the holder that was the parent's */
			good = good && tenure_get(tracked, &many[i], 2) >= 0;
		for (int i = 0; i < 130; i++)
			good = good && tenure_give_back(&many[i]) == 0;
		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(fork_inside, &status, 0), fork_inside);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(result, TENURE_CREATED);
	assert_int_equal(tenure_give_back(&l), 0);
}

static int get_news_anew(void *unused)
{
	tenure_stats stats;

	(void)unused;
	if (tenure_get(news, NULL, 1) != TENURE_CREATED || tenure_get(news, NULL, 1) != TENURE_HIT)
		return 1;
	tenure_get_stats(news, &stats);
	return stats.refreshes != 0 || tenure_forget(news, TENURE_SECONDS(30)) != 0;
}

AMONG_THREADS P1_a_fork_at_the_end_of_a_refresh_T4(void **state)
{
	tenure_stats stats;

	(void)state;
	assert_int_equal(tenure_get(news, NULL, 1), TENURE_CREATED);
	advance(11);
	tn_fault_arm("refresh.before_end", 0);
	assert_int_equal(tenure_get(news, NULL, 1), TENURE_STALE);
	tn_fault_await("refresh.before_end");
	assert_int_equal(in_child(get_news_anew, NULL), 0);
	tn_fault_release("refresh.before_end");
	await_count(&released, 1);
	assert_int_equal(tenure_get(news, NULL, 1), TENURE_HIT);
	tenure_get_stats(news, &stats);
	assert_int_equal(stats.refreshes, 1);
}

static tenure_lease waited_for; /* of news */

static void *forget_news(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_forget(news, TENURE_FOREVER);
}

/* In the parent another thread is at forgetting the function: in the child nobody is. */
AMONG_THREADS P1_a_fork_while_another_thread_forgets_F3(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(tenure_get(news, (news_lease *)&waited_for, 1), TENURE_CREATED);
	tn_fault_arm("forget.waits", 99);
	thread = start(forget_news, NULL);
	while (tn_fault_arrivals("forget.waits") == 0)
		sched_yield();
	assert_int_equal(tenure_get(news, NULL, 1), TENURE_ECLOSED);
	assert_int_equal(in_child(get_news_anew, NULL), 0);
	assert_int_equal(tenure_lease_give_back(&waited_for), 0);
	assert_int_equal((intptr_t)finish(thread), 0);
}

static tenure_cache *by_hand;
TENURE_DECLARE(forks_late, struct book, (int, n));
static int make_forks_late(tenure_call *c, const forks_late_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
static void fork_and_release(struct book *book)
{
	fflush(NULL);
	fork_inside = fork();
	book_release(book);
}
TENURE_DEFINE(forks_late, .cache = &by_hand, .create = make_forks_late, .release = fork_and_release);

/* In manual mode who has to wait runs releases: here one that forks, and comes back in the child too. */
static void P1_a_fork_in_a_release_that_a_call_waits_for(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		int result, status;

		assert_int_equal(tenure_cache_open(&by_hand, .name = "by hand", .manual = true), 0);
		assert_int_equal(tenure_get(forks_late, NULL, 1), TENURE_CREATED);
		if (i == 2)
			tenure_clear_function(forks_late);
		result = i == 0 ? tenure_drain(forks_late, TENURE_FOREVER) : i == 1 ? tenure_forget(forks_late, TENURE_FOREVER) :
			 tenure_get(forks_late, NULL, 1);
		if (fork_inside == 0) {
			alarm(60);
			_exit(result == TENURE_EFORKED && tenure_get(forks_late, NULL, 1) == TENURE_CREATED ? 0 : 1);
		}
		assert_int_equal(waitpid(fork_inside, &status, 0), fork_inside);
		assert_int_equal(status, 0);
		assert_int_equal(result, i == 2 ? TENURE_CREATED : 0);
		tenure_drain_all(by_hand, TENURE_FOREVER); /* forks once more for what is there */
		if (fork_inside == 0)
			_exit(0);
		assert_int_equal(waitpid(fork_inside, NULL, 0), i == 2 ? fork_inside : -1);
		assert_int_equal(tenure_cache_close(&by_hand, TENURE_SECONDS(30)), 0);
	}
}

static int old_things(void *key)
{
	TENURE_LEASE(get_book, l);

	return tenure_get_key(get_book, &l, key) != TENURE_EFORKED;
}

static int old_session(void *session)
{
	return tenure_session_enter(session, NULL) != TENURE_EFORKED || tenure_session_end(session) != TENURE_EFORKED;
}

/* ---- a report that forks, or ends its thread */

static int close_badly(struct book *book)
{
	book_release(book);
	return -7;
}
TENURE_DECLARE(unclosable, struct book, (int, n));
static tenure_cache *reporting;
static int make_unclosable(tenure_call *c, const unclosable_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(unclosable, .cache = &reporting, .create = make_unclosable, .close = close_badly);

static enum { FORKS, EXITS } way_of_reporting;
static int child_of_report; /* how it ended; atomic, written before the report returns */
static long reports_heard; /* atomic */

/* In the child of a thread that the library started nothing else runs: it ends with its thread. */
static void report_oddly(void *user, int result, const char *words)
{
	int status;
	pid_t pid;

	(void)user, (void)result, (void)words;
	__atomic_fetch_add(&reports_heard, 1, __ATOMIC_SEQ_CST);
	if (way_of_reporting == EXITS)
		pthread_exit(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		return;
	}
	/* With which number it exits is not ours: a sanitizer does not know the memory of the threads that it is without. */
	child_of_report = waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? 0 : 999;
}

AMONG_THREADS L3_P1_a_report_may_fork_or_end_its_thread(void **state)
{
	tenure_stats stats;

	(void)state;
	for (way_of_reporting = FORKS; way_of_reporting <= EXITS; way_of_reporting++) {
		reports_heard = child_of_report = 0;
		assert_int_equal(tenure_cache_open(&reporting, .name = "reporting", .report = report_oddly, .workers = 1), 0);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(tenure_get(unclosable, NULL, i), TENURE_CREATED);
			assert_int_equal(tenure_drain(unclosable, TENURE_SECONDS(30)), 0);
		}
		assert_int_equal(tenure_get_stats(unclosable, &stats), 0);
		assert_int_equal(stats.release_failures, 2);
		assert_int_equal(count_of(&reports_heard), 2);
		assert_int_equal(child_of_report, 0);
		assert_int_equal(tenure_cache_close(&reporting, TENURE_SECONDS(30)), 0);
	}
}

static char parents_user;
static long for_the_parents_user;

static void hear(void *front_user, int kind, const void *data, size_t size, bool replayed)
{
	(void)kind, (void)data, (void)size, (void)replayed;
	for_the_parents_user += front_user == &parents_user;
}

static const tenure_front hearing = { .size = sizeof(hearing), .message = hear };
static tenure_cache *heard;
TENURE_DECLARE(said, struct book, (int, n));
static int make_said(tenure_call *c, const said_args *a, struct book **ret)
{
	*ret = book_new(a->n);
	return tenure_say(c, TENURE_TEXT, "hello");
}
TENURE_DEFINE(said, .cache = &heard, .create = make_said, .release = book_release);

static int hit_in_a_child(void *unused)
{
	tenure_session *before;

	(void)unused;
	for_the_parents_user = 0;
	if (tenure_get(said, NULL, 1) != TENURE_CREATED || tenure_get(said, NULL, 1) != TENURE_HIT)
		return 1;
	if (for_the_parents_user != 0)
		return 2;
	return tenure_session_enter(NULL, &before) == 0 && before == NULL ? 0 : 3;
}

static void P1_a_child_is_in_no_session_of_its_parents(void **state)
{
	tenure_session *session;

	(void)state;
	assert_int_equal(tenure_cache_open(&heard, .name = "heard", .front = &hearing), 0);
	assert_int_equal(tenure_session_open("s", &parents_user, &session), 0);
	assert_int_equal(tenure_session_enter(session, NULL), 0);
	assert_int_equal(in_child(hit_in_a_child, NULL), 0);
	assert_int_equal(tenure_get(said, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_get(said, NULL, 1), TENURE_HIT);
	assert_int_equal(for_the_parents_user, 2);
	assert_int_equal(tenure_session_end(session), 0);
	assert_int_equal(tenure_cache_close(&heard, TENURE_SECONDS(30)), 0);
}

static void P1_keys_and_sessions_of_the_parent_are_refused(void **state)
{
	tenure_session *session;
	tenure_key *key;

	(void)state;
	assert_int_equal(tenure_prepare(get_book, &key, 1), 0);
	assert_int_equal(tenure_session_open("s", NULL, &session), 0);
	assert_int_equal(tenure_get_key(get_book, NULL, key), TENURE_CREATED);
	assert_int_equal(in_child(old_things, key), 0);
	assert_int_equal(in_child(old_session, session), 0);
	tenure_session_end(session);
	tenure_key_free(key);
}

static void *get_one(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get(get_book, NULL, 1);
}

static int get_the_same(void *unused)
{
	(void)unused;
	tn_fault_reset();
	return tenure_get(get_book, NULL, 1) != TENURE_CREATED;
}

AMONG_THREADS P1_a_fork_while_a_creator_and_a_release_run_hangs_nobody(void **state)
{
	pthread_t thread;

	(void)state;
	tn_fault_arm("test.creator", 0);
	thread = start(get_one, NULL);
	tn_fault_await("test.creator");
	assert_int_equal(in_child(get_the_same, NULL), 0); /* the parent's flight is not the child's */
	tn_fault_release("test.creator");
	assert_int_equal((intptr_t)finish(thread), TENURE_CREATED);
	tn_fault_arm("worker.before_release", 0);
	tenure_clear_function(get_book);
	tn_fault_await("worker.before_release");
	assert_int_equal(in_child(get_the_same, NULL), 0);
	tn_fault_release("worker.before_release");
}

static void P1_a_fork_inside_a_creator_publishes_nothing_in_the_child(void **state)
{
	int result, status;

	(void)state;
	fork_now = true;
	result = tenure_get(get_book, NULL, 5);
	fork_now = false;
	if (fork_inside == 0) { /* the child comes back out of the core here */
		int after;

		if (result != TENURE_EFORKED)
			_exit(1);
		after = tenure_get(get_book, NULL, 5);
		_exit(after != TENURE_CREATED ? 2 : 0);
	}
	assert_int_equal(result, TENURE_CREATED);
	assert_int_equal(waitpid(fork_inside, &status, 0), fork_inside);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- exit */

static int release_pipe[2];
static void tell(struct book *book)
{
	book_release(book);
	if (write(release_pipe[1], "r", 1) != 1)
		abort();
}
TENURE_DECLARE(global, struct book, (int, n));
static int make_global(tenure_call *c, const global_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(global, .create = make_global, .release = tell, .track_holders = true); /* in the process-wide cache */

static void P2_exit_releases_what_is_open(void **state)
{
	char bytes[8];
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(release_pipe), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		tenure_get(global, NULL, 1);
		tenure_get(global, NULL, 2);
		exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(release_pipe[1]);
	assert_int_equal(read(release_pipe[0], bytes, sizeof(bytes)), 2);
	close(release_pipe[0]);
}

TENURE_DECLARE(ends_all, struct book, (int, n));
static int make_ends_all(tenure_call *c, const ends_all_args *a, struct book **ret)
{
	tenure_stats stats;

	(void)c, (void)a, (void)ret;
	do
		tenure_cache_stats(cache, &stats, sizeof(stats));
	while (stats.waits == 0); /* somebody waits for it */
	exit(0);
}
TENURE_DEFINE(ends_all, CACHE, .create = make_ends_all, .release = book_release);

static void *get_ends_all(void *unused)
{
	(void)unused;
	tenure_get(ends_all, NULL, 1);
	return NULL;
}

static void P2_exit_in_a_creator_does_not_wait_for_who_waits_for_it(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(30); /* well before the timeout */
		if (tenure_cache_open(&cache, .name = "mine", .exit_timeout = TENURE_SECONDS(3600)) != 0)
			_exit(9);
		start(get_ends_all, NULL);
		tenure_get(ends_all, NULL, 1);
		_exit(8);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

TENURE_DECLARE(until_closed, struct book, (int, n));
static long makings; /* atomic */
static int make_until_closed(tenure_call *c, const until_closed_args *a, struct book **ret)
{
	*ret = book_new(a->n);
	if (__atomic_fetch_add(&makings, 1, __ATOMIC_SEQ_CST) != 0) /* the refresh */
		while (!tenure_call_cancelled(c))
			sched_yield();
	return 0;
}
TENURE_DEFINE(until_closed, .create = make_until_closed, .release = tell, .ttl = "1ms", .max_stale = "1h",
	      .refresh = TENURE_BACKGROUND);

static void P2_exit_ends_a_refresh_and_releases_what_it_made_T4(void **state)
{
	char bytes[8];
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(release_pipe), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		tenure_get(until_closed, NULL, 1);
		while (tenure_get(until_closed, NULL, 1) != TENURE_STALE)
			sched_yield();
		await_count(&makings, 2);
		exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(release_pipe[1]);
	assert_int_equal(read(release_pipe[0], bytes, sizeof(bytes)), 2);
	close(release_pipe[0]);
}

static void P2_exit_names_what_is_still_leased_and_does_not_close_it(void **state)
{
	char text[1024] = "";
	int status, err[2];
	ssize_t size;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(release_pipe), 0);
	assert_int_equal(pipe(err), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		static global_lease leaked;

		alarm(60);
		dup2(err[1], 2);
		if (tenure_configure(.exit_timeout = 1000000) != 0 || tenure_get(global, &leaked, 1) != TENURE_CREATED)
			_exit(1);
		exit(0);
	}
	close(err[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	size = read(err[0], text, sizeof(text) - 1);
	assert_true(size > 0);
	assert_non_null(strstr(text, "global()"));
	assert_non_null(strstr(text, "1 leased"));
	assert_non_null(strstr(text, "held: global() for ")); /* L5 */
	assert_non_null(strstr(text, "test_process.c:"));
	assert_non_null(strstr(text, "(test_process)")); /* the thread */
	close(release_pipe[1]);
	assert_int_equal(read(release_pipe[0], text, 8), 0);
	close(release_pipe[0]);
	close(err[0]);
}

static int configure_late(void *unused)
{
	(void)unused;
	release_pipe[1] = 2;
	tenure_clear_all(NULL);
	return tenure_configure(.name = "late") != TENURE_EBUSY;
}

static void F5_configure_comes_before_the_first_use(void **state)
{
	(void)state;
	assert_int_equal(in_child(configure_late, NULL), 0);
}

TENURE_DECLARE(spoken, struct book);
static int make_spoken(tenure_call *c, const spoken_args *a, struct book **ret)
{
	(void)a;
	*ret = book_new(0);
	return tenure_say(c, TENURE_TEXT, "hello");
}
TENURE_DEFINE(spoken, .create = make_spoken, .release = book_release);

/* The process-wide cache of a process that nobody has configured. `front`: of the environment. */
static int speak(void *front)
{
	char text[200];
	int ends[2];
	ssize_t size;

	if (pipe(ends) != 0 || dup2(ends[1], 2) < 0 || setenv("TENURE_FRONT", front, 1) != 0)
		return 1;
	if (tenure_get(spoken, NULL) != TENURE_CREATED || tenure_get(spoken, NULL) != TENURE_HIT)
		return 2;
	close(2);
	close(ends[1]);
	size = read(ends[0], text, sizeof(text) - 1);
	if (size < 0)
		return 3;
	text[size] = '\0';
	return strcmp(text, strcmp(front, "terminal") == 0 ? "Running `spoken(...)`.\nhello\n" : "") == 0 ? 0 : 4;
}

static void U6_the_environment_gives_the_process_wide_cache_its_front(void **state)
{
	char terminal[] = "terminal", other[] = "curtain";

	(void)state;
	assert_int_equal(in_child(speak, terminal), 0);
	assert_int_equal(in_child(speak, other), 0);
}

/* ---- fork inside a front */

enum { FORK_NOWHERE, FORK_WAIT, FORK_DONE, FORK_MESSAGE, FORK_ASK, FORK_VALUE, FORK_REPLAY, FORK_PLACES };
static int fork_place; /* of the front that forks next */
static bool only_a_waiter; /* and only where it waits for another thread's creation */
static pid_t fork_child = -1;
static long fork_creators; /* atomic: in this process */

static void fork_at(int place)
{
	if (place != fork_place)
		return;
	fork_place = FORK_NOWHERE;
	fflush(NULL);
	fork_child = fork();
	if (fork_child == 0) {
		alarm(60);
		__atomic_store_n(&fork_creators, 0, __ATOMIC_SEQ_CST);
	}
}

static int fork_in_wait(void *user, const tenure_activity *activity)
{
	(void)user;
	if (only_a_waiter && activity->elapsed == 0)
		return 0;
	fork_at(FORK_WAIT);
	return only_a_waiter ? -5 : 0; /* it need not wait to the end */
}
static void fork_in_done(void *user, const tenure_activity *activity)
{
	(void)user;
	if (!only_a_waiter || activity->elapsed > 0)
		fork_at(FORK_DONE);
}
static void fork_in_message(void *user, int kind, const void *data, size_t size, bool replayed)
{
	(void)user, (void)kind, (void)data, (void)size;
	fork_at(replayed ? FORK_REPLAY : FORK_MESSAGE);
}
static int fork_in_value(void *user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	(void)user, (void)label;
	*ret = low_high_preset[2];
	fork_at(FORK_VALUE);
	return 0;
}
static int fork_in_ask(void *user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	(void)user, (void)label;
	*ret = low_high_preset[2];
	fork_at(FORK_ASK);
	return 0;
}
static const tenure_front forking = {
	.size = sizeof(forking), .wait = fork_in_wait, .done = fork_in_done, .message = fork_in_message, .value = fork_in_value,
	.ask = fork_in_ask,
};

TENURE_DECLARE(forked, struct book, (int, n));
static int make_forked(tenure_call *c, const forked_args *a, struct book **ret)
{
	__atomic_fetch_add(&fork_creators, 1, __ATOMIC_SEQ_CST);
	*ret = book_new(a->n);
	TN_FAULT("test.forked");
	tenure_ask_bool(c, "check", true);
	return tenure_say(c, TENURE_TEXT, "hello");
}
TENURE_DEFINE(forked, CACHE, .create = make_forked, .release = book_release);

/* What the child of a fork inside this get has: an error, nothing of the parent's, and a cache that works. */
static int childs_get(int result, const forked_lease *lease, bool creator_may_run)
{
	if (result != TENURE_EFORKED || lease->resource != NULL || lease->lease.cell_ != NULL)
		return 10;
	if (count_of(&fork_creators) != 0 && !creator_may_run)
		return 11;
	if (strstr(tenure_message(), "forked") == NULL)
		return 12;
	released = 0;
	tenure_session_enter(NULL, NULL);
	if (tenure_get(forked, NULL, 1) != TENURE_CREATED || tenure_get(forked, NULL, 1) != TENURE_HIT)
		return 13;
	if (tenure_drain(forked, TENURE_SECONDS(30)) != 0 || count_of(&released) != 1) /* its own, and no more */
		return 14;
	return 0;
}

static void *get_forked(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get(forked, NULL, 1);
}

static void fork_in(int place, bool waits)
{
	TENURE_LEASE(forked, l);
	tenure_cache *kept = cache;
	tenure_session *session;
	pthread_t leader;
	int result, status;

	assert_int_equal(tenure_cache_open(&cache, .name = "forking", .front = &forking), 0);
	assert_int_equal(tenure_session_open("s", NULL, &session), 0);
	tenure_session_enter(session, NULL);
	only_a_waiter = waits;
	if (place >= FORK_VALUE)
		assert_int_equal(tenure_get(forked, NULL, 1), TENURE_CREATED);
	if (waits) {
		tn_fault_arm("test.forked", 0);
		leader = start(get_forked, NULL);
		tn_fault_await("test.forked");
	}
	fork_place = place;
	result = tenure_get(forked, &l, 1);
	if (fork_child == 0) {
		if (waits) /* the one who would let it go is the parent */
			tn_fault_reset();
		_exit(childs_get(result, &l, place == FORK_DONE || place == FORK_MESSAGE || place == FORK_ASK));
	}
	if (waits) {
		tn_fault_release("test.forked");
		assert_int_equal((intptr_t)finish(leader), TENURE_CREATED);
		assert_int_equal(result, -5);
	} else {
		assert_true(result >= 0);
	}
	tenure_give_back(&l);
	assert_int_equal(waitpid(fork_child, &status, 0), fork_child);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("forked in place %d%s: the child ended with status 0x%x", place, waits ? " of a waiter" : "", status);
	fork_child = -1;
	tenure_session_enter(NULL, NULL);
	tenure_session_end(session);
	assert_int_equal(tenure_cache_close(&cache, TENURE_SECONDS(30)), 0);
	cache = kept;
}

AMONG_THREADS P1_a_fork_inside_a_front_leaves_the_child_with_an_error(void **state)
{
	(void)state;
	for (int place = FORK_WAIT; place < FORK_PLACES; place++)
		fork_in(place, false);
	fork_in(FORK_WAIT, true);
	fork_in(FORK_DONE, true);
}

/* ---- cancellation */

static void C2_a_cancelled_creator_is_abandoned(void **state)
{
	pthread_t thread;
	tenure_stats stats;

	(void)state;
	pauses = 1;
	paused = 0;
	thread = start(get_one, NULL);
	await_count(&paused, 1);
	pthread_cancel(thread);
	assert_ptr_equal(finish(thread), PTHREAD_CANCELED);
	pauses = 0;
	tenure_get_stats(get_book, &stats);
	assert_int_equal(stats.abandoned, 1);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
}

/* ---- real time, without a clock in hand */

static void T2_the_maintenance_thread_releases_on_time(void **state)
{
	tenure_cache *kept = cache;

	(void)state;
	assert_int_equal(tenure_cache_open(&cache, .name = "real"), 0);
	assert_int_equal(tenure_get(brief, NULL), TENURE_CREATED);
	await_count(&released, 1); /* no traffic at all */
	assert_int_equal(tenure_cache_close(&cache, TENURE_SECONDS(30)), 0);
	cache = kept;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(P1_a_child_starts_empty_and_leaves_the_parents_alone),
		T(P1_a_child_is_in_no_session_of_its_parents),
		T(P1_a_fork_in_a_release_that_a_call_waits_for),
		T(P1_keys_and_sessions_of_the_parent_are_refused),
		T(P1_L5_tracked_leases_of_the_parent_are_told),
		T(P1_L5_a_fork_inside_a_tracked_creator),
		T(P1_a_fork_inside_a_creator_publishes_nothing_in_the_child),
		T(P2_exit_releases_what_is_open),
		T(P2_exit_in_a_creator_does_not_wait_for_who_waits_for_it),
		T(P2_exit_ends_a_refresh_and_releases_what_it_made_T4),
		T(P2_exit_names_what_is_still_leased_and_does_not_close_it),
		T(F5_configure_comes_before_the_first_use),
		T(U6_the_environment_gives_the_process_wide_cache_its_front),
		T(C2_a_cancelled_creator_is_abandoned),
		T(T2_the_maintenance_thread_releases_on_time),
#ifndef WITH_ASAN
		T(P1_a_fork_at_the_end_of_a_refresh_T4),
		T(P1_a_fork_while_another_thread_forgets_F3),
		T(P1_a_fork_inside_a_front_leaves_the_child_with_an_error),
		T(P1_a_fork_while_a_creator_and_a_release_run_hangs_nobody),
		T(L3_P1_a_report_may_fork_or_end_its_thread),
#endif
	};

	return RUN(tests);
}
