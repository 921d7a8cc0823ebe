/* SPDX-License-Identifier: Apache-2.0 */
/* test_process.c: fork, exit, cancellation, real time. */
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

#define CACHE .cache = &cache

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

static int old_things(void *key)
{
	TENURE_LEASE(get_book, l);

	return tenure_get_key(get_book, &l, key) != TENURE_EFORKED;
}

static int old_session(void *session)
{
	return tenure_session_enter(session, NULL) != TENURE_EFORKED || tenure_session_end(session) != TENURE_EFORKED;
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

static void P1_a_fork_while_a_creator_and_a_release_run_hangs_nobody(void **state)
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
TENURE_DEFINE(global, .create = make_global, .release = tell); /* in the process-wide cache */

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
		T(P1_keys_and_sessions_of_the_parent_are_refused),
		T(P1_a_fork_while_a_creator_and_a_release_run_hangs_nobody),
		T(P1_a_fork_inside_a_creator_publishes_nothing_in_the_child),
		T(P2_exit_releases_what_is_open),
		T(P2_exit_names_what_is_still_leased_and_does_not_close_it),
		T(F5_configure_comes_before_the_first_use),
		T(U6_the_environment_gives_the_process_wide_cache_its_front),
		T(C2_a_cancelled_creator_is_abandoned),
		T(T2_the_maintenance_thread_releases_on_time),
	};

	return RUN(tests);
}
