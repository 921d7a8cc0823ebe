/* SPDX-License-Identifier: Apache-2.0 */
/* holder.c: who holds what.
 *
 * Holders are type-stable and found by their index, so that a token of any age can be looked at: chunk k has FIRST << k of
 * them, and none is ever given back. A free one is taken from the front of a queue and put at its end, so that a use
 * (39 bits in the token) comes again as late as can be. In a forked child the indexes go on after the parent's.
 *
 * A token: 63 set | 62 ... 24 use | 23 ... 0 index. */
#include "core/holder.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/thread.h"

enum { INDEX_BITS = 24, FIRST = 64, CHUNKS = 19, BREATH = 256, TOLD = 8 };
#define TOKEN (UINT64_C(1) << 63)
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)
#define USE_MASK ((UINT64_C(1) << (63 - INDEX_BITS)) - 1)

static struct { /* guarded by M */
	struct tn_holder *chunks[CHUNKS];
	uint32_t chunk_count;
	uint32_t first; /* indexes below are the parent's */
	struct tn_holder *free, *free_last;
} holders;

/* How many there are in the chunks before this one. */
static uint32_t base_of(uint32_t chunk)
{
	return (uint32_t)FIRST * ((UINT32_C(1) << chunk) - 1);
}

static struct tn_holder *at_locked(uint32_t index)
{
	uint32_t chunk = 31 - (uint32_t)__builtin_clz(index / FIRST + 1);

	return chunk < holders.chunk_count ? &holders.chunks[chunk][index - base_of(chunk)] : NULL;
}

static void put_locked(struct tn_holder *holder)
{
	if (holder->index < holders.first)
		return; /* the parent's, reserved before a fork inside the creator */
	holder->entry = NULL;
	holder->next_free = NULL;
	if (holders.free == NULL)
		holders.free = holder;
	else
		holders.free_last->next_free = holder;
	holders.free_last = holder;
}

static struct tn_holder *take_locked(void)
{
	struct tn_holder *holder = holders.free;

	if (holder != NULL)
		holders.free = holder->next_free;
	return holder;
}

/* One chunk more. false: no memory, or 2^24 leases are out. */
static bool grow(void)
{
	struct tn_holder *memory;
	uint32_t chunk;

	tn_lock();
	chunk = holders.chunk_count;
	tn_unlock();
	if (chunk == CHUNKS || base_of(chunk + 1) > INDEX_MASK)
		return false;
	memory = tn_alloc(((size_t)FIRST << chunk) * sizeof(*memory));
	if (memory == NULL)
		return false;
	tn_lock();
	if (holders.chunk_count == chunk) {
		holders.chunks[chunk] = memory;
		holders.chunk_count++;
		for (uint32_t i = 0; i < (uint32_t)FIRST << chunk; i++) {
			memory[i].index = base_of(chunk) + i;
			put_locked(&memory[i]);
		}
		memory = NULL;
	}
	tn_unlock();
	tn_free(memory); /* another thread was faster */
	return true;
}

struct tn_holder *tn_holder_reserve(const char *place)
{
	struct tn_holder *holder;
	size_t length = place == NULL ? 0 : strlen(place);

	do {
		tn_lock();
		holder = take_locked();
		tn_unlock();
	} while (holder == NULL && grow());
	if (holder == NULL)
		return NULL;
	/* Of a path that is too long the end says more. */
	snprintf(holder->place, sizeof(holder->place), "%s%s", length < TN_PLACE_ROOM ? "" : "...",
		 length == 0 ? "" : length < TN_PLACE_ROOM ? place : place + length - (TN_PLACE_ROOM - 4));
	holder->thread = tn_thread_number();
	tn_thread_name(holder->thread_name, sizeof(holder->thread_name));
	holder->kept = false;
	return holder;
}

void tn_holder_put(struct tn_holder *unused)
{
	if (unused == NULL)
		return;
	tn_lock();
	put_locked(unused);
	tn_unlock();
}


static bool parents_locked(const tenure_lease *lease)
{
	return (lease->stamp_ & INDEX_MASK) < holders.first;
}

struct tn_holder *tn_holder_of_locked(const tenure_lease *lease)
{
	struct tn_holder *holder = at_locked((uint32_t)(lease->stamp_ & INDEX_MASK));

