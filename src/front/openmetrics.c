/* SPDX-License-Identifier: Apache-2.0 */
/* openmetrics.c: the counters as OpenMetrics text (version 1.0.0), which Prometheus reads.
 *
 * A family of metrics for each line of TENURE_STATS, and one for all the causes; its HELP is the line's own sentence. In a
 * family stands one sample for each function, labelled by cache and function. Labels must be unique there, and names need not
 * be: functions that look the same are added up. So the rows are gathered, sorted by their labels and merged first.
 * A label is a name in well-formed UTF-8, whatever the name was: what is no character, and what steers a terminal, becomes
 * U+FFFD; quotes, backslashes and ends of lines are escaped. */
#include "front/openmetrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "core/stats.h"

enum { LABEL_ROOM = 3 * TN_NAME_ROOM }; /* U+FFFD has three bytes */

struct row {
	char labels[2 * LABEL_ROOM + 32];
	tenure_stats stats;
};

/* ---- labels */

static void escape(char *to, const char *name)
{
	size_t left = strlen(name), length;

	for (; left > 0; name += length, left -= length) {
		unsigned char c = (unsigned char)*name;

		length = tn_utf8_size(name, left);
		if (c == '\n' || c == '"' || c == '\\') {
			*to++ = '\\';
			*to++ = c == '\n' ? 'n' : *name;
		} else if (length == 0 || c < ' ' || c == 0x7f) {
			length = 1;
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
		} else {
			memcpy(to, name, length);
			to += length;
		}
	}
	*to = '\0';
}

static void set_labels(struct row *row, const struct tn_function_stats *from)
{
	char cache[LABEL_ROOM], function[LABEL_ROOM];

	escape(cache, from->cache);
	escape(function, from->name);
	snprintf(row->labels, sizeof(row->labels), "cache=\"%s\",function=\"%s\"", cache, function);
}

/* ---- rows */

static int by_labels(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->labels, ((const struct row *)b)->labels);
}

static void add_up(tenure_stats *to, const tenure_stats *from)
{
#define ADD(kind, name, text) to->name += from->name;
	TENURE_STATS(ADD)
#undef ADD
}

static size_t merge(struct row *rows, size_t count)
{
	size_t kept = 0;

	qsort(rows, count, sizeof(*rows), by_labels);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && strcmp(rows[kept - 1].labels, rows[i].labels) == 0)
			add_up(&rows[kept - 1].stats, &rows[i].stats);
		else if (i != kept++)
			rows[kept - 1] = rows[i];
	}
	return kept;
}

/* NULL: no memory. */
static struct row *gather(const tenure_cache *cache, size_t *ret_count)
{
	size_t count;
	struct tn_function_stats *all = tn_stats_gather(cache, &count);
	struct row *rows = all == NULL ? NULL : tn_alloc((count + 1) * sizeof(*rows));

	for (size_t i = 0; rows != NULL && i < count; i++) {
		set_labels(&rows[i], &all[i]);
		rows[i].stats = all[i].stats;
	}
	tn_free(all);
	*ret_count = rows == NULL ? 0 : merge(rows, count);
	return rows;
}

/* ---- families */

struct output_of {
	struct tn_output *output;
	const struct row *rows;
	size_t count;
};

enum kind { COUNTER, TIME, CAUSE, NOW };

static void head(struct tn_output *output, enum kind kind, const char *family, const char *help)
{
	const char *unit = kind == TIME ? "_seconds" : "";

	tn_output_print(output, "# TYPE tenure_%s%s %s\n", family, unit, kind == NOW ? "gauge" : "counter");
	if (kind == TIME)
		tn_output_print(output, "# UNIT tenure_%s%s seconds\n", family, unit);
	tn_output_print(output, "# HELP tenure_%s%s ", family, unit);
	tn_output_add(output, help, strlen(help));
	tn_output_add(output, "\n", 1);
}

static void sample(struct tn_output *output, enum kind kind, const char *family, const char *labels, const char *cause,
		   uint64_t value)
{
	tn_output_print(output, "tenure_%s%s{", family, kind == NOW ? "" : kind == TIME ? "_seconds_total" : "_total");
	tn_output_add(output, labels, strlen(labels));
	if (cause != NULL)
		tn_output_print(output, ",cause=\"%s\"", cause);
	if (kind == TIME)
		tn_output_print(output, "} %llu.%09llu\n", (unsigned long long)(value / 1000000000),
				(unsigned long long)(value % 1000000000));
	else
		tn_output_print(output, "} %llu\n", (unsigned long long)value);
}

static void family(const struct output_of *to, enum kind kind, const char *name, const char *help, size_t offset)
{
	head(to->output, kind, name, help);
	for (size_t i = 0; i < to->count; i++)
		sample(to->output, kind, name, to->rows[i].labels, NULL,
		       *(const uint64_t *)(const void *)((const char *)&to->rows[i].stats + offset));
}

/* The causes of retirement are one family with a label: retired_expired is cause="expired". */
#define SENTENCE(kind, name, text) SENTENCE_##kind(name, text)
#define SENTENCE_COUNTER(name, text)
#define SENTENCE_TIME(name, text)
#define SENTENCE_NOW(name, text)
#define SENTENCE_CAUSE(name, text) "; " #name ": " text

static void causes(const struct output_of *to)
{
	static const char NAME[] = "retirements", PREFIX[] = "retired_";

	head(to->output, CAUSE, NAME, "resources that left service, by cause" TENURE_STATS(SENTENCE));
	for (size_t i = 0; i < to->count; i++) {
#define SAMPLE(kind, name, text) \
		if (kind == CAUSE) \
			sample(to->output, CAUSE, NAME, to->rows[i].labels, &#name[sizeof(PREFIX) - 1], to->rows[i].stats.name);
		TENURE_STATS(SAMPLE)
#undef SAMPLE
	}
}

int tn_openmetrics_write(const tenure_cache *cache, struct tn_output *output)
{
	struct output_of to = { .output = output };
	struct row *rows = gather(cache, &to.count);

	if (rows == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the counters of the functions");
	to.rows = rows;
#define FAMILY(kind, name, text) \
	if (kind != CAUSE) \
		family(&to, kind, #name, text, offsetof(tenure_stats, name));
	TENURE_STATS(FAMILY)
#undef FAMILY
	causes(&to);
	tn_output_add(output, "# EOF\n", 6);
	tn_free(rows);
	return tn_output_end(output);
}
