/* SPDX-License-Identifier: Apache-2.0 */
/* function.c: a cached function: its identity, its options, clearing and draining it.
 *
 * Functions are never freed: a hit may hold the address of one at any time. */
#include "core/function.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "core/entry.h"
#include "core/expire.h"
#include "core/retire.h"
#include "core/table.h"
#include "core/worker.h"

/* Name, version, type and parameters in one number: FNV-1a (Fowler, Noll, Vo), only ever compared after the texts. */
static uint64_t mix_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	} while (*text++ != '\0');
	return hash;
}

static uint64_t shape_of(const tenure_definition *definition)
{
	uint64_t hash = mix_text(UINT64_C(14695981039346656037), definition->type);

	for (size_t i = 0; i < definition->parameter_count; i++) {
		hash = mix_text(hash, definition->parameters[i].name);
		hash = mix_text(hash, definition->parameters[i].type);
	}
	return hash;
}

static struct tn_function *find_locked(const char *name, const char *version)
{
	struct tn_function *function;

	tn_list_for_each(function, &tn_core.functions, struct tn_function, in_core) {
		if (function->cache->open && function->version != NULL && strcmp(function->version, version) == 0 &&
		    strcmp(function->definition->name, name) == 0)
			return function;
	}
	return NULL;
}

static void apply_locked(struct tn_function *function, const tenure_definition *definition,
			 const struct tn_options *options)
{
	function->definition = definition;
	function->ttl = options->ttl;
	function->idle_ttl = options->idle_ttl;
	function->validate_every = options->validate_every;
	function->max_entries = options->max_entries;
	function->jitter_percent = options->jitter_percent;
	function->show_time = options->show_time;
	function->validates = definition->validate != NULL;
}

static void free_function(struct tn_function *function)
{
	if (function == NULL)
		return;
	tn_free(function->spinner);
	tn_free(function->version);
	tn_free(function);
}

static struct tn_function *new_function(const tenure_definition *definition, const struct tn_options *options)
{
	struct tn_function *function = tn_alloc_aligned(64, sizeof(*function));

	if (function == NULL)
		return NULL;
	tn_list_init(&function->live);
	tn_list_init(&function->retired);
	tn_list_init(&function->drains);
	function->cache = options->cache;
	function->state.now = &options->cache->now;
	function->shape = shape_of(definition);
	function->spinner = options->spinner == NULL ? NULL : tn_strdup(options->spinner);
	function->version = options->version == NULL ? NULL : tn_strdup(options->version);
	if ((options->spinner != NULL && function->spinner == NULL) ||
	    (options->version != NULL && function->version == NULL)) {
		free_function(function);
		return NULL;
	}
	return function;
}

int tn_function_register(tenure_function *face, const struct tn_options *options, struct tn_function **ret_function)
{
	const tenure_definition *definition = face->definition;
	struct tn_function *made = new_function(definition, options), *function;
	bool same = true, open;

	if (made == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the function %s()", definition->name);
	tn_lock();
	open = options->cache->open && !options->cache->closing && !tn_core.exiting;
	function = __atomic_load_n(&face->state_[0], __ATOMIC_RELAXED);
	if (function != NULL && !function->cache->open)
		function = NULL; /* its cache was closed, and this is another one */
	if (function == NULL && options->version != NULL)
		function = find_locked(definition->name, options->version);
	if (function != NULL) {
		same = function->shape == made->shape && function->cache == made->cache;
		if (same && open)
			apply_locked(function, definition, options);
	} else if (open) {
		function = made;
		made = NULL;
		function->state.seed = tenure_fold_(tn_core.seeds ^ ++tn_core.function_count, TENURE_MIX_3_);
		apply_locked(function, definition, options);
		tn_list_insert_tail(&tn_core.functions, &function->in_core);
		tn_list_insert_tail(&options->cache->functions, &function->in_cache);
	}
	if (same && open)
		__atomic_store_n(&face->state_[0], &function->state, __ATOMIC_RELEASE);
	tn_unlock();
	free_function(made);
	if (!open)
		return tn_fail(TENURE_ECLOSED, "%s() belongs to a cache that is closed", definition->name);
	if (!same)
		return tn_fail(TENURE_EINVAL, "%s() with the version \"%s\" is defined already, with another type, other "
			       "parameters or another cache; give it a new version text", definition->name,
			       options->version);
	*ret_function = function;
	return 0;
}

int tn_function_clear_key(struct tn_function *function, uint64_t hash, const unsigned char *key, uint32_t key_size)
{
	struct tn_entry *entry, *next;
	int count = 0;

	tn_lock();
	entry = tn_table_find_locked(function, hash, key, key_size);
	if (entry != NULL && tn_entry_is(entry, TN_CREATING)) {
		next = entry->flight->variants;
		if (!entry->flight->awaiting) {
			tn_retire_creation_locked(entry);
			count++;
		}
		entry = next;
	}
	for (; entry != NULL; entry = next) {
		struct tn_entry **more = tn_retire_variants_of(entry);

		next = more == NULL ? NULL : *more;
		tn_retire_locked(entry, TN_CLEARED);
		count++;
	}
	tn_unlock();
	return count;
}

/* The creations that run now: their results will not be published. */
static int clear_flights_locked(struct tn_function *function)
{
	tenure_call *flight;
	int count = 0;

	tn_list_for_each(flight, &function->cache->flights, tenure_call, in_cache) {
		if (flight->function != function || flight->validation || flight->cleared || flight->awaiting)
			continue;
		tn_retire_creation_locked(flight->entry);
		count++;
	}
	return count;
}

int tn_function_clear(struct tn_function *function, enum tn_cause cause)
{
	uint64_t last_life, left;
	int count, batch = 0;

	tn_lock();
	count = clear_flights_locked(function);
	last_life = tn_core.next_life; /* what is published from here on stays */
	for (left = function->live_count; left > 0; left--) {
		struct tn_entry *oldest = tn_list_last(&function->live, struct tn_entry, in_function);

		if (oldest == NULL || oldest->head.life > last_life)
			break;
		tn_retire_locked(oldest, cause);
		count++;
		if (++batch % TN_BATCH == 0) {
			tn_unlock();
			TN_FAULT("clear.between_batches");
			tn_lock();
		}
	}
	tn_unlock();
	return count;
}

int tn_function_await_releases(struct tn_function *function, int64_t deadline)
{
	tenure_cache *cache = function->cache;
	struct tn_drain drain;

	tn_lock();
	drain.last_life = tn_core.next_life;
	drain.left = function->unfinished;
	tn_list_insert_tail(&function->drains, &drain.in_function);
	TN_FAULT("drain.waits");
	while (drain.left != 0 && tn_cache_time_locked(cache) < deadline) {
		if (cache->options.now != NULL)
			tn_cond_wait(&cache->settled, &tn_core.mutex);
		else
			tn_cond_wait_until(&cache->settled, &tn_core.mutex, deadline);
	}
	tn_list_remove(&drain.in_function);
	tn_unlock();
	return drain.left > INT32_MAX ? INT32_MAX : (int)drain.left;
}
