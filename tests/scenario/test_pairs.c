/* SPDX-License-Identifier: Apache-2.0 */
/* test_pairs.c: every pair of arrows of an entry's states that can race, in each order, table by table.
 *
 * For each state that more than one arrow leaves, one side is brought to its place and held there while the other runs
 * to its end. docs/internals/README.md shows the states. */
#include "support.h"

#include "base/fault.h"

#define CACHE .cache = &cache
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int mode, good; /* atomic: what the creator does, what the validator says */
enum { PLAIN, FAIL, ABANDON, EXIT_THREAD };

TENURE_DECLARE(get_book, struct book, (int, n));

static int make_book(tenure_call *c, const get_book_args *a, struct book **ret)
{
	TN_FAULT("test.creator");
	switch (__atomic_load_n(&mode, __ATOMIC_SEQ_CST)) {
	case FAIL:
		*ret = book_new(a->n);
		return tenure_fail(c, "book %d fails", a->n);
	case ABANDON:
		*ret = book_new(a->n);
		return tenure_abandon(c);
	case EXIT_THREAD:
		*ret = book_new(a->n);
		pthread_exit(NULL);
	default:
		*ret = book_new(a->n);
		return 0;
	}
}

static bool is_good(struct book *book)
{
	book_check(book);
	return __atomic_load_n(&good, __ATOMIC_SEQ_CST) != 0;
}

/* One place in the cache, so that any other key is a matter of capacity. */
TENURE_DEFINE(get_book, CACHE, .create = make_book, .release = book_release, .validate = is_good, .ttl = "2h",
	      .idle_ttl = "1h", .max_entries = 1);

static const char *pair; /* which one is tried, for the message */

static void expect_at(bool holds, const char *what, int line)
{
	if (!holds)
		fail_msg("line %d, %s: %s", line, pair, what);
}
#define EXPECT(condition) expect_at(condition, #condition, __LINE__)

static void begin(const char *first, const char *then)
{
	static char label[128];

	snprintf(label, sizeof(label), "%s, then %s", first, then);
	pair = label;
	tn_fault_reset(); /* a case that failed may have left some armed */
	mode = PLAIN;
	good = true;
	EXPECT(set_up(NULL) == 0);
}

/* ---- LIVE -> RETIRED: who takes an entry out of service */

static get_book_lease spare; /* what discard() gives back */

static void expire(void) { advance(7201); }
static void idle(void)
{
	for (int i = 0; i < 10; i++)
		advance(451);
}
static void clear_entry(void) { tenure_clear_entry(get_book, 1); }
static void clear_function(void) { tenure_clear_function(get_book); }
static void clear_all(void) { tenure_clear_all(cache); }
static void drain(void) { tenure_drain(get_book, 0); }
static void discard(void) { tenure_discard(&spare); }
static void invalid(void)
{
	good = false;
	mode = FAIL; /* no successor: the next arrow meets the same entry */
	tenure_get_within(get_book, 0, NULL, 1);
	mode = PLAIN;
	good = true;
}
static void capacity(void) { EXPECT(tenure_get_within(get_book, 0, NULL, 2) >= TENURE_ECLOSED); }
static void close_cache(void) { EXPECT(tenure_cache_close(&cache, 0) == TENURE_EBUSY); }

static const struct {
	const char *name;
	void (*act)(void);
	size_t counter; /* in tenure_stats */
} retirers[] = {
	{ "expiry", expire, offsetof(tenure_stats, retired_expired) },
	{ "idle expiry", idle, offsetof(tenure_stats, retired_idle) },
	{ "clear of the entry", clear_entry, offsetof(tenure_stats, retired_cleared) },
	{ "clear of the function", clear_function, offsetof(tenure_stats, retired_cleared) },
	{ "clear of all", clear_all, offsetof(tenure_stats, retired_cleared) },
	{ "drain", drain, offsetof(tenure_stats, retired_cleared) },
	{ "discard", discard, offsetof(tenure_stats, retired_invalid) },
	{ "failed validation", invalid, offsetof(tenure_stats, retired_invalid) },
	{ "capacity", capacity, offsetof(tenure_stats, retired_capacity) },
	{ "close of the cache", close_cache, offsetof(tenure_stats, retired_closed) },
};

