/* SPDX-License-Identifier: Apache-2.0 */
/* duration.c: duration texts, as pandas.Timedelta reads them.
 *
 *   text  = [sign] (iso | parts) ;  parts = part { [","] part } ;  part = number unit | clock
 *   clock = h+:mm:ss[.fraction] | h+:mm          at most one, and last
 *   unit  = W D day days | h hr hour hours | m T min minute minutes | s S sec second seconds |
 *           ms L milli millis millisecond milliseconds | us U µs micro micros microsecond microseconds |
 *           ns N nano nanos nanosecond nanoseconds
 *   iso   = "P" {number "W" | number "D"} ["T" {number "H" | number "M" | number "S"}]
 * Case counts only where it tells two apart; months and years have no fixed length, and are refused as pandas does. A
 * number alone, which pandas takes for nanoseconds, is an error. */
#include "base/duration.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NS_S INT64_C(1000000000)

struct unit {
	const char *name;
	int64_t ns;
};

/* Exact names first; then, without regard to case, the long ones. */
static const struct unit UNITS[] = {
	{ "W", 7 * 86400 * NS_S }, { "w", 7 * 86400 * NS_S }, { "D", 86400 * NS_S }, { "d", 86400 * NS_S },
	{ "H", 3600 * NS_S }, { "h", 3600 * NS_S }, { "T", 60 * NS_S }, { "t", 60 * NS_S }, { "m", 60 * NS_S },
	{ "S", NS_S }, { "s", NS_S }, { "L", 1000000 }, { "l", 1000000 }, { "ms", 1000000 }, { "U", 1000 },
	{ "u", 1000 }, { "us", 1000 }, { "\xc2\xb5s", 1000 }, { "N", 1 }, { "n", 1 }, { "ns", 1 },
};
static const struct unit LONG_UNITS[] = {
	{ "day", 86400 * NS_S }, { "days", 86400 * NS_S }, { "hr", 3600 * NS_S }, { "hour", 3600 * NS_S },
	{ "hours", 3600 * NS_S }, { "min", 60 * NS_S }, { "minute", 60 * NS_S }, { "minutes", 60 * NS_S },
	{ "sec", NS_S }, { "second", NS_S }, { "seconds", NS_S }, { "milli", 1000000 }, { "millis", 1000000 },
	{ "millisecond", 1000000 }, { "milliseconds", 1000000 }, { "micro", 1000 }, { "micros", 1000 },
	{ "microsecond", 1000 }, { "microseconds", 1000 }, { "nano", 1 }, { "nanos", 1 }, { "nanosecond", 1 },
	{ "nanoseconds", 1 },
};

