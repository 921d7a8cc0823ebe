/* SPDX-License-Identifier: Apache-2.0 */
/* map.h: large memory straight from the kernel, that can be emptied and still be read. */
#ifndef TN_MAP_H
#define TN_MAP_H

#include <stddef.h>

/* `size` bytes of zeroes, page aligned; from 2 MiB on aligned to that, on huge pages where the kernel has them. NULL: no
 * memory. */
void *tn_map(size_t size);

/* Give the pages back to the kernel. The addresses stay readable, as zeroes: also for a thread that reads them at this
 * very moment. Nobody may write there any more. */
void tn_map_empty(void *memory, size_t size);

/* What nobody has seen, and is not the program's own memory. */
void tn_unmap(void *memory, size_t size);

#endif
