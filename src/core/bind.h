/* SPDX-License-Identifier: Apache-2.0 */
/* bind.h: arguments as they were given become what a definition's key and creator are made of.
 *
 * A structure of the definition's size is taken as it is. A list is bound: each item finds its parameter, by name or by
 * position; what is left out gets its preset; kinds are checked. The result is, for a run-time function, a list of all
 * parameters in the order of declaration; for a declared one, its structure. It needs no memory beside the caller's stack,
 * but for long texts that a structure must end with a NUL. Nothing here takes a lock or calls user code. */
#ifndef TN_BIND_H
#define TN_BIND_H

#include <tenure/tenure.h>

enum { TN_PARAMETERS_MOST = 64 };

struct tn_bound {
	const tenure_arguments *arguments; /* the result; points here, or to what was given */
	tenure_argument_list list;
	void *memory; /* for what has no room below; NULL: none */
	size_t used; /* of the room */
	tenure_argument items[TN_PARAMETERS_MOST];
	_Alignas(16) unsigned char room[1024]; /* a structure, and its texts */
};

/* 0; TENURE_EARGUMENT with a message that names the parameter; TENURE_EVERSION: a structure of another size;
 * TENURE_ENOMEM. To be dropped after success. */
int tn_bind(struct tn_bound *bound, const tenure_definition *definition, const tenure_arguments *given);
void tn_bind_drop(struct tn_bound *bound);

#endif
