/* SPDX-License-Identifier: Apache-2.0 */
/* session.c: one user's visit.
 *
 * What the program holds is no address: the memory of a session serves the next one, and a handle of any age must be told
 * from those. It is a number, the session's life beside its place; a thread that has a session current, a creation that
 * began in it, hold life and memory apart (a visit). So nobody has to be counted: once the life is over, all of them are
 * without a session. Chunk k has FIRST << k sessions, and none is ever given back. In a forked child lives and places go
 * on after the parent's.
 * A front is given the program's pointer, front_user, which the program may free when tenure_session_end() has returned: so
 * each turn of a front in a session is counted there, and the end waits for those of other threads. */
#include "core/session.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/fault.h"

enum { INDEX_BITS = 24, FIRST = 16, CHUNKS = 20 };
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)

static struct { /* guarded by M */
	struct tn_session *chunks[CHUNKS];
	uint32_t chunk_count;
	struct tn_session *free;
	uint64_t lives;
	uint64_t parents; /* lives up to this one belong to the parent of a forked process. atomic (relaxed) */
	struct tn_cond quiet; /* a turn in a session that has ended is over */
} sessions;

static uint32_t base_of(uint32_t chunk)
{
	return (uint32_t)FIRST * ((UINT32_C(1) << chunk) - 1);
}

static struct tn_session *at_locked(uint32_t index)
{
	uint32_t chunk = 31 - (uint32_t)__builtin_clz(index / FIRST + 1);

	return chunk < sessions.chunk_count ? &sessions.chunks[chunk][index - base_of(chunk)] : NULL;
}

static tenure_session *handle_of(struct tn_visit visit)
{
	return visit.session == NULL ? NULL : (tenure_session *)(uintptr_t)(visit.life << INDEX_BITS | visit.session->index);
}

static struct tn_visit visit_of(const tenure_session *handle)
{
	uint64_t number = (uint64_t)(uintptr_t)handle;
	struct tn_visit visit = { .life = number >> INDEX_BITS };

	if (handle == NULL)
		return visit;
	tn_lock();
	visit.session = at_locked((uint32_t)(number & INDEX_MASK));
	tn_unlock();
	return visit;
}

static bool foreign(uint64_t life)
{
	return life != 0 && life <= __atomic_load_n(&sessions.parents, __ATOMIC_RELAXED);
}

struct tn_session *tn_session_locked(struct tn_visit visit)
{
	tn_assert_locked();
	if (visit.session == NULL || foreign(visit.life) || visit.session->life != visit.life)
		return NULL;
	return visit.session;
}

struct tn_visit tn_session_visit_locked(const struct tn_session *session)
{
	return (struct tn_visit){ .session = (struct tn_session *)(uintptr_t)session, .life = session == NULL ? 0 : session->life };
}

/* ---- open, enter, end */

/* One chunk more. false: no memory, or 2^24 sessions are open. */
static bool grow(void)
{
	struct tn_session *memory;
	uint32_t chunk;

	tn_lock();
	chunk = sessions.chunk_count;
	tn_unlock();
	if (chunk == CHUNKS)
		return false;
	memory = tn_alloc(((size_t)FIRST << chunk) * sizeof(*memory));
	if (memory == NULL)
		return false;
	tn_lock();
	if (sessions.chunk_count == chunk) {
		sessions.chunks[chunk] = memory;
		sessions.chunk_count++;
		for (uint32_t i = (uint32_t)FIRST << chunk; i-- > 0;) {
			memory[i].index = base_of(chunk) + i;
			memory[i].next_free = sessions.free;
			sessions.free = &memory[i];
		}
		memory = NULL;
	}
	tn_unlock();
	tn_free(memory); /* another thread was faster */
	return true;
}

int tn_session_open(const char *label, void *front_user, tenure_session **ret_session)
{
	char *copy = tn_strdup(label == NULL ? "" : label);
	struct tn_visit visit = { .session = NULL };

	while (copy != NULL && visit.session == NULL) {
		tn_lock();
		visit.session = sessions.free;
		if (visit.session != NULL) {
			sessions.free = visit.session->next_free;
			visit.life = visit.session->life = ++sessions.lives;
			visit.session->label = copy;
			visit.session->front_user = front_user;
			tn_list_init(&visit.session->functions);
		}
		tn_unlock();
		if (visit.session == NULL && !grow())
			break;
	}
	if (visit.session == NULL) {
		tn_free(copy);
		return tn_fail(TENURE_ENOMEM, "out of memory for a session");
	}
	*ret_session = handle_of(visit);
	return 0;
}

