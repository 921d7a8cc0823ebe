/* SPDX-License-Identifier: Apache-2.0 */
/* creation.c: from an empty place in the table to a resource in service, or back.
 *
 * reserve (memory, threads) -> begin (CREATING, in the table) -> wait for the release of a predecessor -> creator ->
 * conclude: LIVE, or RETIRED at once (cleared meanwhile, or not to be kept), or failed, or abandoned. Whatever way the
 * creator's thread leaves the creator, it is concluded exactly once; what it left in *ret is released in every case. */
#include "core/creation.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/spin.h"
#include "core/entry.h"
#include "core/evict.h"
#include "core/expire.h"
#include "core/failure.h"
#include "core/flight.h"
#include "core/lease.h"
#include "core/object.h"
#include "core/recording.h"
#include "core/retire.h"
#include "core/session.h"
#include "core/table.h"
#include "core/worker.h"

static const int64_t PREDECESSOR_MOST = 10000000000; /* ns that a creator waits for an older release of its key */

static bool reserve(struct tn_creation *creation, const struct tn_request *request)
{
	tenure_cache *cache = request->function->cache;

	creation->entry = tn_entry_reserve();
	creation->flight = tn_flight_reserve();
	if (creation->entry == NULL || creation->flight == NULL)
		return false;
	creation->flight->recording = tn_recording_new();
	if (creation->flight->recording == NULL)
		return false;
	creation->flight->visit = tn_context()->visit;
	if (request->key_size > TENURE_SMALL_KEY_) {
		creation->key = tn_alloc(request->key_size & ~TENURE_DIGESTED_);
		if (creation->key == NULL)
			return false;
		memcpy(creation->key, request->key, request->key_size & ~TENURE_DIGESTED_);
	}
	if (request->definition->release != NULL && !tn_object_reserve(&creation->object))
		return false;
	creation->table_room = tn_table_reserve();
	creation->timer_room = tn_expire_reserve(cache);
	tn_cell_reserve(creation->entry->head.id, &creation->cells); /* without, the lease is the entry's own */
	return creation->table_room && creation->timer_room;
}

int tn_creation_reserve(struct tn_creation *creation, const struct tn_request *request)
{
	int result = tn_worker_ensure(request->function->cache);

	memset(creation, 0, sizeof(*creation));
	creation->request = request;
	if (result != 0)
		return result;
	if (!reserve(creation, request))
		return tn_fail(TENURE_ENOMEM, "out of memory before a creation of %s()", request->definition->name);
	creation->ready = true;
	return 0;
}

void tn_creation_drop(struct tn_creation *creation)
{
	if (creation->request == NULL)
		return;
	tn_lock();
	if (creation->entry != NULL)
		tn_entry_put_locked(creation->entry);
	if (creation->object != NULL)
		tn_object_put_locked(creation->object);
	if (creation->table_room)
		tn_table_give_room_back_locked();
	if (creation->timer_room)
		tn_expire_give_room_back_locked(creation->request->function->cache);
	tn_unlock();
	tn_free(creation->key);
	tn_cell_release_room(&creation->cells);
	tn_flight_put(creation->flight);
	memset(creation, 0, sizeof(*creation));
}

/* The entry takes over the key, or copies a small one from the request. */
static void begin_entry_locked(struct tn_creation *creation)
{
	const struct tn_request *request = creation->request;
	const unsigned char *key = creation->key == NULL ? request->key : creation->key;

	tn_entry_begin_locked(creation->entry, request->function, request->hash, key, request->key_size, creation->flight);
	creation->key = NULL;
}

void tn_creation_begin_locked(struct tn_creation *creation, struct tn_entry *first)
{
	const struct tn_request *request = creation->request;
	struct tn_entry *entry = creation->entry;

	begin_entry_locked(creation);
	tn_flight_begin_locked(creation->flight, request->function, entry, request->definition, false);
	creation->flight->patience = request->deadline;
	if (first == NULL) {
		tn_table_insert_locked(entry);
	} else {
		creation->flight->tree = tn_retire_tree_of(first);
		if (creation->flight->tree != NULL)
			creation->flight->tree->flight = creation->flight;
		tn_table_replace_locked(first, entry);
		tn_table_give_room_back_locked();
	}
	creation->table_room = false;
	creation->entry = NULL; /* the flight's now */
}

void tn_creation_begin_apart_locked(struct tn_creation *creation)
{
	const struct tn_request *request = creation->request;
	tenure_call *flight = creation->flight;

	begin_entry_locked(creation);
	tn_flight_begin_locked(flight, request->function, creation->entry, request->definition, false);
	if (flight->parent != NULL)
		flight->parent->users--; /* it is not its last: its creator is the caller, who is inside of it */
	flight->parent = NULL;
	flight->patience = TN_NEVER;
	creation->entry = NULL;
}

