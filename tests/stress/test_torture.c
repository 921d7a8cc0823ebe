/* SPDX-License-Identifier: Apache-2.0 */
/* test_torture.c: real threads for a while, with books of their own.
 *
 * The oracle knows nothing of the library: each resource counts the leases that the test holds on it, and its release is
 * fatal while that is not zero or when it was released before; at the end created equals released and nothing is out.
 * Threads get, peek, share out leases and give them back on each other; meanwhile resources expire, are refreshed, evicted,
 * cleared, validated; options change, sessions and functions come to their end while others are in them. Beside the cache
 * with threads there are one in manual mode, polled by one thread, and one with an executor.
 * Environment: TENURE_TORTURE_SECONDS (3), TENURE_TORTURE_LEASES (stop after that many instead), TENURE_TORTURE_FORK=1
 * (fork in the middle: the child must find an empty cache, and its parent nothing amiss). */
#include "support.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CACHE .cache = &cache
enum { THREADS = 8, KEYS = 40, HELD = 6, SESSIONS = 4, PREPARED = 8, POOL = 2, TASKS = 1 << 16 };

static tenure_cache *by_hand, *pooled;

static void drop_report(void *user, int result, const char *text)
{
	(void)user, (void)result, (void)text; /* of failed refreshes, mostly */
}

static bool good(struct book *book)
{
	book_check(book);
	return (book->number * 7 + __atomic_load_n(&created, __ATOMIC_RELAXED)) % 50 != 0;
}

TENURE_DECLARE(plain, struct book, (int, n));
TENURE_DECLARE(bounded, struct book, (int, n));
TENURE_DECLARE(judged, struct book, (const char *, name), (int, n));
TENURE_DECLARE(nested, struct book, (int, n));
TENURE_DECLARE(tracked, struct book, (int, n));

static int make(tenure_call *c, int n, struct book **ret)
{
	long serial = __atomic_load_n(&created, __ATOMIC_RELAXED);

	*ret = book_new(n);
	if (serial % 17 == 0)
		return tenure_fail(c, "number %ld fails", serial);
	if (serial % 23 == 0)
		return tenure_abandon(c);
	if (serial % 29 == 0)
		tenure_call_set_ttl(c, 0);
	return 0;
}

static int make_plain(tenure_call *c, const plain_args *a, struct book **ret)
{
	return make(c, a->n, ret);
}
static int make_bounded(tenure_call *c, const bounded_args *a, struct book **ret)
{
	return make(c, a->n, ret);
}
static int make_judged(tenure_call *c, const judged_args *a, struct book **ret)
{
	tenure_say(c, TENURE_INFO, "judged %s", a->name);
	return make(c, a->n, ret);
}
static int make_nested(tenure_call *c, const nested_args *a, struct book **ret)
{
	TENURE_LEASE(plain, l);

	if (tenure_get(plain, &l, a->n) >= 0)
		tenure_call_keep(c, &l);
	return make(c, a->n, ret);
}
static int make_tracked(tenure_call *c, const tracked_args *a, struct book **ret)
{
	tenure_progress(c, 0.5, "half of %d", a->n);
	return make(c, a->n, ret);
}
TENURE_DEFINE(tracked, CACHE, .create = make_tracked, .release = book_release, .ttl = "4ms", .track_holders = true);
TENURE_DECLARE(news, struct book, (int, n));
TENURE_DECLARE(own, struct book, (int, n));
TENURE_DECLARE(far, struct book, (const char *, host), (int, n));
TENURE_DECLARE(passing, struct book, (int, n));
TENURE_DECLARE(polled, struct book, (int, n));
TENURE_DECLARE(executed, struct book, (int, n));

/* Now and then what is there already, which it keeps; a refresh that does so, and keeps it too, stands in two entries. */
static int make_news(tenure_call *c, const news_args *a, struct book **ret)
{
	TENURE_LEASE(news, l);

	if (__atomic_load_n(&created, __ATOMIC_RELAXED) % 5 == 0 && tenure_peek(news, &l, a->n) >= 0) {
		*ret = l.resource;
		return tenure_call_keep(c, &l);
	}
	return make(c, a->n, ret);
}
static int make_own(tenure_call *c, const own_args *a, struct book **ret)
{
	return make(c, a->n, ret);
}
static int make_far(tenure_call *c, const far_args *a, struct book **ret)
{
	if (strcmp(a->host, "host") != 0)
		abort(); /* the copy of the arguments is gone */
	return make(c, a->n, ret);
}
static int make_passing(tenure_call *c, const passing_args *a, struct book **ret)
{
	return make(c, a->n, ret);
}
static int make_polled(tenure_call *c, const polled_args *a, struct book **ret)
{
	return make(c, a->n, ret);
}
static int make_executed(tenure_call *c, const executed_args *a, struct book **ret)
{
	return make(c, a->n, ret);
}
TENURE_DEFINE(news, CACHE, .create = make_news, .release = book_release, .ttl = "2ms", .max_stale = "20ms",
	      .refresh = TENURE_BACKGROUND);
