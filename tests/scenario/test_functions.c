/* SPDX-License-Identifier: Apache-2.0 */
/* test_functions.c: the life of cached functions: changed options, retired, forgotten; and functions with scope=session. */
#include "support.h"

#include "base/fault.h"

#define CACHE .cache = &cache

TENURE_DECLARE(get_book, struct book, (const char *, url), (int, number));
static int make_book(tenure_call *call, const get_book_args *a, struct book **ret)
{
	if (a->number == 99)
		tenure_call_set_ttl(call, TENURE_SECONDS(10000));
	TN_FAULT("test.creator");
	*ret = book_new(a->number);
	return 0;
}
TENURE_DEFINE(get_book, CACHE, .create = make_book, .release = book_release, .ttl = "100s");

static void *get_on_a_thread(void *unused)
{
	TENURE_LEASE(get_book, l);

	(void)unused;
	return (void *)(intptr_t)tenure_get(get_book, &l, "u", 1);
}

static tenure_stats stats_of_book(void)
{
	tenure_stats stats;

	assert_int_equal(tenure_get_stats(get_book, &stats), 0);
	return stats;
}

static void restore(void)
{
	assert_int_equal(tenure_update(get_book, CACHE, .ttl = "100s"), 0);
}

/* ---- F3: options count at once */

static void F3_a_shorter_ttl_counts_for_live_entries(void **state)
{
	(void)state;
	restore();
	tenure_get(get_book, NULL, "u", 1);
	tenure_get(get_book, NULL, "u", 99); /* has a ttl of its own */
	advance(50);
	assert_int_equal(tenure_update(get_book, CACHE, .ttl = "60s"), 0);
	assert_int_equal(stats_of_book().live, 2);
	advance(11);
	assert_int_equal(stats_of_book().live, 1);
	assert_int_equal(stats_of_book().retired_expired, 1);
	tenure_get(get_book, NULL, "u", 1);
	advance(30);
	assert_int_equal(tenure_update(get_book, CACHE, .ttl = "20s"), 0); /* over already */
	assert_int_equal(stats_of_book().retired_expired, 2);
	restore();
}

static void F3_a_longer_ttl_counts_for_live_entries(void **state)
{
	(void)state;
	restore();
	tenure_get(get_book, NULL, "u", 1);
	advance(50);
	assert_int_equal(tenure_update(get_book, CACHE, .ttl = "1h"), 0);
	advance(3500);
	assert_int_equal(tenure_get(get_book, NULL, "u", 1), TENURE_HIT);
	assert_int_equal(tenure_update(get_book, CACHE), 0); /* no end */
	advance(100000);
	assert_int_equal(tenure_get(get_book, NULL, "u", 1), TENURE_HIT);
	restore();
	assert_int_equal(stats_of_book().live, 0);
}

static void F3_a_smaller_bound_retires_what_is_too_many_in_batches(void **state)
{
	(void)state;
	restore();
	for (int i = 100; i < 1000; i++)
		tenure_get(get_book, NULL, "u", i);
	assert_int_equal(stats_of_book().live, 900);
	assert_int_equal(tenure_update(get_book, CACHE, .ttl = "100s", .max_entries = 10), 0);
	assert_int_equal(stats_of_book().live, 10);
	assert_int_equal(stats_of_book().retired_capacity, 890);
	restore();
}

static void F3_the_same_options_again_touch_no_entry(void **state)
{
	(void)state;
	restore();
	for (int i = 100; i < 1000; i++)
		tenure_get(get_book, NULL, "u", i);
	tn_fault_arm("nothing", 0); /* arrivals count while something is armed */
	restore();
	assert_int_equal(tn_fault_arrivals("update.between_batches"), 0);
	tn_fault_reset();
	assert_int_equal(tenure_clear_function(get_book), 900);
}

static void *update_on_a_thread(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_update(get_book, CACHE, .ttl = "50s", .max_entries = 400);
}

static void F3_entries_come_and_go_between_the_batches_of_an_update(void **state)
{
	pthread_t thread;

	(void)state;
	restore();
	for (int i = 100; i < 1000; i++)
		tenure_get(get_book, NULL, "u", i);
	tn_fault_arm("update.between_batches", 0);
	thread = start(update_on_a_thread, NULL);
	tn_fault_await("update.between_batches");
	for (int i = 300; i < 400; i++) /* the next of the walk among them */
		tenure_clear_entry(get_book, "u", i);
	tenure_get(get_book, NULL, "new", 1);
	tn_fault_release("update.between_batches");
	assert_int_equal((intptr_t)finish(thread), 0);
	assert_true(stats_of_book().live <= 400);
	advance(51);
	assert_int_equal(stats_of_book().live, 0);
	restore();
}

