/* SPDX-License-Identifier: Apache-2.0 */
/* spin.c: to wait some tens of microseconds for another thread without the kernel. */
#include "base/spin.h"

#include "base/clock.h"
#include "base/thread.h"

enum {
	LONG_ENOUGH = 50000, /* ns: a thread that is woken on another processor has begun by then, in a virtual machine too */
	SKIP_MOST = 64,
	LOOKS = 16, /* between two readings of the clock */
};

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

int64_t tn_spin_time(struct tn_patience *patience)
{
	if (tn_thread_processors() < 2)
		return 0;
	if (patience->left != 0) {
		patience->left--;
		return 0;
	}
	return LONG_ENOUGH;
}

void tn_spin_learn(struct tn_patience *patience, bool worth)
{
	if (worth)
		patience->skip = 0;
	else
		patience->skip = patience->skip == 0 ? 1 : patience->skip < SKIP_MOST ? 2 * patience->skip : SKIP_MOST;
	patience->left = patience->skip;
}
