/* SPDX-License-Identifier: Apache-2.0 */
/* random.c: random bytes from the kernel. */
#include "base/random.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/clock.h"

/* Where even the kernel has none: hard enough to guess for an index, and said nowhere to be more. */
static void poor_bytes(unsigned char *at, size_t size)
{
	uint64_t state = (uint64_t)tn_clock_monotonic() ^ (uint64_t)(uintptr_t)&state;

	for (size_t i = 0; i < size; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		at[i] = (unsigned char)(state >> 56);
	}
}

void tn_random_bytes(void *memory, size_t size)
{
	unsigned char *at = memory;
	ssize_t got;
	FILE *file;

	while (size > 0 && (got = getrandom(at, size, 0)) > 0) {
		at += got;
		size -= (size_t)got;
	}
	if (size == 0)
		return;
	file = fopen("/dev/urandom", "rbe"); /* a kernel without the call */
	if (file == NULL || fread(at, 1, size, file) != size)
		poor_bytes(at, size);
	if (file != NULL)
		fclose(file);
}
