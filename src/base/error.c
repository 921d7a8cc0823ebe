/* SPDX-License-Identifier: Apache-2.0 */
/* error.c: a thread's last failure, in words. */
#include "base/error.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"

enum { ROOM = 2048 };

static pthread_key_t key; /* its value: the thread's buffer, freed at the thread's end */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int key_made;
static __thread char *buffer;
static __thread const char *last;
static __thread uint64_t count;

static void free_buffer(void *memory)
{
	buffer = NULL;
	last = NULL;
	tn_free(memory);
}

static void make_key(void)
{
	key_made = pthread_key_create(&key, free_buffer) == 0;
}

static char *own_buffer(void)
{
	if (buffer != NULL)
		return buffer;
	pthread_once(&once, make_key);
	if (!key_made)
		return NULL;
	buffer = tn_alloc(ROOM);
	if (buffer != NULL && pthread_setspecific(key, buffer) != 0) {
		tn_free(buffer);
		buffer = NULL;
	}
	return buffer;
}

int tn_fail(int result, const char *format, ...)
{
	char text[ROOM]; /* the arguments may point into the last message */
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	count++;
	last = own_buffer();
	if (last != NULL)
		snprintf(buffer, ROOM, "%s", text);
	else
		last = "there was no memory for the words of this failure; its code tells the kind";
	return result;
}

uint64_t tn_failures(void)
{
	return count;
}

const char *tn_last_message(void)
{
	return last == NULL ? "" : last;
}
