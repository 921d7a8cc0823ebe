/* SPDX-License-Identifier: Apache-2.0 */
/* postgresql.c: 16 threads share one connection for each PostgreSQL database; the server is restarted under them.
 *
 * `validate` looks at a connection before it is handed out. After a restart it finds each one dead, once for all who
 * ask; the creator waits for the server to come back, once for all who wait; then everybody goes on with the new one.
 *
 * A PGconn is not for two threads at once, so what is shared carries a mutex: who has a lease locks it for one query.
 * Where one connection for a database is too narrow, make a place in a small pool part of the key,
 *     TENURE_DECLARE(get_connection, struct connection, (const char *, url), (int, place));
 * and let each thread ask for its own place. The mutex stays for as long as two threads may have the same one. */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <tenure/tenure.h>
#include <time.h>

#include "example.h"

enum { THREADS = 16, DATABASES_MOST = 8, RESTARTS = 3, TRIES = 1000, TRY_MS = 20 };

struct connection {
	PGconn *pg;
	pthread_mutex_t mutex; /* one query at a time */
};

struct database {
	const char *name;
	char url[512];
	atomic_long connected;
};

static struct database databases[DATABASES_MOST];
static int database_count;
static atomic_long opened, closed, found_dead, failures, interrupted;
static atomic_int server; /* even: the server is up, its life number server / 2; odd: it is being restarted */
static atomic_bool over;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* ---- the cached function */

TENURE_DECLARE(get_connection, struct connection, (const char *, url));

static void be_quiet(void *unused, const char *notice) /* what a dying server says is expected here */
{
	(void)unused, (void)notice;
}

static int connect_to(tenure_call *call, const get_connection_args *args, struct connection **ret)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return tenure_fail(call, "out of memory");
	pthread_mutex_init(&connection->mutex, NULL);
	opened++;
	*ret = connection; /* tenure's from here on, and closed by it also when the connection fails below */
	connection->pg = PQconnectdb(args->url);
	for (int i = 0; i < TRIES && PQstatus(connection->pg) != CONNECTION_OK && !tenure_call_cancelled(call); i++) {
		bool up = PQping(args->url) == PQPING_OK;

		pause_ms(TRY_MS);
		PQreset(connection->pg);
		if (up)
			break; /* the server was there: if it refuses us, waiting does not help */
	}
	if (PQstatus(connection->pg) != CONNECTION_OK)
		return tenure_fail(call, "%s", PQerrorMessage(connection->pg));
	PQsetNoticeProcessor(connection->pg, be_quiet, NULL);
	for (int i = 0; i < database_count; i++) /* our own books, for the end */
		databases[i].connected += strcmp(databases[i].url, args->url) == 0;
	return 0;
}

static void disconnect(struct connection *connection)
{
	PQfinish(connection->pg); /* takes a broken one, and NULL */
	pthread_mutex_destroy(&connection->mutex);
	free(connection);
	closed++;
}

/* PQstatus() knows only what the last query met, so ask: an empty query is the cheapest question with an answer. It
 * runs under a lease of tenure's own, beside the queries of those who hold one already: hence the mutex here too. */
static bool is_alive(struct connection *connection)
{
	PGresult *result;
	bool alive;

	pthread_mutex_lock(&connection->mutex);
	result = PQstatus(connection->pg) == CONNECTION_OK ? PQexec(connection->pg, "") : NULL;
	alive = PQresultStatus(result) == PGRES_EMPTY_QUERY;
	PQclear(result);
	pthread_mutex_unlock(&connection->mutex);
	found_dead += !alive;
	return alive;
}

/* Without .validate_every every hit is validated: one question more to the server, and nobody is given a dead
 * connection. With .validate_every = "1s" most hits cost nanoseconds again; who meets a dead one then discards it with
 * tenure_discard(). */
TENURE_DEFINE(get_connection, .create = connect_to, .release = disconnect, .validate = is_alive, .ttl = "1h",
	      .spinner = "");

/* ---- the load */

/* Does this connection answer, and for this database? */
static bool answers(struct connection *connection, const char *name)
{
	PGresult *result;
	bool good;

	pthread_mutex_lock(&connection->mutex);
	result = PQexec(connection->pg, "SELECT current_database()");
	good = PQresultStatus(result) == PGRES_TUPLES_OK && strcmp(PQgetvalue(result, 0, 0), name) == 0;
	PQclear(result);
	pthread_mutex_unlock(&connection->mutex);
	return good;
}

struct worker {
	pthread_t thread;
	int number;
	atomic_long queries;
};

