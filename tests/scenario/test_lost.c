/* SPDX-License-Identifier: Apache-2.0 */
/* test_lost.c: threads that end inside a front, at each place where it has its turn, by pthread_exit() and by cancellation.
 *
 * Whatever the place: no lease, no flight, no waiter and no lock is left behind, the next call goes on, and the front hears
 * of the end of what it was told to be waited for, once. */
#include "support.h"

#include "base/fault.h"

enum place { NOWHERE, WAIT, DONE, MESSAGE, ASK, PROGRESS, VALUE, REPLAYED, DRAWN, CREATOR };
enum how { EXIT, CANCEL, EXIT_TWICE };
static const char *const PLACES[] = { "nowhere", "wait", "done", "message", "ask", "progress", "value", "replay", "drawing", "creator" };
static const char *const WAYS[] = { "exit", "cancellation", "exit, and once more when the front is told" };

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

static __thread enum place place; /* where this thread is to end */
static __thread bool told; /* of a wait, and not of its end */
static enum how how;
static long begun, ended; /* atomic: waits, and their ends */
static long torn; /* atomic: turns that a cancellation has ended in the middle */
static long after; /* atomic: what the library says to a thread that has ended in a turn */

/* The way after this one. ASan does not see a cancellation unwind the stack, and takes what its
 * frames have left there for errors. */
static int next_way(int way)
{
#ifdef WITH_ASAN
	return way + 1 == CANCEL ? CANCEL + 1 : way + 1;
#else
	return way + 1;
#endif
}

static void end_here(enum place here)
{
	if (here != place)
		return;
	place = how == EXIT_TWICE && here != DONE ? DONE : NOWHERE;
	if (how != CANCEL)
		pthread_exit(NULL);
	__atomic_fetch_add(&torn, here != CREATOR, __ATOMIC_SEQ_CST);
	pthread_cancel(pthread_self());
	pthread_testcancel(); /* as fprintf() and its like are points of cancellation */
	__atomic_fetch_sub(&torn, here != CREATOR, __ATOMIC_SEQ_CST);
}

static int on_wait(void *user, const tenure_activity *activity)
{
	(void)user;
	__atomic_fetch_add(&begun, !told, __ATOMIC_SEQ_CST);
	told = true;
	end_here(activity->fraction >= 0 && place == PROGRESS ? PROGRESS : WAIT);
	return 0;
}

static void on_done(void *user, const tenure_activity *activity)
{
	(void)user, (void)activity;
	__atomic_fetch_add(&ended, told ? 1 : 1000, __ATOMIC_SEQ_CST);
	told = false;
	end_here(DONE);
}

static void on_message(void *user, int kind, const void *data, size_t size, bool replayed)
{
	(void)user, (void)kind, (void)data, (void)size;
	end_here(replayed ? REPLAYED : MESSAGE);
}

static int on_value(void *user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	(void)user, (void)label;
	*ret = low_high_preset[2];
	end_here(VALUE);
	return 0;
}

static int on_ask(void *user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	(void)user, (void)label;
	*ret = low_high_preset[2];
	end_here(place == DRAWN ? DRAWN : ASK);
	return 0;
}

static const tenure_front front = {
	.size = sizeof(front), .wait = on_wait, .done = on_done, .message = on_message, .value = on_value, .ask = on_ask,
};

static int64_t test_clock(void *user)
{
	(void)user;
	return __atomic_load_n(&test_now, __ATOMIC_SEQ_CST);
}

TENURE_DECLARE(asks, struct book, (int, n));
static int make_asks(tenure_call *c, const asks_args *a, struct book **ret)
{
	*ret = book_new(a->n); /* released, however this ends */
	TN_FAULT("test.creator");
	end_here(CREATOR);
	tenure_ask_bool(c, "check", true);
	tenure_say(c, TENURE_TEXT, "a message that is longer than what a message without a place of its own could be");
	__atomic_fetch_add(&test_now, 1000000000, __ATOMIC_SEQ_CST);
	tenure_progress(c, 0.5, "half");
	return 0;
}
TENURE_DEFINE(asks, .cache = &cache, .create = make_asks, .release = book_release);

