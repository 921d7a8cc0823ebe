/* SPDX-License-Identifier: Apache-2.0 */
/* spin.c: to wait some microseconds for another thread without the kernel. */
#include "base/spin.h"

#include "base/clock.h"
#include "base/thread.h"

enum { LEAST = 1000, MOST = 10000, LOOKS = 16 }; /* ns, ns, looks between two readings of the clock */

static void breathe(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory"); /* some tens of cycles; yield is none */
#endif
}

bool tn_spin(const uint64_t *word, uint64_t seen, int64_t ns)
{
	int64_t end = tn_clock_monotonic() + ns;

	do {
		for (int i = 0; i < LOOKS; i++) {
			if (__atomic_load_n(word, __ATOMIC_RELAXED) != seen)
				return true;
			breathe();
		}
	} while (tn_clock_monotonic() < end);
	return false;
}

int64_t tn_spin_time(int64_t learnt)
{
	if (tn_thread_processors() < 2)
		return 0;
	return learnt < LEAST ? LEAST : learnt;
}

void tn_spin_learn(int64_t *learnt, bool worth)
{
	int64_t next = worth ? 2 * tn_spin_time(*learnt) : *learnt / 2;

	*learnt = next > MOST ? MOST : next;
}
