/* SPDX-License-Identifier: Apache-2.0 */
/* evict.c: capacity: which entry of a full function goes.
 *
 * SIEVE (Zhang et al., NSDI 2024): one list, newest first; a hand walks from the oldest towards the newest, clears the
 * visited mark of those it passes and takes the first without one. A hit sets the mark and writes nothing when it is
 * set already. Two bounds of our own: at most LEASED idle-looking entries that somebody holds are passed over (then the
 * first of them goes: its holders keep it), and a walk ends after STEPS, so that M is never held for long. */
#include "core/evict.h"

#include "core/expire.h"
#include "core/lease.h"
#include "core/retire.h"

enum { LEASED = 8, STEPS = 512 };

static struct tn_entry *older_end(struct tn_function *function)
{
	return tn_list_last(&function->live, struct tn_entry, in_function);
}

static struct tn_entry *towards_newer(struct tn_function *function, struct tn_entry *entry)
{
	if (entry->in_function.prev == &function->live)
		return older_end(function);
	return tn_container(entry->in_function.prev, struct tn_entry, in_function);
}

static struct tn_entry *choose_locked(struct tn_function *function, const struct tn_entry *fresh)
{
	struct tn_entry *hand = function->hand != NULL ? function->hand : older_end(function);
	struct tn_entry *leased = NULL, *passed = NULL, *chosen = NULL;
	int skipped = 0;

	for (int i = 0; i < STEPS && chosen == NULL; i++, hand = towards_newer(function, hand)) {
		if (hand == fresh)
			continue;
		if (__atomic_load_n(&hand->head.flags, __ATOMIC_RELAXED) & TENURE_VISITED_) {
			__atomic_fetch_and(&hand->head.flags, (uint8_t)~TENURE_VISITED_, __ATOMIC_RELAXED);
			passed = passed == NULL ? hand : passed;
		} else if (tn_lease_count_locked(hand) == 0) {
			chosen = hand;
		} else {
			if (leased == NULL)
				leased = hand;
			if (++skipped > LEASED)
				chosen = leased;
		}
	}
	if (chosen == NULL)
		chosen = leased != NULL ? leased : passed;
	function->hand = chosen == NULL || chosen == hand ? NULL : hand;
	return chosen;
}

bool tn_evict_locked(struct tn_function *function, const struct tn_entry *fresh)
{
	struct tn_entry *entry;

	tn_assert_locked();
	while (function->live_count > function->max_entries) {
		entry = choose_locked(function, fresh);
		if (entry == NULL)
			return false;
		tn_retire_locked(entry, TN_CAPACITY);
		if (tn_batch_done_locked())
			return function->live_count > function->max_entries;
	}
	return false;
}