TENURE_DECLARE(says, struct book);
static int make_says(tenure_call *c, const says_args *a, struct book **ret)
{
	(void)a;
	*ret = book_new(0);
	return tenure_say(c, TENURE_TEXT, "once");
}
TENURE_DEFINE(says, .cache = &cache, .create = make_says, .release = book_release);

static tenure_session *session;
static pthread_key_t at_end;

/* Outside of every turn again: a call that no front may make. */
static void look_about(void *unused)
{
	(void)unused;
	__atomic_store_n(&after, tenure_peek(asks, NULL, 77), __ATOMIC_SEQ_CST);
}

static int open_front(void **state)
{
	(void)state;
	created = released = begun = ended = torn = after = 0;
	test_now = 1000000000;
	if (tenure_cache_open(&cache, .front = &front, .now = test_clock) != 0 || pthread_key_create(&at_end, look_about) != 0)
		return -1;
	return tenure_session_open("somebody", NULL, &session);
}

static int close_front(void **state)
{
	pthread_key_delete(at_end);
	tenure_session_end(session);
	return tear_down(state);
}

static void expect(bool holds, enum place where, const char *what, int line)
{
	if (!holds)
		fail_msg("line %d, %s by %s: %s", line, PLACES[where], WAYS[how], what);
}
#define EXPECT(condition) expect(condition, where, #condition, __LINE__)

static void *get_and_end(void *where)
{
	pthread_setspecific(at_end, where);
	tenure_session_enter(session, NULL);
	place = (enum place)(intptr_t)where;
	return (void *)(intptr_t)(tenure_get(asks, NULL, 1) + 100);
}

static void *get(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get(asks, NULL, 1);
}

static bool nobody_gets_anything_lost(void)
{
	tenure_stats stats;

	return tenure_cache_stats(cache, &stats, sizeof(stats)) == 0 && stats.leased == 0 && stats.retired == 0;
}

static void creating(enum place where)
{
	void *result = finish(start(get_and_end, (void *)(intptr_t)where));

	EXPECT(result == (how == CANCEL ? PTHREAD_CANCELED : NULL));
	EXPECT(count_of(&torn) == 0);
	EXPECT(count_of(&begun) == 1 && count_of(&ended) == 1);
	EXPECT(count_of(&after) == TENURE_EABSENT);
	EXPECT(tenure_get(asks, NULL, 1) == TENURE_CREATED);
	EXPECT(nobody_gets_anything_lost());
}

static void waiting(enum place where)
{
	pthread_t leader, waiter;
	void *result = NULL;

	tn_fault_arm("test.creator", 0);
	leader = start(get, NULL);
	tn_fault_await("test.creator");
	waiter = start(get_and_end, (void *)(intptr_t)where);
	await_count(&begun, 2);
	if (where == WAIT)
		result = finish(waiter);
	tn_fault_release("test.creator");
	EXPECT((intptr_t)finish(leader) == TENURE_CREATED);
	if (where == DONE)
		result = finish(waiter);
	EXPECT(result == (how == CANCEL ? PTHREAD_CANCELED : NULL));
	EXPECT(count_of(&torn) == 0);
	EXPECT(count_of(&begun) == 2 && count_of(&ended) == 2);
	EXPECT(count_of(&after) == TENURE_EABSENT);
	EXPECT(tenure_get(asks, NULL, 1) == TENURE_HIT);
	EXPECT(nobody_gets_anything_lost());
}

static void hitting(enum place where)
{
	void *result = NULL;

	EXPECT(tenure_get(asks, NULL, 1) == TENURE_CREATED);
	result = finish(start(get_and_end, (void *)(intptr_t)where));
	EXPECT(result == (how == CANCEL ? PTHREAD_CANCELED : NULL));
	EXPECT(count_of(&torn) == 0);
	EXPECT(count_of(&after) == TENURE_EABSENT);
	EXPECT(tenure_get(asks, NULL, 1) == TENURE_HIT);
	EXPECT(nobody_gets_anything_lost());
}

