/* SPDX-License-Identifier: Apache-2.0 */
/* alloc.c: the library's one door to malloc: zeroed memory, refused where a test wants it. */
#include "base/alloc.h"

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

void *tn_alloc(size_t size)
{
	return tn_alloc_refused() ? NULL : calloc(1, size);
}

void *tn_alloc_aligned(size_t alignment, size_t size)
{
	void *memory;

	size = (size + alignment - 1) / alignment * alignment;
	if (tn_alloc_refused() || posix_memalign(&memory, alignment, size) != 0)
		return NULL;
	return memset(memory, 0, size);
}

void *tn_realloc(void *memory, size_t size)
{
	return tn_alloc_refused() ? NULL : realloc(memory, size);
}

void tn_free(void *memory)
{
	free(memory);
}

char *tn_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = tn_alloc(size);

	return copy == NULL ? NULL : memcpy(copy, text, size);
}
