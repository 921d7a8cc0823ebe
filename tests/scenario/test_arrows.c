/* SPDX-License-Identifier: Apache-2.0 */
/* test_arrows.c: interleavings, each forced: a thread is held at a named place while the other side runs to its end. */
#include "support.h"

#include "base/fault.h"

#define CACHE .cache = &cache

static long makers; /* creators that have begun */
static int mode; /* what the creator does */
enum { PLAIN, FAIL, ABANDON, EXIT_THREAD };

TENURE_DECLARE(get_book, struct book, (int, n));
static int make_book(tenure_call *c, const get_book_args *a, struct book **ret)
{
	int what = __atomic_load_n(&mode, __ATOMIC_SEQ_CST);

	__atomic_fetch_add(&makers, 1, __ATOMIC_SEQ_CST);
	TN_FAULT("test.creator");
	*ret = book_new(a->n);
	switch (what) {
	case FAIL:
		return tenure_fail(c, "book %d fails", a->n);
	case ABANDON:
		return tenure_abandon(c);
	case EXIT_THREAD:
		pthread_exit((void *)99);
	default:
		return 0;
	}
}
TENURE_DEFINE(get_book, CACHE, .create = make_book, .release = book_release, .ttl = "1h");

struct caller { /* one get on a thread of its own */
	pthread_t thread;
	get_book_lease lease;
	int n, result;
	int64_t timeout;
	char message[256];
	bool keep;
};

static void *call(void *pointer)
{
	struct caller *caller = pointer;

	caller->result = tenure_get_within(get_book, caller->timeout, &caller->lease, caller->n);
	snprintf(caller->message, sizeof(caller->message), "%s", tenure_message());
	if (caller->result >= 0) {
		book_check(caller->lease.resource);
		TN_FAULT("test.holds");
		if (!caller->keep)
			assert_int_equal(tenure_give_back(&caller->lease), 0);
	}
	return NULL;
}

static struct caller *get_on_thread(int n, bool keep)
{
	struct caller *caller = calloc(1, sizeof(*caller));

	caller->n = n;
	caller->keep = keep;
	caller->timeout = TENURE_FOREVER;
	caller->thread = start(call, caller);
	return caller;
}

static int result_of(struct caller *caller)
{
	int result;

	finish(caller->thread);
	result = caller->result;
	free(caller);
	return result;
}

/* A thread that warms its own cell first, and then does one hit that the test can hold. */
static void *warm_and_hit(void *pointer)
{
	struct caller *caller = pointer;

	assert_true(tenure_get(get_book, NULL, caller->n) >= 0);
	TN_FAULT("test.warm");
	return call(caller);
}

static struct caller *warm_on_thread(int n, bool keep)
{
	struct caller *caller = calloc(1, sizeof(*caller));

	caller->n = n;
	caller->keep = keep;
	caller->timeout = TENURE_FOREVER;
	tn_fault_arm("test.warm", 0);
	caller->thread = start(warm_and_hit, caller);
	tn_fault_await("test.warm");
	return caller;
}

static int fresh(void **state)
{
	mode = PLAIN;
	makers = 0;
	return set_up(state);
}

static void C1_hit_probed_then_the_id_serves_another_key(void **state)
{
	struct caller *caller;

	(void)state;
	caller = warm_on_thread(1, false);
	tn_fault_arm("hit.probed", 0);
	tn_fault_release("test.warm");
	tn_fault_await("hit.probed");
	assert_int_equal(tenure_drain(get_book, TENURE_SECONDS(30)), 0); /* its life is over */
	assert_int_equal(tenure_get(get_book, NULL, 2), TENURE_CREATED); /* the header lives again, for 2 */
	tn_fault_release("hit.probed");
	assert_int_equal(result_of(caller), TENURE_CREATED); /* 1 was missed, and made anew */
	assert_int_equal(makers, 3);
}

static void L1_hit_pinned_then_cleared_is_not_released(void **state)
{
	struct caller *caller;

	(void)state;
	caller = warm_on_thread(1, false);
	tn_fault_arm("hit.pinned", 0);
	tn_fault_arm("test.holds", 0);
	tn_fault_release("test.warm");
	tn_fault_await("hit.pinned");
	assert_int_equal(tenure_drain(get_book, 0), 1);
	assert_int_equal(count_of(&released), 0);
	tn_fault_release("hit.pinned");
	tn_fault_await("test.holds");
	assert_int_equal(count_of(&released), 0);
	tn_fault_release("test.holds");
	assert_int_equal(result_of(caller), TENURE_HIT);
	await_count(&released, 1);
}

