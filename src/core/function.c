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
#include "core/clear.h"
#include "core/entry.h"
#include "core/evict.h"
#include "core/expire.h"
#include "core/key.h"
#include "core/session.h"
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
	uint64_t hash = mix_text(UINT64_C(14695981039346656037), definition->type == NULL ? "" : definition->type);

	for (size_t i = 0; i < definition->parameter_count; i++) {
		hash = mix_text(hash, definition->parameters[i].name);
		hash = mix_text(hash, tn_parameter_type(&definition->parameters[i]));
		hash = mix_text(hash, tn_kind_name(definition->parameters[i].kind)); /* the key's words depend on it */
	}
	return hash;
}

static struct tn_function *find_locked(const char *name, const char *version)
{
	struct tn_function *function;

	tn_list_for_each(function, &tn_core.functions, struct tn_function, in_core) {
		if (function->parent != NULL || function->closed || !function->cache->open || function->version == NULL)
			continue;
		if (strcmp(function->version, version) == 0 && strcmp(function->definition->name, name) == 0)
			return function;
	}
	return NULL;
}

static bool same_text(const struct tn_text *a, const char *b)
{
	return a == NULL ? b == NULL : b != NULL && strcmp(a->text, b) == 0;
}

/* A copy for the function to keep. NULL: no memory. */
static struct tn_text *copy_text(const char *text)
{
	size_t size = strlen(text) + 1;
	struct tn_text *copy = tn_alloc(sizeof(*copy) + size);

	if (copy != NULL)
		memcpy(copy->text, text, size);
	return copy;
}

static void free_texts(struct tn_text *text)
{
	while (text != NULL) {
		struct tn_text *next = text->next;

		tn_free(text);
		text = next;
	}
}

/* ---- making one */

/* Memory for a function, not in use; its older texts are freed. NULL: no memory. */
struct tn_function *tn_function_reserve(void)
{
	struct tn_function *function;
	struct tn_text *old;
	void *chunk;

	for (;;) {
		tn_lock();
		function = tn_pool_take_locked(&tn_core.function_pool);
		tn_unlock();
		if (function != NULL)
			break;
		chunk = tn_pool_grow(&tn_core.function_pool);
		if (chunk == NULL)
			return NULL;
		tn_lock();
		tn_pool_adopt_locked(&tn_core.function_pool, chunk);
		tn_unlock();
	}
	old = function->texts;
	function->texts = NULL;
	free_texts(old);
	return function;
}

void tn_function_put_unused(struct tn_function *function)
{
	if (function == NULL)
		return;
	tn_lock();
	tn_pool_put_locked(&tn_core.function_pool, function);
	tn_unlock();
}

static void adopt_text_locked(struct tn_function *function, struct tn_text *text)
{
	text->next = function->texts;
	function->texts = text;
}

/* All fields but the options; `seed` and the lists of its kin are set where it goes into service. */
void tn_function_start_locked(struct tn_function *function, const tenure_definition *definition, tenure_cache *cache)
{
	struct tn_text *texts = function->texts;

	/* A reader without a lock may still hold the address from an earlier life: it compares, and reads seed and now.
	 * So these are written as one would write atomics, and never torn. */
	memset((char *)function + sizeof(function->state), 0, sizeof(*function) - sizeof(function->state));
	__atomic_store_n(&function->state.seed, tenure_fold_(tn_core.seeds ^ ++tn_core.function_count, TENURE_MIX_3_),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&function->state.now, &cache->now, __ATOMIC_RELAXED);
	function->texts = texts;
	tn_list_init(&function->in_cache);
	tn_list_init(&function->in_core);
	tn_list_init(&function->in_parent);
	tn_list_init(&function->in_session);
	tn_list_init(&function->children);
	tn_list_init(&function->live);
	tn_list_init(&function->retired);
	tn_list_init(&function->drains);
	tn_list_init(&function->prepared);
	function->cache = cache;
	function->definition = definition;
	tn_list_insert_tail(&tn_core.functions, &function->in_core);
}

