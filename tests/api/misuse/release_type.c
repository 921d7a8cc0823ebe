/* SPDX-License-Identifier: Apache-2.0 */
/* release_type.c: a release for another type; demands: incompatible */
#include <stdio.h>
#include <tenure/tenure.h>
TENURE_DECLARE(get_model, struct model, (const char *, path), (int, threads), (FILE *, _log));
TENURE_DECLARE(other, int);
static int load(tenure_call *c, const get_model_args *a, struct model **ret)
{
	(void)c, (void)a;
	*ret = NULL;
	return 0;
}
static void unload(struct model *m)
{
	(void)m;
}
TENURE_DEFINE(get_model, .create = load, .release = fclose);
