/* SPDX-License-Identifier: Apache-2.0 */
/* validate.c: one validation for all who ask at that moment.
 *
 * A validation is a flight: it runs outside M and under a lease; who asks meanwhile waits for its verdict and gets a
 * lease with it. Good: the next one is due validate_every later. Bad: the entry is retired, and everybody looks again.
 * An entry that was retired meanwhile makes the verdict void. The user's error goes to all who asked; the entry stays. */
#include "core/validate.h"

#include <pthread.h>

#include "base/error.h"
#include "base/fault.h"
#include "core/creation.h"
#include "core/expire.h"
#include "core/flight.h"
#include "core/lease.h"
#include "core/retire.h"
#include "core/worker.h"

bool tn_validate_due_locked(const struct tn_entry *entry, int64_t now)
{
	const struct tn_function *function = tn_function_of(entry);

	return function->validates && (function->validate_every == 0 || entry->validate_at <= now);
}

struct validation {
	tenure_call *flight;
	struct tn_entry *entry;
	struct tenure_cell_ *lease;
};

/* What the verdict means; ends the flight. As tn_validate_unlock(). */
static int conclude(struct validation *v, int verdict, int64_t now)
{
	tenure_call *flight = v->flight;
	bool valid = false;

	tn_lock();
	if (flight->cleared || verdict == 0) {
		if (!flight->cleared)
			tn_retire_locked(v->entry, TN_INVALID);
		tn_flight_end_locked(flight, 0, true);
	} else {
		v->entry->flight = NULL;
		valid = verdict > 0;
		if (valid) {
			tn_expire_validated_locked(v->entry, now);
			tn_lease_grant_locked(v->entry, tn_flight_grant_all_locked(flight));
		}
		tn_flight_end_locked(flight, valid ? 0 : TENURE_EFAILED, false);
	}
	tn_unlock();
	if (!valid)
		tenure_unpin_(v->lease);
	return valid ? 1 : verdict < 0 && !flight->cleared ? TENURE_EFAILED : 0;
}

/* The thread is ending inside the user's validate: nobody has judged. */
static void thread_lost(void *pointer)
{
	struct validation *v = pointer;
	tenure_call *flight = v->flight;

	tn_context()->inside = flight->parent;
	if (tn_forked_since(flight->generation))
		return;
	tn_lock();
	if (!flight->cleared)
		v->entry->flight = NULL;
	tn_flight_end_locked(flight, 0, true);
	tn_unlock();
	tenure_unpin_(v->lease);
	tn_flight_put(flight);
}

int tn_validate_unlock(tenure_call *flight, struct tn_entry *entry, struct tenure_cell_ *lease,
		       const struct tn_request *request)
{
	struct validation v = { .flight = flight, .entry = entry, .lease = lease };
	struct tn_context *context = tn_context();
	/* The newest definition says whether to validate, so it says how too; the caller's own may know no validate. */
	const tenure_definition *definition = request->function->definition;
	enum tn_callback was;
	int verdict, result;

	tn_flight_begin_locked(flight, request->function, entry, definition, true);
	entry->flight = flight;
	tn_unlock();

	was = tn_callback_enter(TN_IN_VALIDATE);
	context->inside = flight;
	TN_FAULT("validate.running");
	pthread_cleanup_push(thread_lost, &v);
	verdict = definition->validate(definition->user, entry->head.resource);
	pthread_cleanup_pop(0);
	context->inside = flight->parent;
	tn_callback_leave(was);
	if (tn_forked_since(flight->generation))
		return tn_fail(TENURE_EFORKED, "the process was forked inside validate; the child must get anew");
	flight->creator_result = verdict;
	result = conclude(&v, verdict, tn_cache_time(request->function->cache));
	if (result < 0)
		tn_creation_failure(flight, result);
	tn_flight_put(flight);
	return result;
}
