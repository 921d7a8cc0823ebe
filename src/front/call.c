/* SPDX-License-Identifier: Apache-2.0 */
/* call.c: the public calls of a running creator: say, ask, fail, keep. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "core/context.h"
#include "core/failure.h"
#include "core/flight.h"
#include "core/holder.h"
#include "core/lease.h"
#include "core/recording.h"
#include "core/worker.h"
#include "front/guard.h"

/* A call of the parent's, in a forked child, does nothing: its creation counts for nothing there. */
static bool foreign(const tenure_call *call)
{
	return call == NULL || tn_forked_since(call->generation);
}

/* Allocated: the caller frees. NULL: no memory. */
static char *format_text(const char *format, va_list arguments, size_t *ret_size)
{
	va_list again;
	char *text;
	int size;

	va_copy(again, arguments);
	size = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = size < 0 ? NULL : tn_alloc((size_t)size + 1);
	if (text != NULL)
		vsnprintf(text, (size_t)size + 1, format, arguments);
	*ret_size = text == NULL ? 0 : (size_t)size;
	return text;
}

static int out_of_memory(tenure_call *call)
{
	tn_lock();
	call->out_of_memory = true;
	tn_unlock();
	return tn_fail(TENURE_ENOMEM, "out of memory for a message, an input or a failure of %s()", call->definition->name);
}

/* validate has no call of its own: NULL there means the one that this thread runs. */
static tenure_call *or_validation(tenure_call *call)
{
	const struct tn_context *context = tn_context();

	return call == NULL && context->callback == TN_IN_VALIDATE ? context->inside : call;
}

int tenure_fail(tenure_call *call, const char *format, ...)
{
	va_list arguments;
	char *text, *old;
	size_t size;

	call = or_validation(call);
	if (foreign(call))
		return -1;
	va_start(arguments, format);
	text = format_text(format, arguments, &size);
	va_end(arguments);
	tn_lock();
	old = text;
	if (call->front_error == 0) { /* else the words are the front's */
		old = call->failure;
		call->failure = text;
	}
	tn_unlock();
	tn_free(old);
	return -1;
}

int tenure_fail_with(tenure_call *call, void *error, void (*drop)(void *error))
{
	struct tn_failure *failure, *old;

	call = or_validation(call);
	if (error == NULL)
		return -1;
	failure = foreign(call) ? NULL : tn_failure_new(error, drop);
	if (failure == NULL) {
		tn_failure_drop_error(error, drop);
		if (!foreign(call))
			out_of_memory(call);
		return -1;
	}
	tn_lock();
	old = call->error;
	call->error = failure;
	tn_unlock();
	tn_failure_put(old);
	return -1;
}

void *tenure_failure(void)
{
	return tn_failure_last();
}

void tenure_failure_drop(void)
{
	tn_failure_let_go();
}

int tenure_abandon(tenure_call *call)
{
	if (!foreign(call)) {
		tn_lock();
		call->gave_up = true;
		tn_unlock();
	}
	return -1;
}

void tenure_call_set_ttl(tenure_call *call, int64_t ttl)
{
	if (foreign(call))
		return;
	tn_lock();
	call->ttl = ttl;
	call->ttl_set = true;
	tn_unlock();
}

int tenure_call_keep_lease(tenure_call *call, tenure_lease *lease)
{
	int result;

	if (foreign(call))
		return tn_fail(TENURE_EFORKED, "this creation belongs to the parent process");
	if (lease == NULL || lease->cell_ == NULL)
		return tn_fail(TENURE_ENOTHELD, "the lease to keep is empty");
	result = tn_lease_check(lease);
	if (result != 0)
		return result;
	if (!tn_recording_keep(call->recording, lease))
		return tn_fail(TENURE_ENOMEM, "out of memory to keep a lease; it is still yours");
	if (tn_tracked(lease))
		tn_holder_keep(lease);
	*lease = (tenure_lease){ .resource = NULL };
	return 0;
}

bool tenure_call_cancelled(tenure_call *call)
{
	bool cancelled;

	if (foreign(call))
		return true;
	tn_lock();
	/* The leader waits too, but with its own time only: it is what runs the creator. */
	cancelled = call->function->cache->closing || (call->quiet && call->cleared) ||
		    (tn_list_empty(&call->waiters) && tn_cache_time_locked(call->function->cache) >= call->patience);
	tn_unlock();
	return cancelled;
}

int64_t tenure_call_remaining(tenure_call *call)
{
	int64_t now, remaining;

	if (foreign(call))
		return 0;
	tn_lock();
	now = tn_cache_time_locked(call->function->cache);
	remaining = call->patience == TN_NEVER ? TN_NEVER : call->patience > now ? call->patience - now : 0;
	tn_unlock();
	return remaining;
}

void tenure_progress(tenure_call *call, double fraction, const char *format, ...)
{
	char text[TN_PROGRESS_ROOM];
	va_list arguments;

	if (foreign(call))
		return;
	memset(text, 0, sizeof(text));
	if (format != NULL) {
		va_start(arguments, format);
		vsnprintf(text, sizeof(text), format, arguments);
		va_end(arguments);
		tn_text_trim(text);
	}
	if (!(fraction >= 0)) /* not a number, too */
		fraction = -1;
	tn_flight_progress(call, fraction > 1 ? 1 : fraction, format == NULL ? NULL : text);
}

/* Show a message that was recorded (NULL: there was no memory). Nothing is held meanwhile that a thread which ends in the
 * front would leave behind. */
