/* SPDX-License-Identifier: Apache-2.0 */
/* outbox.h: telling whoever does a cache's work that there is some: its threads, the program's executor, its event loop.
 *
 * Threads are told through a condition at once. The program's own functions (execute, wake) are user code, so they are
 * called when M is let go: what is to be told waits in an outbox until then. */
#ifndef TN_OUTBOX_H
#define TN_OUTBOX_H

#include "core/core.h"

/* A release or a job is queued. */
void tn_tell_work_locked(tenure_cache *cache);

/* The next deadline is nearer than it was, or something wants watching: the maintenance is to look at `at` at the latest. */
void tn_tell_time_locked(tenure_cache *cache, int64_t at);

/* Before a wait on a condition: is something to be told? True: it was, and M was let go meanwhile, so what is waited for may
 * have come: look again before waiting. */
bool tn_tell_unlock_lock(void);

#endif