	tn_assert_locked();
	if (parents_locked(lease) || holder == NULL || holder->entry != tn_entry_of(lease->cell_) ||
	    holder->use != (lease->stamp_ >> INDEX_BITS & USE_MASK))
		return NULL;
	return holder;
}

static int64_t now_of(const tenure_cache *cache)
{
	return cache->options.now == NULL ? tn_clock_monotonic() : tn_cached_now(cache);
}

static void attach_locked(struct tn_holder *holder, tenure_lease *lease)
{
	holder->entry = tn_entry_of(lease->cell_);
	holder->since = now_of(tn_function_of(holder->entry)->cache);
	holder->use = (holder->use + 1) & USE_MASK;
	lease->stamp_ = TOKEN | holder->use << INDEX_BITS | holder->index;
}

void tn_holder_attach(struct tn_holder *holder, tenure_lease *lease)
{
	tn_lock();
	attach_locked(holder, lease);
	tn_unlock();
}

void tn_holder_attach_shared(struct tn_holder *holder, tenure_lease *lease, const tenure_lease *from)
{
	const struct tn_holder *source;

	tn_lock();
	source = tn_holder_of_locked(from);
	if (source != NULL)
		memcpy(holder->place, source->place, sizeof(holder->place));
	attach_locked(holder, lease);
	tn_unlock();
}

static int answer(bool good, bool parents)
{
	if (good)
		return 0;
	if (parents)
		return tn_fail(TENURE_EFORKED, "this lease was taken in the parent process, before fork(); "
			       "the child must get the resource anew");
	return tn_fail(TENURE_ENOTHELD, "this lease was given back before, by a copy of it");
}

int tn_holder_check(const tenure_lease *lease)
{
	bool good, parents;

	tn_lock();
	good = tn_holder_of_locked(lease) != NULL;
	parents = parents_locked(lease);
	tn_unlock();
	return answer(good, parents);
}

int tn_holder_leave(const tenure_lease *lease)
{
	struct tn_holder *holder;
	bool parents;

	TN_FAULT("holder.leaving");
	tn_lock();
	holder = tn_holder_of_locked(lease);
	parents = parents_locked(lease);
	if (holder != NULL)
		put_locked(holder);
	tn_unlock();
	return answer(holder != NULL, parents);
}

void tn_holder_keep(const tenure_lease *lease)
{
	struct tn_holder *holder;

	tn_lock();
	holder = tn_holder_of_locked(lease);
	if (holder != NULL)
		holder->kept = true;
	tn_unlock();
}

const struct tn_holder *tn_holder_next_locked(const tenure_cache *cache, uint32_t *at, bool *ret_more)
{
	const struct tn_holder *holder;

	tn_assert_locked();
	*ret_more = false;
	if (*at < holders.first)
		*at = holders.first;
	for (int i = 0; (holder = at_locked(*at)) != NULL; i++) {
		if (i == BREATH) {
			*ret_more = true;
			return NULL;
		}
		++*at;
		if (holder->entry != NULL && tn_function_of(holder->entry)->cache == cache)
			return holder;
	}
	return NULL;
}

void tn_holder_describe_locked(const tenure_cache *cache, char *text, size_t room)
{
	const struct tn_holder *holder;
	size_t length = 0;
	uint32_t at = 0;
	bool more;
	int told = 0, untold = 0;

	text[0] = '\0';
	do {
		char age[32];
		int written;

		holder = tn_holder_next_locked(cache, &at, &more);
		if (holder == NULL || holder->kept)
			continue;
		if (told == TOLD || length + 200 > room) {
			untold++;
			continue;
		}
		tn_duration_format(now_of(cache) - holder->since, age, sizeof(age));
		written = snprintf(text + length, room - length, "%s%.60s() for %s, taken at %s by thread %llu (%s)",
				   told == 0 ? "" : "; ", tn_function_of(holder->entry)->definition->name, age,
				   holder->place[0] == '\0' ? "a place not known" : holder->place,
				   (unsigned long long)holder->thread, holder->thread_name);
		length += written > 0 ? (size_t)written : 0;
		told++;
	} while (holder != NULL || more);
	if (untold != 0)
		snprintf(text + length, room - length, "; and %d more", untold);
}

void tn_holder_forget_all(void)
{
	holders.first = base_of(holders.chunk_count);
	holders.free = holders.free_last = NULL;
}
