/* SPDX-License-Identifier: Apache-2.0 */
/* flight.c: one running creation or validation, and those who wait for it.
 *
 * A flight is counted by its leader, its waiters and the flights that run inside it, and goes back to its pool with the
 * last of them; so a waiter can read its outcome, and a search can follow `parent`, at any time under M.
 *
 * Cycles. A flight needs another one when a thread that works for it, or for a flight inside it, is parked on that
 * other one. Working for a flight: being its leader, or attached to it; both show in the chain of parents of what the
 * thread is inside of. Before a thread parks, it follows these needs from the flight it wants; should they lead to a
 * flight that the thread itself works for, nobody in the ring could ever go on. A thread inside no creation works for
 * nothing, so it can close no ring and is not searched for. Held leases block nobody and do not count. */
#include "core/flight.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "core/entry.h"
#include "core/failure.h"
#include "core/key.h"
#include "core/recording.h"
#include "core/worker.h"

tenure_call *tn_flight_reserve(void)
{
	tenure_call *flight;
	void *chunk;

	for (;;) {
		tn_lock();
		flight = tn_pool_take_locked(&tn_core.flights);
		tn_unlock();
		if (flight != NULL)
			break;
		chunk = tn_pool_grow(&tn_core.flights);
		if (chunk == NULL)
			return NULL;
		tn_lock();
		tn_pool_adopt_locked(&tn_core.flights, chunk);
		tn_unlock();
	}
	if (!flight->made) {
		tn_cond_init(&flight->changed);
		flight->made = true;
	}
	tn_list_init(&flight->in_cache);
	tn_list_init(&flight->waiters);
	flight->users = 1;
	flight->tree = NULL;
	flight->parent = NULL;
	flight->visit = (struct tn_visit){ .session = NULL };
	flight->function = NULL;
	flight->validation = flight->quiet = flight->detached = flight->cleared = flight->hurry = flight->awaiting = false;
	flight->ended = flight->abandoned = false;
	flight->result = flight->creator_result = flight->front_error = 0;
	flight->patience = 0;
	flight->resource = NULL;
	flight->recording = NULL;
	flight->failure = NULL;
	flight->error = NULL;
	flight->ttl_set = flight->gave_up = flight->out_of_memory = flight->shown = false;
	flight->progress.fraction = -1;
	flight->progress.text[0] = '\0';
	return flight;
}

tenure_call *tn_flight_inside_locked(void)
{
	struct tn_context *context = tn_context();

	tn_assert_locked();
	if (context->attached && (context->attached_to->life != context->attached_life || context->attached_to->ended)) {
		context->attached = false;
		if (context->inside == context->attached_to)
			context->inside = NULL;
	}
	return context->inside;
}

bool tn_flight_attached(void)
{
	bool attached;

	tn_lock();
	tn_flight_inside_locked();
	attached = tn_context()->attached;
	tn_unlock();
	return attached;
}

void tn_flight_begin_locked(tenure_call *flight, struct tn_function *function, struct tn_entry *entry,
			    const tenure_definition *definition, bool validation)
{
	flight->function = function;
	function->users++;
	flight->entry = entry;
	flight->id = entry->head.life;
	flight->definition = definition;
	flight->spinner = function->spinner == NULL ? NULL : function->spinner->text;
	flight->show_time = function->show_time;
	flight->validation = validation;
	flight->generation = tn_core.generation;
	flight->started = tn_cache_time_locked(function->cache);
	flight->life = ++tn_core.flights_begun;
	/* Whoever asked for a detached one waits for it, or has left: in both cases that says all. */
	flight->parent = flight->detached ? NULL : tn_flight_inside_locked();
	if (flight->parent != NULL)
		flight->parent->users++;
	tn_list_insert_tail(&function->cache->flights, &flight->in_cache);
}

