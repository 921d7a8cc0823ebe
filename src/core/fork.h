/* SPDX-License-Identifier: Apache-2.0 */
/* fork.h: what a child starts with: caches and functions as just defined, and nothing of the parent's. */
#ifndef TN_FORK_H
#define TN_FORK_H

/* Once a process, at the first definition: the core's own start, and the handlers of fork(). */
void tn_core_start(void);

#endif
