/* SPDX-License-Identifier: Apache-2.0 */
/* test_background.c: refresh in the background, and creators on a worker. */
#include "support.h"

#include "base/fault.h"

#define CACHE .cache = &cache

enum { NEW, SAME, FAIL, ABANDON, EXIT, KEEP_NOT, KEEP, SAME_KEEP_NOT, SAME_KEEP };
static int mode; /* what the next creations do; atomic */
static struct book *shared_book;
static long asked, seconds_of_own;

TENURE_DECLARE(get_part, struct book, (int, n));
static int make_part(tenure_call *call, const get_part_args *a, struct book **ret)
{
	(void)call;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(get_part, CACHE, .create = make_part, .release = book_release);

TENURE_DECLARE(get_news, struct book, (const char *, url), (int, n), (const char *, _note));
static int make_news(tenure_call *call, const get_news_args *a, struct book **ret)
{
	TENURE_LEASE(get_part, part);
	int result;

	TN_FAULT("test.creator");
	if (seconds_of_own > 0)
		tenure_call_set_ttl(call, TENURE_SECONDS(seconds_of_own));
	switch (__atomic_load_n(&mode, __ATOMIC_SEQ_CST)) {
	case SAME:
		*ret = shared_book;
		return 0;
	case FAIL:
		*ret = book_new(a->n);
		return tenure_fail(call, "no news from %s (%s)", a->url, a->_note);
	case ABANDON:
		return tenure_abandon(call);
	case EXIT:
		pthread_exit(NULL);
	case KEEP_NOT:
		tenure_call_set_ttl(call, 0);
		break;
	case SAME_KEEP_NOT:
		tenure_call_set_ttl(call, 0);
		*ret = shared_book;
		return 0;
	case KEEP:
	case SAME_KEEP:
		result = tenure_get(get_part, &part, a->n);
		if (result >= 0)
			result = tenure_call_keep(call, &part);
		if (result < 0)
			return result;
		break;
	default:
		break;
	}
	if (__atomic_load_n(&mode, __ATOMIC_SEQ_CST) == SAME_KEEP) {
		*ret = shared_book;
		return 0;
	}
	*ret = shared_book = book_new(a->n);
	return 0;
}
TENURE_DEFINE(get_news, CACHE, .create = make_news, .release = book_release, .ttl = "100s", .max_stale = "300s",
	      .refresh = TENURE_BACKGROUND, .max_entries = 2);

static void set_mode(int to)
{
	__atomic_store_n(&mode, to, __ATOMIC_SEQ_CST);
}

static int set_up_here(void **state)
{
	set_mode(NEW);
	seconds_of_own = 0;
	asked = 0;
	return set_up(state);
}
#undef T
#define T(name) cmocka_unit_test_setup_teardown(name, set_up_here, tear_down)

static tenure_stats stats_of_news(void)
{
	tenure_stats stats;

	assert_int_equal(tenure_get_stats(get_news, &stats), 0);
	return stats;
}

static void await_refreshes(uint64_t count)
{
	while (stats_of_news().refreshes < count)
		sched_yield();
}

static void await_failures(uint64_t count)
{
	while (stats_of_news().failures + stats_of_news().abandoned < count)
		sched_yield();
}

/* ---- T4 */

static void T4_the_stale_one_is_served_while_one_refresh_runs(void **state)
{
	TENURE_LEASE(get_news, old);
	TENURE_LEASE(get_news, l);

	(void)state;
	assert_int_equal(tenure_get(get_news, &old, "u", 1, "note"), TENURE_CREATED);
	advance(101);
	tn_fault_arm("test.creator", 0);
	assert_int_equal(tenure_get(get_news, &l, "u", 1, "note"), TENURE_STALE);
	assert_ptr_equal(l.resource, old.resource);
	tenure_give_back(&l);
	tn_fault_await("test.creator");
	for (int i = 0; i < 10; i++) { /* no second refresh */
		assert_int_equal(tenure_get(get_news, &l, "u", 1, "note"), TENURE_STALE);
		tenure_give_back(&l);
	}
	assert_int_equal(tn_fault_arrivals("test.creator"), 1);
	tn_fault_release("test.creator");
	await_refreshes(1);
	assert_int_equal(tenure_get(get_news, &l, "u", 1, "note"), TENURE_HIT);
	assert_ptr_not_equal(l.resource, old.resource);
	tenure_give_back(&l);
	assert_int_equal(released, 0); /* the holder of the old one keeps it */
	tenure_give_back(&old);
	await_count(&released, 1);
	assert_int_equal(stats_of_news().creations, 1);
	assert_int_equal(stats_of_news().retired_replaced, 1);
	assert_int_equal(stats_of_news().live, 1);
	advance(101); /* the new one's ttl counts from its own birth */
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, "note"), TENURE_STALE);
	await_refreshes(2);
}

