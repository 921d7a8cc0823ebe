/* SPDX-License-Identifier: Apache-2.0 */
/* test_corners.c: interleavings and misuse that once went wrong, each forced again. */
#include "core/core.h" /* before a variable called cache */

#include "support.h"

#include <sched.h>

#include "base/fault.h"

#define CACHE .cache = &cache

static void await_arrivals(const char *place, long at_least)
{
	while (tn_fault_arrivals(place) < at_least)
		sched_yield();
}

TENURE_DECLARE(get_book, struct book, (int, n));

static int make_book(tenure_call *c, const get_book_args *a, struct book **ret)
{
	(void)c;
	TN_FAULT("test.creator");
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(get_book, CACHE, .create = make_book, .release = book_release);

static tenure_stats stats(void)
{
	tenure_stats s;

	assert_int_equal(tenure_get_stats(get_book, &s), 0);
	return s;
}

/* ---- drain */

static void *get_and_discard(void *number)
{
	TENURE_LEASE(get_book, l);

	tenure_get(get_book, &l, *(int *)number);
	tenure_discard(&l);
	return NULL;
}

static void *drain_for_a_minute(void *out)
{
	*(int *)out = tenure_drain(get_book, TENURE_SECONDS(60));
	return NULL;
}

/* What began to count after the drain did is not among those that it waits for. */
static void L7_a_drain_does_not_count_a_creation_that_it_did_not_clear(void **state)
{
	int two = 2, out = -1;
	pthread_t again, drain;
	TENURE_LEASE(get_book, held);

	(void)state;
	assert_int_equal(tenure_get(get_book, &held, 1), TENURE_CREATED);
	assert_int_equal(tenure_get(get_book, NULL, two), TENURE_CREATED);
	tn_fault_arm("worker.before_release", 0);
	assert_int_equal(tenure_clear_entry(get_book, two), 1);
	tn_fault_await("worker.before_release");
	again = start(get_and_discard, &two);
	await_arrivals("creation.awaits_release", 1); /* a drain leaves such a creation alone */
	drain = start(drain_for_a_minute, &out);
	await_arrivals("drain.waits", 1);
	tn_fault_release("worker.before_release");
	finish(again);
	while (stats().pending_releases != 0)
		sched_yield();
	advance(61);
	finish(drain);
	assert_int_equal(out, 1); /* `held` */
}

/* ---- leases counted on the entry itself */

static void L5_a_shared_lease_given_back_twice_is_told_L1_and_the_other_holder_keeps_it(void **state)
{
	get_book_lease held = { 0 }, shared = { 0 }, more = { 0 }, copy;

	(void)state;
	assert_int_equal(tenure_get(get_book, &held, 1), TENURE_CREATED);
	for (int retired = 0; retired < 2; retired++) {
		assert_int_equal(tenure_share(&held, &shared), 0);
		assert_int_equal(tenure_share(&shared, &more), 0);
		copy = shared;
		assert_int_equal(tenure_give_back(&shared), 0);
		assert_int_equal(tenure_give_back(&more), 0);
		assert_int_equal(tenure_give_back(&copy), TENURE_ENOTHELD);
		assert_int_equal(tenure_clear_function(get_book), retired == 0);
		book_check(held.resource);
		assert_int_equal(stats().retired, 1);
		assert_int_equal(count_of(&released), 0);
	}
	assert_int_equal(tenure_give_back(&held), 0);
	assert_int_equal(tenure_drain(get_book, TENURE_SECONDS(30)), 0);
	assert_int_equal(count_of(&released), 1);
}

static void *get_one(void *lease)
{
	return (void *)(intptr_t)tenure_get(get_book, (get_book_lease *)lease, 1);
}

static void L5_a_joined_lease_given_back_twice_is_told(void **state)
{
	get_book_lease made = { 0 }, joined = { 0 }, copy;
	pthread_t maker, joiner;

	(void)state;
	tn_fault_arm("test.creator", 0);
	maker = start(get_one, &made);
	tn_fault_await("test.creator");
	joiner = start(get_one, &joined);
	await_arrivals("flight.enrolled", 1);
	tn_fault_release("test.creator");
	assert_int_equal((intptr_t)finish(maker), TENURE_CREATED);
	assert_int_equal((intptr_t)finish(joiner), TENURE_JOINED);
	copy = joined;
	assert_int_equal(tenure_give_back(&joined), 0);
	assert_int_equal(tenure_give_back(&copy), TENURE_ENOTHELD);
	tenure_clear_function(get_book);
	book_check(made.resource);
	assert_int_equal(stats().retired, 1);
	assert_int_equal(tenure_give_back(&made), 0);
}

/* ---- records of threads that ended */

static void *get_one_at_once(void *barrier)
{
	tenure_get(get_book, NULL, 1);
	pthread_barrier_wait(barrier); /* nobody takes the record of one that has ended */
	return NULL;
}

static uint64_t work_of_clearing(int n)
{
	uint64_t work;

	tn_lock();
	tn_core.work = 0;
	tn_unlock();
	assert_int_equal(tenure_clear_entry(get_book, n), 1);
	tn_lock();
	work = tn_core.work;
	tn_unlock();
	return work;
}

static void L1_a_retirement_looks_at_those_only_who_had_the_entry(void **state)
{
	enum { THREADS = 40 };
	pthread_t threads[THREADS];
	pthread_barrier_t barrier;

	(void)state;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		threads[i] = start(get_one_at_once, &barrier);
	for (int i = 0; i < THREADS; i++)
		finish(threads[i]);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(tenure_get(get_book, NULL, 2), TENURE_CREATED); /* its neighbour */
	assert_int_equal(work_of_clearing(2), 1 + 1); /* itself, and the one cell */
	assert_true(work_of_clearing(1) <= 1 + THREADS);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	assert_int_equal(work_of_clearing(1), 1 + 1); /* what the threads have left is over with that life */
}

/* ---- idle for a very short time */

static tenure_cache *by_hand;
TENURE_DECLARE(get_hasty, struct book, (int, n));
static int make_hasty(tenure_call *c, const get_hasty_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(get_hasty, .cache = &by_hand, .create = make_hasty, .release = book_release, .idle_ttl_ns = 1);

static int64_t the_time(void *user)
{
	(void)user;
	return test_now;
}

static void T3_what_idles_for_nanoseconds_is_looked_at_each_millisecond_only(void **state)
{
	int64_t begin, next, now = test_now;

	(void)state;
	assert_int_equal(tenure_cache_open(&by_hand, .name = "by hand", .now = the_time), 0);
	TENURE_LEASE(get_hasty, l);
	assert_int_equal(tenure_get(get_hasty, &l, 1), TENURE_CREATED);
	for (int i = 0; i < 3; i++) {
		begin = now;
		assert_int_equal(tenure_poll(by_hand, now, 0, &next), 0); /* leased: used */
		assert_true(next - begin >= 1000000);
		test_now = now = next;
	}
	assert_int_equal(tenure_give_back(&l), 0);
	for (int i = 0; i < 2; i++)
		tenure_poll(by_hand, test_now += 2000000, 0, NULL);
	await_count(&released, 1);
	assert_int_equal(tenure_cache_close(&by_hand, TENURE_SECONDS(30)), 0);
}

/* ---- keys */

TENURE_DECLARE(get_blob, struct book, (tenure_bytes, bytes), (tenure_value, value));

static int make_blob(tenure_call *c, const get_blob_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new((int)a->bytes.size);
	return 0;
}
TENURE_DEFINE(get_blob, CACHE, .create = make_blob, .release = book_release);

static void K5_bytes_that_are_NULL_are_an_error_after_the_first_call_too(void **state)
{
	TENURE_LEASE(get_blob, l);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tenure_get(get_blob, &l, { NULL, 5 }), TENURE_EARGUMENT);
		assert_non_null(strstr(tenure_message(), "bytes"));
		assert_true(tenure_get(get_blob, &l, { NULL, 0 }) >= 0);
		assert_int_equal(tenure_give_back(&l), 0);
	}
}

