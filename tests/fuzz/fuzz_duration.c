/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_duration.c: duration texts against a reader written anew from the grammar that duration.c documents.
 *
 * The reference cuts the text into tokens first, and then looks at the row of tokens. It computes in whole decimal digits.
 * Half of the texts are the bytes themselves, half are put together from words that durations are made of. */
#include "fuzz.h"

#include <limits.h>

#include "base/duration.h"

__extension__ typedef __int128 wide;

enum { TOKENS_MOST = 64, DIGITS_MOST = 18, TEXT_MOST = 200 };

/* ---- tokens */

enum kind { NUMBER, WORD, COLON, COMMA, OTHER, END };

struct token {
	enum kind kind;
	const char *at;
	size_t size;
	bool blank_before;
	/* of a number */
	size_t whole_digits, fraction_digits;
	bool point;
};

static bool is_in(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static size_t run_of(const char *at, bool (*member)(char))
{
	size_t size = 0;

	while (member(at[size]))
		size++;
	return size;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return is_in(c, " \t\n\v\f\r");
}

static struct token next_token(const char **text)
{
	struct token token = { .kind = OTHER, .blank_before = is_blank(**text), .size = 1 };

	*text += run_of(*text, is_blank);
	token.at = *text;
	token.whole_digits = run_of(token.at, is_digit);
	token.point = token.at[token.whole_digits] == '.';
	token.fraction_digits = token.point ? run_of(token.at + token.whole_digits + 1, is_digit) : 0;
	if (token.whole_digits + token.fraction_digits > 0) {
		token.kind = NUMBER;
		token.size = token.whole_digits + token.point + token.fraction_digits;
	} else if (is_letter(*token.at)) {
		token.kind = WORD;
		token.size = run_of(token.at, is_letter);
	} else if (*token.at == ':') {
		token.kind = COLON;
	} else if (*token.at == ',') {
		token.kind = COMMA;
	} else if (*token.at == '\0') {
		token.kind = END;
		token.size = 0;
	}
	*text += token.size;
	return token;
}

/* ---- values */

struct sum {
	wide ns;
	bool beyond; /* more digits than this reference computes with */
};

static void add(struct sum *sum, const struct token *number, int64_t unit)
{
	wide digits = 0, scale = 1;

	if (number->whole_digits > DIGITS_MOST || number->fraction_digits > DIGITS_MOST ||
	    number->whole_digits + number->fraction_digits > 22) {
		sum->beyond = true;
		return;
	}
	for (size_t i = 0; i < number->size; i++) {
		if (!is_digit(number->at[i]))
			continue;
		digits = digits * 10 + (number->at[i] - '0');
		scale *= i > number->whole_digits ? 10 : 1;
	}
	/* Digits below 10^22 and a unit below 10^15: it fits. What is below a nanosecond is cut off. */
	sum->ns += digits * unit / scale;
}

static int64_t unit_of(const struct token *word)
{
	static const struct {
		int64_t ns;
		const char *exact, *any_case; /* between blanks */
	} UNITS[] = {
		{ INT64_C(604800000000000), " W w ", " " },
		{ INT64_C(86400000000000), " D d ", " day days " },
		{ INT64_C(3600000000000), " H h ", " hr hour hours " },
		{ INT64_C(60000000000), " T t m ", " min minute minutes " },
		{ INT64_C(1000000000), " S s ", " sec second seconds " },
		{ 1000000, " L l ms ", " milli millis millisecond milliseconds " },
		{ 1000, " U u us \xc2\xb5s ", " micro micros microsecond microseconds " },
		{ 1, " N n ns ", " nano nanos nanosecond nanoseconds " },
	};
	char exact[TEXT_MOST + 3], lower[TEXT_MOST + 3];

	if (word->size > TEXT_MOST)
		return 0;
	snprintf(exact, sizeof(exact), " %.*s ", (int)word->size, word->at);
	memcpy(lower, exact, sizeof(lower));
	for (size_t i = 0; lower[i] != '\0'; i++)
		lower[i] = lower[i] >= 'A' && lower[i] <= 'Z' ? (char)(lower[i] + 32) : lower[i];
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		if (strstr(UNITS[i].exact, exact) != NULL || strstr(UNITS[i].any_case, lower) != NULL)
			return UNITS[i].ns;
	}
	return 0;
}

/* ---- the grammar */

static bool is_clock(const struct token *t, struct sum *sum)
{
	static const int64_t UNITS[] = { INT64_C(3600000000000), INT64_C(60000000000), INT64_C(1000000000) };
	int parts = 0;

	for (;; t += 2) {
		bool last = t[1].kind != COLON, two = t->whole_digits == 2 && t->at[0] <= '5';

		if (t->kind != NUMBER || (t->blank_before && parts > 0) || (parts > 0 && !two) || (t->point && parts < 2))
			return false;
		add(sum, t, UNITS[parts++]);
		if (last)
			return parts > 1 && t[1].kind == END;
		if (parts == 3 || t[1].blank_before)
			return false;
	}
}

static bool is_parts(const struct token *t, struct sum *sum)
{
	for (bool first = true;; first = false) {
		if (t->kind == END)
			return !first;
		if (!first && t->kind == COMMA)
			t++;
		if (t->kind != NUMBER)
			return false;
		if (t[1].kind == COLON && !t[1].blank_before)
			return is_clock(t, sum);
		if (t[1].kind != WORD || unit_of(&t[1]) == 0)
			return false;
		add(sum, t, unit_of(&t[1]));
		t += 2;
	}
}

