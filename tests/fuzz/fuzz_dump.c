/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_dump.c: the dump, for people and as OpenMetrics, of a cache whose names and arguments want to break it.
 *
 * The same cache is built twice, with plain names and with hostile ones. What must hold: both dumps have equally many lines, so
 * no name makes a line of its own, or swallows one; no control character gets through; OpenMetrics has lines of its own form
 * and its end; a `write` that fails ends it, and is called no more. */
#include "fuzz.h"

#include <ctype.h>

enum { FUNCTIONS_MOST = 4, ENTRIES_MOST = 4, KNOWN_FLAGS = 15 };

struct arguments {
	tenure_arguments head;
	const char *text;
};

static const tenure_parameter PARAMETERS[] = {
	{ .name = "text", .type = "const char *", .kind = TENURE_STRING, .size = sizeof(char *),
	  .offset = offsetof(struct arguments, text) },
};
static char resource;

static int make(void *user, tenure_call *call, const tenure_arguments *arguments, void **ret)
{
	(void)user, (void)call, (void)arguments;
	*ret = &resource;
	return 0;
}

static int64_t still(void *user)
{
	(void)user;
	return 1000000000;
}

struct text {
	char *at;
	size_t size, room;
	int writes, fail_at, result;
};

static int collect(void *user, const char *piece, size_t size)
{
	struct text *text = user;

	CHECK(size > 0 && memchr(piece, '\0', size) == NULL);
	CHECK(text->fail_at == 0 || text->writes < text->fail_at || text->result == 0); /* it has failed before */
	if (text->size + size > text->room) {
		text->room = 2 * (text->size + size);
		text->at = realloc(text->at, text->room);
		CHECK(text->at != NULL);
	}
	memcpy(text->at + text->size, piece, size);
	text->size += size;
	return ++text->writes == text->fail_at ? text->result : 0;
}

struct names {
	const char *cache, *functions[FUNCTIONS_MOST], *arguments[ENTRIES_MOST];
};

struct shape {
	unsigned functions, entries, flags;
	int fail_at, result;
};

/* Dump a cache of these names. Returns the result. */
static int dump(const struct shape *shape, const struct names *names, struct text *text)
{
	tenure_definition definitions[FUNCTIONS_MOST];
	tenure_function functions[FUNCTIONS_MOST];
	tenure_cache *cache;
	tenure_options options = { .cache = &cache };
	int result;

	*text = (struct text){ .fail_at = shape->fail_at, .result = shape->result };
	CHECK(tenure_cache_open(&cache, .name = names->cache, .now = still) == 0);
	for (unsigned i = 0; i < shape->functions; i++) {
		definitions[i] = (tenure_definition){
			.size = sizeof(definitions[i]), .options_size = sizeof(options), .options = &options,
			.name = names->functions[i], .type = "char", .parameters = PARAMETERS, .parameter_count = 1,
			.arguments_size = sizeof(struct arguments), .create = make,
		};
		functions[i] = (tenure_function){ &definitions[i], { NULL, NULL } };
		CHECK(tenure_function_register(&functions[i]) == 0);
		for (unsigned k = 0; k < shape->entries; k++) {
			struct arguments arguments = { { .size = sizeof(arguments) }, names->arguments[k] };

			CHECK(tenure_function_get(&functions[i], TENURE_FOREVER, &arguments.head, NULL) >= 0);
		}
	}
	result = tenure_dump(shape->flags & TENURE_DUMP_EVERY_CACHE ? NULL : cache, shape->flags, collect, text);
	for (unsigned i = 0; i < shape->functions; i++)
		CHECK(tenure_function_forget(&functions[i], TENURE_SECONDS(60)) == 0);
	CHECK(tenure_cache_close(&cache, TENURE_SECONDS(60)) == 0);
	return result;
}

static size_t lines_of(const struct text *text)
{
	size_t lines = 0;

	for (size_t i = 0; i < text->size; i++) {
		unsigned char c = (unsigned char)text->at[i];

		CHECK(c == '\n' || (c >= ' ' && c != 0x7f));
		lines += c == '\n';
	}
	CHECK(text->size == 0 || text->at[text->size - 1] == '\n');
	return lines;
}

