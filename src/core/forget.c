/* SPDX-License-Identifier: Apache-2.0 */
/* forget.c: the end of a function: retired when its source is gone, forgotten before its code is unloaded. */
#include "core/forget.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "core/clear.h"
#include "core/context.h"
#include "core/entry.h"
#include "core/function.h"
#include "core/scope.h"
#include "core/worker.h"

/* No call finds it any more; what it has goes. How many. `root` is held by the caller. */
static int close_family(struct tn_function *root, enum tn_cause cause)
{
	struct tn_function *child;
	int count;

	tn_lock();
	root->closed = true;
	root->over = root->over || cause == TN_REPLACED;
	root->forgets += cause != TN_REPLACED;
	tn_cond_broadcast(&root->cache->settled); /* creations that await a release end here */
	tn_unlock();
	count = tn_clear_function(root, cause);
	for (child = NULL; (child = tn_clear_next_child(root, child)) != NULL;) {
		tn_lock();
		tn_scope_close_locked(child);
		tn_unlock();
		count += tn_clear_function(child, cause);
	}
	return count;
}

int tn_forget_retire(tenure_function *face)
{
	struct tn_function *root = tn_function_hold(face, true);
	uint64_t generation = tn_core.generation;
	int count;

	if (root == NULL)
		return 0;
	count = close_family(root, TN_REPLACED);
	tn_function_let_go(root, generation);
	return count;
}

static uint64_t faces_of_locked(const struct tn_function *root)
{
	uint64_t count = 0;

	for (const tenure_function *face = root->faces; face != NULL; face = face->state_[1])
		count++;
	return count;
}

/* The last call that this definition gets. */
static void tell(const tenure_definition *definition)
{
	enum tn_callback was;

	if (definition->forgotten == NULL)
		return;
	was = tn_callback_enter(TN_IN_FORGOTTEN);
	definition->forgotten(definition->user);
	tn_callback_leave(was);
}

int tn_forget(tenure_function *face, int64_t deadline)
{
	struct tn_function *root = tn_function_hold(face, true);
	uint64_t generation = tn_core.generation;
	const tenure_definition *definition = face->definition;
	tenure_cache *cache;
	bool gone, last = false;

	if (root == NULL)
		return 0;
	cache = root->cache;
	close_family(root, TN_CLEARED);
	tn_lock();
	TN_FAULT("forget.waits");
	/* Left: its faces, prepared keys (which look at no definition), and the calls of this function. */
	while (!(gone = root->users == faces_of_locked(root) + root->keys + root->forgets) &&
	       tn_cache_time_locked(cache) < deadline && !tn_forked_since(generation))
		tn_worker_wait_unlock_lock(cache, &cache->settled, deadline);
	if (tn_forked_since(generation)) {
		tn_unlock();
		return tn_fail(TENURE_EFORKED, "the process was forked in a release that this call ran; in the child nothing is forgotten");
	}
	if (gone) {
		last = tn_function_of_face_locked(face) == root; /* of two calls at once, the first */
		tn_function_unlink_face_locked(face, root);
		root->over = false; /* for the faces that are left it begins anew */
	}
	root->forgets--;
	root->closed = root->faces == NULL || root->over || root->forgets != 0;
	tn_unlock();
	tn_function_let_go(root, generation);
	if (last)
		tell(definition);
	return gone ? 0 : tn_fail(TENURE_EBUSY, "%s() still has resources that are leased or being released, or calls under "
				  "way; it must stay where it is", face->definition->name);
}

/* Sessions that are still open had functions of their own in it. */
static void close_children_locked(struct tn_function *root)
{
	for (struct tn_list *at = root->children.next, *next; at != &root->children; at = next) {
		struct tn_function *child = tn_container(at, struct tn_function, in_parent);

		next = at->next;
		child->cache = NULL;
		tn_scope_close_locked(child);
	}
}

void tn_forget_cache(tenure_cache *cache)
{
	struct tn_function *root;

	tn_lock();
	while ((root = tn_list_first(&cache->functions, struct tn_function, in_cache)) != NULL) {
		root->users++;
		root->closed = true;
		tn_list_remove(&root->in_cache);
		tn_list_remove(&root->in_core);
		while (root->faces != NULL) {
			const tenure_definition *definition = root->faces->definition;

			tn_function_close_face_locked(root->faces, root);
			tn_unlock();
			tell(definition);
			tn_lock();
		}
		close_children_locked(root);
		root->cache = NULL;
		tn_function_put_locked(root);
	}
	tn_unlock();
}
