/* SPDX-License-Identifier: Apache-2.0 */
/* core.h: the structures of the core, and the one mutex that guards them.
 *
 * M is tn_core.mutex. Under M: no user code, no allocation, no log, no wait but on M's own conditions. Who needs memory
 * takes it before (reserve), takes M, and looks again. What a field's guard is stands beside it; a field without a
 * note is guarded by M. Atomic fields are read and written through the __atomic builtins only.
 *
 *   tn_function --live--> tn_entry --object--> tn_object          what is released, counted over entries
 *        |                  |  \--flight--> tenure_call            the running creation or validation
 *        |                  \--recording--> tn_recording           messages, inputs, kept leases; read under a lease
 *        \--cache--> tn_cache: timers, release queue, threads
 *   the table leads from a key's hash to the id of an entry; a thread's record leads from the id to its cell.
 *
 * Life of an entry. Only entry.c writes `state`:
 *   FREE -> CREATING            entry_begin        in the table, nobody but its flight knows it
 *   CREATING -> LIVE            entry_publish      cells may be opened from here on
 *   CREATING -> RETIRED         entry_publish_out  cleared meanwhile: granted to those who waited, never in service
 *   CREATING -> FREE, RELEASING entry_fail         failed or abandoned: without, with something left in the result
 *   LIVE -> RETIRED             entry_leave        unlinked; retire.c closes the cells
 *   RETIRED -> RELEASING        entry_hand_over    by whoever brought `shared` to zero, once
 *   RELEASING -> FREE           entry_free         after the worker ran the release
 */
#ifndef TN_CORE_H
#define TN_CORE_H

#include <stdint.h>
#include <tenure/tenure.h>
#include <tenure/hit.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/pool.h"
#include "base/region.h"
#include "base/spin.h"

enum tn_state { TN_FREE, TN_CREATING, TN_LIVE, TN_RETIRED, TN_RELEASING };

/* Why an entry left service: the counters of tenure_stats follow this order. */
enum tn_cause { TN_EXPIRED, TN_IDLE, TN_CAPACITY, TN_CLEARED, TN_INVALID, TN_REPLACED, TN_CLOSED, TN_SESSION_ENDED, TN_CAUSES };

#define TN_BIAS (UINT64_C(1) << 62) /* of `shared` while the entry is in service: keeps it from zero */
#define TN_EVERY_HIT INT64_MIN /* expire_at of an entry whose every hit takes the slow path: validated, or tracked */

struct tn_function;
struct tn_recording;
struct tn_session;
struct tn_tree;

/* Being in a session: what a thread has current, what a creation began in. It means nothing once that session has ended:
 * the memory may serve another life. session.c tells. */
struct tn_visit {
	struct tn_session *session; /* NULL: in none */
	uint64_t life;
};
struct tn_failure;

enum { TN_PROGRESS_ROOM = 256 };

/* How far a creation says it is. */
struct tn_progress {
	double fraction; /* 0..1; < 0: unknown */
	char text[TN_PROGRESS_ROOM];
};

struct tn_object {
	struct tn_object *next; /* in its bucket, or the pool's free list */
	void *address;
	const tenure_definition *definition; /* whose release runs; it also tells closing functions apart */
	uint32_t entries; /* how many it stands in */
};

struct tn_entry {
	struct tenure_entry_ head; /* what a hit reads: hit.h */

	/* The word that decides the release: TN_BIAS + leases granted on it - those given back; after retirement
	 * exactly the leases that are out. atomic (acq_rel where it decides) */
	uint64_t shared;
	struct tenure_cell_ grant; /* a cell that is never opened: the handle of a lease counted in `shared`; its word counts
		those leases too, so that a second give-back is told */
	struct tn_object *object; /* NULL: nothing to release */
	tenure_call *flight; /* CREATING: its creation; LIVE: a running validation or NULL */
	union {
		struct tn_list in_function; /* LIVE: live; RETIRED: retired, of its function */
		struct {
			struct tn_entry *next_release; /* RELEASING: the queue */
			struct tn_entry *next_same_hash; /* RELEASING: tn_core.releasing */
		};
		struct tn_entry *next_free; /* FREE */
	};
	struct tn_recording *recording; /* NULL: none. Written before publication, freed after the release */