TENURE_DEFINE(own, CACHE, .create = make_own, .release = book_release, .ttl = "3ms", .refresh = TENURE_BACKGROUND,
	      .scope = TENURE_SESSION, .max_entries = 5);
TENURE_DEFINE(far, CACHE, .create = make_far, .release = book_release, .ttl = "2ms", .create_on_worker = true);
TENURE_DEFINE(passing, CACHE, .create = make_passing, .release = book_release, .max_entries = 20);
TENURE_DEFINE(polled, .cache = &by_hand, .create = make_polled, .release = book_release, .ttl = "3ms", .max_stale = "30ms",
	      .refresh = TENURE_BACKGROUND, .max_entries = 15);
TENURE_DEFINE(executed, .cache = &pooled, .create = make_executed, .release = book_release, .ttl = "3ms", .create_on_worker = true);
TENURE_DEFINE(plain, CACHE, .create = make_plain, .release = book_release, .ttl = "3ms", .jitter_percent = 50);
TENURE_DEFINE(bounded, CACHE, .create = make_bounded, .release = book_release, .max_entries = 9, .idle_ttl = "5ms");
TENURE_DEFINE(judged, CACHE, .create = make_judged, .release = book_release, .validate = good, .validate_every = "1ms");
TENURE_DEFINE(nested, CACHE, .create = make_nested, .release = book_release, .ttl = "10ms");

static long leases, most_leases, errors;
static int stop;
static pthread_mutex_t swap_mutex = PTHREAD_MUTEX_INITIALIZER;
static tenure_lease swapped[THREADS]; /* leases that change hands */

static void hold(const tenure_lease *lease)
{
	struct book *book = lease->resource;

	book_check(book);
	__atomic_fetch_add(&book->leases, 1, __ATOMIC_SEQ_CST);
}

static void let_go(tenure_lease *lease)
{
	struct book *book = lease->resource;
	tenure_lease copy;

	if (lease->cell_ == NULL)
		return;
	book_check(book);
	__atomic_fetch_sub(&book->leases, 1, __ATOMIC_SEQ_CST);
	copy = *lease;
	if (tenure_lease_give_back(lease) != 0)
		__atomic_fetch_add(&errors, 1, __ATOMIC_SEQ_CST);
	/* A tracked one (its stamp is a token): a second give-back is told, whatever else is held. */
	if (copy.stamp_ >> 63 && tenure_lease_give_back(&copy) != TENURE_ENOTHELD)
		__atomic_fetch_add(&errors, 1, __ATOMIC_SEQ_CST);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- the program's own threads: one polls, some execute */

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	void (*run[TASKS])(void *);
	void *task[TASKS];
	unsigned first, end; /* a ring */
	bool stop;
} pool = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void execute(void *user, void (*run)(void *), void *task)
{
	(void)user;
	pthread_mutex_lock(&pool.mutex);
	if (pool.end - pool.first == TASKS)
		abort();
	pool.run[pool.end % TASKS] = run;
	pool.task[pool.end++ % TASKS] = task;
	pthread_cond_signal(&pool.changed);
	pthread_mutex_unlock(&pool.mutex);
}

static void *run_tasks(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&pool.mutex);
	for (;;) {
		if (pool.first != pool.end) {
			void (*run)(void *) = pool.run[pool.first % TASKS];
			void *task = pool.task[pool.first++ % TASKS];

			pthread_mutex_unlock(&pool.mutex);
			run(task);
			pthread_mutex_lock(&pool.mutex);
		} else if (pool.stop) {
			break;
		} else {
			pthread_cond_wait(&pool.changed, &pool.mutex);
		}
	}
	pthread_mutex_unlock(&pool.mutex);
	return NULL;
}

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool woken, stop;
} loop = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void wake(void *user)
{
	(void)user;
	pthread_mutex_lock(&loop.mutex);
	loop.woken = true;
	pthread_cond_signal(&loop.changed);
	pthread_mutex_unlock(&loop.mutex);
}