/* ---- C8: a file lock, a port, the memory of a card must be free again */

/* When it was queued; INT64_MIN: there is none. */
static int64_t predecessor_locked(const struct tn_creation *creation, const struct tn_entry **ret_entry)
{
	const struct tn_request *request = creation->request;

	return tn_entry_releasing_locked(request->function, request->hash, request->key, request->key_size,
					 creation->flight->entry->head.life, ret_entry);
}

/* A release that is over within microseconds is not worth the kernel's help. */
static void spin_unlock_lock(const struct tn_creation *creation)
{
	tenure_cache *cache = creation->request->function->cache;
	const struct tn_entry *before;
	int64_t spin;
	uint64_t life;

	if (cache->options.manual || predecessor_locked(creation, &before) == INT64_MIN)
		return;
	spin = tn_spin_time(&cache->release_patience);
	if (spin == 0)
		return;
	life = before->head.life;
	tn_unlock();
	tn_spin(&before->head.life, life, spin);
	tn_lock();
	tn_spin_learn(&cache->release_patience, predecessor_locked(creation, &before) == INT64_MIN);
}

static bool refused_locked(const struct tn_creation *creation)
{
	return creation->request->function->closed || creation->request->function->cache->closing;
}

static int await_predecessor(struct tn_creation *creation)
{
	const struct tn_request *request = creation->request;
	const struct tn_entry *before;
	tenure_cache *cache = request->function->cache;
	int64_t now, since, end;
	int result = 0;

	if (request->definition->release == NULL || tn_context()->releasing != NULL)
		return 0; /* nothing is released; or it could wait for the release that it runs in */
	tn_lock();
	creation->flight->awaiting = true;
	cache->awaiting++;
	spin_unlock_lock(creation);
	while (result == 0 && !creation->flight->hurry && !tn_forked_since(creation->flight->generation)) {
		since = predecessor_locked(creation, &before);
		if (since == INT64_MIN)
			break;
		TN_FAULT("creation.awaits_release");
		now = tn_cache_time_locked(cache);
		end = tn_time_add(since, PREDECESSOR_MOST);
		if (refused_locked(creation))
			result = TENURE_ECLOSED;
		else if (now >= request->deadline)
			result = TENURE_ETIMEDOUT;
		else if (now >= end && (!cache->options.manual || cache->queued == 0))
			break; /* in manual mode what is queued is old because nobody polled: it is run here */
		else
			tn_worker_wait_unlock_lock(cache, &cache->settled,
						   end < request->deadline ? end : request->deadline);
	}
	if (tn_forked_since(creation->flight->generation)) {
		tn_unlock();
		return TENURE_EFORKED;
	}
	/* Whatever retired all that there was has left it alone, for its creator had not started; nobody would come again. */
	if (result == 0 && refused_locked(creation) && !creation->flight->cleared)
		result = TENURE_ECLOSED;
	creation->flight->awaiting = false;
	cache->awaiting--;
	creation->flight->started = tn_cache_time_locked(cache);
	tn_unlock();
	return result;
}

/* ---- conclusion */

/* May it go into service? */
static bool stays(const tenure_call *flight)
{
	return !flight->cleared && !(flight->ttl_set && flight->ttl <= 0);
}

/* The entry with the same inputs makes way, and those whose creators have asked otherwise; all where the new one has asked for
 * nothing. There can be many; nobody adds to them meanwhile. */
static void make_way_unlock_lock(tenure_call *flight)
{
	struct tn_entry *entry;

	while (stays(flight) && flight->tree != NULL &&
	       (entry = tn_tree_in_the_way_locked(flight->tree, flight->recording->path)) != NULL) {
		tn_retire_locked(entry, TN_REPLACED);
		if (tn_batch_done_locked())
			tn_breathe_unlock_lock("publish.makes_way");
	}
}

struct tn_object *tn_creation_object_locked(struct tn_creation *creation)
{
	struct tn_object *spare = creation->object;
	void *resource = creation->flight->resource;

	creation->object = NULL;
	if (spare == NULL)
		return NULL;
	if (resource != NULL)
		return tn_object_enter_locked(spare, resource, creation->request->definition);
	tn_object_put_locked(spare); /* NULL is a value, and never released */
	return NULL;
}

