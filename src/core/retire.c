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

struct tn_entry **tn_retire_variants_of(struct tn_entry *entry)
{
	if (tn_entry_is(entry, TN_CREATING))
		return &entry->flight->variants;
	return entry->recording == NULL ? NULL : &entry->recording->variants;
}

/* Out of the table, and out of the chain of entries that share its base key. */
void tn_retire_unlink_locked(struct tn_entry *entry)
{
	struct tn_entry **own = tn_retire_variants_of(entry), *next = own == NULL ? NULL : *own;
	struct tn_entry *first = tn_table_find_locked(tn_function_of(entry), entry->head.hash, entry->head.key,
						      entry->head.key_size);
	struct tn_entry **at;

	if (first == entry) {
		tn_table_replace_locked(entry, next);
	} else {
		for (at = tn_retire_variants_of(first); *at != entry; at = tn_retire_variants_of(*at))
			;
		*at = next;
	}
	if (own != NULL)
		*own = NULL;
}

void tn_retire_link_locked(struct tn_entry *entry)
{
	struct tn_entry *first = tn_table_find_locked(tn_function_of(entry), entry->head.hash, entry->head.key,
						      entry->head.key_size);

	if (first == NULL) {
		tn_table_insert_locked(entry);
		return;
	}
	tn_table_give_room_back_locked();
	if (tn_entry_is(first, TN_CREATING)) { /* it will take the table's place; this one waits behind it */
		entry->recording->variants = first->flight->variants;
		first->flight->variants = entry;
	} else {
		entry->recording->variants = first;
		tn_table_replace_locked(first, entry);
	}
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