	struct tn_heap_node timer; /* LIVE: when the maintenance must look at it */
	uint32_t opened; /* LIVE: number of the record that opened a cell of it last, which names the one before; 0: none */
	int64_t ready_at; /* when the creator returned; TN_NEVER: it has not, or it failed */
	int64_t creation_time; /* how long it took, ns */
	int64_t hard_at; /* nobody gets it any more: end of its ttl, or of max_stale; TN_NEVER */
	int64_t soft_at; /* a hit starts a refresh: end of its ttl, or the next attempt; TN_NEVER: not, or one runs */
	int64_t used_at; /* idle: last time it was seen used; RELEASING: when it was queued */
	union {
		int64_t validate_at; /* LIVE: next validation; TN_NEVER without */
		uint64_t counted_at; /* out of service: its number among all that were counted in `unfinished` */
	};
	uint8_t cause; /* enum tn_cause, from RETIRED on */
	uint8_t refresh_failures; /* in a row */
	bool last : 1; /* RELEASING: the last entry of its object, so the release runs */
	bool counted : 1; /* in its function's `unfinished` */
	bool own_ttl : 1; /* its creator has set it */
	bool refreshing : 1; /* a refresh of this life waits or runs: its outcome sets the next soft_at */
};
_Static_assert(sizeof(struct tn_entry) % 64 == 0, "what a hit reads is one cache line");

/* One call of drain; lives on its stack. */
struct tn_drain {
	struct tn_list in_function;
	uint64_t last; /* waits for what was counted up to this number */
	uint64_t left; /* how many of them are not FREE yet */
};

/* One waiting thread; lives on its stack. */
struct tn_waiter {
	struct tn_list in_flight;
	struct tn_list in_core; /* tn_core.waiters: the edges of the search for cycles */
	tenure_call *flight; /* what it waits for */
	tenure_call *inside; /* the innermost creation this thread runs, or NULL */
	bool granted; /* holds one lease, counted on `shared` */
	bool sent_away; /* by the front */
};

/* A running creation (what users see as tenure_call) or validation: a flight. */
struct tenure_call {
	tenure_call *next_free;
	bool made; /* its condition is initialised; stays so in the pool */
	struct tn_cond changed; /* the flight ended, or a poll moved the clock */

	struct tn_list in_cache;
	struct tn_list waiters;
	struct tn_function *function; /* constant, as are the next ten */
	struct tn_entry *entry;
	const tenure_definition *definition; /* the leader's */
	const char *spinner; /* NULL: none; lives as long as the function */
	bool show_time;
	struct tn_visit visit; /* the leader's */
	tenure_call *parent; /* the creation that this one runs in, or NULL; counted in its users */
	uint64_t generation; /* of the process */
	uint64_t life; /* number of this use of the memory; 0: unused */
	int64_t started; /* ns */
	uint64_t id; /* the life of the entry that it makes */
	bool validation;
	bool quiet; /* a refresh: without a front; what it says and asks is what its entry's recording has */
	bool detached; /* the creator runs on a worker, without its caller */

	struct tn_tree *tree; /* CREATING: of the live entries of this base key with inputs; NULL: there are none */
	uint32_t users; /* leader, waiters and children: the last one returns it to the pool */
	bool cleared; /* a clear came meanwhile: the result is not published, the verdict dropped */
	bool awaiting; /* C8: the creator has not started, a release of this key is queued or running */
	bool hurry; /* it waits no longer: who joined it is inside a release, which would wait for itself */
	bool ended;
	bool abandoned; /* nobody's failure: the waiters look again */
	int result; /* once ended: 0, or the error for everybody */
	int64_t patience; /* the latest deadline of those who waited */
	tenure_call *found_from, *next_found; /* search for cycles */
	uint64_t mark; /* the search that saw it */

