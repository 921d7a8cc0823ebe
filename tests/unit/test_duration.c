/* SPDX-License-Identifier: Apache-2.0 */
/* test_duration.c: duration texts. */
#include "support.h"

#include "base/duration.h"

/* What pandas.Timedelta 3.1 answers, in ns. */
static const struct {
	const char *text;
	int64_t ns;
} GOOD[] = {
	{ "90s", INT64_C(90000000000) }, { "1d", INT64_C(86400000000000) }, { "1.5 days", INT64_C(129600000000000) },
	{ "1h23s", INT64_C(3623000000000) }, { "2 days 3:00:00", INT64_C(183600000000000) },
	{ "P1DT2H", INT64_C(93600000000000) }, { "100ms", INT64_C(100000000) },
	{ "1 min 30 sec", INT64_C(90000000000) }, { "1h30m", INT64_C(5400000000000) },
	{ "1W", INT64_C(604800000000000) }, { "1w", INT64_C(604800000000000) }, { "5min", INT64_C(300000000000) },
	{ "2 hours, 3 minutes", INT64_C(7380000000000) }, { "3:00:00.5", INT64_C(10800500000000) },
	{ "0:30:00", INT64_C(1800000000000) }, { "1:2:3", INT64_C(3723000000000) },
	{ "0001:2:03", INT64_C(3723000000000) }, { "1:99:99", INT64_C(9639000000000) },
	{ "100:00:00", INT64_C(360000000000000) }, { "1 : 2 : 3 . 5", INT64_C(3723500000000) },
	{ "01:02:03.123456789123", INT64_C(3723123456789) }, { "1d1:00:00", INT64_C(90000000000000) },
	{ "1 d, 2:00:00", INT64_C(93600000000000) }, { "1h +2:00:00", INT64_C(10800000000000) },
	{ "-1 days 25:00:00", INT64_C(3600000000000) }, { "-1 days +2:00:00", INT64_C(-79200000000000) },
	{ "-1h 1:00:00", INT64_C(0) }, { "-1:00:00.5", INT64_C(-3600500000000) },
	{ "1:00:00,", INT64_C(3600000000000) }, { "1.5H", INT64_C(5400000000000) },
	{ "  7 Days ", INT64_C(604800000000000) }, { "10us", INT64_C(10000) }, { "5 ns", INT64_C(5) },
	{ "-1 day", INT64_C(-86400000000000) }, { "- 1s", INT64_C(-1000000000) }, { "+-1s", INT64_C(-1000000000) },
	{ "-+1s", INT64_C(-1000000000) }, { "+2s", INT64_C(2000000000) }, { ", 1s", INT64_C(1000000000) },
	{ "1s,", INT64_C(1000000000) }, { "1s+", INT64_C(1000000000) }, { "1,s", INT64_C(1000000000) },
	{ "1+s", INT64_C(1000000000) }, { "1++s", INT64_C(1000000000) }, { "1s ,, 2h", INT64_C(7201000000000) },
	{ "1h+2s", INT64_C(3602000000000) }, { "1 day 12 hours", INT64_C(129600000000000) },
	{ "-1d 2h", INT64_C(-93600000000000) }, { "1. 5s", INT64_C(1500000000) }, { "1 .5s", INT64_C(1500000000) },
	{ "1.s", INT64_C(1000000000) }, { "0s", INT64_C(0) }, { "-0s", INT64_C(0) }, { "007s", INT64_C(7000000000) },
	{ "1s1h1s", INT64_C(3602000000000) }, { "1 MS", INT64_C(1000000) }, { "1 US", INT64_C(1000) },
	{ "1 NS", INT64_C(1) }, { "1\xc2\xb5s", INT64_C(1000) }, { "1 \xc2\xb5S", INT64_C(1000) },
	{ "1 dAyS", INT64_C(86400000000000) }, { "1HR", INT64_C(3600000000000) }, { "1MIN", INT64_C(60000000000) },
	{ "1MILLIS", INT64_C(1000000) }, { "1micro", INT64_C(1000) }, { "1 nanos", INT64_C(1) },
	{ "1 Second", INT64_C(1000000000) }, { "0.3s", INT64_C(300000000) },
	{ "1.0000000009s", INT64_C(1000000001) }, { "0.9999999999s", INT64_C(1000000000) },
	{ "0.0015us", INT64_C(2) }, { "1.9ns", INT64_C(1) }, { "0.5ns", INT64_C(0) },
	{ "1.5W", INT64_C(907200000000000) }, { "0.1D", INT64_C(8640000000000) }, { "0.1h", INT64_C(360000000000) },
	{ "2.675s", INT64_C(2675000000) }, { "106751d", INT64_C(9223286400000000000) },
	{ "2562047h", INT64_C(9223369200000000000) },
	{ "106751 days 23:47:16.854775807", INT64_C(9223372036854775807) }, { "P2W", INT64_C(1209600000000000) },
	{ "P1W2D", INT64_C(777600000000000) }, { "P1D1W", INT64_C(691200000000000) },
	{ "PT1D", INT64_C(86400000000000) }, { "P1H", INT64_C(3600000000000) }, { "PT1W", INT64_C(604800000000000) },
	{ "P1D2H", INT64_C(93600000000000) }, { "PT1H1D", INT64_C(90000000000000) },
	{ "P1D1D", INT64_C(172800000000000) }, { "P1DT", INT64_C(86400000000000) },
	{ "PT99M", INT64_C(5940000000000) }, { "PT01M", INT64_C(60000000000) }, { "PT1M1H", INT64_C(3660000000000) },
	{ "PT99H", INT64_C(356400000000000) }, { "PT36H", INT64_C(129600000000000) },
	{ "P1DT25H61M61S", INT64_C(180121000000000) }, { "P100D", INT64_C(8640000000000000) },
	{ "PT1000S", INT64_C(1000000000000) }, { "PT0.5S", INT64_C(500000000) }, { "PT.5S", INT64_C(500000000) },
	{ "PT1.123456789S", INT64_C(1123456789) }, { "PT01S", INT64_C(1000000000) },
	{ "PT1H.5S", INT64_C(3600500000000) }, { "P2DT3H4M5.678S", INT64_C(183845678000000) },
	{ "P1D+T1H", INT64_C(90000000000000) }, { "-P1D", INT64_C(-86400000000000) },
	{ "P-1D", INT64_C(-86400000000000) }, { "P+1D", INT64_C(86400000000000) },
	{ "P+-1D", INT64_C(-86400000000000) }, { "PT-1H", INT64_C(-3600000000000) },
	{ "-P-1D", INT64_C(86400000000000) }, { "P-1DT1H", INT64_C(-82800000000000) },
	{ "-P-1DT1H", INT64_C(82800000000000) }, { "PT-0.5S", INT64_C(-500000000) },
	{ "P106751DT23H47M16.854775807S", INT64_C(9223372036854775807) },
};
/* What it refuses too. */
static const char *const BAD[] = {
	"1:00", "1 days 1:00", "1:", "1::3", ":1:2", "1:2:", "1:2:3.", "1:2:3:4", "1:00:00 1h", "1:00:00s",
	"1:00:-5", "1:-2:3", "1.5:00:00", "1:1.5:00", "1h -1:00:00", ".5s", "1d .5s", ".s", "h", "s 1", "1hh",
	"1 h h", "1 fortnight", "soon", "1x", "1T", "1t", "1L", "1l", "1U", "1u", "1N", "1n", "1M", "1Y", "1 hrs",
	"1 secs", "1 mins", "1 week", "1 \xce\xbcs", "--1s", "1s-", "1d - 1h", "-", "+", ",", "1 h 5", "1d 2",
	"1e3s", "1_0s", "1\ts", "\t1s", "1s\t", "1s\n", "106752d", "999999999999d", "99999999999999999999s",
	"99999999999999999999:0:0", "106751 days 23:47:16.854775808", "P", "PT", "P1Y", "P1d", "p1d", "+P1D", " P1D",
	"P1D ", "P 1D", "- P1D", "--P1D", "P--1D", "P1D-", "P1DT-1H", "PT1H-1M", "PT100M", "PT100H", "P1DT002H",
	"PT1.S", "PT1,5S", "PT1.1234567891S", "PT5.5S1M", "P1Q", "P999999D", "P106751DT23H47M16.854775808S", "1.5",
	"1.",
};
/* What it takes for something that nobody means: duration.c says what. */
static const char *const LEFT_OUT[] = {
	"1", "90", "-1", "1 30s", "1,5s", "1 000s", "1+5s", "1 1:00:00", "1m s", "1 d ays", "1s.5", "1s.", "1.5.5s",
	"1..5s", "1-s", "1 -s", "1-1s", ".5s5s", "1:00:00 5", "1:2:3.1.2", "P0.5D", "PT1.5H", "PT0.5M", "P1M",
	"P1M1D", "PT1S1M", "PT1S1S", "P1T1H", "P1D1", "P1", "PT1.5", "P1DTT1H", "PP1D", "P1DD", "", "nat", "NaT",
	"nan",
};

