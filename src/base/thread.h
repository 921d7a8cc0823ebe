/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h: starting the library's own threads, and on how many processors. */
#ifndef TN_THREAD_H
#define TN_THREAD_H

#include <stddef.h>

/* Start a detached thread with all signals blocked, so that the program's handlers run on the program's threads.
 * name: at most 15 characters. 0, or an errno. */
int tn_thread_start(void *(*run)(void *argument), void *argument, const char *name);

/* How the system calls the calling thread: its number, and its name ("" without one). */
unsigned long long tn_thread_number(void);
void tn_thread_name(char *name, size_t room);

/* How many processors this process may run on, as seen at the first call. */
int tn_thread_processors(void);

#ifdef TENURE_FAULTS
void tn_thread_fail_at(long nth); /* refuse the nth start from now on; 0: none */
#endif

#endif