static int show(tenure_call *call, const struct tn_item *item)
{
	const tenure_front *front = call->function->cache->options.front;
	struct tn_turn turn;

	if (item == NULL)
		return out_of_memory(call);
	if (front == NULL || front->message == NULL)
		return 0;
	turn = tn_front_enter(call->visit);
	front->message(turn.front_user, item->kind, item->data, item->size, false);
	tn_front_leave(&turn);
	return 0;
}

int tenure_say(tenure_call *call, int kind, const char *format, ...)
{
	va_list arguments;
	const struct tn_item *item;
	size_t size;
	char *text;

	if (foreign(call))
		return tn_fail(TENURE_EFORKED, "this creation belongs to the parent process");
	if (kind < TENURE_TEXT || kind > TENURE_ERROR)
		return tn_fail(TENURE_EINVAL, "tenure_say() knows the kinds TENURE_TEXT to TENURE_ERROR, not %d; the front's own "
			       "go through tenure_emit()", kind);
	va_start(arguments, format);
	text = format_text(format, arguments, &size);
	va_end(arguments);
	if (text == NULL)
		return out_of_memory(call);
	if (call->quiet) { /* a refresh: the recording of what it refreshes stays */
		tn_free(text);
		return 0;
	}
	item = tn_recording_say(call->recording, kind, text, size);
	tn_free(text);
	return show(call, item);
}

int tenure_emit(tenure_call *call, int kind, const void *data, size_t size)
{
	if (foreign(call))
		return tn_fail(TENURE_EFORKED, "this creation belongs to the parent process");
	if (kind < TENURE_FRONT || (data == NULL && size != 0))
		return tn_fail(TENURE_EINVAL, "tenure_emit() takes kinds from TENURE_FRONT (%d) up, and data that is not NULL",
			       TENURE_FRONT);
	return call->quiet ? 0 : show(call, tn_recording_say(call->recording, kind, data, size));
}

/* The front has no value for an input: whatever its creator makes of that, the creation fails with what the front says. */
static void fail_with_front(tenure_call *call, const char *label, int result)
{
	static const char format[] = "the front could not ask for the input \"%.100s\" of %s()";
	size_t room = sizeof(format) + 100 + strlen(call->definition->name);
	char *text = tn_alloc(room), *old;

	if (text != NULL)
		snprintf(text, room, format, label, call->definition->name);
	tn_lock();
	old = text;
	if (call->front_error == 0) { /* the first one counts */
		call->front_error = result < 0 ? result : TENURE_EFAILED;
		old = call->failure;
		call->failure = text;
	}
	tn_unlock();
	tn_free(old);
}

/* The recorded input with its value, from now on the same one; or NULL: foreign, no memory, an error of the front. */
static const struct tn_input *ask(tenure_call *call, const char *label, const tenure_value low_high_preset[3])
{
	const tenure_front *front;
	const struct tn_input *input;
	tenure_value value = low_high_preset[2];
	struct tn_turn turn;
	int result = 0;

	if (foreign(call) || label == NULL)
		return NULL;
	input = tn_recording_find(call->recording, label, low_high_preset);
	if (input != NULL || call->quiet) /* a refresh has its entry's answers; to anything else the preset */
		return input;
	front = call->function->cache->options.front;
	if (front != NULL && front->ask != NULL) {
		turn = tn_front_enter(call->visit);
		if (turn.open)
			result = front->ask(turn.front_user, label, low_high_preset, &value);
		tn_front_leave(&turn);
		if (foreign(call))
			return NULL;
		if (result != 0) {
			fail_with_front(call, label, result);
			return NULL;
		}
	}
	input = tn_recording_ask(call->recording, label, low_high_preset, tn_input_accept(low_high_preset, value));
	if (input == NULL)
		out_of_memory(call);
	return input;
}

bool tenure_ask_bool(tenure_call *call, const char *label, bool preset)
{
	const tenure_value question[3] = { tenure_nil(), tenure_nil(), tenure_bool(preset) };
	const struct tn_input *input = ask(call, label, question);

	return input == NULL ? preset : input->value.as.truth;
}

double tenure_ask_number(tenure_call *call, const char *label, double low, double high, double preset)
{
	const tenure_value question[3] = { tenure_real(low), tenure_real(high), tenure_real(preset) };
	const struct tn_input *input = ask(call, label, question);

	return input == NULL ? preset : input->value.as.real;
}

const char *tenure_ask_text(tenure_call *call, const char *label, const char *preset)
{
	const tenure_value question[3] = { tenure_nil(), tenure_nil(), tenure_string(preset == NULL ? "" : preset) };
	const struct tn_input *input = ask(call, label, question);

	if (input == NULL)
		return preset == NULL ? "" : preset;
	return input->value.as.data;
}

int tenure_call_attach(tenure_call *call)
{
	struct tn_context *context = tn_context();
	bool over, busy;

	if (foreign(call))
		return tn_fail(TENURE_EFORKED, "this creation belongs to the parent process");
	tn_lock();
	busy = tn_flight_inside_locked() != NULL || context->attached || context->callback != TN_OUTSIDE;
	over = call->life == 0 || call->ended;
	if (!busy && !over) {
		context->inside = context->attached_to = call;
		context->attached = true;
		context->attached_life = call->life;
	}
	tn_unlock();
	if (busy)
		return tn_fail(TENURE_EREENTRANT, "this thread is inside a creation or a callback already");
	return over ? tn_fail(TENURE_EREENTRANT, "that creation is over") : 0;
}

int tenure_call_detach(tenure_call *call)
{
	struct tn_context *context = tn_context();

	if (call == NULL || context->attached_to != call || (context->attached && context->inside != call))
		return tn_fail(TENURE_EREENTRANT, "this thread is not attached to that creation");
	if (context->attached) /* else it is over by now */
		context->inside = NULL;
	context->attached = false;
	context->attached_to = NULL;
	return 0;
}