/* Counted from the function's first call in this cache on, so 1 after its first retirement. */
static uint64_t counter(size_t i)
{
	tenure_stats stats;

	EXPECT(tenure_get_stats(get_book, &stats) == 0);
	return *(const uint64_t *)(const void *)((const char *)&stats + retirers[i].counter);
}

static uint64_t retired_in_all(void)
{
	tenure_stats s;

	EXPECT(tenure_get_stats(get_book, &s) == 0);
	return s.retired_expired + s.retired_idle + s.retired_capacity + s.retired_cleared + s.retired_invalid +
	       s.retired_replaced + s.retired_closed;
}

static uint64_t published(void)
{
	tenure_stats stats;

	EXPECT(tenure_get_stats(get_book, &stats) == 0);
	return stats.creations;
}

/* RETIRED with a lease out when the second comes. */
static void retire_twice_leased(size_t first, size_t second)
{
	get_book_lease lease = { 0 };
	const struct book *book;

	spare = (get_book_lease){ 0 };
	EXPECT(tenure_get(get_book, &lease, 1) == TENURE_CREATED);
	EXPECT(tenure_share(&lease, &spare) == 0);
	book = lease.resource;
	retirers[first].act();
	EXPECT(counter(first) == 1);
	retirers[second].act();
	book_check(book);
	EXPECT(book->number == 1);
	if (retirers[first].act != discard && retirers[second].act != discard)
		EXPECT(tenure_give_back(&spare) == 0);
	book_check(book);
	EXPECT(tenure_give_back(&lease) == 0);
	EXPECT(tear_down(NULL) == 0);
	EXPECT(retired_in_all() == published());
}

static void L1_of_two_retirements_of_a_leased_entry_the_first_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(retirers); i++) {
		for (size_t j = 0; j < COUNT(retirers); j++) {
			if (retirers[i].act == idle || (i == j && retirers[i].act == discard))
				continue; /* what is leased is not idle; the lease can be discarded once */
			begin(retirers[i].name, retirers[j].name);
			retire_twice_leased(i, j);
		}
	}
}

/* RELEASING, its worker held before the callback, when the second comes. */
static void retire_twice_unleased(size_t first, size_t second)
{

	EXPECT(tenure_get(get_book, retirers[first].act == discard ? &spare : NULL, 1) == TENURE_CREATED);
	tn_fault_arm("worker.before_release", 0);
	retirers[first].act();
	tn_fault_await("worker.before_release");
	EXPECT(counter(first) == 1);
	EXPECT(count_of(&released) == 0);
	retirers[second].act();
	tn_fault_release("worker.before_release");
	EXPECT(tear_down(NULL) == 0);
	EXPECT(retired_in_all() == published());
}

static void L1_of_two_retirements_the_second_meets_a_running_release(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(retirers); i++) {
		for (size_t j = 0; j < COUNT(retirers); j++) {
			if (retirers[j].act == discard)
				continue; /* no lease is left */
			begin(retirers[i].name, retirers[j].name);
			retire_twice_unleased(i, j);
		}
	}
}

static void *get_one(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get(get_book, NULL, 1);
}

/* The validator runs, under a lease, when the other comes; its verdict, good or bad, finds a retired entry. */
static void V2_a_verdict_meets_every_other_retirement(void **state)
{
	(void)state;
	for (int verdict = 0; verdict <= 1; verdict++) {
		for (size_t i = 0; i < COUNT(retirers); i++) {
			pthread_t asker;
			bool closes = retirers[i].act == close_cache;
			int result;

			if (retirers[i].act == idle || retirers[i].act == invalid)
				continue; /* it is leased; one validation runs at a time */
			begin("validation", retirers[i].name);
			EXPECT(tenure_get(get_book, NULL, 1) == TENURE_CREATED);
			spare = (get_book_lease){ 0 };
			if (retirers[i].act == discard) {
				EXPECT(tenure_get(get_book, &spare, 1) == TENURE_HIT);
			}
			good = verdict;
			tn_fault_arm("validate.running", 0);
			asker = start(get_one, NULL);
			tn_fault_await("validate.running");
			retirers[i].act();
			EXPECT(counter(i) == 1);
			EXPECT(count_of(&released) == 0);
			good = true;
			tn_fault_release("validate.running");
			result = (int)(intptr_t)finish(asker);
			EXPECT(result == (closes ? TENURE_ECLOSED : TENURE_CREATED));
			EXPECT(tear_down(NULL) == 0);
		}
	}
}

