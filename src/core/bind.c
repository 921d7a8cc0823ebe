/* SPDX-License-Identifier: Apache-2.0 */
/* bind.c: arguments as they were given become what a definition's key and creator are made of. */
#include "core/bind.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/fault.h"
#include "core/key.h"

/* ---- from a list to its parameters */

/* "a, b and c", for who gave a name that is none of them. */
static void list_names(const tenure_definition *definition, char *text, size_t room)
{
	size_t length = 0, count = definition->parameter_count;

	snprintf(text, room, "it has no parameters");
	for (size_t i = 0; i < count && length < room; i++)
		length += (size_t)snprintf(text + length, room - length, "%s%s", i == 0 ? "it has " : i + 1 == count ? " and " : ", ",
					   definition->parameters[i].name);
}

/* The parameter of this name, or parameter_count. Bindings give them in order, with the definition's own texts. */
static size_t find_parameter(const tenure_definition *definition, const char *name, size_t guess)
{
	if (guess < definition->parameter_count && definition->parameters[guess].name == name)
		return guess;
	for (size_t i = 0; i < definition->parameter_count; i++) {
		if (strcmp(definition->parameters[i].name, name) == 0)
			return i;
	}
	return definition->parameter_count;
}

static int refuse(const tenure_definition *definition, const tenure_parameter *parameter, const char *what)
{
	return tn_fail(TENURE_EARGUMENT, "%s(): the argument %s (%s) %s", definition->name, parameter->name,
		       tn_parameter_type(parameter), what);
}

/* Is it of the parameter's kind? Numbers of either sign stand for each other where they fit. */
static bool take_kind(const tenure_parameter *parameter, tenure_value *value)
{
	if (value->kind == parameter->kind || parameter->kind >= TENURE_VALUE)
		return true;
	if (!((parameter->kind == TENURE_INT && value->kind == TENURE_UINT) ||
	      (parameter->kind == TENURE_UINT && value->kind == TENURE_INT)) || value->as.integer < 0)
		return false;
	value->kind = parameter->kind;
	return true;
}

static int refuse_kind(const tenure_definition *definition, const tenure_parameter *parameter, uint32_t kind)
{
	char what[100];

	snprintf(what, sizeof(what), "is given as %s; it takes %s", tn_kind_name(kind), tn_kind_name(parameter->kind));
	return refuse(definition, parameter, what);
}

static int take_item(struct tn_bound *bound, const tenure_definition *definition, size_t i, const tenure_argument *given)
{
	const tenure_parameter *parameter = &definition->parameters[i];
	tenure_argument *item = &bound->items[i];

	if (item->name != NULL)
		return refuse(definition, parameter, "is given twice");
	*item = *given;
	item->name = parameter->name;
	if (parameter->kind == TENURE_OBJECT && tn_parameter_keyed(parameter) && item->object == NULL)
		return refuse(definition, parameter, "has no object");
	if (tn_parameter_keyed(parameter) && !take_kind(parameter, &item->value))
		return refuse_kind(definition, parameter, given->value.kind);
	return 0;
}

static int take_preset(struct tn_bound *bound, const tenure_definition *definition, size_t i)
{
	const tenure_parameter *parameter = &definition->parameters[i];

	if (parameter->preset.kind == TENURE_NIL && tn_parameter_keyed(parameter))
		return refuse(definition, parameter, "is missing");
	bound->items[i] = (tenure_argument){ .name = parameter->name, .value = parameter->preset };
	return 0;
}

static int bind_list(struct tn_bound *bound, const tenure_definition *definition, const tenure_argument_list *list)
{
	size_t count = definition->parameter_count;
	bool named = false;
	char names[300];
	int result = 0;

	TN_FAULT("bind.list");
	if (list->items == NULL && list->count != 0)
		return tn_fail(TENURE_EARGUMENT, "%s(): a list of %zu arguments without items", definition->name, list->count);
	for (size_t i = 0; i < count; i++)
		bound->items[i].name = NULL;
	for (size_t i = 0; i < list->count && result == 0; i++) {
		const tenure_argument *given = &list->items[i];
		size_t at = given->name == NULL ? i : find_parameter(definition, given->name, i);

		named = named || given->name != NULL;
		if (named && given->name == NULL)
			return tn_fail(TENURE_EARGUMENT, "%s(): the %zuth argument has no name, but follows one that has",
				       definition->name, i + 1);
		if (at < count) {
			result = take_item(bound, definition, at, given);
			continue;
		}
		list_names(definition, names, sizeof(names));
		if (given->name != NULL)
			return tn_fail(TENURE_EARGUMENT, "%s() has no parameter %s; %s", definition->name, given->name, names);
		return tn_fail(TENURE_EARGUMENT, "%s() is given %zu arguments; %s", definition->name, list->count, names);
	}
	for (size_t i = 0; i < count && result == 0; i++) {
		if (bound->items[i].name == NULL)
			result = take_preset(bound, definition, i);
	}
	bound->list = (tenure_argument_list){ .head = { 0, list->head.place }, .count = count, .items = bound->items };
	bound->arguments = &bound->list.head;
	return result;
}

