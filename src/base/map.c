/* SPDX-License-Identifier: Apache-2.0 */
/* map.c: large memory straight from the kernel, that can be emptied and still be read. */
#include "base/map.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

enum { HUGE = 2 << 20 }; /* bytes: a huge page of x86-64; elsewhere a good size too */

/* `size` and what goes around it to align it, without the edges. */
static void *map_aligned(size_t size)
{
	size_t whole = size + HUGE, before;
	char *memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return MAP_FAILED;
	before = (HUGE - (uintptr_t)memory % HUGE) % HUGE;
	if (before != 0)
		munmap(memory, before);
	munmap(memory + before + size, HUGE - before);
#ifdef MADV_HUGEPAGE
	madvise(memory + before, size, MADV_HUGEPAGE); /* a wish: without, it is only slower */
#endif
	return memory + before;
}

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
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory;

	if (tn_alloc_chosen())
		return from_program(size);
	if (tn_alloc_refused()) /* so that the tests' sweeps of failing allocations come by here too */
		return NULL;
	if (size >= HUGE)
		memory = map_aligned((size + page - 1) / page * page);
	else
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void tn_unmap(void *memory, size_t size)
{
	munmap(memory, size);
}

void tn_map_empty(void *memory, size_t size)
{
	if (!tn_alloc_chosen()) /* the program's own memory just stays, and says what it said */
		madvise(memory, size, MADV_DONTNEED);
}
