/* SPDX-License-Identifier: Apache-2.0 */
/* retire.c: out of service: unlink an entry, close its cells, find out who releases it.
 *
 * Why a resource is never released while leased, and always released once: after the pass over the records every cell
 * of the entry is closed, and none can open, since opening needs M and the state LIVE. Each lease was counted in one
 * place: a cell, whose count the close has returned, or `shared`. So after `leases - BIAS` has gone into `shared` it
 * holds exactly the leases that are out, nothing adds to it any more, and each lease subtracts one: zero is reached by
 * one read-modify-write, whose caller hands over. Before that the bias keeps it from zero. */
#include "core/retire.h"

#include "base/fault.h"
#include "core/cell.h"
#include "core/entry.h"
#include "core/recording.h"
#include "core/table.h"

struct tn_tree *tn_retire_tree_of(const struct tn_entry *entry)
{
	if (tn_entry_is(entry, TN_CREATING))
		return entry->flight->tree;
	return entry->recording == NULL || entry->recording->leaf == NULL ? NULL : entry->recording->leaf->tree;
}

static struct tn_entry *find_first_locked(const struct tn_entry *entry)
{
	return tn_table_find_locked(tn_function_of(entry), entry->head.hash, tenure_key_of_(&entry->head),
				    entry->head.key_size);
}

/* Which entry of the tree the table may lead to; NULL: none. */
static struct tn_entry *first_of(const struct tn_tree *tree)
{
	struct tn_node *leaf = tree == NULL ? NULL : tn_list_first(&tree->leaves, struct tn_node, in_tree);

	return leaf == NULL ? NULL : leaf->entry;
}

static void part_locked(tenure_call *flight)
{
	if (flight->tree != NULL)
		flight->tree->flight = NULL;
	flight->tree = NULL;
}

/* Out of the tree of its base key, which goes with its last leaf. */
static struct tn_tree *leave_tree_locked(struct tn_entry *entry)
{
	struct tn_recording *recording = entry->recording;
	struct tn_tree *tree = tn_retire_tree_of(entry);

	if (tree == NULL)
		return NULL;
	if (tn_tree_remove_locked(recording->leaf, &recording->dead)) {
		if (tree->flight != NULL)
			tree->flight->tree = NULL;
		recording->dead_tree = tree;
		tree = NULL;
	}
	recording->leaf = NULL;
	return tree;
}

/* Out of the table, and out of the tree of its base key. */
void tn_retire_unlink_locked(struct tn_entry *entry)
{
	struct tn_entry *first = find_first_locked(entry);
	struct tn_tree *tree;

	if (tn_entry_is(entry, TN_CREATING)) {
		tree = entry->flight->tree;
		part_locked(entry->flight);
	} else {
		tree = leave_tree_locked(entry);
	}
	if (first == entry)
		tn_table_replace_locked(entry, first_of(tree));
}

/* Into a tree: this one, or its own first one. */
static void enter_tree_locked(struct tn_entry *entry, struct tn_tree *tree)
{
	struct tn_recording *recording = entry->recording;

	if (tree == NULL) {
		tree = recording->spare_tree;
		recording->spare_tree = NULL;
	}
	recording->leaf = tn_tree_insert_locked(tree, &recording->path, entry);
}

void tn_retire_enter_locked(struct tn_entry *entry)
{
	tenure_call *flight = entry->flight;

	if (flight->recording->inputs != 0)
		enter_tree_locked(entry, flight->tree);
	part_locked(flight);
}

void tn_retire_link_locked(struct tn_entry *entry)
{
	struct tn_entry *first = find_first_locked(entry);
	tenure_call *flight = first != NULL && tn_entry_is(first, TN_CREATING) ? first->flight : NULL;
	bool inputs = entry->recording != NULL && entry->recording->inputs != 0;

	TN_CHECK(inputs || first == NULL);
	if (inputs)
		enter_tree_locked(entry, first == NULL ? NULL : tn_retire_tree_of(first));
	if (flight != NULL && flight->tree == NULL) { /* it holds the table's place */
		flight->tree = entry->recording->leaf->tree;
		flight->tree->flight = flight;
	}
	if (first == NULL)
		tn_table_insert_locked(entry);
	else
		tn_table_give_room_back_locked();
}

void tn_retire_settle_locked(struct tn_entry *entry, uint64_t leases)
{
	uint64_t change = leases - TN_BIAS;

	tn_assert_locked();
	TN_FAULT("retire.before_bias");
	/* Release: what was done here; acquire: what those did who gave back before. */
	if (__atomic_fetch_add(&entry->shared, change, __ATOMIC_ACQ_REL) + change == 0)
		tn_entry_hand_over_locked(entry);
}

void tn_retire_locked(struct tn_entry *entry, enum tn_cause cause)
{
	tenure_cache *cache = tn_function_of(entry)->cache;

	tn_assert_locked();
	tn_core.work++;
	tn_entry_leave_locked(entry, cause);
	tn_retire_unlink_locked(entry);
	if (entry->timer.index != 0)
		tn_heap_remove(&cache->timers, &entry->timer);
	cache->timers_reserved--;
	if (entry->flight != NULL) { /* a validation: its verdict is dropped */
		entry->flight->cleared = true;
		entry->flight = NULL;
	}
	TN_FAULT("retire.unlinked");
	tn_retire_settle_locked(entry, tn_cell_close_all_locked(entry));
}

void tn_retire_creation_locked(struct tn_entry *entry)
{
	tenure_call *flight = entry->flight;

	tn_assert_locked();
	if (flight->cleared || flight->awaiting)
		return; /* awaiting: its creator starts after the clear */
	flight->cleared = true;
	if (!flight->quiet) /* a refresh is in no table */
		tn_retire_unlink_locked(entry);
	tn_entry_count_out_locked(entry);
}
