/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c: type-stable memory. */
#include "base/pool.h"

#include "base/alloc.h"

enum { ITEMS = 64 };

struct tn_pool_chunk {
	struct tn_pool_chunk *next;
	char padding[64 - sizeof(struct tn_pool_chunk *)]; /* items begin at a cache line */
	char items[];
};

void tn_pool_init(struct tn_pool *pool, size_t item_size, size_t link)
{
	*pool = (struct tn_pool){ .item_size = item_size, .link = link };
}

static void **link_of(const struct tn_pool *pool, void *item)
{
	return (void **)(void *)((char *)item + pool->link);
}

void *tn_pool_grow(const struct tn_pool *pool)
{
	return tn_alloc_aligned(64, sizeof(struct tn_pool_chunk) + ITEMS * pool->item_size);
}

void tn_pool_adopt_locked(struct tn_pool *pool, void *memory)
{
	struct tn_pool_chunk *chunk = memory;

	chunk->next = pool->chunks;
	pool->chunks = chunk;
	for (int i = ITEMS; i-- > 0;)
		tn_pool_put_locked(pool, chunk->items + (size_t)i * pool->item_size);
}

void *tn_pool_take_locked(struct tn_pool *pool)
{
	void *item = pool->free;

	if (item != NULL)
		pool->free = *link_of(pool, item);
	return item;
}

void tn_pool_put_locked(struct tn_pool *pool, void *item)
{
	*link_of(pool, item) = pool->free;
	pool->free = item;
}

void tn_pool_abandon(struct tn_pool *pool)
{
	pool->free = NULL;
}
