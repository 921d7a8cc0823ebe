/* SPDX-License-Identifier: Apache-2.0 */
/* validate.h: one validation for all who ask at that moment. */
#ifndef TN_VALIDATE_H
#define TN_VALIDATE_H

#include "core/creation.h"

/* Must this live entry be validated before it is handed out? */
bool tn_validate_due_locked(const struct tn_entry *entry, int64_t now);

/* Ask the user's validate about the entry, as the leader of `flight` (reserved, not begun), holding one lease on it.
 * M is held on entry and not on return. 1: good, the lease is the caller's; 0: look again, the lease was given back;
 * < 0: an error with its message, likewise. */
int tn_validate_unlock(tenure_call *flight, struct tn_entry *entry, struct tenure_cell_ *lease,
		       const struct tn_request *request);

#endif
