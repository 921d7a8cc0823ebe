/* SPDX-License-Identifier: Apache-2.0 */
/* input.h: a question that a creator asked, with the value it got: a part of the key that is known only then. */
#ifndef TN_INPUT_H
#define TN_INPUT_H

#include "core/core.h"

struct tn_input { /* constant, but for its users */
	uint32_t users; /* guarded by M: the recording, nodes of the tree, a get that asks the front */
	char *label;
	tenure_value low_high_preset[3]; /* a text's preset is owned */
	tenure_value value; /* likewise */
};

/* Texts are copied. One user; NULL: no memory. */
struct tn_input *tn_input_new(const char *label, const tenure_value low_high_preset[3], tenure_value value);
void tn_input_put(struct tn_input *input); /* one user less; NULL is fine. Takes M */

/* Is it the same question? */
bool tn_input_same(const struct tn_input *a, const struct tn_input *b);

bool tn_value_same(const tenure_value *a, const tenure_value *b);
uint64_t tn_value_hash(const tenure_value *value); /* secret: nobody can choose values that collide */

/* A value of the right kind and inside its bounds? Else the preset. */
tenure_value tn_input_accept(const tenure_value low_high_preset[3], tenure_value value);

#endif
