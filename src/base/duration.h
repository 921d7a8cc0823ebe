/* SPDX-License-Identifier: Apache-2.0 */
/* duration.h: duration texts, as pandas.Timedelta reads them, but never a number without a unit. */
#ifndef TN_DURATION_H
#define TN_DURATION_H

#include <stddef.h>
#include <stdint.h>

/* "1d", "1.5 days", "1h23s", "2 days 3:00:00", "P1DT2H" into ns. 0, or -1 with a sentence in `why` that says what is
 * allowed. The result may be zero or negative: the caller decides. */
int tn_duration_parse(const char *text, int64_t *ret_ns, char *why, size_t room);

/* For people: "1h 23m", "2.5 s", "120 ms". */
void tn_duration_format(int64_t ns, char *text, size_t room);

#endif
