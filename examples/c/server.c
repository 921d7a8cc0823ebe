/* SPDX-License-Identifier: Apache-2.0 */
/* server.c: a threaded server over SQLite: 64 workers answer requests while what they use expires under them.
 *
 * Connections expire, make room, are cleared, found invalid and thrown away as broken, all the time; every request holds its
 * lease while it works. The program keeps books of its own: what it opened it must have closed, once. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>
#include <tenure/tenure.h>
#include <time.h>

#include "example.h"
#include "index.h"

/* There is room for BUSY databases; the last one is asked for rarely, and then another one has to go. */
enum { WORKERS = 64, BUSY = 8, DATABASES = BUSY + 1, PETS = 50 };

static atomic_long opened, closed, requests, failures, hits, joins, misses;

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
	opened++;
	return 0;
}

static int close_pets(sqlite3 *database)
{
	int result = sqlite3_close(database); /* refuses while a statement of somebody's is open: that would be a bug here */

	closed++;
	return result;
}

static bool is_alive(sqlite3 *database)
{
	static atomic_long asked;

	return ++asked % 40 != 0 && sqlite3_exec(database, "SELECT 1", NULL, NULL, NULL) == SQLITE_OK;
}
TENURE_DEFINE(get_pets, .create = open_pets, .close = close_pets, .validate = is_alive, .validate_every = "20ms",
	      .ttl = "50ms", .jitter_percent = 20, .max_entries = BUSY, .spinner = "");

static int make_text(tenure_call *call, const get_text_args *args, struct index **ret)
{
	*ret = index_make(args->folder, args->fold_case);
	if (*ret == NULL)
		return tenure_fail(call, "nothing to read in %s", args->folder);
	opened++;
	return 0;
}

static void free_text(struct index *index)
{
	index_free(index);
	closed++;
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
	unsigned dice = random / 16; /* what else happens at this request */
	int owner = dice % 1500 == 4 ? BUSY : (int)(random % BUSY), result;
	TENURE_LEASE(get_pets, pets);

	requests++;
	result = tenure_get(get_pets, &pets, server->urls[owner]);
	if (result < 0 || count_pets(pets.resource, owner) != PETS) {
		failures++;
		return;
	}
	*(result == TENURE_HIT ? &hits : result == TENURE_JOINED ? &joins : &misses) += 1;
	if (dice % 2000 == 0)
		tenure_discard(&pets); /* as if it had broken */
	if (dice % 20 == 1) {
		TENURE_LEASE(get_text, text);

		if (tenure_get(get_text, &text, SOURCES, random / 512 % 2) < 0 || index_count(text.resource, "tenure") == 0)
			failures++;
	}
	if (dice % 2000 == 2)
		tenure_clear_entry(get_pets, server->urls[owner]);
	if (dice % 20000 == 3)
		tenure_clear_function(get_pets);
}

struct worker {
	const struct server *server;
	unsigned seed;
	pthread_t thread;
};

static void *work(void *pointer)
{
	const struct worker *worker = pointer;
	unsigned random = worker->seed;

	while (now() < worker->server->end) {
		random = random * 1664525 + 1013904223;
		answer(worker->server, random >> 4);
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

			if (tenure_get(get_text, &text, SOURCES, true) < 0)
				return -1;
		}
		took = now() - begin;
		if ((double)took / HITS < best)
			best = (double)took / HITS;
	}
	return best;
}

static void print(const char *what, long number, const char *words)
{
	printf("  %-10s %10ld   %s\n", what, number, words);
}

/* What has become of all that was opened. True: it adds up, and connections were seen to expire. */
static bool print_books(double seconds)
{
	tenure_stats pets, texts;
	long expired, room, cleared, invalid;
	char words[200];

	tenure_get_stats(get_pets, &pets);
	tenure_get_stats(get_text, &texts);
	expired = (long)(pets.retired_expired + texts.retired_expired);
	room = (long)(pets.retired_capacity + texts.retired_capacity);
	cleared = (long)(pets.retired_cleared + texts.retired_cleared);
	invalid = (long)(pets.retired_invalid + texts.retired_invalid);
	print("opened:", opened, "databases and indexes");
	snprintf(words, sizeof(words), "%ld were too old, %ld made room, %ld were cleared, %ld found invalid or broken", expired, room,
		 cleared, invalid);
	print("retired:", expired + room + cleared + invalid, words);
	print("closed:", closed, "each once, after its last holder");
	print("leaked:", opened - closed, opened == closed ? "every one that was opened has been closed" : "LEFT OPEN");
	return opened == closed && expired + room + cleared + invalid == opened && (expired > 0 || seconds < 1);
}

int example_server(double seconds)
{
	struct server server;
	struct worker workers[WORKERS];
	char *folder = folder_make(), name[32], words[200];
	int64_t begin = now();
	bool good;

	for (int i = 0; i < DATABASES; i++) {
		snprintf(name, sizeof(name), "pets%d.db", i);
		server.urls[i] = folder_file(folder, name);
		make_database(server.urls[i], i);
	}
	server.end = now() + (int64_t)(seconds * 1e9);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ .server = &server, .seed = (unsigned)begin + (unsigned)i * 7919 };
		EXPECT(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	snprintf(words, sizeof(words), "by %d threads, %ld failed; of these", WORKERS, failures);
	print("requests:", requests, words);
	snprintf(words, sizeof(words), "found their database open; that costs %.1f ns, with the give-back", cost_of_a_hit());
	print("hits:", hits, words);
	print("joined:", joins, "waited while another request opened it");
	print("created:", misses, "opened it");
	good = tenure_drain(get_pets, TENURE_SECONDS(10)) + tenure_drain(get_text, TENURE_SECONDS(10)) == 0;
	good = print_books(seconds) && good && failures == 0 && requests > 0 && hits + joins + misses == requests;
	for (int i = 0; i < DATABASES; i++)
		free(server.urls[i]);
	folder_remove(folder);
	return good ? 0 : 1;
}

#ifdef EXAMPLE_MAIN
int main(int count, char **arguments)
{
	return example_server(seconds_of(count, arguments, 3, "A server over SQLite with 64 threads"));
}
#endif