/* ---- LIVE and RETIRED: a hit against every retirement */

static void *warm_then_hit(void *unused)
{
	get_book_lease lease = { 0 };

	(void)unused;
	if (tenure_get(get_book, NULL, 1) < 0) /* its cell is open from here on */
		abort();
	TN_FAULT("test.warm");
	if (tenure_get(get_book, &lease, 1) < 0)
		return NULL;
	book_check(lease.resource);
	TN_FAULT("test.holds");
	book_check(lease.resource);
	tenure_give_back(&lease);
	return NULL;
}

/* Probed: it must miss. Pinned: what it holds is not released under it, in service or not. */
static void L1_a_hit_on_its_way_meets_every_retirement(void **state)
{
	static const char *const places[] = { "hit.probed", "hit.pinned" };

	(void)state;
	for (size_t p = 0; p < COUNT(places); p++) {
		for (size_t i = 0; i < COUNT(retirers); i++) {
			bool closes = retirers[i].act == close_cache;
			pthread_t hitter;

			if (retirers[i].act == invalid || (p == 1 && retirers[i].act == idle))
				continue; /* the verdict comes from a hit of its own; what is pinned is not idle */
			begin(places[p], retirers[i].name);
			spare = (get_book_lease){ 0 };
			tn_fault_arm("test.warm", 0);
			hitter = start(warm_then_hit, NULL);
			tn_fault_await("test.warm");
			if (retirers[i].act == discard || closes) /* what is out keeps the cache from its end */
				EXPECT(tenure_get(get_book, &spare, 1) == TENURE_HIT);
			tn_fault_arm(places[p], 0);
			tn_fault_release("test.warm");
			tn_fault_await(places[p]);
			retirers[i].act();
			EXPECT(counter(i) == 1);
			if (p == 1 || closes)
				EXPECT(count_of(&released) == 0);
			else
				await_count(&released, 1);
			tn_fault_release(places[p]);
			finish(hitter);
			EXPECT(tenure_give_back(&spare) == 0);
			EXPECT(tear_down(NULL) == 0);
			EXPECT(retired_in_all() == published());
		}
	}
}

/* ---- CREATING: how a creation ends, against who ends it before its time */

static const struct {
	const char *name;
	int mode;
} endings[] = { { "success", PLAIN }, { "failure", FAIL }, { "abandoning", ABANDON }, { "thread exit", EXIT_THREAD } };

static void *join_one(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get_within(get_book, TENURE_SECONDS(60), NULL, 1);
}

static void leave_by_deadline(void) { advance(61); }
static void time_passes(void) { advance(7201); }

static const struct {
	const char *name;
	void (*act)(void);
	bool clears;
} meanwhiles[] = {
	{ "clear of the entry", clear_entry, true },
	{ "clear of the function", clear_function, true },
	{ "clear of all", clear_all, true },
	{ "drain", drain, true },
	{ "close of the cache", close_cache, true },
	{ "a waiter's deadline", leave_by_deadline, false },
	{ "more than its ttl", time_passes, false },
	{ "another key's publication", capacity, false },
};