static void request(struct worker *worker, const struct database *database)
{
	int life = server;
	TENURE_LEASE(get_connection, connection);

	if (tenure_get(get_connection, &connection, database->url) >= 0 && answers(connection.resource, database->name)) {
		worker->queries++;
		return;
	}
	if (life % 2 == 0 && life == server) { /* asked for and used in one life of the server: this may not happen */
		failures++;
		fprintf(stderr, "no answer from %s: %s\n", database->name,
			connection.resource == NULL ? tenure_message() : PQerrorMessage(connection.resource->pg));
	}
	interrupted++; /* it died in our hands: a program tries again, and whoever asks next has it validated */
}

static void *work(void *pointer)
{
	struct worker *worker = pointer;

	for (int i = worker->number; !over; i++)
		request(worker, &databases[i % database_count]);
	return NULL;
}

/* ---- the restarts */

/* Has every thread had so many answers more than `before`, and every database been connected to so often? For a minute. */
static bool await(struct worker *workers, const long *before, long more, long connected)
{
	for (int64_t end = now_ms() + 60000; now_ms() < end; pause_ms(5)) {
		bool done = true;

		for (int i = 0; i < THREADS; i++)
			done = done && workers[i].queries >= before[i] + more;
		for (int i = 0; i < database_count; i++)
			done = done && databases[i].connected >= connected;
		if (done)
			return true;
	}
	return false;
}

static bool restart_under_load(struct worker *workers, int number, const char *command)
{
	long before[THREADS], was_interrupted = interrupted;
	int64_t begin = now_ms();

	server++;
	if (system(command) != 0) {
		fprintf(stderr, "could not restart the server: %s\n", command);
		return false;
	}
	server++;
	for (int i = 0; i < THREADS; i++)
		before[i] = workers[i].queries;
	if (!await(workers, before, 20, number + 1)) {
		fprintf(stderr, "a thread did not go on, or a database was not connected to again\n");
		return false;
	}
	printf("  restart %d: %ld queries were cut off; after %lld ms every thread was at work again\n", number,
	       interrupted - was_interrupted, (long long)(now_ms() - begin));
	return true;
}

static int report(const struct worker *workers)
{
	long queries = 0, lost = (long)database_count * RESTARTS;
	tenure_stats stats;
	bool good;

	tenure_get_stats(get_connection, &stats);
	for (int i = 0; i < THREADS; i++)
		queries += workers[i].queries;
	good = failures == 0 && opened == closed && opened == database_count + lost && found_dead == lost &&
	       stats.retired_invalid == (uint64_t)lost && stats.failures == 0;
	for (int i = 0; i < database_count; i++)
		good = good && databases[i].connected == RESTARTS + 1;
	printf("  %-12s %8ld   answered, to %d threads that share %d connections; %ld failed\n", "queries:", queries,
	       THREADS, database_count, failures);
	printf("  %-12s %8ld   by validate: each connection once after each restart, before anybody was given it\n",
	       "found dead:", found_dead);
	printf("  %-12s %8ld   opened: one for each database at first, and one after each restart\n", "connections:",
	       opened);
	printf("  %-12s %8ld   each closed once, after its last holder\n", "releases:", closed);
	printf("  %-12s %8ld\n", "leaked:", opened - closed);
	if (!good)
		fprintf(stderr, "the books are wrong: %ld were to be found dead, %ld to be opened\n", lost,
			database_count + lost);
	return good ? 0 : 1;
}

int main(int count, char **arguments)
{
	struct worker workers[THREADS] = { 0 };
	long before[THREADS] = { 0 };
	bool good;

	if (count < 4 || count > 3 + DATABASES_MOST) {
		puts("usage: postgresql RESTART CONNECTION DATABASE...\n\n"
		     "RESTART: a shell command that restarts the server, and returns when it is up again\n"
		     "CONNECTION: how to reach it, as libpq reads it: \"host=/run/postgresql user=me\"");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	database_count = count - 3;
	for (int i = 0; i < database_count; i++) {
		databases[i].name = arguments[3 + i];
		snprintf(databases[i].url, sizeof(databases[i].url), "%s dbname=%s", arguments[2], databases[i].name);
		EXPECT(tenure_get(get_connection, NULL, databases[i].url) == TENURE_CREATED); /* else in libpq's words */
	}
	for (int i = 0; i < THREADS; i++) {
		workers[i].number = i;
		EXPECT(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	good = await(workers, before, 20, 1);
	for (int i = 1; good && i <= RESTARTS; i++)
		good = restart_under_load(workers, i, arguments[1]);
	over = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	EXPECT(tenure_drain(get_connection, TENURE_SECONDS(30)) == 0);
	return report(workers) != 0 || !good;
}
