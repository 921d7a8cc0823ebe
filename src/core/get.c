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
#include "core/lease.h"
#include "core/job.h"
#include "core/recording.h"
#include "core/refresh.h"
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
	struct tn_job *job; /* likewise, where the creator runs on a worker */
	const tenure_call *own; /* its flight, once begun: a pointer to compare */
	bool no_cells; /* no memory for a cell: the lease is counted on the entry */
	bool missed; /* counted once a call */
	bool background; /* the function's option, as the last round has seen it */
	tenure_call *validation; /* reserved */
	struct tn_holder *holder; /* reserved, where the function tracks its leases */
	struct tn_answers answers;
	struct tenure_cell_ *hold; /* one lease that is given back if the outcome is not the caller's; NULL: none */
	struct tn_input *asked; /* counted while the front is asked for it; NULL: none */
	tenure_call *joined; /* counted while its outcome is looked at; NULL: none */
	struct tenure_cell_ *lease;
	uint64_t generation; /* of the process: after user code in a forked child nothing of this is touched */
	enum tn_callback callback; /* in which the call was made */
};

enum { AGAIN = 1000 }; /* a step's result: another round */

/* What one look under M found. */
struct found {
	struct tn_entry *first; /* of this key in the table; NULL: none */
	struct tn_entry *entry; /* live, and the caller's by its inputs; NULL: none */
	tenure_call *flight; /* the running creation of this key; NULL: none */
	struct tn_input *ask; /* which entry is the caller's depends on this */
};

/* Which entry of a tree is the caller's, if that can be told. */
static void follow_locked(const struct get *get, struct tn_tree *tree, struct found *found)
{
	struct tn_node *node;

	switch (tn_recording_follow_locked(tree, &get->answers, &node)) {
	case TN_MATCHES:
		found->entry = node->entry;
		break;
	case TN_ASK:
		found->ask = node->question;
		break;
	case TN_DIFFERS:
		break;
	}
}

static void look_up_locked(struct get *get, int64_t now, struct found *found)
{
	struct tn_tree *tree;

	do {
		memset(found, 0, sizeof(*found));
		found->first = tn_table_find_locked(get->function, get->request->hash, get->request->key,
						    get->request->key_size);
		if (found->first == NULL)
			return;
		tree = tn_retire_tree_of(found->first);
		if (tn_entry_is(found->first, TN_CREATING))
			found->flight = found->first->flight;
		else if (tree == NULL)
			found->entry = found->first;
		if (tree != NULL)
			follow_locked(get, tree, found);
		if (found->entry == NULL || found->entry->hard_at > now)
			return;
		tn_retire_locked(found->entry, TN_EXPIRED); /* and the table has changed */
	} while (true);
}

/* ---- the steps; each is called with M and returns without it */

static int forked(const struct tn_request *request)
{
	return tn_fail(TENURE_EFORKED, "the process was forked inside this call of %s(); the child must call it anew",
		       request->definition->name);
}

static void let_go(struct get *get)
{
	if (get->hold != NULL)
		tenure_unpin_(get->hold);
	get->hold = NULL;
	tn_input_put(get->asked);
	get->asked = NULL;
	tn_flight_put(get->joined);
	get->joined = NULL;
}

/* Ask the front for one input's value. 0, or an error. */
static int answer(struct get *get, const struct tn_input *input)
{
	int result = tn_recording_answer(&get->answers, input, tn_front(get->cache), tn_context()->visit);

	return tn_forked_since(get->generation) ? forked(get->request) : result;
}