static void T4_before_the_ttl_nothing_is_refreshed_and_without_a_hit_neither(void **state)
{
	(void)state;
	tenure_get(get_news, NULL, "u", 1, "");
	advance(99);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_HIT);
	advance(100);
	assert_int_equal(stats_of_news().refreshes, 0);
	assert_int_equal(stats_of_news().live, 1);
	advance(102); /* past max_stale: gone, without traffic */
	assert_int_equal(stats_of_news().live, 0);
	assert_int_equal(stats_of_news().retired_expired, 1);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_CREATED);
}

static void T4_the_hard_limit_ends_it_while_the_refresh_runs(void **state)
{
	(void)state;
	tenure_get(get_news, NULL, "u", 1, "");
	advance(101);
	tn_fault_arm("test.creator", 0);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	tn_fault_await("test.creator");
	advance(200);
	assert_int_equal(stats_of_news().retired_expired, 1);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_CREATED); /* makes its own */
	tn_fault_release("test.creator");
	await_refreshes(1);
	await_count(&released, 2); /* the old one, and what came too late */
	assert_int_equal(stats_of_news().live, 1);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_HIT);
}

static void T4_the_limit_is_twice_the_ttl_without_max_stale(void **state)
{
	static get_news_function plain;

	(void)state;
	plain = get_news;
	plain.function = (tenure_function){ .definition = &plain.definition };
	plain.definition.user = &plain;
	plain.definition.options = &plain.options;
	plain.max_stale = NULL;
#define GET_PLAIN get_news_get_(&plain, TENURE_FOREVER, &(get_news_args){ .head_ = { .size = sizeof(get_news_args) }, NULL, "u", 1, "" }, "here")
	assert_int_equal(GET_PLAIN, TENURE_CREATED);
	advance(199);
	set_mode(FAIL);
	assert_int_equal(GET_PLAIN, TENURE_STALE);
	await_count(&reports, 1);
	set_mode(NEW);
	advance(2);
	assert_int_equal(GET_PLAIN, TENURE_CREATED);
}

static void T4_a_failed_refresh_keeps_the_old_one_and_pauses_longer_each_time(void **state)
{
	(void)state;
	tenure_get(get_news, NULL, "u", 1, "");
	advance(101);
	set_mode(FAIL);
	for (uint64_t i = 1; i <= 4; i++) {
		assert_int_equal(tenure_get(get_news, NULL, "u", 1, "a note"), TENURE_STALE);
		await_failures(i);
		await_count(&reports, (long)i);
		await_count(&released, (long)i); /* what the failed creator left */
		assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE); /* none starts in the pause */
		advance((double)(1 << (i - 1)) - 0.5);
		assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
		assert_int_equal(stats_of_news().failures, i);
		advance(0.6);
	}
	assert_non_null(strstr(reported, "no news from u (a note)")); /* a copy of the triggering call's arguments */
	set_mode(NEW);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	await_refreshes(1);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_HIT);
	assert_int_equal(stats_of_news().creations, 1);
}

static void T4_an_abandoned_one_and_one_that_ends_its_thread_count_as_tries(void **state)
{
	(void)state;
	tenure_get(get_news, NULL, "u", 1, "");
	advance(101);
	set_mode(ABANDON);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	await_failures(1);
	advance(1.1);
	set_mode(EXIT);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	await_failures(2);
	assert_int_equal(stats_of_news().abandoned, 2);
	advance(2.1);
	set_mode(NEW);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE); /* on a new worker */
	await_refreshes(1);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_HIT);
}

