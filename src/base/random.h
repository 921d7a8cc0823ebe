/* SPDX-License-Identifier: Apache-2.0 */
/* random.h: random bytes from the kernel. */
#ifndef TN_RANDOM_H
#define TN_RANDOM_H

#include <stddef.h>

void tn_random_bytes(void *memory, size_t size);

#endif