static int64_t time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* An event loop: it sleeps until the moment that the last poll has told, or until it is woken. */
static void *run_polls(void *unused)
{
	int64_t next = 0;

	(void)unused;
	pthread_mutex_lock(&loop.mutex);
	while (!loop.stop) {
		if (!loop.woken && next > time_now()) {
			struct timespec until = { .tv_sec = 1 };
			int64_t sleep = next - time_now();

			clock_gettime(CLOCK_REALTIME, &until);
			sleep = until.tv_nsec + (sleep < 1000000000 ? sleep : 1000000000);
			until.tv_sec += sleep / 1000000000;
			until.tv_nsec = sleep % 1000000000;
			pthread_cond_timedwait(&loop.changed, &loop.mutex, &until);
		}
		loop.woken = false;
		pthread_mutex_unlock(&loop.mutex);
		if (tenure_poll(by_hand, time_now(), 3, &next) < 0)
			abort();
		pthread_mutex_lock(&loop.mutex);
	}
	pthread_mutex_unlock(&loop.mutex);
	return NULL;
}

/* ---- sessions: opened and ended by any thread, while others are in them */

static pthread_rwlock_t session_lock = PTHREAD_RWLOCK_INITIALIZER; /* nobody enters one that is being ended */
static tenure_session *sessions[SESSIONS];

static void visit(uint64_t r)
{
	int at = (int)((r >> 8) % SESSIONS);

	pthread_rwlock_rdlock(&session_lock);
	tenure_session_enter(r % 9 == 0 ? NULL : sessions[at], NULL);
	pthread_rwlock_unlock(&session_lock);
}

static void replace_session(int at)
{
	tenure_session *fresh = NULL, *old;

	if (tenure_session_open("somebody", NULL, &fresh) != 0)
		abort();
	pthread_rwlock_wrlock(&session_lock);
	old = sessions[at];
	sessions[at] = fresh;
	pthread_rwlock_unlock(&session_lock);
	tenure_session_end(old);
}

/* ---- what a thread does */

static tenure_key *prepared[PREPARED]; /* of plain, and of own */

static int get_one(uint64_t r, tenure_lease *lease)
{
	int n = (int)((r >> 8) % KEYS);

	switch (r % 28) {
	case 0:
		return tenure_get_within(plain, 2000000, (plain_lease *)lease, n);
	case 1:
		return tenure_get(bounded, (bounded_lease *)lease, n);
	case 2:
		return tenure_get(judged, (judged_lease *)lease, "a name", n);
	case 3:
		return tenure_get(nested, (nested_lease *)lease, n);
	case 4:
	case 5:
		return tenure_get(news, (news_lease *)lease, n % 10);
	case 6:
	case 7:
		return tenure_get(own, (own_lease *)lease, n % 10);
	case 8:
		return tenure_get_within(far, (int64_t)(r >> 16) % 300000 - 50000, (far_lease *)lease, "host", n);
	case 9:
		return tenure_get(passing, (passing_lease *)lease, n);
	case 10:
		return tenure_get(tracked, (tracked_lease *)lease, n);
	case 11:
	case 12:
		return tenure_get(polled, (polled_lease *)lease, n % 20);
	case 13:
		return tenure_get_within(executed, (int64_t)(r >> 16) % 3000000, (executed_lease *)lease, n);
	case 14:
		return tenure_get_key(plain, (plain_lease *)lease, prepared[n % (PREPARED / 2)]);
	case 15:
		return tenure_get_key(own, (own_lease *)lease, prepared[PREPARED / 2 + n % (PREPARED / 2)]);
	case 16:
		return n % 3 == 0 ? tenure_peek(news, (news_lease *)lease, n % 10) : n % 3 == 1 ?
			tenure_peek(judged, (judged_lease *)lease, "a name", n) : tenure_peek(own, (own_lease *)lease, n % 10);
	default:
		return tenure_get(plain, (plain_lease *)lease, n);
	}
}

/* What may be answered where others end sessions and functions, creators fail, and deadlines are short. */
static void note(int result)
{
	if (result >= 0 || result == TENURE_EFAILED || result == TENURE_ETIMEDOUT || result == TENURE_ECLOSED ||
	    result == TENURE_ESESSION || result == TENURE_EABSENT)
		return;
	fprintf(stderr, "unexpected result %d: %s\n", result, tenure_message());
	__atomic_fetch_add(&errors, 1, __ATOMIC_SEQ_CST);
}

static int count_bytes(void *user, const char *text, size_t size)
{
	(void)text;
	*(size_t *)user += size;
	return 0;
}

