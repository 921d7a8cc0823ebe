/* SPDX-License-Identifier: Apache-2.0 */
/* test_ends.c: the ends of sessions, functions, refreshes and caches, each met by another at its worst moment. */
#include "support.h"

#include <sched.h>

#include "base/fault.h"

#define CACHE .cache = &cache

static int failing; /* atomic: the next creators fail */

static int make(tenure_call *call, int n, struct book **ret)
{
	TN_FAULT("test.creator");
	*ret = book_new(n);
	return __atomic_load_n(&failing, __ATOMIC_SEQ_CST) ? tenure_fail(call, "told to fail") : 0;
}

TENURE_DECLARE(get_book, struct book, (int, n));
static int make_book(tenure_call *call, const get_book_args *a, struct book **ret)
{
	return make(call, a->n, ret);
}
TENURE_DEFINE(get_book, CACHE, .create = make_book, .release = book_release, .ttl = "100s", .max_stale = "1h",
	      .refresh = TENURE_BACKGROUND);

TENURE_DECLARE(get_own, struct book, (int, n));
static int make_own(tenure_call *call, const get_own_args *a, struct book **ret)
{
	return make(call, a->n, ret);
}
TENURE_DEFINE(get_own, CACHE, .create = make_own, .release = book_release, .ttl = "100s", .max_stale = "1h",
	      .refresh = TENURE_BACKGROUND, .scope = TENURE_SESSION);

static tenure_session *session;

static int set_up_here(void **state)
{
	__atomic_store_n(&failing, 0, __ATOMIC_SEQ_CST);
	return set_up(state) != 0 || tenure_session_open("user", NULL, &session) != 0 ||
	       tenure_session_enter(session, NULL) != 0;
}

static int tear_down_here(void **state)
{
	int result;

	tn_fault_reset();
	tenure_session_enter(NULL, NULL);
	if (session != NULL)
		tenure_session_end(session);
	result = cache == NULL ? set_up(state) : 0;
	result = result != 0 ? result : tenure_forget(get_book, TENURE_SECONDS(30)); /* each test starts with new functions */
	result = result != 0 ? result : tenure_forget(get_own, TENURE_SECONDS(30));
	return result != 0 ? result : tear_down(state);
}
#undef T
#define T(name) cmocka_unit_test_setup_teardown(name, set_up_here, tear_down_here)

static int end_session(void)
{
	tenure_session *ended = session;

	session = NULL;
	return tenure_session_end(ended);
}

static tenure_stats stats_of(tenure_function *function)
{
	tenure_stats stats;

	assert_int_equal(tenure_function_stats(function, &stats, sizeof(stats)), 0);
	return stats;
}
#define STATS(fn) stats_of(&(fn).function)

static void await_refresh(tenure_function *function)
{
	while (stats_of(function).refreshes + stats_of(function).failures == 0)
		sched_yield();
}

/* Threads: each does one thing and says what came of it. */
static void *get_there(void *n)
{
	return (void *)(intptr_t)tenure_get(get_book, NULL, (int)(intptr_t)n);
}
static void *get_own_there(void *in)
{
	tenure_session_enter(in, NULL);
	return (void *)(intptr_t)tenure_get(get_own, NULL, 1);
}
static void *forget_there(void *face)
{
	return (void *)(intptr_t)tenure_function_forget(face, TENURE_FOREVER);
}
static void *retire_there(void *face)
{
	return (void *)(intptr_t)tenure_function_retire(face);
}
static void *end_there(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)end_session();
}
static void *close_there(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_cache_close(&cache, TENURE_FOREVER);
}
static void *give_back_there(void *lease)
{
	return (void *)(intptr_t)tenure_lease_give_back(lease);
}
static int result_of(pthread_t thread)
{
	return (int)(intptr_t)finish(thread);
}

static void await_arrivals(const char *name, long count)
{
	while (tn_fault_arrivals(name) < count)
		sched_yield();
}

/* ---- a creation that awaits the release of its predecessor: whatever retires everything has passed it over */

/* get_book(1), or get_own(1), on a thread: its predecessor is at worker.before_release. */
static pthread_t start_awaiting(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	tn_fault_arm("worker.before_release", 0);
	assert_true((intptr_t)run(argument) >= 0);
	tenure_clear_all(cache);
	tn_fault_await("worker.before_release");
	thread = start(run, argument);
	await_arrivals("creation.awaits_release", 1);
	return thread;
}