static void F3_bad_options_change_nothing_F5(void **state)
{
	static tenure_cache *other;

	(void)state;
	restore();
	tenure_get(get_book, NULL, "u", 1);
	assert_int_equal(tenure_update(get_book, CACHE, .ttl = "90"), TENURE_EINVAL);
	assert_int_equal(tenure_update(get_book, CACHE, .scope = TENURE_SESSION), TENURE_EINVAL);
	assert_int_equal(tenure_update(get_book, CACHE, .scope = 7), TENURE_EINVAL);
	assert_int_equal(tenure_function_update(&get_book.function, NULL), TENURE_EINVAL);
	assert_int_equal(tenure_cache_open(&other, .name = "other"), 0);
	assert_int_equal(tenure_update(get_book, .cache = &other), TENURE_EINVAL);
	assert_int_equal(tenure_cache_close(&other, TENURE_FOREVER), 0);
	advance(99);
	assert_int_equal(stats_of_book().live, 1);
	advance(2);
	assert_int_equal(stats_of_book().live, 0);
}

static void F3_an_entry_keeps_the_release_it_was_published_with(void **state)
{
	TENURE_LEASE(get_book, l);

	(void)state;
	restore();
	tenure_get(get_book, &l, "u", 1);
	assert_int_equal(tenure_update(get_book, CACHE, .ttl = "1s"), 0);
	advance(2);
	assert_int_equal(count_of(&released), 0);
	tenure_give_back(&l);
	await_count(&released, 1);
	restore();
}

/* ---- F3: retired */

TENURE_DECLARE(get_passing, struct book, (int, number));
static int make_passing(tenure_call *call, const get_passing_args *a, struct book **ret)
{
	(void)call;
	TN_FAULT("test.passing");
	*ret = book_new(a->number);
	return 0;
}
TENURE_DEFINE(get_passing, CACHE, .create = make_passing, .release = book_release);

static void F3_a_retired_function_gives_up_what_it_has_and_refuses(void **state)
{
	TENURE_LEASE(get_passing, l);

	(void)state;
	assert_int_equal(tenure_get(get_passing, &l, 1), TENURE_CREATED);
	assert_int_equal(tenure_get(get_passing, NULL, 2), TENURE_CREATED);
	assert_int_equal(tenure_retire(get_passing), 2);
	await_count(&released, 1);
	book_check(l.resource); /* its holder keeps it */
	assert_int_equal(tenure_get(get_passing, NULL, 1), TENURE_ECLOSED);
	assert_int_equal(tenure_register(get_passing), TENURE_ECLOSED);
	assert_int_equal(tenure_retire(get_passing), 0);
	assert_int_equal(tenure_forget(get_passing, 0), TENURE_EBUSY);
	tenure_give_back(&l);
	assert_int_equal(tenure_forget(get_passing, TENURE_FOREVER), 0);
	assert_int_equal(released, 2);
	assert_int_equal(tenure_get(get_passing, NULL, 1), TENURE_CREATED); /* afresh */
	assert_int_equal(tenure_forget(get_passing, TENURE_FOREVER), 0);
}

/* ---- forget */

static void *forget_on_a_thread(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_forget(get_passing, TENURE_FOREVER);
}

static void *pass_on_a_thread(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get(get_passing, NULL, 5);
}

static void F3_forget_waits_for_a_running_creation_and_its_release(void **state)
{
	pthread_t creator, forgetter;

	(void)state;
	tn_fault_arm("test.passing", 0);
	creator = start(pass_on_a_thread, NULL);
	tn_fault_await("test.passing");
	assert_int_equal(tenure_forget(get_passing, 0), TENURE_EBUSY);
	assert_non_null(strstr(tenure_message(), "get_passing()"));
	assert_int_equal(tenure_get_within(get_passing, 0, NULL, 6), TENURE_CREATED); /* it goes on */
	tn_fault_arm("worker.before_release", 0);
	forgetter = start(forget_on_a_thread, NULL);
	tn_fault_await("worker.before_release"); /* of 6, which was cleared */
	tn_fault_release("test.passing");
	assert_int_equal((intptr_t)finish(creator), TENURE_CREATED);
	await_count(&created, 2);
	tn_fault_release("worker.before_release");
	assert_int_equal((intptr_t)finish(forgetter), 0);
	assert_int_equal(released, 2);
	assert_null(get_passing.function.state_[0]);
}

