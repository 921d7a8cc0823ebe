/* SPDX-License-Identifier: Apache-2.0 */
/* cache.h: all of it for one cache: open, close, the process-wide one, exit. */
#ifndef TN_CACHE_H
#define TN_CACHE_H

#include "core/core.h"

/* The process-wide cache, made with these options at the first need. NULL: no memory. */
tenure_cache *tn_cache_default(const tenure_cache_options *options);

/* Options for it, before its first use. 0, TENURE_EBUSY, TENURE_ENOMEM. */
int tn_cache_configure(const tenure_cache_options *options);

int tn_cache_open(const tenure_cache_options *options, tenure_cache **ret_cache);

/* Refuse gets, retire everything, wait for what is out. 0, or TENURE_EBUSY with a message that names what is out. */
int tn_cache_close(tenure_cache *cache, int64_t timeout);

/* Retire all of every function, mark all creations. How many. */
int tn_cache_clear(tenure_cache *cache, enum tn_cause cause);

/* In a forked child: as if just opened, nothing of the parent's left in it. Plain stores. */
void tn_cache_forget(tenure_cache *cache);

#endif
