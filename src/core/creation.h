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

enum tn_outcome { TN_CREATED, TN_FAILED, TN_ABANDONED };

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
	bool no_lease; /* nobody but those who wait gets one */
	void (*conclude)(struct tn_creation *creation, enum tn_outcome outcome, int result); /* NULL: the usual one */
	struct tenure_cell_ *lease; /* what the leader gets */
};

/* 0, or TENURE_ENOMEM with a message; drop what is unused in both cases. Takes M. */
int tn_creation_reserve(struct tn_creation *creation, const struct tn_request *request);
void tn_creation_drop(struct tn_creation *creation);

/* Enter the table as CREATING; `first` is what stands there for this key: NULL, or live variants. */
void tn_creation_begin_locked(struct tn_creation *creation, struct tn_entry *first);

/* Begin with an entry that is in no table, of no other creation: a refresh. */
void tn_creation_begin_apart_locked(struct tn_creation *creation);

/* Wait for the release of a predecessor (C8). 0, or an error with its message, and the creation is over. */
int tn_creation_await(struct tn_creation *creation);

/* Run the creator on this thread, without a lock, and publish, or fail. TENURE_CREATED with creation->lease, or an
 * error with its message. */
int tn_creation_run(struct tn_creation *creation);

/* For another conclusion. The object that the creator left in *ret, counted, or NULL; and its publication in the place of what
 * was there, with `granted` leases for those who waited. */
struct tn_object *tn_creation_object_locked(struct tn_creation *creation);
void tn_creation_publish_out_locked(struct tn_creation *creation, struct tn_object *object, uint64_t granted, int64_t ready_at);

/* It ends without its creator having been run: a waiter takes over. Returns `result`, with its message. */
int tn_creation_not_started(struct tn_creation *creation, int result);

/* This thread's copy of a flight's failure. Returns `result`. */
int tn_creation_failure(const tenure_call *flight, int result);

#endif
