/* SPDX-License-Identifier: Apache-2.0 */
/* get.h: one call of a cached function, from the lookup to the lease. */
#ifndef TN_GET_H
#define TN_GET_H

#include "core/creation.h"
#include "core/holder.h"

/* Find the resource, wait for it, or make it. >= 0: HIT, CREATED or JOINED, and the lease is filled; < 0: an error with
 * its message, the lease untouched. No lock held; user code runs in here. */
int tn_get(const struct tn_request *request, tenure_lease *lease);

/* The end of a get: what was pinned (`cell`, and its `holder` or NULL) is shown again with `replay`, and then becomes the
 * caller's lease: not before, so that nothing which a front calls can give it back under the replay. 0; TENURE_EHELD: a call
 * from inside this one has filled the lease; TENURE_EFORKED. */
int tn_get_hand_over(const struct tn_request *request, struct tenure_cell_ *cell, struct tn_holder *holder, bool replay,
		     tenure_lease *lease);

#endif
