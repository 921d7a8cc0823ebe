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
		recording->path_end = &recording->path;
		recording->users = 1;
	}
	return recording;
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
		tn_input_put(item->input);
		tn_free(item);
	}
	tn_tree_free(recording->path, recording->spare_tree);
	tn_tree_free(recording->dead, recording->dead_tree);
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

static const struct tn_input *find(const struct tn_recording *recording, const struct tn_input *input)
{
	for (const struct tn_item *item = recording->first; item != NULL; item = item->next) {
		if (item->input != NULL && tn_input_same(item->input, input))
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

/* The memory for one more step of a path. */
struct step {
	struct tn_item *item; /* with its input */
	struct tn_node *node;
	struct tn_tree *tree;
};

static void drop_step(struct step *step)
{
	if (step->item != NULL)
		tn_input_put(step->item->input);
	tn_free(step->item);
	tn_tree_free(step->node, step->tree);
}

static bool reserve_step(struct step *step, const struct tn_recording *recording, const char *label,
			 const tenure_value low_high_preset[3], tenure_value value)
{
	step->item = tn_alloc(sizeof(*step->item));
	if (step->item == NULL)
		return false;
	step->item->input = tn_input_new(label, low_high_preset, value);
	if (step->item->input == NULL)
		return false;
	if (recording->answers)
		return true;
	step->node = tn_tree_node(step->item->input);
	step->tree = tn_tree_new();
	if (step->node == NULL)
		return false;
	step->item->input->users++; /* the node's */
	return step->tree != NULL;
}

static void add_step_locked(struct step *step, struct tn_recording *recording)
{
	append_locked(recording, step->item);
	step->item = NULL;
	if (recording->answers)
		return;
	*recording->path_end = step->node;
	recording->path_end = &step->node->branches;
	step->node = NULL;
	if (recording->spare_tree == NULL) {
		recording->spare_tree = step->tree;
		step->tree = NULL;
	}
}

const struct tn_input *tn_recording_ask(struct tn_recording *recording, const char *label,
					const tenure_value low_high_preset[3], tenure_value value)
{
	struct step step = { .item = NULL };
	const struct tn_input *input = NULL;

	if (reserve_step(&step, recording, label, low_high_preset, value)) {
		tn_lock();
		input = find(recording, step.item->input);
		if (input == NULL) {
			input = step.item->input;
			add_step_locked(&step, recording);
		}
		tn_unlock();
	}
	drop_step(&step);
	return input;
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
		if (!tn_value_same(&answer->value, &item->input->value))
			return TN_DIFFERS;
	}
	return TN_MATCHES;
}

enum tn_match tn_recording_follow_locked(struct tn_tree *tree, const struct tn_answers *answers, struct tn_node **ret_node)
{
	struct tn_node *node = &tree->root;

	while (node->question != NULL) {
		const struct tn_input *answer = answer_to(answers, node->question);

		*ret_node = node;
		if (answer == NULL)
			return TN_ASK;
		node = tn_tree_branch_locked(node, &answer->value);
		if (node == NULL)
			return TN_DIFFERS;
	}
	*ret_node = node;
	return TN_MATCHES;
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
	answers->recording->answers = true;
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