static void T4_the_same_object_renews_its_entry_L4(void **state)
{
	TENURE_LEASE(get_news, l);
	struct book *made;

	(void)state;
	tenure_get(get_news, &l, "u", 1, "");
	made = l.resource;
	tenure_give_back(&l);
	advance(101);
	set_mode(SAME);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	await_refreshes(1);
	advance(99);
	assert_int_equal(tenure_get(get_news, &l, "u", 1, ""), TENURE_HIT);
	assert_ptr_equal(l.resource, made);
	tenure_give_back(&l);
	assert_int_equal(stats_of_news().retired_replaced, 0);
	advance(2);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	await_refreshes(2);
	assert_int_equal(created, 1);
	assert_int_equal(released, 0);
}

static void T4_the_same_object_that_does_not_renew_is_released_once_L4(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		long before = count_of(&released);

		set_mode(NEW);
		tenure_get(get_news, NULL, "u", 1, "");
		advance(101);
		set_mode(i == 0 ? SAME_KEEP_NOT : SAME_KEEP);
		assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
		await_refreshes((uint64_t)i + 1);
		if (i == 1)
			assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_HIT);
		assert_int_equal(tenure_drain(get_news, TENURE_FOREVER), 0);
		assert_int_equal(count_of(&released), before + 1);
		assert_int_equal(tenure_drain(get_part, TENURE_FOREVER), 0);
	}
}

static void T4_what_a_refresh_keeps_moves_to_a_new_entry_C9(void **state)
{
	(void)state;
	set_mode(KEEP);
	tenure_get(get_news, NULL, "u", 1, "");
	assert_int_equal(created, 2);
	advance(101);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	await_refreshes(1);
	await_count(&released, 1); /* the old news; the part is kept by the new ones */
	tenure_clear_function(get_part);
	assert_int_equal(tenure_clear_function(get_news), 1);
	await_count(&released, 3);
}

static void T4_a_ttl_of_0_from_a_refresh_ends_the_entry(void **state)
{
	(void)state;
	tenure_get(get_news, NULL, "u", 1, "");
	advance(101);
	set_mode(KEEP_NOT);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	await_refreshes(1);
	await_count(&released, 2);
	assert_int_equal(stats_of_news().live, 0);
}

static void T4_a_creators_own_ttl_is_what_makes_it_stale(void **state)
{
	(void)state;
	seconds_of_own = 10;
	tenure_get(get_news, NULL, "u", 1, "");
	advance(11);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	await_refreshes(1);
}

/* Retirements of the old entry while its refresh is at its end: what it made goes unpublished. */
static void T4_a_refresh_belongs_to_one_life(void **state)
{
	static const char *const how[] = { "clear entry", "clear function", "clear all", "drain", "capacity", "discard" };

	(void)state;
	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		TENURE_LEASE(get_news, l);
		uint64_t done = stats_of_news().refreshes;

		set_mode(NEW);
		tenure_clear_function(get_news);
		assert_int_equal(tenure_get(get_news, &l, "u", 1, ""), TENURE_CREATED);
		advance(101);
		if (i != 5)
			tenure_give_back(&l);
		tn_fault_arm("refresh.before_end", 0);
		assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
		tn_fault_await("refresh.before_end");
		switch (i) {
		case 0:
			tenure_clear_entry(get_news, "u", 1);
			break;
		case 1:
			tenure_clear_function(get_news);
			break;
		case 2:
			tenure_clear_all(cache);
			break;
		case 3:
			tenure_drain(get_news, 0);
			break;
		case 4:
			for (int n = 2; n < 6; n++) { /* each once again, so that the hand comes round to the old one */
				tenure_get(get_news, NULL, "other", n, "");
				tenure_get(get_news, NULL, "other", n, "");
			}
			break;
		default:
			tenure_discard(&l);
		}
		assert_int_equal(tenure_peek(get_news, NULL, "u", 1, ""), TENURE_EABSENT);
		tn_fault_release("refresh.before_end");
		await_refreshes(done + 1);
		assert_int_equal(tenure_peek(get_news, NULL, "u", 1, ""), TENURE_EABSENT);
		assert_int_equal(tenure_drain(get_news, TENURE_FOREVER), 0);
		assert_int_equal(count_of(&created), count_of(&released));
	}
}

