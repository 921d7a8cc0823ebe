/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h: type-stable memory: items are re-used, and never given back.
 *
 * At `link` in an item stands a pointer's size that is free for the pool's use while the item is in it; the rest keeps its
 * content, so what a reader without a lock may look at must not stand there. */
#ifndef TN_POOL_H
#define TN_POOL_H

#include <stddef.h>

struct tn_pool_chunk;

struct tn_pool {
	size_t item_size, link;
	void *free; /* through the links */
	struct tn_pool_chunk *chunks; /* all ever made, so that they stay reachable */
};

void tn_pool_init(struct tn_pool *pool, size_t item_size, size_t link);
void *tn_pool_grow(const struct tn_pool *pool); /* memory for more items, zeroed; NULL: none. No lock needed */

/* The caller holds the pool's lock. */
void tn_pool_adopt_locked(struct tn_pool *pool, void *chunk);
void *tn_pool_take_locked(struct tn_pool *pool); /* NULL: grow, adopt, and take again */
void tn_pool_put_locked(struct tn_pool *pool, void *item);
void tn_pool_abandon(struct tn_pool *pool); /* no item is free any more, and none is lost either: a forked child */

#endif
