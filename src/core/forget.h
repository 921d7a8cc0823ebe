/* SPDX-License-Identifier: Apache-2.0 */
/* forget.h: the end of a function: retired when its source is gone, forgotten before its code is unloaded. */
#ifndef TN_FORGET_H
#define TN_FORGET_H

#include "core/core.h"

/* Refuse calls from now on, and retire what it has, every session's too. How many. Takes M. */
int tn_forget_retire(tenure_function *face);

/* Clear the function, wait until nothing leads into its definition, and let the face go, which may be defined anew
 * after it. 0, or TENURE_EBUSY at the deadline: the function goes on. Takes M. */
int tn_forget(tenure_function *face, int64_t deadline);

/* The same for every function of a cache of which nothing is out. Takes M. */
void tn_forget_cache(tenure_cache *cache);

#endif