static int clear_some(void *user, const tenure_entry_info *entry)
{
	(void)user;
	return strcmp(entry->function, "nested") == 0 ? tenure_clear_entry(nested, (int)entry->age % KEYS) < 0 : 0;
}

static void look(uint64_t r)
{
	tenure_stats stats;
	size_t size = 0;

	switch (r % 4) {
	case 0:
		tenure_dump(cache, TENURE_DUMP_ARGUMENTS | TENURE_DUMP_HOLDERS, count_bytes, &size);
		break;
	case 1:
		tenure_dump(NULL, TENURE_DUMP_OPENMETRICS | TENURE_DUMP_EVERY_CACHE, count_bytes, &size);
		break;
	case 2:
		tenure_each_entry(cache, clear_some, NULL);
		break;
	default:
		tenure_get_stats(own, &stats);
		tenure_cache_stats(by_hand, &stats, sizeof(stats));
	}
}

static void change_options(uint64_t r)
{
	note(r % 2 == 0 ? tenure_update(bounded, CACHE, .max_entries = 3 + (r >> 8) % 10, .idle_ttl = r % 4 == 0 ? "5ms" : NULL) :
			  tenure_update(news, CACHE, .ttl_ns = 1000000 + (int64_t)(r >> 8) % 4000000,
					.refresh = r % 4 == 1 ? TENURE_FOREGROUND : TENURE_BACKGROUND));
	if (r % 8 < 2)
		note(tenure_update(own, CACHE, .ttl_ns = 1000000 + (int64_t)(r >> 8) % 4000000, .refresh = TENURE_BACKGROUND,
				   .scope = TENURE_SESSION, .max_entries = 1 + (r >> 12) % 6));
}

static void disturb(uint64_t r)
{
	int result;

	switch (r % 14) {
	case 0:
		tenure_clear_entry(plain, (int)((r >> 8) % KEYS));
		break;
	case 1:
		tenure_clear_function(bounded);
		break;
	case 2:
		tenure_clear_all(cache);
		break;
	case 3:
		tenure_drain(judged, 100000);
		break;
	case 4:
	case 5:
		replace_session((int)((r >> 8) % SESSIONS));
		break;
	case 6:
		change_options(r >> 4);
		break;
	case 7:
		note(tenure_retire(passing));
		break;
	case 8:
	case 9: /* EBUSY: somebody holds a lease, or is in a call */
		result = tenure_forget(passing, (int64_t)((r >> 8) % 1000000));
		note(result == TENURE_EBUSY ? 0 : result);
		break;
	case 10:
		look(r >> 8);
		break;
	case 11:
		tenure_clear_function(news);
		tenure_clear_entry(polled, (int)((r >> 8) % 20));
		break;
	case 12:
		tenure_drain(own, 100000);
		tenure_drain(polled, 0);
		break;
	default:
		tenure_clear_entry(judged, "a name", (int)((r >> 8) % KEYS));
	}
}

static void swap(int at, tenure_lease *lease)
{
	tenure_lease other;

	pthread_mutex_lock(&swap_mutex);
	other = swapped[at];
	swapped[at] = *lease;
	pthread_mutex_unlock(&swap_mutex);
	*lease = other;
}