/* ---- options in force */

static void apply_locked(struct tn_function *function, const struct tn_options *options, struct tn_text *spinner)
{
	function->in_force = options->in_force;
	function->spinner = spinner;
}

static bool same_options(const struct tn_function *function, const struct tn_options *options)
{
	return function->ttl == options->ttl && function->idle_ttl == options->idle_ttl &&
	       function->validate_every == options->validate_every && function->max_stale == options->max_stale &&
	       function->max_entries == options->max_entries && function->jitter_percent == options->jitter_percent &&
	       function->track_holders == options->track_holders && function->background == options->background;
}

/* Live entries follow: deadlines are moved, and what is too many goes; in batches. */
static void apply_to_entries(struct tn_function *function)
{
	bool more;

	tn_lock();
	tn_expire_again_start_locked(function);
	do {
		more = tn_expire_again_locked(function, tn_cache_time_locked(function->cache));
		tn_breathe_unlock_lock("update.between_batches");
	} while (more);
	while (tn_evict_locked(function, NULL))
		tn_breathe_unlock_lock("update.evicts");
	tn_unlock();
}

/* A child takes what the root has now: another update may have come meanwhile. */
static void apply_to_family(struct tn_function *root)
{
	struct tn_function *child;

	apply_to_entries(root);
	for (child = NULL; (child = tn_clear_next_child(root, child)) != NULL;) {
		TN_FAULT("update.before_child");
		tn_lock();
		child->in_force = root->in_force;
		child->spinner = root->spinner;
		child->validates = root->validates;
		child->definition = root->definition;
		tn_unlock();
		apply_to_entries(child);
	}
}

/* ---- register */

static void link_face_locked(tenure_function *face, struct tn_function *function)
{
	face->state_[1] = function->faces;
	function->faces = face;
	function->users++;
	__atomic_store_n(&face->state_[0], &function->state, __ATOMIC_RELEASE);
}

void tn_function_unlink_face_locked(tenure_function *face, struct tn_function *function)
{
	tenure_function **at = &function->faces;

	while (*at != NULL && *at != face)
		at = (tenure_function **)&(*at)->state_[1];
	if (*at == NULL)
		return;
	*at = face->state_[1];
	face->state_[1] = NULL;
	__atomic_store_n(&face->state_[0], NULL, __ATOMIC_RELEASE);
	if (function->faces != NULL && function->definition == face->definition) {
		function->definition = function->faces->definition;
		function->validates = function->definition->validate != NULL;
	}
	tn_function_put_locked(function);
}

static char closed_face; /* its address in state_[1] of one that leads nowhere */

void tn_function_close_face_locked(tenure_function *face, struct tn_function *function)
{
	tn_function_unlink_face_locked(face, function);
	face->state_[1] = &closed_face;
}

bool tn_function_was_closed(const tenure_function *face)
{
	bool closed;

	tn_lock();
	closed = tn_function_of_face_locked(face) == NULL && face->state_[1] == &closed_face;
	tn_unlock();
	return closed;
}

static bool open_locked(const tenure_cache *cache)
{
	return cache->open && !cache->closing && !tn_core.exiting;
}

/* What the program's variable says may have been closed and freed by now. */
static bool found_open_locked(const tenure_cache *wanted)
{
	const tenure_cache *cache;

	tn_list_for_each(cache, &tn_core.caches, tenure_cache, in_core) {
		if (cache == wanted)
			return open_locked(cache);
	}
	return false;
}

struct registration {
	tenure_function *face;
	const struct tn_options *options;
	struct tn_function *made; /* unused when there is one already */
	struct tn_text *spinner, *version;
	uint64_t shape;
	bool again; /* it was there, with other options */
};

