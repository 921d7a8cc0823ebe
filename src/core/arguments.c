/* SPDX-License-Identifier: Apache-2.0 */
/* arguments.c: deep copies of arguments, for what outlives the call that brought them.
 *
 * A copy is one block: the structure, and behind it all that it points to. So it is freed without knowing its definition,
 * which may be gone by then. The same walk runs twice: once to measure, once to write. */
#include "core/arguments.h"

#include <string.h>

#include "base/alloc.h"
#include "core/key.h"

enum { DEPTH_MOST = 64 }; /* keyed values are no deeper; '_' ones are not looked at before */

struct block {
	char *memory; /* NULL: only measure */
	size_t used;
	bool too_deep;
};

/* `size` bytes of `data` into the block, and a NUL behind them: where they stand there, or NULL while measuring. */
static void *put(struct block *block, const void *data, size_t size)
{
	char *at = block->memory == NULL ? NULL : block->memory + block->used;

	if (at != NULL && size != 0)
		memcpy(at, data, size);
	block->used += size / 16 * 16 + 16; /* aligned for values */
	return at;
}

static void put_leaf(struct block *block, const void **data, size_t size)
{
	const void *copy = *data == NULL ? NULL : put(block, *data, size);

	if (copy != NULL)
		*data = copy;
}

static void put_value(struct block *block, tenure_value *value, int depth)
{
	const tenure_value *items = value->as.data;
	tenure_value *copies, item;

	if (value->kind == TENURE_STRING || value->kind == TENURE_BYTES)
		put_leaf(block, &value->as.data, value->size);
	if ((value->kind != TENURE_LIST && value->kind != TENURE_MAP) || items == NULL)
		return;
	block->too_deep = block->too_deep || depth == DEPTH_MOST;
	copies = put(block, items, value->size * sizeof(*items));
	for (size_t i = 0; i < value->size && !block->too_deep; i++) {
		item = items[i];
		put_value(block, copies == NULL ? &item : &copies[i], depth + 1);
	}
	if (copies != NULL)
		value->as.data = copies;
}

static void put_parameter(struct block *block, const tenure_parameter *parameter, void *at)
{
	tenure_bytes *bytes = at;
	const char **text = at;

	if (parameter->kind == TENURE_STRING && *text != NULL)
		put_leaf(block, at, strlen(*text));
	else if (parameter->kind == TENURE_BYTES)
		put_leaf(block, &bytes->data, bytes->size);
	else if (parameter->kind == TENURE_VALUE)
		put_value(block, at, 0);
}

/* One walk over what points somewhere; the block's own structure gets the new addresses. */
static void walk(struct block *block, const tenure_definition *definition, const tenure_arguments *arguments)
{
	for (size_t i = 0; i < definition->parameter_count; i++) {
		const tenure_parameter *parameter = &definition->parameters[i];
		const char *from = (const char *)arguments + parameter->offset;
		union { /* whatever a parameter that points somewhere looks like */
			const char *text;
			tenure_bytes bytes;
			tenure_value value;
		} scratch;

		if (parameter->kind < TENURE_STRING || parameter->kind == TENURE_OBJECT)
			continue;
		memcpy(&scratch, from, parameter->size);
		put_parameter(block, parameter, &scratch);
		if (block->memory != NULL)
			memcpy(block->memory + parameter->offset, &scratch, parameter->size);
	}
}

/* A list: its items, whatever they point to; their names are the definition's. */
static void walk_list(struct block *block, const tenure_argument_list *list)
{
	tenure_argument *copies = put(block, list->items, list->count * sizeof(*copies));

	for (size_t i = 0; i < list->count && !block->too_deep; i++) {
		tenure_value value = list->items[i].value;

		put_value(block, copies == NULL ? &value : &copies[i].value, 0);
	}
	if (block->memory != NULL)
		((tenure_argument_list *)(void *)block->memory)->items = copies;
}

static tenure_arguments *copy_list(const tenure_argument_list *list)
{
	size_t head = (sizeof(*list) + 15) / 16 * 16;
	struct block block = { .memory = NULL, .used = head };

	walk_list(&block, list);
	block.memory = block.too_deep ? NULL : tn_alloc(block.used);
	if (block.memory == NULL)
		return NULL;
	memcpy(block.memory, list, sizeof(*list));
	block.used = head;
	walk_list(&block, list);
	return (tenure_arguments *)(void *)block.memory;
}

tenure_arguments *tn_arguments_copy(const tenure_definition *definition, const tenure_arguments *arguments)
{
	size_t head = (definition->arguments_size + 15) / 16 * 16;
	struct block block = { .memory = NULL, .used = head };

	if (arguments->size == 0)
		return copy_list((const tenure_argument_list *)(const void *)arguments);
	walk(&block, definition, arguments);
	block.memory = block.too_deep ? NULL : tn_alloc(block.used);
	if (block.memory == NULL)
		return NULL;
	memcpy(block.memory, arguments, definition->arguments_size);
	block.used = head;
	walk(&block, definition, arguments);
	return (tenure_arguments *)(void *)block.memory;
}
