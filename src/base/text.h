/* SPDX-License-Identifier: Apache-2.0 */
/* text.h: texts that strangers wrote: where a character of UTF-8 ends, and what is none. */
#ifndef TN_TEXT_H
#define TN_TEXT_H

#include <stddef.h>

/* How many bytes the well-formed UTF-8 character at `at` has, of `size` that are there; 0: there is none. */
size_t tn_utf8_size(const char *at, size_t size);

/* A text that was cut to fit: take away the beginning of a character that the cut left at its end. */
void tn_text_trim(char *text);

#endif
