/* SPDX-License-Identifier: Apache-2.0 */
/* expire.h: deadlines of entries: ttl, idle ttl, next validation; one word for the hit, one timer for the maintenance. */
#ifndef TN_EXPIRE_H
#define TN_EXPIRE_H

#include "core/core.h"


/* Room for one entry's timer, for its whole life, since a timer comes and goes. Takes M; false: no memory. Given back
 * when the entry leaves service, or was never published. */
bool tn_expire_reserve(tenure_cache *cache);
void tn_expire_give_room_back_locked(tenure_cache *cache);

/* Start an entry's deadlines: it was ready at `ready_at`, and lives for `ttl` ns (TN_NEVER: for ever);
 * own_ttl: its creator said so, and no later option does. */
void tn_expire_start_locked(struct tn_entry *entry, int64_t ready_at, int64_t ttl, bool own_ttl);

/* It was found good at `now`: the next validation comes validate_every later. */
void tn_expire_validated_locked(struct tn_entry *entry, int64_t now);

/* Act on the first timer, which is due: retire, or look at an idle one. True: it took an entry out of service. */
bool tn_expire_one_locked(tenure_cache *cache, int64_t now);

/* When the next one is due; TN_NEVER: nothing is. */
int64_t tn_expire_next_locked(const tenure_cache *cache);

/* Past its ttl, and no refresh runs or is put off: mark one as running. True: the caller starts it. */
bool tn_expire_claim_refresh_locked(struct tn_entry *entry, int64_t now);

/* It failed: the old one stays until its hard limit, and the next attempt comes after a pause that doubles each time. */
void tn_expire_refresh_failed_locked(struct tn_entry *entry, int64_t now);

/* It gave the same object: the entry's time begins anew. */
void tn_expire_refreshed_locked(struct tn_entry *entry, int64_t ready_at, int64_t ttl, bool own_ttl);

/* Options have changed: apply them to the live entries of a function, TN_BATCH in one call. True: there are more. An entry
 * that is published meanwhile has them already. */
void tn_expire_again_start_locked(struct tn_function *function);
bool tn_expire_again_locked(struct tn_function *function, int64_t now);

#endif