void tn_flight_put(tenure_call *flight)
{
	while (flight != NULL) {
		struct tn_recording *recording;
		struct tn_failure *error;
		tenure_call *parent;
		char *failure;
		bool last;

		tn_lock(); /* who is not the last may not look at it after this */
		last = --flight->users == 0;
		recording = flight->recording;
		parent = flight->parent;
		failure = flight->failure;
		if (last && flight->error != NULL) { /* first of all: its drop may be in code that the function holds */
			error = flight->error;
			flight->error = NULL;
			flight->users = 1;
			tn_unlock();
			tn_failure_put(error);
			continue;
		}
		if (last) {
			flight->recording = NULL;
			flight->failure = NULL;
			flight->parent = NULL;
			flight->life = 0;
			if (flight->function != NULL)
				tn_function_put_locked(flight->function);
			tn_pool_put_locked(&tn_core.flights, flight);
		}
		tn_unlock();
		if (!last)
			return;
		tn_recording_put(recording);
		tn_free(failure);
		flight = parent;
	}
}

void tn_flight_describe(const tenure_call *flight, char *text, size_t room)
{
	char arguments[256];

	tn_key_format(flight->definition, tenure_key_of_(&flight->entry->head), flight->entry->head.key_size, arguments,
		      sizeof(arguments));
	snprintf(text, room, "%s(%s)", flight->definition->name, arguments);
}

/* ---- cycles */

/* What is over needs nobody: a helper may still be at work in it. */
static bool works_for(const tenure_call *inside, const tenure_call *flight)
{
	for (; inside != NULL && !inside->ended; inside = inside->parent) {
		if (inside == flight)
			return true;
	}
	return false;
}

enum { CHAIN_MOST = 16 };

static size_t append_step(const tenure_call *flight, char *chain, size_t room, size_t length)
{
	char step[300];
	int written;

	tn_flight_describe(flight, step, sizeof(step));
	if (length >= room)
		return length;
	written = snprintf(chain + length, room - length, "%s%s", length == 0 ? "" : " -> ", step);
	return written < 0 ? length : length + (size_t)written;
}

/* closing ... inside -> wanted ... closing: the ring in the order in which each waits for the next. */
static void describe_ring(tenure_call *closing, tenure_call *inside, char *chain, size_t room)
{
	tenure_call *steps[CHAIN_MOST];
	size_t count = 0, length = 0;

	for (tenure_call *at = inside; at != closing && count < CHAIN_MOST; at = at->parent)
		steps[count++] = at;
	length = append_step(closing, chain, room, length);
	while (count > 0)
		length = append_step(steps[--count], chain, room, length);
	for (tenure_call *at = closing; at != NULL && count < CHAIN_MOST; at = at->found_from)
		steps[count++] = at;
	while (count > 0)
		length = append_step(steps[--count], chain, room, length);
}

bool tn_flight_cycle_locked(tenure_call *wanted, tenure_call *inside, char *chain, size_t room)
{
	tenure_call **end = &wanted->next_found, *at;
	uint64_t search;

	tn_assert_locked();
	if (inside == NULL)
		return false;
	search = ++tn_core.searches;
	wanted->mark = search;
	wanted->found_from = wanted->next_found = NULL;
	for (at = wanted; at != NULL; at = at->next_found) {
		struct tn_waiter *waiter;

		if (works_for(inside, at)) {
			describe_ring(at, inside, chain, room);
			return true;
		}
		tn_list_for_each(waiter, &tn_core.waiters, struct tn_waiter, in_core) {
			tenure_call *next = waiter->flight;

			if (next->mark == search || next->ended || !works_for(waiter->inside, at))
				continue;
			next->mark = search;
			next->found_from = at;
			next->next_found = NULL;
			*end = next;
			end = &next->next_found;
		}
	}
	return false;
}

/* ---- waiting */

static int64_t tick_of(const tenure_front *front)
{
	return front->tick > 0 ? front->tick : 100000000;
}

