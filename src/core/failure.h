/* SPDX-License-Identifier: Apache-2.0 */
/* failure.h: a failure as an object, shared by everybody who waited for a flight, dropped once by the last.
 *
 * It is counted: by the flight while that lasts, and by each thread to which it was delivered, until that thread's next
 * failure of any kind would hide it, and at the latest until its next one with an object, or its end. The user's drop is
 * called without M. */
#ifndef TN_FAILURE_H
#define TN_FAILURE_H

#include <stdbool.h>

struct tn_failure;

/* A failure with one user. NULL: no memory; the error is still the caller's. */
struct tn_failure *tn_failure_new(void *error, void (*drop)(void *error));

/* One user less; NULL is fine. */
void tn_failure_put(struct tn_failure *failure);

/* It is what this thread's last tn_fail() spoke of; counted once more. NULL: that had no object. The thread has let go of
 * the one before. */
void tn_failure_deliver(struct tn_failure *failure);

/* The object of this thread's last failure, or NULL. */
void *tn_failure_last(void);

/* This thread lets go of what was delivered to it. */
void tn_failure_let_go(void);

/* Call the user's drop, in the callback state that forbids nearly everything. */
void tn_failure_drop_error(void *error, void (*drop)(void *error));

#endif
