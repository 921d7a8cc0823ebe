/* SPDX-License-Identifier: Apache-2.0 */
/* reference.h: a naive cache, against which test_model.c compares the library.
 *
 * It knows nothing of cells, tables, locks or threads: a list of entries in the order of their birth, leases counted in
 * plain integers, a clock, and two queues: what is to be released, and which refreshes are to run. Each function does by hand
 * what the contract says of one call. Whether what is queued runs at once or only at a poll is the caller's choice. */
#ifndef TN_REFERENCE_H
#define TN_REFERENCE_H

#include "support.h"

enum { TIMED, BOUNDED, JUDGED, NEWS, OWN, FAR, PICKY, FUNCTIONS };
enum { KEYS = 6, SESSIONS = 3 };
enum { EXPIRED, CAPACITY, CLEARED, INVALID, REPLACED, SESSION_ENDED, CAUSES };
#define NEVER INT64_MAX
#define S INT64_C(1000000000) /* ns */

struct entry {
	struct entry *next;
	int function, key, session; /* session: of OWN; else -1 */
	int a, b; /* inputs of PICKY; b is 0 where it was not asked */
	long birth;
	struct book *book;
	bool live, queued, last, over;
	int leases;
	struct entry *keeps; /* holds one lease of it, given back after its own release */
	int64_t ready, soft, hard, due; /* due: the timer */
	bool own_ttl, stale, refreshing;
	int failures; /* of refreshes, in a row */
};

struct job { /* a refresh */
	int function, key, session;
	long birth; /* of the entry that it is to renew */
	bool cleared;
};

enum { JOBS = 4096 };
static struct {
	struct entry *first, **end;
	struct entry *queue[JOBS];
	struct job jobs[JOBS];
	int queue_first, queue_end, job_first, job_end; /* rings */
	int64_t now;
	long births, releases, jobs_run;
	int order[FUNCTIONS]; /* in which the functions were registered */
	long child_born[SESSIONS]; /* 0: this session has nothing of OWN */
	bool closed[FUNCTIONS]; /* retired */
	int64_t ttl[FUNCTIONS], max_stale[FUNCTIONS];
	bool background[FUNCTIONS];
	int bound[FUNCTIONS];
	long creations[FUNCTIONS], failed[FUNCTIONS], abandoned[FUNCTIONS], refreshes[FUNCTIONS], causes[FUNCTIONS][CAUSES];
} ref;

static void ref_options(int function, int64_t ttl, int64_t max_stale, bool background, int bound)
{
	ref.ttl[function] = ttl;
	ref.max_stale[function] = max_stale;
	ref.background[function] = background;
	ref.bound[function] = bound;
}

static void ref_start(void)
{
	memset(&ref, 0, sizeof(ref));
	ref.end = &ref.first;
	for (int f = 0; f < FUNCTIONS; f++)
		ref.order[f] = f;
	ref_options(TIMED, 100 * S, 0, false, 0);
	ref_options(BOUNDED, NEVER, 0, false, 5);
	ref_options(JUDGED, NEVER, 0, false, 0);
	ref_options(NEWS, 30 * S, 0, true, 0);
	ref_options(OWN, 40 * S, 100 * S, true, 3);
	ref_options(FAR, 60 * S, 0, false, 0);
	ref_options(PICKY, 70 * S, 0, false, 0);
}

#define EACH(e) for (struct entry *e = ref.first; e != NULL; e = e->next)

/* ---- end of life */

static void ref_queue(struct entry *e)
{
	e->queued = true;
	e->last = e->book != NULL;
	EACH(other) { /* one object in several entries is released with the last of them */
		if (other != e && other->book == e->book && !other->queued && !other->over)
			e->last = false;
	}
	ref.queue[ref.queue_end++ % JOBS] = e;
}

static void ref_settle(struct entry *e)
{
	if (!e->live && e->leases == 0 && !e->queued && !e->over)
		ref_queue(e);
}

static void ref_retire(struct entry *e, int cause)
{
	e->live = false;
	ref.causes[e->function][cause]++;
	ref_settle(e);
}

static void ref_give_back(struct entry *e)
{
	e->leases--;
	ref_settle(e);
}

static struct entry *ref_add(int function, int key, int session)
{
	struct entry *e = calloc(1, sizeof(*e));

	e->function = function;
	e->key = key;
	e->session = session;
	e->birth = ++ref.births;
	e->soft = e->hard = e->due = NEVER;
	*ref.end = e;
	ref.end = &e->next;
	return e;
}

/* What is over is forgotten, between the steps. */
static void ref_sweep(bool all)
{
	struct entry **at = &ref.first, *e;

	while ((e = *at) != NULL) {
		if (all || e->over) {
			*at = e->next;
			free(e);
		} else {
			at = &e->next;
		}
	}
	ref.end = at;
}

/* ---- time */

static void ref_set_due(struct entry *e, int64_t now)
{
	e->due = e->soft > now && e->soft < e->hard ? e->soft : e->hard;
}