static void each(void (*body)(enum place), const enum place *places, size_t count)
{
	for (int way = EXIT; way <= EXIT_TWICE; way = next_way(way)) {
		for (size_t i = 0; i < count; i++) {
			how = (enum how)way;
			assert_int_equal(open_front(NULL), 0);
			body(places[i]);
			assert_int_equal(close_front(NULL), 0);
		}
	}
}

static void C2_U1_a_creators_thread_may_end_in_any_turn_of_the_front(void **state)
{
	static const enum place places[] = { WAIT, ASK, MESSAGE, PROGRESS, DONE };

	(void)state;
	each(creating, places, sizeof(places) / sizeof(places[0]));
}

static void C2_U1_the_front_hears_of_the_end_when_the_creator_ends_its_thread(void **state)
{
	(void)state;
	for (int way = EXIT; way <= EXIT_TWICE; way = next_way(way)) {
		how = (enum how)way;
		assert_int_equal(open_front(NULL), 0);
		creating(CREATOR);
		assert_int_equal(close_front(NULL), 0);
	}
}

static void C5_U1_a_waiters_thread_may_end_in_any_turn_of_the_front(void **state)
{
	static const enum place places[] = { WAIT, DONE };

	(void)state;
	each(waiting, places, sizeof(places) / sizeof(places[0]));
}

static void L2_U3_U4_a_thread_may_end_in_a_replay_and_holds_nothing(void **state)
{
	static const enum place places[] = { VALUE, REPLAYED, DRAWN };

	(void)state;
	each(hitting, places, sizeof(places) / sizeof(places[0]));
}

static void *hit_twice(void *unused)
{
	(void)unused;
	tenure_session_enter(session, NULL);
	if (tenure_get(says, NULL) != TENURE_HIT) /* from here on it has a cell of its own */
		return (void *)1;
	place = REPLAYED;
	tenure_get(says, NULL);
	return (void *)2;
}

static void L2_U3_a_thread_may_end_in_the_replay_of_a_hit_without_a_lock(void **state)
{
	(void)state;
	for (int way = EXIT; way <= CANCEL; way = next_way(way)) {
		how = (enum how)way;
		assert_int_equal(open_front(NULL), 0);
		assert_int_equal(tenure_get(says, NULL), TENURE_CREATED);
		assert_ptr_equal(finish(start(hit_twice, NULL)), how == CANCEL ? PTHREAD_CANCELED : NULL);
		assert_true(nobody_gets_anything_lost());
		assert_int_equal(close_front(NULL), 0);
	}
}

static int refuse(void *user, const tenure_activity *activity)
{
	on_wait(user, activity);
	return -42;
}
static const tenure_front refusing = { .size = sizeof(refusing), .wait = refuse, .done = on_done };

static void U1_a_front_that_refuses_hears_of_the_end_too(void **state)
{
	tenure_cache *kept;

	assert_int_equal(open_front(state), 0);
	kept = cache;
	assert_int_equal(tenure_cache_open(&cache, .front = &refusing, .now = test_clock), 0);
	assert_int_equal(tenure_get(says, NULL), -42);
	assert_non_null(strstr(tenure_message(), "the front ended the creation of says()"));
	assert_int_equal(begun, 1);
	assert_int_equal(ended, 1);
	assert_int_equal(tear_down(NULL), 0);
	cache = kept;
	assert_int_equal(close_front(state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(C2_U1_a_creators_thread_may_end_in_any_turn_of_the_front),
		cmocka_unit_test(C2_U1_the_front_hears_of_the_end_when_the_creator_ends_its_thread),
		cmocka_unit_test(C5_U1_a_waiters_thread_may_end_in_any_turn_of_the_front),
		cmocka_unit_test(L2_U3_U4_a_thread_may_end_in_a_replay_and_holds_nothing),
		cmocka_unit_test(L2_U3_a_thread_may_end_in_the_replay_of_a_hit_without_a_lock),
		cmocka_unit_test(U1_a_front_that_refuses_hears_of_the_end_too),
	};

	return RUN(tests);
}