static void S2_a_session_ends_while_a_creation_awaits_a_release_C8(void **state)
{
	pthread_t thread;

	(void)state;
	thread = start_awaiting(get_own_there, session);
	assert_int_equal(end_session(), 0);
	tn_fault_release("worker.before_release");
	assert_int_equal(result_of(thread), TENURE_ECLOSED);
	assert_int_equal(created, 1);
	assert_int_equal(STATS(get_own).live, 0);
}

static void F3_a_function_is_retired_while_a_creation_awaits_a_release_C8(void **state)
{
	pthread_t thread;

	(void)state;
	thread = start_awaiting(get_there, (void *)1);
	assert_int_equal(tenure_retire(get_book), 0);
	tn_fault_release("worker.before_release");
	assert_int_equal(result_of(thread), TENURE_ECLOSED);
	assert_int_equal(created, 1);
}

static void F3_a_function_is_forgotten_while_a_creation_awaits_a_release_C8(void **state)
{
	pthread_t thread, forgetter;

	(void)state;
	thread = start_awaiting(get_there, (void *)1);
	forgetter = start(forget_there, &get_book.function);
	await_arrivals("forget.waits", 1);
	tn_fault_release("worker.before_release");
	assert_int_equal(result_of(thread), TENURE_ECLOSED);
	assert_int_equal(result_of(forgetter), 0);
	assert_int_equal(created, 1);
}

static void L1_a_cache_is_closed_while_a_creation_awaits_a_release_C8(void **state)
{
	pthread_t thread;

	(void)state;
	thread = start_awaiting(get_there, (void *)1);
	assert_int_equal(tenure_cache_close(&cache, 0), TENURE_EBUSY);
	tn_fault_release("worker.before_release");
	assert_int_equal(result_of(thread), TENURE_ECLOSED);
	assert_int_equal(tenure_cache_close(&cache, TENURE_FOREVER), 0);
	assert_int_equal(created, 1);
	assert_int_equal(released, 1);
}

/* ---- caches */

static void S2_a_session_outlives_the_cache_of_what_it_had(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_cache_close(&cache, TENURE_FOREVER), 0);
	assert_int_equal(released, 1);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_ECLOSED);
	assert_int_equal(set_up(NULL), 0);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_cache_close(&cache, TENURE_FOREVER), 0);
	assert_int_equal(end_session(), 0);
	assert_int_equal(set_up(NULL), 0);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_ESESSION);
}

static void fill(bool own)
{
	for (int i = 0; i < 300; i++) /* more than a batch */
		assert_int_equal(own ? tenure_get(get_own, NULL, i) : tenure_get(get_book, NULL, i), TENURE_CREATED);
}

static void L1_a_cache_waits_for_the_end_of_a_session_that_is_under_way(void **state)
{
	pthread_t thread;

	(void)state;
	fill(true);
	tn_fault_arm("clear.between_batches", 0);
	thread = start(end_there, NULL);
	tn_fault_await("clear.between_batches");
	assert_int_equal(tenure_cache_close(&cache, 0), TENURE_EBUSY);
	tn_fault_release("clear.between_batches");
	assert_int_equal(result_of(thread), 0);
	assert_int_equal(tenure_cache_close(&cache, TENURE_FOREVER), 0);
	assert_int_equal(released, 300);
}

static void L1_a_cache_waits_for_a_retire_that_is_under_way(void **state)
{
	pthread_t thread;

	(void)state;
	fill(false);
	tn_fault_arm("clear.between_batches", 0);
	thread = start(retire_there, &get_book.function);
	tn_fault_await("clear.between_batches");
	assert_int_equal(tenure_cache_close(&cache, 0), TENURE_EBUSY);
	tn_fault_release("clear.between_batches");
	assert_true(result_of(thread) > 0); /* its first batch; the close had the rest */
	assert_int_equal(tenure_cache_close(&cache, TENURE_FOREVER), 0);
	assert_int_equal(released, 300);
}

static void L1_a_cache_waits_for_a_forget_that_waits_for_a_lease(void **state)
{
	pthread_t forgetter, closer;
	TENURE_LEASE(get_book, l);

	(void)state;
	assert_int_equal(tenure_get(get_book, &l, 1), TENURE_CREATED);
	tn_fault_arm("forget.waits", 99); /* only to be counted */
	forgetter = start(forget_there, &get_book.function);
	await_arrivals("forget.waits", 1);
	closer = start(close_there, NULL);
	while (tenure_get(get_own, NULL, 1) != TENURE_ECLOSED)
		sched_yield();
	tenure_give_back(&l);
	assert_int_equal(result_of(forgetter), 0);
	assert_int_equal(result_of(closer), 0);
	assert_int_equal(created, released);
}