static int answer_unlock(struct get *get, const struct found *found)
{
	int result;

	get->asked = found->ask; /* whatever happens to the tree meanwhile */
	get->asked->users++;
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
		return tn_creation_failure(flight, flight->result);
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
		return forked(get->request);
	TN_FAULT("flight.woken");
	get->joined = flight;
	if (result != 0 && waiter.sent_away)
		result = tn_fail(result, "the front ended the waiting for %s()", get->request->definition->name);
	else if (result != 0)
		result = tn_fail(result, "waited long enough for %s(), which another thread is %s",
				 get->request->definition->name, flight->validation ? "validating" : "creating");
	else if (flight->abandoned && flight == get->own && flight->result == TENURE_EFAILED)
		result = tn_fail(TENURE_EFAILED, "the creation of %s() was abandoned", get->request->definition->name);
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

/* The creator runs on a worker: this thread only waits, and may leave. */
static int create_on_worker_unlock(struct get *get, struct tn_entry *first)
{
	struct tn_job *job = get->job;
	tenure_call *flight;
	int result;

	if (job == NULL) {
		tn_unlock();
		get->job = tn_job_reserve(get->request, sizeof(*job));
		return get->job != NULL ? AGAIN : TENURE_ENOMEM;
	}
	get->job = NULL;
	get->own = flight = job->creation.flight;
	tn_creation_begin_locked(&job->creation, first);
	tn_unlock();
	TN_FAULT("creation.begun");
	result = tn_creation_await(&job->creation);
	if (result != 0) {
		tn_job_drop(job);
		return result;
	}
	tn_lock();
	tn_job_queue_locked(job);
	result = join_unlock(get, flight);
	return result == TENURE_JOINED ? TENURE_CREATED : result;
}

static int create_unlock(struct get *get, struct tn_entry *first)
{
	int result;

	/* On a worker it runs inline, else the pool could wait for itself; in manual mode there is no other thread. */
	if (get->function->on_worker && tn_context()->worker_of == NULL && !get->cache->options.manual)
		return create_on_worker_unlock(get, first);
	if (!get->creation.ready) {
		tn_unlock();
		result = tn_creation_reserve(&get->creation, get->request);
		return result == 0 ? AGAIN : result;
	}
	tn_creation_begin_locked(&get->creation, first);
	tn_unlock();
	TN_FAULT("creation.begun");
	result = tn_creation_await(&get->creation);
	if (result == 0)
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
	get->background = get->function->background;
	look_up_locked(get, now, &found);
	if (found.ask != NULL)
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
	tn_job_drop(get->job);
	tn_cell_release_room(&get->cells);
	tn_flight_put(get->validation);
	tn_answers_free(&get->answers);
	tn_holder_put(get->holder);
}

/* The thread is ending inside user code; what ran inside the rooms below has been concluded there. */
static void thread_lost(void *pointer)
{
	struct get *get = pointer;

	tn_context()->callback = get->callback;
	if (!tn_forked_since(get->generation))
		drop(get);
}

struct handing {
	struct tenure_cell_ *cell;
	struct tn_holder *holder;
	uint64_t generation;
	enum tn_callback callback; /* where the call came from */
};

/* The thread is ending inside a front: nobody gets this lease. */
static void handing_lost(void *pointer)
{
	const struct handing *handing = pointer;

	tn_callback_leave(handing->callback);
	if (tn_forked_since(handing->generation))
		return;
	tenure_unpin_(handing->cell);
	tn_holder_put(handing->holder);
}

static void replay_guarded(struct handing *handing, const struct tn_recording *recording, const tenure_front *front)
{
	pthread_cleanup_push(handing_lost, handing);
	tn_recording_replay(recording, front, tn_context()->visit);
	pthread_cleanup_pop(0);
}

int tn_get_hand_over(const struct tn_request *request, struct tenure_cell_ *cell, struct tn_holder *holder, bool replay,
		     tenure_lease *lease)
{
	struct handing handing = {
		.cell = cell, .holder = holder, .generation = tn_core.generation, .callback = tn_context()->callback,
	};

	if (replay && tn_entry_of(cell)->recording != NULL)
		replay_guarded(&handing, tn_entry_of(cell)->recording, tn_front(request->function->cache));
	if (tn_forked_since(handing.generation))
		return tn_fail(TENURE_EFORKED, "the process was forked inside a front, in a call of %s(); the child must "
			       "call it anew", request->definition->name);
	if (lease->cell_ != NULL) {
		handing_lost(&handing);
		return tn_fail(TENURE_EHELD, "the lease was filled by another call from inside this one of %s()",
			       request->definition->name);
	}
	tn_lease_fill(lease, cell);
	if (holder != NULL)
		tn_holder_attach(holder, lease);
	return 0;
}

int tn_get(const struct tn_request *request, tenure_lease *lease)
{
	struct get get = {
		.request = request,
		.function = request->function,
		.cache = request->function->cache,
		.generation = tn_core.generation,
		.callback = tn_context()->callback,
	};
	struct tn_holder *holder;
	int result, shown;

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
	if (result == TENURE_HIT && get.background)
		result = tn_refresh_consider(request, tn_entry_of(get.lease));
	/* What was just created, its creator has shown. */
	shown = tn_get_hand_over(request, get.lease, holder, result != TENURE_CREATED, lease);
	return shown == 0 ? result : shown;
}
