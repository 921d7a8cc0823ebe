/* SPDX-License-Identifier: Apache-2.0 */
/* output.c: text on its way to a user's `write`. */
#include "front/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"

static void hand_over(struct tn_output *output)
{
	enum tn_callback was;

	if (output->result == 0 && output->size != 0) {
		was = tn_callback_enter(TN_IN_WRITE);
		output->result = output->write(output->user, output->piece, output->size);
		tn_callback_leave(was);
	}
	output->size = 0;
}

void tn_output_add(struct tn_output *output, const char *text, size_t size)
{
	while (size != 0 && output->result == 0) {
		size_t part = sizeof(output->piece) - output->size;

		if (part > size)
			part = size;
		memcpy(output->piece + output->size, text, part);
		output->size += part;
		text += part;
		size -= part;
		if (output->size == sizeof(output->piece))
			hand_over(output);
	}
}

void tn_output_print(struct tn_output *output, const char *format, ...)
{
	va_list arguments;
	char text[1024];
	int size;

	va_start(arguments, format);
	size = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (size > 0)
		tn_output_add(output, text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
}

int tn_output_end(struct tn_output *output)
{
	hand_over(output);
	return output->result;
}

int tenure_to_file(void *user, const char *text, size_t size)
{
	return fwrite(text, 1, size, user) == size ? 0 : TENURE_EFAILED;
}