static int to_nowhere(void *user, const char *text, size_t size)
{
	(void)user, (void)text, (void)size;
	return 0;
}

static void F3_a_prepared_key_outlives_a_forgotten_function_which_nobody_looks_at(void **state)
{
	tenure_definition definition;
	tenure_key *key;

	(void)state;
	assert_int_equal(tenure_prepare(get_passing, &key, 1), 0);
	assert_int_equal(tenure_get_key(get_passing, NULL, key), TENURE_CREATED);
	assert_int_equal(tenure_forget(get_passing, TENURE_FOREVER), 0);
	definition = get_passing.definition;
	memset(&get_passing.definition, 0, sizeof(get_passing.definition)); /* as if it were unloaded */
	assert_int_equal(tenure_dump(cache, 0, to_nowhere, NULL), 0);
	assert_int_equal(tenure_dump(NULL, TENURE_DUMP_OPENMETRICS | TENURE_DUMP_EVERY_CACHE, to_nowhere, NULL), 0);
	assert_int_equal(tenure_clear_all(cache), 0);
	get_passing.definition = definition;
	assert_int_equal(tenure_get_key(get_passing, NULL, key), TENURE_EINVAL);
	tenure_key_free(key);
	assert_int_equal(tenure_forget(get_passing, TENURE_FOREVER), 0);
}

static void F3_forgotten_a_thousand_times_takes_no_more_memory(void **state)
{
	void *first = NULL;
	int same = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(tenure_get(get_passing, NULL, i), TENURE_CREATED);
		if (i == 0)
			first = get_passing.function.state_[0];
		same += get_passing.function.state_[0] == first;
		assert_int_equal(tenure_forget(get_passing, TENURE_FOREVER), 0);
	}
	assert_int_equal(same, 1000); /* type-stable memory, used again */
	assert_int_equal(created, 1000);
	assert_int_equal(released, 1000);
}

TENURE_DECLARE(get_twin, struct book, (int, number));
static int make_twin(tenure_call *call, const get_twin_args *a, struct book **ret)
{
	(void)call;
	*ret = book_new(a->number);
	return 0;
}
TENURE_DEFINE(get_twin, CACHE, .create = make_twin, .release = book_release, .version = "1");