/* ---- from parameters to a structure */

/* The text with a NUL behind it: in the room where it fits, else in memory of its own, all in one block. */
static int put_text(struct tn_bound *bound, const tenure_definition *definition, const tenure_parameter *parameter,
		    const tenure_value *value, void *at)
{
	char *copy;

	if (value->as.data == NULL)
		return refuse(definition, parameter, "is NULL");
	if (memchr(value->as.data, 0, value->size) != NULL)
		return refuse(definition, parameter, "has a zero byte inside, which a char * cannot carry");
	copy = (char *)bound->memory + bound->used;
	memcpy(copy, value->as.data, value->size);
	copy[value->size] = '\0';
	bound->used += value->size + 1;
	memcpy(at, &copy, sizeof(copy));
	return 0;
}

static int put_number(const tenure_definition *definition, const tenure_parameter *parameter, const tenure_value *value,
		      void *at)
{
	unsigned bits = 8 * (unsigned)parameter->size;
	bool fits = bits == 64 || (parameter->kind == TENURE_UINT ? value->as.natural >> bits == 0 :
				   value->as.integer >> (bits - 1) == 0 || value->as.integer >> (bits - 1) == -1);

	if (!fits)
		return refuse(definition, parameter, "does not fit into its type");
	memcpy(at, &value->as, parameter->size); /* little-endian, as the key's encoding */
	return 0;
}

static int put_member(struct tn_bound *bound, const tenure_definition *definition, size_t i, void *at)
{
	const tenure_parameter *parameter = &definition->parameters[i];
	const tenure_argument *item = &bound->items[i];
	tenure_value value = item->value;
	float single;

	if (item->object != NULL && (parameter->kind == TENURE_OBJECT || !tn_parameter_keyed(parameter))) {
		memcpy(at, item->object, parameter->size);
		return 0;
	}
	if (value.kind == TENURE_NIL && !tn_parameter_keyed(parameter))
		return 0; /* left out: zero */
	if (!take_kind(parameter, &value))
		return refuse_kind(definition, parameter, value.kind);
	switch (parameter->kind) {
	case TENURE_BOOL:
		memcpy(at, &value.as.truth, sizeof(bool));
		return 0;
	case TENURE_INT:
	case TENURE_UINT:
		return put_number(definition, parameter, &value, at);
	case TENURE_REAL:
		single = (float)value.as.real;
		memcpy(at, parameter->size == sizeof(single) ? (const void *)&single : &value.as.real, parameter->size);
		return 0;
	case TENURE_STRING:
		return put_text(bound, definition, parameter, &value, at);
	case TENURE_BYTES:
		memcpy(at, &(tenure_bytes){ value.as.data, value.size }, sizeof(tenure_bytes));
		return 0;
	case TENURE_VALUE:
		memcpy(at, &value, sizeof(value));
		return 0;
	default:
		return refuse(definition, parameter, "has no object");
	}
}

static int build_structure(struct tn_bound *bound, const tenure_definition *definition)
{
	size_t size = definition->arguments_size, need = size;
	tenure_arguments head = { size, bound->list.head.place };
	int result = 0;

	for (size_t i = 0; i < definition->parameter_count; i++) {
		if (definition->parameters[i].kind == TENURE_STRING && bound->items[i].value.kind == TENURE_STRING)
			need += bound->items[i].value.size + 1;
	}
	bound->memory = need <= sizeof(bound->room) ? bound->room : tn_alloc(need);
	if (bound->memory == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the arguments of %s()", definition->name);
	memset(bound->memory, 0, size);
	memcpy(bound->memory, &head, sizeof(head));
	bound->used = size;
	bound->arguments = bound->memory;
	for (size_t i = 0; i < definition->parameter_count && result == 0; i++)
		result = put_member(bound, definition, i, (char *)bound->memory + definition->parameters[i].offset);
	return result;
}

int tn_bind(struct tn_bound *bound, const tenure_definition *definition, const tenure_arguments *given)
{
	int result;

	bound->memory = NULL;
	bound->arguments = given;
	if (given != NULL && given->size != 0 && given->size == definition->arguments_size)
		return 0;
	if (given == NULL || given->size != 0)
		return tn_fail(TENURE_EVERSION, "%s(): the arguments have another size than the definition knows; compile both "
			       "against the same declaration", definition->name);
	result = bind_list(bound, definition, (const tenure_argument_list *)(const void *)given);
	if (result == 0 && definition->arguments_size != 0)
		result = build_structure(bound, definition);
	if (result != 0)
		tn_bind_drop(bound);
	return result;
}

void tn_bind_drop(struct tn_bound *bound)
{
	if (bound->memory != bound->room)
		tn_free(bound->memory);
	bound->memory = NULL;
}
