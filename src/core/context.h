/* SPDX-License-Identifier: Apache-2.0 */
/* context.h: what the calling thread is doing: its creation, its session, the callback it is in. */
#ifndef TN_CONTEXT_H
#define TN_CONTEXT_H

#include <pthread.h>

#include "core/core.h"

/* In whose code a thread is. Creators, validate and release may call nearly everything; the others hardly anything. */
enum tn_callback {
	TN_OUTSIDE,
	TN_IN_CREATE,
	TN_IN_VALIDATE,
	TN_IN_RELEASE,
	TN_IN_FRONT,
	TN_IN_IDENTIFY,
	TN_IN_CLOCK,
	TN_IN_REPORT,
	TN_IN_WRITE,
	TN_IN_DROP,
	TN_IN_TELL,
	TN_IN_FORGOTTEN,
};

/* A release that a thread runs; on its stack. Another may run inside it, in manual mode. */
struct tn_releasing_now {
	struct tn_releasing_now *outer;
	tenure_cache *cache;
};

struct tn_context { /* owned by the thread */
	tenure_call *inside; /* the innermost creation it runs, or is attached to */
	struct tn_visit visit; /* its current session */
	enum tn_callback callback;
	struct tn_releasing_now *releasing; /* the innermost release it runs, whatever it runs inside that; NULL: none */
	tenure_cache *worker_of; /* the cache whose worker it is; NULL: not one of the library's */
	int creator_result; /* of the last creation that failed for this thread */
	struct tn_session *turn_in; /* the session in which a front has its turn on this thread, or NULL */
	uint64_t turn_generation; /* of the process, then */
	bool exit_key_set; /* should the front end the thread, session.c ends its turn */
	bool quiet; /* inside a refresh, which has no front, nor has what it calls */
	bool attached; /* `inside`, or what the thread's own creations run in, is another thread's: */
	tenure_call *attached_to;
	uint64_t attached_life; /* that one's: once it is over its memory serves another */
};

struct tn_context *tn_context(void);

/* Enter and leave user code: `was` is what to restore. */
static inline enum tn_callback tn_callback_enter(enum tn_callback callback)
{
	enum tn_callback was = tn_context()->callback;

	tn_context()->callback = callback;
	return was;
}

static inline void tn_callback_leave(enum tn_callback was)
{
	tn_context()->callback = was;
}

/* The front for this thread's calls, or NULL. */
static inline const tenure_front *tn_front(const tenure_cache *cache)
{
	return tn_context()->quiet ? NULL : cache->options.front;
}

/* Has this process been forked since? Whoever comes back from user code asks before it touches the core. */
static inline bool tn_forked_since(uint64_t generation)
{
	return __atomic_load_n(&tn_core.generation, __ATOMIC_RELAXED) != generation;
}

#endif
