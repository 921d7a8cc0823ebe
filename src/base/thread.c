/* SPDX-License-Identifier: Apache-2.0 */
/* thread.c: starting the library's own threads. */
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#ifdef TENURE_FAULTS
static long countdown; /* atomic */

void tn_thread_fail_at(long nth)
{
	__atomic_store_n(&countdown, nth, __ATOMIC_SEQ_CST);
}

static int refused(void)
{
	return __atomic_load_n(&countdown, __ATOMIC_SEQ_CST) > 0 &&
	       __atomic_fetch_sub(&countdown, 1, __ATOMIC_SEQ_CST) == 1;
}
#else
static int refused(void)
{
	return 0;
}
#endif

int tn_thread_start(void *(*run)(void *argument), void *argument, const char *name)
{
	sigset_t all, before;
	pthread_t thread;
	int result;

	if (refused())
		return EAGAIN;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result != 0)
		return result;
#ifdef __linux__
	pthread_setname_np(thread, name); /* before it is let go: the handle may not outlive a detached thread */
#else
	(void)name;
#endif
	pthread_detach(thread);
	return 0;
}

unsigned long long tn_thread_number(void)
{
#ifdef __linux__
	return (unsigned long long)syscall(SYS_gettid);
#else
	return (unsigned long long)(uintptr_t)pthread_self();
#endif
}

void tn_thread_name(char *name, size_t room)
{
	name[0] = '\0';
#ifdef __linux__
	if (pthread_getname_np(pthread_self(), name, room) != 0)
		name[0] = '\0';
#endif
}

int tn_thread_processors(void)
{
	static int known; /* atomic, relaxed; 0: not yet */
	int count = __atomic_load_n(&known, __ATOMIC_RELAXED);
#ifdef __linux__
	cpu_set_t set;

	if (count == 0 && sched_getaffinity(0, sizeof(set), &set) == 0)
		count = CPU_COUNT(&set);
#endif
	if (count == 0)
		count = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (count < 1)
		count = 1;
	__atomic_store_n(&known, count, __ATOMIC_RELAXED);
	return count;
}
