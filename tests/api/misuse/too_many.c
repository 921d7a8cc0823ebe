/* SPDX-License-Identifier: Apache-2.0 */
/* too_many.c: more arguments than parameters; demands: excess elements */
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
TENURE_DEFINE(get_model, .create = load, .release = unload, .ttl = "1h");
int main(void)
{
	return tenure_get(get_model, NULL, "a", 1, NULL, 5);
}
