/* SPDX-License-Identifier: Apache-2.0 */
/* lock.h: a mutex that knows its owner in builds for the tests, and conditions on the monotonic clock.
 *
 * Waiting is not a point of cancellation: a thread that is cancelled while it waits goes on, and ends later in code of
 * its own. */
#ifndef TN_LOCK_H
#define TN_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct tn_mutex {
	pthread_mutex_t mutex;
	uint32_t waiting; /* atomic: threads in tn_mutex_lock() that found it taken */
	uint32_t turns; /* atomic: how many of those have got it */
#ifdef TENURE_FAULTS
	pthread_t owner; /* valid while held; atomic */
	bool held;
#endif
};

struct tn_cond {
	pthread_cond_t cond;
};

void tn_mutex_init(struct tn_mutex *mutex);
void tn_mutex_lock(struct tn_mutex *mutex);
void tn_mutex_unlock(struct tn_mutex *mutex);
void tn_mutex_let_in(struct tn_mutex *mutex); /* between unlock and lock: one of those who wait gets it first, within 1 ms */
void tn_mutex_reinit(struct tn_mutex *mutex); /* in a forked child, whatever state it was in */

#ifdef TENURE_FAULTS
void tn_mutex_assert_held(struct tn_mutex *mutex);
#else
#define tn_mutex_assert_held(mutex) ((void)(mutex))
#endif

void tn_cond_init(struct tn_cond *cond);
void tn_cond_reinit(struct tn_cond *cond); /* in a forked child */
void tn_cond_wait(struct tn_cond *cond, struct tn_mutex *mutex);

/* deadline: ns of tn_clock_monotonic(), INT64_MAX for ever. True: it passed. */
bool tn_cond_wait_until(struct tn_cond *cond, struct tn_mutex *mutex, int64_t deadline);
void tn_cond_signal(struct tn_cond *cond);
void tn_cond_broadcast(struct tn_cond *cond);

#endif