static void T4_a_drain_waits_for_a_running_refresh_too_L7(void **state)
{
	(void)state;
	tenure_get(get_news, NULL, "u", 1, "");
	advance(101);
	tn_fault_arm("test.creator", 0);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	tn_fault_await("test.creator");
	assert_true(tenure_drain(get_news, 0) > 0);
	tn_fault_release("test.creator");
	assert_int_equal(tenure_drain(get_news, TENURE_FOREVER), 0);
	assert_int_equal(created, 2);
	assert_int_equal(released, 2);
}

static void T4_a_refresh_takes_no_place_of_its_own_M1(void **state)
{
	(void)state;
	tenure_get(get_news, NULL, "u", 1, "");
	tenure_get(get_news, NULL, "u", 2, "");
	advance(101);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	assert_int_equal(tenure_get(get_news, NULL, "u", 2, ""), TENURE_STALE);
	await_refreshes(2);
	assert_int_equal(stats_of_news().live, 2);
	assert_int_equal(stats_of_news().retired_capacity, 0);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_HIT);
	assert_int_equal(tenure_get(get_news, NULL, "u", 2, ""), TENURE_HIT);
}

static void T4_prepared_keys_and_peeks_tell_that_it_is_stale(void **state)
{
	tenure_key *key;

	(void)state;
	assert_int_equal(tenure_prepare(get_news, &key, "u", 1, "prepared"), 0);
	assert_int_equal(tenure_get_key(get_news, NULL, key), TENURE_CREATED);
	assert_int_equal(tenure_get_key(get_news, NULL, key), TENURE_HIT);
	advance(101);
	assert_int_equal(tenure_peek(get_news, NULL, "u", 1, ""), TENURE_HIT); /* a peek starts nothing */
	tn_fault_arm("test.creator", 0);
	assert_int_equal(tenure_get_key(get_news, NULL, key), TENURE_STALE);
	tn_fault_await("test.creator");
	assert_int_equal(tenure_get_key(get_news, NULL, key), TENURE_STALE);
	assert_int_equal(tenure_peek(get_news, NULL, "u", 1, ""), TENURE_STALE);
	tn_fault_release("test.creator");
	await_refreshes(1);
	assert_int_equal(tenure_get_key(get_news, NULL, key), TENURE_HIT);
	tenure_key_free(key);
}

static void T4_closing_while_a_refresh_waits_or_runs(void **state)
{
	(void)state;
	tenure_get(get_news, NULL, "u", 1, "");
	tenure_get(get_news, NULL, "u", 2, "");
	advance(101);
	tn_fault_arm("test.creator", 0);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE); /* runs */
	assert_int_equal(tenure_get(get_news, NULL, "u", 2, ""), TENURE_STALE); /* waits for the one place */
	tn_fault_await("test.creator");
	assert_int_equal(tenure_cache_close(&cache, 0), TENURE_EBUSY);
	tn_fault_release("test.creator");
	assert_int_equal(tenure_cache_close(&cache, TENURE_FOREVER), 0);
	assert_int_equal(created, 3); /* the second never began */
	assert_int_equal(released, 3);
	assert_int_equal(set_up_here(NULL), 0);
}

