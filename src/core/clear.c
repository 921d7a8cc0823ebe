/* SPDX-License-Identifier: Apache-2.0 */
/* clear.c: clear and drain: all of one function, or of one key, out of service. */
#include "core/clear.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "core/context.h"
#include "core/entry.h"
#include "core/expire.h"
#include "core/retire.h"
#include "core/table.h"
#include "core/tree.h"
#include "core/worker.h"

/* One of the entries of this base key that were there when a life was the last one; NULL: none is left. */
static struct tn_entry *one_of_key_locked(struct tn_entry *first, uint64_t last_life)
{
	struct tn_tree *tree = first == NULL ? NULL : tn_retire_tree_of(first);
	struct tn_node *leaf;

	if (tree == NULL)
		return first != NULL && tn_entry_is(first, TN_LIVE) && first->head.life <= last_life ? first : NULL;
	tn_list_for_each(leaf, &tree->leaves, struct tn_node, in_tree) { /* newer ones, if any, stand last */
		if (leaf->entry->head.life <= last_life)
			return leaf->entry;
	}
	return NULL;
}

int tn_clear_key(struct tn_function *function, uint64_t hash, const unsigned char *key, uint32_t key_size)
{
	struct tn_entry *entry;
	uint64_t last_life;
	int count = 0;

	tn_lock();
	last_life = tn_core.next_life;
	entry = tn_table_find_locked(function, hash, key, key_size);
	if (entry != NULL && tn_entry_is(entry, TN_CREATING) && !entry->flight->awaiting) {
		tn_retire_creation_locked(entry);
		count++;
	}
	while ((entry = one_of_key_locked(tn_table_find_locked(function, hash, key, key_size), last_life)) != NULL) {
		tn_retire_locked(entry, TN_CLEARED);
		count++;
		if (tn_batch_done_locked())
			tn_breathe_unlock_lock("clear.between_inputs");
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

int tn_clear_function(struct tn_function *function, enum tn_cause cause)
{
	uint64_t last_life, left;
	int count;

	tn_lock();
	count = clear_flights_locked(function);
	last_life = tn_core.next_life; /* what is published from here on stays */
	for (left = function->live_count; left > 0; left--) {
		struct tn_entry *oldest = tn_list_last(&function->live, struct tn_entry, in_function);

		if (oldest == NULL || oldest->head.life > last_life)
			break;
		tn_retire_locked(oldest, cause);
		count++;
		if (tn_batch_done_locked())
			tn_breathe_unlock_lock("clear.between_batches");
	}
	tn_unlock();
	return count;
}

static struct tn_function *next_locked(struct tn_list *list, struct tn_list *link, size_t offset)
{
	struct tn_list *next = link == NULL ? list->next : link->next;
	struct tn_function *function = NULL;

	if (next != list) {
		function = (struct tn_function *)(void *)((char *)next - offset);
		function->users++;
	}
	return function;
}

struct tn_function *tn_clear_next_root(tenure_cache *cache, struct tn_function *current)
{
	struct tn_function *next, *at = current;

	tn_lock();
	do {
		next = next_locked(&cache->functions, at == NULL ? NULL : &at->in_cache, offsetof(struct tn_function, in_cache));
		tn_function_put_locked(at);
		at = next;
	} while (next != NULL && tn_forgotten_locked(next, 1));
	tn_unlock();
	return next;
}

struct tn_function *tn_clear_next_child(struct tn_function *root, struct tn_function *current)
{
	struct tn_function *next;

	tn_lock();
	next = next_locked(&root->children, current == NULL ? NULL : &current->in_parent,
			   offsetof(struct tn_function, in_parent));
	tn_function_put_locked(current);
	tn_unlock();
	return next;
}

int tn_clear_family(struct tn_function *root, enum tn_cause cause)
{
	struct tn_function *child;
	int count = tn_clear_function(root, cause);

	for (child = NULL; (child = tn_clear_next_child(root, child)) != NULL;)
		count += tn_clear_function(child, cause);
	return count;
}

/* One function's share of a drain. */
static int await_releases(struct tn_function *function, int64_t deadline)
{
	tenure_cache *cache = function->cache;
	uint64_t generation = tn_core.generation;
	struct tn_drain drain;

	tn_lock();
	drain.last = tn_core.counted;
	drain.left = function->unfinished;
	tn_list_insert_tail(&function->drains, &drain.in_function);
	TN_FAULT("drain.waits");
	while (drain.left != 0 && tn_cache_time_locked(cache) < deadline && !tn_forked_since(generation))
		tn_worker_wait_unlock_lock(cache, &cache->settled, deadline);
	if (tn_forked_since(generation)) {
		tn_unlock();
		return tn_fail(TENURE_EFORKED, "the process was forked in a release that this drain ran; in the child nothing is out");
	}
	tn_list_remove(&drain.in_function);
	tn_unlock();
	return drain.left > INT32_MAX ? INT32_MAX : (int)drain.left;
}

int tn_clear_await(struct tn_function *root, int64_t deadline)
{
	struct tn_function *child;
	int out = await_releases(root, deadline);

	for (child = NULL; out >= 0 && (child = tn_clear_next_child(root, child)) != NULL;) {
		int more = await_releases(child, deadline);

		out = more < 0 ? more : out + more;
	}
	return out;
}
