/* SPDX-License-Identifier: Apache-2.0 */
/* test_duration.c: duration texts. The values are those of pandas.Timedelta. */
#include "support.h"

#include "base/duration.h"

static const struct {
	const char *text;
	double seconds;
} GOOD[] = {
	{ "90s", 90 }, { "1d", 86400 }, { "1.5 days", 129600 }, { "1h23s", 3623 }, { "2 days 3:00:00", 183600 },
	{ "P1DT2H", 93600 }, { "100ms", 0.1 }, { "1 min 30 sec", 90 }, { "1h30m", 5400 }, { "1W", 604800 }, { "5T", 300 },
	{ "2 hours, 3 minutes", 7380 }, { "3:00:00.5", 10800.5 }, { "0:30:00", 1800 }, { "PT0.5S", 0.5 }, { "1.5H", 5400 },
	{ "  7 Days ", 604800 }, { "10us", 1e-5 }, { "5 ns", 5e-9 }, { "-1 day", -86400 }, { "+2s", 2 }, { ".5s", 0.5 },
	{ "P2W", 1209600 }, { "1 day 12 hours", 129600 }, { "12L", 0.012 },
};
static const char *const BAD[] = {
	"", " ", "90", "1.5", "soon", "1 fortnight", "1 h 5", "3:00:00 1h", "1:2:3", "1:99", "P", "P1", "P1H", "PT1D", "1x",
	"h", "--1s", "1d 2", "1..5s", "1M", "1Y", "999999999999d", "1h,", "P1D2H", "1e3s",
};

static void T1_durations_read_as_pandas_reads_them(void **state)
{
	char why[400];
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
		if (tn_duration_parse(GOOD[i].text, &ns, why, sizeof(why)) != 0 ||
		    ns != (int64_t)(GOOD[i].seconds * 1e9 + (GOOD[i].seconds < 0 ? -0.5 : 0.5)))
			fail_msg("\"%s\" gave %lld ns: %s", GOOD[i].text, (long long)ns, why);
	}
}

static void F5_bad_durations_say_what_is_allowed(void **state)
{
	char why[400];
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		if (tn_duration_parse(BAD[i], &ns, why, sizeof(why)) == 0)
			fail_msg("\"%s\" was taken for %lld ns", BAD[i], (long long)ns);
		assert_non_null(strstr(why, "a number with a unit"));
		assert_null(strstr(why, "at \"\""));
	}
	tn_duration_parse("1h 5 x", &ns, why, sizeof(why));
	assert_non_null(strstr(why, "an unknown unit at \"x\""));
}

static void O1_durations_for_people(void **state)
{
	char text[32];

	(void)state;
	tn_duration_format(90 * INT64_C(1000000000), text, sizeof(text));
	assert_string_equal(text, "1m 30s");
	tn_duration_format(120000000, text, sizeof(text));
	assert_string_equal(text, "120 ms");
	tn_duration_format(INT64_MAX, text, sizeof(text));
	assert_string_equal(text, "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(T1_durations_read_as_pandas_reads_them),
		cmocka_unit_test(F5_bad_durations_say_what_is_allowed),
		cmocka_unit_test(O1_durations_for_people),
	};

	return RUN(tests);
}
