/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h: an indexed 4-ary min-heap of deadlines, in memory that the owner grows. */
#ifndef TN_HEAP_H
#define TN_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct tn_heap_node { /* in the owner's structure */
	uint32_t index; /* its place, counted from 1; 0: in no heap */
};

struct tn_heap_item {
	int64_t due; /* here, so that comparing does not touch the nodes */
	struct tn_heap_node *node;
};

struct tn_heap {
	struct tn_heap_item *items;
	size_t size, capacity;
};

size_t tn_heap_bytes(size_t capacity);

/* Move to larger memory. Returns the old, for the caller to free. */
struct tn_heap_item *tn_heap_adopt(struct tn_heap *heap, struct tn_heap_item *items, size_t capacity);

void tn_heap_insert(struct tn_heap *heap, struct tn_heap_node *node, int64_t due); /* there is room */
void tn_heap_remove(struct tn_heap *heap, struct tn_heap_node *node);
struct tn_heap_node *tn_heap_min(const struct tn_heap *heap); /* NULL: empty */
int64_t tn_heap_due(const struct tn_heap *heap); /* the least; INT64_MAX: empty */

#endif