static void end_against(size_t m, size_t e)
{
	pthread_t leader, waiter;
	bool closed = meanwhiles[m].act == close_cache;
	bool late = meanwhiles[m].act == leave_by_deadline || meanwhiles[m].act == time_passes;
	bool succeeds = endings[e].mode == PLAIN, fails = endings[e].mode == FAIL;
	int led, waited = 0, again;

	tn_fault_arm("test.creator", 0);
	leader = start(get_one, NULL);
	tn_fault_await("test.creator");
	tn_fault_arm("flight.enrolled", 0);
	waiter = start(join_one, NULL);
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	meanwhiles[m].act();
	/* Only the creator that is held reads the mode until it ends; the waiter's takeover finds PLAIN again. */
	if (late)
		waited = (int)(intptr_t)finish(waiter);
	__atomic_store_n(&mode, endings[e].mode, __ATOMIC_SEQ_CST);
	if (succeeds || fails) {
		tn_fault_release("test.creator");
	} else {
		tn_fault_arm("creation.begun", 0); /* holds the one who takes over, until the mode is PLAIN again */
		tn_fault_release("test.creator");
	}
	led = (int)(intptr_t)finish(leader);
	if (!succeeds && !fails && !closed && !late) {
		tn_fault_await("creation.begun");
		mode = PLAIN;
		tn_fault_release("creation.begun");
	}
	if (!late)
		waited = (int)(intptr_t)finish(waiter);
	__atomic_store_n(&mode, PLAIN, __ATOMIC_SEQ_CST);
	tn_fault_reset();

	EXPECT(led == (succeeds ? TENURE_CREATED : endings[e].mode == EXIT_THREAD ? 0 : TENURE_EFAILED));
	if (late)
		EXPECT(waited == TENURE_ETIMEDOUT);
	else if (succeeds)
		EXPECT(waited == TENURE_JOINED);
	else if (fails)
		EXPECT(waited == TENURE_EFAILED);
	else
		EXPECT(waited == (closed ? TENURE_ECLOSED : TENURE_CREATED));

	again = tenure_get(get_book, NULL, 1);
	if (closed)
		EXPECT(again == TENURE_ECLOSED);
	else if (succeeds)
		EXPECT(again == (meanwhiles[m].clears ? TENURE_CREATED : TENURE_HIT));
	else
		EXPECT(again == (fails || late ? TENURE_CREATED : TENURE_HIT));
	EXPECT(tear_down(NULL) == 0);
}

static void C6_every_ending_of_a_creation_against_every_event(void **state)
{
	(void)state;
	for (size_t m = 0; m < COUNT(meanwhiles); m++) {
		for (size_t e = 0; e < COUNT(endings); e++) {
			begin(meanwhiles[m].name, endings[e].name);
			end_against(m, e);
		}
	}
}

/* ---- RETIRED -> RELEASING: who brings the count to zero */

/* The last give-back is held on its way; each other event comes by, and none of them releases. */
static void L1_a_last_give_back_on_its_way_meets_every_event(void **state)
{
	static const char *const places[] = { "give.cell_done", "give.zero" };

	(void)state;
	for (size_t p = 0; p < COUNT(places); p++) {
		for (size_t j = 0; j < COUNT(retirers); j++) {
			pthread_t holder;

			if (retirers[j].act == discard)
				continue; /* the lease is on its way already */
			begin(places[p], retirers[j].name);
			tn_fault_arm("test.warm", 0);
			holder = start(warm_then_hit, NULL);
			tn_fault_await("test.warm");
			tn_fault_arm("test.holds", 0);
			tn_fault_release("test.warm");
			tn_fault_await("test.holds");
			clear_function();
			tn_fault_arm(places[p], 0);
			tn_fault_release("test.holds");
			tn_fault_await(places[p]);
			retirers[j].act();
			EXPECT(count_of(&created) > count_of(&released)); /* the one on its way */
			tn_fault_release(places[p]);
			finish(holder);
			EXPECT(tear_down(NULL) == 0);
		}
	}
}

/* ---- LIVE -> RETIRED on its way: what leases do while a retirer is in the middle */

static void *clear_on_thread(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_clear_function(get_book);
}

static get_book_lease taken; /* by another thread */

static void *take(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get(get_book, &taken, 1);
}

static void *give(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_give_back(&taken);
}

static void own(get_book_lease *lease) { EXPECT(tenure_give_back(lease) == 0); }
static void shared(get_book_lease *lease)
{
	get_book_lease second = { 0 };

	EXPECT(tenure_share(lease, &second) == 0);
	EXPECT(tenure_give_back(lease) == 0);
	book_check(second.resource);
	EXPECT(tenure_give_back(&second) == 0);
}
static void elsewhere(get_book_lease *lease)
{
	taken = *lease;
	*lease = (get_book_lease){ 0 };
	EXPECT(finish(start(give, NULL)) == NULL);
}