static void Z1_slow_before_lock_then_cleared_and_made_anew(void **state)
{
	struct caller *caller;

	(void)state;
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	tn_fault_arm("slow.before_lock", 0);
	caller = get_on_thread(1, false);
	tn_fault_await("slow.before_lock");
	assert_int_equal(tenure_drain(get_book, TENURE_SECONDS(30)), 0);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	tn_fault_release("slow.before_lock");
	assert_int_equal(result_of(caller), TENURE_HIT); /* the new one */
	assert_int_equal(makers, 2);
}

static void L1_give_back_that_saw_the_close_but_has_not_counted(void **state)
{
	struct caller *caller;

	(void)state;
	tn_fault_arm("test.holds", 0);
	caller = get_on_thread(1, false);
	tn_fault_await("test.holds");
	assert_int_equal(tenure_clear_function(get_book), 1); /* closes its cell: the lease moves to `shared` */
	tn_fault_arm("give.cell_done", 0);
	tn_fault_release("test.holds");
	tn_fault_await("give.cell_done");
	assert_int_equal(tenure_drain(get_book, 0), 1);
	assert_int_equal(count_of(&released), 0);
	tn_fault_release("give.cell_done");
	result_of(caller);
	await_count(&released, 1);
}

static void L1_give_back_that_reached_zero_but_not_the_lock(void **state)
{
	struct caller *caller;

	(void)state;
	tn_fault_arm("test.holds", 0);
	caller = get_on_thread(1, false);
	tn_fault_await("test.holds");
	assert_int_equal(tenure_clear_function(get_book), 1);
	tn_fault_arm("give.zero", 0);
	tn_fault_release("test.holds");
	tn_fault_await("give.zero");
	assert_int_equal(tenure_drain(get_book, 0), 1);
	assert_int_equal(count_of(&released), 0);
	tn_fault_release("give.zero");
	result_of(caller);
	await_count(&released, 1);
}

static void *clear_all(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_clear_function(get_book);
}

static void L1_hits_go_on_while_an_entry_is_unlinked(void **state)
{
	struct caller *caller;
	pthread_t clearer;

	(void)state;
	caller = warm_on_thread(1, true);
	tn_fault_arm("retire.unlinked", 0);
	clearer = start(clear_all, NULL);
	tn_fault_await("retire.unlinked"); /* it holds the lock, and the thread's cell is still open */
	tn_fault_arm("hit.probed", 0);
	tn_fault_release("test.warm"); /* the slot is gone: the get waits for the lock, and makes another */
	tn_fault_release("retire.unlinked");
	assert_int_equal((intptr_t)finish(clearer), 1);
	finish(caller->thread);
	assert_true(caller->result >= 0);
	tenure_give_back(&caller->lease);
	free(caller);
	await_count(&released, 1);
}

static void L1_between_records_pins_and_give_backs_go_on(void **state)
{
	struct caller *first, *second;
	pthread_t clearer;

	(void)state;
	first = warm_on_thread(1, true); /* two records with an open cell */
	tn_fault_arm("test.holds", 0);
	tn_fault_release("test.warm");
	tn_fault_await("test.holds");
	second = warm_on_thread(1, false);
	tn_fault_arm("retire.between_records", 0);
	clearer = start(clear_all, NULL);
	tn_fault_await("retire.between_records"); /* one cell is closed, M is held */
	assert_int_equal(tenure_give_back(&first->lease), 0); /* from here: another thread, in the middle of the pass */
	assert_int_equal(count_of(&released), 0);
	tn_fault_release("retire.between_records");
	assert_int_equal((intptr_t)finish(clearer), 1);
	tn_fault_release("test.holds");
	result_of(first);
	tn_fault_release("test.warm");
	assert_int_equal(result_of(second), TENURE_CREATED);
	await_count(&released, 1);
	assert_int_equal(tenure_drain(get_book, TENURE_SECONDS(30)), 0);
	assert_int_equal(count_of(&released), 2);
}

