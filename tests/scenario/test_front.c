/* SPDX-License-Identifier: Apache-2.0 */
/* test_front.c: what a user sees: spinner, messages and their replay, inputs. */
#include "support.h"

#include <math.h>
#include <sched.h>

#include "base/fault.h"

/* A front that writes down what it is told: one log for all sessions, each with its name. */
struct user {
	const char *name;
	bool checkbox; /* the widget's value */
	double slider;
	const char *text;
};
static char seen[8192];
static pthread_mutex_t seen_mutex = PTHREAD_MUTEX_INITIALIZER;
static int leave_with;

static void see(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void see(const char *format, ...)
{
	va_list arguments;
	size_t length;

	pthread_mutex_lock(&seen_mutex);
	length = strlen(seen);
	va_start(arguments, format);
	vsnprintf(seen + length, sizeof(seen) - length, format, arguments);
	va_end(arguments);
	pthread_mutex_unlock(&seen_mutex);
}

static const char *name_of(const void *user)
{
	return user == NULL ? "nobody" : ((const struct user *)user)->name;
}

static int on_wait(void *user, const tenure_activity *a)
{
	see("%s waits for %s%s;", name_of(user), a->text, a->show_time ? " (timed)" : "");
	if (a->progress[0] != '\0' || a->fraction >= 0)
		see("%s is told %s %.2f;", name_of(user), a->progress, a->fraction);
	return leave_with;
}
static void on_done(void *user, const tenure_activity *a)
{
	(void)a;
	see("%s done;", name_of(user));
}
static void on_message(void *user, int kind, const void *data, size_t size, bool replayed)
{
	see("%s %s %d:%.*s;", name_of(user), replayed ? "again" : "hears", kind, (int)size, (const char *)data);
}
static int answer(const struct user *user, const char *label, tenure_value *ret)
{
	if (strcmp(label, "check") == 0)
		*ret = tenure_bool(user->checkbox);
	else if (strcmp(label, "slide") == 0)
		*ret = tenure_real(user->slider);
	else if (strcmp(label, "text") == 0)
		*ret = tenure_string(user->text);
	else
		return TENURE_EINVAL;
	return 0;
}
static int on_value(void *user, const char *label, const tenure_value lhp[3], tenure_value *ret)
{
	(void)lhp;
	return answer(user, label, ret);
}
static int on_ask(void *user, const char *label, const tenure_value lhp[3], tenure_value *ret)
{
	(void)lhp;
	see("%s sees %s;", name_of(user), label);
	return answer(user, label, ret);
}
static const tenure_front front = {
	.size = sizeof(front), .wait = on_wait, .done = on_done, .message = on_message, .value = on_value, .ask = on_ask,
};

static struct user anna = { .name = "anna", .text = "a" }, bert = { .name = "bert", .text = "b" };
static tenure_session *annas, *berts;

static int64_t test_clock(void *user)
{
	(void)user;
	return __atomic_load_n(&test_now, __ATOMIC_SEQ_CST);
}

static int open_front(void **state)
{
	(void)state;
	created = released = 0;
	test_now = 1000000000;
	seen[0] = '\0';
	leave_with = 0;
	anna.checkbox = bert.checkbox = false;
	anna.slider = bert.slider = 1;
	if (tenure_cache_open(&cache, .front = &front, .now = test_clock) != 0)
		return -1;
	return tenure_session_open("anna", &anna, &annas) != 0 || tenure_session_open("bert", &bert, &berts) != 0;
}

static int close_front(void **state)
{
	tenure_session_enter(NULL, NULL);
	tenure_session_end(annas);
	tenure_session_end(berts);
	return tear_down(state);
}

static void forget(void)
{
	pthread_mutex_lock(&seen_mutex);
	seen[0] = '\0';
	pthread_mutex_unlock(&seen_mutex);
}

TENURE_DECLARE(talk, struct book, (int, n));
static int make_talk(tenure_call *c, const talk_args *a, struct book **ret)
{
	*ret = book_new(a->n);
	if (tenure_say(c, 99, "x") != TENURE_EINVAL || tenure_emit(c, 3, "x", 1) != TENURE_EINVAL)
		return -1;
	tenure_say(c, TENURE_SUCCESS, "made %d", a->n);
	TN_FAULT("test.talk");
	return tenure_emit(c, TENURE_FRONT + 2, "raw", 3);
}
TENURE_DEFINE(talk, .cache = &cache, .create = make_talk, .release = book_release, .show_time = true);

TENURE_DECLARE(quiet, struct book);
static int make_quiet(tenure_call *c, const quiet_args *a, struct book **ret)
{
	(void)c, (void)a;
	*ret = book_new(0);
	return 0;
}
TENURE_DEFINE(quiet, .cache = &cache, .create = make_quiet, .release = book_release, .spinner = "");
TENURE_DECLARE(named, struct book);
static int make_named(tenure_call *c, const named_args *a, struct book **ret)
{
	(void)c, (void)a;
	*ret = book_new(0);
	return 0;
}
TENURE_DEFINE(named, .cache = &cache, .create = make_named, .release = book_release, .spinner = "Loading");

static void U1_a_spinner_with_its_default_text_U2_and_its_time(void **state)
{
	(void)state;
	tenure_get(talk, NULL, 1);
	assert_non_null(strstr(seen, "nobody waits for Running `talk(...)`. (timed);"));
	assert_non_null(strstr(seen, "nobody done;"));
	forget();
	tenure_get(quiet, NULL);
	assert_string_equal(seen, "");
	tenure_get(named, NULL);
	assert_string_equal(seen, "nobody waits for Loading;nobody done;");
}

static void U3_messages_are_replayed_in_order_inside_a_session_only(void **state)
{
	(void)state;
	tenure_session_enter(annas, NULL);
	tenure_get(talk, NULL, 1);
	assert_non_null(strstr(seen, "anna hears 1:made 1;anna hears 66:raw;"));
	forget();
	assert_int_equal(tenure_get(talk, NULL, 1), TENURE_HIT);
	assert_string_equal(seen, "anna again 1:made 1;anna again 66:raw;");
	forget();
	tenure_session_enter(berts, NULL);
	assert_int_equal(tenure_get(talk, NULL, 1), TENURE_HIT);
	assert_string_equal(seen, "bert again 1:made 1;bert again 66:raw;");
	forget();
	tenure_session_enter(NULL, NULL);
	assert_int_equal(tenure_get(talk, NULL, 1), TENURE_HIT);
	assert_string_equal(seen, "");
}

static void *bert_gets(void *unused)
{
	(void)unused;
	tenure_session_enter(berts, NULL);
	return (void *)(intptr_t)tenure_get(talk, NULL, 1);
}

static void U3_a_waiter_hears_it_once_after_publication(void **state)
{
	pthread_t first, second;

	(void)state;
	tn_fault_arm("test.talk", 0);
	first = start(bert_gets, NULL);
	tn_fault_await("test.talk");
	tn_fault_arm("flight.enrolled", 0);
	second = start(bert_gets, NULL);
	tn_fault_await("flight.enrolled");
	forget();
	tn_fault_release("flight.enrolled");
	tn_fault_release("test.talk");
	assert_int_equal((intptr_t)finish(first), TENURE_CREATED);
	assert_int_equal((intptr_t)finish(second), TENURE_JOINED);
	assert_non_null(strstr(seen, "bert again 1:made 1;bert again 66:raw;"));
	assert_null(strstr(strstr(seen, "again 1") + 1, "again 1"));
}

static void U1_every_waiter_sees_the_spinner_and_may_be_sent_away(void **state)
{
	pthread_t first, second;

	(void)state;
	tn_fault_arm("test.talk", 0);
	first = start(bert_gets, NULL);
	tn_fault_await("test.talk");
	forget();
	leave_with = -42;
	second = start(bert_gets, NULL);
	assert_int_equal((intptr_t)finish(second), -42);
	assert_non_null(strstr(seen, "bert waits for Running `talk(...)`."));
	assert_non_null(strstr(seen, "bert done;"));
	tn_fault_release("test.talk");
	assert_int_equal((intptr_t)finish(first), TENURE_CREATED);
}

/* ---- inputs */

static int asks;
TENURE_DECLARE(model, struct book, (int, n));
static int make_model(tenure_call *c, const model_args *a, struct book **ret)
{
	bool check = tenure_ask_bool(c, "check", true);

	asks++;
	*ret = book_new(a->n + (check ? 100 : 0));
	if (check) /* asked in one branch only */
		(*ret)->number += (int)tenure_ask_number(c, "slide", 0, 10, 5);
	else if (strcmp(tenure_ask_text(c, "text", "?"), "") == 0)
		return -1;
	return 0;
}
TENURE_DEFINE(model, .cache = &cache, .create = make_model, .release = book_release);

static int model_of(tenure_session *session, int *ret_result)
{
	TENURE_LEASE(model, l);
	int result;

	tenure_session_enter(session, NULL);
	result = tenure_get(model, &l, 1);
	if (ret_result != NULL)
		*ret_result = result;
	return result < 0 ? result : l.resource->number;
}

static void U4_each_combination_of_inputs_has_its_own_entry(void **state)
{
	int result;

	(void)state;
	assert_int_equal(model_of(annas, &result), 1);
	assert_int_equal(result, TENURE_CREATED);
	forget();
	assert_int_equal(model_of(annas, &result), 1);
	assert_int_equal(result, TENURE_HIT);
	assert_string_equal(seen, "anna sees check;anna sees text;"); /* a hit draws them again */
	anna.checkbox = true;
	assert_int_equal(model_of(annas, &result), 102);
	assert_int_equal(result, TENURE_CREATED);
	anna.slider = 7;
	assert_int_equal(model_of(annas, &result), 108);
	assert_int_equal(result, TENURE_CREATED);
	anna.checkbox = false;
	assert_int_equal(model_of(annas, &result), 1);
	assert_int_equal(result, TENURE_HIT);
	bert.checkbox = true;
	bert.slider = 7;
	assert_int_equal(model_of(berts, &result), 108); /* anna's */
	assert_int_equal(result, TENURE_HIT);
	bert.checkbox = false;
	assert_int_equal(model_of(berts, &result), 1);
	assert_int_equal(result, TENURE_CREATED); /* another text */
	assert_int_equal(asks, 4);
	asks = 0;
	assert_int_equal(tenure_clear_entry(model, 1), 4); /* every combination */
}

static void U4_without_a_session_an_input_has_its_preset(void **state)
{
	int result;

	(void)state;
	assert_int_equal(model_of(NULL, &result), 106);
	assert_int_equal(model_of(NULL, &result), 106);
	assert_int_equal(result, TENURE_HIT);
	anna.checkbox = true;
	anna.slider = 99; /* out of its bounds: the preset */
	assert_int_equal(model_of(annas, &result), 106);
	asks = 0;
}

static void *berts_model(void *unused)
{
	int result;

	(void)unused;
	model_of(berts, &result);
	return (void *)(intptr_t)result;
}

static void *annas_model(void *unused)
{
	int result;

	(void)unused;
	model_of(annas, &result);
	return (void *)(intptr_t)result;
}

static void U4_a_waiter_whose_values_differ_tries_again(void **state)
{
	pthread_t first, second;

	(void)state;
	bert.checkbox = true;
	tn_fault_arm("publish.before_slot", 0);
	first = start(annas_model, NULL);
	tn_fault_await("publish.before_slot");
	second = start(berts_model, NULL);
	tn_fault_release("publish.before_slot");
	assert_int_equal((intptr_t)finish(first), TENURE_CREATED);
	assert_int_equal((intptr_t)finish(second), TENURE_CREATED);
	assert_int_equal(created, 2);
	asks = 0;
}

static void U4_prepared_keys_and_capacity_know_inputs(void **state)
{
	TENURE_LEASE(model, l);
	tenure_key *key;

	(void)state;
	assert_int_equal(tenure_prepare(model, &key, 1), 0);
	tenure_session_enter(annas, NULL);
	assert_int_equal(tenure_get_key(model, &l, key), TENURE_CREATED);
	tenure_give_back(&l);
	assert_int_equal(tenure_get_key(model, &l, key), TENURE_HIT);
	tenure_give_back(&l);
	anna.checkbox = true;
	assert_int_equal(tenure_get_key(model, &l, key), TENURE_CREATED);
	tenure_key_free(key);
	asks = 0;
}

static int drawn; /* how often */
static int on_ask_again(void *user, const char *label, const tenure_value lhp[3], tenure_value *ret)
{
	(void)user, (void)label, (void)lhp;
	*ret = tenure_bool(++drawn % 2 == 1); /* the user moves it meanwhile */
	return 0;
}
static int on_value_as_first(void *user, const char *label, const tenure_value lhp[3], tenure_value *ret)
{
	(void)user, (void)label;
	*ret = tenure_bool(!lhp[2].as.truth);
	return 0;
}
static const tenure_front restless = { .size = sizeof(restless), .ask = on_ask_again, .value = on_value_as_first };

TENURE_DECLARE(twice, struct book);
static void *ask_too(void *call)
{
	tenure_call_attach(call);
	assert_true(tenure_ask_bool(call, "check", false));
	tenure_call_detach(call);
	return NULL;
}
static int make_twice(tenure_call *c, const twice_args *a, struct book **ret)
{
	(void)a;
	*ret = book_new(0);
	if (!tenure_ask_bool(c, "check", false) || !tenure_ask_bool(c, "check", false))
		return -1;
	finish(start(ask_too, c));
	return tenure_ask_bool(c, "check", true) ? -1 : 0; /* another question, with an answer of its own */
}
TENURE_DEFINE(twice, .cache = &cache, .create = make_twice, .release = book_release);

static void U4_the_same_question_has_the_same_answer(void **state)
{
	tenure_cache *kept = cache;
	tenure_stats stats;

	(void)state;
	drawn = 0;
	assert_int_equal(tenure_cache_open(&cache, .front = &restless), 0);
	tenure_session_enter(annas, NULL);
	assert_int_equal(tenure_get(twice, NULL), TENURE_CREATED);
	assert_int_equal(drawn, 2);
	assert_int_equal(tenure_get(twice, NULL), TENURE_HIT); /* nobody could, if one question had two answers */
	assert_int_equal(drawn, 4);
	assert_int_equal(tenure_get_stats(twice, &stats), 0);
	assert_int_equal(stats.live, 1);
	tenure_session_enter(NULL, NULL);
	assert_int_equal(tenure_cache_close(&cache, TENURE_SECONDS(30)), 0);
	cache = kept;
}

static int broken; /* what the front returns instead of a value */
static int on_ask_broken(void *user, const char *label, const tenure_value lhp[3], tenure_value *ret)
{
	(void)user, (void)label;
	*ret = lhp[2];
	return strcmp(label, "bad") == 0 ? broken : 0;
}
static const tenure_front breaking = { .size = sizeof(breaking), .ask = on_ask_broken };

TENURE_DECLARE(broken_ask, struct book, (int, n));
static int make_broken_ask(tenure_call *c, const broken_ask_args *a, struct book **ret)
{
	const char *text;

	*ret = book_new(0);
	tenure_ask_bool(c, "good", false);
	text = tenure_ask_text(c, "bad", "preset");
	TN_FAULT("test.broken");
	if (strcmp(text, "preset") != 0 || tenure_ask_number(c, "bad", 0, 1, 0.5) != 0.5)
		return tenure_fail(c, "the preset is another one");
	return a->n == 1 ? tenure_fail(c, "these words are the creator's") : 0;
}
TENURE_DEFINE(broken_ask, .cache = &cache, .create = make_broken_ask, .release = book_release);

static void *get_broken(void *session)
{
	int result;

	tenure_session_enter(session, NULL);
	result = tenure_get(broken_ask, NULL, 0);
	return (void *)(intptr_t)(strstr(tenure_message(), "could not ask for the input \"bad\" of broken_ask()") != NULL ? result : 0);
}

static void U4_C2_an_error_of_ask_is_the_creations_for_all_who_wait(void **state)
{
	tenure_cache *kept = cache;
	pthread_t leader, waiter;

	(void)state;
	assert_int_equal(tenure_cache_open(&cache, .front = &breaking), 0);
	broken = -78;
	tn_fault_arm("test.broken", 0);
	leader = start(get_broken, annas);
	tn_fault_await("test.broken");
	tn_fault_arm("flight.enrolled", 0);
	waiter = start(get_broken, berts);
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	tn_fault_release("test.broken");
	assert_int_equal((intptr_t)finish(leader), -78);
	assert_int_equal((intptr_t)finish(waiter), -78);
	tenure_session_enter(annas, NULL);
	assert_int_equal(tenure_get(broken_ask, NULL, 1), -78);
	assert_non_null(strstr(tenure_message(), "the input \"bad\""));
	broken = 5; /* no error that a get could return */
	assert_int_equal(tenure_get(broken_ask, NULL, 0), TENURE_EFAILED);
	broken = 0;
	assert_int_equal(tenure_get(broken_ask, NULL, 0), TENURE_CREATED);
	broken = -78;
	assert_int_equal(tenure_get(broken_ask, NULL, 0), TENURE_HIT); /* drawn again; its value is known */
	tenure_session_enter(NULL, NULL);
	assert_int_equal(tenure_cache_close(&cache, TENURE_SECONDS(30)), 0);
	cache = kept;
}

/* ---- progress */

TENURE_DECLARE(slow, struct book, (int, n));
static int make_slow(tenure_call *c, const slow_args *a, struct book **ret)
{
	*ret = book_new(a->n);
	tenure_progress(c, 0.1, "part %d", 1); /* no tick yet */
	__atomic_fetch_add(&test_now, 100000000, __ATOMIC_SEQ_CST);
	tenure_progress(c, 0.2, "part %d", 2);
	tenure_progress(c, 0.3, "part %d", 3);
	__atomic_fetch_add(&test_now, 100000000, __ATOMIC_SEQ_CST);
	tenure_progress(c, 0.4, NULL); /* in the words of before */
	TN_FAULT("test.slow");
	for (int i = 0; i < 1000; i++)
		tenure_progress(c, 0.5 + i / 2000.0, "part %d", i);
	tenure_progress(c, NAN, "the last %s", a->n == 2 ? "\xc3\xa9" : "part");
	TN_FAULT("test.slow_again");
	tenure_progress(NULL, 0, "nothing");
	return 0;
}
TENURE_DEFINE(slow, .cache = &cache, .create = make_slow, .release = book_release);

static void U5_the_creators_own_thread_shows_it_once_a_tick(void **state)
{
	(void)state;
	tenure_get(slow, NULL, 1);
	assert_string_equal(seen, "nobody waits for Running `slow(...)`.;"
			    "nobody waits for Running `slow(...)`.;nobody is told part 2 0.20;"
			    "nobody waits for Running `slow(...)`.;nobody is told part 3 0.40;nobody done;");
	forget();
	tenure_get(slow, NULL, 1);
	assert_string_equal(seen, ""); /* not recorded */
}

static void *get_slow(void *session)
{
	tenure_session_enter(session, NULL);
	return (void *)(intptr_t)tenure_get(slow, NULL, 2);
}

static long told(const char *text)
{
	long count = 0;

	pthread_mutex_lock(&seen_mutex);
	for (const char *at = seen; (at = strstr(at, text)) != NULL; at++)
		count++;
	pthread_mutex_unlock(&seen_mutex);
	return count;
}

static void await_told(const char *text, long times)
{
	long now = 0;

	for (int i = 0; i < 100000000 && now < times; i++)
		now = told(text), sched_yield();
	assert_int_equal(now, times);
}

static void U5_every_waiter_sees_the_latest_and_no_more_often_than_a_tick(void **state)
{
	pthread_t leader, first, second;

	(void)state;
	tn_fault_arm("test.slow", 0);
	tn_fault_arm("test.slow_again", 0);
	tn_fault_arm("flight.enrolled", 0);
	leader = start(get_slow, NULL);
	tn_fault_await("test.slow");
	first = start(get_slow, annas);
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	await_told("anna is told part 3 0.40;", 1);
	tn_fault_release("test.slow");
	tn_fault_await("test.slow_again"); /* a thousand steps have been told, the clock stood */
	assert_int_equal(told("anna waits"), 1);
	tn_fault_arm("flight.enrolled", 0);
	second = start(get_slow, berts);
	tn_fault_await("flight.enrolled");
	tn_fault_release("flight.enrolled");
	await_told("bert is told the last \xc3\xa9 -1.00;", 1); /* who comes later sees the latest */
	advance(0.1);
	await_told("anna is told the last \xc3\xa9 -1.00;", 1);
	assert_int_equal(told("anna waits"), 2);
	tn_fault_release("test.slow_again");
	assert_int_equal((intptr_t)finish(leader), TENURE_CREATED);
	assert_int_equal((intptr_t)finish(first), TENURE_JOINED);
	assert_int_equal((intptr_t)finish(second), TENURE_JOINED);
}

TENURE_DECLARE(helped, struct book);
static tenure_call *helped_call;
static void *help(void *unused)
{
	(void)unused;
	tenure_call_attach(helped_call);
	__atomic_fetch_add(&test_now, 100000000, __ATOMIC_SEQ_CST);
	tenure_progress(helped_call, 7, "by a helper"); /* above 1 is 1 */
	tenure_call_detach(helped_call);
	tenure_progress(helped_call, -3, NULL);
	return NULL;
}
static int make_helped(tenure_call *c, const helped_args *a, struct book **ret)
{
	(void)a;
	*ret = book_new(0);
	helped_call = c;
	finish(start(help, NULL));
	see("then;");
	tenure_progress(c, 7, NULL);
	return 0;
}
TENURE_DEFINE(helped, .cache = &cache, .create = make_helped, .release = book_release);

static void U5_a_helper_tells_and_the_creators_thread_shows(void **state)
{
	(void)state;
	tenure_get(helped, NULL);
	assert_string_equal(seen, "nobody waits for Running `helped(...)`.;then;nobody waits for Running `helped(...)`.;"
			    "nobody is told by a helper 1.00;nobody done;");
}

/* ---- which call from where */

static int from_front;
static void meddle(void *user, int kind, const void *data, size_t size, bool replayed)
{
	(void)user, (void)kind, (void)data, (void)size, (void)replayed;
	from_front = tenure_get(quiet, NULL);
}
static const tenure_front meddling = { .size = sizeof(meddling), .message = meddle };

static void C3_a_front_may_not_get(void **state)
{
	tenure_cache *kept = cache;

	(void)state;
	assert_int_equal(tenure_cache_open(&cache, .front = &meddling), 0);
	tenure_get(talk, NULL, 1);
	assert_int_equal(from_front, TENURE_EREENTRANT);
	assert_non_null(strstr(tenure_message(), "a front"));
	assert_int_equal(tenure_cache_close(&cache, TENURE_SECONDS(30)), 0);
	cache = kept;
}

static talk_lease talkers;

static void give_back_now(void *user, int kind, const void *data, size_t size, bool replayed)
{
	(void)user, (void)kind, (void)data, (void)size;
	if (replayed) {
		assert_int_equal(tenure_discard(&talkers), 0); /* it is empty as yet */
		assert_int_equal(tenure_clear_all(cache), TENURE_EREENTRANT);
	}
}
static const tenure_front eager = { .size = sizeof(eager), .message = give_back_now };

static void L1_U3_a_front_cannot_take_the_lease_away_that_is_being_handed_out(void **state)
{
	tenure_session *session;

	(void)state;
	assert_int_equal(tenure_cache_close(&cache, TENURE_SECONDS(30)), 0);
	assert_int_equal(tenure_cache_open(&cache, .front = &eager, .now = test_clock), 0);
	assert_int_equal(tenure_session_open("eager", NULL, &session), 0);
	tenure_session_enter(session, NULL);
	assert_int_equal(tenure_get(talk, NULL, 1), TENURE_CREATED);
	for (int i = 0; i < 3; i++) { /* the slow way, and the one without a lock */
		assert_int_equal(tenure_get(talk, &talkers, 1), TENURE_HIT);
		book_check(talkers.resource);
		assert_int_equal(tenure_give_back(&talkers), 0);
	}
	tenure_session_end(session);
}

TENURE_DECLARE(get_refiller, struct book, (int, n));
static get_refiller_lease refilled;
static int make_refiller(tenure_call *c, const get_refiller_args *a, struct book **ret)
{
	(void)c;
	if (a->n == 1)
		assert_int_equal(tenure_get(get_refiller, &refilled, 2), TENURE_CREATED);
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(get_refiller, .cache = &cache, .create = make_refiller, .release = book_release);

static void L1_a_lease_that_a_creator_fills_meanwhile_is_not_overwritten(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(get_refiller, &refilled, 1), TENURE_EHELD);
	assert_int_equal(refilled.resource->number, 2);
	assert_int_equal(tenure_give_back(&refilled), 0);
	assert_int_equal(tenure_get(get_refiller, &refilled, 1), TENURE_HIT); /* it was made, and is kept */
	assert_int_equal(tenure_give_back(&refilled), 0);
}

static void U6_there_is_no_front_unless_asked_for(void **state)
{
	static const tenure_front old = { .size = 8 };
	tenure_cache *other;

	(void)state;
	assert_int_equal(tenure_cache_open(&other, .front = &old), TENURE_EINVAL);
	assert_int_equal(tenure_cache_open(&other, .workers = 65), TENURE_EINVAL);
	assert_int_equal(tenure_cache_open(&other, .exit_timeout = -1), TENURE_EINVAL);
	assert_int_equal(tenure_cache_open(&other, .front = &tenure_silent), 0);
	assert_int_equal(tenure_cache_close(&other, TENURE_SECONDS(5)), 0);
	assert_null(other);
	assert_int_equal(tenure_cache_close(&other, 0), TENURE_EINVAL);
}

static void S1_sessions_end_once(void **state)
{
	tenure_session *session, *before;

	(void)state;
	assert_int_equal(tenure_session_open("x", NULL, &session), 0);
	assert_int_equal(tenure_session_enter(annas, &before), 0);
	assert_null(before);
	assert_int_equal(tenure_session_enter(session, &before), 0);
	assert_ptr_equal(before, annas);
	assert_int_equal(tenure_session_end(session), 0);
	assert_int_equal(tenure_session_enter(before, &before), 0);
	assert_int_equal(tenure_session_end(NULL), 0);
}

#define S(name) cmocka_unit_test_setup_teardown(name, open_front, close_front)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(U1_a_spinner_with_its_default_text_U2_and_its_time),
		S(U3_messages_are_replayed_in_order_inside_a_session_only),
		S(U3_a_waiter_hears_it_once_after_publication),
		S(U1_every_waiter_sees_the_spinner_and_may_be_sent_away),
		S(U4_each_combination_of_inputs_has_its_own_entry),
		S(U4_without_a_session_an_input_has_its_preset),
		S(U4_a_waiter_whose_values_differ_tries_again),
		S(U4_prepared_keys_and_capacity_know_inputs),
		S(U4_the_same_question_has_the_same_answer),
		S(U4_C2_an_error_of_ask_is_the_creations_for_all_who_wait),
		S(U5_the_creators_own_thread_shows_it_once_a_tick),
		S(U5_every_waiter_sees_the_latest_and_no_more_often_than_a_tick),
		S(U5_a_helper_tells_and_the_creators_thread_shows),
		S(C3_a_front_may_not_get),
		S(L1_U3_a_front_cannot_take_the_lease_away_that_is_being_handed_out),
		S(L1_a_lease_that_a_creator_fills_meanwhile_is_not_overwritten),
		S(U6_there_is_no_front_unless_asked_for),
		S(S1_sessions_end_once),
	};

	return RUN(tests);
}