/* ---- forget and retire */

static void F3_two_threads_forget_one_function(void **state)
{
	pthread_t first, second;
	TENURE_LEASE(get_book, l);

	(void)state;
	assert_int_equal(tenure_get(get_book, &l, 1), TENURE_CREATED);
	tn_fault_arm("forget.waits", 99);
	first = start(forget_there, &get_book.function);
	second = start(forget_there, &get_book.function);
	await_arrivals("forget.waits", 2);
	tenure_give_back(&l);
	assert_int_equal(result_of(first), 0);
	assert_int_equal(result_of(second), 0);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
}

static void F3_two_forgets_that_came_to_nothing_leave_it_as_it_was(void **state)
{
	pthread_t first;
	TENURE_LEASE(get_book, l);

	(void)state;
	assert_int_equal(tenure_get(get_book, &l, 1), TENURE_CREATED);
	tn_fault_arm("forget.waits", 99);
	first = start(forget_there, &get_book.function);
	await_arrivals("forget.waits", 1);
	assert_int_equal(tenure_forget(get_book, 0), TENURE_EBUSY);
	assert_int_equal(tenure_get(get_book, NULL, 2), TENURE_ECLOSED); /* the first still waits */
	tenure_give_back(&l);
	assert_int_equal(result_of(first), 0);
	assert_int_equal(tenure_get(get_book, &l, 2), TENURE_CREATED);
	assert_int_equal(tenure_forget(get_book, 0), TENURE_EBUSY);
	assert_int_equal(tenure_forget(get_book, 0), TENURE_EBUSY);
	assert_int_equal(tenure_get(get_book, NULL, 3), TENURE_CREATED);
}

static void F3_a_forget_that_comes_to_nothing_undoes_no_retire(void **state)
{
	pthread_t first;
	TENURE_LEASE(get_book, l);

	(void)state;
	assert_int_equal(tenure_get(get_book, &l, 1), TENURE_CREATED);
	tn_fault_arm("forget.waits", 0);
	first = start(forget_there, &get_book.function);
	tn_fault_await("forget.waits");
	tn_fault_release("forget.waits");
	assert_int_equal(tenure_retire(get_book), 0);
	assert_int_equal(tenure_forget(get_book, 0), TENURE_EBUSY);
	assert_int_equal(tenure_get(get_book, NULL, 2), TENURE_ECLOSED);
	tenure_give_back(&l);
	assert_int_equal(result_of(first), 0);
	assert_int_equal(tenure_get(get_book, &l, 1), TENURE_CREATED); /* forgotten: afresh */
	assert_int_equal(tenure_retire(get_book), 1);
	assert_int_equal(tenure_forget(get_book, 0), TENURE_EBUSY);
	assert_int_equal(tenure_get(get_book, NULL, 2), TENURE_ECLOSED);
}

static void F3_retired_during_a_creation_its_result_goes_no_further_C6(void **state)
{
	pthread_t leader, waiter;

	(void)state;
	tn_fault_arm("test.creator", 0);
	leader = start(get_there, (void *)1);
	tn_fault_await("test.creator");
	tn_fault_arm("flight.enrolled", 0);
	waiter = start(get_there, (void *)1);
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	assert_int_equal(tenure_retire(get_book), 1);
	tn_fault_release("test.creator");
	assert_int_equal(result_of(leader), TENURE_CREATED);
	assert_int_equal(result_of(waiter), TENURE_JOINED);
	await_count(&released, 1);
	assert_int_equal(STATS(get_book).live, 0);
}

static void F3_retired_before_a_call_has_the_lock(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(tenure_register(get_book), 0);
	tn_fault_arm("slow.before_lock", 0);
	thread = start(get_there, (void *)1);
	tn_fault_await("slow.before_lock");
	assert_int_equal(tenure_retire(get_book), 0);
	tn_fault_release("slow.before_lock");
	assert_int_equal(result_of(thread), TENURE_ECLOSED);
	assert_int_equal(created, 0);
}

