/* SPDX-License-Identifier: Apache-2.0 */
/* spin.h: to wait some microseconds for another thread without the kernel, where that is likely to be worth it.
 *
 * A thread that parks and is woken costs two changes of context, some microseconds each. Who expects to be woken sooner may
 * watch a word for about as long first. How long is learnt where it is done: twice as long after a success, half as long
 * after a failure, so that a place where it does not pay (a slow release, more threads than processors) soon gives it up
 * but for a short probe. On one processor nobody spins: who is waited for could not run. */
#ifndef TN_SPIN_H
#define TN_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* Watch the word (atomic, relaxed) until it is no longer `seen`, at most `ns`. True: it has changed. */
bool tn_spin(const uint64_t *word, uint64_t seen, int64_t ns);

/* How long to spin at this place now, from what it has learnt; 0: not at all. */
int64_t tn_spin_time(int64_t learnt);

/* The lesson of one spin. */
void tn_spin_learn(int64_t *learnt, bool worth);

#endif
