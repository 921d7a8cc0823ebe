/* SPDX-License-Identifier: Apache-2.0 */
/* session.c: one user's visit.
 *
 * A session is counted: by its owner until tenure_session_end(), by each thread that has it current, by each call that
 * is under way in it. The last one frees it, so no front is called with a pointer to something gone. */
#include "core/session.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/error.h"

int tn_session_open(const char *label, void *front_user, tenure_session **ret_session)
{
	tenure_session *session = tn_alloc(sizeof(*session));

	if (session != NULL)
		session->label = tn_strdup(label == NULL ? "" : label);
	if (session == NULL || session->label == NULL) {
		tn_free(session);
		return tn_fail(TENURE_ENOMEM, "out of memory for a session");
	}
	session->front_user = front_user;
	session->generation = tn_core.generation;
	session->users = 1;
	tn_list_init(&session->functions);
	*ret_session = session;
	return 0;
}

static bool foreign(const tenure_session *session)
{
	return session != NULL && tn_forked_since(session->generation);
}

void tn_session_put(tenure_session *session)
{
	bool last;

	if (session == NULL || foreign(session))
		return;
	tn_lock();
	last = --session->users == 0;
	tn_unlock();
	if (last) {
		tn_free(session->label);
		tn_free(session);
	}
}

static pthread_key_t exit_key; /* its value: the thread's current session, put at the thread's end */
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

static void thread_exits(void *session)
{
	tn_context()->session = NULL;
	tn_session_put(session);
}

static void make_exit_key(void)
{
	TN_CHECK(pthread_key_create(&exit_key, thread_exits) == 0);
}

tenure_session *tn_session_hold(void)
{
	tenure_session *session = tn_context()->session;

	if (session == NULL || foreign(session))
		return NULL;
	tn_lock();
	if (session->ended)
		session = NULL;
	else
		session->users++;
	tn_unlock();
	return session;
}

int tn_session_enter(tenure_session *session, tenure_session **ret_previous)
{
	struct tn_context *context = tn_context();
	tenure_session *previous = context->session;

	if (foreign(session))
		return tn_fail(TENURE_EFORKED, "this session belongs to the parent process; open one in the child");
	if (session != NULL) {
		tn_lock();
		if (session->ended) {
			tn_unlock();
			return tn_fail(TENURE_ECLOSED, "this session has ended");
		}
		session->users++;
		tn_unlock();
	}
	pthread_once(&exit_once, make_exit_key);
	pthread_setspecific(exit_key, session);
	context->session = session;
	if (ret_previous != NULL)
		*ret_previous = foreign(previous) ? NULL : previous; /* borrowed: it lasts until its owner ends it */
	tn_session_put(previous);
	return 0;
}

int tn_session_close(tenure_session *session)
{
	bool again;

	if (foreign(session))
		return tn_fail(TENURE_EFORKED, "this session belongs to the parent process");
	tn_lock();
	again = session->ended;
	session->ended = true;
	tn_unlock();
	if (again)
		return tn_fail(TENURE_ECLOSED, "this session has ended already");
	if (tn_context()->session == session)
		tn_session_enter(NULL, NULL);
	return 0;
}
