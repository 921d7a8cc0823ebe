/* SPDX-License-Identifier: Apache-2.0 */
/* holder.h: who holds what: age, place and thread of each lease of a function that asks for it (track_holders).
 *
 * A lease that is tracked carries a token in its stamp instead of the number of its entry's life: which holder describes it,
 * and which use of that holder. A token is good for one give-back, so a second one is always told. Its topmost bit is set,
 * which no life ever has: the inlined give-back takes it for another life's and calls the library. Where the lease is
 * counted does not change: lease.c gives that back once the token was found good. */
#ifndef TN_HOLDER_H
#define TN_HOLDER_H

#include "core/core.h"

enum { TN_PLACE_ROOM = 80, TN_THREAD_ROOM = 16 };

struct tn_holder { /* guarded by M */
	struct tn_holder *next_free;
	struct tn_entry *entry; /* NULL: nobody holds it */
	uint64_t use; /* goes up with each lease it has described */
	uint32_t index; /* constant */
	bool kept; /* by the entry that a creator was making (C9): no leak */
	int64_t since; /* ns */
	uint64_t thread; /* who took it */
	char thread_name[TN_THREAD_ROOM];
	char place[TN_PLACE_ROOM]; /* a copy: its writer may have been unloaded; "": not known */
};

static inline bool tn_tracked(const tenure_lease *lease)
{
	return lease->stamp_ >> 63;
}

/* A holder for a lease to come, which knows this thread and the place. NULL: no memory. Takes M. */
struct tn_holder *tn_holder_reserve(const char *place);
void tn_holder_put(struct tn_holder *unused); /* NULL is fine. Takes M */

/* Make an untracked lease that is held a tracked one; a shared one has the place of the one it was shared from. Takes M. */
void tn_holder_attach(struct tn_holder *holder, tenure_lease *lease);
void tn_holder_attach_shared(struct tn_holder *holder, tenure_lease *lease, const tenure_lease *from);

/* The holder of this tracked lease; NULL: given back before, or the parent's. */
struct tn_holder *tn_holder_of_locked(const tenure_lease *lease);

/* 0, TENURE_ENOTHELD, TENURE_EFORKED. leave: and its token is used up. Take M. */
int tn_holder_check(const tenure_lease *lease);
int tn_holder_leave(const tenure_lease *lease);

/* It moved to an entry that is being made. Takes M. */
void tn_holder_keep(const tenure_lease *lease);

/* The first holder from *at on whose lease is out in this cache; *at moves past it. NULL: no more, or (*ret_more) others want
 * M: let it go and ask again. */
const struct tn_holder *tn_holder_next_locked(const tenure_cache *cache, uint32_t *at, bool *ret_more);

/* The tracked leases of this cache that are out and not kept, for people: "get_model() for 3 s, taken at main.c:12 by thread 7
 * (worker)", a few of them and how many more; "": there are none. */
void tn_holder_describe_locked(const tenure_cache *cache, char *text, size_t room);

/* In a forked child: what is held is the parent's. */
void tn_holder_forget_all(void);

#endif
