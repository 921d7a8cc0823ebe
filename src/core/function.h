/* SPDX-License-Identifier: Apache-2.0 */
/* function.h: a cached function: its identity and its options. */
#ifndef TN_FUNCTION_H
#define TN_FUNCTION_H

#include "core/core.h"

/* Options after front/options.c has read and checked them. */
struct tn_options {
	union {
		struct {
			TN_IN_FORCE
		};
		struct tn_in_force in_force;
	};
	bool scoped;
	const char *spinner; /* NULL: none; borrowed */
	const char *version; /* borrowed */
	tenure_cache *cache;
};

/* The function behind this face, made at the first call, held. With a version text, faces of the same name, version and
 * shape share one. Options that differ from those in force count at once, for live entries too. 0 and *ret_function;
 * TENURE_EINVAL (another shape, scope or cache), TENURE_ECLOSED, TENURE_ENOMEM. Takes M. */
int tn_function_register(tenure_function *face, const struct tn_options *options, struct tn_function **ret_function);

/* For the time of one call: while it is held, neither function nor cache goes. NULL: not registered, or (unless
 * closed_too) closed. Take M. A holder that finds itself in a forked child (another generation) lets go of nothing. */
struct tn_function *tn_function_hold(tenure_function *face, bool closed_too);
void tn_function_let_go(struct tn_function *function, uint64_t generation);

/* Was the cache closed that it belonged to, and no other opened since? Takes M. */
bool tn_function_was_closed(const tenure_function *face);

/* For scope.c and forget.c. */
struct tn_function *tn_function_reserve(void); /* memory for one; NULL: none. Takes M */
void tn_function_put_unused(struct tn_function *function); /* NULL is fine. Takes M */
void tn_function_start_locked(struct tn_function *function, const tenure_definition *definition, tenure_cache *cache);
void tn_function_unlink_face_locked(tenure_function *face, struct tn_function *function);
void tn_function_close_face_locked(tenure_function *face, struct tn_function *function); /* its cache is closed */

static inline struct tn_function *tn_function_of_face_locked(const tenure_function *face)
{
	return (struct tn_function *)__atomic_load_n(&face->state_[0], __ATOMIC_RELAXED);
}

#endif
