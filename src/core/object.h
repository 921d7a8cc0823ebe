/* SPDX-License-Identifier: Apache-2.0 */
/* object.h: what is released: an address and its closing function, counted over the entries it stands in.
 *
 * Two keys whose creators returned one address have one object: it is released after the last of those entries. The
 * identity of an object ends before its release runs, since the address may come back from the next creator. All of it
 * under M; the nodes are type-stable. */
#ifndef TN_OBJECT_H
#define TN_OBJECT_H

#include "core/core.h"

/* Make room for one more object: memory for a node, and a larger table where that is due. Takes M; false: no memory.
 * Each true is followed by one tn_object_enter_locked() or tn_object_put_locked(). */
bool tn_object_reserve(struct tn_object **ret_spare);
void tn_object_put_locked(struct tn_object *spare);

/* The object at this address, counted once more. Uses up the spare. */
struct tn_object *tn_object_enter_locked(struct tn_object *spare, void *address, const tenure_definition *definition);

/* Would this definition release it in the same way? `object` NULL: nothing is released. */
bool tn_object_closed_by(const struct tn_object *object, const tenure_definition *definition);

/* One entry fewer. True: that was the last, the object has no identity any more, and its release is the caller's
 * duty; it then puts the node back. */
bool tn_object_leave_locked(struct tn_object *object);

void tn_object_forget_all(void);

#endif
