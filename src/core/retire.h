/* SPDX-License-Identifier: Apache-2.0 */
/* retire.h: out of service: unlink an entry, close its cells, find out who releases it. */
#ifndef TN_RETIRE_H
#define TN_RETIRE_H

#include "core/core.h"

/* Take a live entry out of service. Nobody gets it after this; holders keep it; the last one back, or this call when
 * nobody holds it, hands it over to release. The entry must not be touched afterwards. */
void tn_retire_locked(struct tn_entry *entry, enum tn_cause cause);

/* Out of the table, and out of the tree of its base key. CREATING or LIVE. */
void tn_retire_unlink_locked(struct tn_entry *entry);

/* Into the table, beside what stands there for its key: a CREATING entry, or live ones with other inputs. The caller has
 * reserved room. */
void tn_retire_link_locked(struct tn_entry *entry);

/* The second half alone, for an entry that is RETIRED from its birth on (cleared during its creation). */
void tn_retire_settle_locked(struct tn_entry *entry, uint64_t leases_in_cells);

/* Mark a creation as cleared: it is not published, and who asks from now on starts another. */
void tn_retire_creation_locked(struct tn_entry *entry);

/* A creation in the table is about to be published: into the tree, where it has inputs. Whatever was in its way is gone. */
void tn_retire_enter_locked(struct tn_entry *entry);

/* The tree of the live entries of its base key; NULL: it has no inputs, nor has (CREATING) any of those before it. */
struct tn_tree *tn_retire_tree_of(const struct tn_entry *entry);

#endif
