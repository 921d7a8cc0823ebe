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

struct tn_input {
	char *label;
	tenure_value low_high_preset[3]; /* a text's preset is owned */
	tenure_value value; /* likewise */
};

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
	struct tn_entry *variants; /* guarded by M: the next entry of this base key */
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

/* Same inputs, same values? */
bool tn_recording_same_inputs(const struct tn_recording *a, const struct tn_recording *b);

/* The value that the front knows for this input, without drawing; the preset where there is no front or session.
 * Calls the front: no lock. 0, or an error with its message. */
int tn_recording_answer(struct tn_answers *answers, const struct tn_input *input, const tenure_front *front,
			struct tn_visit visit);

/* Show it again: messages and inputs, in order. Nothing without front or session. Calls the front: no lock. */
void tn_recording_replay(const struct tn_recording *recording, const tenure_front *front, struct tn_visit visit);

/* A value of the right kind and inside its bounds? Else the preset. */
tenure_value tn_input_accept(const tenure_value low_high_preset[3], tenure_value value);

#endif