/* One line: a comment, or name{label="value",...} number. */
static void check_metric(const char *at, const char *end)
{
	if (*at == '#')
		return;
	CHECK(isalpha((unsigned char)*at) || *at == '_' || *at == ':');
	while (at < end && (isalnum((unsigned char)*at) || *at == '_' || *at == ':'))
		at++;
	if (at < end && *at == '{') {
		do {
			at++;
			while (at < end && (isalnum((unsigned char)*at) || *at == '_'))
				at++;
			CHECK(end - at > 2 && at[0] == '=' && at[1] == '"');
			for (at += 2; at < end && *at != '"'; at++) {
				if (*at == '\\') {
					at++;
					CHECK(at < end && (*at == '\\' || *at == '"' || *at == 'n'));
				}
			}
			CHECK(at < end);
			at++;
		} while (at < end && *at == ',');
		CHECK(at < end && *at == '}');
		at++;
	}
	CHECK(end - at > 1 && *at == ' ' && (isdigit((unsigned char)at[1]) || at[1] == '-' || at[1] == '+' || at[1] == 'N'));
}

/* Every character well formed, shortest, and none of the surrogates: the Unicode Standard, table 3-7. */
static void check_utf8(const unsigned char *at, const unsigned char *end)
{
	while (at < end) {
		unsigned c = *at++, low = 0x80, high = 0xbf, more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

		CHECK(c < 0x80 || (c >= 0xc2 && c <= 0xf4));
		low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : low;
		high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : high;
		for (; more > 0; more--, low = 0x80, high = 0xbf) {
			CHECK(at < end && *at >= low && *at <= high);
			at++;
		}
	}
}

static const char *labels_end(const char *at, const char *end)
{
	for (bool quoted = false; at < end && (quoted || *at != ' '); at++) {
		if (*at == '\\')
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	return at;
}

/* No sample has the name and labels of another. */
static void check_unique(const char *first, const char *end)
{
	const char *first_end = labels_end(first, end), *at = memchr(first, '\n', (size_t)(end - first));

	while (at != NULL && ++at < end) {
		const char *at_end = labels_end(at, end);

		CHECK(*at == '#' || at_end - at != first_end - first || memcmp(at, first, (size_t)(at_end - at)) != 0);
		at = memchr(at, '\n', (size_t)(end - at));
	}
}

static void check_metrics(const struct text *text)
{
	const char *at = text->at, *end = text->at + text->size;

	check_utf8((const unsigned char *)at, (const unsigned char *)end);
	CHECK(text->size > 6 && memcmp(end - 6, "# EOF\n", 6) == 0);
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		CHECK(line_end != NULL && line_end > at);
		check_metric(at, line_end);
		if (*at != '#')
			check_unique(at, end);
		at = line_end + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct names PLAIN = { "cache", { "f", "g", "h", "i" }, { "a", "b", "c", "d" } };
	struct input input = { data, size };
	struct shape shape = { .functions = take_below(&input, FUNCTIONS_MOST + 1), .entries = take_below(&input, ENTRIES_MOST + 1),
			       .flags = take(&input), .result = (int)take_bytes(&input, 4) };
	struct names names;
	struct text plain, hostile;
	int result;

	shape.flags = shape.flags < 200 ? shape.flags % (KNOWN_FLAGS + 1) : shape.flags;
	shape.fail_at = take_below(&input, 4) == 3 ? 1 + (int)take_below(&input, 60) : 0;
	names.cache = take_text(&input, 3000);
	for (int i = 0; i < FUNCTIONS_MOST; i++)
		names.functions[i] = take_text(&input, 3000);
	for (int i = 0; i < ENTRIES_MOST; i++) { /* all different: one entry each, as with the plain names */
		char *text = take_text(&input, 3000);

		names.arguments[i] = text;
		for (int k = 0; k < i; k++) {
			if (strcmp(names.arguments[k], text) == 0)
				shape.entries = shape.entries < (unsigned)i ? shape.entries : (unsigned)i;
		}
	}
	dump(&(struct shape){ shape.functions, shape.entries, shape.flags, 0, 0 }, &PLAIN, &plain);
	result = dump(&shape, &names, &hostile);
	if (shape.flags > KNOWN_FLAGS)
		CHECK(result == TENURE_EINVAL);
	if (result == TENURE_EINVAL && plain.size == 0) {
		CHECK(hostile.size == 0); /* flags that it does not know */
	} else if (shape.fail_at != 0 && hostile.writes == shape.fail_at && shape.result != 0) {
		CHECK(result == shape.result);
	} else {
		CHECK(result == 0);
		CHECK(plain.writes > 0);
		if (shape.flags & TENURE_DUMP_OPENMETRICS) { /* functions that look the same are added up there */
			CHECK(lines_of(&plain) >= lines_of(&hostile));
			check_metrics(&hostile);
		} else {
			CHECK(lines_of(&plain) == lines_of(&hostile));
		}
	}
	free(plain.at);
	free(hostile.at);
	keep_end();
	return 0;
}