static void L1_all_leases_back_before_the_bias_goes(void **state)
{
	struct caller *caller;
	pthread_t clearer;

	(void)state;
	tn_fault_arm("test.holds", 0);
	caller = get_on_thread(1, true);
	tn_fault_await("test.holds");
	tn_fault_arm("retire.before_bias", 0);
	clearer = start(clear_all, NULL);
	tn_fault_await("retire.before_bias");
	assert_int_equal(tenure_give_back(&caller->lease), 0); /* the last one, but not the one that hands over */
	assert_int_equal(count_of(&released), 0);
	tn_fault_release("retire.before_bias");
	assert_int_equal((intptr_t)finish(clearer), 1);
	tn_fault_release("test.holds");
	result_of(caller);
	await_count(&released, 1);
}

static void Z2_a_clear_that_comes_while_it_is_published_retires_it(void **state)
{
	struct caller *caller;
	pthread_t clearer;

	(void)state;
	tn_fault_arm("publish.before_slot", 0);
	caller = get_on_thread(1, false);
	tn_fault_await("publish.before_slot"); /* holds M */
	clearer = start(clear_all, NULL);
	tn_fault_release("publish.before_slot");
	assert_int_equal(result_of(caller), TENURE_CREATED);
	assert_int_equal((intptr_t)finish(clearer), 1);
	await_count(&released, 1);
}

static void L2_a_record_changes_hands_with_leases_out(void **state)
{
	struct caller *first;
	get_book_lease lease;

	(void)state;
	tn_fault_arm("record.freed", 0);
	first = get_on_thread(1, true);
	tn_fault_await("record.freed"); /* its thread is ending, the record is free with an open cell */
	lease = first->lease;
	assert_int_equal(result_of(get_on_thread(1, false)), TENURE_HIT); /* on the same record */
	tenure_clear_function(get_book);
	assert_int_equal(count_of(&released), 0);
	tn_fault_release("record.freed");
	result_of(first);
	assert_int_equal(tenure_give_back(&lease), 0);
	await_count(&released, 1);
}

static void C8_a_creator_waits_for_the_release_of_its_key(void **state)
{
	struct caller *same, *other;

	(void)state;
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	tn_fault_arm("worker.before_release", 0);
	tenure_clear_function(get_book);
	tn_fault_await("worker.before_release");
	assert_int_equal(tenure_drain(get_book, 0), 1);
	tn_fault_arm("creation.awaits_release", 0);
	same = get_on_thread(1, false);
	tn_fault_await("creation.awaits_release");
	tn_fault_release("creation.awaits_release");
	other = get_on_thread(2, false); /* another key does not wait */
	assert_int_equal(result_of(other), TENURE_CREATED);
	assert_int_equal(makers, 2);
	assert_int_equal(tenure_clear_entry(get_book, 1), 0); /* a clear leaves such a flight alone */
	tn_fault_release("worker.before_release");
	assert_int_equal(result_of(same), TENURE_CREATED);
	assert_int_equal(makers, 3);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_HIT);
}

static void C8_a_leader_whose_deadline_passes_leaves(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	tn_fault_arm("worker.before_release", 0);
	tenure_clear_function(get_book);
	tn_fault_await("worker.before_release");
	assert_int_equal(tenure_get_within(get_book, 0, NULL, 1), TENURE_ETIMEDOUT);
	tn_fault_release("worker.before_release");
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
}

/* ---- arrows of the flight */

static struct caller *hold_creator(int what)
{
	struct caller *leader;

	mode = what;
	tn_fault_arm("test.creator", 0);
	leader = get_on_thread(1, false);
	tn_fault_await("test.creator");
	mode = PLAIN;
	return leader;
}

static struct caller *join(void)
{
	struct caller *waiter;

	tn_fault_arm("flight.enrolled", 0);
	waiter = get_on_thread(1, false);
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	return waiter;
}

static void C2_a_failure_reaches_everybody_who_waited_once(void **state)
{
	struct caller *leader = hold_creator(FAIL), *waiter = join();

	(void)state;
	tn_fault_release("test.creator");
	assert_int_equal(result_of(leader), TENURE_EFAILED);
	finish(waiter->thread);
	assert_string_equal(waiter->message, "book 1 fails");
	assert_int_equal(waiter->result, TENURE_EFAILED);
	free(waiter);
	assert_int_equal(makers, 1);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED); /* not cached */
}

static void C2_an_abandoned_creation_is_taken_over(void **state)
{
	struct caller *leader = hold_creator(ABANDON), *waiter = join();

	(void)state;
	tn_fault_release("test.creator");
	assert_int_equal(result_of(leader), TENURE_EFAILED);
	assert_int_equal(result_of(waiter), TENURE_CREATED);
	assert_int_equal(makers, 2);
}

