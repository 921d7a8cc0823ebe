/* SPDX-License-Identifier: Apache-2.0 */
/* scope.h: whose entry it is: with scope=session each session has a function of its own, a child of the one that was defined. */
#ifndef TN_SCOPE_H
#define TN_SCOPE_H

#include "core/core.h"

/* Exchange a held root for the held child of this thread's current session. 0; TENURE_ESESSION without an open one,
 * TENURE_ECLOSED, TENURE_ENOMEM: the root is still held. Takes M. */
int tn_scope_enter(struct tn_function *root, struct tn_function **ret_child);

/* No call finds the child any more. It is counted by the caller; its entries are to be cleared after it. */
void tn_scope_close_locked(struct tn_function *child);

/* Retire what belongs to a session that has ended, and mark its creations. How many. Takes M. */
int tn_scope_end_session(struct tn_session *session);

#endif
