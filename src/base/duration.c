/* SPDX-License-Identifier: Apache-2.0 */
/* duration.c: duration texts, as pandas.Timedelta reads them.
 *
 *   text   = ["-"] { number unit } [ clock ]  |  ["-"] iso        not empty
 *   number = digits [ "." [digits] ]
 *   clock  = digits ":" digits ":" digits [ "." digits ]          hours, minutes, seconds, of any size
 *   unit   = W D day days | h hr hour hours | m min minute minutes | s sec second seconds |
 *            ms milli millis millisecond milliseconds | us µs micro micros microsecond microseconds |
 *            ns nano nanos nanosecond nanoseconds                 in any case, but for "M"
 *   iso    = "P" { digits ("W" | "D" | "H") | "T" | digits "M" after the T } [ digits [ "." digits ] "S" ]
 * Blanks, commas and plus signs may stand between these. The minus is everybody's, but a clock behind units is added: "-1 days
 * 2:00:00" is 22 hours before. In the ISO form hours and minutes have at most two digits, there are no blanks, a minus
 * may also stand before its first number, and only seconds have a fraction, of at most nine digits. M for months and Y
 * for years have no fixed length.
 *
 * pandas takes more, and reads it in a way that nobody means. All of that is refused here:
 *   "90"                           90 ns                 a number without a unit
 *   "1 30s", "1,5s", "1 1:00:00"   130 s, 15 s, 11 h     numbers are joined over blanks and commas
 *   "1m s", "1s.5", "1.5.5s"       1 ms, 15 s, 1.55 s    so are units, and what stands around a second dot
 *   "1-s", "1 -s", "1-1s"          -1 s, -1 s, -11 s     a minus behind a number
 *   "1:00:00 5"                    1:00:05               what follows a clock
 *   "P0.5D", "PT1.5H"              5 days, 18001 s       fractions of what is no second
 *   "P1M"                          a minute              ISO's months
 *   "PT1S1M", "P1T1H", "P1D1"      11 min, 11 h, 1 day   what follows the seconds; numbers without a letter
 *   "", "nat", "nan"               no duration
 * What stands before a unit it reads as a floating point number, so it can be some ns off; here it is exact. */
#include "base/duration.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_S INT64_C(1000000000)

static const struct unit {
	const char *name; /* in small letters */
	int64_t ns;
} UNITS[] = {
	{ "w", 7 * 86400 * NS_S }, { "d", 86400 * NS_S }, { "day", 86400 * NS_S }, { "days", 86400 * NS_S }, { "h", 3600 * NS_S },
	{ "hr", 3600 * NS_S }, { "hour", 3600 * NS_S }, { "hours", 3600 * NS_S }, { "m", 60 * NS_S }, { "min", 60 * NS_S },
	{ "minute", 60 * NS_S }, { "minutes", 60 * NS_S }, { "s", NS_S }, { "sec", NS_S }, { "second", NS_S }, { "seconds", NS_S },
	{ "ms", 1000000 }, { "milli", 1000000 }, { "millis", 1000000 }, { "millisecond", 1000000 }, { "milliseconds", 1000000 },
	{ "us", 1000 }, { "\xc2\xb5s", 1000 }, { "micro", 1000 }, { "micros", 1000 }, { "microsecond", 1000 },
	{ "microseconds", 1000 }, { "ns", 1 }, { "nano", 1 }, { "nanos", 1 }, { "nanosecond", 1 }, { "nanoseconds", 1 },
};

__extension__ typedef __int128 wide;

struct parser {
	const char *text, *at;
	wide sum; /* ns */
	bool negative, too_long;
	char *why;
	size_t room;
	int parts;
};

static const char ALLOWED[] = "a duration is a number with a unit: \"90s\", \"1.5 days\", \"1h30m\", "
			      "\"2 days 3:00:00\", \"P1DT2H\"; units are W D h m s ms us ns";