static void L2_give_backs_and_shares_while_a_retirer_is_in_the_middle(void **state)
{
	static const char *const places[] = { "retire.unlinked", "retire.between_records", "retire.before_bias" };
	static const struct {
		const char *name;
		void (*act)(get_book_lease *);
	} moves[] = { { "give-back", own }, { "share", shared }, { "give-back on another thread", elsewhere } };

	(void)state;
	for (size_t p = 0; p < COUNT(places); p++) {
		for (size_t m = 0; m < 2 * COUNT(moves); m++) {
			get_book_lease lease = { 0 };
			bool foreign = m >= COUNT(moves); /* the lease was taken by a thread that is gone */
			pthread_t retirer;

			begin(places[p], moves[m % COUNT(moves)].name);
			EXPECT(tenure_get(get_book, &lease, 1) == TENURE_CREATED);
			if (foreign) {
				EXPECT((intptr_t)finish(start(take, NULL)) == TENURE_HIT);
				EXPECT(tenure_give_back(&lease) == 0);
				lease = taken;
				taken = (get_book_lease){ 0 };
			}
			tn_fault_arm(places[p], 0);
			retirer = start(clear_on_thread, NULL);
			tn_fault_await(places[p]);
			moves[m % COUNT(moves)].act(&lease);
			EXPECT(count_of(&released) == 0);
			tn_fault_release(places[p]);
			EXPECT((intptr_t)finish(retirer) == 1);
			await_count(&released, 1);
			EXPECT(tear_down(NULL) == 0);
		}
	}
}

/* ---- RELEASING -> FREE: what meets a release that runs */

static void C8_everything_meets_a_running_release(void **state)
{
	get_book_lease lease = { 0 }, copy;
	tenure_stats stats;
	pthread_t next;

	(void)state;
	begin("release", "everything");
	EXPECT(tenure_get(get_book, &lease, 1) == TENURE_CREATED);
	copy = lease;
	clear_entry();
	tn_fault_arm("worker.before_release", 0);
	EXPECT(tenure_give_back(&lease) == 0);
	tn_fault_await("worker.before_release");
	EXPECT(tenure_get_within(get_book, 0, NULL, 1) == TENURE_ETIMEDOUT); /* C8 */
	EXPECT(tenure_get(get_book, NULL, 2) == TENURE_CREATED); /* another key does not wait */
	EXPECT(tenure_clear_entry(get_book, 1) == 0);
	EXPECT(tenure_clear_function(get_book) == 1);
	advance(2); /* it counts as stuck now, and another worker releases the second book (L3) */
	await_count(&released, 1);
	EXPECT(tenure_drain(get_book, 0) >= 1); /* the second may still be on its way to FREE */
	EXPECT(tenure_give_back(&copy) < 0); /* told, and it moves nothing */
	EXPECT(tenure_get_stats(get_book, &stats) == 0);
	EXPECT(stats.pending_releases >= 1 && stats.live == 0);
	tn_fault_arm("creation.awaits_release", 0);
	next = start(get_one, NULL);
	tn_fault_await("creation.awaits_release");
	tn_fault_release("creation.awaits_release");
	EXPECT(tenure_clear_function(get_book) == 0); /* nothing is live; what the waiting creation makes is not published */
	tn_fault_release("worker.before_release");
	EXPECT((intptr_t)finish(next) == TENURE_CREATED);
	EXPECT(tenure_drain(get_book, TENURE_SECONDS(30)) == 0);
	EXPECT(tenure_get(get_book, NULL, 1) == TENURE_CREATED);
	EXPECT(tear_down(NULL) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L1_of_two_retirements_of_a_leased_entry_the_first_counts),
		cmocka_unit_test(L1_of_two_retirements_the_second_meets_a_running_release),
		cmocka_unit_test(V2_a_verdict_meets_every_other_retirement),
		cmocka_unit_test(L1_a_hit_on_its_way_meets_every_retirement),
		cmocka_unit_test(C6_every_ending_of_a_creation_against_every_event),
		cmocka_unit_test(L1_a_last_give_back_on_its_way_meets_every_event),
		cmocka_unit_test(L2_give_backs_and_shares_while_a_retirer_is_in_the_middle),
		cmocka_unit_test(C8_everything_meets_a_running_release),
	};

	return RUN(tests);
}
