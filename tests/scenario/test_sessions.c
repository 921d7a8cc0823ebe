/* SPDX-License-Identifier: Apache-2.0 */
/* test_sessions.c: how long a session lasts, for those who have it current while another thread ends it. */
#include "support.h"

#include <sched.h>

#include "base/fault.h"

static char user_of_a; /* its address: what the front gets */
static long with_user, without; /* atomic: messages that the front got */
static int exit_in_front; /* atomic */
static int result_in_front;
static int ended; /* atomic: tenure_session_end() has returned */
static int ended_while_shown;
static tenure_session *a;

static void message(void *front_user, int kind, const void *data, size_t size, bool replayed)
{
	(void)kind, (void)data, (void)size, (void)replayed;
	__atomic_fetch_add(front_user == &user_of_a ? &with_user : &without, 1, __ATOMIC_SEQ_CST);
	result_in_front = tenure_session_end(a);
	TN_FAULT("test.front");
	ended_while_shown |= __atomic_load_n(&ended, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&exit_in_front, __ATOMIC_SEQ_CST))
		pthread_exit(NULL);
}

static const tenure_front front = { .size = sizeof(front), .message = message };
static tenure_cache *shown;

TENURE_DECLARE(said, struct book, (int, n));
static int make_said(tenure_call *c, const said_args *args, struct book **ret)
{
	TN_FAULT("test.creator");
	*ret = book_new(args->n);
	return tenure_say(c, TENURE_TEXT, "hello");
}
TENURE_DEFINE(said, .cache = &shown, .create = make_said, .release = book_release);

static int open_all(void **state)
{
	with_user = without = exit_in_front = result_in_front = ended = ended_while_shown = 0;
	if (set_up(state) != 0 || tenure_cache_open(&shown, .name = "shown", .front = &front) != 0)
		return -1;
	return tenure_session_open("a", &user_of_a, &a);
}

static int close_all(void **state)
{
	tn_fault_reset();
	tenure_session_enter(NULL, NULL);
	tenure_session_end(a);
	if (tenure_cache_close(&shown, TENURE_SECONDS(30)) != 0)
		return -1;
	return tear_down(state);
}

static void *end_a(void *unused)
{
	int result = tenure_session_end(a);

	(void)unused;
	__atomic_store_n(&ended, 1, __ATOMIC_SEQ_CST);
	return (void *)(intptr_t)result;
}

static void *get_in_a(void *unused)
{
	(void)unused;
	tenure_session_enter(a, NULL);
	return (void *)(intptr_t)tenure_get(said, NULL, 1);
}

static void await_arrivals(const char *place, long at_least)
{
	while (tn_fault_arrivals(place) < at_least)
		sched_yield();
}

