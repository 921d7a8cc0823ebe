/* SPDX-License-Identifier: Apache-2.0 */
/* heap.c: an indexed 4-ary min-heap of deadlines.
 *
 * Four children to a node: half the height of a binary heap, and the four lie in one cache line. Each node knows its
 * place, so that removing needs no search. */
#include "base/heap.h"

#include <string.h>

#include "base/check.h"

size_t tn_heap_bytes(size_t capacity)
{
	return capacity * sizeof(struct tn_heap_item);
}

struct tn_heap_item *tn_heap_adopt(struct tn_heap *heap, struct tn_heap_item *items, size_t capacity)
{
	struct tn_heap_item *old = heap->items;

	if (heap->size != 0)
		memcpy(items, old, tn_heap_bytes(heap->size));
	heap->items = items;
	heap->capacity = capacity;
	return old;
}

static void place(struct tn_heap *heap, size_t at, struct tn_heap_item item)
{
	heap->items[at] = item;
	item.node->index = (uint32_t)at + 1;
}

static void sift_up(struct tn_heap *heap, size_t at, struct tn_heap_item item)
{
	while (at > 0 && item.due < heap->items[(at - 1) / 4].due) {
		place(heap, at, heap->items[(at - 1) / 4]);
		at = (at - 1) / 4;
	}
	place(heap, at, item);
}

static void sift_down(struct tn_heap *heap, size_t at, struct tn_heap_item item)
{
	for (;;) {
		size_t first = 4 * at + 1, least = first;

		for (size_t child = first + 1; child < first + 4 && child < heap->size; child++) {
			if (heap->items[child].due < heap->items[least].due)
				least = child;
		}
		if (first >= heap->size || heap->items[least].due >= item.due)
			break;
		place(heap, at, heap->items[least]);
		at = least;
	}
	place(heap, at, item);
}

void tn_heap_insert(struct tn_heap *heap, struct tn_heap_node *node, int64_t due)
{
	struct tn_heap_item item = { .due = due, .node = node };

	TN_CHECK(heap->size < heap->capacity && node->index == 0);
	sift_up(heap, heap->size++, item);
}

void tn_heap_remove(struct tn_heap *heap, struct tn_heap_node *node)
{
	size_t at = node->index - 1;
	struct tn_heap_item last;

	TN_CHECK(node->index != 0 && heap->items[at].node == node);
	node->index = 0;
	last = heap->items[--heap->size];
	if (last.node == node)
		return;
	if (at > 0 && last.due < heap->items[(at - 1) / 4].due)
		sift_up(heap, at, last);
	else
		sift_down(heap, at, last);
}

struct tn_heap_node *tn_heap_min(const struct tn_heap *heap)
{
	return heap->size == 0 ? NULL : heap->items[0].node;
}

int64_t tn_heap_due(const struct tn_heap *heap)
{
	return heap->size == 0 ? INT64_MAX : heap->items[0].due;
}