/* Out of service from its birth on: cleared meanwhile, or not to be kept. */
void tn_creation_publish_out_locked(struct tn_creation *creation, struct tn_object *object, uint64_t granted, int64_t ready_at)
{
	tenure_call *flight = creation->flight;
	struct tn_entry *entry = flight->entry;

	entry->ready_at = ready_at;
	tn_entry_publish_out_locked(entry, flight->resource, object, granted, flight->cleared ? TN_CLEARED : TN_EXPIRED);
	tn_retire_settle_locked(entry, 0);
}

/* Into service. */
static void publish_live_locked(struct tn_creation *creation, struct tn_object *object, int64_t ready_at)
{
	tenure_call *flight = creation->flight;
	struct tn_entry *entry = flight->entry;
	struct tn_function *function = flight->function;
	struct tn_recording *recording = flight->recording;

	tn_retire_enter_locked(entry);
	if (recording->messages + recording->inputs != 0)
		__atomic_store_n(&entry->head.flags, TENURE_RECORDING_, __ATOMIC_RELAXED);
	tn_entry_publish_locked(entry, flight->resource, object, tn_flight_grant_all_locked(flight));
	if (recording->inputs != 0 && !creation->no_lease) {
		tn_lease_grant_locked(entry, 1); /* no cell of a variant is ever opened: the inputs come first */
		creation->lease = &entry->grant;
	} else if (!creation->no_lease) {
		creation->lease = tn_lease_take_locked(entry, &creation->cells, false);
	}
	creation->timer_room = false; /* the entry's, until it leaves */
	tn_expire_start_locked(entry, ready_at, flight->ttl_set ? flight->ttl : function->ttl, flight->ttl_set);
}

/* Is it in service? */
static bool publish_locked(struct tn_creation *creation, int64_t ready_at)
{
	tenure_call *flight = creation->flight;
	struct tn_entry *entry = flight->entry;
	struct tn_function *function = flight->function;
	struct tn_recording *recording = flight->recording;
	struct tn_object *object = tn_creation_object_locked(creation);

	entry->creation_time = ready_at - flight->started;
	function->creations++;
	function->creation_time += (uint64_t)entry->creation_time;
	if (recording->messages + recording->inputs != 0 || recording->kept_count != 0) {
		recording->users++;
		entry->recording = recording;
	}
	TN_FAULT("publish.before_slot");
	if (stays(flight)) {
		publish_live_locked(creation, object, ready_at);
		return true;
	}
	if (!flight->cleared)
		tn_retire_unlink_locked(entry);
	creation->lease = creation->no_lease ? NULL : &entry->grant;
	tn_creation_publish_out_locked(creation, object, tn_flight_grant_all_locked(flight) + !creation->no_lease, ready_at);
	return false;
}

/* What was left in *ret is released; kept leases are given back after that. Returns the key to free. */
static const unsigned char *fail_locked(struct tn_creation *creation)
{
	tenure_call *flight = creation->flight;
	struct tn_entry *entry = flight->entry;

	if (!flight->cleared)
		tn_retire_unlink_locked(entry);
	if (flight->recording->kept_count != 0) {
		flight->recording->users++;
		entry->recording = flight->recording;
	}
	return tn_entry_fail_locked(entry, flight->resource, tn_creation_object_locked(creation));
}

/* End the flight, once. `result` is for everybody who waited. */
static void conclude(struct tn_creation *creation, enum tn_outcome outcome, int result)
{
	tenure_call *flight = creation->flight;
	const struct tn_entry *fresh = flight->entry;
	const unsigned char *key = NULL;
	bool live = false;
	int64_t ready_at;

	if (creation->conclude != NULL) {
		creation->conclude(creation, outcome, result);
		return;
	}
	ready_at = tn_cache_time(flight->function->cache);
	tn_lock();
	if (outcome == TN_CREATED) {
		make_way_unlock_lock(flight);
		live = publish_locked(creation, ready_at);
	} else {
		flight->function->failures += outcome == TN_FAILED;
		flight->function->abandoned += outcome == TN_ABANDONED;
		key = fail_locked(creation);
	}
	tn_flight_end_locked(flight, result, outcome == TN_ABANDONED);
	/* Many are over only after the bound was lowered. The flight has ended: a clear that comes in between finds the entry. */
	while (live && tn_evict_locked(flight->function, fresh))
		tn_breathe_unlock_lock("publish.evicts");
	tn_unlock();
	tn_free((void *)(uintptr_t)key);
}

static void show_end(tenure_call *flight)
{
	tn_flight_show_end(flight, tn_cache_time(flight->function->cache) - flight->started);
}

