/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h: what the files of the benchmark share: the cached functions that are measured, the clock, the table. */
#ifndef BENCH_H
#define BENCH_H

#include <tenure/tenure.h>

struct thing {
	long number;
};

TENURE_DECLARE(raw, struct thing, (tenure_bytes, key));
TENURE_DECLARE(typed, struct thing, (int64_t, number), (const char *, name), (bool, flag));

void library_raw(long count, const char *key);
void library_typed(long count, const char *key);
void library_key(long count, tenure_key *key);

extern double scale; /* of all durations */
extern uint64_t seeds[2];
extern volatile long sink; /* for results that must not be left out */
int64_t now(void); /* ns */

/* One line of the table. holds: 1, 0, or -1 where there is no target. */
void row(const char *name, double value, const char *unit, const char *target, int holds);

void measure_large(void);

#endif
