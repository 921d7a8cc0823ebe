/* SPDX-License-Identifier: Apache-2.0 */
/* key_text.c: a key, put into words for people. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/key.h"

struct text {
	char *at;
	size_t room, length;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	va_list arguments;
	int written;

	if (text->length + 1 >= text->room)
		return;
	va_start(arguments, format);
	written = vsnprintf(text->at + text->length, text->room - text->length, format, arguments);
	va_end(arguments);
	if (written > 0)
		text->length += (size_t)written;
	if (text->length >= text->room)
		text->length = text->room - 1;
}

static void add_quoted(struct text *text, const unsigned char *data, uint64_t size)
{
	add(text, "\"");
	for (uint64_t i = 0; i < size && i < 60; i++) {
		if (data[i] == '"' || data[i] == '\\')
			add(text, "\\%c", data[i]);
		else if (data[i] < ' ' || data[i] == 0x7f)
			add(text, "\\x%02x", data[i]);
		else
			add(text, "%c", data[i]);
	}
	add(text, size > 60 ? "...\"" : "\"");
}

static void add_word(struct text *text, uint32_t kind, uint64_t word)
{
	double real;

	switch (kind) {
	case TENURE_BOOL:
		add(text, word ? "true" : "false");
		break;
	case TENURE_INT:
		add(text, "%lld", (long long)(int64_t)word);
		break;
	case TENURE_UINT:
		add(text, "%llu", (unsigned long long)word);
		break;
	default:
		memcpy(&real, &word, sizeof(real));
		add(text, "%.17g", real);
	}
}

void tn_key_format(const tenure_definition *definition, const unsigned char *bytes, uint32_t size, char *room_at,
		   size_t room)
{
	struct text text = { .at = room_at, .room = room };
	const unsigned char *word = bytes, *tail;
	size_t words = 0;

	room_at[0] = '\0';
	if (size & TENURE_DIGESTED_) {
		add(&text, "<%llu bytes>", (unsigned long long)tenure_read8_(bytes));
		return;
	}
	for (size_t i = 0; i < definition->parameter_count; i++)
		words += tn_parameter_keyed(&definition->parameters[i]);
	tail = bytes + 8 * words;
	for (size_t i = 0; i < definition->parameter_count; i++) {
		const tenure_parameter *parameter = &definition->parameters[i];
		uint64_t value;

		if (!tn_parameter_keyed(parameter))
			continue;
		value = tenure_read8_(word);
		add(&text, word == bytes ? "" : ", ");
		word += 8;
		if (parameter->kind < TENURE_STRING) {
			add_word(&text, parameter->kind, value);
			continue;
		}
		if (value & TN_DIGESTED_SIZE || parameter->kind != TENURE_STRING)
			add(&text, "<%s, %llu bytes>", parameter->kind < TENURE_VALUE ? tn_kind_name(parameter->kind) : "value",
			    (unsigned long long)(value & ~TN_DIGESTED_SIZE));
		else
			add_quoted(&text, tail, value);
		tail += value & TN_DIGESTED_SIZE ? 16 : value;
	}
}
