/* SPDX-License-Identifier: Apache-2.0 */
/* openmetrics.h: the counters as OpenMetrics text. */
#ifndef TN_OPENMETRICS_H
#define TN_OPENMETRICS_H

#include "front/output.h"

/* Of one cache, or (NULL) of every open one, to the end mark. What write returned, or TENURE_ENOMEM. */
int tn_openmetrics_write(const tenure_cache *cache, struct tn_output *output);

#endif
