/* SPDX-License-Identifier: Apache-2.0 */
/* error.h: a thread's last failure, in words. */
#ifndef TN_ERROR_H
#define TN_ERROR_H

#include <stdint.h>

/* Remember why, for this thread, until its next failure. Returns `result`. Allocates at a thread's first failure; where
 * it cannot, the text is a short one that needs no memory. No lock may be held. */
int tn_fail(int result, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How many there were on this thread. */
uint64_t tn_failures(void);

/* This thread's last one; "" when there was none. */
const char *tn_last_message(void);

#endif