static void F2_of_two_faces_one_is_forgotten_and_the_other_goes_on(void **state)
{
	static get_twin_function other;

	(void)state;
	other = get_twin;
	other.function = (tenure_function){ .definition = &other.definition };
	other.definition.user = &other;
	other.definition.options = &other.options;
	assert_int_equal(tenure_register(get_twin), 0);
	assert_int_equal(tenure_register(other), 0); /* the newest: its callbacks count */
	assert_int_equal(tenure_get(get_twin, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_function_forget(&other.function, TENURE_FOREVER), 0);
	memset(&other, 0xff, sizeof(other));
	assert_int_equal(tenure_get(get_twin, NULL, 1), TENURE_CREATED); /* forget cleared it */
	assert_int_equal(tenure_forget(get_twin, TENURE_FOREVER), 0);
	assert_int_equal(released, 2);
}

static long forgotten;
static void count_forgotten(void *user)
{
	assert_ptr_equal(user, &forgotten);
	assert_int_equal(tenure_clear_all(cache), TENURE_EREENTRANT);
	forgotten++;
}
static int make_bound(void *user, tenure_call *call, const tenure_arguments *arguments, void **ret)
{
	(void)user, (void)call, (void)arguments;
	*ret = book_new(1);
	return 0;
}
static int release_bound(void *user, void *resource)
{
	assert_ptr_equal(user, &forgotten);
	assert_int_equal(forgotten, 0);
	book_release(resource);
	return 0;
}

static void F3_forgotten_is_the_last_call(void **state)
{
	const tenure_options options = { CACHE };
	const tenure_definition definition = {
		.size = sizeof(definition), .options_size = sizeof(options), .name = "bound", .type = "book", .options = &options,
		.user = &forgotten, .create = make_bound, .release = release_bound, .forgotten = count_forgotten,
	};
	tenure_function bound = { .definition = &definition };
	const tenure_argument_list none = { .count = 0 };
	tenure_lease l = { NULL, NULL, 0 };

	(void)state;
	forgotten = 0;
	assert_int_equal(tenure_function_get(&bound, TENURE_FOREVER, &none.head, &l), TENURE_CREATED);
	assert_int_equal(tenure_function_forget(&bound, 0), TENURE_EBUSY);
	assert_int_equal(forgotten, 0);
	tenure_lease_give_back(&l);
	assert_int_equal(tenure_function_forget(&bound, TENURE_FOREVER), 0);
	assert_int_equal(forgotten, 1);
	assert_int_equal(tenure_function_forget(&bound, TENURE_FOREVER), 0); /* nothing to forget */
	assert_int_equal(forgotten, 1);
	forgotten = 0;
	assert_int_equal(tenure_function_get(&bound, TENURE_FOREVER, &none.head, NULL), TENURE_CREATED);
	assert_int_equal(tenure_cache_close(&cache, TENURE_FOREVER), 0);
	assert_int_equal(forgotten, 1);
	assert_int_equal(released, 2);
	assert_int_equal(set_up(NULL), 0);
}

static void F3_misuse_of_the_calls_on_functions(void **state)
{
	(void)state;
	assert_int_equal(tenure_function_retire(NULL), TENURE_EINVAL);
	assert_int_equal(tenure_function_forget(NULL, 0), TENURE_EINVAL);
	assert_int_equal(tenure_forget(get_passing, 0), 0); /* never used */
	assert_int_equal(tenure_retire(get_passing), 0);
}

/* ---- S2: scope=session */

TENURE_DECLARE(get_own, struct book, (int, number));
static int make_own(tenure_call *call, const get_own_args *a, struct book **ret)
{
	(void)call;
	TN_FAULT("test.own");
	*ret = book_new(a->number);
	return 0;
}
TENURE_DEFINE(get_own, CACHE, .create = make_own, .release = book_release, .scope = TENURE_SESSION, .max_entries = 2, .ttl = "100s");

static tenure_session *enter(const char *label)
{
	tenure_session *session;

	assert_int_equal(tenure_session_open(label, NULL, &session), 0);
	assert_int_equal(tenure_session_enter(session, NULL), 0);
	return session;
}

static tenure_stats stats_of_own(void)
{
	tenure_stats stats;

	assert_int_equal(tenure_get_stats(get_own, &stats), 0);
	return stats;
}

static void S2_each_session_has_its_own_and_loses_it_at_its_end(void **state)
{
	tenure_session *a, *b;
	struct book *of_a;
	TENURE_LEASE(get_own, l);

	(void)state;
	a = enter("a");
	assert_int_equal(tenure_get(get_own, &l, 1), TENURE_CREATED);
	of_a = l.resource;
	tenure_give_back(&l);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_HIT);
	b = enter("b");
	assert_int_equal(tenure_get(get_own, &l, 1), TENURE_CREATED);
	assert_ptr_not_equal(l.resource, of_a);
	assert_int_equal(stats_of_own().live, 2);
	assert_int_equal(stats_of_own().hits, 1);
	assert_int_equal(tenure_session_end(a), 0);
	await_count(&released, 1);
	assert_int_equal(stats_of_own().live, 1);
	assert_int_equal(stats_of_own().hits, 1); /* what a session counted stays counted */
	assert_int_equal(stats_of_own().retired_session, 1);
	assert_int_equal(tenure_session_end(b), 0);
	book_check(l.resource); /* its holder keeps it */
	assert_int_equal(released, 1);
	tenure_give_back(&l);
	await_count(&released, 2);
}

static void S2_without_a_session_it_is_an_error(void **state)
{
	tenure_session *a;

	(void)state;
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_ESESSION);
	assert_non_null(strstr(tenure_message(), "get_own()"));
	assert_int_equal(tenure_peek(get_own, NULL, 1), TENURE_ESESSION);
	assert_int_equal(tenure_clear_entry(get_own, 1), TENURE_ESESSION);
	assert_int_equal(tenure_clear_function(get_own), TENURE_ESESSION);
	a = enter("a");
	tenure_session_end(a);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_ESESSION);
}

