/* SPDX-License-Identifier: Apache-2.0 */
/* api.c: the public calls on functions, leases, keys and caches: check, guard, delegate. */
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "core/arguments.h"
#include "core/cache.h"
#include "core/clear.h"
#include "core/context.h"
#include "core/entry.h"
#include "core/forget.h"
#include "core/fork.h"
#include "core/function.h"
#include "core/get.h"
#include "core/key.h"
#include "core/lease.h"
#include "core/maintenance.h"
#include "core/recording.h"
#include "core/retire.h"
#include "core/scope.h"
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

/* Check the definition, with other options in place of its own if `given` is not NULL; the function is held. */
static int register_face(tenure_function *face, const tenure_options *given, struct tn_function **ret_root)
{
	struct tn_options options;
	char spinner[256];
	int result = tn_options_read(face, given, spinner, &options);

	return result != 0 ? result : tn_function_register(face, &options, ret_root);
}

/* One call under way: while it lasts, neither function nor cache goes. */
struct call {
	struct tn_function *root, *function; /* `function` is the one of the current session where there is such a thing */
	uint64_t generation;
	enum tn_callback callback; /* in which it was made */
	struct tn_key *key; /* built for it, or NULL */
	tenure_key *prepared; /* being prepared, or NULL */
};

/* Hold what the face leads to; it is registered at the first need, and again after its cache was closed and another opened. */
static int begin_root(struct call *call, tenure_function *face)
{
	int result = 0;

	if (face == NULL)
		return tn_fail(TENURE_EINVAL, "the function is NULL");
	call->generation = tn_core.generation;
	call->callback = tn_context()->callback;
	call->key = NULL;
	call->prepared = NULL;
	call->root = tn_function_hold(face, false);
	if (call->root == NULL)
		result = register_face(face, NULL, &call->root);
	call->function = call->root;
	return result;
}

static void end_call(struct call *call)
{
	tn_function_let_go(call->function, call->generation);
}

/* The thread is ending inside user code of this call (pthread_exit, cancellation). */
static void call_lost(void *pointer)
{
	struct call *call = pointer;

	tn_context()->callback = call->callback;
	if (call->key != NULL)
		tn_key_drop(call->key);
	tenure_key_free(call->prepared);
	end_call(call);
}

static int begin_call(struct call *call, tenure_function *face)
{
	int result = begin_root(call, face);

	if (result == 0 && call->root->scoped) {
		result = tn_scope_enter(call->root, &call->function);
		if (result != 0)
			tn_function_let_go(call->root, call->generation);
	}
	return result;
}

int tenure_function_register(tenure_function *face)
{
	struct call call = { .generation = tn_core.generation };
	int result = tn_guard(TN_FROM_WORK, "tenure_register()");

	if (result == 0)
		result = face == NULL ? tn_fail(TENURE_EINVAL, "the function is NULL") : register_face(face, NULL, &call.function);
	if (result == 0)
		end_call(&call);
	return result;
}

int tenure_function_update(tenure_function *face, const tenure_options *options)
{
	struct call call = { .generation = tn_core.generation };
	int result = tn_guard(TN_FROM_WORK, "tenure_function_update()");

	if (result == 0 && (face == NULL || options == NULL))
		result = tn_fail(TENURE_EINVAL, "the %s NULL", face == NULL ? "function is" : "options are");
	if (result == 0)
		result = register_face(face, options, &call.function);
	if (result == 0)
		end_call(&call);
	return result;
}

int tenure_function_retire(tenure_function *face)
{
	int result = tn_guard(TN_FROM_ALL, "tenure_function_retire()");

	if (result == 0 && face == NULL)
		result = tn_fail(TENURE_EINVAL, "the function is NULL");
	return result != 0 ? result : tn_forget_retire(face);
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
	tenure_unpin_miss_(cell);
	return false;
}