/* A give-back has seen that its cell is closed, and has not yet counted itself in `shared`. */
static void F3_forget_waits_for_a_give_back_on_its_way(void **state)
{
	static const char *const at[] = { "give.cell_done", "give.zero" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		pthread_t giver, forgetter;
		TENURE_LEASE(get_book, l);

		assert_int_equal(tenure_get(get_book, &l, 1), TENURE_CREATED);
		assert_int_equal(tenure_clear_function(get_book), 1);
		tn_fault_arm(at[i], 0);
		giver = start(give_back_there, &l.lease);
		tn_fault_await(at[i]);
		assert_int_equal(tenure_forget(get_book, 0), TENURE_EBUSY);
		tn_fault_arm("forget.waits", 0);
		forgetter = start(forget_there, &get_book.function);
		tn_fault_await("forget.waits");
		tn_fault_release("forget.waits");
		assert_int_equal(count_of(&released), i);
		tn_fault_release(at[i]);
		assert_int_equal(result_of(giver), 0);
		assert_int_equal(result_of(forgetter), 0);
		assert_int_equal(count_of(&released), i + 1);
	}
}

/* ---- readers without a lock */

static void *warm_then_get(void *unused)
{
	(void)unused;
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	TN_FAULT("test.warm");
	return (void *)(intptr_t)tenure_get(get_book, NULL, 1);
}

static void C1_hit_probed_then_the_function_is_forgotten_and_its_memory_a_sessions(void **state)
{
	void *was;
	pthread_t thread;

	(void)state;
	assert_int_equal(tenure_register(get_own), 0);
	tn_fault_arm("test.warm", 0);
	thread = start(warm_then_get, NULL);
	tn_fault_await("test.warm");
	tn_fault_arm("hit.probed", 0);
	tn_fault_release("test.warm");
	tn_fault_await("hit.probed");
	was = get_book.function.state_[0];
	assert_int_equal(tenure_forget(get_book, TENURE_FOREVER), 0);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_CREATED); /* in the memory that was get_book's, under an equal key */
	assert_int_equal(tenure_register(get_book), 0);
	assert_ptr_not_equal(get_book.function.state_[0], was);
	tn_fault_release("hit.probed");
	assert_int_equal(result_of(thread), TENURE_CREATED);
	assert_int_equal(created, 3);
}

static void *warm_own_then_get(void *in)
{
	tenure_session_enter(in, NULL);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_CREATED);
	TN_FAULT("test.warm");
	return (void *)(intptr_t)tenure_get(get_own, NULL, 1);
}

static void S2_hit_probed_then_the_session_ends_and_another_one_begins(void **state)
{
	tenure_session *other;
	pthread_t thread;

	(void)state;
	tn_fault_arm("test.warm", 0);
	thread = start(warm_own_then_get, session);
	tn_fault_await("test.warm");
	tn_fault_arm("hit.probed", 0);
	tn_fault_release("test.warm");
	tn_fault_await("hit.probed");
	assert_int_equal(end_session(), 0);
	await_count(&released, 1);
	assert_int_equal(tenure_session_open("other", NULL, &other), 0);
	assert_int_equal(tenure_session_enter(other, NULL), 0);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_CREATED); /* in the entry that the reader has found */
	tn_fault_release("hit.probed");
	assert_int_equal(result_of(thread), TENURE_ECLOSED);
	assert_int_equal(tenure_session_end(other), 0);
}

static void S2_hit_pinned_then_the_session_ends(void **state)
{
	pthread_t thread;

	(void)state;
	tn_fault_arm("test.warm", 0);
	thread = start(warm_own_then_get, session);
	tn_fault_await("test.warm");
	tn_fault_arm("hit.pinned", 0);
	tn_fault_release("test.warm");
	tn_fault_await("hit.pinned");
	assert_int_equal(end_session(), 0);
	assert_int_equal(count_of(&released), 0);
	tn_fault_release("hit.pinned");
	assert_int_equal(result_of(thread), TENURE_HIT); /* it was before the end */
	await_count(&released, 1);
}

/* ---- the end of a refresh */

/* get_book(1) is stale, and its refresh is at its end. */
static void refresh_to_its_end(void)
{
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	advance(101);
	tn_fault_arm("refresh.before_end", 0);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_STALE);
	tn_fault_await("refresh.before_end");
}

static void T4_a_refresh_ends_after_its_session_S2(void **state)
{
	tenure_stats stats;

	(void)state;
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_CREATED);
	advance(101);
	tn_fault_arm("refresh.before_end", 0);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_STALE);
	tn_fault_await("refresh.before_end");
	assert_int_equal(end_session(), 0);
	await_count(&released, 1);
	assert_int_equal(tenure_drain(get_own, 0), 1); /* the new one is on its way out */
	tn_fault_release("refresh.before_end");
	assert_int_equal(tenure_drain(get_own, TENURE_FOREVER), 0);
	assert_int_equal(released, 2);
	stats = STATS(get_own); /* what the session's own counted stays counted */
	assert_int_equal(stats.refreshes, 1);
	assert_int_equal(stats.retired_session + stats.retired_cleared, 2);
}

