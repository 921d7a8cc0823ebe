/* SPDX-License-Identifier: Apache-2.0 */
/* table.h: from the hash of a key to the id of its entry; written under M, read without a lock (hit.h). */
#ifndef TN_TABLE_H
#define TN_TABLE_H

#include "core/core.h"

/* Room for one more key. Takes M; false: no memory. Each true is used up by tn_table_insert_locked() or given back. */
bool tn_table_reserve(void);
void tn_table_give_room_back_locked(void);

/* The first entry of this key: CREATING, LIVE, or the first of its variants (entries with inputs). NULL: none. */
struct tn_entry *tn_table_find_locked(const struct tn_function *function, uint64_t hash, const unsigned char *key,
				      uint32_t key_size);

/* A hit may find the entry from here on. */
void tn_table_insert_locked(struct tn_entry *entry);

/* `to` takes the place of `from`, which has the same key; NULL: the slot is emptied. */
void tn_table_replace_locked(struct tn_entry *from, struct tn_entry *to);

void tn_table_start(void); /* once, and in each forked child: an empty table without memory of its own */

#endif
