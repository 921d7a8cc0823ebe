/* SPDX-License-Identifier: Apache-2.0 */
/* prefork.c: a server that forks its workers after it has warmed up: every process has resources of its own.
 *
 * A database connection must not cross a fork: two processes that use one spoil it, and a child that closes it ends it
 * for the parent. So a child starts with an empty cache. It never closes what is the parent's, a lease that it finds in
 * its memory is refused with a sentence, and its first get opens a connection of its own. The parent notices nothing.
 *
 * The books are kept in memory that all processes share, and must be right at the end. */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <tenure/tenure.h>
#include <unistd.h>

#include "example.h"

enum { WORKERS = 4, CLIENTS = 4, REQUESTS = 100, OWNERS = 5, SECONDS_MOST = 60 };

struct books { /* of one process */
	atomic_int opened, closed, answered;
	atomic_bool refused; /* the parent's lease */
	char message[300]; /* what was said then */
};
static struct books *all_books, *books; /* [0]: the parent's; `books`: this process's own */

TENURE_DECLARE(get_pets, sqlite3, (const char *, url));

static int open_pets(tenure_call *call, const get_pets_args *args, sqlite3 **ret)
{
	if (sqlite3_open_v2(args->url, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX, NULL) != SQLITE_OK)
		return tenure_fail(call, "cannot open %s: %s", args->url, sqlite3_errmsg(*ret));
	books->opened++;
	return 0;
}

static int close_pets(sqlite3 *database)
{
	books->closed++;
	return sqlite3_close(database);
}
TENURE_DEFINE(get_pets, .create = open_pets, .close = close_pets, .spinner = "");

static void make_pets(const char *path)
{
	sqlite3 *database;

	EXPECT(sqlite3_open(path, &database) == SQLITE_OK);
	EXPECT(sqlite3_exec(database, "CREATE TABLE pets (owner INTEGER);"
			    "INSERT INTO pets VALUES (1), (2), (2), (3), (3), (3), (4), (4), (4), (4)",
			    NULL, NULL, NULL) == SQLITE_OK);
	EXPECT(sqlite3_close(database) == SQLITE_OK);
}

/* How many pets has this owner? Owner n has n of them. -1: the database did not answer. */
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

/* ---- a worker: one request for each connection of a client, one byte each way: the owner, and how many pets */

enum { GO_HOME = 255 };

static bool serve_one(int client, const char *url)
{
	unsigned char owner, count = 0;
	TENURE_LEASE(get_pets, pets);

	if (read(client, &owner, 1) != 1 || owner == GO_HOME)
		return false;
	EXPECT(tenure_get(get_pets, &pets, url) == TENURE_HIT); /* this process's own, open since its start */
	count = (unsigned char)count_pets(pets.resource, owner);
	books->answered += write(client, &count, 1) == 1;
	return true;
}

static void work(int listener, const char *url, get_pets_lease *parents)
{
	bool more = true;

	/* Its resource may be used no more in this process; nor is there anything to give back. */
	books->refused = tenure_give_back(parents) == TENURE_EFORKED;
	snprintf(books->message, sizeof(books->message), "%s", tenure_message());
	EXPECT(tenure_get(get_pets, NULL, url) == TENURE_CREATED); /* warm up: open our own */
	while (more) {
		int client = accept(listener, NULL, NULL);

		EXPECT(client >= 0);
		more = serve_one(client, url);
		close(client);
	}
	exit(0); /* closes what this process opened, and nothing of the parent's */
}

/* ---- the clients, threads of the parent */

struct client {
	pthread_t thread;
	struct sockaddr_in address;
	int wrong;
};

static int ask(const struct sockaddr_in *address, unsigned char owner)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), result = -1;
	unsigned char count;

	if (s >= 0 && connect(s, (const struct sockaddr *)address, sizeof(*address)) == 0 && write(s, &owner, 1) == 1 &&
	    read(s, &count, 1) == 1)
		result = count;
	if (s >= 0)
		close(s);
	return result;
}

