/* SPDX-License-Identifier: Apache-2.0 */
/* api.c: the public calls on results, functions and leases: check, guard, delegate. */
#include <pthread.h>

#include "base/clock.h"
#include "base/error.h"
#include "core/clear.h"
#include "core/context.h"
#include "core/forget.h"
#include "core/lease.h"
#include "core/retire.h"
#include "core/worker.h"
#include "front/guard.h"
#include "front/invoke.h"

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

int tenure_function_register(tenure_function *face)
{
	struct tn_call call = { .generation = tn_core.generation };
	int result = tn_guard(TN_FROM_WORK, "tenure_register()");

	if (result == 0)
		result = face == NULL ? tn_fail(TENURE_EINVAL, "the function is NULL") : tn_call_register(face, NULL, &call.function);
	if (result == 0)
		tn_call_end(&call);
	return result;
}

int tenure_function_update(tenure_function *face, const tenure_options *options)
{
	struct tn_call call = { .generation = tn_core.generation };
	int result = tn_guard(TN_FROM_WORK, "tenure_function_update()");

	if (result == 0 && (face == NULL || options == NULL))
		result = tn_fail(TENURE_EINVAL, "the %s NULL", face == NULL ? "function is" : "options are");
	if (result == 0)
		result = tn_call_register(face, options, &call.function);
	if (result == 0)
		tn_call_end(&call);
	return result;
}

int tenure_function_retire(tenure_function *face)
{
	int result = tn_guard(TN_FROM_ALL, "tenure_function_retire()");

	if (result == 0 && face == NULL)
		result = tn_fail(TENURE_EINVAL, "the function is NULL");
	return result != 0 ? result : tn_forget_retire(face);
}

/* The hit without a lock, for a caller that did not inline it. */
static bool hit(const struct tn_function *function, const tenure_definition *definition,
		const tenure_arguments *arguments, tenure_lease *lease)
{
	struct tenure_sizes_ sizes;
	struct tenure_cell_ *cell;
	uint64_t hash;

	if (definition->mix == NULL || arguments->size == 0 ||
	    !definition->mix(arguments, __atomic_load_n(&function->state.seed, __ATOMIC_RELAXED), &sizes, &hash))
		return false;
	cell = tenure_pin_(hash);
	if (cell == NULL)
		return false;
	if (cell->entry->function == &function->state &&
	    definition->same(arguments, &sizes, tenure_key_of_(cell->entry), cell->entry->key_size) &&
	    tenure_warm_(cell->entry, &function->state)) {
		tenure_hand_out_(lease, cell);
		return true;
	}
	tenure_unpin_miss_(cell);
	return false;
}

/* The same with a key that was built for it. */
static bool hit_by_key(const struct tn_function *function, const struct tn_key *key, tenure_lease *lease)
{
	struct tenure_cell_ *cell = tenure_pin_(key->hash);

	if (cell == NULL)
		return false;
	if (cell->entry->function == &function->state && cell->entry->key_size == key->size &&
	    memcmp(tenure_key_of_(cell->entry), key->bytes, key->size & ~TENURE_DIGESTED_) == 0 &&
	    tenure_warm_(cell->entry, &function->state)) {
		tenure_hand_out_(lease, cell);
		return true;
	}
	tenure_unpin_miss_(cell);
	return false;
}

/* Does a key need the user's code? Then the call is held first, since forget awaits it. */
static bool has_objects(const tenure_definition *definition)
{
	for (size_t i = 0; i < definition->parameter_count; i++) {
		if (definition->parameters[i].kind == TENURE_OBJECT && tn_parameter_keyed(&definition->parameters[i]))
			return true;
	}
	return false;
}

/* Lists and values: where no user code is needed the key is built and looked up before anything is locked. HIT; 0 with
 * nothing found, and then `*ret_seed` is the one that the key was built with; or an error. To be dropped but for a hit. */
static int look_first(const struct tn_function *root, const tenure_definition *definition, const tenure_arguments *arguments,
		      struct tn_bound *bound, struct tn_key *key, uint64_t *ret_seed, tenure_lease *lease, bool *ret_hit)
{
	int result = tn_bind(bound, definition, arguments);

	if (result != 0)
		return result;
	*ret_seed = __atomic_load_n(&root->state.seed, __ATOMIC_RELAXED);
	result = tn_key_build(key, definition, *ret_seed, bound->arguments);
	*ret_hit = result == 0 && hit_by_key(root, key, lease);
	if (result != 0 || *ret_hit) {
		tn_key_drop(key);
		tn_bind_drop(bound);
	}
	return result;
}

static int get_held(struct tn_call *call, const tenure_definition *definition, int64_t timeout, bool peek, tenure_lease *lease)
{
	struct tn_request request = {
		.function = call->function, .definition = definition, .arguments = call->bound->arguments, .peek = peek,
		.key = call->key->bytes, .key_size = call->key->size, .hash = call->key->hash,
		.deadline = tn_call_deadline(call->function->cache, timeout),
	};
	int result;

	pthread_cleanup_push(tn_call_lost, call);
	result = tn_call_get_by_key(&request, lease);
	pthread_cleanup_pop(0);
	return result;
}

