/* SPDX-License-Identifier: Apache-2.0 */
/* alloc.c: the library's one door to malloc: zeroed memory, refused where a test wants it. */
#include "base/alloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef TENURE_FAULTS
static long countdown; /* atomic */
static bool keep_failing, has_failed; /* atomic */

void tn_alloc_fail_at(long nth, bool all_after)
{
	__atomic_store_n(&keep_failing, all_after, __ATOMIC_SEQ_CST);
	__atomic_store_n(&has_failed, false, __ATOMIC_SEQ_CST);
	__atomic_store_n(&countdown, nth, __ATOMIC_SEQ_CST);
}

bool tn_alloc_failed(void)
{
	return __atomic_load_n(&has_failed, __ATOMIC_SEQ_CST);
}

bool tn_alloc_refused(void)
{
	bool refused = false;

	if (__atomic_load_n(&countdown, __ATOMIC_SEQ_CST) > 0)
		refused = __atomic_fetch_sub(&countdown, 1, __ATOMIC_SEQ_CST) == 1;
	else if (__atomic_load_n(&has_failed, __ATOMIC_SEQ_CST))
		refused = __atomic_load_n(&keep_failing, __ATOMIC_SEQ_CST);
	if (refused)
		__atomic_store_n(&has_failed, true, __ATOMIC_SEQ_CST);
	return refused;
}
#else
bool tn_alloc_refused(void)
{
	return false;
}
#endif

/* ---- the program's own allocator. Set once, before there is memory of libc's that it could be given back to. */

static void *(*reallocate)(void *user, void *memory, size_t size); /* NULL: libc */
static void *reallocate_user;
static bool used; /* atomic: something was allocated, so the choice is made */

bool tn_alloc_choose(void *(*program)(void *user, void *memory, size_t size), void *user)
{
	if (__atomic_load_n(&used, __ATOMIC_SEQ_CST))
		return false;
	reallocate_user = user;
	reallocate = program;
	return true;
}

bool tn_alloc_chosen(void)
{
	return reallocate != NULL;
}

/* Its memory need not be aligned as we want it, so what it gave is noted in front of what we use. */
static void *from_program(size_t alignment, size_t size)
{
	char *raw, *memory;

	if (size > SIZE_MAX - alignment - sizeof(void *))
		return NULL;
	raw = reallocate(reallocate_user, NULL, size + alignment + sizeof(void *));
	if (raw == NULL)
		return NULL;
	memory = raw + sizeof(void *);
	memory += (alignment - (uintptr_t)memory % alignment) % alignment;
	memcpy(memory - sizeof(void *), &raw, sizeof(raw));
	return memset(memory, 0, size);
}

void *tn_alloc_aligned(size_t alignment, size_t size)
{
	void *memory;

	if (tn_alloc_refused() || size > SIZE_MAX - alignment)
		return NULL;
	__atomic_store_n(&used, true, __ATOMIC_RELAXED);
	size = (size + alignment - 1) / alignment * alignment;
	if (reallocate != NULL)
		return from_program(alignment, size);
	if (posix_memalign(&memory, alignment, size) != 0)
		return NULL;
	return memset(memory, 0, size);
}

void *tn_alloc(size_t size)
{
	if (reallocate != NULL)
		return tn_alloc_aligned(alignof(max_align_t), size);
	if (tn_alloc_refused())
		return NULL;
	__atomic_store_n(&used, true, __ATOMIC_RELAXED);
	return calloc(1, size);
}

void tn_free(void *memory)
{
	void *raw;

	if (reallocate == NULL || memory == NULL) {
		free(memory);
		return;
	}
	memcpy(&raw, (char *)memory - sizeof(void *), sizeof(raw));
	reallocate(reallocate_user, raw, 0);
}

char *tn_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = tn_alloc(size);

	return copy == NULL ? NULL : memcpy(copy, text, size);
}
