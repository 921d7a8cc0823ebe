/* SPDX-License-Identifier: Apache-2.0 */
/* test_observe.c: entries as data, the dump, OpenMetrics text; a real parser reads the latter in tests/api/metrics.py. */
#include "support.h"

#include "base/fault.h"
#include "base/text.h"

#define CACHE .cache = &cache

TENURE_DECLARE(get_book, struct book, (const char *, name), (int, n));
static int make_book(tenure_call *c, const get_book_args *a, struct book **ret)
{
	*ret = book_new(a->n);
	__atomic_fetch_add(&test_now, 250000000, __ATOMIC_SEQ_CST);
	TN_FAULT("test.creator");
	return a->n < 0 ? tenure_fail(c, "told to") : 0;
}
TENURE_DEFINE(get_book, CACHE, .create = make_book, .release = book_release, .ttl = "1h", .max_entries = 4);

/* ---- entries */

struct seen {
	int count, stop_at;
	tenure_entry_info infos[16];
	char arguments[16][256];
};

static int see(void *user, const tenure_entry_info *info)
{
	struct seen *seen = user;

	assert_string_equal(info->function, "get_book");
	assert_in_range(seen->count, 0, 15);
	seen->infos[seen->count] = *info;
	snprintf(seen->arguments[seen->count], 256, "%s", info->arguments);
	return ++seen->count == seen->stop_at ? 77 : 0;
}

static const tenure_entry_info *find(const struct seen *seen, const char *arguments)
{
	for (int i = 0; i < seen->count; i++) {
		if (strcmp(seen->arguments[i], arguments) == 0)
			return &seen->infos[i];
	}
	return NULL;
}

static void *get_slowly(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get(get_book, NULL, "slow", 9);
}

static void O1_each_entry_is_told_as_data(void **state)
{
	TENURE_LEASE(get_book, a);
	TENURE_LEASE(get_book, b);
	struct seen seen = { 0 };
	const tenure_entry_info *info;
	pthread_t thread;

	(void)state;
	assert_int_equal(tenure_each_entry(cache, see, &seen), 0);
	assert_int_equal(seen.count, 0);
	tenure_get(get_book, &a, "leased", 1);
	tenure_get(get_book, NULL, "free", 2);
	tenure_get(get_book, &b, "gone", 3);
	tenure_clear_entry(get_book, "gone", 3);
	advance(60);
	tn_fault_arm("test.creator", 0);
	thread = start(get_slowly, NULL);
	tn_fault_await("test.creator");
	assert_int_equal(tenure_each_entry(cache, see, &seen), 0);
	assert_int_equal(seen.count, 4);
	info = find(&seen, "\"leased\", 1");
	assert_string_equal(info->state, "live");
	assert_null(info->cause);
	assert_int_equal(info->leases, 1);
	assert_int_equal(info->creation_time, 250000000);
	assert_int_equal(info->age, 60500000000);
	assert_int_equal(info->time_left, TENURE_SECONDS(3600) - 60500000000);
	info = find(&seen, "\"free\", 2");
	assert_int_equal(info->leases, 0);
	info = find(&seen, "\"gone\", 3");
	assert_string_equal(info->state, "retired");
	assert_string_equal(info->cause, "cleared");
	assert_int_equal(info->leases, 1);
	assert_int_equal(info->time_left, TENURE_FOREVER);
	info = find(&seen, "\"slow\", 9");
	assert_string_equal(info->state, "creating");
	assert_int_equal(info->creation_time, 0);
	assert_int_equal(info->leases, 0);
	tn_fault_release("test.creator");
	assert_int_equal((intptr_t)finish(thread), TENURE_CREATED);

	seen.count = 0;
	seen.stop_at = 2;
	assert_int_equal(tenure_each_entry(cache, see, &seen), 77); /* not 0 ends it */
	assert_int_equal(seen.count, 2);
	assert_int_equal(tenure_each_entry(cache, NULL, NULL), TENURE_EINVAL);
}

static void O1_what_failed_and_is_being_released_is_told_too(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	tn_fault_arm("worker.before_release", 0);
	tenure_get(get_book, NULL, "bad", -1);
	tn_fault_await("worker.before_release");
	tenure_each_entry(cache, see, &seen);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.infos[0].state, "releasing");
	assert_null(seen.infos[0].cause);
	assert_int_equal(seen.infos[0].age, 0);
	tn_fault_release("worker.before_release");
}

static int visits;
static int meddle(void *user, const tenure_entry_info *info)
{
	TENURE_LEASE(get_book, l);

	(void)user, (void)info;
	assert_in_range(++visits, 1, 3);
	assert_int_equal(tenure_get(get_book, &l, "new", visits + 100), TENURE_CREATED); /* no lock is held */
	return tenure_clear_function(get_book) >= 0 ? 0 : -1;
}

