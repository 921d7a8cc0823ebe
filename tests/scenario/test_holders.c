/* SPDX-License-Identifier: Apache-2.0 */
/* test_holders.c: who holds what: tokens, second give-backs, places and threads, leaks by name. */
#include "support.h"

#include <sched.h>

#include "base/fault.h"

#define CACHE .cache = &cache

static bool good = true;
static bool is_good(struct book *book)
{
	book_check(book);
	return good;
}

TENURE_DECLARE(held, struct book, (const char *, name), (int, n));
static int make_held(tenure_call *c, const held_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	TN_FAULT("test.held");
	return a->n < 0 ? -1 : 0;
}
TENURE_DEFINE(held, CACHE, .create = make_held, .release = book_release, .track_holders = true, .ttl = "1h");

TENURE_DECLARE(judged, struct book, (int, n));
static int make_judged(tenure_call *c, const judged_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(judged, CACHE, .create = make_judged, .release = book_release, .track_holders = true, .validate = is_good);

TENURE_DECLARE(loose, struct book, (int, n));
static int make_loose(tenure_call *c, const loose_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(loose, CACHE, .create = make_loose, .release = book_release);

TENURE_DECLARE(keeper, struct book, (int, n));
static tenure_lease kept_copy;
static int make_keeper(tenure_call *c, const keeper_args *a, struct book **ret)
{
	TENURE_LEASE(held, l);

	*ret = book_new(a->n);
	if (tenure_get(held, &l, "kept", a->n) < 0)
		return -1;
	kept_copy = l.lease;
	return tenure_call_keep(c, &l);
}
TENURE_DEFINE(keeper, CACHE, .create = make_keeper, .release = book_release);

static int collect(void *user, const char *text, size_t size)
{
	char *all = user;

	memcpy(all + strlen(all), text, size);
	return 0;
}

static char text[60000];
static const char *dump(unsigned flags)
{
	memset(text, 0, sizeof(text));
	assert_int_equal(tenure_dump(cache, flags, collect, text), 0);
	return text;
}

static int told(const char *what)
{
	int count = 0;

	for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
		count++;
	return count;
}

/* ---- a token is good once */

enum { COPIES = 6 }; /* three leases, each with a copy */

/* The leases and their copies in this order, with a clear before the `clear_at`th. */
static void give_back_in(const int order[COPIES], int clear_at)
{
	tenure_lease leases[COPIES];
	bool back[3] = { false };

	memset(leases, 0, sizeof(leases));
	for (int i = 0; i < 3; i++) {
		assert_true(tenure_get(held, (held_lease *)&leases[i], "u", 1) >= 0);
		leases[3 + i] = leases[i];
	}
	for (int i = 0; i < COPIES; i++) {
		tenure_lease *lease = &leases[order[i]];
		int which = order[i] % 3;

		if (i == clear_at)
			tenure_clear_function(held);
		if (!back[which])
			book_check(lease->resource);
		assert_int_equal(tenure_lease_give_back(lease), back[which] ? TENURE_ENOTHELD : 0);
		assert_int_equal(lease->cell_ == NULL, !back[which]);
		back[which] = true;
	}
}

static void permute(int order[COPIES], int fixed)
{
	if (fixed == COPIES) {
		int copy[COPIES];
		static int runs;

		memcpy(copy, order, sizeof(copy));
		give_back_in(copy, runs++ % (COPIES + 2));
		return;
	}
	for (int i = fixed; i < COPIES; i++) {
		int was = order[fixed];

		order[fixed] = order[i];
		order[i] = was;
		permute(order, fixed + 1);
		was = order[fixed];
		order[fixed] = order[i];
		order[i] = was;
	}
}

static void L5_a_second_give_back_is_told_in_every_order(void **state)
{
	int order[COPIES] = { 0, 1, 2, 3, 4, 5 };

	(void)state;
	permute(order, 0); /* 720 orders */
	assert_int_equal(tenure_drain(held, TENURE_SECONDS(30)), 0);
	assert_int_equal(count_of(&created), count_of(&released));
}

static void L5_a_copy_is_told_beside_later_leases_lives_and_functions(void **state)
{
	TENURE_LEASE(held, l);
	TENURE_LEASE(held, other);
	TENURE_LEASE(loose, untracked);
	tenure_lease copy, again;

	(void)state;
	tenure_get(held, &l, "u", 1);
	copy = l.lease;
	tenure_give_back(&l);
	for (int i = 0; i < 200; i++) { /* every holder has been used again, by other leases on the same entry */
		tenure_get(held, &l, "u", 1);
		again = copy;
		assert_int_equal(tenure_lease_give_back(&again), TENURE_ENOTHELD);
		assert_int_equal(tenure_lease_share(&copy, &other.lease), TENURE_ENOTHELD);
		assert_int_equal(tenure_lease_discard(&again), TENURE_ENOTHELD);
		assert_null(other.lease.cell_);
		assert_int_equal(tenure_give_back(&l), 0);
	}
	tenure_drain(held, TENURE_SECONDS(30)); /* the header may serve another function now */
	tenure_get(loose, &untracked, 1);
	again = copy;
	assert_int_equal(tenure_lease_give_back(&again), TENURE_ENOTHELD);
	assert_non_null(strstr(tenure_message(), "given back before"));
	assert_int_equal(tenure_give_back(&untracked), 0);
}

enum { RACERS = 4 };
static tenure_lease race;
static long racing, wins, losses;

static void *give_a_copy(void *unused)
{
	tenure_lease copy = race;
	int result;

	(void)unused;
	__atomic_fetch_add(&racing, 1, __ATOMIC_SEQ_CST);
	while (count_of(&racing) < RACERS)
		sched_yield();
	result = tenure_lease_give_back(&copy);
	__atomic_fetch_add(result == 0 ? &wins : &losses, 1, __ATOMIC_SEQ_CST);
	return (void *)(intptr_t)(result != 0 && result != TENURE_ENOTHELD);
}

static void L5_of_copies_given_back_at_once_one_is_good(void **state)
{
	(void)state;
	for (int round = 0; round < 100; round++) {
		pthread_t threads[RACERS];
		TENURE_LEASE(held, other);

		tenure_get(held, (held_lease *)&race, "u", 1);
		tenure_get(held, &other, "u", 1);
		racing = wins = losses = 0;
		for (int i = 0; i < RACERS; i++)
			threads[i] = start(give_a_copy, NULL);
		if (round % 2)
			tenure_clear_function(held);
		for (int i = 0; i < RACERS; i++)
			assert_int_equal((intptr_t)finish(threads[i]), 0);
		assert_int_equal(wins, 1);
		assert_int_equal(losses, RACERS - 1);
		memset(&race, 0, sizeof(race));
		book_check(other.resource);
		assert_int_equal(tenure_give_back(&other), 0);
	}
}

static void L5_a_copy_held_at_the_token_lets_the_other_win(void **state)
{
	pthread_t thread;
	TENURE_LEASE(held, other);

	(void)state;
	tenure_get(held, (held_lease *)&race, "u", 1);
	tenure_get(held, &other, "u", 1);
	racing = RACERS;
	wins = losses = 0;
	tn_fault_arm("holder.leaving", 0);
	thread = start(give_a_copy, NULL);
	tn_fault_await("holder.leaving");
	tenure_clear_function(held);
	assert_int_equal(tenure_lease_give_back(&race), 0);
	tn_fault_release("holder.leaving");
	finish(thread);
	assert_int_equal(losses, 1);
	assert_int_equal(count_of(&released), 0);
	assert_int_equal(tenure_give_back(&other), 0);
}

/* ---- leases stay values */

static void L5_share_keep_and_discard_are_tracked_too(void **state)
{
	TENURE_LEASE(held, a);
	TENURE_LEASE(held, b);
	TENURE_LEASE(keeper, k);
	held_lease moved;
	tenure_lease copy;

	(void)state;
	tenure_get(held, &a, "u", 1);
	assert_int_equal(tenure_share(&a, &b), 0);
	assert_ptr_equal(a.resource, b.resource);
	copy = b.lease;
	moved = b;
	memset(&b, 0, sizeof(b));
	assert_int_equal(tenure_give_back(&moved), 0);
	assert_int_equal(tenure_lease_give_back(&copy), TENURE_ENOTHELD); /* beside a's */
	tenure_share(&a, &b);
	dump(TENURE_DUMP_HOLDERS);
	assert_int_equal(told("test_holders.c:"), 2); /* the shared one too */
	assert_int_equal(tenure_discard(&a), 0);
	assert_int_equal(tenure_get(held, &a, "u", 1), TENURE_CREATED);
	book_check(b.resource);
	assert_int_equal(tenure_give_back(&b), 0);

	assert_int_equal(tenure_get(keeper, &k, 7), TENURE_CREATED);
	assert_int_equal(tenure_lease_give_back(&(tenure_lease){ kept_copy.resource, kept_copy.cell_, kept_copy.stamp_ ^ 1 }),
			 TENURE_ENOTHELD); /* no token */
	dump(TENURE_DUMP_HOLDERS | TENURE_DUMP_ARGUMENTS);
	assert_int_equal(told("(kept by another entry) held(\"kept\", 7)"), 1);
	tenure_clear_function(held);
	tenure_give_back(&k);
	tenure_give_back(&a);
	assert_int_equal(tenure_drain_all(cache, TENURE_SECONDS(30)), 0);
	assert_int_equal(tenure_lease_give_back(&kept_copy), TENURE_ENOTHELD);
}

static void L5_hits_joins_keys_and_validated_ones_are_tracked(void **state)
{
	TENURE_LEASE(held, a);
	TENURE_LEASE(held, b);
	TENURE_LEASE(judged, c);
	TENURE_LEASE(judged, d);
	tenure_stats stats;
	tenure_key *key;

	(void)state;
	assert_int_equal(tenure_prepare(held, &key, "u", 1), 0);
	assert_int_equal(tenure_get_key(held, &a, key), TENURE_CREATED);
	assert_int_equal(tenure_get_key(held, &b, key), TENURE_HIT);
	assert_int_equal(tenure_get(held, NULL, "u", 1), TENURE_HIT); /* warmed up: nothing held */
	assert_int_equal(tenure_get(judged, &c, 1), TENURE_CREATED);
	assert_int_equal(tenure_get(judged, &d, 1), TENURE_HIT);
	dump(TENURE_DUMP_HOLDERS);
	assert_int_equal(told("test_holders.c:"), 4);
	assert_null(strstr(text, "\"u\"")); /* arguments only on request */
	tenure_give_back(&a);
	tenure_give_back(&c);
	dump(TENURE_DUMP_HOLDERS);
	assert_int_equal(told("test_holders.c:"), 2);
	tenure_get_stats(held, &stats);
	assert_int_equal(stats.hits, 2); /* each counted once, though the inlined hit tried */
	good = false;
	assert_int_equal(tenure_get(judged, &c, 1), TENURE_CREATED);
	good = true;
	tenure_key_free(key);
	tenure_give_back(&b);
	tenure_give_back(&c);
	tenure_give_back(&d);
	dump(TENURE_DUMP_HOLDERS);
	assert_int_equal(told("test_holders.c:"), 0);
	assert_int_equal(told("nobody holds"), 1);
}

static void *join(void *lease)
{
	return (void *)(intptr_t)tenure_get(held, (held_lease *)lease, "u", 5);
}

static void L5_each_thread_is_named_also_when_it_is_gone(void **state)
{
	TENURE_LEASE(held, a);
	TENURE_LEASE(held, b);
	pthread_t leader, joiner;

	(void)state;
	tn_fault_arm("test.held", 0);
	tn_fault_arm("flight.enrolled", 0);
	leader = start(join, &a);
	pthread_setname_np(leader, "the-leader"); /* it may be in the get by now: the name is read there */
	tn_fault_await("test.held");
	joiner = start(join, &b);
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	tn_fault_release("test.held");
	assert_int_equal((intptr_t)finish(leader), TENURE_CREATED);
	assert_int_equal((intptr_t)finish(joiner), TENURE_JOINED);
	advance(90);
	dump(TENURE_DUMP_HOLDERS);
	assert_int_equal(told("1m 30s"), 3); /* the entry and both leases */
	assert_int_equal(told("test_holders.c:"), 2);
	assert_int_equal(tenure_give_back(&a), 0); /* on another thread than it was taken on */
	assert_int_equal(tenure_give_back(&b), 0);
}

static void L5_many_leases_and_none_is_lost(void **state)
{
	enum { MANY = 3000 };
	held_lease *many = calloc(MANY, sizeof(*many));

	(void)state;
	for (int i = 0; i < MANY; i++)
		assert_true(tenure_get(held, &many[i], "u", i % 3) >= 0);
	for (int i = 0; i < MANY; i += 2)
		assert_int_equal(tenure_give_back(&many[i]), 0);
	tenure_clear_function(held);
	for (int i = 1; i < MANY; i += 2) {
		tenure_lease copy = many[i].lease;

		assert_int_equal(tenure_give_back(&many[i]), 0);
		assert_int_equal(tenure_lease_give_back(&copy), TENURE_ENOTHELD);
	}
	free(many);
	await_count(&released, 3);
}

static void L5_the_option_counts_at_once(void **state)
{
	TENURE_LEASE(loose, before);
	TENURE_LEASE(loose, after);

	(void)state;
	tenure_get(loose, &before, 1);
	loose.track_holders = true;
	assert_int_equal(tenure_function_update(&loose.function, &loose.options), 0);
	assert_int_equal(tenure_get(loose, &after, 1), TENURE_HIT);
	dump(TENURE_DUMP_HOLDERS);
	assert_int_equal(told("test_holders.c:"), 1);
	loose.track_holders = false;
	assert_int_equal(tenure_function_update(&loose.function, &loose.options), 0);
	assert_int_equal(tenure_give_back(&after), 0); /* taken with a token, given back with it */
	assert_int_equal(tenure_give_back(&before), 0);
	assert_int_equal(tenure_get(loose, &after, 1), TENURE_HIT);
	dump(TENURE_DUMP_HOLDERS);
	assert_int_equal(told("test_holders.c:"), 0);
}

/* ---- leaks */

static void L5_a_close_names_who_holds(void **state)
{
	tenure_cache *closing = cache;
	TENURE_LEASE(held, l);
	TENURE_LEASE(loose, other);
	held_lease more[12] = { 0 };
	int line;

	(void)state;
	line = __LINE__ + 1;
	tenure_get(held, &l, "a secret", 1);
	tenure_get(loose, &other, 1);
	advance(2.5);
	assert_int_equal(tenure_cache_close(&closing, 0), TENURE_EBUSY);
	snprintf(text, sizeof(text), "held() for 2.5 s, taken at %s:%d by thread ", __FILE__, line);
	if (strlen(__FILE__) < 70)
		assert_non_null(strstr(tenure_message(), text));
	assert_non_null(strstr(tenure_message(), "1 of held() (1 leased"));
	assert_non_null(strstr(tenure_message(), "1 of loose() (1 leased"));
	assert_non_null(strstr(tenure_message(), "test_holders.c:"));
	assert_null(strstr(tenure_message(), "secret"));
	assert_int_equal(tenure_share(&l, &more[0]), 0); /* as before, though it is closing */
	for (int i = 1; i < 12; i++)
		tenure_share(&l, &more[i]);
	assert_int_equal(tenure_cache_close(&closing, 0), TENURE_EBUSY);
	assert_non_null(strstr(tenure_message(), "; and "));
	for (int i = 0; i < 12; i++)
		tenure_give_back(&more[i]);
	tenure_give_back(&l);
	tenure_give_back(&other);
}

static void L5_without_the_option_nothing_is_tracked(void **state)
{
	TENURE_LEASE(loose, l);

	(void)state;
	tenure_get(loose, &l, 1);
	assert_int_equal(l.lease.stamp_ >> 63, 0);
	dump(TENURE_DUMP_HOLDERS);
	assert_int_equal(told("nobody holds a lease of a function that tracks its holders"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(L5_a_second_give_back_is_told_in_every_order),
		T(L5_a_copy_is_told_beside_later_leases_lives_and_functions),
		T(L5_of_copies_given_back_at_once_one_is_good),
		T(L5_a_copy_held_at_the_token_lets_the_other_win),
		T(L5_share_keep_and_discard_are_tracked_too),
		T(L5_hits_joins_keys_and_validated_ones_are_tracked),
		T(L5_each_thread_is_named_also_when_it_is_gone),
		T(L5_many_leases_and_none_is_lost),
		T(L5_the_option_counts_at_once),
		T(L5_a_close_names_who_holds),
		T(L5_without_the_option_nothing_is_tracked),
	};

	return RUN(tests);
}
