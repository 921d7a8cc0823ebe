/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h: what the fuzz targets share: bytes as a row of decisions, memory for one run, and checks that end the program. */
#ifndef TN_FUZZ_H
#define TN_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenure/tenure.h>

/* Each target defines it: one run over these bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s; tenure says: %s\n", __FILE__, __LINE__, #condition, tenure_message()); \
			abort(); \
		} \
	} while (0)

struct input {
	const uint8_t *data;
	size_t size;
};

unsigned take(struct input *input); /* a byte; 0 when there are no more */
uint64_t take_bytes(struct input *input, size_t size); /* so many of them as a number */
static inline unsigned take_below(struct input *input, unsigned limit)
{
	return take(input) % limit;
}

/* Memory of exactly this size, so that a sanitizer sees who reads past it; until the end of the run. */
void *keep(size_t size);
void *keep_copy(const void *data, size_t size);
void keep_end(void);

/* Up to `most` bytes of any kind; a text ends with NUL and holds none. */
void *take_blob(struct input *input, size_t most, size_t *ret_size);
char *take_text(struct input *input, size_t most);

#endif
