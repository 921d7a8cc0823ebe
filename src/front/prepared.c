/* SPDX-License-Identifier: Apache-2.0 */
/* prepared.c: the public calls on prepared keys. */
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "core/arguments.h"
#include "core/context.h"
#include "core/entry.h"
#include "front/guard.h"
#include "front/invoke.h"

struct prepared {
	struct tn_prepared in_core; /* first: its head is what the inlined hit reads */
	struct tn_function *root; /* counted */
	size_t arguments_size; /* of the definition that it was made with, which may be gone */
	uint64_t generation;
	tenure_arguments *arguments;
	uint64_t hash; /* the root's */
	uint32_t key_size;
	unsigned char key[];
};

/* A copy of arguments and key, which live on the caller's stack. NULL: no memory. */
static struct prepared *keep(struct tn_function *root, const tenure_definition *definition,
			     const tenure_arguments *arguments, const struct tn_key *key)
{
	size_t size = key->size & ~TENURE_DIGESTED_;
	struct prepared *prepared = tn_alloc(sizeof(*prepared) + size);

	if (prepared == NULL)
		return NULL;
	prepared->arguments = tn_arguments_copy(definition, arguments);
	if (prepared->arguments == NULL) {
		tn_free(prepared);
		return NULL;
	}
	prepared->in_core.head.function_ = &root->state;
	prepared->root = root;
	prepared->arguments_size = definition->arguments_size;
	prepared->generation = tn_core.generation;
	prepared->hash = key->hash;
	prepared->key_size = key->size;
	memcpy(prepared->key, key->bytes, size);
	return prepared;
}

static int prepare(struct tn_call *call, const tenure_definition *definition, const tenure_arguments *arguments,
		   tenure_key **ret_key)
{
	struct tn_function *root = call->root;
	struct prepared *prepared = NULL;
	struct tn_bound bound;
	struct tn_key key;
	int result = tn_call_take_arguments(call, definition, arguments, &bound, &key);

	if (result == 0) {
		prepared = keep(root, definition, bound.arguments, &key);
		if (prepared == NULL)
			result = tn_fail(TENURE_ENOMEM, "out of memory for a prepared key of %s()", definition->name);
	}
	tn_call_drop_arguments(call);
	if (result != 0)
		return result;
	tn_lock();
	root->users++;
	root->keys++;
	tn_list_insert_tail(&root->prepared, &prepared->in_core.in_function);
	tn_unlock();
	*ret_key = &prepared->in_core.head;
	return 0;
}

int tenure_function_prepare(tenure_function *face, tenure_key **ret_key, const tenure_arguments *arguments)
{
	struct tn_call call;
	int result = tn_guard(TN_FROM_WORK, "tenure_prepare()");

	if (result == 0 && ret_key == NULL)
		result = tn_fail(TENURE_EINVAL, "the place for the key is NULL");
	if (result == 0 && face != NULL)
		result = tn_call_check_arguments(face, arguments);
	if (result == 0)
		result = tn_call_begin_root(&call, face);
	if (result != 0)
		return result;
	result = prepare(&call, face->definition, arguments, ret_key);
	tn_call_end(&call);
	return result;
}

static int get_prepared(struct tn_call *call, const tenure_definition *definition, struct prepared *prepared, int64_t timeout,
			tenure_lease *lease)
{
	struct tn_request request = {
		.function = call->function, .definition = definition, .arguments = prepared->arguments,
		.key = prepared->key, .key_size = prepared->key_size, .hash = prepared->hash,
		.deadline = tn_call_deadline(call->function->cache, timeout),
	};
	int result;

	if (call->function != call->root) /* a session's own: another seed, and another entry for each */
		request.hash = tn_key_hash(request.definition, call->function->state.seed, request.key, request.key_size);
	pthread_cleanup_push(tn_call_lost, call);
	result = tn_call_get_by_key(&request, lease);
	pthread_cleanup_pop(0);
	if (result >= 0 && call->function == call->root) {
		/* where to look first the next time; torn pairs fail the comparison of lives */
		struct tenure_entry_ *entry = ((struct tenure_cell_ *)lease->cell_)->entry;
		tenure_key *head = &prepared->in_core.head;

		__atomic_store_n(&head->id_, entry->id, __ATOMIC_RELAXED);
		__atomic_store_n(&head->entry_, entry, __ATOMIC_RELEASE);
		__atomic_store_n(&head->life_, lease->stamp_, __ATOMIC_RELEASE); /* with the resource: tenure_key_live() */
	}
	return result;
}

int tenure_function_get_key(tenure_function *face, int64_t timeout, tenure_lease *lease, tenure_key *head)
{
	struct prepared *prepared = (struct prepared *)head;
	tenure_lease own = { .resource = NULL }, *to = lease == NULL ? &own : lease;
	struct tn_call call;
	int result;

	/* As in inlined code, a hit comes before all checks. A parent's key hits nothing in a child, whose lives are others. */
	if (TENURE_LIKELY_(to->cell_ == NULL && prepared != NULL && face != NULL) &&
	    tn_call_known(face) == prepared->root && tenure_hit_key_(to, head))
		return lease == NULL ? tn_call_warmed_up(TENURE_HIT, to) : TENURE_HIT;
	if (to->cell_ != NULL)
		return tn_fail(TENURE_EHELD, "the lease is not empty: give it back first");
	result = tn_guard(TN_FROM_WORK, "tenure_get_key()");
	if (result == 0 && prepared == NULL)
		result = tn_fail(TENURE_EINVAL, "the key is NULL");
	if (result == 0 && tn_forked_since(prepared->generation))
		result = tn_fail(TENURE_EFORKED, "this key was prepared in the parent process; prepare one in the child");
	if (result == 0)
		result = tn_call_begin(&call, face);
	if (result != 0)
		return result;
	if (call.root == prepared->root && face->definition->arguments_size == prepared->arguments_size)
		result = get_prepared(&call, face->definition, prepared, timeout, to);
	else
		result = tn_fail(TENURE_EINVAL, "this key was prepared for another function, or in a cache that is closed "
				 "now, not for %s()", face->definition->name);
	tn_call_end(&call);
	return lease == NULL ? tn_call_warmed_up(result, to) : result;
}

void tenure_key_free(tenure_key *head)
{
	struct prepared *prepared = (struct prepared *)head;

	if (prepared == NULL)
		return;
	if (!tn_forked_since(prepared->generation)) { /* else it is in a list of the parent's */
		tn_lock();
		tn_list_remove(&prepared->in_core.in_function);
		prepared->root->hits += prepared->in_core.head.hits_;
		prepared->root->keys--;
		tn_function_put_locked(prepared->root);
		tn_unlock();
	}
	tn_free(prepared->arguments);
	tn_free(prepared);
}
