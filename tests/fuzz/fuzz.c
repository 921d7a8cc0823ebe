/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.c: what the fuzz targets share. */
#include "fuzz.h"

static void **kept;
static size_t kept_count, kept_room;

unsigned take(struct input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

uint64_t take_bytes(struct input *input, size_t size)
{
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++)
		word |= (uint64_t)take(input) << 8 * i;
	return word;
}

void *keep(size_t size)
{
	if (kept_count == kept_room) {
		kept_room = 2 * kept_room + 64;
		kept = realloc(kept, kept_room * sizeof(*kept));
		CHECK(kept != NULL);
	}
	kept[kept_count] = calloc(1, size == 0 ? 1 : size);
	CHECK(kept[kept_count] != NULL);
	return kept[kept_count++];
}

void *keep_copy(const void *data, size_t size)
{
	void *copy = keep(size);

	if (size != 0)
		memcpy(copy, data, size);
	return copy;
}

void keep_end(void)
{
	while (kept_count > 0)
		free(kept[--kept_count]);
	free(kept);
	kept = NULL;
	kept_room = 0;
}

void *take_blob(struct input *input, size_t most, size_t *ret_size)
{
	size_t size = take_below(input, 32) == 0 ? most : take_below(input, 24);
	uint8_t *blob;

	size = size < most ? size : most;
	blob = keep(size);
	for (size_t i = 0; i < size; i++)
		blob[i] = input->size > 0 || i == 0 ? (uint8_t)take(input) : blob[i - 1];
	*ret_size = size;
	return blob;
}

char *take_text(struct input *input, size_t most)
{
	size_t size;
	char *blob = take_blob(input, most, &size), *text = keep(size + 1);

	for (size_t i = 0; i < size; i++)
		text[i] = blob[i] == '\0' ? 'x' : blob[i];
	return text;
}