/* The key is known: a hit without a lock (or one that replays), else the slow path. */
static int get_by_key(const struct tn_request *request, tenure_lease *lease)
{
	struct tenure_cell_ *cell = tenure_pin_(request->hash);
	struct tenure_entry_ *entry;
	bool stale;
	int result;

	if (cell == NULL)
		return tn_get(request, lease);
	entry = cell->entry;
	if (entry->function == &request->function->state && entry->key_size == request->key_size &&
	    memcmp(entry->key, request->key, request->key_size & ~TENURE_DIGESTED_) == 0 &&
	    __atomic_load_n(&entry->expire_at, __ATOMIC_RELAXED) > tn_cached_now(request->function->cache)) {
		__atomic_fetch_or(&entry->flags, TENURE_WARM_, __ATOMIC_RELAXED);
		stale = __atomic_load_n(&entry->flags, __ATOMIC_RELAXED) & TENURE_STALE_;
		result = tn_get_hand_over(request, cell, NULL, true, lease);
		return result != 0 ? result : stale ? TENURE_STALE : TENURE_HIT;
	}
	tenure_unpin_miss_(cell);
	return tn_get(request, lease);
}

/* Calls identify functions, which may call only what is marked [all]. call_lost() is pushed. */
static int build_key(const tenure_definition *definition, uint64_t seed, const tenure_arguments *arguments, struct tn_key *key)
{
	enum tn_callback was = tn_callback_enter(TN_IN_IDENTIFY);
	int result = tn_key_build(key, definition, seed, arguments);

	tn_callback_leave(was);
	return result;
}

/* The key is built first, outside every lock. */
static int get_by_arguments(struct call *call, const tenure_definition *definition, int64_t timeout, bool peek,
			    const tenure_arguments *arguments, tenure_lease *lease)
{
	struct tn_function *function = call->function;
	struct tn_request request = {
		.function = function, .definition = definition, .arguments = arguments, .peek = peek,
		.deadline = deadline_of(function->cache, timeout),
	};
	struct tn_key key;
	int result;

	tn_key_start(&key);
	call->key = &key;
	pthread_cleanup_push(call_lost, call);
	result = build_key(definition, function->state.seed, arguments, &key);
	if (result == 0) {
		request.key = key.bytes;
		request.key_size = key.size;
		request.hash = key.hash;
		result = get_by_key(&request, lease);
	}
	pthread_cleanup_pop(0);
	tn_key_drop(&key);
	call->key = NULL;
	return result;
}

static int warmed_up(int result, tenure_lease *own)
{
	if (result >= 0)
		tn_lease_give_back(own);
	return result;
}

static int get_or_peek(tenure_function *face, int64_t timeout, bool peek, const tenure_arguments *arguments,
		       tenure_lease *lease)
{
	tenure_lease own = { .resource = NULL }, *to = lease == NULL ? &own : lease;
	struct tn_function *root;
	struct call call;
	int result;

	if (to->cell_ != NULL)
		return tn_fail(TENURE_EHELD, "the lease is not empty: give it back first, or begin it with TENURE_LEASE or { 0 }");
	result = tn_guard(TN_FROM_WORK, peek ? "tenure_peek()" : "tenure_get()");
	if (result == 0 && face == NULL)
		result = tn_fail(TENURE_EINVAL, "the function is NULL");
	if (result == 0)
		result = check_arguments(face, arguments);
	if (result != 0)
		return result;
	root = known(face);
	if (root != NULL && hit(root, face->definition, arguments, to))
		return lease == NULL ? warmed_up(TENURE_HIT, to) : TENURE_HIT;
	result = begin_call(&call, face);
	if (result != 0)
		return result;
	result = get_by_arguments(&call, face->definition, timeout, peek, arguments, to);
	end_call(&call);
	return lease == NULL ? warmed_up(result, to) : result;
}

int tenure_function_get(tenure_function *face, int64_t timeout, const tenure_arguments *arguments, tenure_lease *lease)
{
	return get_or_peek(face, timeout, false, arguments, lease);
}

int tenure_function_peek(tenure_function *face, const tenure_arguments *arguments, tenure_lease *lease)
{
	return get_or_peek(face, TENURE_FOREVER, true, arguments, lease);
}