static void T4_updated_options_reach_stale_entries_F3(void **state)
{
	(void)state;
	tenure_get(get_news, NULL, "u", 1, "");
	advance(101);
	set_mode(FAIL);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_STALE);
	await_failures(1);
	await_count(&reports, 1);
	assert_int_equal(tenure_update(get_news, CACHE, .ttl = "50s", .max_stale = "102s", .refresh = TENURE_BACKGROUND), 0);
	advance(2);
	assert_int_equal(stats_of_news().live, 0);
	set_mode(NEW);
	tenure_get(get_news, NULL, "u", 1, "");
	assert_int_equal(tenure_update(get_news, CACHE, .ttl = "50s"), 0); /* in the foreground now */
	advance(51);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_CREATED);
	assert_int_equal(tenure_update(get_news, CACHE, .ttl = "100s", .max_stale = "300s", .refresh = TENURE_BACKGROUND,
				       .max_entries = 2), 0);
}

TENURE_DECLARE(get_opaque, struct book, (void *, _pointer));
static int make_opaque(tenure_call *call, const get_opaque_args *a, struct book **ret)
{
	(void)call, (void)a;
	*ret = book_new(1);
	return 0;
}
TENURE_DEFINE(get_opaque, CACHE, .create = make_opaque, .release = book_release);

static void F5_options_of_the_background_are_checked(void **state)
{
	(void)state;
#define BAD(fn, word, ...) \
	do { \
		assert_int_equal(tenure_update(fn, CACHE, __VA_ARGS__), TENURE_EINVAL); \
		assert_non_null(strstr(tenure_message(), word)); \
	} while (0)
	BAD(get_news, "ttl", .refresh = TENURE_BACKGROUND);
	BAD(get_news, "max_stale", .ttl = "1s", .max_stale = "2s");
	BAD(get_news, "max_stale", .ttl = "2s", .max_stale = "2s", .refresh = TENURE_BACKGROUND);
	BAD(get_news, "max_stale", .ttl = "2s", .max_stale = "soon", .refresh = TENURE_BACKGROUND);
	BAD(get_news, "refresh", .ttl = "2s", .refresh = 9);
	BAD(get_opaque, "_pointer", .ttl = "2s", .refresh = TENURE_BACKGROUND);
	BAD(get_opaque, "_pointer", .create_on_worker = true);
}

/* ---- a refresh has no front, an empty context, and the entry's inputs */

static long messages, drawn;
static int wait_front(void *user, const tenure_activity *activity) { (void)user, (void)activity; return 0; }
static void hear(void *user, int kind, const void *data, size_t size, bool replayed)
{
	(void)user, (void)kind, (void)data, (void)size, (void)replayed;
	__atomic_fetch_add(&messages, 1, __ATOMIC_SEQ_CST);
}
static int know(void *user, const char *label, const tenure_value question[3], tenure_value *ret)
{
	(void)label, (void)question;
	*ret = tenure_bool(user != NULL);
	return 0;
}
static int draw(void *user, const char *label, const tenure_value question[3], tenure_value *ret)
{
	__atomic_fetch_add(&drawn, 1, __ATOMIC_SEQ_CST);
	return know(user, label, question, ret);
}
static const tenure_front front = { .size = sizeof(front), .wait = wait_front, .message = hear, .value = know, .ask = draw };
static tenure_cache *shown;

TENURE_DECLARE(get_choice, struct book, (int, n));
static int make_choice(tenure_call *call, const get_choice_args *a, struct book **ret)
{
	bool choice = tenure_ask_bool(call, "choice", false);

	TN_FAULT("test.choice");
	*ret = book_new(choice ? a->n : -a->n);
	return tenure_say(call, TENURE_TEXT, "made %d", (*ret)->number);
}
TENURE_DEFINE(get_choice, .cache = &shown, .create = make_choice, .release = book_release, .ttl_ns = 1, .max_stale = "1h",
	      .refresh = TENURE_BACKGROUND);

