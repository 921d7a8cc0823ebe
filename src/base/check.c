/* SPDX-License-Identifier: Apache-2.0 */
/* check.c: what happens when an invariant of the library is broken. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void tn_check_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "tenure: broken invariant: %s (%s:%d); please report this\n", condition, file, line);
	abort();
}
