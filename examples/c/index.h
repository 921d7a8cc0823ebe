/* SPDX-License-Identifier: Apache-2.0 */
/* index.h: a full-text index over the sources of tenure: a resource that is really expensive to make. */
#ifndef INDEX_H
#define INDEX_H

#include <stddef.h>

struct index;

/* Read every .c and .h file below `folder` and sort all suffixes of their text. NULL: no file could be read. With
 * `fold_case`, capitals are small letters. The caller frees. */
struct index *index_make(const char *folder, int fold_case);
void index_free(struct index *index);

/* How often the word occurs. Any number of threads at once. */
size_t index_count(const struct index *index, const char *word);
size_t index_size(const struct index *index); /* bytes of text */

#endif
