/* SPDX-License-Identifier: Apache-2.0 */
/* key.h: arguments become canonical, framed bytes: the identity of one call of a function.
 *
 * A key: one 64-bit word for each keyed parameter, in the order of declaration (a scalar's value; the size of a tail),
 * then the tails in the same order: texts, bytes, and encoded values. The words frame the tails, so two argument lists
 * never have one key. A leaf of over 4 KiB enters as its size with the top bit set and a keyed 128-bit digest; a key that
 * is still over 4 KiB becomes {size, digest}, told by a bit of its size. hit.h hashes and compares the same form without
 * building it. Nothing here takes a lock. */
#ifndef TN_KEY_H
#define TN_KEY_H

#include <tenure/tenure.h>
#include <tenure/hit.h>

#define TN_DIGESTED_SIZE (UINT64_C(1) << 63) /* in the word of a leaf: it is a digest */

struct tn_key {
	unsigned char *bytes; /* `small`, or allocated */
	uint32_t size; /* with TENURE_DIGESTED_ */
	size_t room;
	uint64_t hash;
	unsigned char small[TENURE_LEAF_MOST_ + 64]; /* what is not digested whole fits: a key needs no memory */
};

/* The secret of the process, 32 bytes, once. */
void tn_key_setup(const unsigned char secret[32]);

void tn_key_start(struct tn_key *key); /* empty: drop does nothing */

/* Into an empty key. `arguments`: the definition's structure or, of a run-time function, a bound list (bind.h). 0;
 * TENURE_EARGUMENT with parameter, path, type and both ways out; TENURE_ENOMEM. Calls identify functions. To be dropped
 * after success and failure alike. */
int tn_key_build(struct tn_key *key, const tenure_definition *definition, uint64_t seed,
		 const tenure_arguments *arguments);
void tn_key_drop(struct tn_key *key);

/* The hash of a key for a function with another seed. */
uint64_t tn_key_hash(const tenure_definition *definition, uint64_t seed, const unsigned char *bytes, uint32_t size);

/* The bytes for people: `"a.bin", 4`. Cut at `room`. */
void tn_key_format(const tenure_definition *definition, const unsigned char *bytes, uint32_t size, char *text,
		   size_t room);

/* Its type in words, for messages. */
const char *tn_parameter_type(const tenure_parameter *parameter);

/* The name of a kind of values: "int". */
const char *tn_kind_name(uint32_t kind);

/* Is it part of the key? */
static inline bool tn_parameter_keyed(const tenure_parameter *parameter)
{
	return parameter->name[0] != '_';
}

#endif