	/* The creator's and its helper threads', until it returns; then constant. */
	void *resource; /* *ret */
	struct tn_recording *recording; /* counted: by the flight, and by the entry that owns it later */
	char *failure; /* in words, guarded by M while the creator runs; freed by the last user */
	struct tn_failure *error; /* the same as an object, likewise; one use of it is the flight's. NULL: none */
	int creator_result; /* or what validate said */
	int64_t ttl; /* of this entry, as the creator says; guarded by M */
	bool ttl_set, gave_up, out_of_memory; /* guarded by M */
	int front_error; /* the front's answer to an input, if not a value: the creation fails with it. guarded by M */
	struct tn_progress progress; /* guarded by M */
	bool shown; /* the leader's: the front shows it on the creator's own thread, and is to be told of the end */
	int64_t shown_next; /* the leader's: not again before this moment */
};

/* Something to be run on a worker, without a lock; part of a larger structure, which is the runner's. */
struct tn_task {
	struct tn_task *next;
	void (*run)(struct tn_task *task);
};

struct tn_worker {
	struct tn_list in_cache;
	tenure_cache *cache; /* constant */
	struct tn_entry *entry; /* what it releases; NULL: nothing */
	struct tn_task *job; /* or what else it runs; NULL: nothing */
	bool busy; /* in user code: a release, a job, a report */
	int64_t busy_since; /* when that began */
	uint64_t generation; /* of the process */
	bool stuck; /* replaced */
	bool reported; /* that it is stuck */
	bool told; /* that its release failed; owned by its thread */
};

struct tenure_cache {
	struct tn_list in_core;
	struct tn_list functions;
	struct tn_list flights;
	struct tn_heap timers;
	size_t timers_reserved; /* room in it, one for each entry in service or in creation */
	char *name; /* constant */
	tenure_cache_options options; /* constant once open */
	int64_t now; /* the cached time: atomic (relaxed), moved under M */
	bool open;
	bool closing;
	bool exited; /* at exit() it was closed, or as far as could be */
	uint32_t closers; /* closes under way: the last one out of a closed cache frees it */
	uint64_t calls; /* under way in the core, for one of its functions: closing awaits them */

	/* releases: first in, first out, none is ever dropped */
	struct tn_entry *release_first;
	struct tn_entry **release_end;
	uint64_t queued; /* in the queue */
	uint64_t told; /* how often there was work: atomic (relaxed) for those who spin, written under M */
	struct tn_patience work_patience, release_patience; /* of workers for work, of leaders for a release */
	struct tn_task *job_first; /* creations to run on a worker: first in, first out */
	struct tn_task **job_end;
	uint64_t jobs_queued;
	uint32_t jobs_running; /* by workers that are not stuck */
	uint64_t unfinished; /* out of service and not FREE */
	uint32_t awaiting; /* creations that wait for a release */
	struct tn_list workers;
	uint32_t worker_count; /* not counting stuck ones */
	uint32_t idle_workers; /* parked on `work`, or spinning */
	uint32_t spinning_workers; /* who look for work by themselves within microseconds */
	uint32_t threads; /* all threads of this cache, stuck ones too */
	uint32_t stuck_workers;
	bool maintained; /* the maintenance thread runs */
	bool watching; /* it will look at running callbacks within a second */
	bool worked; /* a callback was begun since it last looked */
	int64_t looks_at; /* when the maintenance wakes by itself; INT64_MIN: it is awake, or about to be */
	bool stop; /* threads end */

	/* work that the program's own executor or event loop does: outbox.c */
	void (*run)(void *cache); /* one task. constant */
	tenure_cache *next_posted;
	uint64_t to_execute; /* tasks that the executor is to be handed */
	uint64_t executing; /* tasks that it was handed, or is about to be, and has not begun */
	bool posted, to_wake;
	struct tn_cond work; /* something in the queue, or closing */
	struct tn_cond tick; /* the maintenance thread has a nearer deadline, or closing */
	struct tn_cond settled; /* an entry became FREE, a flight or a thread ended */
};

