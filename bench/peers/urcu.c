/* SPDX-License-Identifier: Apache-2.0 */
/* urcu.c: liburcu's lock-free hash table, with its fastest kind of reader for a library (membarrier), and a count for the
 * handle that is taken unless it is zero. */
#define _LGPL_SOURCE
#define URCU_INLINE_SMALL_FUNCTIONS
#include <urcu/urcu-memb.h>
#include <urcu/rculfhash.h>

#include "peers.h"

#include <stdlib.h>

struct node {
	struct cds_lfht_node node;
	struct thing *thing;
};
static struct cds_lfht *table;

static int match(struct cds_lfht_node *node, const void *key)
{
	return peers_same(&caa_container_of(node, struct node, node)->thing->key, key);
}

void fill(struct thing *things, int count)
{
	struct node *nodes = calloc((size_t)count, sizeof(*nodes));

	if (nodes == NULL)
		abort();
	urcu_memb_register_thread();
	table = cds_lfht_new_flavor(4096, 4096, 0, 0, &urcu_memb_flavor, NULL);
	urcu_memb_read_lock();
	for (int i = 0; i < count; i++) {
		nodes[i].thing = &things[i];
		cds_lfht_add(table, (unsigned long)peers_hash(&things[i].key), &nodes[i].node);
	}
	urcu_memb_read_unlock();
	urcu_memb_unregister_thread();
}

void enter(void)
{
	urcu_memb_register_thread();
}

void leave(void)
{
	urcu_memb_unregister_thread();
}

void run(long count, const struct key *keys)
{
	for (long i = 0; i < count; i++) {
		const struct key *key = &keys[i % KEYS];
		struct cds_lfht_iter iter;
		struct thing *thing;
		long seen;

		__asm__ volatile("" : "+r"(key) : : "memory");
		urcu_memb_read_lock();
		cds_lfht_lookup(table, (unsigned long)peers_hash(key), match, key, &iter);
		thing = caa_container_of(cds_lfht_iter_get_node(&iter), struct node, node)->thing;
		seen = __atomic_load_n(&thing->count, __ATOMIC_RELAXED);
		while (seen != 0 &&
		       !__atomic_compare_exchange_n(&thing->count, &seen, seen + 1, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			;
		urcu_memb_read_unlock();
		if (seen == 0 || !valid(thing))
			abort();
		__asm__ volatile("" : : "r"(thing) : "memory");
		if (__atomic_fetch_sub(&thing->count, 1, __ATOMIC_ACQ_REL) == 1)
			abort();
	}
}
