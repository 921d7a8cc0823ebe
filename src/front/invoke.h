/* SPDX-License-Identifier: Apache-2.0 */
/* invoke.h: one public call on a function under way: what it holds, its arguments and its key. */
#ifndef TN_INVOKE_H
#define TN_INVOKE_H

#include "core/bind.h"
#include "core/creation.h"
#include "core/function.h"
#include "core/key.h"

/* One call under way: while it lasts, neither function nor cache goes. */
struct tn_call {
	struct tn_function *root, *function; /* `function` is the one of the current session where there is such a thing */
	uint64_t generation;
	enum tn_callback callback; /* in which it was made */
	struct tn_bound *bound; /* its arguments, or NULL */
	struct tn_key *key; /* built for it, or NULL */
};

/* The function that a face leads to, for a look without a lock; NULL: not registered. */
struct tn_function *tn_call_known(const tenure_function *face);

/* Check the definition, with other options in place of its own if `given` is not NULL. The function is held. */
int tn_call_register(tenure_function *face, const tenure_options *given, struct tn_function **ret_root);

/* Hold what the face leads to; it is registered at the first need, and again after its cache was closed and another opened.
 * tn_call_begin: with scope=session what the current session has. 0, or an error with its message, and nothing is held. */
int tn_call_begin_root(struct tn_call *call, tenure_function *face);
int tn_call_begin(struct tn_call *call, tenure_function *face);
void tn_call_end(struct tn_call *call);
void tn_call_lost(void *call); /* the same where its thread ends in user code; for pthread_cleanup_push() */

/* Are these the arguments that the definition knows? */
int tn_call_check_arguments(const tenure_function *face, const tenure_arguments *arguments);

/* Bind the arguments and build their key, outside every lock, in memory of the caller's. To be dropped in every case. */
int tn_call_take_arguments(struct tn_call *call, const tenure_definition *definition, const tenure_arguments *arguments,
			   struct tn_bound *bound, struct tn_key *key);
void tn_call_drop_arguments(struct tn_call *call);

int64_t tn_call_deadline(tenure_cache *cache, int64_t timeout);

/* The key is known: a hit without a lock (or one that replays), else the slow path. */
int tn_call_get_by_key(const struct tn_request *request, tenure_lease *lease);

/* The caller wanted no lease. Returns `result`. */
int tn_call_warmed_up(int result, tenure_lease *own);

#endif