static void C2_a_creator_whose_thread_exits_is_abandoned(void **state)
{
	struct caller *leader = hold_creator(EXIT_THREAD), *waiter = join();
	tenure_stats stats;

	(void)state;
	tn_fault_release("test.creator");
	assert_ptr_equal(finish(leader->thread), (void *)99);
	free(leader);
	assert_int_equal(result_of(waiter), TENURE_CREATED);
	await_count(&released, 1); /* what it had left in *ret */
	tenure_get_stats(get_book, &stats);
	assert_int_equal(stats.abandoned, 1);
}

static void C6_a_cleared_creation_is_granted_and_not_published(void **state)
{
	struct caller *leader = hold_creator(PLAIN), *waiter = join();

	(void)state;
	assert_int_equal(tenure_clear_function(get_book), 1);
	tn_fault_release("test.creator");
	assert_int_equal(result_of(leader), TENURE_CREATED);
	assert_int_equal(result_of(waiter), TENURE_JOINED);
	await_count(&released, 1);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
}

static void C6_a_failing_creation_that_was_cleared_ends_well(void **state)
{
	struct caller *leader = hold_creator(FAIL);

	(void)state;
	assert_int_equal(tenure_clear_function(get_book), 1);
	tn_fault_release("test.creator");
	assert_int_equal(result_of(leader), TENURE_EFAILED);
	assert_int_equal(tenure_drain(get_book, TENURE_SECONDS(30)), 0);
	assert_int_equal(count_of(&released), 1);
}

static void C5_a_waiter_leaves_by_a_poll_and_harms_nobody(void **state)
{
	struct caller *leader = hold_creator(PLAIN), *waiter;

	(void)state;
	waiter = calloc(1, sizeof(*waiter));
	waiter->n = 1;
	waiter->timeout = TENURE_SECONDS(5);
	tn_fault_arm("flight.enrolled", 0);
	waiter->thread = start(call, waiter);
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	advance(6);
	assert_int_equal(result_of(waiter), TENURE_ETIMEDOUT);
	tn_fault_release("test.creator");
	assert_int_equal(result_of(leader), TENURE_CREATED);
}

static void T1_expiry_meets_a_lease_and_C1_a_hit_goes_on(void **state)
{
	struct caller *caller;

	(void)state;
	tn_fault_arm("test.holds", 0);
	caller = get_on_thread(1, false);
	tn_fault_await("test.holds");
	advance(3601);
	assert_int_equal(count_of(&released), 0);
	assert_int_equal(tenure_get(get_book, NULL, 1), TENURE_CREATED);
	tn_fault_release("test.holds");
	assert_int_equal(result_of(caller), TENURE_CREATED);
	await_count(&released, 1);
}

static void Z3_a_clear_goes_between_the_batches_of_another(void **state)
{
	pthread_t clearer;

	(void)state;
	for (int i = 0; i < 600; i++)
		tenure_get(get_book, NULL, i);
	tn_fault_arm("clear.between_batches", 0);
	clearer = start(clear_all, NULL);
	tn_fault_await("clear.between_batches");
	assert_int_equal(tenure_get(get_book, NULL, 5000), TENURE_CREATED); /* after the clear: it stays */
	assert_true(tenure_clear_entry(get_book, 599) >= 0);
	tn_fault_release("clear.between_batches");
	finish(clearer);
	assert_int_equal(tenure_get(get_book, NULL, 5000), TENURE_HIT);
	assert_int_equal(tenure_get(get_book, NULL, 599), TENURE_CREATED);
}

/* ---- validation and cycles over threads */

