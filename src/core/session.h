/* SPDX-License-Identifier: Apache-2.0 */
/* session.h: one user's visit: the context in which recordings are replayed and inputs have values. */
#ifndef TN_SESSION_H
#define TN_SESSION_H

#include "core/context.h"

struct tenure_session {
	char *label; /* constant */
	void *front_user; /* constant */
	uint64_t generation; /* of the process */
	uint64_t users; /* threads that have it current, flights that began in it; and 1 until it is ended */
	bool ended;
	struct tn_list functions; /* guarded by M: of those with scope=session, this one's own */
};

int tn_session_open(const char *label, void *front_user, tenure_session **ret_session);
int tn_session_enter(tenure_session *session, tenure_session **ret_previous);

/* No call begins in it any more; its owner puts it after it has retired what belongs to it. 0, ECLOSED, EFORKED. */
int tn_session_close(tenure_session *session);

/* The current session of this thread if it is still open, else NULL; counted until put. */
tenure_session *tn_session_hold(void);
void tn_session_put(tenure_session *session); /* NULL is fine */

#endif
