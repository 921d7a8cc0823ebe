/* SPDX-License-Identifier: Apache-2.0 */
/* shelf.c: the cached function of a stranger's program. */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>

static int closed; /* atomic */

static int open_book(tenure_call *call, const get_book_args *args, struct book **ret)
{
	if (args->pages <= 0)
		return tenure_fail(call, "a book of %d pages", args->pages);
	*ret = calloc(1, sizeof(**ret));
	if (*ret == NULL)
		return tenure_fail(call, "out of memory");
	snprintf((*ret)->title, sizeof((*ret)->title), "%s", args->title);
	(*ret)->pages = args->pages;
	return 0;
}

static void close_book(struct book *book)
{
	free(book);
	__atomic_fetch_add(&closed, 1, __ATOMIC_RELAXED);
}

TENURE_DEFINE(get_book, .create = open_book, .release = close_book, .ttl = "1h", .max_entries = 100);

int books_closed(void)
{
	return __atomic_load_n(&closed, __ATOMIC_RELAXED);
}
