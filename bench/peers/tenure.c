/* SPDX-License-Identifier: Apache-2.0 */
/* tenure.c: tenure at the work of peers.h. */
#include "peers.h"

#include <tenure/tenure.h>

TENURE_DECLARE(get_thing, struct thing, (tenure_bytes, key));

static struct thing *all;
static int find_thing(tenure_call *call, const get_thing_args *args, struct thing **ret)
{
	(void)call;
	for (*ret = all; !peers_same(&(*ret)->key, (const struct key *)args->key.data); ++*ret)
		;
	return 0;
}
static void keep(struct thing *thing)
{
	(void)thing;
}
TENURE_DEFINE(get_thing, .create = find_thing, .release = keep, .ttl = "1h");

void fill(struct thing *things, int count)
{
	all = things;
	for (int i = 0; i < count; i++)
		tenure_get(get_thing, NULL, (tenure_bytes){ things[i].key.bytes, KEY });
}

void enter(void)
{
}

void leave(void)
{
}

void run(long count, const struct key *keys)
{
	for (long i = 0; i < count; i++) {
		get_thing_lease lease = { .lease = { NULL, NULL, 0 } };
		const struct key *key = &keys[i % KEYS];

		__asm__ volatile("" : "+r"(key) : : "memory");
		tenure_get(get_thing, &lease, (tenure_bytes){ key->bytes, KEY });
		__asm__ volatile("" : : "r"(lease.resource) : "memory");
		tenure_give_back(&lease);
	}
}