static void U3_a_session_that_another_thread_has_ended_hears_nothing_more(void **state)
{
	(void)state;
	assert_int_equal(tenure_session_enter(a, NULL), 0);
	assert_int_equal(tenure_get(said, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_get(said, NULL, 1), TENURE_HIT);
	assert_int_equal(with_user, 2);
	assert_int_equal((intptr_t)finish(start(end_a, NULL)), 0);
	assert_int_equal(tenure_get(said, NULL, 1), TENURE_HIT); /* not replayed: this thread is without a session now */
	assert_int_equal(with_user, 2);
	assert_int_equal(without, 0);
}

static void U3_a_creation_whose_session_has_ended_goes_on_without(void **state)
{
	pthread_t maker;

	(void)state;
	tn_fault_arm("test.creator", 0);
	maker = start(get_in_a, NULL);
	tn_fault_await("test.creator");
	assert_int_equal(tenure_session_end(a), 0);
	tn_fault_release("test.creator");
	assert_int_equal((intptr_t)finish(maker), TENURE_CREATED);
	assert_int_equal(with_user, 0);
	assert_int_equal(without, 1); /* shown, to no session */
}

static void S1_the_end_waits_for_a_front_that_has_the_sessions_user(void **state)
{
	pthread_t getter, ender;

	(void)state;
	tn_fault_arm("test.front", 0);
	getter = start(get_in_a, NULL);
	tn_fault_await("test.front");
	ender = start(end_a, NULL);
	await_arrivals("session.ending", 1);
	for (int i = 0; i < 1000; i++) /* it could return now, if it did not wait */
		sched_yield();
	tn_fault_release("test.front");
	assert_int_equal((intptr_t)finish(getter), TENURE_CREATED);
	assert_int_equal((intptr_t)finish(ender), 0);
	assert_false(ended_while_shown);
	assert_int_equal(with_user, 1);
}

static void S1_a_front_may_not_end_the_session(void **state)
{
	(void)state;
	get_in_a(NULL);
	assert_int_equal(result_in_front, TENURE_EREENTRANT);
	assert_int_equal(tenure_session_end(a), 0);
}

static void S1_the_end_does_not_wait_for_a_thread_that_a_front_has_ended(void **state)
{
	(void)state;
	__atomic_store_n(&exit_in_front, 1, __ATOMIC_SEQ_CST);
	finish(start(get_in_a, NULL));
	__atomic_store_n(&exit_in_front, 0, __ATOMIC_SEQ_CST);
	assert_int_equal(with_user, 1);
	assert_int_equal(tenure_session_end(a), 0);
}

static pthread_key_t late;
static int late_result;

static void end_late(void *unused)
{
	(void)unused;
	late_result = tenure_session_end(a);
}

static void *get_and_end_in_a_destructor(void *unused)
{
	pthread_setspecific(late, &late);
	return get_in_a(unused);
}

static void S1_a_thread_that_a_front_has_ended_does_not_wait_for_itself(void **state)
{
	(void)state;
	late_result = 1;
	assert_int_equal(pthread_key_create(&late, end_late), 0); /* before or after the library's own: either is fine */
	__atomic_store_n(&exit_in_front, 1, __ATOMIC_SEQ_CST);
	finish(start(get_and_end_in_a_destructor, NULL));
	pthread_key_delete(late);
	assert_int_equal(late_result, 0);
}

static void S1_a_session_that_has_ended_is_told_from_the_one_that_has_its_memory(void **state)
{
	tenure_session *b, *previous, *next[100];

	(void)state;
	assert_int_equal(tenure_session_open("b", NULL, &b), 0);
	assert_int_equal(tenure_session_enter(a, NULL), 0);
	assert_int_equal(tenure_session_enter(b, &previous), 0);
	assert_ptr_equal(previous, a);
	assert_int_equal((intptr_t)finish(start(end_a, NULL)), 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(tenure_session_open("c", NULL, &next[i]), 0);
		assert_ptr_not_equal(next[i], previous);
	}
	assert_int_equal(tenure_session_enter(previous, NULL), TENURE_ECLOSED);
	assert_int_equal(tenure_session_end(previous), TENURE_ECLOSED);
	assert_int_equal(tenure_session_enter(NULL, &previous), 0);
	assert_ptr_equal(previous, b); /* the refused one has changed nothing */
	for (int i = 0; i < 100; i++)
		assert_int_equal(tenure_session_end(next[i]), 0);
	assert_int_equal(tenure_session_enter(b, NULL), 0);
	assert_int_equal(tenure_session_end(b), 0);
	assert_int_equal(tenure_session_enter(NULL, &previous), 0);
	assert_null(previous); /* it has ended: the thread went on without */
}

#define S(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(U3_a_session_that_another_thread_has_ended_hears_nothing_more),
		S(U3_a_creation_whose_session_has_ended_goes_on_without),
		S(S1_the_end_waits_for_a_front_that_has_the_sessions_user),
		S(S1_a_front_may_not_end_the_session),
		S(S1_the_end_does_not_wait_for_a_thread_that_a_front_has_ended),
		S(S1_a_thread_that_a_front_has_ended_does_not_wait_for_itself),
		S(S1_a_session_that_has_ended_is_told_from_the_one_that_has_its_memory),
	};

	return RUN(tests);
}