static void *ask_often(void *pointer)
{
	struct client *client = pointer;

	for (int i = 0; i < REQUESTS; i++)
		client->wrong += ask(&client->address, (unsigned char)(i % OWNERS)) != i % OWNERS;
	return NULL;
}

/* All requests, then a word to each worker that it is over. How many were answered wrongly. */
static int run_clients(const struct sockaddr_in *address)
{
	struct client clients[CLIENTS];
	int wrong = 0;

	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){ .address = *address };
		EXPECT(pthread_create(&clients[i].thread, NULL, ask_often, &clients[i]) == 0);
	}
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(clients[i].thread, NULL);
		wrong += clients[i].wrong;
	}
	for (int i = 0; i < WORKERS; i++)
		ask(address, GO_HOME);
	return wrong;
}

/* ---- the parent */

static int listen_here(struct sockaddr_in *address)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(*address);

	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } }; /* any port */
	EXPECT(listener >= 0 && bind(listener, (struct sockaddr *)address, size) == 0 && listen(listener, 64) == 0);
	EXPECT(getsockname(listener, (struct sockaddr *)address, &size) == 0);
	return listener;
}

static void start_workers(pid_t *workers, int listener, const char *url, get_pets_lease *warm)
{
	fflush(NULL); /* else each child would write what waits in the buffers once more */
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		EXPECT(workers[i] >= 0);
		if (workers[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM); /* no worker outlives the parent */
			alarm(SECONDS_MOST);
			books = &all_books[1 + i];
			work(listener, url, warm);
		}
	}
	close(listener); /* if all workers die, clients are refused instead of left waiting */
}

static int await_workers(const pid_t *workers)
{
	int bad = 0, status;

	for (int i = 0; i < WORKERS; i++)
		bad += waitpid(workers[i], &status, 0) != workers[i] || status != 0;
	return bad;
}

/* `bad`: workers that ended badly. How many things are wrong in all. */
static int check_books(int wrong, int bad)
{
	int answered = 0, opened = 0, closed = 0;

	for (int i = 1; i <= WORKERS; i++) {
		const struct books *w = &all_books[i];

		printf("  worker %d:    %3d requests answered, %d connection opened, %d closed\n", i, w->answered, w->opened,
		       w->closed);
		answered += w->answered;
		opened += w->opened;
		closed += w->closed;
		bad += w->opened != 1 || w->closed != 1 || !w->refused || strstr(w->message, "parent") == NULL;
	}
	bad += all_books[0].opened != 1 || all_books[0].closed != 1 || answered != CLIENTS * REQUESTS || wrong != 0;
	printf("  the parent:       no request answered, %d connection opened, %d closed, by the parent itself\n",
	       all_books[0].opened, all_books[0].closed);
	printf("  requests:    %3d answered, %d of them wrong\n", answered, wrong);
	printf("  leaked:      %3d\n", opened + all_books[0].opened - closed - all_books[0].closed);
	return bad;
}

int main(void)
{
	char *folder = folder_make(), *url = folder_file(folder, "pets.db");
	struct sockaddr_in address;
	int listener, wrong, bad;
	pid_t workers[WORKERS];

	alarm(SECONDS_MOST);
	signal(SIGPIPE, SIG_IGN);
	all_books = mmap(NULL, (1 + WORKERS) * sizeof(*books), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(all_books != MAP_FAILED);
	books = all_books;
	make_pets(url);
	listener = listen_here(&address);
	{
		TENURE_LEASE(get_pets, warm);

		EXPECT(tenure_get(get_pets, &warm, url) == TENURE_CREATED);
		start_workers(workers, listener, url, &warm);
		wrong = run_clients(&address);
		bad = await_workers(workers);
		printf("  to a worker that gives back the parent's lease: \"%s\"\n", all_books[1].message);
		EXPECT(count_pets(warm.resource, 4) == 4); /* four children later, the parent's connection works */
	}
	EXPECT(tenure_drain(get_pets, TENURE_SECONDS(10)) == 0);
	bad = check_books(wrong, bad);
	free(url);
	folder_remove(folder);
	return bad != 0;
}
