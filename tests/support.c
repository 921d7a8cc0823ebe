/* SPDX-License-Identifier: Apache-2.0 */
/* support.c: what the tests share. */
#include "support.h"

#include <sched.h>
#include <time.h>

#ifdef TENURE_FAULTS
#include "base/fault.h"
#endif

tenure_cache *cache;
int64_t test_now;
char reported[1024];
long reports, created, released;
static pthread_mutex_t report_mutex = PTHREAD_MUTEX_INITIALIZER;

enum { CANARY = 0x7e9a11fe, DEAD = 0x0dead000 };

static int64_t clock_now(void *user)
{
	(void)user;
	return __atomic_load_n(&test_now, __ATOMIC_SEQ_CST);
}

static void report(void *user, int result, const char *text)
{
	(void)user, (void)result;
	pthread_mutex_lock(&report_mutex);
	snprintf(reported, sizeof(reported), "%s", text);
	pthread_mutex_unlock(&report_mutex);
	__atomic_fetch_add(&reports, 1, __ATOMIC_SEQ_CST);
}

int set_up(void **state)
{
	(void)state;
	test_now = 1000000000;
	created = released = reports = 0;
	reported[0] = '\0';
	return tenure_cache_open(&cache, .name = "test", .now = clock_now, .report = report);
}

int tear_down(void **state)
{
	(void)state;
#ifdef TENURE_FAULTS
	tn_fault_reset();
#endif
	if (tenure_cache_close(&cache, TENURE_SECONDS(30)) != 0) {
		fprintf(stderr, "%s\n", tenure_message());
		return -1;
	}
	if (count_of(&created) != count_of(&released)) {
		fprintf(stderr, "created %ld, released %ld\n", created, released);
		return -1;
	}
	return 0;
}

void advance(double seconds)
{
	__atomic_fetch_add(&test_now, (int64_t)(seconds * 1e9), __ATOMIC_SEQ_CST);
	assert_true(tenure_poll(cache, test_now, 0, NULL) >= 0);
}

struct book *book_new(int number)
{
	struct book *book = calloc(1, sizeof(*book));

	book->canary = CANARY;
	book->number = number;
	__atomic_fetch_add(&created, 1, __ATOMIC_SEQ_CST);
	return book;
}

void book_release(struct book *book)
{
	if (book->canary != CANARY || __atomic_load_n(&book->leases, __ATOMIC_SEQ_CST) != 0) {
		fprintf(stderr, "released twice, or while leased\n");
		abort();
	}
	book->canary = DEAD;
	free(book);
	__atomic_fetch_add(&released, 1, __ATOMIC_SEQ_CST);
}

void book_check(const struct book *book)
{
	if (book->canary != CANARY) {
		fprintf(stderr, "used after release\n");
		abort();
	}
}

long count_of(const long *counter)
{
	return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

void await_count(const long *counter, long at_least)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (count_of(counter) < at_least) {
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - begin.tv_sec > 30) {
			fprintf(stderr, "a counter stands at %ld, %ld was awaited\n", count_of(counter), at_least);
			abort();
		}
	}
}

pthread_t start(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, argument) != 0)
		abort();
	return thread;
}

void *finish(pthread_t thread)
{
	void *result;

	if (pthread_join(thread, &result) != 0)
		abort();
	return result;
}
