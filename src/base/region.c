/* SPDX-License-Identifier: Apache-2.0 */
/* region.c: pieces of one size, close together when they are many. */
#include "base/region.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"

enum { PAGE = 2 << 20 }; /* bytes: a huge page of x86-64 */

void tn_region_init(struct tn_region *region, size_t piece)
{
	*region = (struct tn_region){ .piece = piece, .block = PAGE };
	while (region->block % piece != 0)
		region->block += PAGE;
}

void *tn_region_take_locked(struct tn_region *region)
{
	void *piece = region->free;

	if (piece != NULL) {
		memcpy(&region->free, piece, sizeof(region->free));
		memset(piece, 0, sizeof(region->free));
	} else if (region->left != 0) {
		piece = region->at;
		region->at += region->piece;
		region->left--;
	}
	return piece;
}

void tn_region_put_locked(struct tn_region *region, void *piece)
{
	memcpy(piece, &region->free, sizeof(region->free));
	region->free = piece;
}

size_t tn_region_wants_locked(const struct tn_region *region)
{
	return region->handed * region->piece < region->block ? region->piece : region->block;
}

/* Straight from the kernel, unless it is small or the program gives the memory. */
static bool mapped(size_t bytes)
{
	return bytes >= PAGE && !tn_alloc_chosen();
}

void *tn_region_make(size_t bytes)
{
	return mapped(bytes) ? tn_map(bytes) : tn_alloc_aligned(64, bytes);
}

bool tn_region_adopt_locked(struct tn_region *region, void *memory, size_t bytes)
{
	if (region->left != 0)
		return false;
	region->at = memory;
	region->left = bytes / region->piece;
	region->handed += region->left;
	return true;
}

void tn_region_unmake(void *memory, size_t bytes)
{
	if (mapped(bytes))
		tn_unmap(memory, bytes);
	else
		tn_free(memory);
}
