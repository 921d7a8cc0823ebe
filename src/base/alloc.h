/* SPDX-License-Identifier: Apache-2.0 */
/* alloc.h: memory. Everything the library allocates comes through here, zeroed; builds for the tests can refuse. */
#ifndef TN_ALLOC_H
#define TN_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

void *tn_alloc(size_t size); /* NULL: no memory */
void *tn_alloc_aligned(size_t alignment, size_t size); /* alignment: a power of two */
void tn_free(void *memory); /* NULL is fine */
char *tn_strdup(const char *text);

/* All memory from the program's own function from now on; false: something was allocated already. Not from two threads. */
bool tn_alloc_choose(void *(*program)(void *user, void *memory, size_t size), void *user);
bool tn_alloc_chosen(void);

/* Ask before an allocation that does not come through here; true: fail it. */
bool tn_alloc_refused(void);

#ifdef TENURE_FAULTS
/* Refuse the nth allocation from now on, and with `all_after` every later one; 0: none. */
void tn_alloc_fail_at(long nth, bool all_after);
bool tn_alloc_failed(void); /* has one been refused since? */
#endif

#endif
