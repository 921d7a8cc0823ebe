/* SPDX-License-Identifier: Apache-2.0 */
/* creation.h: from an empty place in the table to a resource in service, or back. */
#ifndef TN_CREATION_H
#define TN_CREATION_H

#include "core/cell.h"
#include "core/context.h"

/* One call of a cached function: what is asked for, and until when. */
struct tn_request {
	struct tn_function *function;
	const tenure_definition *definition; /* the caller's */
	const tenure_arguments *arguments;
	const unsigned char *key;
	uint32_t key_size;
	uint64_t hash;
	int64_t deadline;
	bool peek; /* only what is there */
};

/* Everything that a creation may need memory for, taken before M and before the creator runs: afterwards nothing can
 * fail for want of it. Lives on the leader's stack. */
struct tn_creation {
	const struct tn_request *request;
	struct tn_entry *entry;
	tenure_call *flight;
	struct tn_object *object;
	unsigned char *key;
	struct tn_cell_room cells;
	bool table_room, timer_room, ready;
	struct tenure_cell_ *lease; /* what the leader gets */
};

/* 0, or TENURE_ENOMEM with a message; drop what is unused in both cases. Takes M. */
int tn_creation_reserve(struct tn_creation *creation, const struct tn_request *request);
void tn_creation_drop(struct tn_creation *creation);

/* Enter the table as CREATING; `first` is what stands there for this key: NULL, or live variants. */
void tn_creation_begin_locked(struct tn_creation *creation, struct tn_entry *first);

/* Run the creator on this thread, without a lock, and publish, or fail. TENURE_CREATED with creation->lease, or an
 * error with its message. */
int tn_creation_run(struct tn_creation *creation);

/* This thread's copy of a flight's failure. Returns `result`. */
int tn_creation_failure(const tenure_call *flight, int result);

#endif