static void T4_a_refresh_has_not_begun_when_its_session_ends_S2(void **state)
{
	(void)state;
	for (int i = 1; i <= 2; i++)
		assert_int_equal(tenure_get(get_own, NULL, i), TENURE_CREATED);
	advance(101);
	tn_fault_arm("test.creator", 0);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_STALE);
	tn_fault_await("test.creator");
	assert_int_equal(tenure_get(get_own, NULL, 2), TENURE_STALE); /* waits for the one place */
	assert_int_equal(end_session(), 0);
	tn_fault_release("test.creator");
	assert_int_equal(tenure_drain(get_own, TENURE_FOREVER), 0);
	assert_int_equal(created, released);
}

static void T4_a_refresh_ends_after_an_update_F3(void **state)
{
	(void)state;
	refresh_to_its_end();
	assert_int_equal(tenure_update(get_book, CACHE, .ttl = "1000s", .max_stale = "2h", .refresh = TENURE_BACKGROUND), 0);
	tn_fault_release("refresh.before_end");
	await_refresh(&get_book.function);
	advance(999);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_HIT); /* the new ttl, from the new one's birth */
	advance(2);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_STALE);
}

static void T4_a_refresh_ends_after_an_update_to_the_foreground_F3(void **state)
{
	(void)state;
	refresh_to_its_end();
	assert_int_equal(tenure_update(get_book, CACHE, .ttl = "1000s"), 0);
	tn_fault_release("refresh.before_end");
	await_refresh(&get_book.function);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_HIT);
	advance(1001);
	assert_int_equal(tenure_peek(get_book, NULL, 1), TENURE_EABSENT);
	assert_int_equal(STATS(get_book).refreshes, 1);
}

/* What a longer ttl covers is stale no more, whatever became of its refresh. */
static void T4_a_refresh_fails_after_an_update_F3(void **state)
{
	tenure_key *key;

	(void)state;
	for (int background = 0; background < 2; background++) {
		tenure_clear_function(get_book);
		assert_int_equal(tenure_update(get_book, CACHE, .ttl = "100s", .refresh = TENURE_BACKGROUND), 0);
		refresh_to_its_end();
		assert_int_equal(tenure_prepare(get_book, &key, 1), 0);
		__atomic_store_n(&failing, 1, __ATOMIC_SEQ_CST);
		assert_int_equal(tenure_update(get_book, CACHE, .ttl = "1000s", .refresh = (uint8_t)background), 0);
		tn_fault_release("refresh.before_end");
		while (count_of(&reports) == 0 && STATS(get_book).refreshes == 0)
			sched_yield();
		__atomic_store_n(&failing, 0, __ATOMIC_SEQ_CST);
		assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_HIT);
		assert_int_equal(tenure_get_key(get_book, NULL, key), TENURE_HIT);
		advance(700);
		assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_HIT);
		tenure_key_free(key);
	}
}

static void T4_a_failed_refresh_pauses_no_more_after_an_update_F3(void **state)
{
	(void)state;
	__atomic_store_n(&failing, 0, __ATOMIC_SEQ_CST);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	advance(101);
	__atomic_store_n(&failing, 1, __ATOMIC_SEQ_CST);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_STALE);
	await_refresh(&get_book.function);
	__atomic_store_n(&failing, 0, __ATOMIC_SEQ_CST);
	assert_int_equal(tenure_update(get_book, CACHE, .ttl = "1000s", .refresh = TENURE_BACKGROUND), 0);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_HIT);
	assert_int_equal(tenure_peek(get_book, NULL, 1), TENURE_HIT);
	advance(898);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_HIT);
	advance(2);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_STALE);
}

static void T4_forget_waits_for_the_end_of_a_refresh_F3(void **state)
{
	pthread_t thread;

	(void)state;
	refresh_to_its_end();
	assert_int_equal(tenure_forget(get_book, 0), TENURE_EBUSY);
	tn_fault_arm("forget.waits", 0);
	thread = start(forget_there, &get_book.function);
	tn_fault_await("forget.waits");
	tn_fault_release("forget.waits");
	tn_fault_release("refresh.before_end");
	assert_int_equal(result_of(thread), 0);
	assert_int_equal(created, 2);
	assert_int_equal(released, 2);
}

