/* SPDX-License-Identifier: Apache-2.0 */
/* index.c: a full-text index over the sources of tenure: a suffix array (Manber and Myers, 1990). */
#include "index.h"

#include <ctype.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct index {
	char *text;
	size_t size;
	const char **suffixes; /* of the text, sorted */
};

static int append_file(struct index *index, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1000], *bigger;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		size_t length = strlen(line);

		bigger = realloc(index->text, index->size + length + 1);
		if (bigger == NULL)
			break;
		index->text = bigger;
		memcpy(index->text + index->size, line, length + 1);
		index->size += length;
	}
	return file == NULL ? -1 : fclose(file);
}

static void append_folder(struct index *index, const char *folder)
{
	DIR *listing = opendir(folder);
	struct dirent *file;
	char path[4096];

	while (listing != NULL && (file = readdir(listing)) != NULL) {
		const char *ending = strrchr(file->d_name, '.');

		if (file->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, file->d_name);
		if (ending == NULL)
			append_folder(index, path);
		else if (strcmp(ending, ".c") == 0 || strcmp(ending, ".h") == 0)
			append_file(index, path);
	}
	if (listing != NULL)
		closedir(listing);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct index *index_make(const char *folder, int fold_case)
{
	struct index *index = calloc(1, sizeof(*index));

	if (index == NULL)
		return NULL;
	append_folder(index, folder);
	index->suffixes = calloc(index->size + 1, sizeof(*index->suffixes));
	if (index->size == 0 || index->suffixes == NULL) {
		index_free(index);
		return NULL;
	}
	for (size_t i = 0; i < index->size; i++) {
		if (fold_case)
			index->text[i] = (char)tolower((unsigned char)index->text[i]);
		index->suffixes[i] = index->text + i;
	}
	qsort(index->suffixes, index->size, sizeof(*index->suffixes), compare);
	return index;
}

void index_free(struct index *index)
{
	if (index == NULL)
		return;
	free(index->suffixes);
	free(index->text);
	free(index);
}

/* The first suffix that does not come before the word (or, with `after`, that comes after all that begin with it). */
static size_t bound(const struct index *index, const char *word, int after)
{
	size_t low = 0, high = index->size, length = strlen(word);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strncmp(index->suffixes[middle], word, length);

		if (order < 0 || (after && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t index_count(const struct index *index, const char *word)
{
	return bound(index, word, 1) - bound(index, word, 0);
}

size_t index_size(const struct index *index)
{
	return index->size;
}
