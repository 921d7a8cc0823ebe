/* SPDX-License-Identifier: Apache-2.0 */
/* test_inputs.c: U4 in the large: many combinations of inputs, their tree, and what can happen to it while it is asked. */
#include "support.h"

#include <sched.h>
#include <time.h>

#include "base/fault.h"

/* What the front answers: by label, on this thread. */
static __thread double number;
static __thread bool truth;
static __thread const char *text = "";

static int answer(const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	if (strcmp(label, "truth") == 0)
		*ret = tenure_bool(truth);
	else if (strcmp(label, "text") == 0)
		*ret = tenure_string(text);
	else
		*ret = tenure_real(number);
	return low_high_preset[2].kind == ret->kind ? 0 : -1;
}

static int value(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	(void)front_user;
	TN_FAULT("test.value");
	return answer(label, low_high_preset, ret);
}

static int ask(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	(void)front_user;
	return answer(label, low_high_preset, ret);
}

static const tenure_front front = { .size = sizeof(front), .value = value, .ask = ask };
static tenure_cache *shown;
static tenure_session *session;
static long makers; /* atomic */
static int otherwise; /* atomic: the creator asks something else first */

TENURE_DECLARE(get_chart, struct book, (int, n));

/* 0 asks for a number; 1 for a truth, and according to that for a number or a text. */
static int make_chart(tenure_call *c, const get_chart_args *a, struct book **ret)
{
	TN_FAULT("test.creator");
	*ret = book_new((int)__atomic_add_fetch(&makers, 1, __ATOMIC_SEQ_CST));
	if (__atomic_load_n(&otherwise, __ATOMIC_SEQ_CST))
		tenure_ask_bool(c, "truth", false);
	else if (a->n == 0)
		tenure_ask_number(c, "number", 0, 1e9, 0);
	else if (tenure_ask_bool(c, "truth", false))
		tenure_ask_text(c, "text", "none");
	else
		tenure_ask_number(c, "number", 0, 1e9, 0);
	return 0;
}
TENURE_DEFINE(get_chart, .cache = &shown, .create = make_chart, .release = book_release);

static int64_t shown_now(void *user)
{
	(void)user;
	return __atomic_load_n(&test_now, __ATOMIC_SEQ_CST);
}

static int open_all(void **state)
{
	makers = otherwise = 0;
	number = 0;
	truth = false;
	text = "";
	if (set_up(state) != 0 || tenure_cache_open(&shown, .name = "shown", .front = &front, .now = shown_now) != 0 ||
	    tenure_session_open("s", NULL, &session) != 0)
		return -1;
	return tenure_session_enter(session, NULL);
}

static int close_all(void **state)
{
	tn_fault_reset();
	tenure_session_end(session);
	if (tenure_cache_close(&shown, TENURE_SECONDS(30)) != 0)
		return -1;
	return tear_down(state);
}

static tenure_stats stats(void)
{
	tenure_stats s;

	assert_int_equal(tenure_get_stats(get_chart, &s), 0);
	return s;
}

/* Which chart these answers lead to. */
static int chart(int n, int *ret_result)
{
	TENURE_LEASE(get_chart, l);
	int result = tenure_get(get_chart, &l, n);

	if (ret_result != NULL)
		*ret_result = result;
	assert_true(result >= 0);
	return l.resource->number;
}

static void U4_a_hit_among_many_combinations_takes_a_few_steps(void **state)
{
	enum { MANY = 3000 };
	long most = 0;

	(void)state;
	for (number = 0; number < MANY; number++)
		assert_int_equal(chart(0, NULL), (int)number + 1);
	tn_fault_arm("test.never", 0); /* arrivals are counted */
	for (number = 0; number < MANY; number += 7) {
		long before = tn_fault_arrivals("tree.step"), steps;

		assert_int_equal(chart(0, NULL), (int)number + 1);
		steps = tn_fault_arrivals("tree.step") - before;
		most = steps > most ? steps : most;
	}
	assert_true(most >= 1 && most <= 40); /* log2(3000) is 11.6 */
	assert_int_equal(stats().live, MANY);
	assert_int_equal(tenure_clear_entry(get_chart, 0), MANY);
	assert_int_equal(stats().live, 0);
}

static void *clear_zero(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_clear_entry(get_chart, 0);
}

static void Z1_U4_a_clear_of_many_combinations_goes_in_batches_and_leaves_what_comes_in_between(void **state)
{
	pthread_t clearer;
	int fresh;

	(void)state;
	for (number = 0; number < 1000; number++)
		chart(0, NULL);
	tn_fault_arm("clear.between_inputs", 0);
	clearer = start(clear_zero, NULL);
	tn_fault_await("clear.between_inputs");
	number = 5000;
	fresh = chart(0, NULL);
	tn_fault_release("clear.between_inputs");
	assert_int_equal((intptr_t)finish(clearer), 1000);
	assert_int_equal(chart(0, NULL), fresh);
	assert_int_equal(stats().live, 1);
}

static void U4_a_creator_that_asks_otherwise_replaces_what_was_asked_before(void **state)
{
	int result, first;

	(void)state;
	for (number = 0; number < 600; number++)
		chart(0, NULL);
	otherwise = 1; /* whatever the number is, the truth is asked now */
	first = chart(0, &result); /* 600: a number that was not there yet */
	assert_int_equal(result, TENURE_CREATED);
	assert_int_equal(stats().retired_replaced, 600);
	number = 3;
	assert_int_equal(chart(0, &result), first);
	assert_int_equal(result, TENURE_HIT);
	truth = true;
	assert_true(chart(0, NULL) != first);
	truth = false;
	assert_int_equal(chart(0, NULL), first);
	assert_int_equal(stats().live, 2);
}

