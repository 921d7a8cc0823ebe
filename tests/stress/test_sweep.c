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

static int swallow(void *user, const char *text, size_t size)
{
	(void)user, (void)text, (void)size;
	return 0;
}

static int failures, odd;

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

static void run_script(void)
{
	failures = 0;
	finish(start(script, NULL)); /* on a thread of its own: records and messages are made and given up too */
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
		T(F5_opening_a_cache_fails_cleanly_without_memory),
	};

	return RUN(tests);
}
