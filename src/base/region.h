/* SPDX-License-Identifier: Apache-2.0 */
/* region.h: pieces of one size, zeroed, never given back, close together when they are many.
 *
 * The first pieces are allocated one by one. Once there are many, they are cut from large blocks that the kernel is asked
 * to back with huge pages: a million entries, looked at at random, would otherwise miss the processor's table of pages
 * nearly each time. What was not handed out is nobody's, so a forked child goes on with it. The functions that end in
 * _locked are called under the lock of the region's owner. */
#ifndef TN_REGION_H
#define TN_REGION_H

#include <stdbool.h>
#include <stddef.h>

struct tn_region {
	size_t piece; /* bytes; constant, a multiple of 64 and less than a block */
	size_t block; /* bytes: whole huge pages and whole pieces; constant */
	size_t handed; /* how many pieces there ever were */
	char *at; /* the rest of the block that is being cut */
	size_t left; /* pieces in it */
	void *free; /* pieces that came back unused */
};

void tn_region_init(struct tn_region *region, size_t piece);

/* NULL: make more, and ask again. */
void *tn_region_take_locked(struct tn_region *region);
void tn_region_put_locked(struct tn_region *region, void *piece); /* unused: still zeroes, but for what is overwritten here */

/* Memory for more pieces, made without the lock: how many bytes to make, the making (NULL: no memory), and the adoption,
 * which returns false if another thread was quicker: then unmake it. */
size_t tn_region_wants_locked(const struct tn_region *region);
void *tn_region_make(size_t bytes);
bool tn_region_adopt_locked(struct tn_region *region, void *memory, size_t bytes);
void tn_region_unmake(void *memory, size_t bytes);

#endif