/* The thread is ending inside the creator, or the front that shows it: pthread_exit(), cancellation. Should it end once more
 * in the front, which is told of the end, the rest is done then. */
static void thread_lost(void *pointer)
{
	struct tn_creation *creation = pointer;
	struct tn_context *context = tn_context();

	context->inside = creation->flight->parent;
	context->callback = context->inside == NULL ? TN_OUTSIDE : TN_IN_CREATE;
	if (tn_forked_since(creation->flight->generation))
		return;
	show_end(creation->flight);
	conclude(creation, TN_ABANDONED, TENURE_EFAILED);
	tn_creation_drop(creation);
}

static int call_creator(struct tn_creation *creation)
{
	const struct tn_request *request = creation->request;
	struct tn_context *context = tn_context();
	enum tn_callback was = tn_callback_enter(TN_IN_CREATE);
	tenure_call *flight = creation->flight;
	int result;

	context->inside = flight;
	result = request->definition->create(request->definition->user, flight, request->arguments,
					     &flight->resource);
	context->inside = flight->parent;
	tn_callback_leave(was);
	return result;
}

static int failed(struct tn_creation *creation, int creator_result)
{
	tenure_call *flight = creation->flight;
	int result = flight->out_of_memory ? TENURE_ENOMEM :
		     flight->front_error != 0 ? flight->front_error : TENURE_EFAILED;

	flight->creator_result = creator_result;
	conclude(creation, TN_FAILED, result);
	return tn_creation_failure(flight, result);
}

int tn_creation_failure(const tenure_call *flight, int result)
{
	const char *name = flight->definition->name;

	tn_failure_let_go(); /* before the words: a drop may fail in something */
	if (result == TENURE_ENOMEM)
		return tn_fail(result, "out of memory while %s() was being created", name);
	if (!flight->validation)
		tn_context()->creator_result = flight->creator_result;
	if (flight->failure != NULL)
		tn_fail(result, "%s", flight->failure);
	else if (flight->front_error != 0)
		tn_fail(result, "the front could not ask for an input of %s()", name);
	else if (flight->validation)
		tn_fail(result, "the validation of a resource of %s() failed with %d", name, flight->creator_result);
	else
		tn_fail(result, "the creator of %s() failed with %d, without a word", name, flight->creator_result);
	tn_failure_deliver(flight->error);
	return result;
}

int tn_creation_not_started(struct tn_creation *creation, int result)
{
	conclude(creation, TN_ABANDONED, result);
	if (result == TENURE_ECLOSED)
		return tn_fail(result, "%s() was retired, its session has ended, or its cache is being closed",
			       creation->request->definition->name);
	return tn_fail(result, "waited long enough for the release of the previous resource of %s()",
		       creation->request->definition->name);
}

/* The creator between its two calls of the front. *ret_started: it was called, and `result` is its own. */
static int show_and_create(struct tn_creation *creation, bool *ret_started)
{
	tenure_call *flight = creation->flight;
	int result;

	pthread_cleanup_push(thread_lost, creation);
	result = tn_flight_show_start(flight);
	*ret_started = result == 0 && !tn_forked_since(flight->generation);
	if (*ret_started)
		result = call_creator(creation);
	if (!tn_forked_since(flight->generation))
		show_end(flight);
	pthread_cleanup_pop(0);
	return result;
}

static int forked(struct tn_creation *creation)
{
	memset(creation, 0, sizeof(*creation)); /* all of it is the parent's */
	return tn_fail(TENURE_EFORKED, "the process was forked inside the creator, or in a release that it awaited; in the "
		       "child its result counts for nothing");
}

int tn_creation_await(struct tn_creation *creation)
{
	int result = await_predecessor(creation);

	if (result == TENURE_EFORKED)
		return forked(creation);
	return result == 0 ? 0 : tn_creation_not_started(creation, result);
}

int tn_creation_run(struct tn_creation *creation)
{
	tenure_call *flight = creation->flight;
	bool started;
	int result = show_and_create(creation, &started);

	if (tn_forked_since(flight->generation))
		return forked(creation);
	if (!started) {
		conclude(creation, TN_ABANDONED, result);
		return tn_fail(result, "the front ended the creation of %s()", flight->definition->name);
	}
	if (flight->gave_up) {
		conclude(creation, TN_ABANDONED, TENURE_EFAILED);
		return tn_fail(TENURE_EFAILED, "the creation of %s() was abandoned", flight->definition->name);
	}
	if (result != 0 || flight->out_of_memory || flight->front_error != 0)
		return failed(creation, result);
	conclude(creation, TN_CREATED, 0);
	return TENURE_CREATED;
}
