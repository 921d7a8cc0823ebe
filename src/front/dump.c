/* SPDX-License-Identifier: Apache-2.0 */
/* dump.c: counters and entries as data and as text for people. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "base/error.h"
#include "core/cache.h"
#include "core/clear.h"
#include "core/function.h"
#include "core/stats.h"
#include "front/guard.h"
#include "front/openmetrics.h"
#include "front/options.h"

static int give_stats(const tenure_stats *stats, tenure_stats *ret, size_t size)
{
	if (ret == NULL)
		return tn_fail(TENURE_EINVAL, "the place for the counters is NULL");
	tn_options_copy(ret, size, stats, sizeof(*stats));
	return 0;
}

int tenure_function_stats(tenure_function *face, tenure_stats *ret, size_t size)
{
	tenure_stats stats = { 0 };
	struct tn_function *function;
	uint64_t generation;

	tn_guard(TN_FROM_ALL, "tenure_get_stats()");
	if (face == NULL)
		return tn_fail(TENURE_EINVAL, "the function is NULL");
	generation = tn_core.generation;
	function = tn_function_hold(face, true);
	if (function != NULL) { /* never called: all zero */
		tn_stats_add(function, &stats);
		tn_function_let_go(function, generation);
	}
	return give_stats(&stats, ret, size);
}