static bool is_good(struct book *book)
{
	book_check(book);
	return true;
}
TENURE_DECLARE(judged, struct book, (int, n));
static int make_judged(tenure_call *c, const judged_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(judged, CACHE, .create = make_judged, .release = book_release, .validate = is_good);

static void *get_judged(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get(judged, NULL, 1);
}

static void V2_a_verdict_on_a_retired_entry_is_dropped(void **state)
{
	pthread_t asker, joiner;

	(void)state;
	assert_int_equal(tenure_get(judged, NULL, 1), TENURE_CREATED);
	tn_fault_arm("validate.running", 0);
	asker = start(get_judged, NULL);
	tn_fault_await("validate.running");
	tn_fault_arm("flight.enrolled", 0);
	joiner = start(get_judged, NULL);
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	assert_int_equal(tenure_clear_function(judged), 1);
	assert_int_equal(count_of(&released), 0); /* it runs under a lease */
	tn_fault_release("validate.running");
	finish(asker);
	finish(joiner);
	assert_int_equal(count_of(&created), 2);
	await_count(&released, 1);
}

static void V2_one_validation_serves_all_who_ask(void **state)
{
	pthread_t asker, joiner;
	tenure_stats stats;

	(void)state;
	assert_int_equal(tenure_get(judged, NULL, 1), TENURE_CREATED);
	tn_fault_arm("validate.running", 0);
	asker = start(get_judged, NULL);
	tn_fault_await("validate.running");
	tn_fault_arm("flight.enrolled", 0);
	joiner = start(get_judged, NULL);
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	tn_fault_release("validate.running");
	assert_int_equal((intptr_t)finish(asker), TENURE_HIT);
	assert_int_equal((intptr_t)finish(joiner), TENURE_HIT);
	tenure_get_stats(judged, &stats);
	assert_int_equal(stats.waits, 1);
}

static void C5_who_waits_for_a_validation_may_leave_and_is_told_so(void **state)
{
	pthread_t asker;

	(void)state;
	assert_int_equal(tenure_get(judged, NULL, 1), TENURE_CREATED);
	tn_fault_arm("validate.running", 0);
	asker = start(get_judged, NULL);
	tn_fault_await("validate.running");
	assert_int_equal(tenure_get_within(judged, 0, NULL, 1), TENURE_ETIMEDOUT);
	assert_non_null(strstr(tenure_message(), "validating"));
	tn_fault_release("validate.running");
	assert_int_equal((intptr_t)finish(asker), TENURE_HIT);
}

TENURE_DECLARE(ping, struct book);
TENURE_DECLARE(pong, struct book);
static int make_ping(tenure_call *c, const ping_args *a, struct book **ret)
{
	(void)a, (void)ret;
	TN_FAULT("test.ping");
	return tenure_get(pong, NULL) < 0 ? tenure_fail(c, "ping: %s", tenure_message()) : 0;
}
static int make_pong(tenure_call *c, const pong_args *a, struct book **ret)
{
	(void)a, (void)ret;
	TN_FAULT("test.pong");
	return tenure_get(ping, NULL) < 0 ? tenure_fail(c, "pong: %s", tenure_message()) : 0;
}
TENURE_DEFINE(ping, CACHE, .create = make_ping);
TENURE_DEFINE(pong, CACHE, .create = make_pong);

static char last_words[2][512];
static void *get_ping(void *unused)
{
	int result = tenure_get(ping, NULL);

	(void)unused;
	snprintf(last_words[0], 512, "%s", tenure_message());
	return (void *)(intptr_t)result;
}
static void *get_pong(void *unused)
{
	int result = tenure_get(pong, NULL);

	(void)unused;
	snprintf(last_words[1], 512, "%s", tenure_message());
	return (void *)(intptr_t)result;
}

static void C4_a_cycle_over_two_threads_is_found(void **state)
{
	pthread_t a, b;

	(void)state;
	tn_fault_arm("test.ping", 0);
	tn_fault_arm("test.pong", 0);
	a = start(get_ping, NULL);
	tn_fault_await("test.ping");
	b = start(get_pong, NULL);
	tn_fault_await("test.pong");
	tn_fault_arm("flight.enrolled", 0);
	tn_fault_release("test.ping"); /* waits for pong */
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	tn_fault_release("test.pong"); /* would wait for ping: the ring is closed */
	assert_int_equal((intptr_t)finish(a), TENURE_EFAILED);
	assert_int_equal((intptr_t)finish(b), TENURE_EFAILED);
	assert_non_null(strstr(last_words[1], "pong() -> ping() -> pong()"));
	assert_non_null(strstr(last_words[0], "ping: pong: "));
}

static tenure_call *attached_to;
static void *help(void *unused)
{
	int result = tenure_call_attach(attached_to);

	(void)unused;
	if (result == 0)
		result = tenure_get(ping, NULL);
	tenure_call_detach(attached_to);
	return (void *)(intptr_t)result;
}
TENURE_DECLARE(helped, struct book);
static int make_helped(tenure_call *c, const helped_args *a, struct book **ret)
{
	(void)a, (void)ret;
	attached_to = c;
	if (tenure_drain_all(cache, 0) != TENURE_EREENTRANT)
		return -2;
	return (int)(intptr_t)finish(start(help, NULL)) == TENURE_ECYCLE ? -3 : 0;
}
static int make_ping_helped(tenure_call *c, const ping_args *a, struct book **ret)
{
	(void)a, (void)ret;
	return tenure_get(helped, NULL) < 0 ? tenure_fail(c, "%s", tenure_message()) : 0;
}
TENURE_DEFINE(helped, CACHE, .create = make_helped);

static void C4_helper_threads_attach_and_a_drain_inside_is_refused(void **state)
{
	(void)state;
	ping.create = make_ping_helped;
	assert_int_equal(tenure_get(ping, NULL), TENURE_EFAILED);
	ping.create = make_ping;
	assert_non_null(strstr(tenure_message(), "-3"));
}

/* ---- stuck releases */

static void close_slowly(struct book *book)
{
	TN_FAULT("test.stuck");
	book_release(book);
}
TENURE_DECLARE(sticky, struct book, (int, n));
static int make_sticky(tenure_call *c, const sticky_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(sticky, CACHE, .create = make_sticky, .release = close_slowly);

static void L3_a_release_that_hangs_is_reported_and_stops_nobody(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		tenure_get(sticky, NULL, i);
	tn_fault_arm("test.stuck", 0);
	tenure_clear_entry(sticky, 0);
	tn_fault_await("test.stuck");
	advance(2); /* over a second: it is replaced */
	await_count(&reports, 1);
	assert_non_null(strstr(reported, "sticky()"));
	tenure_clear_function(sticky);
	await_count(&released, 3);
	assert_int_equal(tenure_drain(sticky, 0), 1);
	tn_fault_release("test.stuck");
	await_count(&released, 4);
}

static bool take_from_release;
static int result_in_release;
static void close_and_get(struct book *book)
{
	if (take_from_release) {
		take_from_release = false;
		result_in_release = tenure_get(get_book, NULL, 9);
	}
	book_release(book);
}
TENURE_DECLARE(curious, struct book);
static int make_curious(tenure_call *c, const curious_args *a, struct book **ret)
{
	(void)c, (void)a;
	*ret = book_new(1);
	return 0;
}
TENURE_DEFINE(curious, CACHE, .create = make_curious, .release = close_and_get);

static void C3_a_release_may_get_since_no_lock_is_held(void **state)
{
	(void)state;
	take_from_release = true;
	tenure_get(curious, NULL);
	assert_int_equal(tenure_drain(curious, TENURE_SECONDS(30)), 0);
	assert_int_equal(result_in_release, TENURE_CREATED);
}

#define A(name) cmocka_unit_test_setup_teardown(name, fresh, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		A(C1_hit_probed_then_the_id_serves_another_key),
		A(L1_hit_pinned_then_cleared_is_not_released),
		A(Z1_slow_before_lock_then_cleared_and_made_anew),
		A(L1_give_back_that_saw_the_close_but_has_not_counted),
		A(L1_give_back_that_reached_zero_but_not_the_lock),
		A(L1_hits_go_on_while_an_entry_is_unlinked),
		A(L1_between_records_pins_and_give_backs_go_on),
		A(L1_all_leases_back_before_the_bias_goes),
		A(Z2_a_clear_that_comes_while_it_is_published_retires_it),
		A(L2_a_record_changes_hands_with_leases_out),
		A(C8_a_creator_waits_for_the_release_of_its_key),
		A(C8_a_leader_whose_deadline_passes_leaves),
		A(C2_a_failure_reaches_everybody_who_waited_once),
		A(C2_an_abandoned_creation_is_taken_over),
		A(C2_a_creator_whose_thread_exits_is_abandoned),
		A(C6_a_cleared_creation_is_granted_and_not_published),
		A(C6_a_failing_creation_that_was_cleared_ends_well),
		A(C5_a_waiter_leaves_by_a_poll_and_harms_nobody),
		A(T1_expiry_meets_a_lease_and_C1_a_hit_goes_on),
		A(Z3_a_clear_goes_between_the_batches_of_another),
		A(V2_a_verdict_on_a_retired_entry_is_dropped),
		A(V2_one_validation_serves_all_who_ask),
		A(C5_who_waits_for_a_validation_may_leave_and_is_told_so),
		A(C4_a_cycle_over_two_threads_is_found),
		A(C4_helper_threads_attach_and_a_drain_inside_is_refused),
		A(L3_a_release_that_hangs_is_reported_and_stops_nobody),
		A(C3_a_release_may_get_since_no_lock_is_held),
	};

	return RUN(tests);
}
