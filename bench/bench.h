/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h: the cached functions that are measured. */
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

#endif
