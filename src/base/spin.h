/* SPDX-License-Identifier: Apache-2.0 */
/* spin.h: to wait some tens of microseconds for another thread without the kernel, where that is likely to be worth it.
 *
 * A thread that parks and is woken costs two changes of context, some microseconds each. Who expects to be woken sooner may
 * watch a word for about as long first. Whether it pays is learnt where it is done: after a success it is done again, after
 * each failure in a row it is left out twice as often, up to 64 times; so a place where it does not pay (a slow release, more
 * threads than processors) loses next to nothing, and still finds out when that changes. On one processor nobody spins: who
 * is waited for could not run. */
#ifndef TN_SPIN_H
#define TN_SPIN_H

#include <stdbool.h>
#include <stdint.h>

struct tn_patience { /* what one place has learnt; all zero: nothing yet. Guarded by the place's mutex */
	uint32_t skip; /* how often it is left out after a failure */
	uint32_t left; /* how often still */
};

/* Watch the word (atomic, relaxed) until it is no longer `seen`, at most `ns`. True: it has changed. */
bool tn_spin(const uint64_t *word, uint64_t seen, int64_t ns);

/* How long to spin at this place now, in ns; 0: not at all. */
int64_t tn_spin_time(struct tn_patience *patience);

/* The lesson of one spin. */
void tn_spin_learn(struct tn_patience *patience, bool worth);

#endif
