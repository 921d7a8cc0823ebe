/* SPDX-License-Identifier: Apache-2.0 */
/* entry.h: the states of one resource. Only entry.c changes an entry's state and hands it over to release.
 *
 * Each function below is one arrow of the state machine in core.h, under M. None of them touches the table, the cells
 * or the timers: the rooms above do, in the same section of M. */
#ifndef TN_ENTRY_H
#define TN_ENTRY_H

#include "core/core.h"

/* A FREE entry for a creation to come. NULL: no memory. Takes M. */
struct tn_entry *tn_entry_reserve(void);
void tn_entry_put_locked(struct tn_entry *spare);

static inline bool tn_entry_is(const struct tn_entry *entry, enum tn_state state)
{
	return entry->head.state == state;
}

/* What tn_entry_begin_locked() took over, and its last user frees; NULL for a small key. */
static inline const unsigned char *tn_entry_long_key(const struct tn_entry *entry)
{
	return entry->head.key_size <= TENURE_SMALL_KEY_ ? NULL : entry->head.key;
}

/* FREE -> CREATING. A key of over TENURE_SMALL_KEY_ bytes the entry takes over, a small one it copies. */
void tn_entry_begin_locked(struct tn_entry *entry, struct tn_function *function, uint64_t hash,
			   const unsigned char *key, uint32_t key_size, tenure_call *flight);

/* Count leases on `grant`; who hands them out counts them on `shared` as well. */
void tn_entry_grant(struct tn_entry *entry, uint64_t count);

/* CREATING -> LIVE, with `granted` leases out for those who waited. */
void tn_entry_publish_locked(struct tn_entry *entry, void *resource, struct tn_object *object, uint64_t granted);

/* CREATING -> RETIRED: cleared meanwhile. The leases are all counted on `shared`; the caller settles it. */
void tn_entry_publish_out_locked(struct tn_entry *entry, void *resource, struct tn_object *object, uint64_t granted,
				 enum tn_cause cause);

/* CREATING -> FREE; or -> RELEASING when the creator left a resource or kept leases. Returns the key to free then, else
 * NULL. */
const unsigned char *tn_entry_fail_locked(struct tn_entry *entry, void *left, struct tn_object *object);

/* LIVE -> RETIRED. Its holders keep what they hold. */
void tn_entry_leave_locked(struct tn_entry *entry, enum tn_cause cause);

/* A drain waits for it from here on: once out of service, or a creation that was cleared. Once in a life. */
void tn_entry_count_out_locked(struct tn_entry *entry);

/* RETIRED -> RELEASING: the caller brought `shared` to zero. Queued for a worker, who is woken. */
void tn_entry_hand_over_locked(struct tn_entry *entry);

/* The next entry to release, or NULL. */
struct tn_entry *tn_entry_next_release_locked(tenure_cache *cache);

/* RELEASING -> FREE: its release has run. The entry is somebody else's after this; the caller has taken key and
 * recording from it. */
void tn_entry_free_locked(struct tn_entry *entry);

/* One reference to a function less; the last one takes it off every list and puts it into its pool. A child's counters
 * go to its root. */
void tn_function_put_locked(struct tn_function *function);

/* When the youngest release of this key that is queued or running was queued, of a life before `life`; INT64_MIN: there is
 * none. *ret_youngest: its entry, whose life goes to 0 when the release is over. */
int64_t tn_entry_releasing_locked(const struct tn_function *function, uint64_t hash, const unsigned char *key,
				  uint32_t key_size, uint64_t life, const struct tn_entry **ret_youngest);

void tn_entry_forget_all(void);

#endif
