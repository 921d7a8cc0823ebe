/* SPDX-License-Identifier: Apache-2.0 */
/* report.h: telling the program what no call can return: a failed or hanging release, a failed refresh, a leak. */
#ifndef TN_REPORT_H
#define TN_REPORT_H

#include "core/core.h"

/* A failed release, a leak: to the cache's report, or stderr. No lock. */
void tn_report(tenure_cache *cache, int result, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
