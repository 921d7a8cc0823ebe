/* SPDX-License-Identifier: Apache-2.0 */
/* context.c: what the calling thread is doing. */
#include "core/context.h"

struct tn_context *tn_context(void)
{
	static __thread struct tn_context context;

	return &context;
}
