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

enum kind { DIGITS, WORD, COLON, DOT, MINUS, OTHER, END };

struct token {
	enum kind kind;
	const char *at;
	size_t size;
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
	return is_in(c, " ,+");
}

static struct token next_token(const char **text)
{
	struct token token = { .kind = OTHER, .size = 1 };

	*text += run_of(*text, is_blank);
	token.at = *text;
	if (is_digit(*token.at)) {
		token.kind = DIGITS;
		token.size = run_of(token.at, is_digit);
	} else if (is_letter(*token.at)) {
		token.kind = WORD;
		token.size = run_of(token.at, is_letter);
	} else if (*token.at == '\0') {
		token.kind = END;
		token.size = 0;
	} else if (is_in(*token.at, ":.-")) {
		token.kind = *token.at == ':' ? COLON : *token.at == '.' ? DOT : MINUS;
	}
	*text += token.size;
	return token;
}

/* ---- values */

struct sum {
	wide ns;
	int sign;
	bool too_long;
	bool beyond; /* more digits than this reference computes with */
};

/* `fraction`: of digits, or of no size. */
static void add(struct sum *sum, const struct token *whole, const struct token *fraction, int64_t unit)
{
	const struct token *parts[] = { whole, fraction };
	wide digits = 0, scale = 1;

	if (whole->size > DIGITS_MOST || fraction->size > DIGITS_MOST || whole->size + fraction->size > 22) {
		sum->beyond = true;
		return;
	}
	for (int part = 0; part < 2; part++) {
		for (size_t i = 0; i < parts[part]->size; i++) {
			digits = digits * 10 + (parts[part]->at[i] - '0');
			scale *= part == 1 ? 10 : 1;
		}
	}
	/* Digits below 10^22 and a unit below 10^15: it fits. */
	digits = digits * unit / scale;
	sum->ns += sum->sign * digits;
	sum->too_long = sum->too_long || digits > INT64_MAX || sum->ns > INT64_MAX || sum->ns < -(wide)INT64_MAX;
}

static int64_t unit_of(const struct token *word)
{
	static const struct {
		int64_t ns;
		const char *names; /* between blanks */
	} UNITS[] = {
		{ INT64_C(604800000000000), " w " },
		{ INT64_C(86400000000000), " d day days " },
		{ INT64_C(3600000000000), " h hr hour hours " },
		{ INT64_C(60000000000), " m min minute minutes " },
		{ INT64_C(1000000000), " s sec second seconds " },
		{ 1000000, " ms milli millis millisecond milliseconds " },
		{ 1000, " us \xc2\xb5s micro micros microsecond microseconds " },
		{ 1, " ns nano nanos nanosecond nanoseconds " },
	};
	char lower[TEXT_MOST + 3];

	if (word->size > TEXT_MOST || (word->size == 1 && *word->at == 'M'))
		return 0;
	snprintf(lower, sizeof(lower), " %.*s ", (int)word->size, word->at);
	for (size_t i = 0; lower[i] != '\0'; i++)
		lower[i] = lower[i] >= 'A' && lower[i] <= 'Z' ? (char)(lower[i] + 32) : lower[i];
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		if (strstr(UNITS[i].names, lower) != NULL)
			return UNITS[i].ns;
	}
	return 0;
}

/* ---- the grammar */

static const struct token nothing = { .kind = DIGITS, .size = 0 };

/* The kinds of a whole clock, in a row. */
static bool is_clock(const struct token *t, struct sum *sum)
{
	static const enum kind KINDS[] = { DIGITS, COLON, DIGITS, COLON, DIGITS };
	bool fraction;

	for (int i = 0; i < 5; i++) {
		if (t[i].kind != KINDS[i])
			return false;
	}
	fraction = t[5].kind == DOT && t[6].kind == DIGITS;
	add(sum, &t[0], &nothing, INT64_C(3600000000000));
	add(sum, &t[2], &nothing, INT64_C(60000000000));
	add(sum, &t[4], fraction ? &t[6] : &nothing, INT64_C(1000000000));
	return t[fraction ? 7 : 5].kind == END;
}

