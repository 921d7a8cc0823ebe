/* SPDX-License-Identifier: Apache-2.0 */
/* server.c: a threaded server over SQLite: 64 workers answer requests while what they use expires under them.
 *
 * Connections expire, are cleared, found invalid, thrown away as broken and replaced, all the time; every request holds its
 * lease while it works. The program keeps books of its own: what it opened it must have closed, once. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <string.h>
#include <tenure/tenure.h>
#include <time.h>

#include "example.h"
#include "index.h"

enum { WORKERS = 64, DATABASES = 8, PETS = 50 };

static long opened, closed, requests, failures, hits; /* atomic */

static long add(long *counter, long n)
{
	return __atomic_add_fetch(counter, n, __ATOMIC_RELAXED);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

TENURE_DECLARE(get_pets, sqlite3, (const char *, url));
TENURE_DECLARE(get_text, struct index, (const char *, folder), (bool, fold_case));

static int open_pets(tenure_call *call, const get_pets_args *args, sqlite3 **ret)
{
	if (sqlite3_open_v2(args->url, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX, NULL) != SQLITE_OK)
		return tenure_fail(call, "cannot open %s: %s", args->url, sqlite3_errmsg(*ret));
	add(&opened, 1);
	return 0;
}

static int close_pets(sqlite3 *database)
{
	int result = sqlite3_close(database); /* refuses while a statement of somebody's is open: that would be a bug here */

	add(&closed, 1);
	return result;
}

static bool is_alive(sqlite3 *database)
{
	static long asked;

	return add(&asked, 1) % 40 != 0 && sqlite3_exec(database, "SELECT 1", NULL, NULL, NULL) == SQLITE_OK;
}
TENURE_DEFINE(get_pets, .create = open_pets, .close = close_pets, .validate = is_alive, .validate_every = "20ms",
	      .ttl = "150ms", .jitter_percent = 20, .max_entries = DATABASES - 1, .spinner = "");

static int make_text(tenure_call *call, const get_text_args *args, struct index **ret)
{
	*ret = index_make(args->folder, args->fold_case);
	if (*ret == NULL)
		return tenure_fail(call, "nothing to read in %s", args->folder);
	add(&opened, 1);
	return 0;
}

static void free_text(struct index *index)
{
	index_free(index);
	add(&closed, 1);
}
TENURE_DEFINE(get_text, .create = make_text, .release = free_text, .spinner = "Indexing the sources", .show_time = true);

struct server {
	char *urls[DATABASES];
	int64_t end;
};

static void make_database(const char *path, int number)
{
	sqlite3 *database;
	char sql[200];

	EXPECT(sqlite3_open(path, &database) == SQLITE_OK);
	EXPECT(sqlite3_exec(database, "PRAGMA synchronous = OFF; CREATE TABLE pets (id INTEGER PRIMARY KEY, owner INTEGER)", NULL,
			    NULL, NULL) == SQLITE_OK);
	for (int i = 0; i < PETS; i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO pets VALUES (%d, %d)", i, number);
		EXPECT(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK);
	}
	sqlite3_close(database);
}

/* One request: how many pets has this owner? -1: the database did not answer. */
static int count_pets(sqlite3 *database, int owner)
{
	sqlite3_stmt *statement;
	int count = -1;

	if (sqlite3_prepare_v2(database, "SELECT count(*) FROM pets WHERE owner = ?", -1, &statement, NULL) != SQLITE_OK)
		return -1;
	sqlite3_bind_int(statement, 1, owner);
	if (sqlite3_step(statement) == SQLITE_ROW)
		count = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return count;
}

static void answer(const struct server *server, unsigned random)
{
	int owner = (int)(random % DATABASES), result;
	TENURE_LEASE(get_pets, pets);

	result = tenure_get(get_pets, &pets, server->urls[owner]);
	if (result == TENURE_HIT)
		add(&hits, 1);
	if (result < 0 || count_pets(pets.resource, owner) != PETS)
		add(&failures, 1);
	else if (random / 16 % 500 == 0)
		tenure_discard(&pets); /* as if it had broken */
	if (random / 16 % 20 == 1) {
		TENURE_LEASE(get_text, text);

		if (tenure_get(get_text, &text, SOURCES, random / 512 % 2) < 0 || index_count(text.resource, "tenure") == 0)
			add(&failures, 1);
	}
	if (random / 16 % 1000 == 2)
		tenure_clear_entry(get_pets, server->urls[owner]);
	if (random / 16 % 5000 == 3)
		tenure_clear_function(get_pets);
	add(&requests, 1);
}

static void *work(void *pointer)
{
	const struct server *server = pointer;
	unsigned random = (unsigned)(uintptr_t)&random ^ (unsigned)now();

	while (now() < server->end) {
		random = random * 1664525 + 1013904223;
		answer(server, random >> 4);
	}
	return NULL;
}

/* What a hit costs a thread by itself, ns: the best of many rounds of get and give back. */
static double cost_of_a_hit(void)
{
	enum { ROUNDS = 50, HITS = 10000 };
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t begin = now(), took;

		for (int k = 0; k < HITS; k++) {
			TENURE_LEASE(get_text, text);

			tenure_get(get_text, &text, SOURCES, true);
		}
		took = now() - begin;
		if ((double)took / HITS < best)
			best = (double)took / HITS;
	}
	return best;
}

int example_server(double seconds)
{
	struct server server;
	pthread_t workers[WORKERS];
	char *folder = folder_make(), name[32];
	tenure_stats stats;
	double cost;
	int out;

	for (int i = 0; i < DATABASES; i++) {
		snprintf(name, sizeof(name), "pets%d.db", i);
		server.urls[i] = folder_file(folder, name);
		make_database(server.urls[i], i);
	}
	server.end = now() + (int64_t)(seconds * 1e9);
	for (int i = 0; i < WORKERS; i++)
		EXPECT(pthread_create(&workers[i], NULL, work, &server) == 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	cost = cost_of_a_hit();
	tenure_get_stats(get_pets, &stats);
	out = tenure_drain(get_pets, TENURE_SECONDS(10)) + tenure_drain(get_text, TENURE_SECONDS(10));
	printf("  %-12s %10ld   by %d threads, %ld failed\n", "requests:", requests, WORKERS, failures);
	printf("  %-12s %10ld   databases and indexes opened\n", "creations:", opened);
	printf("  %-12s %10ld   requests found their database open; a hit with its give-back costs %.1f ns\n", "hits:", hits, cost);
	printf("  %-12s %10llu   %llu expired, %llu for room, %llu cleared, %llu invalid or broken\n", "retired:",
	       (unsigned long long)(stats.retired_expired + stats.retired_capacity + stats.retired_cleared + stats.retired_invalid),
	       (unsigned long long)stats.retired_expired, (unsigned long long)stats.retired_capacity,
	       (unsigned long long)stats.retired_cleared, (unsigned long long)stats.retired_invalid);
	printf("  %-12s %10ld   each closed once, after its last holder\n", "releases:", closed);
	printf("  %-12s %10ld\n", "leaked:", opened - closed);
	for (int i = 0; i < DATABASES; i++)
		free(server.urls[i]);
	folder_remove(folder);
	return out != 0 || opened != closed || failures != 0 || requests == 0;
}

#ifdef EXAMPLE_MAIN
int main(int count, char **arguments)
{
	return example_server(count == 3 && strcmp(arguments[1], "--seconds") == 0 ? atof(arguments[2]) : 3);
}
#endif
