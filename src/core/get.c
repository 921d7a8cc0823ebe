/* SPDX-License-Identifier: Apache-2.0 */
/* get.c: one call of a cached function, from the lookup to the lease.
 *
 * The slow path: everything that the inlined hit could not settle. Each round looks the key up under M, decides, and
 * acts: take a lease, answer an input, validate, wait for a flight, or create. What needs memory lets M go, takes the
 * memory, and starts another round; so every decision is made on what stands there at that moment. */
#include "core/get.h"

#include <string.h>

#include "base/error.h"
#include "base/fault.h"
#include "core/entry.h"
#include "core/expire.h"
#include "core/flight.h"
#include "core/lease.h"
#include "core/recording.h"
#include "core/retire.h"
#include "core/session.h"
#include "core/table.h"
#include "core/validate.h"
#include "core/worker.h"

struct get {
	const struct tn_request *request;
	struct tn_function *function;
	tenure_cache *cache;
	struct tn_creation creation; /* reserved in the round before it is needed */
	struct tn_cell_room cells;
	bool no_cells; /* no memory for a cell: the lease is counted on the entry */
	bool missed; /* counted once a call */
	tenure_call *validation; /* reserved */
	struct tn_answers answers;
	struct tenure_cell_ *lease;
};

enum { AGAIN = 1000 }; /* a step's result: another round */

/* What one look under M found. */
struct found {
	struct tn_entry *first; /* of this key in the table; NULL: none */
	struct tn_entry *entry; /* live, and the caller's by its inputs; NULL: none */
	tenure_call *flight; /* the running creation of this key; NULL: none */
	const struct tn_input *ask; /* whether `entry` is the caller's depends on this */
};

static void look_up_locked(struct get *get, int64_t now, struct found *found)
{
	struct tn_entry *entry, *next;

again:
	memset(found, 0, sizeof(*found));
	found->first = tn_table_find_locked(get->function, get->request->hash, get->request->key,
					    get->request->key_size);
	entry = found->first;
	if (entry != NULL && tn_entry_is(entry, TN_CREATING)) {
		found->flight = entry->flight;
		entry = entry->flight->variants;
	}
	for (; entry != NULL; entry = next) {
		struct tn_entry **more = tn_retire_variants_of(entry);
		enum tn_match match;

		next = more == NULL ? NULL : *more;
		if (entry->hard_at <= now) {
			tn_retire_locked(entry, TN_EXPIRED);
			goto again; /* the table has changed */
		}
		match = tn_recording_match(entry->recording, &get->answers, &found->ask);
		if (match == TN_DIFFERS)
			continue;
		found->entry = entry;
		return;
	}
}

/* ---- the steps; each is called with M and returns without it */

static int answer_unlock(struct get *get, const struct found *found)
{
	struct tenure_cell_ *hold = &found->entry->grant;
	int result;

	tn_lease_grant_locked(found->entry, 1); /* keeps the input while the front is asked */
	tn_unlock();
	result = tn_recording_answer(&get->answers, found->ask, get->cache->options.front, tn_context()->session);
	tenure_unpin_(hold);
	return result == 0 ? AGAIN : result;
}

/* Wait for a flight under a check for cycles. TENURE_JOINED with get->lease, AGAIN, or an error. */
static int join_unlock(struct get *get, tenure_call *flight)
{
	struct tn_waiter waiter;
	const struct tn_input *ask;
	enum tn_match match;
	char chain[1024];
	int result;

	if (tn_flight_cycle_locked(flight, tn_context()->inside, chain, sizeof(chain))) {
		tn_unlock();
		return tn_fail(TENURE_ECYCLE, "the creation waits for itself: %s", chain);
	}
	result = tn_flight_wait_unlock_lock(flight, &waiter, get->request->deadline);
	tn_unlock();
	TN_FAULT("flight.woken");
	if (result != 0) {
		result = tn_fail(result, "waited long enough for %s(), which another thread is creating",
				 get->request->definition->name);
		goto out;
	}
	if (flight->abandoned) {
		result = AGAIN;
		goto out;
	}
	while ((match = tn_recording_match(flight->recording, &get->answers, &ask)) == TN_ASK) {
		result = tn_recording_answer(&get->answers, ask, get->cache->options.front, tn_context()->session);
		if (result != 0)
			break;
	}
	if (waiter.granted) {
		get->lease = &flight->entry->grant;
		if (result != 0 || match == TN_DIFFERS) {
			tenure_unpin_(get->lease);
			get->lease = NULL;
		}
	}
	if (result == 0 && match == TN_DIFFERS)
		result = AGAIN;
	else if (result == 0)
		result = flight->result == 0 ? (flight->validation ? TENURE_HIT : TENURE_JOINED) :
					       tn_creation_failure(flight, flight->result);
out:
	tn_flight_put(flight);
	return result;
}

