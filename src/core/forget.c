/* SPDX-License-Identifier: Apache-2.0 */
/* forget.c: the end of a function: retired when its source is gone, forgotten before its code is unloaded. */
#include "core/forget.h"

#include "base/clock.h"
#include "base/error.h"
#include "core/clear.h"
#include "core/entry.h"
#include "core/function.h"
#include "core/scope.h"
#include "core/worker.h"

/* No call finds it any more; what it has goes. How many. `root` is counted by the caller. */
static int close_family(struct tn_function *root, enum tn_cause cause)
{
	struct tn_function *child;
	int count;

	tn_lock();
	root->closed = true;
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
	struct tn_function *root;
	int count = 0;

	tn_lock();
	root = tn_function_of_face_locked(face);
	if (root != NULL)
		root->users++;
	tn_unlock();
	if (root == NULL)
		return 0;
	count = close_family(root, TN_REPLACED);
	tn_lock();
	tn_function_put_locked(root);
	tn_unlock();
	return count;
}

static uint64_t faces_of_locked(const struct tn_function *root)
{
	uint64_t count = 0;

	for (const tenure_function *face = root->faces; face != NULL; face = face->state_[1])
		count++;
	return count;
}

int tn_forget(tenure_function *face, int64_t deadline)
{
	struct tn_function *root;
	tenure_cache *cache;
	bool was_closed, gone;

	tn_lock();
	root = tn_function_of_face_locked(face);
	if (root == NULL) {
		tn_unlock();
		return 0;
	}
	root->users++;
	was_closed = root->closed;
	cache = root->cache;
	tn_unlock();
	close_family(root, TN_CLEARED);
	tn_lock();
	/* Left: its faces, prepared keys (which look at no definition), and this call. */
	while (!(gone = root->users == faces_of_locked(root) + root->keys + 1) && tn_cache_time_locked(cache) < deadline)
		tn_worker_wait_unlock_lock(cache, &cache->settled, deadline);
	if (gone)
		tn_function_unlink_face_locked(face, root);
	root->closed = gone ? root->faces == NULL : was_closed;
	tn_function_put_locked(root);
	tn_unlock();
	return gone ? 0 : tn_fail(TENURE_EBUSY, "%s() still has resources that are leased or being released, or calls under "
				  "way; it must stay where it is", face->definition->name);
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
		while (root->faces != NULL)
			tn_function_close_face_locked(root->faces, root);
		root->cache = NULL;
		tn_function_put_locked(root);
	}
	tn_unlock();
}