static void O1_a_visit_may_call_and_the_walk_ends(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		tenure_get(get_book, NULL, "u", i);
	visits = 0;
	assert_int_equal(tenure_each_entry(cache, meddle, NULL), 0);
	assert_in_range(visits, 1, 3); /* what was cleared may be released by now; what came is not visited */
}

/* ---- text */

static char text[200000];
static long pieces;

static int collect(void *user, const char *piece, size_t size)
{
	size_t length = strlen(text);

	(void)user;
	pieces++;
	assert_true(length + size < sizeof(text));
	memcpy(text + length, piece, size);
	text[length + size] = '\0';
	return 0;
}

static int dump(tenure_cache *of, unsigned flags)
{
	text[0] = '\0';
	pieces = 0;
	return tenure_dump(of, flags, collect, NULL);
}

static int refuse(void *user, const char *piece, size_t size)
{
	(void)piece, (void)size;
	return ++*(int *)user == 2 ? -5 : 0;
}

static void O1_flags_of_the_dump_that_do_not_go_together(void **state)
{
	(void)state;
	assert_int_equal(dump(cache, 16), TENURE_EINVAL);
	assert_non_null(strstr(tenure_message(), "0x10"));
	assert_int_equal(dump(cache, TENURE_DUMP_OPENMETRICS | TENURE_DUMP_ARGUMENTS), TENURE_EINVAL);
	assert_int_equal(dump(cache, TENURE_DUMP_OPENMETRICS | TENURE_DUMP_HOLDERS), TENURE_EINVAL);
	assert_non_null(strstr(tenure_message(), "counters only"));
	assert_int_equal(dump(NULL, TENURE_DUMP_EVERY_CACHE), TENURE_EINVAL);
	assert_int_equal(dump(cache, TENURE_DUMP_EVERY_CACHE | TENURE_DUMP_OPENMETRICS), TENURE_EINVAL);
	assert_string_equal(text, "");
	assert_int_equal(dump(cache, TENURE_DUMP_ARGUMENTS | TENURE_DUMP_HOLDERS), 0);
	assert_int_equal(dump(NULL, TENURE_DUMP_EVERY_CACHE | TENURE_DUMP_OPENMETRICS), 0);
}

