/* SPDX-License-Identifier: Apache-2.0 */
/* test_torture.c: real threads for a while, with books of their own.
 *
 * The oracle knows nothing of the library: each resource counts the leases that the test holds on it, and its release is
 * fatal while that is not zero or when it was released before; at the end created equals released and nothing is out.
 * Environment: TENURE_TORTURE_SECONDS (3), TENURE_TORTURE_LEASES (stop after that many instead), TENURE_TORTURE_FORK=1
 * (fork in the middle: the child must find an empty cache, and its parent nothing amiss). */
#include "support.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CACHE .cache = &cache
enum { THREADS = 8, KEYS = 40, HELD = 6 };

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

static int get_one(uint64_t r, tenure_lease *lease)
{
	int n = (int)((r >> 8) % KEYS);

	switch (r % 8) {
	case 0:
		return tenure_get_within(plain, 2000000, (plain_lease *)lease, n);
	case 1:
		return tenure_get(bounded, (bounded_lease *)lease, n);
	case 2:
		return tenure_get(judged, (judged_lease *)lease, "a name", n);
	case 3:
		return tenure_get(nested, (nested_lease *)lease, n);
	case 4:
		return tenure_get(tracked, (tracked_lease *)lease, n);
	default:
		return tenure_get(plain, (plain_lease *)lease, n);
	}
}

static void disturb(uint64_t r)
{
	switch (r % 6) {
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
		tenure_clear_function(tracked);
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

		let_go(lease);
		if (r >> 40 == 0 || (r >> 16) % 997 == 0)
			disturb(next_random(&random));
		if (get_one(next_random(&random), lease) >= 0) {
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

static void C1_L1_L2_L3_L4_torture_with_books(void **state)
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
	assert_int_equal(count_of(&created), count_of(&released));
	printf("# %ld leases, %ld resources created and released\n", leases, created);
}

static int open_real_time(void **state)
{
	set_up(state);
	tear_down(state);
	return tenure_cache_open(&cache, .name = "torture");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(C1_L1_L2_L3_L4_torture_with_books, open_real_time, tear_down),
	};

	return RUN(tests);
}
