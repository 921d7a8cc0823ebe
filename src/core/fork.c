/* SPDX-License-Identifier: Apache-2.0 */
/* fork.c: the start of the core, in a process and in each forked child.
 *
 * prepare takes M, so that the child finds every structure whole; parent lets go. The child lets go of nothing: it makes
 * M anew, and by plain stores, without memory or waiting, forgets: table, records, entries, objects, flights, threads.
 * The parent's world stays in memory, untouched: its resources are never closed here, its leases are told by their
 * life, which is older than `oldest_life`, and lives and entry ids go on after the parent's, so that nothing of the
 * old world can be mistaken for the new. Functions and caches stay what they were, empty. */
#include "core/fork.h"

#include <pthread.h>
#include <string.h>

#include "base/random.h"
#include "core/cache.h"
#include "core/cell.h"
#include "core/context.h"
#include "core/entry.h"
#include "core/holder.h"
#include "core/key.h"
#include "core/maintenance.h"
#include "core/object.h"
#include "core/session.h"
#include "core/table.h"

struct tn_core tn_core;

static void prepare(void)
{
	tn_lock();
}

static void parent(void)
{
	tn_unlock();
}

static void forget_function(struct tn_function *function)
{
	function->users = function->keys = 0; /* calls, flights, entries and keys are the parent's */
	function->forgets = 0; /* likewise */
	function->closed = function->over || function->faces == NULL;
	for (const tenure_function *face = function->faces; face != NULL; face = face->state_[1])
		function->users++;
	tn_list_init(&function->children);
	function->walk = NULL;
	tn_list_init(&function->live);
	tn_list_init(&function->retired);
	tn_list_init(&function->drains);
	tn_list_init(&function->prepared);
	function->hand = NULL;
	function->live_count = function->retired_count = function->releasing_count = function->unfinished = 0;
	function->hits = function->waits = function->misses = function->creations = function->failures = 0;
	function->abandoned = function->release_failures = function->refreshes = function->creation_time = 0;
	memset(function->causes, 0, sizeof(function->causes));
}

static void child(void)
{
	struct tn_function *function;
	tenure_cache *cache;

	tn_mutex_reinit(&tn_core.mutex);
	__atomic_store_n(&tn_core.generation, tn_core.generation + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&tenure_core_.oldest_life, tn_core.next_life + 1, __ATOMIC_RELAXED);
	tn_table_start();
	tn_cell_forget_all();
	tn_entry_forget_all();
	tn_holder_forget_all();
	tn_object_forget_all();
	tn_session_forget_all();
	tn_pool_abandon(&tn_core.flights);
	tn_list_init(&tn_core.waiters);
	tn_core.outbox = NULL;
	tn_pool_abandon(&tn_core.function_pool);
	for (struct tn_list *at = tn_core.functions.next, *next; at != &tn_core.functions; at = next) {
		next = at->next;
		function = tn_container(at, struct tn_function, in_core);
		if (function->parent != NULL)
			tn_list_remove(at); /* a session's; the session is the parent's */
		else
			forget_function(function);
	}
	tn_list_for_each(cache, &tn_core.caches, tenure_cache, in_core)
		tn_cache_forget(cache);
}

static void start(void)
{
	unsigned char secret[32];

	tn_random_bytes(secret, sizeof(secret));
	tn_key_setup(secret);
	tn_random_bytes(&tn_core.seeds, sizeof(tn_core.seeds));
	memset(secret, 0, sizeof(secret));
	tn_mutex_init(&tn_core.mutex);
	tn_list_init(&tn_core.caches);
	tn_list_init(&tn_core.functions);
	tn_list_init(&tn_core.waiters);
	tn_pool_init(&tn_core.objects, sizeof(struct tn_object), 0);
	tn_pool_init(&tn_core.flights, sizeof(tenure_call), 0);
	tn_region_init(&tn_core.headers, TENURE_CHUNK_ * sizeof(struct tn_entry));
	tn_region_init(&tn_core.cell_chunks, sizeof(struct tn_cells));
	tn_pool_init(&tn_core.function_pool, sizeof(struct tn_function), offsetof(struct tn_function, users));
	tn_table_start();
	tn_session_start();
	tn_maintenance_start();
	pthread_atfork(prepare, parent, child);
}

void tn_core_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static bool started; /* atomic: acquire pairs with the release of who started */

	if (TENURE_LIKELY_(__atomic_load_n(&started, __ATOMIC_ACQUIRE)))
		return;
	pthread_once(&once, start);
	__atomic_store_n(&started, true, __ATOMIC_RELEASE);
}