static void T4_a_refresh_has_no_front_and_the_entrys_own_inputs_U4_U3(void **state)
{
	TENURE_LEASE(get_choice, l);
	tenure_session *session;
	long heard, seen;
	static int yes;
	tenure_stats stats;

	(void)state;
	assert_int_equal(tenure_cache_open(&shown, .name = "shown", .front = &front), 0);
	assert_int_equal(tenure_session_open("user", &yes, &session), 0);
	tenure_session_enter(session, NULL);
	assert_int_equal(tenure_get(get_choice, &l, 5), TENURE_CREATED);
	assert_int_equal(l.resource->number, 5);
	tenure_give_back(&l);
	heard = count_of(&messages);
	seen = count_of(&drawn);
	tn_fault_arm("test.choice", 0);
	assert_int_equal(tenure_get(get_choice, &l, 5), TENURE_STALE); /* the ttl is 1 ns */
	assert_int_equal(count_of(&messages), heard + 1); /* the hit's replay */
	assert_int_equal(count_of(&drawn), seen + 1);
	tenure_give_back(&l);
	tn_fault_await("test.choice"); /* it has asked: nobody drew */
	tenure_session_end(session); /* and the user has gone */
	tn_fault_release("test.choice");
	do
		assert_int_equal(tenure_get_stats(get_choice, &stats), 0);
	while (stats.refreshes == 0);
	assert_int_equal(count_of(&messages), heard + 1);
	assert_int_equal(count_of(&drawn), seen + 1);
	assert_int_equal(tenure_session_open("user", &yes, &session), 0);
	tenure_session_enter(session, NULL);
	assert_true(tenure_get(get_choice, &l, 5) >= 0); /* the new one stands under the same inputs, with the recording */
	assert_int_equal(l.resource->number, 5);
	assert_int_equal(count_of(&messages), heard + 2);
	assert_int_equal(stats.live, 1);
	tenure_give_back(&l);
	tenure_session_end(session);
	assert_int_equal(tenure_cache_close(&shown, TENURE_FOREVER), 0);
	assert_int_equal(count_of(&created), count_of(&released));
}

/* ---- create_on_worker: C5 */

static pthread_t creators_thread;
TENURE_DECLARE(get_far, struct book, (const char *, url), (int, n));
static int make_far(tenure_call *call, const get_far_args *a, struct book **ret)
{
	creators_thread = pthread_self();
	TN_FAULT("test.far");
	if (a->n == 1 && get_far.function.state_[0] != NULL && strcmp(a->url, "again") == 0) {
		TENURE_LEASE(get_far, l); /* on a worker it runs inline */

		if (tenure_get(get_far, &l, "inner", 2) < 0)
			return -1;
	}
	if (strcmp(a->url, "itself") == 0)
		return tenure_get(get_far, NULL, "itself", a->n);
	if (strcmp(a->url, "bad") == 0)
		return tenure_fail(call, "cannot reach %s", a->url);
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(get_far, CACHE, .create = make_far, .release = book_release, .create_on_worker = true);

static void *far_on_a_thread(void *unused)
{
	TENURE_LEASE(get_far, l);

	(void)unused;
	return (void *)(intptr_t)tenure_get(get_far, &l, "u", 1);
}

static void C5_the_first_caller_leaves_and_the_creator_goes_on(void **state)
{
	TENURE_LEASE(get_far, l);

	(void)state;
	tn_fault_arm("test.far", 0);
	assert_int_equal(tenure_get_within(get_far, 0, &l, "u", 1), TENURE_ETIMEDOUT);
	assert_null(l.resource);
	tn_fault_await("test.far");
	assert_int_equal(tenure_get_within(get_far, 0, &l, "u", 1), TENURE_ETIMEDOUT); /* one flight */
	tn_fault_release("test.far");
	assert_true(tenure_get(get_far, &l, "u", 1) >= 0);
	assert_int_equal(created, 1);
	assert_false(pthread_equal(creators_thread, pthread_self()));
}

static void C5_on_a_worker_it_is_one_flight_for_all_C1(void **state)
{
	pthread_t threads[8];
	int made = 0, joined = 0;

	(void)state;
	tn_fault_arm("test.far", 0);
	for (int i = 0; i < 8; i++)
		threads[i] = start(far_on_a_thread, NULL);
	tn_fault_await("test.far");
	tn_fault_release("test.far");
	for (int i = 0; i < 8; i++) {
		intptr_t result = (intptr_t)finish(threads[i]);

		made += result == TENURE_CREATED;
		joined += result == TENURE_JOINED || result == TENURE_HIT;
	}
	assert_int_equal(made, 1);
	assert_int_equal(joined, 7);
	assert_int_equal(created, 1);
}

static void C5_inside_a_worker_it_runs_inline(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(get_far, NULL, "again", 1), TENURE_CREATED);
	assert_int_equal(created, 2);
}

