/* SPDX-License-Identifier: Apache-2.0 */
/* context.c: what the calling thread is doing. */
#include "core/context.h"

struct tn_context *tn_context(void)
{
	/* as tenure_thread_ is found (hit.h): a call less */
	static __thread struct tn_context context __attribute__((tls_model("initial-exec")));

	return &context;
}
