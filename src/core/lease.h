/* SPDX-License-Identifier: Apache-2.0 */
/* lease.h: hand out, give back, share. */
#ifndef TN_LEASE_H
#define TN_LEASE_H

#include "core/cell.h"
#include "core/core.h"

/* One lease on a LIVE entry for this thread: in its cell, or on the entry where it has none. */
struct tenure_cell_ *tn_lease_take_locked(struct tn_entry *entry, struct tn_cell_room *room, bool hit);

/* `count` leases counted on the entry itself. The handle is &entry->grant. */
void tn_lease_grant_locked(struct tn_entry *entry, uint64_t count);

/* The lease of this cell into the caller's value. The lease keeps the entry, so no lock is needed. */
void tn_lease_fill(tenure_lease *lease, struct tenure_cell_ *cell);

int tn_lease_give_back(tenure_lease *lease);
int tn_lease_share(const tenure_lease *lease, tenure_lease *empty);

/* Of which process is it? 0, TENURE_ENOTHELD (another life), TENURE_EFORKED. */
int tn_lease_check(const tenure_lease *lease);

/* Is it held, as far as can be seen: a lease on the life that its entry has now? */
bool tn_lease_is_of_life_locked(const tenure_lease *lease);

/* All leases of an entry in service: a snapshot. */
uint64_t tn_lease_count_locked(const struct tn_entry *entry);

#endif
