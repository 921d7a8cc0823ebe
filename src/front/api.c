/* SPDX-License-Identifier: Apache-2.0 */
/* api.c: the public calls on functions, leases, keys and caches: check, guard, delegate. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "core/arguments.h"
#include "core/cache.h"
#include "core/context.h"
#include "core/fork.h"
#include "core/function.h"
#include "core/get.h"
#include "core/key.h"
#include "core/lease.h"
#include "core/recording.h"
#include "core/retire.h"
#include "core/session.h"
#include "core/worker.h"
#include "front/guard.h"
#include "front/options.h"

/* ---- 1. results */

/* The version is meson.build's; the header repeats it for the preprocessors of programs. */
#if TENURE_VERSION_MAJOR != TN_VERSION_MAJOR || TENURE_VERSION_MINOR != TN_VERSION_MINOR || \
	TENURE_VERSION_PATCH != TN_VERSION_PATCH
#error "include/tenure/base.h has another version than meson.build"
#endif

const char *tenure_version(void)
{
	return TN_VERSION;
}

const char *tenure_strerror(int result)
{
	switch (result) {
#define TEXT(value, name, text) \
	case name: \
		return text;
		TENURE_ERRORS(TEXT)
#undef TEXT
	default:
		return result >= 0 ? "success" : "unknown result";
	}
}

const char *tenure_message(void)
{
	return tn_last_message();
}

int tenure_creator_result(void)
{
	return tn_context()->creator_result;
}

/* ---- 2. functions */

static struct tn_function *known(const tenure_function *face)
{
	return (struct tn_function *)__atomic_load_n(&face->state_[0], __ATOMIC_ACQUIRE);
}

static int register_face(tenure_function *face, struct tn_function **ret_function)
{
	struct tn_options options;
	char spinner[256];
	int result = tn_options_read(face, spinner, &options);

	return result != 0 ? result : tn_function_register(face, &options, ret_function);
}

/* The function behind a face; registered at the first need, and again after its cache was closed and another opened. */
static int find_function(tenure_function *face, struct tn_function **ret_function)
{
	struct tn_function *function;

	if (face == NULL)
		return tn_fail(TENURE_EINVAL, "the function is NULL");
	function = known(face);
	if (function == NULL || function->cache->closing)
		return register_face(face, ret_function);
	*ret_function = function;
	return 0;
}

int tenure_function_register(tenure_function *face)
{
	struct tn_function *function;
	int result = tn_guard(TN_FROM_WORK, "tenure_register()");

	return result != 0 ? result : face == NULL ? tn_fail(TENURE_EINVAL, "the function is NULL") :
						     register_face(face, &function);
}

static int check_arguments(const tenure_function *face, const tenure_arguments *arguments)
{
	if (arguments == NULL || arguments->size != face->definition->arguments_size)
		return tn_fail(TENURE_EVERSION, "%s(): the arguments have another size than the definition knows; compile both "
			       "against the same declaration", face->definition->name);
	return 0;
}

static int64_t deadline_of(tenure_cache *cache, int64_t timeout)
{
	return timeout == TENURE_FOREVER ? TN_NEVER : tn_time_add(tn_cache_time(cache), timeout < 0 ? 0 : timeout);
}

/* The hit without a lock, for a caller that did not inline it. */
static bool hit(const struct tn_function *function, const tenure_definition *definition,
		const tenure_arguments *arguments, tenure_lease *lease)
{
	struct tenure_sizes_ sizes;
	struct tenure_cell_ *cell;
	uint64_t hash;

	if (definition->mix == NULL || !definition->mix(arguments, function->state.seed, &sizes, &hash))
		return false;
	cell = tenure_pin_(hash);
	if (cell == NULL)
		return false;
	if (cell->entry->function == &function->state &&
	    definition->same(arguments, &sizes, cell->entry->key, cell->entry->key_size) &&
	    tenure_warm_(cell->entry, &function->state)) {
		tenure_hand_out_(lease, cell);
		return true;
	}
	tenure_unpin_(cell);
	return false;
}