int tn_session_enter(tenure_session *handle, tenure_session **ret_previous)
{
	struct tn_context *context = tn_context();
	struct tn_visit visit = visit_of(handle), previous = context->visit;
	bool open;

	if (foreign(visit.life))
		return tn_fail(TENURE_EFORKED, "this session belongs to the parent process; open one in the child");
	tn_lock();
	open = tn_session_locked(visit) != NULL;
	if (tn_session_locked(previous) == NULL)
		previous.session = NULL; /* it has ended, or is a parent's: the thread went on without */
	tn_unlock();
	if (handle != NULL && !open)
		return tn_fail(TENURE_ECLOSED, "this session has ended");
	context->visit = visit;
	if (ret_previous != NULL)
		*ret_previous = handle_of(previous);
	return 0;
}

int tn_session_close(tenure_session *handle, struct tn_session **ret_session)
{
	struct tn_visit visit = visit_of(handle);
	struct tn_session *session;

	if (foreign(visit.life))
		return tn_fail(TENURE_EFORKED, "this session belongs to the parent process");
	tn_lock();
	session = tn_session_locked(visit);
	if (session != NULL)
		session->life = 0;
	tn_unlock();
	if (session == NULL)
		return tn_fail(TENURE_ECLOSED, "this session has ended already");
	*ret_session = session;
	return 0;
}

void tn_session_finish(struct tn_session *session)
{
	struct tn_context *context = tn_context();
	char *label;

	tn_lock();
	TN_FAULT("session.ending");
	/* A front has ended this thread, which is in its destructors now: it does not wait for itself. */
	if (context->turn_in == session && !tn_forked_since(context->turn_generation)) {
		context->turn_in = NULL;
		session->turns--;
	}
	while (session->turns != 0)
		tn_cond_wait(&sessions.quiet, &tn_core.mutex);
	label = session->label;
	session->label = NULL;
	session->front_user = NULL;
	session->next_free = sessions.free;
	sessions.free = session;
	tn_unlock();
	tn_free(label);
}

/* ---- fronts */

static void end_turn(struct tn_session *session, uint64_t generation)
{
	if (session == NULL || tn_forked_since(generation))
		return;
	tn_lock();
	if (--session->turns == 0)
		tn_cond_broadcast(&sessions.quiet);
	tn_unlock();
}

static pthread_key_t exit_key; /* set while a front has its turn: it may end the thread */
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

static void thread_exits(void *pointer)
{
	struct tn_context *context = tn_context();
	struct tn_session *session = context->turn_in;

	(void)pointer;
	context->turn_in = NULL;
	context->exit_key_set = false;
	end_turn(session, context->turn_generation);
}

static void make_exit_key(void)
{
	TN_CHECK(pthread_key_create(&exit_key, thread_exits) == 0);
}

struct tn_turn tn_front_enter(struct tn_visit visit)
{
	struct tn_context *context = tn_context();
	struct tn_turn turn = { .generation = tn_core.generation };

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &turn.cancel_state);
	if (context->turn_in != NULL) /* no turn runs inside another: the front has ended the thread in that one */
		end_turn(context->turn_in, context->turn_generation);
	if (visit.session != NULL) {
		if (!context->exit_key_set) {
			pthread_once(&exit_once, make_exit_key);
			context->exit_key_set = pthread_setspecific(exit_key, context) == 0;
		}
		tn_lock();
		turn.session = context->exit_key_set ? tn_session_locked(visit) : NULL;
		if (turn.session != NULL) {
			turn.session->turns++;
			turn.front_user = turn.session->front_user;
			turn.open = true;
		}
		tn_unlock();
	}
	context->turn_in = turn.session;
	context->turn_generation = turn.generation;
	turn.was = tn_callback_enter(TN_IN_FRONT);
	return turn;
}

void tn_front_leave(struct tn_turn *turn)
{
	tn_callback_leave(turn->was);
	tn_context()->turn_in = NULL;
	end_turn(turn->session, turn->generation);
	pthread_setcancelstate(turn->cancel_state, &turn->cancel_state);
	pthread_testcancel();
}

/* ---- the process */

void tn_session_start(void)
{
	tn_cond_init(&sessions.quiet);
}

void tn_session_forget_all(void)
{
	sessions.free = NULL; /* the parent's memory stays as it is */
	__atomic_store_n(&sessions.parents, sessions.lives, __ATOMIC_RELAXED);
	tn_cond_reinit(&sessions.quiet);
}
