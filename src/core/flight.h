/* SPDX-License-Identifier: Apache-2.0 */
/* flight.h: one running creation or validation, and those who wait for it. */
#ifndef TN_FLIGHT_H
#define TN_FLIGHT_H

#include "core/context.h"

/* A flight, unused and with one user. NULL: no memory. Takes M. */
tenure_call *tn_flight_reserve(void);

/* Start it for this thread, inside whatever creation the thread is in. */
void tn_flight_begin_locked(tenure_call *flight, struct tn_function *function, struct tn_entry *entry,
			    const tenure_definition *definition, bool validation);

/* The innermost creation that this thread runs or is attached to, or NULL. An attachment that was left after the creator has
 * returned ends here. */
tenure_call *tn_flight_inside_locked(void);

/* Is this thread attached to a creation that still runs? Takes M. */
bool tn_flight_attached(void);

/* Would waiting for this flight, inside `inside`, wait for itself? Then the chain in words. */
bool tn_flight_cycle_locked(tenure_call *flight, tenure_call *inside, char *chain, size_t room);

/* Wait until it ends, the deadline passes, or the front says so. M is held before and after, and let go meanwhile.
 * waiter->granted: a lease is this thread's. 0: it ended; TENURE_ETIMEDOUT, or what the front said, in which case the
 * waiter has left. The caller is a user of the flight from here on, and puts it. */
int tn_flight_wait_unlock_lock(tenure_call *flight, struct tn_waiter *waiter, int64_t deadline);

/* Over: wake everybody. The leader stays a user until it puts. */
void tn_flight_end_locked(tenure_call *flight, int result, bool abandoned);

/* How many wait; each is marked as granted. The caller counts that many leases. */
uint64_t tn_flight_grant_all_locked(tenure_call *flight);

/* One user less. Frees what belongs to the flight when it was the last. Takes M. */
void tn_flight_put(tenure_call *flight);

/* The creator's own thread shows it too: before it starts (not 0: it shall not), and, if that was shown, after; only the
 * first call after counts. They call the front. */
int tn_flight_show_start(tenure_call *flight);
void tn_flight_show_end(tenure_call *flight, int64_t elapsed);

/* The creator says how far it is; `text` has TN_PROGRESS_ROOM bytes, NULL: as before. Whoever waits sees it at its next
 * tick; the creator's own thread shows it here, not more often than that. Takes M, calls the front. */
void tn_flight_progress(tenure_call *flight, double fraction, const char *text);

/* How a person would write the call: name(arguments). */
void tn_flight_describe(const tenure_call *flight, char *text, size_t room);

#endif
