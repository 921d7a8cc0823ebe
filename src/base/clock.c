/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c: monotonic time in nanoseconds. */
#include "base/clock.h"

#include <time.h>

int64_t tn_clock_monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
