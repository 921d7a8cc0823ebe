/* SPDX-License-Identifier: Apache-2.0 */
/* library.c: the same hits as bench.c's, through the shared library instead of inlined. */
#define TENURE_NO_INLINE
#include <tenure/tenure.h>

#include "bench.h"

void library_raw(long count, const char *key)
{
	for (long i = 0; i < count; i++) {
		raw_lease l = { .lease = { NULL, NULL, 0 } };

		tenure_function_get(&raw.function, TENURE_FOREVER,
				    &(const raw_args){ .head_ = { sizeof(raw_args), NULL }, &l, { key, 32 } }.head_, &l.lease);
		tenure_lease_give_back(&l.lease);
	}
}

void library_typed(long count, const char *key)
{
	for (long i = 0; i < count; i++) {
		typed_lease l = { .lease = { NULL, NULL, 0 } };

		tenure_function_get(&typed.function, TENURE_FOREVER,
				    &(const typed_args){ .head_ = { sizeof(typed_args), NULL }, &l, 77, key, true }.head_, &l.lease);
		tenure_lease_give_back(&l.lease);
	}
}

void library_key(long count, tenure_key *key)
{
	for (long i = 0; i < count; i++) {
		raw_lease l = { .lease = { NULL, NULL, 0 } };

		tenure_function_get_key(&raw.function, TENURE_FOREVER, &l.lease, key);
		tenure_lease_give_back(&l.lease);
	}
}