static int validate_unlock(struct get *get, struct tn_entry *entry)
{
	tenure_call *flight = get->validation;
	int result;

	if (entry->flight != NULL)
		return join_unlock(get, entry->flight);
	if (flight == NULL) {
		tn_unlock();
		get->validation = tn_flight_reserve();
		return get->validation != NULL ? AGAIN : tn_fail(TENURE_ENOMEM, "out of memory for a validation");
	}
	get->validation = NULL;
	tn_lease_grant_locked(entry, 1);
	get->lease = &entry->grant;
	result = tn_validate_unlock(flight, entry, get->lease, get->request);
	if (result == 1) {
		tn_lock();
		get->function->hits++;
		tn_unlock();
		return TENURE_HIT;
	}
	get->lease = NULL;
	return result == 0 ? AGAIN : result;
}

static int hit_unlock(struct get *get, struct tn_entry *entry)
{
	bool variant = entry->recording != NULL && entry->recording->inputs != 0;
	uint64_t id = entry->head.id;

	if (!variant && !get->no_cells && tn_cell_locked(entry, &get->cells) == NULL) {
		tn_unlock();
		get->no_cells = !tn_cell_reserve(id, &get->cells);
		return AGAIN;
	}
	if (variant) { /* its cells are never opened, so that nobody gets it past its inputs */
		tn_lease_grant_locked(entry, 1);
		get->function->hits++;
		get->lease = &entry->grant;
	} else {
		get->lease = tn_lease_take_locked(entry, &get->cells, true);
	}
	__atomic_fetch_or(&entry->head.flags, TENURE_WARM_, __ATOMIC_RELAXED);
	tn_unlock();
	return TENURE_HIT;
}

static int create_unlock(struct get *get, struct tn_entry *first)
{
	int result;

	if (!get->creation.ready) {
		tn_unlock();
		result = tn_creation_reserve(&get->creation, get->request);
		return result == 0 ? AGAIN : result;
	}
	tn_creation_begin_locked(&get->creation, first);
	tn_unlock();
	TN_FAULT("creation.begun");
	result = tn_creation_run(&get->creation);
	get->lease = get->creation.lease;
	return result;
}

static int one_round(struct get *get)
{
	int64_t now = tn_cache_time(get->cache);
	struct found found;

	TN_FAULT("slow.before_lock");
	tn_lock();
	if (!get->cache->open || get->cache->closing || tn_core.exiting) {
		tn_unlock();
		return tn_fail(TENURE_ECLOSED, "the cache of %s() is closed", get->request->definition->name);
	}
	look_up_locked(get, now, &found);
	if (found.ask != NULL && found.entry != NULL)
		return answer_unlock(get, &found);
	if (found.entry != NULL && tn_validate_due_locked(found.entry, now))
		return validate_unlock(get, found.entry);
	if (found.entry != NULL)
		return hit_unlock(get, found.entry);
	if (!get->missed)
		get->function->misses++;
	get->missed = true;
	if (found.flight != NULL)
		return join_unlock(get, found.flight);
	return create_unlock(get, found.first);
}

int tn_get(const struct tn_request *request, tenure_lease *lease)
{
	struct get get = {
		.request = request,
		.function = request->function,
		.cache = request->function->cache,
	};
	int result;

	do
		result = one_round(&get);
	while (result == AGAIN);

	tn_creation_drop(&get.creation);
	tn_cell_release_room(&get.cells);
	tn_flight_put(get.validation);
	tn_answers_free(&get.answers);
	if (result < 0)
		return result;
	tn_lease_fill(lease, get.lease);
	if (result != TENURE_CREATED) /* its creator has shown it already */
		tn_recording_replay(tn_entry_of(get.lease)->recording, get.cache->options.front,
				    tn_context()->session);
	return result;
}
