/* SPDX-License-Identifier: Apache-2.0 */
/* control.c: what must compile without a word. */
#include <stdio.h>
#include <tenure/tenure.h>
TENURE_DECLARE(get_model, struct model, (const char *, path), (int, threads), (FILE *, _log));
TENURE_DECLARE(other, int);
TENURE_DECLARE_STATIC(own, struct model, (bool, warm));
TENURE_DECLARE_STATIC(unused, int);
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
static int make_own(tenure_call *c, const own_args *a, struct model **ret)
{
	(void)c, (void)a, (void)ret;
	return 0;
}
TENURE_DEFINE_STATIC(own, .create = make_own, .release = unload, .spinner = "");
int main(void)
{
	TENURE_LEASE(get_model, m);
	tenure_key *key;

	tenure_get(get_model, &m, "a", 4);
	tenure_get(get_model, NULL, .path = "a");
	tenure_get(own, NULL, true);
	tenure_get(get_model, &m, "a", 4, stderr);
	tenure_clear_entry(get_model, "a");
	tenure_clear_entry(get_model);
	tenure_prepare(get_model, &key, "a");
	tenure_get_key(get_model, NULL, key);
	return tenure_get_within(get_model, TENURE_SECONDS(2.5), &m, "a");
}