/* When the front wants to be called next; TN_NEVER: it does not. */
static int64_t next_tick(const tenure_call *flight, const tenure_front *front, int64_t elapsed)
{
	if (front->wait == NULL || flight->spinner == NULL || flight->validation)
		return TN_NEVER;
	return elapsed < 0 ? tn_time_add(flight->started, front->delay) :
			     tn_time_add(flight->started, tn_time_add(elapsed, tick_of(front)));
}

/* `progress`: the flight's, copied under M, since the creator goes on saying how far it is. */
static tenure_activity activity_of(const tenure_call *flight, const struct tn_progress *progress, int64_t elapsed)
{
	return (tenure_activity){
		.function = flight->definition->name,
		.text = flight->spinner,
		.elapsed = elapsed,
		.show_time = flight->show_time,
		.progress = progress->text,
		.fraction = progress->fraction,
		.id = flight->id,
	};
}

static int show(const tenure_call *flight, const struct tn_progress *progress, const tenure_front *front,
		struct tn_visit visit, int64_t elapsed)
{
	tenure_activity activity = activity_of(flight, progress, elapsed);
	struct tn_turn turn = tn_front_enter(visit);
	int result = front->wait(turn.front_user, &activity);

	tn_front_leave(&turn);
	return result <= 0 ? result : TENURE_ETIMEDOUT; /* a result is negative */
}

static void show_end(const tenure_call *flight, const struct tn_progress *progress, const tenure_front *front,
		     struct tn_visit visit, int64_t elapsed)
{
	tenure_activity activity = activity_of(flight, progress, elapsed);
	struct tn_turn turn;

	if (front->done == NULL)
		return;
	turn = tn_front_enter(visit);
	front->done(turn.front_user, &activity);
	tn_front_leave(&turn);
}

static const tenure_front no_front;

/* One wait: what has to be undone when its thread ends inside the front. */
struct wait {
	tenure_call *flight;
	struct tn_waiter *waiter;
	const tenure_front *front;
	bool shown; /* the front is to be told of the end */
};

static void leave_locked(struct tn_waiter *waiter)
{
	tn_list_remove(&waiter->in_flight);
	tn_list_remove(&waiter->in_core);
}

static int64_t elapsed_locked(const tenure_call *flight)
{
	return tn_cache_time_locked(flight->function->cache) - flight->started;
}

/* Tell the front that it is over. Once: should the thread end in here, nobody tells it again. */
static void end_shown(struct wait *wait)
{
	struct tn_progress progress;
	int64_t elapsed;

	if (!wait->shown)
		return;
	wait->shown = false;
	tn_lock();
	progress = wait->flight->progress;
	elapsed = elapsed_locked(wait->flight);
	tn_unlock();
	show_end(wait->flight, &progress, wait->front, tn_context()->visit, elapsed);
}

static void thread_lost(void *pointer)
{
	struct wait *wait = pointer;
	tenure_call *flight = wait->flight;
	bool granted;

	if (tn_forked_since(flight->generation))
		return;
	end_shown(wait);
	tn_lock();
	leave_locked(wait->waiter);
	granted = wait->waiter->granted;
	tn_unlock();
	if (granted)
		tenure_unpin_(&flight->entry->grant);
	tn_flight_put(flight);
}

/* The front's turn, with M let go: it waits, or (`end`) has waited. */
static int show_unlock_lock(struct wait *wait, bool end)
{
	struct tn_progress progress = wait->flight->progress;
	int64_t elapsed = elapsed_locked(wait->flight);
	int result = 0;

	tn_unlock();
	pthread_cleanup_push(thread_lost, wait);
	if (end) {
		end_shown(wait);
	} else {
		wait->shown = true;
		result = show(wait->flight, &progress, wait->front, tn_context()->visit, elapsed);
	}
	pthread_cleanup_pop(0);
	tn_lock();
	return tn_forked_since(wait->flight->generation) ? TENURE_EFORKED : result;
}

