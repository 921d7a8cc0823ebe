/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c: mutexes and conditions over pthreads. */
#include "base/lock.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"

static const int64_t LET_IN_MOST = 1000000; /* ns: who waits may not be running at all */

void tn_mutex_init(struct tn_mutex *mutex)
{
	pthread_mutexattr_t attributes;

	memset(mutex, 0, sizeof(*mutex));
	pthread_mutexattr_init(&attributes);
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP /* sections are short: look again a few times before parking */
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
	TN_CHECK(pthread_mutex_init(&mutex->mutex, &attributes) == 0);
	pthread_mutexattr_destroy(&attributes);
}

void tn_mutex_reinit(struct tn_mutex *mutex)
{
	tn_mutex_init(mutex);
}

static void taken(struct tn_mutex *mutex)
{
#ifdef TENURE_FAULTS
	mutex->owner = pthread_self();
	mutex->held = true;
#else
	(void)mutex;
#endif
}

static void let_go(struct tn_mutex *mutex)
{
#ifdef TENURE_FAULTS
	tn_mutex_assert_held(mutex);
	mutex->held = false;
#else
	(void)mutex;
#endif
}

#ifdef TENURE_FAULTS
void tn_mutex_assert_held(struct tn_mutex *mutex)
{
	TN_CHECK(mutex->held && pthread_equal(mutex->owner, pthread_self()));
}
#endif

/* Apart, since gcc 12 with its sanitizer takes the mutex for NULL where pthreads' functions are in sight, and warns. */
static __attribute__((noinline)) void count_waiting(struct tn_mutex *mutex, uint32_t change, uint32_t turn)
{
	__atomic_fetch_add(&mutex->waiting, change, __ATOMIC_RELAXED);
	__atomic_fetch_add(&mutex->turns, turn, __ATOMIC_RELAXED);
}

static void wait_for(struct tn_mutex *mutex)
{
	count_waiting(mutex, 1, 0);
	pthread_mutex_lock(&mutex->mutex);
	count_waiting(mutex, (uint32_t)-1, 1);
}

void tn_mutex_lock(struct tn_mutex *mutex)
{
	if (pthread_mutex_trylock(&mutex->mutex) != 0)
		wait_for(mutex);
	taken(mutex);
}

/* A pthread mutex is not fair: who unlocks and locks again is faster than any thread that has to be woken first. */
void tn_mutex_let_in(struct tn_mutex *mutex)
{
	uint32_t turns = __atomic_load_n(&mutex->turns, __ATOMIC_RELAXED);
	int64_t end;

	sched_yield(); /* those who come back from a condition are not counted */
	if (__atomic_load_n(&mutex->waiting, __ATOMIC_RELAXED) == 0)
		return;
	end = tn_clock_monotonic() + LET_IN_MOST;
	while (__atomic_load_n(&mutex->waiting, __ATOMIC_RELAXED) != 0 &&
	       __atomic_load_n(&mutex->turns, __ATOMIC_RELAXED) == turns && tn_clock_monotonic() < end)
		sched_yield();
}

void tn_mutex_unlock(struct tn_mutex *mutex)
{
	let_go(mutex);
	pthread_mutex_unlock(&mutex->mutex);
}

void tn_cond_init(struct tn_cond *cond)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	TN_CHECK(pthread_cond_init(&cond->cond, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
}

void tn_cond_reinit(struct tn_cond *cond)
{
	memset(cond, 0, sizeof(*cond));
	tn_cond_init(cond);
}

bool tn_cond_wait_until(struct tn_cond *cond, struct tn_mutex *mutex, int64_t deadline)
{
	struct timespec until;
	int state, result;

	let_go(mutex);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	if (deadline == INT64_MAX) {
		result = pthread_cond_wait(&cond->cond, &mutex->mutex);
	} else {
		deadline = deadline < 0 ? 0 : deadline;
		until.tv_sec = (time_t)(deadline / 1000000000);
		until.tv_nsec = (long)(deadline % 1000000000);
		result = pthread_cond_timedwait(&cond->cond, &mutex->mutex, &until);
	}
	pthread_setcancelstate(state, NULL);
	taken(mutex);
	return result == ETIMEDOUT;
}

void tn_cond_wait(struct tn_cond *cond, struct tn_mutex *mutex)
{
	tn_cond_wait_until(cond, mutex, INT64_MAX);
}

void tn_cond_signal(struct tn_cond *cond)
{
	pthread_cond_signal(&cond->cond);
}

void tn_cond_broadcast(struct tn_cond *cond)
{
	pthread_cond_broadcast(&cond->cond);
}