/* Options in force. Times in ns; TN_NEVER: none; validate_every 0: every hit; max_stale 0: twice the ttl; max_entries
 * UINT64_MAX: no bound. */
#define TN_IN_FORCE \
	int64_t ttl, idle_ttl, validate_every, max_stale; \
	uint64_t max_entries; \
	uint32_t jitter_percent; \
	bool show_time, track_holders, background, on_worker;
struct tn_in_force {
	TN_IN_FORCE
};

/* What a function knows of its prepared keys: their hits without a lease. */
struct tn_prepared {
	tenure_key head; /* hits_: atomic (relaxed); one writer at a time, says tenure_key_live() */
	struct tn_list in_function;
};

/* Type-stable, from a pool. A root is what users' objects (faces) lead to. With scope=session it holds options only, and a
 * child of it for each session that called it has the entries. */
struct tn_function {
	struct tenure_state_ state; /* what a hit reads */
	uint64_t users; /* faces, calls under way, flights, entries that are not FREE, keys, children; the session. 0: in the pool */
	uint64_t keys; /* prepared ones among them */
	struct tn_list in_cache; /* roots */
	struct tn_list in_core; /* all */
	struct tn_list children; /* of a root */
	struct tn_list in_parent; /* of a child */
	struct tn_list in_session; /* of a child, while its session lasts */
	struct tn_session *session; /* of a child: its session, NULL once that has ended */
	struct tn_function *parent; /* NULL: a root. constant */
	tenure_function *faces; /* of a root: linked by state_[1], each counted in `users` */
	tenure_cache *cache; /* constant */
	const tenure_definition *definition; /* the newest one */
	uint64_t shape; /* of name, version, type and parameters: constant */
	bool scoped; /* a root with scope=session. constant */
	bool closed; /* calls are refused: retired, being forgotten, or its session has ended */
	bool over; /* of a root: it was retired, so it stays closed when a forget comes to nothing */
	uint32_t forgets; /* calls of forget under way: each counted in `users` */

	/* plain, written under M, read under M or by the flight's leader */
	union {
		struct {
			TN_IN_FORCE
		};
		struct tn_in_force in_force;
	};
	bool validates;
	struct tn_text *spinner; /* NULL: none */
	struct tn_text *texts; /* every text it ever had: a front may still look at one. Freed before its next life */
	const char *version; /* NULL: the face is the identity. constant; one of the texts */

	struct tn_list live; /* newest first */
	struct tn_list retired; /* leased ones that are out of service */
	struct tn_list drains;
	struct tn_list prepared; /* the keys: struct tn_prepared */
	struct tn_entry *hand; /* of the eviction */
	struct tn_entry *walk; /* the next entry to which changed options are to be applied */
	uint64_t live_count, retired_count, releasing_count;
	uint64_t unfinished; /* for drain: retired, releasing, and cleared ones in creation */

	uint64_t hits, waits, misses, creations, failures, abandoned, release_failures, refreshes, creation_time;
	uint64_t causes[TN_CAUSES];
};

/* A thread's record: never freed. When its thread ends it goes to the free list as it is, cells open, and serves the
 * next thread. */
struct tn_record {
	struct tenure_record_ head; /* written by the owner under M; each chunk is the head of a tn_cells */
	uint32_t number; /* constant */
	struct tn_record *next_free;
};

/* A thread's cells of TENURE_CHUNK_ entries. */
struct tn_cells {
	struct tenure_cell_ cells[TENURE_CHUNK_];
	uint32_t next[TENURE_CHUNK_]; /* of each that is open: the record that opened one of that entry before; 0: none */
};

/* A text of a function's. Constant. */
struct tn_text {
	struct tn_text *next;
	char text[];
};

