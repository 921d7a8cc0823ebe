/* SPDX-License-Identifier: Apache-2.0 */
/* expire.c: deadlines of entries.
 *
 * `expire_at` is for hits: the earliest moment from which a hit must take the slow path (end of the ttl, next
 * validation; at once, where each hit is validated or each lease tracked). It is compared with the cache's cached time,
 * which the maintenance moves when a timer is due, or a poll does; so a hit reads no clock, and sees a deadline as soon as
 * the maintenance does.
 * `timer` is for the maintenance: the end of the ttl, the next look at an idle entry, and the next validation,
 * which fires once, only to move the cached time; the next slow path acts on it.
 * Idle entries are looked at every eighth of their idle ttl, but not more often than each LOOK_LEAST, so they may live longer
 * by that much. A leased entry counts as used. */
#include "core/expire.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/lease.h"
#include "core/outbox.h"
#include "core/retire.h"

enum { PAUSES = 6 }; /* after a refresh that failed each pause is twice the one before, this often */
static const int64_t FIRST_PAUSE = 1000000000; /* ns; less where the resource may not live for 16 times as long */

static const int64_t LOOK_LEAST = 1000000; /* ns */

bool tn_expire_reserve(tenure_cache *cache)
{
	struct tn_heap_item *bigger;
	size_t capacity;

	for (;;) {
		tn_lock();
		if (cache->timers_reserved < cache->timers.capacity) {
			cache->timers_reserved++;
			tn_unlock();
			return true;
		}
		capacity = cache->timers.capacity == 0 ? 64 : 2 * cache->timers.capacity;
		tn_unlock();
		bigger = tn_alloc(tn_heap_bytes(capacity));
		if (bigger == NULL)
			return false;
		tn_lock();
		if (capacity > cache->timers.capacity)
			bigger = tn_heap_adopt(&cache->timers, bigger, capacity);
		tn_unlock();
		tn_free(bigger);
	}
}

void tn_expire_give_room_back_locked(tenure_cache *cache)
{
	cache->timers_reserved--;
}