/* The key is known: a hit without a lock (or one that replays), else the slow path. */
static int get_by_key(const struct tn_request *request, tenure_lease *lease)
{
	struct tenure_cell_ *cell = tenure_pin_(request->hash);
	struct tenure_entry_ *entry;

	if (cell == NULL)
		return tn_get(request, lease);
	entry = cell->entry;
	if (entry->function == &request->function->state && entry->key_size == request->key_size &&
	    memcmp(entry->key, request->key, request->key_size & ~TENURE_DIGESTED_) == 0 &&
	    __atomic_load_n(&entry->expire_at, __ATOMIC_RELAXED) > tn_cached_now(request->function->cache)) {
		__atomic_fetch_or(&entry->flags, TENURE_WARM_, __ATOMIC_RELAXED);
		tenure_hand_out_(lease, cell);
		tn_recording_replay(tn_entry_of(cell)->recording, request->function->cache->options.front,
				    tn_context()->session);
		return TENURE_HIT;
	}
	tenure_unpin_(cell);
	return tn_get(request, lease);
}

static int warmed_up(int result, tenure_lease *own)
{
	if (result >= 0)
		tn_lease_give_back(own);
	return result;
}

int tenure_function_get(tenure_function *face, int64_t timeout, const tenure_arguments *arguments, tenure_lease *lease)
{
	tenure_lease own = { .resource = NULL }, *to = lease == NULL ? &own : lease;
	struct tn_request request;
	struct tn_key key;
	int result;

	if (to->cell_ != NULL)
		return tn_fail(TENURE_EHELD, "the lease is not empty: give it back first, or begin it with TENURE_LEASE or { 0 }");
	result = tn_guard(TN_FROM_WORK, "tenure_get()");
	if (result == 0)
		result = find_function(face, &request.function);
	if (result == 0)
		result = check_arguments(face, arguments);
	if (result != 0)
		return result;
	if (hit(request.function, face->definition, arguments, to))
		return lease == NULL ? warmed_up(TENURE_HIT, to) : TENURE_HIT;
	result = tn_key_build(&key, face->definition, request.function->state.seed, arguments);
	if (result == 0) {
		request.definition = face->definition;
		request.arguments = arguments;
		request.key = key.bytes;
		request.key_size = key.size;
		request.hash = key.hash;
		request.deadline = deadline_of(request.function->cache, timeout);
		result = get_by_key(&request, to);
	}
	tn_key_drop(&key);
	return lease == NULL ? warmed_up(result, to) : result;
}

int tenure_function_clear(tenure_function *face, const tenure_arguments *arguments)
{
	struct tn_function *function;
	struct tn_key key;
	int result = tn_guard(TN_FROM_WORK, "tenure_clear()");

	if (result == 0)
		result = find_function(face, &function);
	if (result == 0 && arguments == NULL)
		return tn_function_clear(function, TN_CLEARED);
	if (result == 0)
		result = check_arguments(face, arguments);
	if (result != 0)
		return result;
	result = tn_key_build(&key, face->definition, function->state.seed, arguments);
	if (result == 0)
		result = tn_function_clear_key(function, key.hash, key.bytes, key.size);
	tn_key_drop(&key);
	return result;
}

int tenure_function_drain(tenure_function *face, int64_t timeout)
{
	struct tn_function *function;
	int64_t deadline;
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_drain()");

	if (result == 0)
		result = find_function(face, &function);
	if (result != 0)
		return result;
	deadline = deadline_of(function->cache, timeout);
	tn_function_clear(function, TN_CLEARED);
	return tn_function_await_releases(function, deadline);
}

/* ---- leases */

int tenure_lease_give_back(tenure_lease *lease)
{
	return lease == NULL ? tn_fail(TENURE_EINVAL, "the lease is NULL") : tn_lease_give_back(lease);
}

