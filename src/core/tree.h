/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h: the decision tree of a base key with inputs: a node asks the next one, its value picks the branch. */
#ifndef TN_TREE_H
#define TN_TREE_H

#include "core/input.h"

struct tn_node { /* guarded by M */
	struct tn_node *parent; /* NULL: the root */
	struct tn_node *branches; /* where the values of `question` lead; in a path, or dead: the next one */
	struct tn_node *twins[2]; /* of the same parent */
	struct tn_tree *tree;
	uint64_t hash; /* of the answer's value */
	struct tn_input *answer; /* whose value leads here; counted. NULL: the root */
	struct tn_input *question; /* counted. NULL: a leaf */
	struct tn_entry *entry; /* of a leaf */
	struct tn_list in_tree; /* of a leaf */
};

/* In service as long as it has a leaf. */
struct tn_tree {
	struct tn_node root;
	struct tn_list leaves; /* in the order in which they were published */
	tenure_call *flight; /* the running creation of this base key; NULL: none */
};

/* A path is a chain of nodes by `branches`: the answers that a creator got, in order. Its memory is made while the creator
 * asks, so that its publication needs none. */
struct tn_node *tn_tree_node(struct tn_input *answer); /* takes over one user of it. NULL: no memory */
struct tn_tree *tn_tree_new(void); /* NULL: no memory */
void tn_tree_free(struct tn_node *chain, struct tn_tree *tree); /* NULL is fine. Takes M */

/* Where this value leads; NULL: nowhere yet. */
struct tn_node *tn_tree_branch_locked(const struct tn_node *node, const tenure_value *value);

/* An entry that has to go before this path fits in: it stands at the path's end, or in the way, since its creator asked
 * something else at a place where both have answered the same. NULL: it fits. */
struct tn_entry *tn_tree_in_the_way_locked(struct tn_tree *tree, const struct tn_node *path);

/* Put the entry at the end of a path that fits. Returns the leaf; *path: the nodes that were not needed. */
struct tn_node *tn_tree_insert_locked(struct tn_tree *tree, struct tn_node **path, struct tn_entry *entry);

/* Take a leaf out. *dead gets the nodes that lead to nothing any more. True: the tree is without a leaf. */
bool tn_tree_remove_locked(struct tn_node *leaf, struct tn_node **dead);

#endif
