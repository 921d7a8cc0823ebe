/* SPDX-License-Identifier: Apache-2.0 */
/* evict.h: capacity: which entry of a full function goes. */
#ifndef TN_EVICT_H
#define TN_EVICT_H

#include "core/core.h"

/* A new entry was published: retire what is over max_entries, never the new one. A batch at most; true: there is more. */
bool tn_evict_locked(struct tn_function *function, const struct tn_entry *fresh);

#endif
