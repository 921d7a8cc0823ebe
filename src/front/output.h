/* SPDX-License-Identifier: Apache-2.0 */
/* output.h: text on its way to a user's `write`: gathered in pieces, handed over without a lock. */
#ifndef TN_OUTPUT_H
#define TN_OUTPUT_H

#include <tenure/tenure.h>

struct tn_output { /* begin as { .write = ..., .user = ... } */
	tenure_write *write;
	void *user;
	int result; /* not 0: what write said; nothing more is handed over */
	size_t size;
	char piece[2048];
};

void tn_output_add(struct tn_output *output, const char *text, size_t size);
void tn_output_print(struct tn_output *output, const char *format, ...) TENURE_PRINTF_(2, 3); /* up to 1 KiB */
int tn_output_end(struct tn_output *output); /* the rest; returns the result */

#endif