static int fail(struct parser *p, const char *what)
{
	if (*p->at != '\0')
		snprintf(p->why, p->room, "\"%.80s\": %s at \"%.20s\"; %s", p->text, what, p->at, ALLOWED);
	else
		snprintf(p->why, p->room, "\"%.80s\": %s; %s", p->text, what, ALLOWED);
	return -1;
}

/* Not those of <ctype.h>, which know a locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool in_unit(char c)
{
	return (small(c) >= 'a' && small(c) <= 'z') || (unsigned char)c >= 0x80;
}

static const char *over_blanks(const char *at)
{
	while (*at == ' ' || *at == ',' || *at == '+')
		at++;
	return at;
}

struct number {
	uint64_t whole; /* UINT64_MAX: so many, or more */
	uint64_t fraction, scale; /* fraction / scale */
	int digits, fraction_digits;
	bool dot;
};

static void read_digits(struct parser *p, struct number *number)
{
	*number = (struct number){ .scale = 1 };
	for (; is_digit(*p->at); p->at++, number->digits++) {
		unsigned digit = (unsigned)(*p->at - '0');

		number->whole = number->whole > (UINT64_MAX - digit) / 10 ? UINT64_MAX : number->whole * 10 + digit;
	}
}

static void read_fraction(struct parser *p, struct number *number)
{
	number->dot = true;
	for (; is_digit(*p->at); p->at++, number->fraction_digits++) {
		if (number->scale < UINT64_C(1000000000000000)) {
			number->fraction = number->fraction * 10 + (unsigned)(*p->at - '0');
			number->scale *= 10;
		}
	}
}

/* What is less than a nanosecond is cut off, or rounded. */
static void add(struct parser *p, const struct number *number, int64_t ns, bool rounded)
{
	wide part = (wide)number->whole * ns;

	part += ((wide)number->fraction * ns + (rounded ? number->scale / 2 : 0)) / number->scale;
	p->too_long = p->too_long || part > INT64_MAX;
	if (!p->too_long)
		p->sum += p->negative ? -part : part;
	p->too_long = p->too_long || p->sum > INT64_MAX || p->sum < -INT64_MAX;
	p->parts++;
}

static const struct unit *find_unit(const char *name, size_t length)
{
	if (length == 1 && name[0] == 'M')
		return NULL; /* minutes or months? */
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		size_t at = 0;

		while (at < length && UNITS[i].name[at] != '\0' && UNITS[i].name[at] == small(name[at]))
			at++;
		if (at == length && UNITS[i].name[at] == '\0')
			return &UNITS[i];
	}
	return NULL;
}

/* After the hours. */
static int read_clock(struct parser *p, const struct number *hours)
{
	static const int64_t UNIT[] = { 60 * NS_S, NS_S };
	struct number number;

	if (p->parts > 0)
		p->negative = false;
	add(p, hours, 3600 * NS_S, false);
	for (int i = 0; i < 2; i++) {
		if (*p->at != ':')
			return fail(p, "a clock is hours:minutes:seconds");
		p->at = over_blanks(p->at + 1);
		read_digits(p, &number);
		if (number.digits == 0)
			return fail(p, "a clock is hours:minutes:seconds");
		p->at = over_blanks(p->at);
		if (i == 1 && *p->at == '.') {
			p->at = over_blanks(p->at + 1);
			read_fraction(p, &number);
			if (number.fraction_digits == 0)
				return fail(p, "a number is expected");
			p->at = over_blanks(p->at);
		}
		add(p, &number, UNIT[i], false);
	}
	return *p->at == '\0' ? 0 : fail(p, "nothing may follow the clock");
}

static int read_parts(struct parser *p)
{
	struct number number;

	for (p->at = over_blanks(p->at); *p->at != '\0'; p->at = over_blanks(p->at)) {
		const struct unit *unit;
		const char *begin;

		read_digits(p, &number);
		if (number.digits == 0)
			return fail(p, "a number is expected");
		p->at = over_blanks(p->at);
		if (*p->at == ':')
			return read_clock(p, &number);
		if (*p->at == '.') {
			p->at = over_blanks(p->at + 1);
			read_fraction(p, &number);
			p->at = over_blanks(p->at);
		}
		begin = p->at;
		while (in_unit(*p->at))
			p->at++;
		if (p->at == begin)
			return fail(p, "a number has no unit");
		unit = find_unit(begin, (size_t)(p->at - begin));
		if (unit == NULL) {
			p->at = begin;
			return fail(p, "an unknown unit");
		}
		add(p, &number, unit->ns, unit->ns > 1);
	}
	return p->parts > 0 ? 0 : fail(p, "it is empty");
}

