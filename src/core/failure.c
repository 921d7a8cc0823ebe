/* SPDX-License-Identifier: Apache-2.0 */
/* failure.c: a failure as an object, shared by everybody who waited for a flight, dropped once by the last. */
#include "core/failure.h"

#include <pthread.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/error.h"
#include "core/context.h"

struct tn_failure {
	void *error;
	void (*drop)(void *error);
	uint64_t users; /* atomic (acq_rel) */
};

static pthread_key_t key; /* its value: the failure that was delivered to this thread */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool key_made;
static __thread uint64_t delivered_at; /* the number of this thread's failure that it belongs to */

void tn_failure_drop_error(void *error, void (*drop)(void *error))
{
	enum tn_callback was;

	if (drop == NULL)
		return;
	was = tn_callback_enter(TN_IN_DROP);
	drop(error);
	tn_callback_leave(was);
}

static void put(void *failure)
{
	tn_failure_put(failure);
}

static void make_key(void)
{
	__atomic_store_n(&key_made, pthread_key_create(&key, put) == 0, __ATOMIC_RELEASE);
}

static bool made(void)
{
	return __atomic_load_n(&key_made, __ATOMIC_ACQUIRE);
}

struct tn_failure *tn_failure_new(void *error, void (*drop)(void *error))
{
	struct tn_failure *failure;

	pthread_once(&once, make_key);
	failure = made() ? tn_alloc(sizeof(*failure)) : NULL;
	if (failure != NULL)
		*failure = (struct tn_failure){ error, drop, 1 };
	return failure;
}

void tn_failure_put(struct tn_failure *failure)
{
	if (failure == NULL || __atomic_fetch_sub(&failure->users, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	tn_failure_drop_error(failure->error, failure->drop);
	tn_free(failure);
}

void tn_failure_let_go(void)
{
	struct tn_failure *failure = made() ? pthread_getspecific(key) : NULL;

	if (failure == NULL)
		return;
	pthread_setspecific(key, NULL);
	tn_failure_put(failure);
}

void tn_failure_deliver(struct tn_failure *failure)
{
	if (failure == NULL)
		return;
	__atomic_fetch_add(&failure->users, 1, __ATOMIC_RELAXED); /* the caller's own use keeps it */
	if (pthread_setspecific(key, failure) != 0)
		tn_failure_put(failure); /* no memory: this thread has the words only */
	delivered_at = tn_failures();
}

void *tn_failure_last(void)
{
	struct tn_failure *failure = made() ? pthread_getspecific(key) : NULL;

	return failure != NULL && delivered_at == tn_failures() ? failure->error : NULL;
}
