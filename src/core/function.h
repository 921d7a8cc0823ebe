/* SPDX-License-Identifier: Apache-2.0 */
/* function.h: a cached function: its identity, its options, clearing and draining it. */
#ifndef TN_FUNCTION_H
#define TN_FUNCTION_H

#include "core/core.h"

/* Options after front/options.c has read and checked them. */
struct tn_options {
	int64_t ttl, idle_ttl, validate_every;
	uint64_t max_entries;
	uint32_t jitter_percent;
	bool show_time;
	const char *spinner; /* NULL: none; borrowed */
	const char *version; /* borrowed */
	tenure_cache *cache;
};

/* The function behind this face, made at the first call. With a version text, faces of the same name, version and
 * shape share one. 0 and *ret_function; TENURE_EINVAL (same text, another shape or cache), TENURE_ECLOSED,
 * TENURE_ENOMEM. Takes M. */
int tn_function_register(tenure_function *face, const struct tn_options *options, struct tn_function **ret_function);

/* Retire the entries of this base key, every combination of inputs, and mark its creation. How many. Takes M. */
int tn_function_clear_key(struct tn_function *function, uint64_t hash, const unsigned char *key, uint32_t key_size);

/* Retire all, in batches. How many. Takes M. */
int tn_function_clear(struct tn_function *function, enum tn_cause cause);

/* Wait until everything of the function that is out of service now has been released. 0, or how many are still out
 * when the deadline passes. Takes M. */
int tn_function_await_releases(struct tn_function *function, int64_t deadline);

#endif