static void S2_clear_is_the_callers_sessions_Z2_and_clear_all_everyones_Z3(void **state)
{
	tenure_session *a, *b;

	(void)state;
	a = enter("a");
	tenure_get(get_own, NULL, 1);
	tenure_get(get_own, NULL, 2);
	b = enter("b");
	tenure_get(get_own, NULL, 1);
	assert_int_equal(tenure_clear_entry(get_own, 1), 1);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_clear_function(get_own), 1);
	assert_int_equal(stats_of_own().live, 2);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_clear_all(cache), 3);
	tenure_session_enter(a, NULL);
	tenure_get(get_own, NULL, 1);
	tenure_session_enter(NULL, NULL);
	assert_int_equal(tenure_drain(get_own, TENURE_FOREVER), 0); /* all of them */
	assert_int_equal(stats_of_own().live, 0);
	assert_int_equal(created, released);
	tenure_session_end(a);
	tenure_session_end(b);
}

static void S2_capacity_is_each_sessions_own_M1(void **state)
{
	tenure_session *a, *b;

	(void)state;
	a = enter("a");
	for (int i = 0; i < 5; i++)
		tenure_get(get_own, NULL, i);
	assert_int_equal(stats_of_own().live, 2);
	b = enter("b");
	for (int i = 0; i < 5; i++)
		tenure_get(get_own, NULL, i);
	assert_int_equal(stats_of_own().live, 4);
	assert_int_equal(tenure_update(get_own, CACHE, .scope = TENURE_SESSION, .max_entries = 1, .ttl = "50s"), 0);
	assert_int_equal(stats_of_own().live, 2); /* one each, at once */
	advance(51);
	assert_int_equal(stats_of_own().live, 0);
	assert_int_equal(tenure_update(get_own, CACHE, .scope = TENURE_SESSION, .max_entries = 2, .ttl = "100s"), 0);
	tenure_session_end(a);
	tenure_session_end(b);
}

static void S2_a_prepared_key_serves_every_session(void **state)
{
	tenure_session *a, *b;
	tenure_key *key;
	struct book *of_a;
	TENURE_LEASE(get_own, l);

	(void)state;
	assert_int_equal(tenure_prepare(get_own, &key, 1), 0);
	assert_int_equal(tenure_get_key(get_own, NULL, key), TENURE_ESESSION);
	a = enter("a");
	assert_int_equal(tenure_get_key(get_own, &l, key), TENURE_CREATED);
	of_a = l.resource;
	tenure_give_back(&l);
	assert_int_equal(tenure_get(get_own, &l, 1), TENURE_HIT); /* one key, however it is given */
	tenure_give_back(&l);
	b = enter("b");
	assert_int_equal(tenure_get_key(get_own, &l, key), TENURE_CREATED);
	assert_ptr_not_equal(l.resource, of_a);
	tenure_give_back(&l);
	assert_int_equal(tenure_get_key(get_own, NULL, key), TENURE_HIT);
	tenure_session_enter(a, NULL);
	assert_int_equal(tenure_get_key(get_own, &l, key), TENURE_HIT);
	assert_ptr_equal(l.resource, of_a);
	tenure_give_back(&l);
	tenure_key_free(key);
	tenure_session_end(a);
	tenure_session_end(b);
}

static tenure_session *shared_session;

static void *own_on_a_thread(void *unused)
{
	TENURE_LEASE(get_own, l);
	int result;

	(void)unused;
	tenure_session_enter(shared_session, NULL);
	result = tenure_get(get_own, &l, 1);
	if (result >= 0)
		book_check(l.resource);
	return (void *)(intptr_t)result;
}

static void S2_the_end_of_a_session_marks_its_creations_C6(void **state)
{
	pthread_t leader, waiter;
	tenure_stats stats;

	(void)state;
	assert_int_equal(tenure_session_open("a", NULL, &shared_session), 0);
	tn_fault_arm("test.own", 0);
	leader = start(own_on_a_thread, NULL);
	tn_fault_await("test.own");
	tn_fault_arm("flight.enrolled", 0);
	waiter = start(own_on_a_thread, NULL);
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	assert_int_equal(tenure_session_end(shared_session), 0);
	tn_fault_release("test.own");
	assert_int_equal((intptr_t)finish(leader), TENURE_CREATED); /* who waited gets it */
	assert_int_equal((intptr_t)finish(waiter), TENURE_JOINED);
	await_count(&released, 1); /* and it goes no further */
	tenure_get_stats(get_own, &stats);
	assert_int_equal(stats.live, 0);
}