static void T1_durations_read_as_pandas_reads_them(void **state)
{
	char why[400];
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
		if (tn_duration_parse(GOOD[i].text, &ns, why, sizeof(why)) != 0)
			fail_msg("\"%s\" was refused: %s", GOOD[i].text, why);
		if (ns != GOOD[i].ns)
			fail_msg("\"%s\" gave %lld ns, not %lld", GOOD[i].text, (long long)ns, (long long)GOOD[i].ns);
	}
}

static void refused(const char *text)
{
	char why[400];
	int64_t ns;

	if (tn_duration_parse(text, &ns, why, sizeof(why)) == 0)
		fail_msg("\"%s\" was taken for %lld ns", text, (long long)ns);
	assert_non_null(strstr(why, "a number with a unit"));
	assert_null(strstr(why, "at \"\""));
}

static void F5_bad_durations_say_what_is_allowed(void **state)
{
	char why[400];
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		refused(BAD[i]);
	tn_duration_parse("1h 5 x", &ns, why, sizeof(why));
	assert_non_null(strstr(why, "an unknown unit at \"x\""));
	tn_duration_parse("1:00", &ns, why, sizeof(why));
	assert_non_null(strstr(why, "a clock is hours:minutes:seconds"));
}

static void T1_what_nobody_means_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(LEFT_OUT) / sizeof(LEFT_OUT[0]); i++)
		refused(LEFT_OUT[i]);
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
		cmocka_unit_test(T1_what_nobody_means_is_refused),
		cmocka_unit_test(O1_durations_for_people),
	};

	return RUN(tests);
}
