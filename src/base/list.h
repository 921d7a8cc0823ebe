/* SPDX-License-Identifier: Apache-2.0 */
/* list.h: intrusive doubly linked lists. */
#ifndef TN_LIST_H
#define TN_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct tn_list { /* a head, or a link in a structure; linked to itself: empty, or in no list */
	struct tn_list *next, *prev;
};

#define tn_container(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

static inline void tn_list_init(struct tn_list *list)
{
	list->next = list->prev = list;
}

static inline bool tn_list_empty(const struct tn_list *list)
{
	return list->next == list;
}

static inline void tn_list_insert_head(struct tn_list *list, struct tn_list *link)
{
	link->prev = list;
	link->next = list->next;
	list->next->prev = link;
	list->next = link;
}

static inline void tn_list_insert_tail(struct tn_list *list, struct tn_list *link)
{
	tn_list_insert_head(list->prev, link);
}

/* Out of its list; fine for a link that is in none. */
static inline void tn_list_remove(struct tn_list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	tn_list_init(link);
}

#define tn_list_first(list, type, member) \
	(tn_list_empty(list) ? NULL : tn_container((list)->next, type, member))
#define tn_list_last(list, type, member) \
	(tn_list_empty(list) ? NULL : tn_container((list)->prev, type, member))

/* The body must not remove the current item. */
#define tn_list_for_each(item, list, type, member) \
	for ((item) = tn_container((list)->next, type, member); &(item)->member != (list); \
	     (item) = tn_container((item)->member.next, type, member))

#endif
