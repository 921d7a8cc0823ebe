/* SPDX-License-Identifier: Apache-2.0 */
/* refresh.c: background refresh: a new resource is made while the old one is served.
 *
 * A refresh is a creation with an entry that is in no table, run as a job on a worker, with a copy of the arguments of the
 * hit that started it. It belongs to one life of the old entry. When it is done and that life is still in service, the same
 * object renews the old entry, and another one takes its place in the same section of M; else the new object is released
 * unpublished. It has no front: what its creator says is not heard, what it asks is answered with what the old entry's
 * recording has, and that recording passes on to the new entry. It waits for no release (C8): the old one is in service. */
#include "core/refresh.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/fault.h"
#include "core/entry.h"
#include "core/expire.h"
#include "core/flight.h"
#include "core/job.h"
#include "core/object.h"
#include "core/recording.h"
#include "core/retire.h"
#include "core/session.h"
#include "core/table.h"
#include "core/worker.h"

struct refresh {
	struct tn_job job;
	struct tn_entry *old;
	uint64_t life; /* of it */
};

/* Is the life that this refresh belongs to still in service? */
static bool lives_locked(const struct refresh *refresh)
{
	return refresh->old->head.life == refresh->life && tn_entry_is(refresh->old, TN_LIVE);
}

static bool same_object(const struct tn_creation *creation, const struct tn_entry *old)
{
	const tenure_call *flight = creation->flight;

	return flight->resource == old->head.resource && flight->recording->kept_count == 0 &&
	       (flight->resource == NULL || tn_object_closed_by(old->object, creation->request->definition));
}

/* The new entry in the place of the old one. */
static void replace_locked(struct tn_creation *creation, struct tn_object *object, struct tn_entry *old, int64_t ready_at)
{
	tenure_call *flight = creation->flight;
	struct tn_function *function = flight->function;
	struct tn_entry *entry = flight->entry;

	tn_retire_locked(old, TN_REPLACED);
	if (flight->recording->messages + flight->recording->inputs != 0)
		__atomic_store_n(&entry->head.flags, TENURE_RECORDING_, __ATOMIC_RELAXED);
	tn_retire_link_locked(entry);
	creation->table_room = false;
	tn_entry_publish_locked(entry, flight->resource, object, 0);
	creation->timer_room = false;
	tn_expire_start_locked(entry, ready_at, flight->ttl_set ? flight->ttl : function->ttl, flight->ttl_set);
}

/* The entry that was made for nothing, FREE or on its way there. Returns the key to free. */
static const unsigned char *unused_locked(struct tn_entry *entry)
{
	return tn_entry_fail_locked(entry, NULL, NULL);
}

static const unsigned char *refreshed_locked(struct refresh *refresh, int64_t ready_at)
{
	struct tn_creation *creation = &refresh->job.creation;
	tenure_call *flight = creation->flight;
	struct tn_function *function = flight->function;
	struct tn_entry *entry = flight->entry;
	bool serves = lives_locked(refresh) && !flight->cleared && !(flight->ttl_set && flight->ttl <= 0);
	struct tn_object *object;

	function->refreshes++;
	if (serves && same_object(creation, refresh->old)) {
		tn_expire_refreshed_locked(refresh->old, ready_at, flight->ttl_set ? flight->ttl : function->ttl,
					   flight->ttl_set);
		return unused_locked(entry);
	}
	entry->creation_time = ready_at - flight->started;
	if (flight->recording->messages + flight->recording->inputs != 0 || flight->recording->kept_count != 0) {
		flight->recording->users++;
		entry->recording = flight->recording;
	}
	object = tn_creation_object_locked(creation); /* before the old entry leaves: it may be the same, and is released once */
	if (serves) {
		replace_locked(creation, object, refresh->old, ready_at);
		return NULL;
	}
	if (lives_locked(refresh) && !flight->cleared)
		tn_retire_locked(refresh->old, TN_EXPIRED); /* the creator says: not to be kept */
	tn_creation_publish_out_locked(creation, object, 0, ready_at);
	return NULL;
}

