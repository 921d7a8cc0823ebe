/* SPDX-License-Identifier: Apache-2.0 */
/* get.h: one call of a cached function, from the lookup to the lease. */
#ifndef TN_GET_H
#define TN_GET_H

#include "core/creation.h"

/* Find the resource, wait for it, or make it. >= 0: HIT, CREATED or JOINED, and the lease is filled; < 0: an error with
 * its message, the lease untouched. No lock held; user code runs in here. */
int tn_get(const struct tn_request *request, tenure_lease *lease);

/* Show the caller what was recorded with the resource that it is about to get. The lease on it is given back when its thread
 * ends in the front. 0, or EFORKED with its message. */
int tn_get_replay(const struct tn_request *request, struct tenure_cell_ *lease);

#endif
