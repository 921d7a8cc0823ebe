/* SPDX-License-Identifier: Apache-2.0 */
/* test_sweep.c: the nth allocation fails, the nth thread does not start, for every n, through a script of typical calls. */
#include "support.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"

#define CACHE .cache = &cache
#define BYTES(...) ((tenure_bytes){ __VA_ARGS__ })

TENURE_DECLARE(child, struct book, (int, n));
static int make_child(tenure_call *c, const child_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(child, CACHE, .create = make_child, .release = book_release, .ttl = "1h");

static bool is_good(struct book *book)
{
	book_check(book);
	return true;
}

TENURE_DECLARE(parent, struct book, (const char *, url), (tenure_bytes, data), (tenure_value, options));
static int make_parent(tenure_call *c, const parent_args *a, struct book **ret)
{
	TENURE_LEASE(child, l);

	(void)a;
	*ret = book_new(1); /* whatever fails below: it is released */
	if (tenure_get(child, &l, 3) < 0)
		return tenure_fail(c, "%s", tenure_message());
	if (tenure_call_keep(c, &l) < 0)
		return tenure_fail(c, "%s", tenure_message());
	tenure_say(c, TENURE_SUCCESS, "made it");
	return tenure_ask_bool(c, "Really?", true) ? 0 : -1;
}
/* Its failures are objects, which are dropped whatever else fails. */
static long errors, dropped;
static void drop_error(void *error)
{
	free(error);
	dropped++;
}
TENURE_DECLARE(failing, struct book, (const char *, text), (tenure_value, v));
static int make_failing(tenure_call *c, const failing_args *a, struct book **ret)
{
	(void)ret;
	errors++;
	return tenure_fail_with(c, strdup(a->text), drop_error);
}
TENURE_DEFINE(failing, CACHE, .create = make_failing);

TENURE_DEFINE(parent, CACHE, .create = make_parent, .release = book_release, .validate = is_good, .max_entries = 4);

TENURE_DECLARE(tracked, struct book, (int, n));
static int make_tracked(tenure_call *c, const tracked_args *a, struct book **ret)
{
	TENURE_LEASE(child, l);

	*ret = book_new(a->n);
	if (tenure_get(child, &l, a->n) >= 0)
		tenure_call_keep(c, &l);
	return 0;
}
TENURE_DEFINE(tracked, CACHE, .create = make_tracked, .release = book_release, .track_holders = true);

/* Refreshed, by sessions, on a worker; and what comes to its end while it is used. */
TENURE_DECLARE(news, struct book, (const char *, url), (const char *, _note));
static int make_news(tenure_call *c, const news_args *a, struct book **ret)
{
	TENURE_LEASE(child, l);

	*ret = book_new((int)strlen(a->url));
	if (tenure_get(child, &l, 7) < 0 || tenure_call_keep(c, &l) < 0)
		return tenure_fail(c, "%s", tenure_message());
	return tenure_say(c, TENURE_INFO, "news, %s", a->_note) != 0 || !tenure_ask_bool(c, "Really?", true);
}
TENURE_DEFINE(news, CACHE, .create = make_news, .release = book_release, .ttl = "10s", .max_stale = "1h",
	      .refresh = TENURE_BACKGROUND);

TENURE_DECLARE(own, struct book, (int, n));
static int make_own(tenure_call *c, const own_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(own, CACHE, .create = make_own, .release = book_release, .ttl = "10s", .refresh = TENURE_BACKGROUND,
	      .scope = TENURE_SESSION, .max_entries = 2);

TENURE_DECLARE(far, struct book, (const char *, host));
static int make_far(tenure_call *c, const far_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new((int)strlen(a->host));
	return 0;
}
TENURE_DEFINE(far, CACHE, .create = make_far, .release = book_release, .create_on_worker = true);

static int swallow(void *user, const char *text, size_t size)
{
	(void)user, (void)text, (void)size;
	return 0;
}

static int failures, odd;

static int ignore(void *user, const tenure_entry_info *entry)
{
	(void)user, (void)entry;
	return 0;
}

static int note(int result)
{
	bool known = result >= 0 || result == TENURE_ENOMEM || result == TENURE_EFAILED;

	failures += result < 0;
	if (!known) {
		fprintf(stderr, "unexpected result %d: %s\n", result, tenure_message());
		odd++;
	}
	if (result < 0 && tenure_message()[0] == '\0')
		odd++;
	return result;
}

/* Typical calls. Each may fail for want of memory; none may lose anything. */
static void *script(void *unused)
{
	static char big[9000], text[2000];
	TENURE_LEASE(parent, a);
	TENURE_LEASE(parent, b);
	TENURE_LEASE(tracked, t);
	TENURE_LEASE(tracked, u);
	tracked_lease shares[100] = { 0 };
	tenure_session *session = NULL;
	tenure_stats stats;
	tenure_key *key;

	(void)unused;
	memset(text, 'x', sizeof(text));
	if (note(tenure_session_open("user", NULL, &session)) >= 0)
		tenure_session_enter(session, NULL);
	note(tenure_get(parent, &a, "u", BYTES(big, sizeof(big)), tenure_list(1, "x", tenure_map("k", 2.0))));
	note(tenure_get(parent, &b, "u", BYTES(big, sizeof(big)), tenure_list(1, "x", tenure_map("k", 2.0))));
	if (note(tenure_prepare(parent, &key, "u", BYTES(big, 100), tenure_list("y"))) >= 0) {
		tenure_give_back(&b);
		note(tenure_get_key(parent, &b, key));
		tenure_key_free(key);
	}
	for (int i = 0; i < 6; i++)
		note(tenure_get(child, NULL, i));
	{
		const tenure_argument_list list = { .count = 2, .items = (const tenure_argument[]){
			{ "v", tenure_list("in", 1), NULL }, { "text", { TENURE_STRING, 0, 2000, { .data = text } }, NULL } } };
		int result = tenure_function_get(&failing.function, TENURE_FOREVER, &list.head, NULL);

		if (result != TENURE_EFAILED)
			note(result);
		else if (strncmp(tenure_failure(), text, 2000) != 0)
			odd++;
		if (note(tenure_function_prepare(&failing.function, &key, &list.head)) >= 0)
			tenure_key_free(key);
	}
	note(tenure_get(tracked, &t, 1));
	note(tenure_get(tracked, &u, 1));
	if (t.lease.cell_ != NULL) {
		for (int i = 0; i < 100; i++) /* more than a chunk of holders, so that the next one wants memory */
			note(tenure_share(&t, &shares[i]));
	}
	note(tenure_dump(cache, TENURE_DUMP_HOLDERS, swallow, NULL));
	note(tenure_dump(NULL, TENURE_DUMP_OPENMETRICS | TENURE_DUMP_EVERY_CACHE, swallow, NULL));
	for (int i = 0; i < 100; i++)
		odd += tenure_give_back(&shares[i]) != 0; /* those that failed are empty */
	odd += tenure_give_back(&t) != 0;
	note(tenure_clear_entry(parent, "u", BYTES(big, 100), tenure_list("y")));
	note(tenure_get_stats(parent, &stats));
	tenure_give_back(&a);
	note(tenure_clear_all(cache));
	tenure_session_enter(NULL, NULL);
	tenure_session_end(session);
	return NULL;
}

static void await_refreshes(tenure_function *function, int wanted)
{
	tenure_stats stats;

	do
		tenure_function_stats(function, &stats, sizeof(stats));
	while (wanted == TENURE_STALE && stats.refreshes + stats.failures + stats.abandoned == 0);
}

/* What has come with refreshes, sessions and the ends of functions. */
static void *background_script(void *unused)
{
	TENURE_LEASE(news, l);
	TENURE_LEASE(own, o);
	TENURE_LEASE(far, f);
	tenure_session *session = NULL;
	tenure_key *key = NULL;
	int result;

	(void)unused;
	if (note(tenure_session_open("user", NULL, &session)) >= 0)
		note(tenure_session_enter(session, NULL));
	note(tenure_get(news, &l, "u", "a note"));
	tenure_give_back(&l);
	result = session == NULL ? 0 : note(tenure_get(own, &o, 1));
	if (session != NULL && note(tenure_prepare(own, &key, 1)) >= 0) {
		tenure_give_back(&o);
		note(tenure_get_key(own, &o, key));
	}
	tenure_give_back(&o);
	note(tenure_get(far, &f, "a host"));
	advance(11);
	result = note(tenure_get(news, &l, "u", "another note")); /* one that does not start is tried again after a pause */
	odd += l.lease.cell_ != NULL && result < 0;
	tenure_give_back(&l);
	await_refreshes(&news.function, result == TENURE_STALE && !tn_alloc_failed() ? TENURE_STALE : 0);
	result = session == NULL ? 0 : note(tenure_get(own, &o, 1));
	tenure_give_back(&o);
	note(tenure_update(news, CACHE, .ttl = "20s", .max_stale = "2h", .refresh = TENURE_BACKGROUND, .spinner = "News"));
	note(tenure_update(own, CACHE, .ttl = "20s", .scope = TENURE_SESSION, .max_entries = 1));
	result = tenure_peek(far, NULL, "a host");
	note(result == TENURE_EABSENT ? 0 : result);
	note(tenure_each_entry(cache, ignore, NULL));
	note(tenure_retire(far));
	tenure_give_back(&f);
	tenure_key_free(key);
	tenure_session_enter(NULL, NULL);
	odd += tenure_session_end(session) != 0;
	odd += tenure_forget(far, TENURE_FOREVER) != 0; /* needs no memory */
	odd += tenure_forget(own, TENURE_FOREVER) != 0;
	odd += tenure_forget(news, TENURE_FOREVER) != 0;
	return NULL;
}

static void run_script(void)
{
	failures = 0;
	finish(start(script, NULL)); /* on a thread of its own: records and messages are made and given up too */
	finish(start(background_script, NULL));
}

static void C7_L1_the_nth_allocation_fails(void **state)
{
	int n;

	(void)state;
	for (n = 1; n < 2000; n++) {
		bool reached;

		tn_alloc_fail_at(n, n % 5 == 4); /* now and then everything after it too */
		run_script();
		reached = tn_alloc_failed();
		tn_alloc_fail_at(0, false);
		assert_int_equal(tenure_drain_all(cache, TENURE_SECONDS(30)), 0);
		assert_int_equal(count_of(&created), count_of(&released));
		assert_int_equal(errors, dropped); /* the thread that had the last one has ended */
		if (!reached)
			break;
	}
	assert_int_equal(failures, 0); /* the last round was whole */
	assert_int_equal(odd, 0);
	assert_in_range(n, 20, 1999);
	printf("# %d allocations\n", n - 1);
}

static void L3_the_nth_thread_does_not_start(void **state)
{
	(void)state;
	for (int n = 1; n <= 6; n++) {
		assert_int_equal(tear_down(NULL), 0); /* threads of a new cache start anew */
		assert_int_equal(set_up(NULL), 0);
		tn_thread_fail_at(n);
		run_script();
		if (n == 1)
			assert_true(failures > 0); /* no creation without a worker */
		tn_thread_fail_at(0);
		run_script();
		assert_int_equal(failures, 0);
		assert_int_equal(tenure_drain_all(cache, TENURE_SECONDS(30)), 0);
		assert_int_equal(count_of(&created), count_of(&released));
	}
	assert_int_equal(odd, 0);
}

/* The first test: holders are made once for the whole process. */
static void L5_C7_without_memory_for_a_holder_nothing_is_lost(void **state)
{
	enum { MANY = 1000 };
	tracked_lease *shares = calloc(MANY, sizeof(*shares));
	TENURE_LEASE(tracked, l);
	int count = 1;

	(void)state;
	tracked.track_holders = false;
	assert_int_equal(tenure_get(tracked, &l, 1), TENURE_CREATED);
	tenure_give_back(&l);
	tracked.track_holders = true;
	assert_int_equal(tenure_update(tracked, .cache = &cache, .track_holders = true), 0);
	tn_alloc_fail_at(1, false);
	assert_int_equal(tenure_get(tracked, &l, 1), TENURE_ENOMEM);
	assert_non_null(strstr(tenure_message(), "to track a lease"));
	assert_null(l.lease.cell_);
	tn_alloc_fail_at(0, false);
	assert_int_equal(tenure_get(tracked, &l, 1), TENURE_HIT);
	shares[0] = l;
	tn_alloc_fail_at(1, true);
	while (count < MANY && tenure_share(&l, &shares[count]) == 0)
		count++;
	assert_true(tn_alloc_failed());
	assert_int_equal(tenure_share(&l, &shares[count]), TENURE_ENOMEM);
	assert_null(shares[count].lease.cell_);
	assert_int_equal(tenure_get(tracked, &shares[count], 1), TENURE_ENOMEM);
	tn_alloc_fail_at(0, false);
	assert_int_equal(tenure_share(&l, &shares[count]), 0);
	for (int i = 1; i <= count; i++)
		assert_int_equal(tenure_give_back(&shares[i]), 0);
	free(shares);
	assert_int_equal(tenure_clear_function(tracked), 1);
	book_check(l.resource); /* held by the one that is left */
}

/* ---- the work is done by the program: its event loop polls, or its executor runs tasks */

static tenure_cache *own_work;
static int64_t own_now;
static struct {
	void (*run[64])(void *);
	void *task[64];
	int first, end;
} tasks;

static int64_t read_own_clock(void *user)
{
	(void)user;
	return own_now;
}

static void execute(void *user, void (*run)(void *), void *task)
{
	(void)user;
	tasks.run[tasks.end % 64] = run;
	tasks.task[tasks.end++ % 64] = task;
}

static void work(void)
{
	note(tenure_poll(own_work, own_now, 0, NULL));
	while (tasks.first != tasks.end) {
		int at = tasks.first++ % 64;

		tasks.run[at](tasks.task[at]);
	}
}

static void drop_report(void *user, int result, const char *text)
{
	(void)user, (void)result, (void)text;
}

TENURE_DECLARE(polled, struct book, (int, n), (const char *, _note));
static int make_polled(tenure_call *c, const polled_args *a, struct book **ret)
{
	*ret = book_new(a->n);
	return tenure_say(c, TENURE_INFO, "%s", a->_note);
}
TENURE_DEFINE(polled, .cache = &own_work, .create = make_polled, .release = book_release, .ttl = "10s",
	      .refresh = TENURE_BACKGROUND);

static void run_own_work(bool manual)
{
	TENURE_LEASE(polled, l);
	int result;

	failures = 0;
	result = tenure_cache_open(&own_work, .name = "own work", .now = read_own_clock, .report = drop_report,
				   .manual = manual, .execute = manual ? NULL : execute);
	if (note(result) != 0)
		return;
	for (int i = 0; i < 3; i++)
		note(tenure_get(polled, NULL, i, "a note"));
	note(tenure_get(polled, &l, 4, "a note"));
	own_now += TENURE_SECONDS(11);
	work();
	for (int i = 0; i < 3; i++)
		note(tenure_get(polled, NULL, i, "another note"));
	work();
	note(tenure_clear_function(polled));
	tenure_give_back(&l);
	work();
	note(tenure_get(polled, NULL, 5, "a note"));
	own_now += TENURE_SECONDS(30);
	work();
	odd += tenure_cache_close(&own_work, TENURE_SECONDS(30)) != 0; /* needs no memory, and nothing is left to do */
}

static void L3_C7_the_nth_allocation_fails_where_the_program_does_the_work(void **state)
{
	(void)state;
	for (int manual = 0; manual < 2; manual++) {
		int n;

		for (n = 1; n < 1000; n++) {
			bool reached;

			tn_alloc_fail_at(n, n % 3 == 2);
			run_own_work(manual != 0);
			reached = tn_alloc_failed();
			tn_alloc_fail_at(0, false);
			assert_int_equal(count_of(&created), count_of(&released));
			if (!reached)
				break;
		}
		assert_int_equal(failures, 0);
		assert_int_equal(odd, 0);
		assert_in_range(n, 10, 999);
	}
}

static int open_fails(void)
{
	tenure_cache *other = NULL;
	int result = tenure_cache_open(&other, .name = "other");

	if (result == 0)
		tenure_cache_close(&other, TENURE_SECONDS(5));
	return result;
}

static void F5_opening_a_cache_fails_cleanly_without_memory(void **state)
{
	int n = 1;

	(void)state;
	for (;; n++) {
		int result;

		tn_alloc_fail_at(n, false);
		result = open_fails();
		if (!tn_alloc_failed())
			break;
		assert_int_equal(result, TENURE_ENOMEM);
	}
	tn_alloc_fail_at(0, false);
	assert_true(n > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(L5_C7_without_memory_for_a_holder_nothing_is_lost),
		T(C7_L1_the_nth_allocation_fails),
		T(L3_the_nth_thread_does_not_start),
		T(L3_C7_the_nth_allocation_fails_where_the_program_does_the_work),
		T(F5_opening_a_cache_fails_cleanly_without_memory),
	};

	return RUN(tests);
}
