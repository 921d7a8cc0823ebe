/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: texts that strangers wrote: where a character of UTF-8 ends, and what is none. */
#include "base/text.h"

#include <string.h>

/* What a first byte promises: how many bytes, and the bounds of the second one, which keep out overlong forms,
 * surrogates and what lies beyond U+10FFFF (Unicode, table 3-7). */
static size_t promise(unsigned char first, unsigned char *low, unsigned char *high)
{
	*low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

size_t tn_utf8_size(const char *at, size_t size)
{
	const unsigned char *byte = (const unsigned char *)at;
	unsigned char low, high;
	size_t length;

	if (size == 0)
		return 0;
	length = promise(byte[0], &low, &high);
	if (length > size)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (byte[i] < (i == 1 ? low : 0x80) || byte[i] > (i == 1 ? high : 0xbf))
			return 0;
	}
	return length;
}

void tn_text_trim(char *text)
{
	size_t size = strlen(text), back = 1;
	unsigned char low, high;

	while (back < 4 && back <= size && ((unsigned char)text[size - back] & 0xc0) == 0x80)
		back++;
	if (back <= size && promise((unsigned char)text[size - back], &low, &high) > back)
		text[size - back] = '\0';
}
