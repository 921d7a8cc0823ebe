/* SPDX-License-Identifier: Apache-2.0 */
/* maintenance.h: keeping a cache's time: deadlines met when they are due, by a thread or by polls. */
#ifndef TN_MAINTENANCE_H
#define TN_MAINTENANCE_H

#include "core/core.h"

/* Move the cached time to `now`, and do what is due. In manual mode also run what is queued, at most `limit` callbacks (0:
 * all); else `limit` bounds the entries that are taken out of service. How many of these. *ret_next (NULL is fine): when to
 * come again. Takes M. */
int tn_maintenance_poll(tenure_cache *cache, int64_t now, int limit, int64_t *ret_next);

void tn_maintenance_start(void); /* once */

#endif
