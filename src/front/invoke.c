/* SPDX-License-Identifier: Apache-2.0 */
/* invoke.c: one public call on a function under way: what it holds, its arguments and its key. */
#include "front/invoke.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "core/context.h"
#include "core/get.h"
#include "core/lease.h"
#include "core/scope.h"
#include "core/worker.h"
#include "front/options.h"

struct tn_function *tn_call_known(const tenure_function *face)
{
	return (struct tn_function *)__atomic_load_n(&face->state_[0], __ATOMIC_ACQUIRE);
}

/* Check the definition, with other options in place of its own if `given` is not NULL; the function is held. */
int tn_call_register(tenure_function *face, const tenure_options *given, struct tn_function **ret_root)
{
	struct tn_options options;
	char spinner[256];
	int result = tn_options_read(face, given, spinner, &options);

	return result != 0 ? result : tn_function_register(face, &options, ret_root);
}

/* Hold what the face leads to; it is registered at the first need, and again after its cache was closed and another opened. */
int tn_call_begin_root(struct tn_call *call, tenure_function *face)
{
	int result = 0;

	if (face == NULL)
		return tn_fail(TENURE_EINVAL, "the function is NULL");
	call->generation = tn_core.generation;
	call->callback = tn_context()->callback;
	call->bound = NULL;
	call->key = NULL;
	call->root = tn_function_hold(face, false);
	if (call->root == NULL)
		result = tn_call_register(face, NULL, &call->root);
	call->function = call->root;
	return result;
}

void tn_call_end(struct tn_call *call)
{
	tn_function_let_go(call->function, call->generation);
}

void tn_call_drop_arguments(struct tn_call *call)
{
	if (call->key != NULL)
		tn_key_drop(call->key);
	if (call->bound != NULL)
		tn_bind_drop(call->bound);
	call->key = NULL;
	call->bound = NULL;
}

/* The thread is ending inside user code of this call (pthread_exit, cancellation). */
void tn_call_lost(void *pointer)
{
	struct tn_call *call = pointer;

	tn_context()->callback = call->callback;
	tn_call_drop_arguments(call);
	tn_call_end(call);
}

/* Calls identify functions, which may call only what is marked [all]. tn_call_lost() is pushed. */
static int build_key(const tenure_definition *definition, uint64_t seed, const tenure_arguments *arguments, struct tn_key *key)
{
	enum tn_callback was = tn_callback_enter(TN_IN_IDENTIFY);
	int result = tn_key_build(key, definition, seed, arguments);

	tn_callback_leave(was);
	return result;
}

/* Bind the arguments and build their key, outside every lock, in memory of the caller's. To be dropped in every case. */
int tn_call_take_arguments(struct tn_call *call, const tenure_definition *definition, const tenure_arguments *arguments,
			  struct tn_bound *bound, struct tn_key *key)
{
	int result = tn_bind(bound, definition, arguments);

	if (result != 0)
		return result;
	tn_key_start(key);
	call->bound = bound;
	call->key = key;
	pthread_cleanup_push(tn_call_lost, call);
	result = build_key(definition, call->function->state.seed, bound->arguments, key);
	pthread_cleanup_pop(0);
	return result;
}

int tn_call_begin(struct tn_call *call, tenure_function *face)
{
	int result = tn_call_begin_root(call, face);

	if (result == 0 && call->root->scoped) {
		result = tn_scope_enter(call->root, &call->function);
		if (result != 0)
			tn_function_let_go(call->root, call->generation);
	}
	return result;
}

int tn_call_check_arguments(const tenure_function *face, const tenure_arguments *arguments)
{
	if (arguments == NULL || (arguments->size != 0 && arguments->size != face->definition->arguments_size))
		return tn_fail(TENURE_EVERSION, "%s(): the arguments have another size than the definition knows; compile both "
			       "against the same declaration", face->definition->name);
	return 0;
}

int64_t tn_call_deadline(tenure_cache *cache, int64_t timeout)
{
	if (timeout <= 0)
		return INT64_MIN; /* over, also where a clock of the program's has gone on since the last poll */
	return timeout == TENURE_FOREVER ? TN_NEVER : tn_time_add(tn_cache_time(cache), timeout);
}

/* The key is known: a hit without a lock (or one that replays), else the slow path. */
int tn_call_get_by_key(const struct tn_request *request, tenure_lease *lease)
{
	struct tenure_cell_ *cell = tenure_pin_(request->hash);
	struct tenure_entry_ *entry;
	bool stale;
	int result;

	if (cell == NULL)
		return tn_get(request, lease);
	entry = cell->entry;
	if (entry->function == &request->function->state && entry->key_size == request->key_size &&
	    memcmp(tenure_key_of_(entry), request->key, request->key_size & ~TENURE_DIGESTED_) == 0 &&
	    __atomic_load_n(&entry->expire_at, __ATOMIC_RELAXED) > tn_cached_now(request->function->cache)) {
		__atomic_fetch_or(&entry->flags, TENURE_WARM_, __ATOMIC_RELAXED);
		stale = __atomic_load_n(&entry->flags, __ATOMIC_RELAXED) & TENURE_STALE_;
		result = tn_get_hand_over(request, cell, NULL, true, lease);
		return result != 0 ? result : stale ? TENURE_STALE : TENURE_HIT;
	}
	tenure_unpin_miss_(cell);
	return tn_get(request, lease);
}

int tn_call_warmed_up(int result, tenure_lease *own)
{
	if (result >= 0)
		tn_lease_give_back(own);
	return result;
}