static void C5_a_failure_on_a_worker_reaches_its_caller_C2(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(get_far, NULL, "bad", 1), TENURE_EFAILED);
	assert_non_null(strstr(tenure_message(), "cannot reach bad"));
	assert_int_equal(tenure_creator_result(), -1);
}

static void C4_a_creator_on_a_worker_that_asks_for_itself_is_a_cycle(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(get_far, NULL, "itself", 1), TENURE_EFAILED);
	assert_int_equal(tenure_creator_result(), TENURE_ECYCLE);
}

static void C8_the_caller_awaits_the_release_for_its_worker(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(get_far, NULL, "u", 1), TENURE_CREATED);
	tn_fault_arm("worker.before_release", 0);
	tenure_clear_function(get_far);
	tn_fault_await("worker.before_release");
	assert_int_equal(tenure_get_within(get_far, 0, NULL, "u", 1), TENURE_ETIMEDOUT);
	assert_int_equal(created, 1);
	tn_fault_release("worker.before_release");
	assert_int_equal(tenure_get(get_far, NULL, "u", 1), TENURE_CREATED);
	assert_int_equal(released, 1);
}

static void C6_a_clear_wins_over_a_creator_on_a_worker(void **state)
{
	pthread_t thread;

	(void)state;
	tn_fault_arm("test.far", 0);
	thread = start(far_on_a_thread, NULL);
	tn_fault_await("test.far");
	assert_int_equal(tenure_clear_function(get_far), 1);
	tn_fault_release("test.far");
	assert_int_equal((intptr_t)finish(thread), TENURE_CREATED);
	await_count(&released, 1);
}

static void C5_a_creator_on_a_worker_whose_thread_exits_is_abandoned(void **state)
{
	(void)state;
	set_mode(EXIT);
	assert_int_equal(tenure_update(get_news, CACHE, .create_on_worker = true), 0);
	assert_int_equal(tenure_get_within(get_news, 0, NULL, "u", 1, ""), TENURE_ETIMEDOUT);
	await_failures(1);
	set_mode(NEW);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_CREATED);
	assert_int_equal(tenure_update(get_news, CACHE, .ttl = "100s", .max_stale = "300s", .refresh = TENURE_BACKGROUND,
				       .max_entries = 2), 0);
}

static void C2_an_abandoned_creator_on_a_worker_is_told_to_who_asked(void **state)
{
	(void)state;
	set_mode(ABANDON);
	assert_int_equal(tenure_update(get_news, CACHE, .create_on_worker = true), 0);
	assert_int_equal(tenure_get(get_news, NULL, "u", 1, ""), TENURE_EFAILED); /* not made again and again */
	assert_non_null(strstr(tenure_message(), "abandoned"));
	assert_int_equal(stats_of_news().abandoned, 1);
	assert_int_equal(tenure_update(get_news, CACHE, .ttl = "100s", .max_stale = "300s", .refresh = TENURE_BACKGROUND,
				       .max_entries = 2), 0);
}

static void L3_a_job_that_waits_behind_a_stuck_one_begins(void **state)
{
	(void)state;
	tn_fault_arm("test.far", 0);
	assert_int_equal(tenure_get_within(get_far, 0, NULL, "u", 1), TENURE_ETIMEDOUT);
	tn_fault_await("test.far");
	assert_int_equal(tenure_get_within(get_far, 0, NULL, "u", 2), TENURE_ETIMEDOUT); /* one worker stays for releases */
	assert_int_equal(count_of(&created), 0);
	advance(1.5);
	await_count(&created, 1); /* the second */
	tn_fault_release("test.far");
	await_count(&created, 2);
}