static int register_locked(struct registration *r, struct tn_function **ret_function)
{
	const tenure_definition *definition = r->face->definition;
	struct tn_function *function = tn_function_of_face_locked(r->face);

	if (!found_open_locked(r->options->cache))
		return TENURE_ECLOSED;
	if (function != NULL && !open_locked(function->cache)) {
		tn_function_unlink_face_locked(r->face, function); /* its cache was closed, and this is another one */
		function = NULL;
	}
	if (function != NULL && function->closed)
		return TENURE_ECLOSED;
	if (function == NULL && r->version != NULL)
		function = find_locked(definition->name, r->version->text);
	if (function == NULL) {
		function = r->made;
		r->made = NULL;
		tn_function_start_locked(function, definition, r->options->cache);
		function->shape = r->shape;
		function->scoped = r->options->scoped;
		function->version = r->version == NULL ? NULL : r->version->text;
		if (r->version != NULL)
			adopt_text_locked(function, r->version);
		r->version = NULL;
		tn_list_insert_tail(&function->cache->functions, &function->in_cache);
	} else if (function->shape != r->shape || function->cache != r->options->cache ||
		   function->scoped != r->options->scoped) {
		return TENURE_EINVAL;
	} else {
		r->again = !same_options(function, r->options);
	}
	if (same_text(function->spinner, r->options->spinner)) {
		apply_locked(function, r->options, function->spinner);
	} else {
		if (r->spinner != NULL)
			adopt_text_locked(function, r->spinner);
		apply_locked(function, r->options, r->spinner);
		r->spinner = NULL;
	}
	function->definition = definition;
	function->validates = definition->validate != NULL;
	if (tn_function_of_face_locked(r->face) == NULL)
		link_face_locked(r->face, function);
	function->users++;
	function->cache->calls++;
	*ret_function = function;
	return 0;
}

int tn_function_register(tenure_function *face, const struct tn_options *options, struct tn_function **ret_function)
{
	const tenure_definition *definition = face->definition;
	struct registration r = { .face = face, .options = options, .shape = shape_of(definition) };
	int result = 0;

	r.made = tn_function_reserve();
	r.spinner = options->spinner == NULL ? NULL : copy_text(options->spinner);
	r.version = options->version == NULL ? NULL : copy_text(options->version);
	if (r.made == NULL || (options->spinner != NULL && r.spinner == NULL) ||
	    (options->version != NULL && r.version == NULL))
		result = TENURE_ENOMEM;
	if (result == 0) {
		tn_lock();
		result = register_locked(&r, ret_function);
		tn_unlock();
	}
	tn_function_put_unused(r.made);
	tn_free(r.spinner);
	tn_free(r.version);
	if (result == 0 && r.again)
		apply_to_family(*ret_function);
	switch (result) {
	case TENURE_ENOMEM:
		return tn_fail(result, "out of memory for the function %s()", definition->name);
	case TENURE_ECLOSED:
		return tn_fail(result, "%s() was retired, or belongs to a cache that is closed", definition->name);
	case TENURE_EINVAL:
		return tn_fail(result, "%s() is defined already, with another type, other parameters, another scope or another "
			       "cache; give it a new version text", definition->name);
	default:
		return 0;
	}
}

/* ---- calls under way */

struct tn_function *tn_function_hold(tenure_function *face, bool closed_too)
{
	struct tn_function *function;

	tn_lock();
	function = tn_function_of_face_locked(face);
	if (function != NULL && !closed_too && (function->closed || !open_locked(function->cache)))
		function = NULL;
	if (function != NULL) {
		function->users++;
		function->cache->calls++;
	}
	tn_unlock();
	return function;
}

void tn_function_let_go(struct tn_function *function, uint64_t generation)
{
	tenure_cache *cache = function->cache;

	if (tn_forked_since(generation))
		return; /* counted in the parent */
	tn_lock();
	if (--cache->calls == 0 && cache->closing)
		tn_cond_broadcast(&cache->settled);
	tn_function_put_locked(function);
	tn_unlock();
}