static void T4_a_refresh_ends_after_its_function_was_retired_F3(void **state)
{
	(void)state;
	refresh_to_its_end();
	assert_true(tenure_retire(get_book) >= 1);
	tn_fault_release("refresh.before_end");
	await_count(&released, 2);
	assert_int_equal(STATS(get_book).live, 0);
}

/* ---- updates */

static void *lower_bound(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_update(get_book, CACHE, .max_entries = 2);
}

/* A creation that has many to evict lets others have the lock in between: its entry is in service then. */
static void M1_a_clear_comes_while_a_publication_evicts_many(void **state)
{
	pthread_t updater, thread;

	(void)state;
	for (int i = 0; i < 600; i++)
		assert_int_equal(tenure_get(get_book, NULL, i), TENURE_CREATED);
	tn_fault_arm("update.between_batches", 0);
	updater = start(lower_bound, NULL);
	tn_fault_await("update.between_batches"); /* the bound is in force, nothing has gone */
	tn_fault_arm("publish.evicts", 0);
	thread = start(get_there, (void *)1000);
	tn_fault_await("publish.evicts");
	assert_in_range(tenure_clear_function(get_book), 2, 600);
	assert_int_equal(tenure_peek(get_book, NULL, 1000), TENURE_EABSENT);
	assert_int_equal(tenure_get(get_book, NULL, 1001), TENURE_CREATED);
	tn_fault_release("publish.evicts");
	assert_int_equal(result_of(thread), TENURE_CREATED);
	tn_fault_release("update.between_batches");
	assert_int_equal(result_of(updater), 0);
	assert_int_equal(tenure_get(get_book, NULL, 1001), TENURE_HIT);
}

static void *update_there(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_update(get_own, CACHE, .ttl = "10s", .scope = TENURE_SESSION);
}

static void F3_of_two_updates_at_once_every_session_has_the_last(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_CREATED);
	tn_fault_arm("update.before_child", 0);
	thread = start(update_there, NULL);
	tn_fault_await("update.before_child");
	assert_int_equal(tenure_update(get_own, CACHE, .ttl = "1000s", .scope = TENURE_SESSION), 0);
	tn_fault_release("update.before_child");
	assert_int_equal(result_of(thread), 0);
	advance(500);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_HIT);
	advance(501);
	assert_int_equal(tenure_peek(get_own, NULL, 1), TENURE_EABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(S2_a_session_ends_while_a_creation_awaits_a_release_C8),
		T(F3_a_function_is_retired_while_a_creation_awaits_a_release_C8),
		T(F3_a_function_is_forgotten_while_a_creation_awaits_a_release_C8),
		T(L1_a_cache_is_closed_while_a_creation_awaits_a_release_C8),
		T(S2_a_session_outlives_the_cache_of_what_it_had),
		T(L1_a_cache_waits_for_the_end_of_a_session_that_is_under_way),
		T(L1_a_cache_waits_for_a_retire_that_is_under_way),
		T(L1_a_cache_waits_for_a_forget_that_waits_for_a_lease),
		T(F3_two_threads_forget_one_function),
		T(F3_two_forgets_that_came_to_nothing_leave_it_as_it_was),
		T(F3_a_forget_that_comes_to_nothing_undoes_no_retire),
		T(F3_retired_during_a_creation_its_result_goes_no_further_C6),
		T(F3_retired_before_a_call_has_the_lock),
		T(F3_forget_waits_for_a_give_back_on_its_way),
		T(C1_hit_probed_then_the_function_is_forgotten_and_its_memory_a_sessions),
		T(S2_hit_probed_then_the_session_ends_and_another_one_begins),
		T(S2_hit_pinned_then_the_session_ends),
		T(T4_a_refresh_ends_after_its_session_S2),
		T(T4_a_refresh_has_not_begun_when_its_session_ends_S2),
		T(T4_a_refresh_ends_after_an_update_F3),
		T(T4_a_refresh_ends_after_an_update_to_the_foreground_F3),
		T(T4_a_refresh_fails_after_an_update_F3),
		T(T4_a_failed_refresh_pauses_no_more_after_an_update_F3),
		T(T4_forget_waits_for_the_end_of_a_refresh_F3),
		T(T4_a_refresh_ends_after_its_function_was_retired_F3),
		T(M1_a_clear_comes_while_a_publication_evicts_many),
		T(F3_of_two_updates_at_once_every_session_has_the_last),
	};

	return RUN(tests);
}