static void S2_a_call_on_its_way_meets_the_end_of_its_session(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(tenure_session_open("a", NULL, &shared_session), 0);
	tn_fault_arm("slow.before_lock", 0);
	thread = start(own_on_a_thread, NULL);
	tn_fault_await("slow.before_lock");
	assert_int_equal(tenure_session_end(shared_session), 0);
	tn_fault_release("slow.before_lock");
	assert_int_equal((intptr_t)finish(thread), TENURE_ECLOSED);
	assert_int_equal(created, 0);
}

static void S2_thousands_of_sessions_leave_no_memory_behind(void **state)
{
	void *first = NULL;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		tenure_session *a = enter("a");

		assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_CREATED);
		tenure_session_end(a);
		assert_int_equal(tenure_drain(get_own, TENURE_FOREVER), 0);
		if (i == 0)
			first = get_own.function.state_[0];
	}
	assert_ptr_equal(get_own.function.state_[0], first);
	assert_int_equal(released, 3000);
	assert_int_equal(stats_of_own().retired_session, 3000);
}

static void S2_forget_takes_every_sessions_too(void **state)
{
	tenure_session *a, *b;

	(void)state;
	a = enter("a");
	tenure_get(get_own, NULL, 1);
	b = enter("b");
	tenure_get(get_own, NULL, 1);
	assert_int_equal(tenure_forget(get_own, TENURE_FOREVER), 0);
	assert_int_equal(released, 2);
	assert_int_equal(tenure_get(get_own, NULL, 1), TENURE_CREATED);
	tenure_session_end(b);
	tenure_session_end(a);
}

static void L1_a_cache_is_freed_with_its_functions_and_may_come_back(void **state)
{
	pthread_t thread;

	(void)state;
	tn_fault_arm("slow.before_lock", 0);
	thread = start(get_on_a_thread, NULL);
	tn_fault_await("slow.before_lock");
	assert_int_equal(tenure_cache_close(&cache, 0), TENURE_EBUSY); /* a call is under way */
	tn_fault_release("slow.before_lock");
	assert_int_equal((intptr_t)finish(thread), TENURE_ECLOSED);
	assert_int_equal(tenure_cache_close(&cache, TENURE_FOREVER), 0);
	assert_null(get_book.function.state_[0]);
	assert_int_equal(set_up(NULL), 0);
	assert_int_equal(tenure_get(get_book, NULL, "u", 1), TENURE_CREATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(F3_a_shorter_ttl_counts_for_live_entries),
		T(F3_a_longer_ttl_counts_for_live_entries),
		T(F3_a_smaller_bound_retires_what_is_too_many_in_batches),
		T(F3_the_same_options_again_touch_no_entry),
		T(F3_entries_come_and_go_between_the_batches_of_an_update),
		T(F3_bad_options_change_nothing_F5),
		T(F3_an_entry_keeps_the_release_it_was_published_with),
		T(F3_a_retired_function_gives_up_what_it_has_and_refuses),
		T(F3_forget_waits_for_a_running_creation_and_its_release),
		T(F3_a_prepared_key_outlives_a_forgotten_function_which_nobody_looks_at),
		T(F3_forgotten_a_thousand_times_takes_no_more_memory),
		T(F2_of_two_faces_one_is_forgotten_and_the_other_goes_on),
		T(F3_forgotten_is_the_last_call),
		T(F3_misuse_of_the_calls_on_functions),
		T(S2_each_session_has_its_own_and_loses_it_at_its_end),
		T(S2_without_a_session_it_is_an_error),
		T(S2_clear_is_the_callers_sessions_Z2_and_clear_all_everyones_Z3),
		T(S2_capacity_is_each_sessions_own_M1),
		T(S2_a_prepared_key_serves_every_session),
		T(S2_the_end_of_a_session_marks_its_creations_C6),
		T(S2_a_call_on_its_way_meets_the_end_of_its_session),
		T(S2_thousands_of_sessions_leave_no_memory_behind),
		T(S2_forget_takes_every_sessions_too),
		T(L1_a_cache_is_freed_with_its_functions_and_may_come_back),
	};
	return RUN(tests);
}
