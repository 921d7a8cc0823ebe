/* SPDX-License-Identifier: Apache-2.0 */
/* map.c: large memory straight from the kernel, that can be emptied and still be read. */
#include "base/map.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/alloc.h"

/* Nobody points to a table that was outgrown, but it stays: kept reachable, for those who look for lost memory. */
static void *from_program(size_t size)
{
	static void *kept; /* atomic: the newest, which begins with the address of the one before */
	void *memory = size > SIZE_MAX - 64 ? NULL : tn_alloc_aligned(64, size + 64);

	if (memory == NULL)
		return NULL;
	*(void **)memory = __atomic_exchange_n(&kept, memory, __ATOMIC_ACQ_REL);
	return (char *)memory + 64;
}

void *tn_map(size_t size)
{
	void *memory;

	if (tn_alloc_chosen())
		return from_program(size);
	if (tn_alloc_refused()) /* so that the tests' sweeps of failing allocations come by here too */
		return NULL;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void tn_map_empty(void *memory, size_t size)
{
	if (!tn_alloc_chosen()) /* the program's own memory just stays, and says what it said */
		madvise(memory, size, MADV_DONTNEED);
}
