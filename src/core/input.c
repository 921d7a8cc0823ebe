/* SPDX-License-Identifier: Apache-2.0 */
/* input.c: a question that a creator asked, with the value it got. */
#include "core/input.h"

#include <string.h>

#include "base/alloc.h"

/* A copy of a value of an input: a text is copied, what else there is holds no pointer. */
static bool copy_value(tenure_value *ret, tenure_value value)
{
	char *text;

	*ret = value;
	if (value.kind != TENURE_STRING)
		return true;
	text = tn_alloc(value.size + 1);
	if (text != NULL && value.size != 0)
		memcpy(text, value.as.data, value.size);
	ret->as.data = text;
	return text != NULL;
}

static void free_input(struct tn_input *input)
{
	if (input->value.kind == TENURE_STRING) {
		tn_free((void *)(uintptr_t)input->value.as.data);
		tn_free((void *)(uintptr_t)input->low_high_preset[2].as.data);
	}
	tn_free(input->label);
	tn_free(input);
}

struct tn_input *tn_input_new(const char *label, const tenure_value low_high_preset[3], tenure_value value)
{
	struct tn_input *input = tn_alloc(sizeof(*input));

	if (input == NULL)
		return NULL;
	input->users = 1;
	memcpy(input->low_high_preset, low_high_preset, sizeof(input->low_high_preset));
	input->label = tn_strdup(label);
	input->value.kind = low_high_preset[2].kind; /* so that free_input() knows, whatever fails below */
	input->low_high_preset[2].as.data = NULL;
	if (input->label != NULL && copy_value(&input->low_high_preset[2], low_high_preset[2]) &&
	    copy_value(&input->value, value))
		return input;
	free_input(input);
	return NULL;
}

void tn_input_put(struct tn_input *input)
{
	bool last;

	if (input == NULL)
		return;
	tn_lock();
	last = --input->users == 0;
	tn_unlock();
	if (last)
		free_input(input);
}

bool tn_value_same(const tenure_value *a, const tenure_value *b)
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

uint64_t tn_value_hash(const tenure_value *value)
{
	uint64_t hash = tenure_mix_word_(tn_core.seeds, value->kind);

	switch (value->kind) {
	case TENURE_BOOL:
		return tenure_mix_word_(hash, value->as.truth);
	case TENURE_STRING:
		return tenure_mix_bytes_(hash, value->as.data, value->size);
	default:
		return tenure_mix_word_(hash, value->as.natural);
	}
}

bool tn_input_same(const struct tn_input *a, const struct tn_input *b)
{
	if (strcmp(a->label, b->label) != 0)
		return false;
	for (int i = 0; i < 3; i++) {
		if (!tn_value_same(&a->low_high_preset[i], &b->low_high_preset[i]))
			return false;
	}
	return true;
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