/* No blanks at all: letter by letter. */
static bool is_iso(const char *at, struct sum *sum)
{
	static const char *const LETTERS[] = { "WD", "HMS" };
	static const int64_t UNITS[2][3] = { { INT64_C(604800000000000), INT64_C(86400000000000) },
					     { INT64_C(3600000000000), INT64_C(60000000000), INT64_C(1000000000) } };
	int time = 0, parts = 0;

	while (*at != '\0') {
		struct token number;
		const char *letter;

		if (*at == 'T' && !time) {
			time = 1;
			at++;
			continue;
		}
		if (is_blank(*at))
			return false;
		number = next_token(&at);
		letter = *at == '\0' ? NULL : strchr(LETTERS[time], *at);
		if (number.kind != NUMBER || letter == NULL)
			return false;
		add(sum, &number, UNITS[time][letter - LETTERS[time]]);
		parts++;
		at++;
	}
	return parts > 0;
}

static bool reference(const char *text, struct sum *sum)
{
	struct token tokens[TOKENS_MOST + 2];
	bool negative, good;
	size_t count = 0;

	text += run_of(text, is_blank);
	negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	text += run_of(text, is_blank);
	if (*text == 'P') {
		good = is_iso(text + 1, sum);
	} else {
		do {
			tokens[count] = next_token(&text);
		} while (tokens[count++].kind != END && count < TOKENS_MOST);
		sum->beyond = count == TOKENS_MOST;
		tokens[count] = tokens[count + 1] = (struct token){ .kind = END };
		good = is_parts(tokens, sum);
	}
	if (negative)
		sum->ns = -sum->ns;
	return good;
}

/* ---- one run */

static void make_text(struct input *input, char *text)
{
	static const char *const WORDS[] = {
		" ", " ", ",", ", ", "-", "+", ":", ".", "P", "T", "PT", "0", "1", "2", "10", "59", "60", "00", "05", "1.5", ".25",
		"0.000000001", "9223372036", "9223372036854775807", "9223372036854775808", "106751", "00:30", "3:00:00", "W", "D",
		"d", "days", "Day", "h", "H", "hr", "hours", "m", "M", "min", "MINUTES", "s", "S", "sec", "ms", "MS", "milli",
		"us", "\xc2\xb5s", "ns", "N", "nanoseconds", "month", "Y", "1d", "1h", "30m", "e3", "inf", "nan", "\t",
	};
	size_t length = 0;

	for (int i = 0; i < 16 && input->size > 0; i++) {
		const char *word = WORDS[take(input) % (sizeof(WORDS) / sizeof(WORDS[0]))];

		if (length + strlen(word) < TEXT_MOST) {
			memcpy(text + length, word, strlen(word));
			length += strlen(word);
		}
	}
	text[length] = '\0';
}

static void check_round(int64_t ns)
{
	char text[32], why[300];
	int64_t again;

	snprintf(text, sizeof(text), "%lld ns", (long long)ns);
	CHECK(ns == INT64_MIN || (tn_duration_parse(text, &again, why, sizeof(why)) == 0 && again == ns));
	tn_duration_format(ns, text, sizeof(text));
	CHECK(strlen(text) > 0 && strlen(text) < sizeof(text) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct sum sum = { .ns = 0 };
	char made[TEXT_MOST + 1], *text, *why;
	size_t room;
	int64_t ns = 77;
	bool good;
	int result;

	room = take(&input);
	if (room % 2 == 0) {
		size_t length = input.size < TEXT_MOST ? input.size : TEXT_MOST;

		memcpy(made, input.data, length);
		made[length] = '\0';
	} else {
		make_text(&input, made);
	}
	text = keep_copy(made, strlen(made) + 1);
	room = room < 250 ? 400 : room - 249; /* small ones too */
	why = keep(room);
	result = tn_duration_parse(text, &ns, why, room);
	good = reference(text, &sum);
	if (good && !sum.beyond && (sum.ns > INT64_MAX || sum.ns < -(wide)INT64_MAX))
		good = false;
	if (result != 0)
		CHECK(memchr(why, '\0', room) != NULL && (room < 400 || strstr(why, "a number with a unit") != NULL) && ns == 77);
	else
		check_round(ns);
	if ((result == 0) != good && !sum.beyond)
		fprintf(stderr, "\"%s\": the library says %d, the reference %d\n", text, result, good);
	CHECK((result == 0) == good || sum.beyond);
	/* The library computes with 15 digits behind the point: of longer ones the last nanosecond may be another. */
	if (result == 0 && !sum.beyond && (wide)ns != sum.ns)
		fprintf(stderr, "\"%s\": the library says %lld ns, the reference %lld ns\n", text, (long long)ns, (long long)sum.ns);
	CHECK(result != 0 || sum.beyond || ((wide)ns - sum.ns <= 8 && sum.ns - (wide)ns <= 8));
	CHECK(result != 0 || sum.beyond || strchr(text, '.') != NULL || (wide)ns == sum.ns);
	keep_end();
	return 0;
}
