/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c: named places where a test can hold a thread. */
#include "base/fault.h"

#ifdef TENURE_FAULTS
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PLACES = 64 };

struct place { /* guarded by `mutex` */
	const char *name;
	int skip;
	bool armed, parked, go;
	long arrivals;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct place places[PLACES];
static int in_use; /* atomic: something has been armed since the last reset */

static struct place *find_locked(const char *name)
{
	for (int i = 0; i < PLACES; i++) {
		if (places[i].name == NULL)
			places[i].name = name;
		if (strcmp(places[i].name, name) == 0)
			return &places[i];
	}
	fprintf(stderr, "too many fault points\n");
	abort();
}

void tn_fault_at(const char *name)
{
	struct place *place;

	if (!__atomic_load_n(&in_use, __ATOMIC_RELAXED))
		return;
	pthread_mutex_lock(&mutex);
	place = find_locked(name);
	place->arrivals++;
	if (place->armed && place->skip-- == 0) {
		place->armed = false;
		place->parked = true;
		place->go = false;
		pthread_cond_broadcast(&changed);
		while (!place->go)
			pthread_cond_wait(&changed, &mutex);
		place->parked = false;
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&mutex);
}

void tn_fault_arm(const char *name, int skip)
{
	struct place *place;

	pthread_mutex_lock(&mutex);
	place = find_locked(name);
	place->armed = true;
	place->skip = skip;
	__atomic_store_n(&in_use, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&mutex);
}

void tn_fault_await(const char *name)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30;
	pthread_mutex_lock(&mutex);
	while (!find_locked(name)->parked) {
		if (pthread_cond_timedwait(&changed, &mutex, &until) != 0) {
			fprintf(stderr, "nobody came to the fault point %s\n", name);
			abort();
		}
	}
	pthread_mutex_unlock(&mutex);
}

void tn_fault_release(const char *name)
{
	pthread_mutex_lock(&mutex);
	find_locked(name)->go = true;
	pthread_cond_broadcast(&changed);
	while (find_locked(name)->parked)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

long tn_fault_arrivals(const char *name)
{
	long arrivals;

	pthread_mutex_lock(&mutex);
	arrivals = find_locked(name)->arrivals;
	pthread_mutex_unlock(&mutex);
	return arrivals;
}

void tn_fault_reset(void)
{
	pthread_mutex_lock(&mutex);
	__atomic_store_n(&in_use, 0, __ATOMIC_SEQ_CST);
	for (int i = 0; i < PLACES; i++) {
		places[i].armed = false;
		places[i].go = true;
		places[i].arrivals = 0;
	}
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}
#else
typedef int tn_fault_is_empty; /* ISO C wants a declaration */
#endif
