/* SPDX-License-Identifier: Apache-2.0 */
/* recording.h: what one creation said and asked: messages, inputs, and the leases it keeps.
 *
 * While the creator runs, its thread and its helpers append; from publication on a recording never changes, and is read
 * without a lock by whoever holds a lease on its entry. Inputs are parts of the key: two live entries of one base key
 * differ in the value of some input. What they ask is a decision tree, flattened: each entry knows its path, the
 * inputs in the order in which the creator read them with the values it got. */
#ifndef TN_RECORDING_H
#define TN_RECORDING_H

#include "core/session.h"
#include "core/tree.h"

struct tn_item { /* one message, or one input */
	struct tn_item *next;
	struct tn_input *input; /* NULL: a message */
	int kind;
	size_t size;
	unsigned char data[]; /* a text ends in a NUL that `size` does not count */
};

struct tn_recording {
	uint32_t users; /* guarded by M: its flight and its entry */
	struct tn_item *first, **end;
	uint32_t messages, inputs;
	tenure_lease *kept; /* given back after the release (docs/contract.md, C9) */
	size_t kept_count, kept_room;
	bool answers; /* a caller's: it is no path of a tree */
	struct tn_node *path, **path_end; /* its answers, until they are a path of the tree; then those that the tree had already */
	struct tn_tree *spare_tree; /* should there be none */
	struct tn_node *leaf; /* guarded by M: its entry's, while that is in service */
	struct tn_node *dead; /* guarded by M: what left the tree with its entry, */
	struct tn_tree *dead_tree; /* and the tree, if it was the last */
};

struct tn_recording *tn_recording_new(void);
void tn_recording_put(struct tn_recording *recording); /* one user less; NULL is fine; kept leases are not touched. Takes M */

/* What it said and asked, in a recording of its own; NULL copied is an empty one. NULL: no memory. Takes M. */
struct tn_recording *tn_recording_copy(const struct tn_recording *from);

/* Append. The data is copied; the recorded message, or NULL, false: no memory. Take M. */
const struct tn_item *tn_recording_say(struct tn_recording *recording, int kind, const void *data, size_t size);
bool tn_recording_keep(struct tn_recording *recording, const tenure_lease *lease);

/* The input that asks this question, if it was asked before; NULL. Takes M. */
const struct tn_input *tn_recording_find(const struct tn_recording *recording, const char *label,
					 const tenure_value low_high_preset[3]);

/* Append an input with its value; the recorded one (owned by the recording), or NULL: no memory. Where the same question
 * was recorded meanwhile, that one: a path never asks twice. Takes M. */
const struct tn_input *tn_recording_ask(struct tn_recording *recording, const char *label,
					const tenure_value low_high_preset[3], tenure_value value);

/* What the caller of a get is known to answer, gathered one by one. */
struct tn_answers {
	struct tn_recording *recording; /* its inputs are the answers */
};
void tn_answers_free(struct tn_answers *answers);

enum tn_match { TN_MATCHES, TN_DIFFERS, TN_ASK };

/* Does this path lead to the caller? TN_ASK: that depends on *ret_input, not yet answered. */
enum tn_match tn_recording_match(const struct tn_recording *recording, const struct tn_answers *answers,
				 const struct tn_input **ret_input);

/* Where a tree leads the caller. TN_MATCHES: to the leaf *ret_node; TN_ASK: to that node, and its question is not yet answered;
 * TN_DIFFERS: nowhere yet. */
enum tn_match tn_recording_follow_locked(struct tn_tree *tree, const struct tn_answers *answers, struct tn_node **ret_node);

/* The value that the front knows for this input, without drawing; the preset where there is no front or session.
 * Calls the front: no lock. 0, or an error with its message. */
int tn_recording_answer(struct tn_answers *answers, const struct tn_input *input, const tenure_front *front,
			struct tn_visit visit);

/* Show it again: messages and inputs, in order. Nothing without front or session. Calls the front: no lock. */
void tn_recording_replay(const struct tn_recording *recording, const tenure_front *front, struct tn_visit visit);

#endif