static int64_t plus(int64_t a, int64_t b)
{
	return a == NEVER || b == NEVER ? NEVER : a + b;
}

static void ref_set_ends(struct entry *e, int64_t end, int64_t ttl)
{
	int64_t stale = ref.max_stale[e->function] > ttl ? ref.max_stale[e->function] : plus(ttl, ttl);

	e->soft = NEVER;
	e->hard = end;
	if (ref.background[e->function] && end != NEVER) {
		e->soft = end;
		e->hard = plus(e->ready, stale);
	}
}

/* It is ready now, with a ttl of its own (ns) or, < 0, that of the options. */
static void ref_ready(struct entry *e, int64_t own)
{
	int64_t ttl = own >= 0 ? own : ref.ttl[e->function];

	e->own_ttl = own >= 0;
	e->ready = ref.now;
	e->stale = e->refreshing = false;
	e->failures = 0;
	ref_set_ends(e, plus(ref.now, ttl), ttl);
	ref_set_due(e, ref.now);
}

static void ref_follow_options(struct entry *e)
{
	int64_t end = !e->own_ttl ? plus(e->ready, ref.ttl[e->function]) : e->stale ? INT64_MIN :
		      e->soft < e->hard ? e->soft : e->hard;

	if (end == INT64_MIN && ref.background[e->function])
		return; /* its own ttl is over, and it stays stale */
	ref_set_ends(e, end, !e->own_ttl || end == NEVER || end == INT64_MIN ? ref.ttl[e->function] : end - e->ready);
	if (e->soft > ref.now) {
		e->failures = 0;
		e->stale = false;
	}
}

static void ref_update(int function)
{
	EACH(e) {
		if (!e->live || e->function != function)
			continue;
		ref_follow_options(e);
		if (e->refreshing)
			e->soft = NEVER;
		if (e->hard <= ref.now)
			ref_retire(e, EXPIRED);
		else
			ref_set_due(e, ref.now);
	}
}

static int ref_expire(void)
{
	int count = 0;

	for (;;) {
		struct entry *first = NULL;

		EACH(e) {
			if (e->live && e->due <= ref.now && (first == NULL || e->due < first->due))
				first = e;
		}
		if (first == NULL)
			return count;
		if (first->hard <= ref.now) {
			ref_retire(first, EXPIRED);
			count++;
		} else {
			ref_set_due(first, ref.now);
		}
	}
}

static int64_t ref_next_due(void)
{
	int64_t next = NEVER;

	EACH(e)
		next = e->live && e->due < next ? e->due : next;
	return next;
}

/* ---- look up, clear */

static struct entry *ref_find(int function, int key, int session, int a, int b)
{
	EACH(e) {
		if (e->live && e->function == function && e->key == key && e->session == session &&
		    (function != PICKY || (e->a == a && (a == 0 || e->b == b))))
			return e;
	}
	return NULL;
}

static int ref_count(int function, int session, bool live)
{
	int count = 0;

	EACH(e)
		count += e->function == function && (session < 0 || e->session == session) && (live ? e->live : !e->live && !e->over);
	return count;
}

static int ref_cleared_jobs(int function)
{
	int count = 0;

	for (int i = ref.job_first; i < ref.job_end; i++)
		count += ref.jobs[i % JOBS].function == function && ref.jobs[i % JOBS].cleared;
	return count;
}

/* Everything of a function; with session >= 0: of that session's part. How many, the refreshes that are cleared too. */
static int ref_clear_part(int function, int session, int cause)
{
	int count = 0;

	for (int i = ref.job_first; i < ref.job_end; i++) {
		struct job *job = &ref.jobs[i % JOBS];

		if (job->function == function && job->session == session && !job->cleared) {
			job->cleared = true;
			count++;
		}
	}
	EACH(e) {
		if (e->live && e->function == function && e->session == session) {
			ref_retire(e, cause);
			count++;
		}
	}
	return count;
}

/* Every session's: in the order in which they came to have something. */
static int ref_clear_family(int function, int cause)
{
	int count = 0;
	long after = 0;

	if (function != OWN)
		return ref_clear_part(function, -1, cause);
	for (;;) {
		int next = -1;

		for (int s = 0; s < SESSIONS; s++) {
			if (ref.child_born[s] > after && (next < 0 || ref.child_born[s] < ref.child_born[next]))
				next = s;
		}
		if (next < 0)
			return count;
		after = ref.child_born[next];
		count += ref_clear_part(OWN, next, cause);
	}
}

static int ref_clear_key(int function, int key, int session)
{
	struct entry *found;
	int count = 0;

	do {
		found = NULL;
		EACH(e) { /* of those that differ in their inputs the newest first */
			if (e->live && e->function == function && e->key == key && e->session == session)
				found = e;
		}
		if (found != NULL) {
			ref_retire(found, CLEARED);
			count++;
		}
	} while (found != NULL);
	return count;
}

