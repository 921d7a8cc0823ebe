/* SPDX-License-Identifier: Apache-2.0 */
/* recording.c: what one creation said and asked. */
#include "core/recording.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

struct tn_recording *tn_recording_new(void)
{
	struct tn_recording *recording = tn_alloc(sizeof(*recording));

	if (recording != NULL) {
		recording->end = &recording->first;
		recording->users = 1;
	}
	return recording;
}

static void free_input(struct tn_input *input)
{
	if (input == NULL)
		return;
	if (input->value.kind == TENURE_STRING) {
		tn_free((void *)(uintptr_t)input->value.as.data);
		tn_free((void *)(uintptr_t)input->low_high_preset[2].as.data);
	}
	tn_free(input->label);
	tn_free(input);
}

void tn_recording_put(struct tn_recording *recording)
{
	struct tn_item *item, *next;
	bool last;

	if (recording == NULL)
		return;
	tn_lock();
	last = --recording->users == 0;
	tn_unlock();
	if (!last)
		return;
	for (item = recording->first; item != NULL; item = next) {
		next = item->next;
		free_input(item->input);
		tn_free(item);
	}
	tn_free(recording->kept);
	tn_free(recording);
}

/* Helper threads of the creator append too. */
static void append_locked(struct tn_recording *recording, struct tn_item *item)
{
	*recording->end = item;
	recording->end = &item->next;
	recording->messages += item->input == NULL;
	recording->inputs += item->input != NULL;
}

const struct tn_item *tn_recording_say(struct tn_recording *recording, int kind, const void *data, size_t size)
{
	struct tn_item *item = size > SIZE_MAX - sizeof(*item) - 1 ? NULL : tn_alloc(sizeof(*item) + size + 1);

	if (item == NULL)
		return NULL;
	item->kind = kind;
	item->size = size;
	if (size != 0)
		memcpy(item->data, data, size);
	tn_lock();
	append_locked(recording, item);
	tn_unlock();
	return item;
}

bool tn_recording_keep(struct tn_recording *recording, const tenure_lease *lease)
{
	tenure_lease *bigger, *old;
	size_t room;

	for (;;) {
		tn_lock();
		room = recording->kept_room;
		if (recording->kept_count < room) {
			recording->kept[recording->kept_count++] = *lease;
			tn_unlock();
			return true;
		}
		tn_unlock();
		bigger = tn_alloc((2 * room + 4) * sizeof(*bigger));
		if (bigger == NULL)
			return false;
		tn_lock();
		old = bigger;
		if (recording->kept_room == room) {
			old = recording->kept;
			if (old != NULL)
				memcpy(bigger, old, recording->kept_count * sizeof(*old));
			recording->kept = bigger;
			recording->kept_room = 2 * room + 4;
		}
		tn_unlock();
		tn_free(old);
	}
}

/* A copy of a value of an input: a text is copied, what else there is holds no pointer. */
static bool copy_value(tenure_value *ret, tenure_value value)
{
	*ret = value;
	if (value.kind != TENURE_STRING)
		return true;
	char *text = tn_alloc(value.size + 1);

	if (text != NULL && value.size != 0)
		memcpy(text, value.as.data, value.size);
	ret->as.data = text;
	return text != NULL;
}

static bool same_value(const tenure_value *a, const tenure_value *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case TENURE_BOOL:
		return a->as.truth == b->as.truth;
	case TENURE_STRING:
		return a->size == b->size && (a->size == 0 || memcmp(a->as.data, b->as.data, a->size) == 0);
	default:
		return a->as.natural == b->as.natural; /* the bits, so that NaN is itself */
	}
}

struct tn_recording *tn_recording_copy(const struct tn_recording *from)
{
	struct tn_recording *copy = tn_recording_new();
	const struct tn_item *item = copy == NULL || from == NULL ? NULL : from->first;
	bool whole = true;

	for (; item != NULL && whole; item = item->next)
		whole = item->input == NULL ? tn_recording_say(copy, item->kind, item->data, item->size) != NULL :
			tn_recording_ask(copy, item->input->label, item->input->low_high_preset, item->input->value) != NULL;
	if (whole)
		return copy;
	tn_recording_put(copy);
	return NULL;
}

/* Is it the same question? */
static bool same_input(const struct tn_input *a, const struct tn_input *b)
{
	if (strcmp(a->label, b->label) != 0)
		return false;
	for (int i = 0; i < 3; i++) {
		if (!same_value(&a->low_high_preset[i], &b->low_high_preset[i]))
			return false;
	}
	return true;
}

static const struct tn_input *find(const struct tn_recording *recording, const struct tn_input *input)
{
	for (const struct tn_item *item = recording->first; item != NULL; item = item->next) {
		if (item->input != NULL && same_input(item->input, input))
			return item->input;
	}
	return NULL;
}

const struct tn_input *tn_recording_find(const struct tn_recording *recording, const char *label,
					 const tenure_value low_high_preset[3])
{
	struct tn_input question = { .label = (char *)(uintptr_t)label };
	const struct tn_input *found;

	memcpy(question.low_high_preset, low_high_preset, sizeof(question.low_high_preset));
	tn_lock();
	found = find(recording, &question);
	tn_unlock();
	return found;
}