static const char *const ISO_EXPECTED = "W, D, H, M or S is expected, M and S after the T";

static int read_iso_part(struct parser *p, bool time)
{
	static const int64_t NS[] = { 7 * 86400 * NS_S, 86400 * NS_S, 3600 * NS_S, 60 * NS_S, NS_S };
	static const char LETTERS[] = "WDHMS";
	const char *letter;
	struct number number;

	read_digits(p, &number);
	if (*p->at == '.') {
		p->at++;
		read_fraction(p, &number);
	}
	if (number.digits + number.fraction_digits == 0)
		return fail(p, "a number is expected");
	letter = *p->at == '\0' ? NULL : strchr(LETTERS, *p->at);
	if (letter == NULL || (*letter == 'M' && !time))
		return fail(p, ISO_EXPECTED);
	if (number.dot && (*letter != 'S' || number.fraction_digits == 0 || number.fraction_digits > 9))
		return fail(p, "only seconds have a fraction, of one to nine digits,");
	if ((*letter == 'H' || *letter == 'M') && number.digits > 2)
		return fail(p, "hours and minutes have at most two digits here");
	add(p, &number, NS[letter - LETTERS], false);
	p->at++;
	return *letter == 'S' && *p->at != '\0' ? fail(p, "nothing may follow the seconds") : 0;
}

static int read_iso(struct parser *p)
{
	bool time = false, sign = false;
	int result = 0;

	for (p->at++; result == 0 && *p->at != '\0';) {
		if (*p->at == 'T' && !time) {
			time = true;
			p->at++;
		} else if (*p->at == '+') {
			p->at++;
		} else if (*p->at == '-' && !sign && p->parts == 0) {
			sign = true;
			p->at++;
		} else { /* a sign of the first number's own */
			p->negative ^= sign && p->parts == 0;
			result = read_iso_part(p, time);
			p->negative ^= sign && p->parts == 1;
			sign = sign && p->parts == 0;
		}
	}
	return result != 0 ? result : p->parts > 0 ? 0 : fail(p, "it is empty");
}

int tn_duration_parse(const char *text, int64_t *ret_ns, char *why, size_t room)
{
	struct parser p = { .text = text, .at = text, .why = why, .room = room };
	bool iso = text[text[0] == '-'] == 'P';
	int result;

	if (!iso)
		p.at = over_blanks(text);
	if (*p.at == '-') {
		p.negative = true;
		p.at++;
	}
	result = iso ? read_iso(&p) : read_parts(&p);
	if (result != 0)
		return result;
	if (p.too_long)
		return fail(&p, "it is longer than 292 years");
	*ret_ns = (int64_t)p.sum;
	return 0;
}

void tn_duration_format(int64_t ns, char *text, size_t room)
{
	double s = (double)ns / 1e9;

	if (ns == INT64_MAX)
		snprintf(text, room, "-");
	else if (s < 1)
		snprintf(text, room, s < 0.0001 ? "%.3f ms" : s < 0.01 ? "%.2f ms" : "%.0f ms", s * 1e3);
	else if (s < 60)
		snprintf(text, room, "%.1f s", s);
	else if (s < 3600)
		snprintf(text, room, "%dm %ds", (int)(s / 60), (int)s % 60);
	else if (s < 86400)
		snprintf(text, room, "%dh %dm", (int)(s / 3600), (int)s / 60 % 60);
	else
		snprintf(text, room, "%lldd %dh", (long long)(s / 86400), (int)((int64_t)s / 3600 % 24));
}
