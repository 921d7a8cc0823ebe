/* SPDX-License-Identifier: Apache-2.0 */
/* arguments.c: deep copies of arguments, for what outlives the call that brought them. */
#include "core/arguments.h"

#include <string.h>

#include "base/alloc.h"
#include "core/key.h"

static void free_value(const tenure_value *value)
{
	const tenure_value *items = value->as.data;

	if (value->kind == TENURE_LIST || value->kind == TENURE_MAP) {
		for (size_t i = 0; items != NULL && i < value->size; i++)
			free_value(&items[i]);
	}
	if (value->kind >= TENURE_STRING && value->kind <= TENURE_MAP)
		tn_free((void *)(uintptr_t)value->as.data);
}

/* What it points to is copied too. On failure nothing is left but what free_value() of *ret finds. */
static bool copy_value(tenure_value *ret, const tenure_value *value)
{
	*ret = *value;
	if (value->kind == TENURE_STRING || value->kind == TENURE_BYTES) {
		char *copy = tn_alloc(value->size + 1);

		ret->as.data = copy;
		if (copy != NULL && value->size != 0)
			memcpy(copy, value->as.data, value->size);
		return copy != NULL;
	}
	if (value->kind == TENURE_LIST || value->kind == TENURE_MAP) {
		const tenure_value *items = value->as.data;
		tenure_value *copies = tn_alloc((value->size + 1) * sizeof(*copies));

		ret->as.data = copies;
		for (size_t i = 0; copies != NULL && i < value->size; i++) {
			if (!copy_value(&copies[i], &items[i]))
				return false;
		}
		return copies != NULL;
	}
	return true;
}

static bool copy_parameter(const tenure_parameter *parameter, void *at)
{
	tenure_bytes *bytes = at;
	tenure_value value;
	char *copy;
	bool copied;

	switch (parameter->kind) {
	case TENURE_STRING:
		copy = tn_strdup(*(const char **)at);
		*(const char **)at = copy;
		return copy != NULL;
	case TENURE_BYTES:
		copy = tn_alloc(bytes->size + 1);
		if (copy != NULL && bytes->size != 0)
			memcpy(copy, bytes->data, bytes->size);
		bytes->data = copy;
		return copy != NULL;
	case TENURE_VALUE_:
		value = *(tenure_value *)at;
		copied = copy_value(at, &value);
		return copied;
	default:
		return true;
	}
}

tenure_arguments *tn_arguments_copy(const tenure_definition *definition, const tenure_arguments *arguments)
{
	tenure_arguments *copy = tn_alloc(definition->arguments_size);
	bool failed = false;

	if (copy == NULL)
		return NULL;
	memcpy(copy, arguments, definition->arguments_size);
	for (size_t i = 0; i < definition->parameter_count; i++) {
		const tenure_parameter *parameter = &definition->parameters[i];
		char *at = (char *)copy + parameter->offset;

		if (!tn_parameter_keyed(parameter))
			continue;
		if (failed && parameter->kind >= TENURE_STRING && parameter->kind != TENURE_OBJECT_)
			memset(at, 0, parameter->size); /* so that nothing borrowed is freed */
		else if (!failed)
			failed = !copy_parameter(parameter, at);
	}
	if (!failed)
		return copy;
	tn_arguments_free(definition, copy);
	return NULL;
}

void tn_arguments_free(const tenure_definition *definition, tenure_arguments *copy)
{
	for (size_t i = 0; i < definition->parameter_count; i++) {
		const tenure_parameter *parameter = &definition->parameters[i];
		void *at = (char *)copy + parameter->offset;

		if (!tn_parameter_keyed(parameter))
			continue;
		if (parameter->kind == TENURE_STRING)
			tn_free(*(void **)at);
		else if (parameter->kind == TENURE_BYTES)
			tn_free((void *)(uintptr_t)((tenure_bytes *)at)->data);
		else if (parameter->kind == TENURE_VALUE_)
			free_value(at);
	}
	tn_free(copy);
}