int tn_flight_wait_unlock_lock(tenure_call *flight, struct tn_waiter *waiter, int64_t deadline)
{
	tenure_cache *cache = flight->function->cache;
	const tenure_front *front = tn_front(cache) == NULL ? &no_front : tn_front(cache);
	struct wait wait = { .flight = flight, .waiter = waiter, .front = front };
	int64_t now, tick = next_tick(flight, front, -1);
	int result = 0;

	waiter->flight = flight;
	waiter->inside = tn_flight_inside_locked();
	waiter->granted = waiter->sent_away = false;
	flight->users++;
	flight->function->waits++;
	if (deadline > flight->patience)
		flight->patience = deadline;
	tn_list_insert_tail(&flight->waiters, &waiter->in_flight);
	tn_list_insert_tail(&tn_core.waiters, &waiter->in_core);
	TN_FAULT("flight.enrolled");
	while (!flight->ended && result == 0) {
		now = tn_cache_time_locked(cache);
		if (now >= deadline) {
			result = TENURE_ETIMEDOUT;
		} else if (now >= tick) {
			result = show_unlock_lock(&wait, false);
			if (tn_forked_since(flight->generation))
				return TENURE_EFORKED; /* in the child: the waiter is in no list any more */
			waiter->sent_away = result != 0;
			tick = next_tick(flight, front, now - flight->started);
		} else {
			tn_worker_wait_unlock_lock(cache, &flight->changed, tick < deadline ? tick : deadline);
		}
	}
	if (wait.shown && show_unlock_lock(&wait, true) == TENURE_EFORKED)
		return TENURE_EFORKED;
	if (waiter->granted)
		result = 0;
	leave_locked(waiter);
	return result;
}

uint64_t tn_flight_grant_all_locked(tenure_call *flight)
{
	struct tn_waiter *waiter;
	uint64_t count = 0;

	tn_list_for_each(waiter, &flight->waiters, struct tn_waiter, in_flight) {
		waiter->granted = true;
		count++;
	}
	return count;
}

void tn_flight_end_locked(tenure_call *flight, int result, bool abandoned)
{
	tn_assert_locked();
	flight->result = result;
	flight->abandoned = abandoned;
	flight->ended = true;
	tn_list_remove(&flight->in_cache);
	tn_cond_broadcast(&flight->changed);
	tn_cond_broadcast(&flight->function->cache->settled);
}

/* ---- the leader's side of the front */

int tn_flight_show_start(tenure_call *flight)
{
	const tenure_front *front = tn_front(flight->function->cache);
	static const struct tn_progress none = { .fraction = -1 };

	if (flight->detached || front == NULL || front->wait == NULL || flight->spinner == NULL)
		return 0; /* detached: those who wait for it show it */
	flight->shown = true;
	flight->shown_next = tn_time_add(flight->started, tick_of(front));
	return show(flight, &none, front, flight->visit, 0);
}

void tn_flight_show_end(tenure_call *flight, int64_t elapsed)
{
	struct tn_progress progress;

	if (!flight->shown)
		return;
	flight->shown = false;
	tn_lock();
	progress = flight->progress;
	tn_unlock();
	show_end(flight, &progress, flight->function->cache->options.front, flight->visit, elapsed);
}

void tn_flight_progress(tenure_call *flight, double fraction, const char *text)
{
	const struct tn_context *context = tn_context();
	struct tn_progress progress;
	int64_t now;
	bool own;

	tn_lock(); /* wakes nobody: who waits looks at its next tick */
	own = works_for(tn_flight_inside_locked(), flight) && !context->attached;
	flight->progress.fraction = fraction;
	if (text != NULL)
		memcpy(flight->progress.text, text, TN_PROGRESS_ROOM);
	progress = flight->progress;
	tn_unlock();
	/* A helper thread is not the one that the front was told of. */
	if (!own || !flight->shown)
		return;
	now = tn_cache_time(flight->function->cache);
	if (now < flight->shown_next)
		return;
	flight->shown_next = tn_time_add(now, tick_of(flight->function->cache->options.front));
	show(flight, &progress, flight->function->cache->options.front, flight->visit, now - flight->started);
}