static bool is_parts(const struct token *t, struct sum *sum)
{
	if (t->kind == END)
		return false;
	for (bool first = true; t->kind != END; first = false) {
		const struct token *whole = t++, *fraction = &nothing;

		if (whole->kind != DIGITS)
			return false;
		if (t->kind == COLON) {
			sum->sign = first ? sum->sign : 1;
			return is_clock(whole, sum);
		}
		if (t->kind == DOT)
			t++;
		if (t[-1].kind == DOT && t->kind == DIGITS)
			fraction = t++;
		if (t->kind != WORD || unit_of(t) == 0)
			return false;
		add(sum, whole, fraction, unit_of(t++));
	}
	return true;
}

/* No blanks at all, but for plus signs between the parts: letter by letter. */
static bool is_iso(const char *at, struct sum *sum)
{
	static const char LETTERS[] = "WDHMS";
	static const int64_t UNITS[] = { INT64_C(604800000000000), INT64_C(86400000000000), INT64_C(3600000000000),
					 INT64_C(60000000000), INT64_C(1000000000) };
	const char *begin = at, *minus = NULL, *t = NULL;
	int parts = 0, sign = sum->sign;

	for (; *at != '\0'; at++) {
		struct token whole = { .at = at, .size = run_of(at, is_digit) }, fraction = nothing;
		const char *letter;
		bool point;

		if (*at == '+')
			continue;
		if (*at == 'T' && t == NULL) {
			t = at;
			continue;
		}
		if (*at == '-' && parts == 0 && minus == NULL) {
			minus = at;
			continue;
		}
		at += whole.size;
		point = *at == '.';
		if (point) {
			fraction = (struct token){ .at = at + 1, .size = run_of(at + 1, is_digit) };
			at += 1 + fraction.size;
		}
		letter = is_in(*at, LETTERS) ? strchr(LETTERS, *at) : NULL;
		if (letter == NULL || whole.size + fraction.size == 0 || (*at == 'M' && t == NULL))
			return false;
		if ((point && (*at != 'S' || fraction.size == 0 || fraction.size > 9)) || (*at == 'S' && at[1] != '\0'))
			return false;
		if ((*at == 'H' || *at == 'M') && whole.size > 2)
			return false;
		sum->sign = parts++ == 0 && minus != NULL ? -sign : sign;
		add(sum, &whole, &fraction, UNITS[letter - LETTERS]);
	}
	return parts > 0 && at > begin;
}

static bool reference(const char *text, struct sum *sum)
{
	struct token tokens[TOKENS_MOST + 8];
	size_t count = 0;

	sum->sign = 1;
	if (text[text[0] == '-'] == 'P') {
		sum->sign = text[0] == '-' ? -1 : 1;
		return is_iso(strchr(text, 'P') + 1, sum);
	}
	do {
		tokens[count] = next_token(&text);
	} while (tokens[count++].kind != END && count < TOKENS_MOST);
	sum->beyond = count == TOKENS_MOST;
	for (size_t i = count; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		tokens[i] = (struct token){ .kind = END };
	if (tokens[0].kind == MINUS)
		sum->sign = -1;
	return is_parts(tokens + (tokens[0].kind == MINUS), sum);
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
	if (good && !sum.beyond && sum.too_long)
		good = false;
	if (result != 0)
		CHECK(memchr(why, '\0', room) != NULL && (room < 400 || strstr(why, "a number with a unit") != NULL) && ns == 77);
	else
		check_round(ns);
	if ((result == 0) != good && !sum.beyond)
		fprintf(stderr, "\"%s\": the library %s it, the reference does not\n", text, result == 0 ? "takes" : "refuses");
	CHECK((result == 0) == good || sum.beyond);
	/* The library rounds, and computes with 15 digits behind the point. */
	if (result == 0 && !sum.beyond && (wide)ns != sum.ns)
		fprintf(stderr, "\"%s\": the library says %lld ns, the reference %lld ns\n", text, (long long)ns, (long long)sum.ns);
	CHECK(result != 0 || sum.beyond || ((wide)ns - sum.ns <= 8 && sum.ns - (wide)ns <= 8));
	CHECK(result != 0 || sum.beyond || strchr(text, '.') != NULL || (wide)ns == sum.ns);
	keep_end();
	return 0;
}