static void *get_zero(void *answer_of_it)
{
	TENURE_LEASE(get_chart, l);
	int result;

	tenure_session_enter(session, NULL);
	number = *(double *)answer_of_it;
	result = tenure_get(get_chart, &l, 0);
	return (void *)(intptr_t)(result < 0 ? result : l.resource->number);
}

static void U4_the_tree_may_go_while_the_front_is_asked(void **state)
{
	double two = 2;
	pthread_t asker;
	int again;

	(void)state;
	number = 1;
	chart(0, NULL);
	tn_fault_arm("test.value", 0);
	asker = start(get_zero, &two);
	tn_fault_await("test.value");
	assert_int_equal(tenure_clear_function(get_chart), 1);
	assert_int_equal(tenure_drain(get_chart, TENURE_SECONDS(30)), 0); /* the entry is gone, with its question */
	again = chart(0, NULL);
	tn_fault_release("test.value");
	assert_true((intptr_t)finish(asker) > again);
	assert_int_equal(stats().live, 2);
}

static void U4_the_tree_may_go_while_another_combination_is_made(void **state)
{
	double two = 2;
	pthread_t maker;
	int result;

	(void)state;
	number = 1;
	chart(0, NULL);
	for (int i = 0; i < 2; i++) {
		tn_fault_arm("test.creator", 0);
		maker = start(get_zero, &two);
		tn_fault_await("test.creator");
		number = 1;
		chart(0, &result); /* still a hit */
		assert_int_equal(result, TENURE_HIT);
		if (i == 0)
			assert_int_equal(tenure_clear_entry(get_chart, 0), 2); /* the one that is made, too */
		else
			tenure_clear_function(get_chart);
		tn_fault_release("test.creator");
		assert_true((intptr_t)finish(maker) > 0);
		assert_int_equal(stats().live, 0);
		number = 1;
		chart(0, &result);
		assert_int_equal(result, TENURE_CREATED);
	}
	assert_int_equal(tenure_clear_function(get_chart), 1);
}

/* ---- against a list of what must be there */

struct known { /* a combination that was answered, and the chart that it led to */
	double number;
	bool truth;
	const char *text;
	int n, chart; /* chart 0: none in service */
};

static bool same_path(const struct known *k, int n)
{
	if (k->n != n || (n == 1 && k->truth != truth))
		return false;
	return n == 1 && truth ? strcmp(k->text, text) == 0 : memcmp(&k->number, &number, sizeof(number)) == 0;
}

static uint64_t random_state;
static uint64_t rnd(uint64_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (random_state >> 33) % below;
}

static void U4_random_combinations_lead_to_what_was_made_for_them(void **state)
{
	enum { MOST = 2000, STEPS = 20000 };
	static struct known known[MOST];
	static char texts[40][8];
	int count = 0, result;

	(void)state;
	random_state = (uint64_t)time(NULL);
	printf("# seed %ju\n", (uintmax_t)random_state);
	for (int i = 0; i < 40; i++)
		snprintf(texts[i], sizeof(texts[i]), "%d", i * i);
	for (int step = 0; step < STEPS; step++) {
		int n = (int)rnd(2), made, at;

		number = rnd(20) == 0 ? 0.0 : (double)rnd(300) / 4;
		number = number == 0 && rnd(2) ? -0.0 : number;
		truth = rnd(2);
		text = texts[rnd(40)];
		if (rnd(2000) == 0) {
			tenure_clear_entry(get_chart, n);
			for (at = 0; at < count; at++)
				known[at].chart = known[at].n == n ? 0 : known[at].chart;
			continue;
		}
		for (at = 0; at < count && !same_path(&known[at], n); at++)
			;
		if (at == count) {
			assert_true(count < MOST);
			known[count++] = (struct known){ number, truth, text, n, 0 };
		}
		if (rnd(4) == 0 && known[at].chart != 0) { /* this one out of the tree */
			TENURE_LEASE(get_chart, l);

			assert_int_equal(tenure_get(get_chart, &l, n), TENURE_HIT);
			assert_int_equal(l.resource->number, known[at].chart);
			assert_int_equal(tenure_discard(&l), 0);
			known[at].chart = 0;
			continue;
		}
		made = chart(n, &result);
		assert_int_equal(result, known[at].chart == 0 ? TENURE_CREATED : TENURE_HIT);
		assert_true(known[at].chart == 0 || known[at].chart == made);
		known[at].chart = made;
	}
	for (int at = 0; at < count; at++)
		result = at == 0 ? known[at].chart != 0 : result + (known[at].chart != 0);
	assert_int_equal(stats().live, result);
}

#define S(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(U4_a_hit_among_many_combinations_takes_a_few_steps),
		S(Z1_U4_a_clear_of_many_combinations_goes_in_batches_and_leaves_what_comes_in_between),
		S(U4_a_creator_that_asks_otherwise_replaces_what_was_asked_before),
		S(U4_the_tree_may_go_while_the_front_is_asked),
		S(U4_the_tree_may_go_while_another_combination_is_made),
		S(U4_random_combinations_lead_to_what_was_made_for_them),
	};

	return RUN(tests);
}