/* A session's part of OWN is closed; what comes next in its place is another one. */
static void ref_child_ends(int session)
{
	int past = SESSIONS + (int)++ref.births;

	ref.child_born[session] = 0;
	EACH(e)
		e->session = e->session == session ? past : e->session;
	for (int i = ref.job_first; i < ref.job_end; i++) {
		struct job *job = &ref.jobs[i % JOBS];

		job->session = job->session == session ? past : job->session;
	}
}

/* Forgotten and registered again: counts from zero, comes last. */
static void ref_forget(int function)
{
	int at = 0;

	while (ref.order[at] != function)
		at++;
	memmove(&ref.order[at], &ref.order[at + 1], (size_t)(FUNCTIONS - 1 - at) * sizeof(int));
	ref.order[FUNCTIONS - 1] = function;
	ref.closed[function] = false;
	ref.creations[function] = ref.failed[function] = ref.abandoned[function] = ref.refreshes[function] = 0;
	memset(ref.causes[function], 0, sizeof(ref.causes[function]));
}

/* ---- refresh */

enum plan { NEW, FAIL, ABANDON, SAME, SAME_AND_KEEP, UNKEPT, UNKEPT_SAME, OWN_TTL, PLANS };

/* What the nth refresh of this run does; the creator asks too. */
static enum plan plan_of(uint64_t seed, long n, int function)
{
	uint64_t x = (seed + (uint64_t)n) * UINT64_C(0x9e3779b97f4a7c15);
	enum plan plan = (enum plan)((x >> 32) % PLANS);

	if (function == OWN && (plan == SAME || plan == SAME_AND_KEEP || plan == UNKEPT_SAME))
		return NEW;
	return plan;
}

static void ref_refresh_failed(struct entry *e)
{
	int64_t pause = S << (e->failures < 6 ? e->failures : 6), most = e->hard - e->ready;
	int64_t end = !e->own_ttl ? plus(e->ready, ref.ttl[e->function]) : INT64_MIN;

	e->refreshing = false;
	if (!ref.background[e->function] || end > ref.now) {
		ref_follow_options(e);
	} else {
		e->failures++;
		e->soft = plus(ref.now, pause < most ? pause : most);
	}
	ref_set_due(e, ref.now);
}

/* A hit past the ttl starts one. Is the entry stale? */
static bool ref_consider(struct entry *e)
{
	if (ref.background[e->function] && e->soft <= ref.now && e->hard > ref.now) {
		e->stale = e->refreshing = true;
		e->soft = NEVER;
		ref_set_due(e, ref.now);
		ref.jobs[ref.job_end++ % JOBS] = (struct job){
			.function = e->function, .key = e->key, .session = e->session, .birth = e->birth,
		};
	}
	return e->stale;
}

/* The creator of this refresh has run; `book` is what it left, `kept` what it keeps. */
static void ref_refreshed(const struct job *job, enum plan plan, struct book *book, struct entry *kept)
{
	int64_t own = plan == UNKEPT || plan == UNKEPT_SAME ? 0 : plan == OWN_TTL ? 20 * S : -1;
	struct entry *old = NULL, *e;
	bool serves;

	EACH(at) {
		if (at->live && at->birth == job->birth)
			old = at;
	}
	if (plan == FAIL || plan == ABANDON) {
		ref.failed[job->function] += plan == FAIL;
		ref.abandoned[job->function] += plan == ABANDON;
		if (old != NULL)
			ref_refresh_failed(old);
		if (plan == FAIL) {
			e = ref_add(job->function, job->key, job->session);
			e->book = book;
			ref_queue(e);
		}
		return;
	}
	ref.refreshes[job->function]++;
	serves = old != NULL && !job->cleared && own != 0;
	if (serves && old->book == book && kept == NULL) {
		ref_ready(old, own);
		return;
	}
	e = ref_add(job->function, job->key, job->session);
	e->book = book;
	e->keeps = kept;
	if (old != NULL && !job->cleared)
		ref_retire(old, serves ? REPLACED : EXPIRED);
	ref_ready(e, own);
	e->live = serves;
	if (!serves) {
		ref.causes[e->function][job->cleared ? CLEARED : EXPIRED]++;
		ref_settle(e);
	}
}

/* ---- queues */

static bool ref_queue_empty(void)
{
	return ref.queue_first == ref.queue_end;
}

static void ref_release_one(void)
{
	struct entry *e = ref.queue[ref.queue_first++ % JOBS];

	ref.releases += e->last;
	e->over = true;
	if (e->keeps != NULL)
		ref_give_back(e->keeps);
}

static bool ref_predecessor(int function, int key, int session)
{
	for (int i = ref.queue_first; i < ref.queue_end; i++) {
		const struct entry *e = ref.queue[i % JOBS];

		if (e->function == function && e->key == key && e->session == session)
			return true;
	}
	return false;
}

/* C8: the creator of a key starts after what is queued of the same key, that too which comes from releases before it. */
static void ref_await_predecessor(int function, int key, int session)
{
	while (ref_predecessor(function, key, session))
		ref_release_one();
}

#endif
