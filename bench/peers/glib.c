/* SPDX-License-Identifier: Apache-2.0 */
/* glib.c: GLib's GHashTable behind a GMutex, a count for the handle. */
#include "peers.h"

#include <glib.h>

static GHashTable *table;
static GMutex mutex;

static guint hash(gconstpointer key)
{
	return (guint)peers_hash(key);
}

static gboolean same(gconstpointer a, gconstpointer b)
{
	return peers_same(a, b);
}

void fill(struct thing *things, int count)
{
	table = g_hash_table_new(hash, same);
	for (int i = 0; i < count; i++)
		g_hash_table_insert(table, &things[i].key, &things[i]);
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
		const struct key *key = &keys[i % KEYS];
		struct thing *thing;

		__asm__ volatile("" : "+r"(key) : : "memory");
		g_mutex_lock(&mutex);
		thing = g_hash_table_lookup(table, key);
		if (!valid(thing))
			g_error("expired");
		__atomic_fetch_add(&thing->count, 1, __ATOMIC_RELAXED);
		g_mutex_unlock(&mutex);
		__asm__ volatile("" : : "r"(thing) : "memory");
		if (__atomic_fetch_sub(&thing->count, 1, __ATOMIC_ACQ_REL) == 1)
			g_error("freed");
	}
}