static int clear_by_arguments(struct call *call, const tenure_definition *definition,
			      const tenure_arguments *arguments)
{
	struct tn_key key;
	int result;

	tn_key_start(&key);
	call->key = &key;
	pthread_cleanup_push(call_lost, call);
	result = build_key(definition, call->function->state.seed, arguments, &key);
	pthread_cleanup_pop(0);
	if (result == 0)
		result = tn_clear_key(call->function, key.hash, key.bytes, key.size);
	tn_key_drop(&key);
	return result;
}

int tenure_function_clear(tenure_function *face, const tenure_arguments *arguments)
{
	struct call call;
	int result = tn_guard(TN_FROM_WORK, "tenure_clear()");

	if (result == 0 && face != NULL && arguments != NULL)
		result = check_arguments(face, arguments);
	if (result == 0)
		result = begin_call(&call, face);
	if (result != 0)
		return result;
	result = arguments == NULL ? tn_clear_function(call.function, TN_CLEARED) :
				     clear_by_arguments(&call, face->definition, arguments);
	end_call(&call);
	return result;
}

int tenure_function_drain(tenure_function *face, int64_t timeout)
{
	struct call call;
	int64_t deadline;
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_drain()");

	if (result == 0)
		result = begin_root(&call, face);
	if (result != 0)
		return result;
	deadline = deadline_of(call.root->cache, timeout);
	tn_clear_family(call.root, TN_CLEARED);
	result = tn_clear_await(call.root, deadline);
	end_call(&call);
	return result;
}

int tenure_function_forget(tenure_function *face, int64_t timeout)
{
	struct tn_function *root;
	uint64_t generation = tn_core.generation;
	int64_t deadline;
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_forget()");

	if (result == 0 && face == NULL)
		result = tn_fail(TENURE_EINVAL, "the function is NULL");
	if (result != 0)
		return result;
	root = tn_function_hold(face, true);
	deadline = root == NULL ? tn_time_add(tn_clock_monotonic(), timeout < 0 ? 0 : timeout) :
				  deadline_of(root->cache, timeout);
	if (root != NULL)
		tn_function_let_go(root, generation);
	return tn_forget(face, deadline);
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
	if (tn_lease_is_of_life_locked(lease) && entry->head.state == TN_LIVE)
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
	struct tn_function *root; /* counted */
	const tenure_definition *definition; /* looked at only while the face leads to the same function */
	uint64_t generation;
	tenure_arguments *arguments;
	struct tn_key key; /* its hash is the root's */
};

