/* SPDX-License-Identifier: Apache-2.0 */
/* dump.c: counters and entries as data and as text for people. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/error.h"
#include "core/cache.h"
#include "core/clear.h"
#include "core/context.h"
#include "core/function.h"
#include "core/stats.h"
#include "front/guard.h"
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

struct output {
	tenure_write *write;
	void *user;
	int result;
};

static void put(struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct output *output, const char *format, ...)
{
	enum tn_callback was;
	char text[1024];
	va_list arguments;
	int size;

	if (output->result != 0)
		return;
	va_start(arguments, format);
	size = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (size <= 0)
		return;
	was = tn_callback_enter(TN_IN_WRITE);
	output->result = output->write(output->user, text,
				       (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
	tn_callback_leave(was);
}

static void put_function(struct output *output, struct tn_function *function)
{
	tenure_stats s = { 0 };
	char time[32];

	tn_stats_add(function, &s);
	tn_duration_format(s.creations == 0 ? 0 : (int64_t)(s.creation_time / s.creations), time, sizeof(time));
	put(output, "%s()\n", function->definition->name);
	put(output, "  hits %llu, misses %llu, waits %llu; creations %llu (%s each), failures %llu, abandoned %llu\n",
	    (unsigned long long)s.hits, (unsigned long long)s.misses, (unsigned long long)s.waits,
	    (unsigned long long)s.creations, time, (unsigned long long)s.failures, (unsigned long long)s.abandoned);
	put(output, "  live %llu (leased %llu), retired but leased %llu, releases pending %llu, failed %llu\n",
	    (unsigned long long)s.live, (unsigned long long)s.leased, (unsigned long long)s.retired,
	    (unsigned long long)s.pending_releases, (unsigned long long)s.release_failures);
	put(output, "  retired: expired %llu, idle %llu, capacity %llu, cleared %llu, invalid %llu, replaced %llu, closed %llu\n",
	    (unsigned long long)s.retired_expired, (unsigned long long)s.retired_idle,
	    (unsigned long long)s.retired_capacity, (unsigned long long)s.retired_cleared,
	    (unsigned long long)s.retired_invalid, (unsigned long long)s.retired_replaced,
	    (unsigned long long)s.retired_closed);
}

static void put_entries(struct output *output, const tenure_cache *cache, unsigned flags)
{
	struct tn_snapshot entry;
	uint64_t at = 0;
	bool first = true;

	while (output->result == 0 && tn_snapshot_next(cache, &at, &entry)) {
		char age[32], left[32], took[32];

		if (first)
			put(output, "%-16s %10s %10s %10s %7s  %s\n", "state", "age", "left", "took", "leases", "entry");
		first = false;
		tn_duration_format(entry.age, age, sizeof(age));
		tn_duration_format(entry.time_left, left, sizeof(left));
		tn_duration_format(entry.creation_time, took, sizeof(took));
		put(output, "%-16s %10s %10s %10s %7llu  %s(%s)\n", entry.phase, age, left, took,
		    (unsigned long long)entry.leases, entry.function,
		    flags & TENURE_DUMP_ARGUMENTS ? entry.arguments : "...");
	}
}

int tenure_dump(tenure_cache *cache, unsigned flags, tenure_write *write, void *user)
{
	struct output output = { .write = write, .user = user };
	struct tn_function *function;
	int result = tn_guard(TN_FROM_WORK, "tenure_dump()");

	if (result == 0 && write == NULL)
		result = tn_fail(TENURE_EINVAL, "the dump has nowhere to go: `write` is NULL");
	if (result == 0 && flags & ~(unsigned)TENURE_DUMP_ARGUMENTS)
		result = tn_fail(TENURE_EINVAL, "unknown flags 0x%x; allowed is 0 or TENURE_DUMP_ARGUMENTS", flags);
	if (result != 0)
		return result;
	cache = cache != NULL ? cache : tn_options_default_cache();
	if (cache == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache");
	put(&output, "cache \"%s\"\n", cache->name);
	for (function = NULL; (function = tn_clear_next_root(cache, function)) != NULL;)
		put_function(&output, function);
	put_entries(&output, cache, flags);
	return output.result;
}

int tenure_to_file(void *user, const char *text, size_t size)
{
	return fwrite(text, 1, size, user) == size ? 0 : TENURE_EFAILED;
}
