/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c: the decision tree of a base key with inputs.
 *
 * The branches of a node are a digital search tree by the bits of their values' hashes: a branch stands somewhere on the way
 * that the bits of its hash describe, so looking one up takes some log2(n) comparisons of numbers and one of values, a new
 * one goes to the end of its way, and one that leaves is replaced by any from below it. Nothing has to grow or be balanced,
 * so no memory is needed under M.
 * A tree is found by way of its entries: the table leads to one of them, or to the running creation. Who takes its last leaf
 * out takes it out of service. Nodes and trees that are dead are freed by whoever frees what they died with, without M. */
#include "core/tree.h"

#include "base/alloc.h"
#include "base/fault.h"

struct tn_node *tn_tree_node(struct tn_input *answer)
{
	struct tn_node *node = tn_alloc(sizeof(*node));

	if (node != NULL) {
		node->answer = answer;
		node->hash = tn_value_hash(&answer->value);
		tn_list_init(&node->in_tree);
	}
	return node;
}

struct tn_tree *tn_tree_new(void)
{
	struct tn_tree *tree = tn_alloc(sizeof(*tree));

	if (tree != NULL) {
		tree->root.tree = tree;
		tn_list_init(&tree->leaves);
	}
	return tree;
}

void tn_tree_free(struct tn_node *chain, struct tn_tree *tree)
{
	while (chain != NULL) {
		struct tn_node *next = chain->branches;

		tn_input_put(chain->answer);
		tn_input_put(chain->question);
		tn_free(chain);
		chain = next;
	}
	if (tree != NULL)
		tn_input_put(tree->root.question);
	tn_free(tree);
}

/* Where the branch of this value stands, or would stand. */
static struct tn_node **place_of(struct tn_node *node, uint64_t hash, const tenure_value *value)
{
	struct tn_node **at = &node->branches;

	for (int bit = 0; *at != NULL; bit++) {
		TN_FAULT("tree.step");
		if ((*at)->hash == hash && tn_value_same(&(*at)->answer->value, value))
			break;
		at = &(*at)->twins[bit < 64 ? hash >> bit & 1 : 0]; /* behind the last bit: a list of those with one hash */
	}
	return at;
}

struct tn_node *tn_tree_branch_locked(const struct tn_node *node, const tenure_value *value)
{
	return *place_of((struct tn_node *)(uintptr_t)node, tn_value_hash(value), value);
}

static struct tn_entry *any_entry(const struct tn_node *node)
{
	while (node->branches != NULL)
		node = node->branches;
	return node->entry;
}

struct tn_entry *tn_tree_in_the_way_locked(struct tn_tree *tree, const struct tn_node *path)
{
	struct tn_node *at = &tree->root;

	tn_assert_locked();
	for (; path != NULL; path = path->branches) {
		if (at->question == NULL || !tn_input_same(at->question, path->answer))
			break;
		at = *place_of(at, path->hash, &path->answer->value);
		if (at == NULL)
			return NULL;
	}
	return any_entry(at); /* one at a time, until there is none below */
}

struct tn_node *tn_tree_insert_locked(struct tn_tree *tree, struct tn_node **path, struct tn_entry *entry)
{
	struct tn_node *at = &tree->root, *node = *path, *next;

	tn_assert_locked();
	*path = NULL;
	for (; node != NULL; node = next) {
		struct tn_node **place;

		next = node->branches;
		if (at->question == NULL) {
			at->question = node->answer;
			at->question->users++;
		}
		place = place_of(at, node->hash, &node->answer->value);
		if (*place != NULL) { /* others have come this way */
			node->branches = *path;
			*path = node;
		} else {
			node->branches = NULL;
			node->parent = at;
			node->tree = tree;
			*place = node;
		}
		at = *place;
	}
	TN_CHECK(at->question == NULL && at->entry == NULL);
	at->entry = entry;
	tn_list_insert_tail(&tree->leaves, &at->in_tree);
	return at;
}

/* Out of its parent's branches; one from below takes its place. */
static void unlink_node(struct tn_node *node)
{
	struct tn_node **at = place_of(node->parent, node->hash, &node->answer->value), **below = at;

	TN_CHECK(*at == node);
	while ((*below)->twins[0] != NULL || (*below)->twins[1] != NULL)
		below = &(*below)->twins[(*below)->twins[0] == NULL];
	if (*below == node) {
		*at = NULL;
	} else {
		struct tn_node *other = *below;

		*below = NULL;
		other->twins[0] = node->twins[0];
		other->twins[1] = node->twins[1];
		*at = other;
	}
	node->twins[0] = node->twins[1] = NULL;
}

bool tn_tree_remove_locked(struct tn_node *leaf, struct tn_node **dead)
{
	struct tn_tree *tree = leaf->tree;
	struct tn_node *node = leaf;

	tn_assert_locked();
	tn_list_remove(&leaf->in_tree);
	leaf->entry = NULL;
	while (node != &tree->root && node->branches == NULL) {
		struct tn_node *parent = node->parent;

		unlink_node(node);
		node->branches = *dead;
		*dead = node;
		node = parent;
	}
	return tn_list_empty(&tree->leaves);
}
