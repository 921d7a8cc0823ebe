/* SPDX-License-Identifier: Apache-2.0 */
/* session.h: one user's visit: the context in which recordings are replayed and inputs have values. */
#ifndef TN_SESSION_H
#define TN_SESSION_H

#include "core/context.h"

struct tn_session { /* type-stable; guarded by M */
	struct tn_session *next_free;
	uint64_t life; /* number of the session that this memory serves, unique in the process and its children; 0: none */
	uint32_t index; /* constant */
	uint32_t turns; /* of fronts that have its front_user in hand: its end waits for them */
	char *label;
	void *front_user;
	struct tn_list functions; /* of those with scope=session, this one's own */
};

int tn_session_open(const char *label, void *front_user, tenure_session **ret_session);
int tn_session_enter(tenure_session *session, tenure_session **ret_previous);

/* It is over: no call begins in it any more. The caller retires what belongs to it, and then finishes it. 0, ECLOSED,
 * EFORKED. */
int tn_session_close(tenure_session *session, struct tn_session **ret_session);

/* Wait until no front on another thread has its front_user in hand; free it. Takes M. */
void tn_session_finish(struct tn_session *session);

/* The session of a visit if it is open, and not a parent process's; else NULL. Valid under M. */
struct tn_session *tn_session_locked(struct tn_visit visit);

/* Nobody's visit, or the one of an open session. */
struct tn_visit tn_session_visit_locked(const struct tn_session *session);

/* A front's turn on behalf of a visit: `front_user` is the session's, or NULL where there is none that is open. A session's
 * end waits for the turns in it that other threads have.
 * A cancellation that comes meanwhile takes effect when the turn is over: a front writes, which is a point of cancellation,
 * and has locks of its own. So a thread may end in tn_front_leave(); and in the front itself, which may call pthread_exit():
 * then the turn ends with the thread. Whoever gives a front its turn is ready for both, and sets `callback` back then. */
struct tn_turn {
	void *front_user;
	bool open; /* it is the user of an open session */
	struct tn_session *session; /* counted in its `turns` */
	uint64_t generation; /* of the process */
	enum tn_callback was;
	int cancel_state;
};
struct tn_turn tn_front_enter(struct tn_visit visit);
void tn_front_leave(struct tn_turn *turn);

/* When the library starts; and in a forked child, by plain stores: every session is the parent's. */
void tn_session_start(void);
void tn_session_forget_all(void);

#endif
