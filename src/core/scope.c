/* SPDX-License-Identifier: Apache-2.0 */
/* scope.c: whose entry it is: with scope=session each session has a function of its own, a child of the one that was defined.
 *
 * The child has entries, capacity and counters; the root has the options, which the child copies. So nothing else in the
 * core knows of scopes: a key is looked up, cleared and evicted in the child as in any function. A child leaves with its
 * session, and its memory with its last entry. */
#include "core/scope.h"

#include "base/error.h"
#include "core/clear.h"
#include "core/entry.h"
#include "core/function.h"
#include "core/session.h"

/* The child of `root` for a session that is still open; NULL: none yet. */
static struct tn_function *child_locked(const struct tn_function *root, const struct tn_session *session)
{
	struct tn_function *child;

	tn_list_for_each(child, &session->functions, struct tn_function, in_session) {
		if (child->parent == root)
			return child;
	}
	return NULL;
}

/* The held root is exchanged for the held child of the current session. */
static int find_child_locked(struct tn_function *root, struct tn_function **made, struct tn_function **ret_child)
{
	struct tn_session *session = tn_session_locked(tn_context()->visit);
	struct tn_function *child;

	if (session == NULL)
		return TENURE_ESESSION;
	if (root->closed)
		return TENURE_ECLOSED;
	child = child_locked(root, session);
	if (child == NULL) {
		child = *made;
		if (child == NULL)
			return 0; /* memory first */
		*made = NULL;
		tn_function_start_locked(child, root->definition, root->cache);
		child->parent = root;
		root->users++;
		child->shape = root->shape;
		child->version = root->version;
		child->in_force = root->in_force;
		child->spinner = root->spinner;
		child->validates = root->validates;
		tn_list_insert_tail(&root->children, &child->in_parent);
		tn_list_insert_tail(&session->functions, &child->in_session);
		child->session = session;
		child->users = 1; /* the session's */
	}
	child->users++;
	tn_function_put_locked(root); /* the child holds it */
	*ret_child = child;
	return 0;
}

int tn_scope_enter(struct tn_function *root, struct tn_function **ret_child)
{
	struct tn_function *made = NULL;
	const char *name;
	int result = 0;

	*ret_child = NULL;
	do {
		tn_lock();
		name = root->definition->name;
		result = find_child_locked(root, &made, ret_child);
		tn_unlock();
		if (result == 0 && *ret_child == NULL && (made = tn_function_reserve()) == NULL)
			result = TENURE_ENOMEM;
	} while (result == 0 && *ret_child == NULL);
	tn_function_put_unused(made);
	switch (result) {
	case TENURE_ESESSION:
		return tn_fail(result, "%s() keeps its resources by session, and this thread has no current one that is open; "
			       "enter one with tenure_session_enter()", name);
	case TENURE_ECLOSED:
		return tn_fail(result, "%s() was retired", name);
	case TENURE_ENOMEM:
		return tn_fail(result, "out of memory for the function %s() of a session", name);
	default:
		return 0;
	}
}

/* Off its session: no call finds it any more. `child` is counted by the caller. */
void tn_scope_close_locked(struct tn_function *child)
{
	if (child->closed)
		return;
	child->closed = true;
	child->session = NULL;
	tn_list_remove(&child->in_session);
	tn_function_put_locked(child);
}

int tn_scope_end_session(struct tn_session *session)
{
	uint64_t generation = tn_core.generation;
	struct tn_function *child;
	int count = 0;

	for (;;) {
		tn_lock();
		child = tn_list_first(&session->functions, struct tn_function, in_session);
		if (child != NULL) {
			child->users++;
			child->cache->calls++; /* so that it stays */
			tn_scope_close_locked(child);
		}
		tn_unlock();
		if (child == NULL)
			return count;
		count += tn_clear_function(child, TN_SESSION_ENDED);
		tn_function_let_go(child, generation);
	}
}
