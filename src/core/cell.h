/* SPDX-License-Identifier: Apache-2.0 */
/* cell.h: threads' records, and the cells of leases in them.
 *
 * A record belongs to the thread that tenure_thread_ of that thread names. Records are never freed: when a thread ends
 * its record goes to the free list as it is, with open cells and counts, and serves the next thread. So a lease may
 * outlive the thread that took it. */
#ifndef TN_CELL_H
#define TN_CELL_H

#include "core/core.h"

/* Memory for a chunk of cells that a thread is about to open one of; taken before M. */
struct tn_cell_room {
	struct tn_cells *chunk;
	struct tenure_chunk_ *directory;
	uint64_t count; /* of the directory */
};

/* This thread's record, making or taking over one; NULL: no memory. Takes M. */
struct tn_record *tn_record_get(void);

/* Prepare for tn_cell_open_locked() of an entry with this id. false: no memory, leases go to the entry itself. */
bool tn_cell_reserve(uint64_t id, struct tn_cell_room *room);
void tn_cell_release_room(struct tn_cell_room *room);

/* This thread's cell for the entry, or NULL when it has no room for one (reserve, and ask again). */
struct tenure_cell_ *tn_cell_locked(struct tn_entry *entry, struct tn_cell_room *room);

/* First touch: one lease for this thread on a live entry, counted in its own cell and, if `hit`, as a hit. The
 * only place that opens cells. */
void tn_cell_open_locked(struct tenure_cell_ *cell, bool hit);

/* Close every cell of the entry. Returns the leases they counted; their hits go to the function's count. */
uint64_t tn_cell_close_all_locked(struct tn_entry *entry);

/* What the open cells count: a snapshot, since hits go on. */
void tn_cell_sum_locked(const struct tn_entry *entry, uint64_t *ret_leases, uint64_t *ret_hits);

/* Move the cell's hits to the function's count when they are about to fill their bits. Owner only. */
void tn_cell_fold_locked(struct tn_entry *entry, struct tenure_cell_ *cell);

/* In a forked child: no record is known any more. */
void tn_cell_forget_all(void);

#endif
