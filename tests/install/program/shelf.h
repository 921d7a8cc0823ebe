/* SPDX-License-Identifier: Apache-2.0 */
/* shelf.h: what the parts of a stranger's program share: one cached function. */
#ifndef SHELF_H
#define SHELF_H

#include <tenure/tenure.h>

struct book {
	char title[40];
	int pages;
};

TENURE_DECLARE(get_book, struct book, (const char *, title), (int, pages));

int books_closed(void);

#endif
