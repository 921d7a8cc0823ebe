/* SPDX-License-Identifier: Apache-2.0 */
/* get.c: one call of a cached function, from the lookup to the lease.
 *
 * The slow path: everything that the inlined hit could not settle. Each round looks the key up under M, decides, and
 * acts: take a lease, answer an input, validate, wait for a flight, or create. What needs memory lets M go, takes the
 * memory, and starts another round; so every decision is made on what stands there at that moment. */
#include "core/get.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/fault.h"
#include "core/entry.h"
#include "core/expire.h"
#include "core/flight.h"
#include "core/holder.h"
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
	struct tn_holder *holder; /* reserved, where the function tracks its leases */
	struct tn_answers answers;
	struct tenure_cell_ *hold; /* one lease that is given back after a call of the front; NULL: none */
	tenure_call *joined; /* counted while its outcome is looked at; NULL: none */
	struct tenure_cell_ *lease;
	uint64_t generation; /* of the process: after user code in a forked child nothing of this is touched */
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

static int forked(const struct get *get)
{
	return tn_fail(TENURE_EFORKED, "the process was forked inside this call of %s(); the child must call it anew",
		       get->request->definition->name);
}

static void let_go(struct get *get)
{
	if (get->hold != NULL)
		tenure_unpin_(get->hold);
	get->hold = NULL;
	tn_flight_put(get->joined);
	get->joined = NULL;
}

/* Ask the front for one input's value. 0, or an error. */
static int answer(struct get *get, const struct tn_input *input)
{
	int result = tn_recording_answer(&get->answers, input, get->cache->options.front, tn_context()->session);

	return tn_forked_since(get->generation) ? forked(get) : result;
}

static int answer_unlock(struct get *get, const struct found *found)
{
	int result;

	tn_lease_grant_locked(found->entry, 1); /* keeps the input while the front is asked */
	get->hold = &found->entry->grant;
	tn_unlock();
	result = answer(get, found->ask);
	if (result != TENURE_EFORKED)
		let_go(get);
	return result == 0 ? AGAIN : result;
}

/* A flight has ended without being abandoned: is its outcome this caller's? It is not where the inputs differ. */
static int take_outcome(struct get *get, tenure_call *flight, bool granted)
{
	const struct tn_input *ask;
	enum tn_match match;
	int result = 0;

	if (granted)
		get->hold = &flight->entry->grant;
	while ((match = tn_recording_match(flight->recording, &get->answers, &ask)) == TN_ASK && result == 0)
		result = answer(get, ask);
	if (result != 0)
		return result;
	if (match == TN_DIFFERS)
		return AGAIN;
	if (flight->result != 0)
		return flight->validation ? tn_validate_failure(flight) : tn_creation_failure(flight, flight->result);
	get->lease = get->hold;
	get->hold = NULL;
	return flight->validation ? TENURE_HIT : TENURE_JOINED;
}

/* Wait for a flight under a check for cycles. TENURE_JOINED with get->lease, AGAIN, or an error. */
static int join_unlock(struct get *get, tenure_call *flight)
{
	struct tn_waiter waiter;
	char chain[1024];
	int result;

	if (tn_flight_cycle_locked(flight, tn_flight_inside_locked(), chain, sizeof(chain))) {
		tn_unlock();
		return tn_fail(TENURE_ECYCLE, "the creation waits for itself: %s", chain);
	}
	if (flight->awaiting && tn_context()->releasing != NULL) {
		flight->hurry = true;
		tn_cond_broadcast(&get->cache->settled);
	}
	result = tn_flight_wait_unlock_lock(flight, &waiter, get->request->deadline);
	tn_unlock();
	if (tn_forked_since(get->generation))
		return forked(get);
	TN_FAULT("flight.woken");
	get->joined = flight;
	if (result != 0)
		result = tn_fail(result, "waited long enough for %s(), which another thread is %s",
				 get->request->definition->name, flight->validation ? "validating" : "creating");
	else if (flight->abandoned)
		result = AGAIN;
	else
		result = take_outcome(get, flight, waiter.granted);
	if (result != TENURE_EFORKED)
		let_go(get);
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
	if (!get->cache->open || get->cache->closing || tn_core.exiting || get->function->closed) {
		bool session = get->function->closed && get->function->parent != NULL;

		tn_unlock();
		return tn_fail(TENURE_ECLOSED, session ? "the session in which %s() was called has ended" :
			       "%s() was retired, or its cache is closed", get->request->definition->name);
	}
	if (get->function->track_holders && get->holder == NULL) {
		tn_unlock();
		get->holder = tn_holder_reserve(get->request->arguments->place);
		return get->holder != NULL ? AGAIN : tn_fail(TENURE_ENOMEM, "out of memory to track a lease of %s()",
							     get->request->definition->name);
	}
	look_up_locked(get, now, &found);
	if (found.ask != NULL && found.entry != NULL)
		return answer_unlock(get, &found);
	if (found.entry != NULL && tn_validate_due_locked(found.entry, now))
		return validate_unlock(get, found.entry);
	if (found.entry != NULL)
		return hit_unlock(get, found.entry);
	if (get->request->peek) {
		tn_unlock();
		return tn_fail(TENURE_EABSENT, "%s() has no such resource in service", get->request->definition->name);
	}
	if (!get->missed)
		get->function->misses++;
	get->missed = true;
	if (found.flight != NULL)
		return join_unlock(get, found.flight);
	return create_unlock(get, found.first);
}

static void drop(struct get *get)
{
	let_go(get);
	tn_creation_drop(&get->creation);
	tn_cell_release_room(&get->cells);
	tn_flight_put(get->validation);
	tn_answers_free(&get->answers);
	tn_holder_put(get->holder);
}

/* The thread is ending inside user code; what ran inside the rooms below has been concluded there. */
static void thread_lost(void *pointer)
{
	struct get *get = pointer;

	if (!tn_forked_since(get->generation))
		drop(get);
}

int tn_get(const struct tn_request *request, tenure_lease *lease)
{
	struct get get = {
		.request = request,
		.function = request->function,
		.cache = request->function->cache,
		.generation = tn_core.generation,
	};
	struct tn_holder *holder;
	int result;

	pthread_cleanup_push(thread_lost, &get);
	do
		result = one_round(&get);
	while (result == AGAIN);
	pthread_cleanup_pop(0);

	if (tn_forked_since(get.generation))
		return result;
	holder = get.holder;
	if (result >= 0)
		get.holder = NULL;
	drop(&get);
	if (result < 0)
		return result;
	tn_lease_fill(lease, get.lease);
	if (holder != NULL)
		tn_holder_attach(holder, lease);
	if (result != TENURE_CREATED) /* its creator has shown it already */
		tn_recording_replay(tn_entry_of(get.lease)->recording, get.cache->options.front,
				    tn_context()->session);
	return result;
}