/* A creator that asks for another one on a worker, and leaves; then that one asks for the first. */
TENURE_DECLARE(get_inner, struct book, (int, n));
TENURE_DECLARE(get_outer, struct book, (int, n));
static int make_inner(tenure_call *call, const get_inner_args *a, struct book **ret)
{
	(void)call;
	TN_FAULT("test.inner");
	*ret = book_new(a->n);
	return tenure_get(get_outer, NULL, a->n) < 0 ? -1 : 0;
}
static int make_outer(tenure_call *call, const get_outer_args *a, struct book **ret)
{
	(void)call;
	*ret = book_new(a->n);
	if (tenure_get_within(get_inner, 0, NULL, a->n) != TENURE_ETIMEDOUT)
		return -1;
	TN_FAULT("test.outer");
	return 0;
}
TENURE_DEFINE(get_inner, CACHE, .create = make_inner, .release = book_release, .create_on_worker = true);
TENURE_DEFINE(get_outer, CACHE, .create = make_outer, .release = book_release);

static void *outer_on_a_thread(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get(get_outer, NULL, 1);
}

static void C4_who_has_left_is_part_of_no_cycle(void **state)
{
	pthread_t thread;

	(void)state;
	tn_fault_arm("test.inner", 0);
	tn_fault_arm("test.outer", 0);
	thread = start(outer_on_a_thread, NULL);
	tn_fault_await("test.inner");
	tn_fault_await("test.outer"); /* it has left */
	tn_fault_arm("flight.enrolled", 0);
	tn_fault_release("test.inner");
	tn_fault_await("flight.enrolled"); /* the inner one waits for the outer one */
	tn_fault_release("flight.enrolled");
	tn_fault_release("test.outer");
	assert_int_equal((intptr_t)finish(thread), TENURE_CREATED);
	assert_true(tenure_get(get_inner, NULL, 1) >= 0);
	assert_int_equal(created, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(T4_the_stale_one_is_served_while_one_refresh_runs),
		T(T4_before_the_ttl_nothing_is_refreshed_and_without_a_hit_neither),
		T(T4_the_hard_limit_ends_it_while_the_refresh_runs),
		T(T4_the_limit_is_twice_the_ttl_without_max_stale),
		T(T4_a_failed_refresh_keeps_the_old_one_and_pauses_longer_each_time),
		T(T4_an_abandoned_one_and_one_that_ends_its_thread_count_as_tries),
		T(T4_the_same_object_renews_its_entry_L4),
		T(T4_the_same_object_that_does_not_renew_is_released_once_L4),
		T(T4_what_a_refresh_keeps_moves_to_a_new_entry_C9),
		T(T4_a_ttl_of_0_from_a_refresh_ends_the_entry),
		T(T4_a_creators_own_ttl_is_what_makes_it_stale),
		T(T4_a_refresh_belongs_to_one_life),
		T(T4_a_drain_waits_for_a_running_refresh_too_L7),
		T(T4_a_refresh_takes_no_place_of_its_own_M1),
		T(T4_prepared_keys_and_peeks_tell_that_it_is_stale),
		T(T4_closing_while_a_refresh_waits_or_runs),
		T(T4_updated_options_reach_stale_entries_F3),
		T(F5_options_of_the_background_are_checked),
		T(T4_a_refresh_has_no_front_and_the_entrys_own_inputs_U4_U3),
		T(C5_the_first_caller_leaves_and_the_creator_goes_on),
		T(C5_on_a_worker_it_is_one_flight_for_all_C1),
		T(C5_inside_a_worker_it_runs_inline),
		T(C5_a_failure_on_a_worker_reaches_its_caller_C2),
		T(C4_a_creator_on_a_worker_that_asks_for_itself_is_a_cycle),
		T(C8_the_caller_awaits_the_release_for_its_worker),
		T(C6_a_clear_wins_over_a_creator_on_a_worker),
		T(C5_a_creator_on_a_worker_whose_thread_exits_is_abandoned),
		T(C2_an_abandoned_creator_on_a_worker_is_told_to_who_asked),
		T(L3_a_job_that_waits_behind_a_stuck_one_begins),
		T(C4_who_has_left_is_part_of_no_cycle),
	};
	return RUN(tests);
}