int tenure_lease_discard(tenure_lease *lease)
{
	struct tn_entry *entry;
	int result;

	if (lease == NULL || lease->cell_ == NULL)
		return lease == NULL ? tn_fail(TENURE_EINVAL, "the lease is NULL") : 0;
	result = tn_lease_check(lease);
	if (result != 0)
		return result;
	entry = tn_entry_of(lease->cell_);
	tn_lock();
	if (entry->head.life == lease->stamp_ && entry->head.state == TN_LIVE)
		tn_retire_locked(entry, TN_INVALID);
	tn_unlock();
	return tn_lease_give_back(lease);
}

int tenure_lease_share(const tenure_lease *lease, tenure_lease *empty)
{
	if (lease == NULL || empty == NULL)
		return tn_fail(TENURE_EINVAL, "a lease is NULL");
	return tn_lease_share(lease, empty);
}

/* ---- prepared keys */

struct prepared {
	tenure_key head; /* what the inlined hit reads */
	struct tn_function *function;
	const tenure_definition *definition;
	uint64_t generation;
	tenure_arguments *arguments;
	struct tn_key key;
};

int tenure_function_prepare(tenure_function *face, tenure_key **ret_key, const tenure_arguments *arguments)
{
	struct tn_function *function;
	struct prepared *prepared;
	int result = tn_guard(TN_FROM_WORK, "tenure_prepare()");

	if (result == 0)
		result = find_function(face, &function);
	if (result == 0)
		result = check_arguments(face, arguments);
	if (result == 0 && ret_key == NULL)
		result = tn_fail(TENURE_EINVAL, "the place for the key is NULL");
	if (result != 0)
		return result;
	prepared = tn_alloc(sizeof(*prepared));
	if (prepared == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for a prepared key of %s()", face->definition->name);
	prepared->head.function_ = &function->state;
	prepared->function = function;
	prepared->definition = face->definition;
	prepared->generation = tn_core.generation;
	result = tn_key_build(&prepared->key, face->definition, function->state.seed, arguments);
	if (result == 0) {
		prepared->arguments = tn_arguments_copy(face->definition, arguments);
		if (prepared->arguments == NULL)
			result = tn_fail(TENURE_ENOMEM, "out of memory for a prepared key of %s()", face->definition->name);
	}
	if (result == 0)
		*ret_key = &prepared->head;
	else
		tenure_key_free(&prepared->head);
	return result;
}

int tenure_function_get_key(tenure_function *face, int64_t timeout, tenure_lease *lease, tenure_key *head)
{
	struct prepared *prepared = (struct prepared *)head;
	tenure_lease own = { .resource = NULL }, *to = lease == NULL ? &own : lease;
	struct tn_request request;
	int result;

	if (to->cell_ != NULL)
		return tn_fail(TENURE_EHELD, "the lease is not empty: give it back first");
	result = tn_guard(TN_FROM_WORK, "tenure_get_key()");
	if (result == 0 && prepared == NULL)
		result = tn_fail(TENURE_EINVAL, "the key is NULL");
	if (result == 0 && tn_forked_since(prepared->generation))
		result = tn_fail(TENURE_EFORKED, "this key was prepared in the parent process; prepare one in the child");
	if (result == 0)
		result = find_function(face, &request.function);
	if (result == 0 && request.function != prepared->function)
		result = tn_fail(TENURE_EINVAL, "this key was prepared for another function, or in a cache that is closed "
				 "now, not for %s()", face->definition->name);
	if (result != 0)
		return result;
	if (tenure_hit_key_(to, head))
		return lease == NULL ? warmed_up(TENURE_HIT, to) : TENURE_HIT;
	request.definition = prepared->definition;
	request.arguments = prepared->arguments;
	request.key = prepared->key.bytes;
	request.key_size = prepared->key.size;
	request.hash = prepared->key.hash;
	request.deadline = deadline_of(request.function->cache, timeout);
	result = get_by_key(&request, to);
	if (result >= 0) { /* where to look first the next time; torn pairs fail the comparison of lives */
		__atomic_store_n(&head->id_, ((struct tenure_cell_ *)to->cell_)->entry->id, __ATOMIC_RELAXED);
		__atomic_store_n(&head->life_, to->stamp_, __ATOMIC_RELAXED);
	}
	return lease == NULL ? warmed_up(result, to) : result;
}

void tenure_key_free(tenure_key *head)
{
	struct prepared *prepared = (struct prepared *)head;

	if (prepared == NULL)
		return;
	tn_free(prepared->arguments);
	tn_key_drop(&prepared->key);
	tn_free(prepared);
}

/* ---- caches */

static tenure_cache *cache_or_default(tenure_cache *cache)
{
	return cache != NULL ? cache : tn_cache_default();
}

int tenure_cache_open_with(tenure_cache **ret_cache, const tenure_cache_options *given)
{
	tenure_cache_options options;
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_cache_open()");

	if (result == 0 && ret_cache == NULL)
		result = tn_fail(TENURE_EINVAL, "the place for the cache is NULL");
	if (result == 0)
		result = tn_options_read_cache(given, &options);
	return result != 0 ? result : tn_cache_open(&options, ret_cache);
}

int tenure_configure_with(const tenure_cache_options *given)
{
	tenure_cache_options options;
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_configure()");

	if (result == 0)
		result = tn_options_read_cache(given, &options);
	return result != 0 ? result : tn_cache_configure(&options);
}

int tenure_cache_close(tenure_cache **cache, int64_t timeout)
{
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_cache_close()");

	if (result == 0 && (cache == NULL || *cache == NULL))
		return tn_fail(TENURE_EINVAL, "the cache is NULL");
	if (result == 0)
		result = tn_cache_close(*cache, timeout < 0 ? 0 : timeout);
	if (result == 0)
		*cache = NULL;
	return result;
}

int tenure_clear_all(tenure_cache *cache)
{
	int result = tn_guard(TN_FROM_WORK, "tenure_clear_all()");

	if (result != 0)
		return result;
	cache = cache_or_default(cache);
	return cache == NULL ? tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache") :
			       tn_cache_clear(cache, TN_CLEARED);
}

int tenure_drain_all(tenure_cache *cache, int64_t timeout)
{
	struct tn_function *function;
	int64_t deadline;
	int out = 0, result = tn_guard(TN_FROM_OUTSIDE, "tenure_drain_all()");

	if (result != 0)
		return result;
	cache = cache_or_default(cache);
	if (cache == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache");
	deadline = deadline_of(cache, timeout);
	tn_cache_clear(cache, TN_CLEARED);
	tn_lock();
	tn_list_for_each(function, &cache->functions, struct tn_function, in_cache) {
		tn_unlock(); /* functions are never freed */
		out += tn_function_await_releases(function, deadline);
		tn_lock();
	}
	tn_unlock();
	return out;
}

int tenure_poll(tenure_cache *cache, int64_t now, int limit, int64_t *ret_next)
{
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_poll()");

	if (result != 0)
		return result;
	cache = cache_or_default(cache);
	if (cache == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache");
	if (limit < 0)
		return tn_fail(TENURE_EINVAL, "the limit of tenure_poll() is %d; allowed is 0 (all) or more", limit);
	return tn_worker_poll(cache, now, limit, ret_next);
}

/* ---- sessions */

int tenure_session_open(const char *label, void *front_user, tenure_session **ret_session)
{
	int result = tn_guard(TN_FROM_WORK, "tenure_session_open()");

	if (result == 0 && ret_session == NULL)
		result = tn_fail(TENURE_EINVAL, "the place for the session is NULL");
	return result != 0 ? result : tn_session_open(label, front_user, ret_session);
}

int tenure_session_enter(tenure_session *session, tenure_session **ret_previous)
{
	int result = tn_guard(TN_FROM_WORK, "tenure_session_enter()");

	return result != 0 ? result : tn_session_enter(session, ret_previous);
}

int tenure_session_end(tenure_session *session)
{
	int result = tn_guard(TN_FROM_WORK, "tenure_session_end()");

	return result != 0 ? result : tn_session_end(session);
}