const struct tn_input *tn_recording_ask(struct tn_recording *recording, const char *label,
					const tenure_value low_high_preset[3], tenure_value value)
{
	struct tn_input *input = tn_alloc(sizeof(*input));
	struct tn_item *item = tn_alloc(sizeof(*item));
	const struct tn_input *same;

	if (input == NULL || item == NULL) {
		tn_free(input);
		tn_free(item);
		return NULL;
	}
	memcpy(input->low_high_preset, low_high_preset, sizeof(input->low_high_preset));
	input->label = tn_strdup(label);
	input->value.kind = low_high_preset[2].kind; /* so that free_input() knows, whatever fails below */
	input->low_high_preset[2].as.data = NULL;
	if (input->label == NULL || !copy_value(&input->low_high_preset[2], low_high_preset[2]) ||
	    !copy_value(&input->value, value)) {
		free_input(input);
		tn_free(item);
		return NULL;
	}
	item->input = input;
	tn_lock();
	same = find(recording, input);
	if (same == NULL)
		append_locked(recording, item);
	tn_unlock();
	if (same == NULL)
		return input;
	free_input(input);
	tn_free(item);
	return same;
}

void tn_answers_free(struct tn_answers *answers)
{
	tn_recording_put(answers->recording);
	answers->recording = NULL;
}

static const struct tn_input *answer_to(const struct tn_answers *answers, const struct tn_input *input)
{
	return answers->recording == NULL ? NULL : find(answers->recording, input); /* nobody else's: M is not needed */
}

enum tn_match tn_recording_match(const struct tn_recording *recording, const struct tn_answers *answers,
				 const struct tn_input **ret_input)
{
	const struct tn_item *item = recording == NULL ? NULL : recording->first;

	for (; item != NULL; item = item->next) {
		const struct tn_input *answer;

		if (item->input == NULL)
			continue;
		answer = answer_to(answers, item->input);
		if (answer == NULL) {
			*ret_input = item->input;
			return TN_ASK;
		}
		if (!same_value(&answer->value, &item->input->value))
			return TN_DIFFERS;
	}
	return TN_MATCHES;
}

static const struct tn_item *next_input(const struct tn_item *item)
{
	while (item != NULL && item->input == NULL)
		item = item->next;
	return item;
}

bool tn_recording_same_inputs(const struct tn_recording *a, const struct tn_recording *b)
{
	const struct tn_item *x = next_input(a == NULL ? NULL : a->first);
	const struct tn_item *y = next_input(b == NULL ? NULL : b->first);

	for (; x != NULL && y != NULL; x = next_input(x->next), y = next_input(y->next)) {
		if (!same_input(x->input, y->input) || !same_value(&x->input->value, &y->input->value))
			return false;
	}
	return x == y; /* both NULL */
}

tenure_value tn_input_accept(const tenure_value low_high_preset[3], tenure_value value)
{
	if (value.kind != low_high_preset[2].kind)
		return low_high_preset[2];
	if (value.kind == TENURE_STRING && value.as.data == NULL)
		return low_high_preset[2];
	if (value.kind == TENURE_REAL &&
	    !(value.as.real >= low_high_preset[0].as.real && value.as.real <= low_high_preset[1].as.real))
		return low_high_preset[2];
	return value;
}

int tn_recording_answer(struct tn_answers *answers, const struct tn_input *input, const tenure_front *front,
			struct tn_visit visit)
{
	tenure_value value = input->low_high_preset[2];
	struct tn_turn turn;
	int result = 0;

	if (answers->recording == NULL)
		answers->recording = tn_recording_new();
	if (answers->recording == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the value of the input \"%s\"", input->label);
	if (front != NULL && front->value != NULL) {
		turn = tn_front_enter(visit);
		if (turn.open)
			result = front->value(turn.front_user, input->label, input->low_high_preset, &value);
		tn_front_leave(&turn);
	}
	if (result != 0)
		return tn_fail(result < 0 ? result : TENURE_EFAILED,
			       "the front could not tell the value of the input \"%s\"", input->label);
	value = tn_input_accept(input->low_high_preset, value);
	if (tn_recording_ask(answers->recording, input->label, input->low_high_preset, value) == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the value of the input \"%s\"", input->label);
	return 0;
}

void tn_recording_replay(const struct tn_recording *recording, const tenure_front *front, struct tn_visit visit)
{
	struct tn_turn turn;

	if (recording == NULL || front == NULL || visit.session == NULL)
		return;
	turn = tn_front_enter(visit);
	for (const struct tn_item *item = turn.open ? recording->first : NULL; item != NULL; item = item->next) {
		tenure_value drawn;

		if (item->input == NULL && front->message != NULL)
			front->message(turn.front_user, item->kind, item->data, item->size, true);
		if (item->input != NULL && front->ask != NULL)
			front->ask(turn.front_user, item->input->label, item->input->low_high_preset, &drawn);
	}
	tn_front_leave(&turn);
}