/* Up to jitter_percent off, so that what was made together does not die together. */
static int64_t with_jitter(const struct tn_entry *entry, int64_t ttl)
{
	uint64_t percent = tn_function_of(entry)->jitter_percent;
	uint64_t random = tenure_fold_(entry->head.life ^ tn_core.seeds, TENURE_MIX_2_) >> 44; /* 20 bits */

	if (percent == 0 || ttl == TN_NEVER)
		return ttl;
	return ttl - (int64_t)((double)ttl * (double)percent / 100 * (double)random / (double)(1 << 20));
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void set_expire_at_locked(struct tn_entry *entry)
{
	const struct tn_function *function = tn_function_of(entry);
	int64_t at = least(least(entry->hard_at, entry->soft_at), entry->validate_at);

	if ((function->validates && function->validate_every == 0) || function->track_holders)
		at = TN_EVERY_HIT;
	__atomic_store_n(&entry->head.expire_at, at, __ATOMIC_RELAXED);
}

/* Set the timer for what comes after `now`. */
static void set_timer_locked(struct tn_entry *entry, int64_t now)
{
	const struct tn_function *function = tn_function_of(entry);
	tenure_cache *cache = function->cache;
	int64_t due = entry->hard_at;

	if (entry->validate_at > now)
		due = least(due, entry->validate_at);
	if (entry->soft_at > now)
		due = least(due, entry->soft_at);
	if (function->idle_ttl != TN_NEVER) {
		int64_t end = tn_time_add(entry->used_at, function->idle_ttl), eighth = function->idle_ttl / 8 + 1;
		int64_t look = tn_time_add(now, eighth > LOOK_LEAST ? eighth : LOOK_LEAST);

		due = least(due, end > now && eighth > LOOK_LEAST ? least(look, end) : look);
	}
	if (entry->timer.index != 0)
		tn_heap_remove(&cache->timers, &entry->timer);
	if (due == TN_NEVER)
		return;
	tn_heap_insert(&cache->timers, &entry->timer, due);
	if (tn_heap_min(&cache->timers) == &entry->timer)
		tn_tell_time_locked(cache, due);
}

/* Its ends: the hard one, or with background refresh first a soft one. `end`: of its ttl. */
static void set_end_locked(struct tn_entry *entry, int64_t end, int64_t ttl)
{
	const struct tn_function *function = tn_function_of(entry);
	int64_t stale;

	entry->soft_at = TN_NEVER;
	entry->hard_at = end;
	if (!function->background || end == TN_NEVER)
		return;
	stale = function->max_stale > ttl ? function->max_stale : tn_time_add(ttl, ttl);
	entry->soft_at = end;
	entry->hard_at = tn_time_add(entry->ready_at, stale);
}

/* The end of its ttl, by the options in force; INT64_MIN: its creator has set one, which is over. */
static int64_t end_of_ttl(const struct tn_entry *entry)
{
	if (!entry->own_ttl)
		return tn_time_add(entry->ready_at, with_jitter(entry, tn_function_of(entry)->ttl));
	if (__atomic_load_n(&entry->head.flags, __ATOMIC_RELAXED) & TENURE_STALE_)
		return INT64_MIN;
	return least(entry->soft_at, entry->hard_at);
}

/* Its ends as the options say now: what a longer ttl covers is stale no more. The caller sets expire_at and timer. */
static void follow_options_locked(struct tn_entry *entry, int64_t now)
{
	const struct tn_function *function = tn_function_of(entry);
	int64_t end = end_of_ttl(entry);

	if (end == INT64_MIN && function->background)
		return;
	set_end_locked(entry, end, !entry->own_ttl || end == TN_NEVER || end == INT64_MIN ? function->ttl : end - entry->ready_at);
	if (entry->soft_at > now) {
		entry->refresh_failures = 0;
		__atomic_fetch_and(&entry->head.flags, (uint8_t)~TENURE_STALE_, __ATOMIC_RELAXED);
	}
}

bool tn_expire_claim_refresh_locked(struct tn_entry *entry, int64_t now)
{
	tn_assert_locked();
	if (entry->soft_at > now || entry->hard_at <= now)
		return false;
	entry->refreshing = true;
	entry->soft_at = TN_NEVER;
	__atomic_fetch_or(&entry->head.flags, TENURE_STALE_, __ATOMIC_RELAXED);
	set_expire_at_locked(entry);
	set_timer_locked(entry, now);
	return true;
}

void tn_expire_refresh_failed_locked(struct tn_entry *entry, int64_t now)
{
	int64_t most = entry->hard_at - entry->ready_at; /* a short life is not spent in one pause: there is time for some */
	int64_t first = FIRST_PAUSE < most / 16 ? FIRST_PAUSE : most / 16 + 1;
	int64_t pause = first << (entry->refresh_failures < PAUSES ? entry->refresh_failures : PAUSES);

	entry->refreshing = false;
	if (!tn_function_of(entry)->background || end_of_ttl(entry) > now) { /* its options have changed meanwhile */
		follow_options_locked(entry, now);
		set_expire_at_locked(entry);
		set_timer_locked(entry, now);
		return;
	}
	entry->refresh_failures += entry->refresh_failures < UINT8_MAX;
	entry->soft_at = tn_time_add(now, pause < most ? pause : most);
	set_expire_at_locked(entry);
	set_timer_locked(entry, now);
}

void tn_expire_refreshed_locked(struct tn_entry *entry, int64_t ready_at, int64_t ttl, bool own_ttl)
{
	__atomic_fetch_and(&entry->head.flags, (uint8_t)~TENURE_STALE_, __ATOMIC_RELAXED);
	tn_expire_start_locked(entry, ready_at, ttl, own_ttl);
}

void tn_expire_start_locked(struct tn_entry *entry, int64_t ready_at, int64_t ttl, bool own_ttl)
{
	const struct tn_function *function = tn_function_of(entry);

	entry->own_ttl = own_ttl;
	entry->refreshing = false;
	entry->ready_at = entry->used_at = ready_at;
	entry->refresh_failures = 0;
	set_end_locked(entry, tn_time_add(ready_at, with_jitter(entry, ttl)), ttl);
	entry->validate_at = TN_NEVER;
	if (function->validates && function->validate_every != 0)
		entry->validate_at = tn_time_add(ready_at, function->validate_every);
	set_expire_at_locked(entry);
	set_timer_locked(entry, ready_at);
}

void tn_expire_validated_locked(struct tn_entry *entry, int64_t now)
{
	const struct tn_function *function = tn_function_of(entry);

	if (function->validate_every == 0)
		return;
	entry->validate_at = tn_time_add(now, function->validate_every);
	set_expire_at_locked(entry);
	set_timer_locked(entry, now);
}

static bool look_at_locked(struct tn_entry *entry, int64_t now)
{
	const struct tn_function *function = tn_function_of(entry);

	tn_core.work++;
	if (entry->hard_at <= now) {
		tn_retire_locked(entry, TN_EXPIRED);
		return true;
	}
	if (function->idle_ttl != TN_NEVER) {
		/* Relaxed and not exact: a hit at this moment may set the flag again, or may have seen it set. */
		uint8_t flags = __atomic_fetch_and(&entry->head.flags, (uint8_t)~TENURE_USED_, __ATOMIC_RELAXED);

		if ((flags & TENURE_USED_) || tn_lease_count_locked(entry) != 0) {
			entry->used_at = now;
		} else if (now - entry->used_at >= function->idle_ttl) {
			tn_retire_locked(entry, TN_IDLE);
			return true;
		}
	}
	set_timer_locked(entry, now);
	return false;
}

void tn_expire_again_start_locked(struct tn_function *function)
{
	function->walk = tn_list_last(&function->live, struct tn_entry, in_function);
}

static void again_locked(struct tn_entry *entry, int64_t now)
{
	const struct tn_function *function = tn_function_of(entry);

	follow_options_locked(entry, now);
	if (entry->refreshing)
		entry->soft_at = TN_NEVER;
	if (entry->hard_at <= now) {
		tn_retire_locked(entry, TN_EXPIRED);
		return;
	}
	if (!function->validates || function->validate_every == 0)
		entry->validate_at = TN_NEVER;
	else
		entry->validate_at = least(entry->validate_at, tn_time_add(now, function->validate_every));
	set_expire_at_locked(entry);
	set_timer_locked(entry, now);
}

bool tn_expire_again_locked(struct tn_function *function, int64_t now)
{
	tn_assert_locked();
	for (int i = 0; i < TN_BATCH && function->walk != NULL; i++) {
		struct tn_entry *entry = function->walk;

		function->walk = entry->in_function.prev == &function->live ? NULL :
			tn_container(entry->in_function.prev, struct tn_entry, in_function);
		again_locked(entry, now);
	}
	return function->walk != NULL;
}

bool tn_expire_one_locked(tenure_cache *cache, int64_t now)
{
	struct tn_heap_node *first = tn_heap_min(&cache->timers);

	tn_assert_locked();
	return look_at_locked(tn_container(first, struct tn_entry, timer), now);
}

int64_t tn_expire_next_locked(const tenure_cache *cache)
{
	return tn_heap_due(&cache->timers); /* TN_NEVER: none */
}