/* A text in a value has a size, and need not end in a NUL (the sanitizers look). */
static void K5_a_map_key_is_read_to_its_size_only(void **state)
{
	char *key = malloc(3);
	tenure_value items[2] = { { .kind = TENURE_STRING, .size = 3, .as = { .data = key } }, { .kind = 77 } };

	(void)state;
	memcpy(key, "abc", 3);
	assert_int_equal(tenure_get(get_blob, NULL, { NULL, 0 }, tenure_items(TENURE_MAP, items, 2)), TENURE_EARGUMENT);
	assert_non_null(strstr(tenure_message(), "[\"abc\"]"));
	free(key);
}

/* ---- validation */

static int verdict; /* atomic */

static int judge(void *user, void *resource)
{
	(void)user, (void)resource;
	return __atomic_load_n(&verdict, __ATOMIC_SEQ_CST);
}

static bool never_called(struct book *book)
{
	(void)book;
	return false;
}

TENURE_DECLARE(get_checked, struct book, (int, n));
static int make_checked(tenure_call *c, const get_checked_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(get_checked, CACHE, .create = make_checked, .release = book_release, .validate = never_called);

static void *get_checked_one(void *words)
{
	int result = tenure_get(get_checked, NULL, 1);

	snprintf(words, 200, "%s", tenure_message());
	return (void *)(intptr_t)result;
}

static void V2_those_who_waited_for_a_validation_that_failed_read_so(void **state)
{
	char leaders[200], joiners[200];
	pthread_t leader, joiner;

	(void)state;
	assert_int_equal(tenure_register(get_checked), 0);
	get_checked.definition.validate = judge; /* the macro's cannot fail */
	assert_int_equal(tenure_get(get_checked, NULL, 1), TENURE_CREATED);
	__atomic_store_n(&verdict, -5, __ATOMIC_SEQ_CST);
	tn_fault_arm("validate.running", 0);
	leader = start(get_checked_one, leaders);
	tn_fault_await("validate.running");
	joiner = start(get_checked_one, joiners);
	await_arrivals("flight.enrolled", 1);
	tn_fault_release("validate.running");
	assert_int_equal((intptr_t)finish(leader), TENURE_EFAILED);
	assert_int_equal((intptr_t)finish(joiner), TENURE_EFAILED);
	assert_string_equal(leaders, joiners);
	assert_non_null(strstr(joiners, "the validation of a resource of get_checked() failed with -5"));
	assert_int_equal(count_of(&released), 0);
}

TENURE_DECLARE(face_plain, struct book, (int, n));
static int make_plain(tenure_call *c, const face_plain_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(face_plain, CACHE, .create = make_plain, .release = book_release, .version = "1");

static bool is_bad(struct book *book)
{
	book_check(book);
	return false;
}
TENURE_DECLARE(face_checked, struct book, (int, n));
static int make_face_checked(tenure_call *c, const face_checked_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(face_checked, CACHE, .create = make_face_checked, .release = book_release, .validate = is_bad, .version = "1");

static void F2_V1_of_two_objects_that_are_one_function_the_newest_one_validates(void **state)
{
	(void)state;
	face_plain.definition.name = face_checked.definition.name = "face"; /* as from two builds of one plug-in */
	assert_int_equal(tenure_register(face_plain), 0);
	assert_int_equal(tenure_get(face_checked, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_get(face_plain, NULL, 1), TENURE_CREATED); /* by the other's validate */
	assert_int_equal(tenure_forget(face_checked, TENURE_SECONDS(30)), 0);
	assert_int_equal(tenure_get(face_plain, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_get(face_plain, NULL, 1), TENURE_HIT); /* it has none itself */
}

/* ---- what TSan looks for: options and definition change beside those who read them */

static int watch(void *front_user, const tenure_activity *activity)
{
	(void)front_user;
	return activity->function == NULL;
}
static const tenure_front watching = { .size = sizeof(watching), .wait = watch };
static tenure_cache *watched;

TENURE_DECLARE(get_watched, struct book, (int, n));
static int make_watched(tenure_call *c, const get_watched_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
static int close_watched(struct book *book)
{
	book_release(book);
	return -1; /* so that each release is reported by the function's name */
}
static void no_report(void *user, int result, const char *words)
{
	(void)user, (void)result, (void)words;
}
TENURE_DEFINE(get_watched, .cache = &watched, .create = make_watched, .close = close_watched);

static void *get_many(void *unused)
{
	(void)unused;
	for (int i = 0; i < 300; i++)
		assert_true(tenure_get(get_watched, NULL, i % 3) >= 0);
	return NULL;
}

static void *update_many(void *unused)
{
	(void)unused;
	for (int i = 0; i < 300; i++) {
		assert_int_equal(tenure_update(get_watched, .cache = &watched, .spinner = i % 2 ? "a" : "b", .show_time = i % 2), 0);
		tenure_clear_function(get_watched);
	}
	return NULL;
}

static void F3_options_change_while_calls_and_reports_look_at_them(void **state)
{
	pthread_t threads[3];

	(void)state;
	assert_int_equal(tenure_cache_open(&watched, .name = "watched", .front = &watching, .report = no_report), 0);
	threads[0] = start(get_many, NULL); /* the first calls of all are at the same time, too */
	threads[1] = start(get_many, NULL);
	threads[2] = start(update_many, NULL);
	for (int i = 0; i < 3; i++)
		finish(threads[i]);
	assert_int_equal(tenure_cache_close(&watched, TENURE_SECONDS(30)), 0);
}

/* ---- helpers that stay attached */

static tenure_call *call_of_one;
static int joined_by_two; /* what the creator of 2 got */

TENURE_DECLARE(get_made, struct book, (int, n));
static int make_made(tenure_call *c, const get_made_args *a, struct book **ret);
TENURE_DEFINE(get_made, CACHE, .create = make_made, .release = book_release);

static int make_made(tenure_call *c, const get_made_args *a, struct book **ret)
{
	if (a->n == 1) {
		call_of_one = c;
		TN_FAULT("test.one");
	}
	if (a->n == 2)
		joined_by_two = tenure_get(get_made, NULL, 3);
	if (a->n == 3)
		TN_FAULT("test.three");
	*ret = book_new(a->n);
	return 0;
}

static void *get_made_number(void *number)
{
	return (void *)(intptr_t)tenure_get(get_made, NULL, *(int *)number);
}

/* Its next creation has the memory of the one that it was attached to. */
static void *help_too_long(void *unused)
{
	int result = tenure_call_attach(call_of_one);

	(void)unused;
	TN_FAULT("test.attached");
	if (result == 0)
		result = tenure_get(get_made, NULL, 2);
	if (result == TENURE_CREATED)
		result = tenure_drain(get_made, TENURE_SECONDS(30)); /* not inside a creator any more */
	if (result == 0)
		result = tenure_call_detach(call_of_one);
	return (void *)(intptr_t)result;
}

static void C4_a_helper_that_stays_attached_is_not_taken_for_a_part_of_the_next_creation(void **state)
{
	pthread_t first, third, helper;
	int one = 1, three = 3;

	(void)state;
	tn_fault_arm("test.three", 0);
	third = start(get_made_number, &three);
	tn_fault_await("test.three");
	tn_fault_arm("test.one", 0);
	first = start(get_made_number, &one);
	tn_fault_await("test.one");
	tn_fault_arm("test.attached", 0);
	helper = start(help_too_long, NULL);
	tn_fault_await("test.attached");
	tn_fault_release("test.one");
	assert_int_equal((intptr_t)finish(first), TENURE_CREATED);
	tn_fault_release("test.attached");
	await_arrivals("flight.enrolled", 1); /* the creator of 2 waits for 3, and looked for rings first */
	tn_fault_release("test.three");
	assert_int_equal((intptr_t)finish(third), TENURE_CREATED);
	assert_int_equal((intptr_t)finish(helper), 0);
	assert_int_equal(joined_by_two, TENURE_JOINED);
}

/* ---- the end of a cache */

static tenure_cache *brief;
TENURE_DECLARE(get_brief, struct book, (int, n));
static int make_brief(tenure_call *c, const get_brief_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(get_brief, .cache = &brief, .create = make_brief, .release = book_release);

static void P2_a_get_after_the_close_is_told_that_it_is_closed(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(get_brief, NULL, 1), TENURE_EINVAL); /* never opened */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tenure_cache_open(&brief, .name = "brief"), 0);
		assert_int_equal(tenure_get(get_brief, NULL, 1), TENURE_CREATED);
		assert_int_equal(tenure_cache_close(&brief, TENURE_SECONDS(30)), 0);
		assert_null(brief);
		assert_int_equal(tenure_get(get_brief, NULL, 1), TENURE_ECLOSED);
		assert_int_equal(tenure_drain(get_brief, 0), TENURE_ECLOSED);
		assert_int_equal(tenure_clear_function(get_brief), TENURE_ECLOSED);
	}
}

static void *close_brief(void *variable)
{
	return (void *)(intptr_t)tenure_cache_close(variable, TENURE_SECONDS(30));
}

static void P2_two_threads_close_one_cache_and_one_of_them_has_done_it(void **state)
{
	tenure_cache *mine, *other;
	pthread_t closer;

	(void)state;
	for (int used = 0; used < 2; used++) {
		assert_int_equal(tenure_cache_open(&brief, .name = "brief"), 0);
		mine = other = brief;
		if (used)
			assert_int_equal(tenure_get(get_brief, NULL, 1), TENURE_CREATED);
		tn_fault_arm("close.down", 0);
		closer = start(close_brief, &other); /* finds nothing out, and is held there */
		tn_fault_await("close.down");
		assert_int_equal(tenure_cache_close(&mine, TENURE_SECONDS(30)), 0);
		tn_fault_release("close.down");
		assert_int_equal((intptr_t)finish(closer), TENURE_ECLOSED);
		assert_int_equal(tenure_cache_close(&other, 0), TENURE_ECLOSED); /* still the address of what is gone */
		assert_int_equal(tenure_get(get_brief, NULL, 1), TENURE_ECLOSED); /* so is the function's variable */
		brief = NULL;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(L7_a_drain_does_not_count_a_creation_that_it_did_not_clear),
		T(L5_a_shared_lease_given_back_twice_is_told_L1_and_the_other_holder_keeps_it),
		T(L5_a_joined_lease_given_back_twice_is_told),
		T(L1_a_retirement_looks_at_those_only_who_had_the_entry),
		T(T3_what_idles_for_nanoseconds_is_looked_at_each_millisecond_only),
		T(K5_bytes_that_are_NULL_are_an_error_after_the_first_call_too),
		T(K5_a_map_key_is_read_to_its_size_only),
		T(V2_those_who_waited_for_a_validation_that_failed_read_so),
		T(F3_options_change_while_calls_and_reports_look_at_them),
		T(C4_a_helper_that_stays_attached_is_not_taken_for_a_part_of_the_next_creation),
		T(P2_a_get_after_the_close_is_told_that_it_is_closed),
		T(P2_two_threads_close_one_cache_and_one_of_them_has_done_it),
		T(F2_V1_of_two_objects_that_are_one_function_the_newest_one_validates),
	};

	return RUN(tests);
}