struct parser {
	const char *text, *at;
	__extension__ __int128 sum; /* ns */
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

static void skip_blanks(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

/* digits[.digits] of a unit, into ns; what is below a nanosecond is cut off. */
struct number {
	__extension__ unsigned __int128 whole;
	uint64_t fraction, scale; /* fraction / scale */
};

static bool read_number(struct parser *p, struct number *number)
{
	const char *begin = p->at;
	int digits = 0;

	*number = (struct number){ .scale = 1 };
	for (; isdigit((unsigned char)*p->at); p->at++, digits++) {
		if (number->whole < UINT64_MAX)
			number->whole = number->whole * 10 + (unsigned)(*p->at - '0');
	}
	if (*p->at == '.') {
		p->at++;
		for (; isdigit((unsigned char)*p->at); p->at++, digits++) {
			if (number->scale < UINT64_C(1000000000000000)) {
				number->fraction = number->fraction * 10 + (unsigned)(*p->at - '0');
				number->scale *= 10;
			}
		}
	}
	if (digits == 0)
		p->at = begin;
	return digits != 0;
}

static void add(struct parser *p, const struct number *number, int64_t ns)
{
	__extension__ unsigned __int128 part = number->whole * (uint64_t)ns;

	__extension__ typedef unsigned __int128 u128;
	part += (u128)number->fraction * (uint64_t)ns / number->scale;
	if (p->sum <= INT64_MAX)
		p->sum += part > INT64_MAX ? (u128)INT64_MAX + 1 : part;
	p->parts++;
}

static const struct unit *find_unit(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		if (strlen(UNITS[i].name) == length && memcmp(UNITS[i].name, name, length) == 0)
			return &UNITS[i];
	}
	for (size_t i = 0; i < sizeof(LONG_UNITS) / sizeof(LONG_UNITS[0]); i++) {
		if (strlen(LONG_UNITS[i].name) == length && strncasecmp(LONG_UNITS[i].name, name, length) == 0)
			return &LONG_UNITS[i];
	}
	return NULL;
}

static bool in_unit(char c)
{
	return isalpha((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* After "h+": ":mm[:ss[.fraction]]". */
static int read_clock(struct parser *p, const struct number *hours)
{
	struct number number;

	add(p, hours, 3600 * NS_S);
	for (int i = 0; i < 2 && *p->at == ':'; i++) {
		const char *begin = ++p->at;

		if (!read_number(p, &number) || number.whole > 59 || strspn(begin, "0123456789") != 2 ||
		    (i == 0 && p->at - begin != 2)) {
			p->at = begin;
			return fail(p, "a clock is hours:minutes:seconds, both of two digits up to 59");
		}
		add(p, &number, i == 0 ? 60 * NS_S : NS_S);
	}
	skip_blanks(p);
	return *p->at == '\0' ? 0 : fail(p, "nothing may follow the clock");
}

static int read_parts(struct parser *p)
{
	struct number number;

	for (skip_blanks(p); *p->at != '\0'; skip_blanks(p)) {
		const struct unit *unit;
		const char *begin;

		if (p->parts > 0 && *p->at == ',') {
			p->at++;
			skip_blanks(p);
		}
		if (!read_number(p, &number))
			return fail(p, "a number is expected");
		if (*p->at == ':' && isdigit((unsigned char)p->at[-1]) && number.scale == 1)
			return read_clock(p, &number);
		skip_blanks(p);
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
		add(p, &number, unit->ns);
	}
	return p->parts > 0 ? 0 : fail(p, "it is empty");
}

static int read_iso(struct parser *p)
{
	bool time = false;
	struct number number;

	for (p->at++; *p->at != '\0';) {
		const char *letters = time ? "HMS" : "WD";
		static const int64_t DATE[] = { 7 * 86400 * NS_S, 86400 * NS_S }, TIME[] = { 3600 * NS_S, 60 * NS_S, NS_S };
		const char *letter;

		if (*p->at == 'T' && !time) {
			time = true;
			p->at++;
			continue;
		}
		if (!read_number(p, &number))
			return fail(p, "a number is expected");
		letter = *p->at == '\0' ? NULL : strchr(letters, *p->at);
		if (letter == NULL)
			return fail(p, time ? "H, M or S is expected" : "W, D or T is expected");
		add(p, &number, time ? TIME[letter - letters] : DATE[letter - letters]);
		p->at++;
	}
	return p->parts > 0 ? 0 : fail(p, "it is empty");
}

int tn_duration_parse(const char *text, int64_t *ret_ns, char *why, size_t room)
{
	struct parser p = { .text = text, .at = text, .why = why, .room = room };
	bool negative = false;
	int result;

	skip_blanks(&p);
	if (*p.at == '-' || *p.at == '+') {
		negative = *p.at++ == '-';
		skip_blanks(&p);
	}
	result = *p.at == 'P' ? read_iso(&p) : read_parts(&p);
	if (result != 0)
		return result;
	if (p.sum > INT64_MAX)
		return fail(&p, "it is longer than 292 years");
	*ret_ns = negative ? -(int64_t)p.sum : (int64_t)p.sum;
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