int tenure_cache_stats(tenure_cache *cache, tenure_stats *ret, size_t size)
{
	struct tn_function *function;
	tenure_stats stats = { 0 };

	tn_guard(TN_FROM_ALL, "tenure_cache_stats()");
	cache = cache != NULL ? cache : tn_options_default_cache();
	if (cache == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache");
	for (function = NULL; (function = tn_clear_next_root(cache, function)) != NULL;)
		tn_stats_add(function, &stats);
	return give_stats(&stats, ret, size);
}

int tenure_each_entry(tenure_cache *cache, int (*visit)(void *user, const tenure_entry_info *entry), void *user)
{
	struct tn_walk walk = { 0 };
	struct tn_snapshot entry;
	int result = tn_guard(TN_FROM_WORK, "tenure_each_entry()");

	if (result == 0 && visit == NULL)
		result = tn_fail(TENURE_EINVAL, "nobody visits the entries: `visit` is NULL");
	if (result != 0)
		return result;
	cache = cache != NULL ? cache : tn_options_default_cache();
	if (cache == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache");
	while (result == 0 && tn_snapshot_next(cache, &walk, &entry)) {
		const tenure_entry_info info = {
			.function = entry.function,
			.arguments = entry.arguments,
			.state = entry.state,
			.cause = entry.cause,
			.age = entry.age,
			.time_left = entry.time_left,
			.creation_time = entry.creation_time,
			.leases = entry.leases,
		};

		result = visit(user, &info);
	}
	return result;
}

/* ---- for people */

/* A stranger's name shall not steer the terminal that it is shown on. */
static void put_name(struct tn_output *output, const char *name)
{
	for (; *name != '\0'; name++)
		tn_output_add(output, (unsigned char)*name < ' ' || *name == 0x7f ? "?" : name, 1);
}

static void put_counter(struct tn_output *output, const char *name, uint64_t value, bool time, const char *sentence)
{
	char text[32];

	if (value == 0)
		return;
	if (time)
		tn_duration_format(value > INT64_MAX ? INT64_MAX : (int64_t)value, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	tn_output_print(output, "  %-18s %12s  %s\n", name, text, sentence);
}

enum kind { COUNTER, TIME, CAUSE, NOW };

static void put_function(struct tn_output *output, const struct tn_function_stats *function)
{
	put_name(output, function->name);
	tn_output_print(output, "()\n");
#define PUT(kind, name, text) put_counter(output, #name, function->stats.name, kind == TIME, text);
	TENURE_STATS(PUT)
#undef PUT
}

static int put_functions(struct tn_output *output, const tenure_cache *cache)
{
	size_t count;
	struct tn_function_stats *functions = tn_stats_gather(cache, &count);

	if (functions == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the counters of the functions");
	for (size_t i = 0; i < count; i++)
		put_function(output, &functions[i]);
	tn_free(functions);
	return 0;
}

static void put_call(struct tn_output *output, const char *function, const char *arguments, unsigned flags)
{
	put_name(output, function);
	tn_output_print(output, "(%s)\n", flags & TENURE_DUMP_ARGUMENTS ? arguments : "...");
}

static void put_entries(struct tn_output *output, const tenure_cache *cache, unsigned flags)
{
	struct tn_walk walk = { 0 };
	struct tn_snapshot entry;
	bool first = true;

	while (output->result == 0 && tn_snapshot_next(cache, &walk, &entry)) {
		char age[32], left[32], took[32], state[40];

		if (first)
			tn_output_print(output, "%-19s %10s %10s %10s %7s  %s\n", "state", "age", "left", "took", "leases",
					"entry");
		first = false;
		snprintf(state, sizeof(state), entry.cause == NULL ? "%s" : "%s, %s", entry.state, entry.cause);
		tn_duration_format(entry.age, age, sizeof(age));
		tn_duration_format(entry.time_left, left, sizeof(left));
		tn_duration_format(entry.creation_time, took, sizeof(took));
		tn_output_print(output, "%-19s %10s %10s %10s %7llu  ", state, age, left, took,
				(unsigned long long)entry.leases);
		put_call(output, entry.function, entry.arguments, flags);
	}
}

static void put_holders(struct tn_output *output, const tenure_cache *cache, unsigned flags)
{
	struct tn_held held;
	uint32_t at = 0;
	bool first = true;

	while (output->result == 0 && tn_held_next(cache, &at, &held)) {
		char age[32], thread[48];

		if (first)
			tn_output_print(output, "%10s  %-26s %-40s %s\n", "held for", "by thread", "taken at", "lease on");
		first = false;
		tn_duration_format(held.age, age, sizeof(age));
		snprintf(thread, sizeof(thread), "%llu (%s)", (unsigned long long)held.holder.thread, held.holder.thread_name);
		tn_output_print(output, "%10s  %-26s %-40s ", age, thread,
				held.holder.place[0] == '\0' ? "a place not known" : held.holder.place);
		tn_output_print(output, "%s", held.holder.kept ? "(kept by another entry) " : "");
		put_call(output, held.function, held.arguments, flags);
	}
	if (first)
		tn_output_print(output, "nobody holds a lease of a function that tracks its holders\n");
}

static int dump(tenure_cache *cache, unsigned flags, struct tn_output *output)
{
	int result;

	if (flags & TENURE_DUMP_OPENMETRICS)
		return tn_openmetrics_write(cache, output);
	tn_output_print(output, "cache \"");
	put_name(output, cache->name);
	tn_output_print(output, "\"\n");
	result = put_functions(output, cache);
	if (result != 0)
		return result;
	put_entries(output, cache, flags);
	if (flags & TENURE_DUMP_HOLDERS)
		put_holders(output, cache, flags);
	return tn_output_end(output);
}

static int check_flags(const tenure_cache *cache, unsigned flags)
{
	const unsigned for_people = TENURE_DUMP_ARGUMENTS | TENURE_DUMP_HOLDERS;
	const unsigned for_machines = TENURE_DUMP_OPENMETRICS | TENURE_DUMP_EVERY_CACHE;

	if (flags & ~(for_people | for_machines))
		return tn_fail(TENURE_EINVAL, "unknown flags 0x%x of the dump; allowed are TENURE_DUMP_ARGUMENTS, _HOLDERS, "
			       "_OPENMETRICS and _EVERY_CACHE", flags & ~(for_people | for_machines));
	if ((flags & TENURE_DUMP_OPENMETRICS) && (flags & for_people))
		return tn_fail(TENURE_EINVAL, "TENURE_DUMP_OPENMETRICS has counters only: no arguments, no holders; ask for "
			       "those in another dump");
	if ((flags & TENURE_DUMP_EVERY_CACHE) && (!(flags & TENURE_DUMP_OPENMETRICS) || cache != NULL))
		return tn_fail(TENURE_EINVAL, "TENURE_DUMP_EVERY_CACHE goes with TENURE_DUMP_OPENMETRICS, and with NULL for the "
			       "cache");
	return 0;
}

int tenure_dump(tenure_cache *cache, unsigned flags, tenure_write *write, void *user)
{
	struct tn_output output = { .write = write, .user = user };
	int result = tn_guard(TN_FROM_WORK, "tenure_dump()");

	if (result == 0 && write == NULL)
		result = tn_fail(TENURE_EINVAL, "the dump has nowhere to go: `write` is NULL");
	if (result == 0)
		result = check_flags(cache, flags);
	if (result != 0)
		return result;
	if (cache == NULL && !(flags & TENURE_DUMP_EVERY_CACHE)) {
		cache = tn_options_default_cache();
		if (cache == NULL)
			return tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache");
	}
	return dump(cache, flags, &output);
}
