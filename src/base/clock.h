/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h: monotonic time in nanoseconds, and arithmetic that ends at "never". */
#ifndef TN_CLOCK_H
#define TN_CLOCK_H

#include <stdint.h>

#define TN_NEVER INT64_MAX

int64_t tn_clock_monotonic(void);

/* a + b, but never past TN_NEVER. b >= 0. */
static inline int64_t tn_time_add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? TN_NEVER : sum;
}

#endif
