/* SPDX-License-Identifier: Apache-2.0 */
/* support.h: what the tests share: a cache with a clock in hand, resources that keep books, threads. */
#ifndef TN_SUPPORT_H
#define TN_SUPPORT_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tenure/tenure.h>

/* The cache of the current test; its clock stands still until advance(). */
extern tenure_cache *cache;
extern int64_t test_now; /* atomic, ns */
extern char reported[1024]; /* the last report; guarded by report_mutex */
extern long reports; /* atomic */

int set_up(void **state); /* opens the cache */
int tear_down(void **state); /* drains and closes it, and fails the test when something is out */
void advance(double seconds); /* move the clock and poll */

/* A resource with books of its own: created and released are counted, a release of something dead or leased is fatal. */
struct book {
	uint32_t canary;
	int number;
	long leases; /* atomic: kept by the torture */
};
extern long created, released; /* atomic; set to 0 by set_up() */
struct book *book_new(int number);
void book_release(struct book *book);
void book_check(const struct book *book);

long count_of(const long *counter); /* atomic load */
void await_count(const long *counter, long at_least); /* ends the test after 30 s */

pthread_t start(void *(*run)(void *), void *argument);
void *finish(pthread_t thread);

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define RUN(tests) cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL)

#endif