/* One thread's life: short, so that records change hands; it may leave leases behind for others. */
static void *live(void *seed)
{
	uint64_t random = (uint64_t)(uintptr_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	tenure_lease held[HELD];
	long taken = 0;

	memset(held, 0, sizeof(held));
	for (int i = 0; i < 20000 && !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
		uint64_t r = next_random(&random);
		tenure_lease *lease = &held[r % HELD];
		int result;

		let_go(lease);
		if (r >> 40 == 0 || (r >> 16) % 997 == 0)
			disturb(next_random(&random));
		if ((r >> 24) % 200 == 0)
			visit(next_random(&random));
		result = get_one(next_random(&random), lease);
		note(result);
		if (result >= 0) {
			hold(lease);
			taken++;
		}
		if ((r >> 20) % 64 == 0)
			swap((int)((r >> 30) % THREADS), lease);
		if ((r >> 20) % 640 == 1 && lease->cell_ != NULL) {
			__atomic_fetch_sub(&((struct book *)lease->resource)->leases, 1, __ATOMIC_SEQ_CST);
			tenure_lease_discard(lease);
		}
	}
	for (int i = 0; i < HELD; i++)
		let_go(&held[i]);
	tenure_session_enter(NULL, NULL);
	__atomic_fetch_add(&leases, taken, __ATOMIC_SEQ_CST);
	return NULL;
}

static long number_from(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : atol(text);
}

static void in_the_child(tenure_lease *parents)
{
	TENURE_LEASE(plain, l);
	long before = created;

	alarm(60);
	if (parents->cell_ != NULL && tenure_lease_give_back(parents) != TENURE_EFORKED)
		_exit(2);
	for (int i = 0; i < 200; i++) {
		int result;

		tenure_give_back(&l);
		result = tenure_get(plain, &l, i);
		if (result == TENURE_HIT && i < KEYS)
			_exit(3);
	}
	if (created <= before)
		_exit(4);
	_exit(0);
}

static void fork_in_the_middle(void)
{
	TENURE_LEASE(plain, l);
	int status;
	pid_t pid;

	while (tenure_get(plain, &l, 1) < 0)
		;
	pid = fork();
	if (pid == 0)
		in_the_child(&l.lease);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void C1_C5_F3_L1_L2_L3_L4_L5_S2_T4_torture_with_books(void **state)
{
	double seconds = (double)number_from("TENURE_TORTURE_SECONDS", 3);
	pthread_t threads[THREADS];
	struct timespec begin, now;
	uintptr_t seed = (uintptr_t)time(NULL);
	bool forked = number_from("TENURE_TORTURE_FORK", 0) == 0;

	(void)state;
	most_leases = number_from("TENURE_TORTURE_LEASES", 0);
	printf("# seed %ju\n", (uintmax_t)seed);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		for (int i = 0; i < THREADS; i++)
			threads[i] = start(live, (void *)(seed = seed * 31 + 7));
		if (!forked)
			fork_in_the_middle();
		forked = true;
		for (int i = 0; i < THREADS; i++)
			finish(threads[i]);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (most_leases != 0 ? leases < most_leases :
				    (double)(now.tv_sec - begin.tv_sec) + (double)(now.tv_nsec - begin.tv_nsec) / 1e9 < seconds);
	for (int i = 0; i < THREADS; i++)
		let_go(&swapped[i]);
	assert_int_equal(errors, 0);
	assert_int_equal(tenure_drain_all(cache, TENURE_SECONDS(60)), 0);
	assert_int_equal(tenure_drain_all(by_hand, TENURE_SECONDS(60)), 0);
	assert_int_equal(tenure_drain_all(pooled, TENURE_SECONDS(60)), 0);
	assert_int_equal(count_of(&created), count_of(&released));
	printf("# %ld leases, %ld resources created and released\n", leases, created);
}

static pthread_t poller, executors[POOL];

static int open_all(void **state)
{
	set_up(state);
	tear_down(state);
	if (tenure_cache_open(&cache, .name = "torture", .report = drop_report) != 0 ||
	    tenure_cache_open(&by_hand, .name = "by hand", .manual = true, .wake = wake, .report = drop_report) != 0 ||
	    tenure_cache_open(&pooled, .name = "pooled", .execute = execute, .report = drop_report) != 0)
		return -1;
	for (int i = 0; i < SESSIONS; i++)
		replace_session(i);
	for (int i = 0; i < PREPARED; i++) {
		if ((i < PREPARED / 2 ? tenure_prepare(plain, &prepared[i], i) :
					tenure_prepare(own, &prepared[i], i - PREPARED / 2)) != 0)
			return -1;
	}
	poller = start(run_polls, NULL);
	for (int i = 0; i < POOL; i++)
		executors[i] = start(run_tasks, NULL);
	return 0;
}

static int close_all(void **state)
{
	int result;

	for (int i = 0; i < SESSIONS; i++)
		tenure_session_end(sessions[i]);
	for (int i = 0; i < PREPARED; i++)
		tenure_key_free(prepared[i]);
	result = tenure_cache_close(&pooled, TENURE_SECONDS(30));
	pthread_mutex_lock(&pool.mutex);
	pool.stop = true;
	pthread_cond_broadcast(&pool.changed);
	pthread_mutex_unlock(&pool.mutex);
	for (int i = 0; i < POOL; i++)
		finish(executors[i]);
	pthread_mutex_lock(&loop.mutex);
	loop.stop = true;
	pthread_cond_broadcast(&loop.changed);
	pthread_mutex_unlock(&loop.mutex);
	finish(poller);
	result = result != 0 ? result : tenure_cache_close(&by_hand, TENURE_SECONDS(30));
	return result != 0 ? result : tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(C1_C5_F3_L1_L2_L3_L4_L5_S2_T4_torture_with_books, open_all, close_all),
	};

	return RUN(tests);
}