struct tn_core {
	struct tn_mutex mutex; /* M */
	struct tn_list caches;
	struct tn_list functions; /* all, of every cache */
	struct tn_record **records; /* every record ever made, by number from 1 on; a forked child never uses its parents' */
	uint32_t record_room, record_count;
	struct tn_list waiters;
	struct tn_record *free_records;
	struct tn_entry *free_entries;
	struct tn_entry **entry_chunks; /* headers by id / TENURE_CHUNK_ */
	uint64_t entry_chunk_room, entry_chunk_count;
	uint64_t first_chunk; /* after a fork: the first that is not the parent's */
	uint64_t next_life;
	uint64_t work, work_before; /* entries and cells that were looked at one after the other; when M was taken */
	uint64_t counted; /* entries that ever went out of service */
	uint64_t generation; /* atomic (relaxed): 0, and one more in each forked child */
	uint64_t function_count;
	uint64_t flights_begun;
	uint64_t searches; /* marks of the search for cycles */
	uint64_t table_count, table_reserved;
	struct tn_object **object_buckets;
	struct tn_object **parents_buckets; /* likewise */
	uint64_t object_mask, object_count;
	struct tn_pool objects;
	struct tn_pool flights;
	struct tn_region headers; /* of TENURE_CHUNK_ entries each */
	struct tn_region cell_chunks; /* of struct tn_cells */
	struct tn_pool function_pool;
	struct tn_releasing {
		struct tn_entry *first, *last;
	} releasing[1024]; /* RELEASING entries by hash, oldest first, as they are released */
	uint64_t seeds; /* secret */
	tenure_cache *outbox; /* caches that have something to tell the program; outbox.c */
	bool exiting; /* exit() has run: every get is refused */
};

extern struct tn_core tn_core;

static inline void tn_lock(void)
{
	tn_mutex_lock(&tn_core.mutex);
	tn_core.work_before = tn_core.work; /* who lets others in gives up the processor, so short sections never do */
}

void tn_unlock_and_tell(void); /* outbox.c */

static inline void tn_unlock(void)
{
	if (TENURE_UNLIKELY_(tn_core.outbox != NULL))
		tn_unlock_and_tell();
	else
		tn_mutex_unlock(&tn_core.mutex);
}

enum { TN_BATCH = 256 };

/* Where there can be many entries, or many cells of one: is it time to let others have M? */
static inline bool tn_batch_done_locked(void)
{
	return tn_core.work - tn_core.work_before >= TN_BATCH;
}

/* Whoever waits for M has it now. */
static inline void tn_breathe_unlock_lock(const char *place)
{
	(void)place;
	tn_unlock();
	TN_FAULT(place);
	tn_mutex_let_in(&tn_core.mutex);
	tn_lock();
}

static inline void tn_assert_locked(void)
{
	tn_mutex_assert_held(&tn_core.mutex);
}

static inline struct tn_entry *tn_entry_of(const struct tenure_cell_ *cell)
{
	return (struct tn_entry *)cell->entry; /* the head is an entry's first member */
}

static inline struct tn_function *tn_function_of(const struct tn_entry *entry)
{
	return (struct tn_function *)(uintptr_t)entry->head.function; /* likewise */
}

/* Do only prepared keys lead here, and `walks` counts of the caller's? Then the definition may be gone. */
static inline bool tn_forgotten_locked(const struct tn_function *function, uint64_t walks)
{
	return function->parent == NULL && function->users == function->keys + walks;
}

static inline int64_t tn_cached_now(const tenure_cache *cache)
{
	return __atomic_load_n(&cache->now, __ATOMIC_RELAXED);
}

/* Now, by the cache's clock, where M is held: an injected clock, which is user code, stands at its cached time. */
static inline int64_t tn_cache_time_locked(const tenure_cache *cache)
{
	return cache->options.now == NULL ? tn_clock_monotonic() : tn_cached_now(cache);
}

#endif
