/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: a stranger's program: threads that share books, and what a library of its own version promises. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "shelf.h"

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			return fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, tenure_message()), 1; \
	} while (0)

static void *read_books(void *failures)
{
	for (int i = 0; i < 1000; i++) {
		TENURE_LEASE(get_book, book);

		if (tenure_get(get_book, &book, "Emma", 1 + i % 3) < 0 || book.resource->pages != 1 + i % 3)
			__atomic_fetch_add((int *)failures, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

int main(int count, char **arguments)
{
	pthread_t threads[4];
	tenure_stats stats;
	char version[40];
	int failures = 0;

	snprintf(version, sizeof(version), "%d.%d.%d", TENURE_VERSION_MAJOR, TENURE_VERSION_MINOR, TENURE_VERSION_PATCH);
	CHECK(strcmp(version, tenure_version()) == 0);
	CHECK(count < 2 || strcmp(arguments[1], version) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, read_books, &failures) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(failures == 0);
	CHECK(tenure_get(get_book, NULL, "Emma", -1) == TENURE_EFAILED);
	CHECK(strstr(tenure_message(), "a book of -1 pages") != NULL);
	CHECK(tenure_get_stats(get_book, &stats) == 0);
	CHECK(stats.creations == 3 && stats.live == 3 && stats.leased == 0);
	CHECK(stats.hits + stats.creations + stats.waits >= 4000);
	CHECK(tenure_clear_entry(get_book, "Emma", 2) == 1);
	CHECK(tenure_drain(get_book, TENURE_FOREVER) == 0);
	CHECK(books_closed() == 3);
	printf("tenure %s: 3 books opened, 3 closed\n", version);
	return 0;
}
