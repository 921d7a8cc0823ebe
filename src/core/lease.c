/* SPDX-License-Identifier: Apache-2.0 */
/* lease.c: hand out, give back, share.
 *
 * A lease is the address of the cell that counts it: a thread's own, or the entry's `grant`, a cell that is never
 * opened and so sends every give-back to `shared`. Its word counts them all the same, before and after the retirement:
 * a give-back that finds none there is a second one, and undoes itself. A give-back needs no record of the calling thread,
 * no memory, and cannot fail for a lease that is held. */
#include "core/lease.h"

#include "base/error.h"
#include "base/fault.h"
#include "core/entry.h"
#include "core/holder.h"

struct tenure_cell_ *tn_lease_take_locked(struct tn_entry *entry, struct tn_cell_room *room, bool hit)
{
	struct tenure_cell_ *cell = tn_cell_locked(entry, room);

	TN_CHECK(tn_entry_is(entry, TN_LIVE));
	if (cell == NULL) {
		tn_lease_grant_locked(entry, 1);
		tn_function_of(entry)->hits += hit;
		return &entry->grant;
	}
	tn_cell_fold_locked(entry, cell);
	tn_cell_open_locked(cell, hit);
	return cell;
}

void tn_lease_grant_locked(struct tn_entry *entry, uint64_t count)
{
	tn_entry_grant(entry, count);
	/* Relaxed: the entry is in service or in this section of M, so `shared` is far from zero. */
	__atomic_fetch_add(&entry->shared, count, __ATOMIC_RELAXED);
}

void tn_lease_fill(tenure_lease *lease, struct tenure_cell_ *cell)
{
	lease->resource = cell->entry->resource;
	lease->cell_ = cell;
	lease->stamp_ = __atomic_load_n(&cell->entry->life, __ATOMIC_RELAXED);
}

int tn_lease_check(const tenure_lease *lease)
{
	const struct tenure_cell_ *cell = lease->cell_;

	if (tn_tracked(lease))
		return tn_holder_check(lease);
	if (lease->stamp_ < __atomic_load_n(&tenure_core_.oldest_life, __ATOMIC_RELAXED))
		return tn_fail(TENURE_EFORKED, "this lease was taken in the parent process, before fork(); "
			       "the child must get the resource anew");
	if (lease->stamp_ != __atomic_load_n(&cell->entry->life, __ATOMIC_RELAXED))
		return tn_fail(TENURE_ENOTHELD, "this lease was given back before, by a copy of it");
	return 0;
}

bool tn_lease_is_of_life_locked(const tenure_lease *lease)
{
	return tn_tracked(lease) ? tn_holder_of_locked(lease) != NULL :
				   lease->stamp_ == tn_entry_of(lease->cell_)->head.life;
}

/* After misuse the state may already be another: then nothing is to be done here. */
static void hand_over_once_locked(struct tn_entry *entry)
{
	if (tn_entry_is(entry, TN_RETIRED))
		tn_entry_hand_over_locked(entry);
}

static int given_back_before(void)
{
	return tn_fail(TENURE_ENOTHELD, "this lease was given back before, by a copy of it");
}

/* Bring `shared` down by one; whoever brings it to zero hands over. */
static int give_back_shared(struct tn_entry *entry)
{
	uint64_t old;

	TN_FAULT("give.cell_done");
	/* A lease that is held keeps `shared` from zero, and the life's first store to it happened before the lease was
	 * taken, so that relaxed suffices to read no older zero. */
	if (__atomic_load_n(&entry->shared, __ATOMIC_RELAXED) == 0)
		return given_back_before();
	/* Release: every use of the resource; acquire: for the one that hands over. */
	old = __atomic_fetch_sub(&entry->shared, 1, __ATOMIC_ACQ_REL);
	if (old == 1) {
		TN_FAULT("give.zero");
		tn_lock();
		hand_over_once_locked(entry);
		tn_unlock();
	}
	return 0;
}

int tenure_give_back_slowly_(struct tenure_cell_ *cell, uint64_t old)
{
	struct tn_entry *entry = tn_entry_of(cell);
	bool closed;

	if (cell == &entry->grant && (int64_t)old < (int64_t)TENURE_ONE_LEASE_) {
		tn_entry_grant(entry, 1); /* it counted none: undo */
		return given_back_before();
	}
	if (!(old & TENURE_OPEN_))
		return give_back_shared(entry);

	/* The open cell counted no lease: given back before. Undo; if the cell was closed in between, the leases it
	 * was found to count were one too few. */
	tn_lock();
	closed = !(__atomic_fetch_add(&cell->word, TENURE_ONE_LEASE_, __ATOMIC_RELAXED) & TENURE_OPEN_);
	if (closed && __atomic_fetch_add(&entry->shared, 1, __ATOMIC_ACQ_REL) + 1 == 0)
		hand_over_once_locked(entry);
	tn_unlock();
	return given_back_before();
}

void tenure_unpin_miss_slowly_(struct tenure_cell_ *cell, uint64_t old)
{
	if (!(old & TENURE_OPEN_)) { /* the close has counted it as a hit; the lease still keeps the entry */
		tn_lock();
		tn_function_of(tn_entry_of(cell))->hits--;
		tn_unlock();
		give_back_shared(tn_entry_of(cell));
		return;
	}
	/* A second give-back of another lease came before: as in tenure_give_back_slowly_(), the hit stays uncounted. */
	__atomic_fetch_add(&cell->word, TENURE_HIT_, __ATOMIC_RELAXED);
	tenure_give_back_slowly_(cell, old);
}

int tn_lease_give_back(tenure_lease *lease)
{
	struct tenure_cell_ *cell = lease->cell_;
	int result;

	if (cell == NULL)
		return 0;
	result = tn_tracked(lease) ? tn_holder_leave(lease) : tn_lease_check(lease);
	if (result == 0)
		result = tenure_unpin_(cell);
	if (result == 0)
		*lease = (tenure_lease){ .resource = NULL };
	return result;
}

int tn_lease_share(const tenure_lease *lease, tenure_lease *empty)
{
	struct tenure_cell_ *cell = lease->cell_;
	struct tn_holder *holder = NULL;
	int result;

	if (empty->cell_ != NULL)
		return tn_fail(TENURE_EHELD, "the lease to share into is not empty; give it back first");
	if (cell == NULL)
		return tn_fail(TENURE_ENOTHELD, "the lease to share is empty");
	result = tn_lease_check(lease);
	if (result != 0)
		return result;
	if (tn_tracked(lease) && (holder = tn_holder_reserve(NULL)) == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory to track one lease more; the lease to share is still yours");
	/* The lease in hand keeps `shared` from its zero, wherever that lease itself is counted: before retirement by
	 * the bias, after it by its own place in `shared` or in a cell whose close is yet to add it. */
	tn_entry_grant(tn_entry_of(cell), 1);
	__atomic_fetch_add(&tn_entry_of(cell)->shared, 1, __ATOMIC_RELAXED);
	tn_lease_fill(empty, &tn_entry_of(cell)->grant);
	if (holder != NULL)
		tn_holder_attach_shared(holder, empty, lease);
	return 0;
}

uint64_t tn_lease_count_locked(const struct tn_entry *entry)
{
	uint64_t shared = __atomic_load_n(&entry->shared, __ATOMIC_RELAXED), cells, hits;

	if (!tn_entry_is(entry, TN_LIVE))
		return shared;
	tn_cell_sum_locked(entry, &cells, &hits);
	return shared - TN_BIAS + cells;
}
