/* SPDX-License-Identifier: Apache-2.0 */
/* clear.h: clear and drain: all of one function, or of one key, out of service. */
#ifndef TN_CLEAR_H
#define TN_CLEAR_H

#include "core/core.h"

/* Retire the entries of this base key, every combination of inputs, and mark its creation. How many. Takes M. */
int tn_clear_key(struct tn_function *function, uint64_t hash, const unsigned char *key, uint32_t key_size);

/* Retire all of this one function, in batches, and mark its creations. How many. Takes M. */
int tn_clear_function(struct tn_function *function, enum tn_cause cause);

/* The same for a root and, with scope=session, for every session's. */
int tn_clear_family(struct tn_function *root, enum tn_cause cause);

/* Wait until everything of this family that is out of service now has been released. 0, or how many are still out when
 * the deadline passes. Takes M. */
int tn_clear_await(struct tn_function *root, int64_t deadline);

/* Walk the roots of a cache, or the children of a root, with M let go in the body:
 *   for (f = NULL; (f = tn_clear_next_root(cache, f)) != NULL;)
 * The current one is counted, so that it stays; who leaves early puts it. Take M. */
struct tn_function *tn_clear_next_root(tenure_cache *cache, struct tn_function *current);
struct tn_function *tn_clear_next_child(struct tn_function *root, struct tn_function *current);

#endif
