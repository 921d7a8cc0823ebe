/* SPDX-License-Identifier: Apache-2.0 */
/* refresh.h: background refresh: a new resource is made while the old one is served. */
#ifndef TN_REFRESH_H
#define TN_REFRESH_H

#include "core/creation.h"

/* A hit on an entry of a function that refreshes in the background; the caller holds a lease on it. Past its ttl a refresh
 * is started, if none runs or is put off. TENURE_STALE while it is past its ttl, else TENURE_HIT. Takes M. */
int tn_refresh_consider(const struct tn_request *request, struct tn_entry *entry);

#endif