static int get_by_arguments(tenure_function *face, int64_t timeout, bool peek, const tenure_arguments *arguments,
			    tenure_lease *lease)
{
	const tenure_definition *definition = face->definition;
	const struct tn_function *root = tn_call_known(face);
	bool built = root != NULL && !has_objects(definition), hit = false;
	struct tn_bound bound;
	struct tn_key key;
	struct tn_call call;
	uint64_t seed = 0;
	int result = 0;

	tn_key_start(&key);
	if (built)
		result = look_first(root, definition, arguments, &bound, &key, &seed, lease, &hit);
	if (result != 0 || hit)
		return result; /* TENURE_HIT is 0 */
	result = tn_call_begin(&call, face);
	if (result != 0) {
		tn_key_drop(&key);
		if (built)
			tn_bind_drop(&bound);
		return result;
	}
	if (built) {
		call.bound = &bound;
		call.key = &key;
		if (call.function->state.seed != seed) /* a session's own, or registered anew */
			key.hash = tn_key_hash(definition, call.function->state.seed, key.bytes, key.size);
	} else {
		result = tn_call_take_arguments(&call, definition, arguments, &bound, &key);
	}
	if (result == 0)
		result = get_held(&call, definition, timeout, peek, lease);
	tn_call_drop_arguments(&call);
	tn_call_end(&call);
	return result;
}

/* As in inlined code, a hit comes before all checks: it runs no user code, so it may be called from everywhere. */
static inline bool hit_first(const tenure_function *face, const tenure_arguments *arguments, tenure_lease *empty)
{
	const struct tn_function *root = face == NULL ? NULL : tn_call_known(face);

	return root != NULL && empty->cell_ == NULL && arguments != NULL &&
	       arguments->size == face->definition->arguments_size && hit(root, face->definition, arguments, empty);
}

static int get_or_peek(tenure_function *face, int64_t timeout, bool peek, const tenure_arguments *arguments,
		       tenure_lease *lease)
{
	tenure_lease own = { .resource = NULL }, *to = lease == NULL ? &own : lease;
	int result;

	if (TENURE_LIKELY_(hit_first(face, arguments, to)))
		return lease == NULL ? tn_call_warmed_up(TENURE_HIT, to) : TENURE_HIT;
	if (to->cell_ != NULL)
		return tn_fail(TENURE_EHELD, "the lease is not empty: give it back first, or begin it with TENURE_LEASE or { 0 }");
	result = tn_guard(TN_FROM_WORK, peek ? "tenure_peek()" : "tenure_get()");
	if (result == 0 && face == NULL)
		result = tn_fail(TENURE_EINVAL, "the function is NULL");
	if (result == 0)
		result = tn_call_check_arguments(face, arguments);
	if (result != 0)
		return result;
	result = get_by_arguments(face, timeout, peek, arguments, to);
	return lease == NULL ? tn_call_warmed_up(result, to) : result;
}

int tenure_function_get(tenure_function *face, int64_t timeout, const tenure_arguments *arguments, tenure_lease *lease)
{
	return get_or_peek(face, timeout, false, arguments, lease);
}

int tenure_function_peek(tenure_function *face, const tenure_arguments *arguments, tenure_lease *lease)
{
	return get_or_peek(face, TENURE_FOREVER, true, arguments, lease);
}

static int clear_by_arguments(struct tn_call *call, const tenure_definition *definition,
			      const tenure_arguments *arguments)
{
	struct tn_bound bound;
	struct tn_key key;
	int result = tn_call_take_arguments(call, definition, arguments, &bound, &key);

	if (result == 0)
		result = tn_clear_key(call->function, key.hash, key.bytes, key.size);
	tn_call_drop_arguments(call);
	return result;
}

int tenure_function_clear(tenure_function *face, const tenure_arguments *arguments)
{
	struct tn_call call;
	int result = tn_guard(TN_FROM_WORK, "tenure_clear()");

	if (result == 0 && face != NULL && arguments != NULL)
		result = tn_call_check_arguments(face, arguments);
	if (result == 0)
		result = tn_call_begin(&call, face);
	if (result != 0)
		return result;
	result = arguments == NULL ? tn_clear_function(call.function, TN_CLEARED) :
				     clear_by_arguments(&call, face->definition, arguments);
	tn_call_end(&call);
	return result;
}

int tenure_function_drain(tenure_function *face, int64_t timeout)
{
	struct tn_call call;
	int64_t deadline;
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_drain()");

	if (result == 0)
		result = tn_call_begin_root(&call, face);
	if (result != 0)
		return result;
	deadline = tn_call_deadline(call.root->cache, timeout);
	tn_clear_family(call.root, TN_CLEARED);
	result = tn_clear_await(call.root, deadline);
	tn_call_end(&call);
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
				  tn_call_deadline(root->cache, timeout);
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