static int prepare(struct call *call, const tenure_definition *definition, const tenure_arguments *arguments,
		   tenure_key **ret_key)
{
	struct tn_function *root = call->root;
	struct prepared *prepared = tn_alloc(sizeof(*prepared));
	int result;

	if (prepared == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for a prepared key of %s()", definition->name);
	prepared->head.function_ = &root->state;
	prepared->definition = definition;
	prepared->generation = tn_core.generation;
	tn_key_start(&prepared->key);
	call->prepared = &prepared->head;
	pthread_cleanup_push(call_lost, call);
	result = build_key(definition, root->state.seed, arguments, &prepared->key);
	pthread_cleanup_pop(0);
	if (result == 0) {
		prepared->arguments = tn_arguments_copy(definition, arguments);
		if (prepared->arguments == NULL)
			result = tn_fail(TENURE_ENOMEM, "out of memory for a prepared key of %s()", definition->name);
	}
	if (result != 0) {
		tenure_key_free(&prepared->head);
		return result;
	}
	tn_lock();
	prepared->root = root;
	root->users++;
	root->keys++;
	tn_unlock();
	*ret_key = &prepared->head;
	return 0;
}

int tenure_function_prepare(tenure_function *face, tenure_key **ret_key, const tenure_arguments *arguments)
{
	struct call call;
	int result = tn_guard(TN_FROM_WORK, "tenure_prepare()");

	if (result == 0 && ret_key == NULL)
		result = tn_fail(TENURE_EINVAL, "the place for the key is NULL");
	if (result == 0 && face != NULL)
		result = check_arguments(face, arguments);
	if (result == 0)
		result = begin_root(&call, face);
	if (result != 0)
		return result;
	result = prepare(&call, face->definition, arguments, ret_key);
	end_call(&call);
	return result;
}

static int get_prepared(struct call *call, struct prepared *prepared, int64_t timeout, tenure_lease *lease)
{
	struct tn_request request = {
		.function = call->function, .definition = prepared->definition, .arguments = prepared->arguments,
		.key = prepared->key.bytes, .key_size = prepared->key.size, .hash = prepared->key.hash,
		.deadline = deadline_of(call->function->cache, timeout),
	};
	int result;

	if (call->function != call->root) /* a session's own: another seed, and another entry for each */
		request.hash = tn_key_hash(request.definition, call->function->state.seed, request.key, request.key_size);
	pthread_cleanup_push(call_lost, call);
	result = get_by_key(&request, lease);
	pthread_cleanup_pop(0);
	if (result >= 0 && call->function == call->root) {
		/* where to look first the next time; torn pairs fail the comparison of lives */
		__atomic_store_n(&prepared->head.id_, ((struct tenure_cell_ *)lease->cell_)->entry->id, __ATOMIC_RELAXED);
		__atomic_store_n(&prepared->head.life_, lease->stamp_, __ATOMIC_RELAXED);
	}
	return result;
}

int tenure_function_get_key(tenure_function *face, int64_t timeout, tenure_lease *lease, tenure_key *head)
{
	struct prepared *prepared = (struct prepared *)head;
	tenure_lease own = { .resource = NULL }, *to = lease == NULL ? &own : lease;
	struct call call;
	int result;

	if (to->cell_ != NULL)
		return tn_fail(TENURE_EHELD, "the lease is not empty: give it back first");
	result = tn_guard(TN_FROM_WORK, "tenure_get_key()");
	if (result == 0 && prepared == NULL)
		result = tn_fail(TENURE_EINVAL, "the key is NULL");
	if (result == 0 && tn_forked_since(prepared->generation))
		result = tn_fail(TENURE_EFORKED, "this key was prepared in the parent process; prepare one in the child");
	if (result == 0 && face != NULL && known(face) == prepared->root && tenure_hit_key_(to, head))
		return lease == NULL ? warmed_up(TENURE_HIT, to) : TENURE_HIT;
	if (result == 0)
		result = begin_call(&call, face);
	if (result != 0)
		return result;
	if (call.root == prepared->root)
		result = get_prepared(&call, prepared, timeout, to);
	else
		result = tn_fail(TENURE_EINVAL, "this key was prepared for another function, or in a cache that is closed "
				 "now, not for %s()", face->definition->name);
	end_call(&call);
	return lease == NULL ? warmed_up(result, to) : result;
}

void tenure_key_free(tenure_key *head)
{
	struct prepared *prepared = (struct prepared *)head;

	if (prepared == NULL)
		return;
	if (prepared->root != NULL && !tn_forked_since(prepared->generation)) {
		tn_lock();
		prepared->root->keys--;
		tn_function_put_locked(prepared->root);
		tn_unlock();
	}
	tn_free(prepared->arguments);
	tn_key_drop(&prepared->key);
	tn_free(prepared);
}

/* ---- caches */

static tenure_cache *cache_or_default(tenure_cache *cache)
{
	return cache != NULL ? cache : tn_options_default_cache();
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
	struct tn_function *root;
	int64_t deadline;
	int out = 0, result = tn_guard(TN_FROM_OUTSIDE, "tenure_drain_all()");

	if (result != 0)
		return result;
	cache = cache_or_default(cache);
	if (cache == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache");
	deadline = deadline_of(cache, timeout);
	tn_cache_clear(cache, TN_CLEARED);
	for (root = NULL; (root = tn_clear_next_root(cache, root)) != NULL;)
		out += tn_clear_await(root, deadline);
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
	return tn_maintenance_poll(cache, now, limit, ret_next);
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

	if (session == NULL || result != 0)
		return result;
	result = tn_session_close(session);
	if (result != 0)
		return result;
	tn_scope_end_session(session);
	tn_session_put(session);
	return 0;
}
