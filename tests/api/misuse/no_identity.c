/* SPDX-License-Identifier: Apache-2.0 */
/* no_identity.c: a parameter whose type has no identity; demands: parameter `log` of `bad`: its type has no identity */
#include <stdio.h>
#include <tenure/tenure.h>
TENURE_DECLARE(bad, int, (FILE *, log));
static int make(tenure_call *c, const bad_args *a, int **ret)
{
	(void)c, (void)a, (void)ret;
	return 0;
}
TENURE_DEFINE(bad, .create = make);