static bool has(const char *line)
{
	const char *at = strstr(text, line);

	return at != NULL && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

static void O1_openmetrics_says_what_the_counters_say(void **state)
{
	int calls = 0;
	TENURE_LEASE(get_book, l);

	(void)state;
	tenure_get(get_book, &l, "u", 1);
	for (int i = 0; i < 5; i++)
		tenure_get(get_book, NULL, "u", 1);
	advance(0); /* the creator moved the clock */
	tenure_get(get_book, NULL, "u", -1);
	advance(0);
	tenure_get(get_book, NULL, "u", 2);
	tenure_clear_entry(get_book, "u", 2);
	advance(0);
	assert_true(tenure_drain_all(cache, 0) >= 1);
	await_count(&released, 2);
	assert_int_equal(dump(cache, TENURE_DUMP_OPENMETRICS), 0);
	assert_true(has("# TYPE tenure_hits counter"));
	assert_true(has("# HELP tenure_hits calls that got what was there"));
	assert_true(has("tenure_hits_total{cache=\"test\",function=\"get_book\"} 5"));
	assert_true(has("tenure_misses_total{cache=\"test\",function=\"get_book\"} 3"));
	assert_true(has("tenure_creations_total{cache=\"test\",function=\"get_book\"} 2"));
	assert_true(has("# UNIT tenure_creation_time_seconds seconds"));
	assert_true(has("tenure_creation_time_seconds_total{cache=\"test\",function=\"get_book\"} 0.500000000"));
	assert_true(has("tenure_failures_total{cache=\"test\",function=\"get_book\"} 1"));
	assert_true(has("tenure_retirements_total{cache=\"test\",function=\"get_book\",cause=\"cleared\"} 2"));
	assert_true(has("tenure_retirements_total{cache=\"test\",function=\"get_book\",cause=\"expired\"} 0"));
	assert_true(has("# TYPE tenure_retired gauge"));
	assert_true(has("tenure_retired{cache=\"test\",function=\"get_book\"} 1"));
	assert_true(has("# EOF"));
	assert_true(strlen(text) >= 6 && strcmp(text + strlen(text) - 6, "# EOF\n") == 0);
	assert_null(strstr(text, "\"u\""));
	assert_true(pieces > 1);
	assert_int_equal(tenure_dump(cache, TENURE_DUMP_OPENMETRICS, refuse, &calls), -5);
	assert_int_equal(calls, 2); /* and no more */
}

static void O1_a_dump_has_every_counter_that_is_not_zero_with_its_sentence(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		tenure_get(get_book, NULL, "u", i);
	dump(cache, 0);
	assert_non_null(strstr(text, "creations                     6  creations that succeeded\n"));
	assert_non_null(strstr(text, "retired_capacity              2  it made room for another\n"));
	assert_null(strstr(text, "failures"));
	assert_non_null(strstr(text, "get_book(...)\n"));
	assert_null(strstr(text, "by thread"));
}

/* ---- names */

static void O1_well_formed_characters_are_told_from_others(void **state)
{
	char cut[8];

	(void)state;
	assert_int_equal(tn_utf8_size("a", 1), 1);
	assert_int_equal(tn_utf8_size("", 0), 0);
	assert_int_equal(tn_utf8_size("\xc3\xa9", 2), 2);
	assert_int_equal(tn_utf8_size("\xc3\xa9", 1), 0);
	assert_int_equal(tn_utf8_size("\xe2\x82\xac", 3), 3);
	assert_int_equal(tn_utf8_size("\xf0\x9f\x98\x80", 4), 4);
	assert_int_equal(tn_utf8_size("\xf4\x8f\xbf\xbf", 4), 4);
	assert_int_equal(tn_utf8_size("\xf4\x90\x80\x80", 4), 0); /* beyond U+10FFFF */
	assert_int_equal(tn_utf8_size("\xed\xa0\x80", 3), 0); /* a surrogate */
	assert_int_equal(tn_utf8_size("\xc0\x80", 2), 0); /* overlong */
	assert_int_equal(tn_utf8_size("\xe0\x9f\xbf", 3), 0);
	assert_int_equal(tn_utf8_size("\xf0\x8f\xbf\xbf", 4), 0);
	assert_int_equal(tn_utf8_size("\x80", 1), 0);
	assert_int_equal(tn_utf8_size("\xff", 1), 0);
	assert_int_equal(tn_utf8_size("\xe2\x28\xa1", 3), 0);
	snprintf(cut, sizeof(cut), "%s", "ab\xe2\x82");
	tn_text_trim(cut);
	assert_string_equal(cut, "ab");
	snprintf(cut, sizeof(cut), "%s", "\xc3\xa9");
	tn_text_trim(cut);
	assert_string_equal(cut, "\xc3\xa9");
	snprintf(cut, sizeof(cut), "%s", "\x80\x80\x80\x80");
	tn_text_trim(cut);
	assert_string_equal(cut, "\x80\x80\x80\x80"); /* nonsense stays nonsense */
	snprintf(cut, sizeof(cut), "%s", "");
	tn_text_trim(cut);
	assert_string_equal(cut, "");
}

TENURE_DECLARE(first_of_name, struct book);
TENURE_DECLARE(second_of_name, struct book);
static int make_first_of_name(tenure_call *c, const first_of_name_args *a, struct book **ret)
{
	(void)c, (void)a;
	*ret = book_new(1);
	return 0;
}
static int make_second_of_name(tenure_call *c, const second_of_name_args *a, struct book **ret)
{
	(void)c, (void)a;
	*ret = book_new(2);
	return 0;
}
TENURE_DEFINE(first_of_name, CACHE, .create = make_first_of_name, .release = book_release);
TENURE_DEFINE(second_of_name, CACHE, .create = make_second_of_name, .release = book_release);

static void O1_functions_of_one_name_are_one_series(void **state)
{
	static const char NAME[] = "evil\"name\\with\nlines\r\xff\xc3";
	const char *series;

	(void)state;
	first_of_name.definition.name = second_of_name.definition.name = NAME;
	tenure_get(first_of_name, NULL);
	tenure_get(second_of_name, NULL);
	tenure_get(second_of_name, NULL);
	tenure_get(get_book, NULL, "u", 1);
	assert_int_equal(dump(cache, TENURE_DUMP_OPENMETRICS), 0);
	assert_true(has("tenure_creations_total{cache=\"test\",function=\"evil\\\"name\\\\with\\nlines\xef\xbf\xbd\xef\xbf\xbd"
			"\xef\xbf\xbd\"} 2"));
	series = strstr(text, "tenure_live{cache=\"test\",function=\"evil");
	assert_non_null(series);
	assert_null(strstr(series + 1, "tenure_live{cache=\"test\",function=\"evil")); /* once */
	dump(cache, 0);
	assert_non_null(strstr(text, "with?lines?"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(O1_each_entry_is_told_as_data),
		T(O1_what_failed_and_is_being_released_is_told_too),
		T(O1_a_visit_may_call_and_the_walk_ends),
		T(O1_flags_of_the_dump_that_do_not_go_together),
		T(O1_openmetrics_says_what_the_counters_say),
		T(O1_a_dump_has_every_counter_that_is_not_zero_with_its_sentence),
		cmocka_unit_test(O1_well_formed_characters_are_told_from_others),
		T(O1_functions_of_one_name_are_one_series),
	};

	return RUN(tests);
}
