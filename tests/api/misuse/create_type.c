/* SPDX-License-Identifier: Apache-2.0 */
/* create_type.c: a creator of another function; demands: incompatible */
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
TENURE_DEFINE(other, .create = load);
static void *keep = (void *)unload;
void *use(void)
{
	return keep;
}