static const unsigned char *failed_locked(struct refresh *refresh, bool failure, int64_t now)
{
	struct tn_creation *creation = &refresh->job.creation;
	tenure_call *flight = creation->flight;

	flight->function->failures += failure;
	flight->function->abandoned += !failure;
	if (lives_locked(refresh))
		tn_expire_refresh_failed_locked(refresh->old, now);
	if (flight->recording->kept_count != 0) {
		flight->recording->users++;
		flight->entry->recording = flight->recording;
	}
	return tn_entry_fail_locked(flight->entry, flight->resource, tn_creation_object_locked(creation));
}

static void conclude(struct tn_creation *creation, enum tn_outcome outcome, int result)
{
	struct refresh *refresh = tn_container(creation, struct refresh, job.creation);
	tenure_call *flight = creation->flight;
	tenure_cache *cache = flight->function->cache;
	int64_t now = tn_cache_time(cache);
	const unsigned char *key;
	bool report = outcome == TN_FAILED;

	TN_FAULT("refresh.before_end");
	tn_lock();
	key = outcome == TN_CREATED ? refreshed_locked(refresh, now) : failed_locked(refresh, report, now);
	tn_flight_end_locked(flight, result, outcome == TN_ABANDONED);
	tn_unlock();
	tn_free((void *)(uintptr_t)key);
	if (report)
		tn_report(cache, TENURE_EFAILED, "a refresh of %s() failed: %s; the old resource is served for now",
			  flight->definition->name, flight->failure == NULL ? "no word of why" : flight->failure);
}

/* 0, or an error: no memory, or the entry has left service meanwhile. */
static int start(const struct tn_request *request, struct tn_entry *old, uint64_t life)
{
	struct refresh *refresh = (struct refresh *)tn_job_reserve(request, sizeof(*refresh));
	struct tn_recording *copy = refresh == NULL ? NULL : tn_recording_copy(old->recording);
	struct tn_function *function = request->function;
	struct tn_creation *creation;
	tenure_call *flight;
	bool begun;

	if (copy == NULL) {
		tn_job_drop(refresh == NULL ? NULL : &refresh->job);
		return TENURE_ENOMEM;
	}
	refresh->old = old;
	refresh->life = life;
	creation = &refresh->job.creation;
	creation->conclude = conclude;
	flight = creation->flight;
	tn_recording_put(flight->recording);
	flight->recording = copy;
	flight->quiet = true;

	tn_lock();
	begun = lives_locked(refresh) && !function->closed && !function->cache->closing;
	if (begun) {
		flight->visit = tn_session_visit_locked(function->session); /* not the caller's: the entry's own counts */
		tn_creation_begin_apart_locked(creation);
		tn_job_queue_locked(&refresh->job);
	}
	tn_unlock();
	if (!begun)
		tn_job_drop(&refresh->job);
	return begun ? 0 : TENURE_EABSENT;
}

int tn_refresh_consider(const struct tn_request *request, struct tn_entry *entry)
{
	int64_t now = tn_cache_time(request->function->cache);
	uint64_t life;
	bool begin, stale;

	tn_lock();
	life = entry->head.life;
	begin = !request->peek && tn_entry_is(entry, TN_LIVE) && tn_expire_claim_refresh_locked(entry, now);
	stale = __atomic_load_n(&entry->head.flags, __ATOMIC_RELAXED) & TENURE_STALE_;
	tn_unlock();
	if (begin && start(request, entry, life) != 0) {
		tn_lock();
		if (entry->head.life == life && tn_entry_is(entry, TN_LIVE))
			tn_expire_refresh_failed_locked(entry, now);
		tn_unlock();
	}
	return stale ? TENURE_STALE : TENURE_HIT;
}
