/* SPDX-License-Identifier: Apache-2.0 */
/* event_loop.c: a server with one thread and a loop of its own; the cache lives in that loop and never starts a thread.
 *
 * `.manual = true` makes tenure a guest of the loop, with two descriptors: an eventfd, which `.wake` signals when something
 * is due sooner than was said before, and a timer, which is set to what the last tenure_poll() said. Either of them means:
 * poll. In there deadlines are met, connections closed and refreshes made, with and without traffic; a request that hits
 * does nothing of that, and costs no poll.
 *
 * The shops are SQLite databases, each open while it is asked for and closed when its time is over. The rate of exchange is
 * read from a file again and again in the background, while the old one is served. */
#include <dirent.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <tenure/tenure.h>
#include <time.h>
#include <unistd.h>

#include "example.h"

enum { CLIENTS = 4, SHOPS = 3, REQUESTS = 200, OLD_RATE = 2, NEW_RATE = 3, BATCH = 16, SECONDS_MOST = 60 };
static const int64_t MS = 1000000, SHOP_TTL = 200 * 1000000;

static tenure_cache *cache;
static char *urls[SHOPS], *rate_file;

/* The books. */
static long opened, closed, rates_read, rates_freed, answered, stale, wakes, polls, turns;
static long open_then, polls_then; /* at the last answer */
static int threads_most, connected;
static int64_t latest; /* ns that a shop was closed after its time, at most */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t); /* the clock of a cache that was given none, and of the timer */
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int count = 0;

	EXPECT(tasks != NULL);
	for (struct dirent *task; (task = readdir(tasks)) != NULL;)
		count += task->d_name[0] != '.';
	closedir(tasks);
	threads_most = count > threads_most ? count : threads_most;
}

/* ---- the cached functions */

struct shop {
	sqlite3 *database;
	int64_t since;
};

TENURE_DECLARE_STATIC(get_shop, struct shop, (const char *, url));

static int open_shop(tenure_call *call, const get_shop_args *args, struct shop **ret)
{
	struct shop *shop = calloc(1, sizeof(*shop));

	if (shop == NULL)
		return tenure_fail(call, "out of memory");
	opened++;
	*ret = shop; /* tenure's from here on, and closed by it also when the next line fails */
	if (sqlite3_open_v2(args->url, &shop->database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		return tenure_fail(call, "cannot open %s: %s", args->url, sqlite3_errmsg(shop->database));
	shop->since = now_ns();
	return 0;
}

static void close_shop(struct shop *shop)
{
	int64_t late = now_ns() - shop->since - SHOP_TTL;

	EXPECT(late >= 0); /* never early */
	latest = late > latest ? late : latest;
	EXPECT(sqlite3_close(shop->database) == SQLITE_OK);
	free(shop);
	closed++;
	count_threads();
}
TENURE_DEFINE_STATIC(get_shop, .cache = &cache, .create = open_shop, .release = close_shop, .ttl_ns = SHOP_TTL);

TENURE_DECLARE_STATIC(get_rate, int, (const char *, path));

static int read_rate(tenure_call *call, const get_rate_args *args, int **ret)
{
	FILE *file = fopen(args->path, "r");
	bool good;

	*ret = calloc(1, sizeof(**ret));
	rates_read += *ret != NULL;
	good = file != NULL && *ret != NULL && fscanf(file, "%d", *ret) == 1;
	if (file != NULL)
		fclose(file);
	count_threads();
	return good ? 0 : tenure_fail(call, "no rate in %s", args->path);
}

static void free_rate(int *rate)
{
	free(rate);
	rates_freed++;
}
TENURE_DEFINE_STATIC(get_rate, .cache = &cache, .create = read_rate, .release = free_rate, .ttl = "10ms", .max_stale = "1h",
		     .refresh = TENURE_BACKGROUND);

/* ---- the loop: whoever wants to be told of something is a source */

struct source {
	int fd;
	void (*ready)(struct source *);
};
static int loop;

static void add(struct source *source, int fd, void (*ready)(struct source *))
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

	*source = (struct source){ fd, ready };
	EXPECT(fd >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void turn(void)
{
	struct epoll_event events[BATCH];
	int count = epoll_wait(loop, events, BATCH, -1);

	for (int i = 0; i < count; i++) {
		struct source *source = events[i].data.ptr;

		source->ready(source);
	}
	turns++;
}

/* ---- tenure's place in it */

static struct source signalled, timer;

static void wake(void *user)
{
	(void)user; /* on any thread, here on the one there is: only signal */
	eventfd_write(signalled.fd, 1);
	wakes++;
}

static void poll_cache(struct source *source)
{
	struct itimerspec when = { 0 }; /* nothing is due: the timer rests */
	uint64_t count;
	int64_t next;

	if (read(source->fd, &count, sizeof(count)) < 0)
		return; /* the timer was set anew meanwhile */
	tenure_poll(cache, now_ns(), BATCH, &next); /* a batch at most: what is left is due at once, after the others' turn */
	if (next != TENURE_FOREVER)
		when.it_value = (struct timespec){ next / 1000000000, next % 1000000000 };
	timerfd_settime(timer.fd, TFD_TIMER_ABSTIME, &when, NULL);
	polls++;
}

/* ---- the server: a request is the number of a shop, the answer the price there, at today's rate */

static int price_in(sqlite3 *database)
{
	sqlite3_stmt *statement;
	int price = -1;

	if (sqlite3_prepare_v2(database, "SELECT price FROM goods", -1, &statement, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(statement) == SQLITE_ROW)
		price = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return price;
}

static void serve(struct source *connection)
{
	unsigned char number;
	int price;
	TENURE_LEASE(get_shop, shop);
	TENURE_LEASE(get_rate, rate);

	if (read(connection->fd, &number, 1) != 1) { /* the client has gone */
		close(connection->fd);
		return;
	}
	EXPECT(number < SHOPS && tenure_get(get_shop, &shop, urls[number]) >= 0);
	stale += tenure_get(get_rate, &rate, rate_file) == TENURE_STALE;
	EXPECT(rate.resource != NULL);
	price = price_in(shop.resource->database) * *rate.resource;
	answered += write(connection->fd, &price, sizeof(price)) == sizeof(price);
	open_then = opened - closed;
	polls_then = polls;
}

/* ---- the clients, in the same loop: each asks until it has had its answers and has seen the new rate */

struct client {
	struct source source, served; /* its end, and the server's */
	int requests;
	bool new_rate;
};

static void ask(struct client *client)
{
	unsigned char shop = (unsigned char)(client->requests++ % SHOPS);

	EXPECT(write(client->source.fd, &shop, 1) == 1);
}

static void hear(struct source *source)
{
	struct client *client = (struct client *)source; /* its first member */
	int price, was = 10 + (client->requests - 1) % SHOPS;

	EXPECT(read(source->fd, &price, sizeof(price)) == sizeof(price));
	EXPECT(price == was * OLD_RATE || price == was * NEW_RATE);
	client->new_rate = client->new_rate || price == was * NEW_RATE;
	if (client->requests < REQUESTS || !client->new_rate) {
		ask(client);
		return;
	}
	close(source->fd);
	connected--;
}

/* ---- the parts together */

static void make_shop(const char *path, int price)
{
	char sql[100];
	sqlite3 *database;

	snprintf(sql, sizeof(sql), "CREATE TABLE goods (price INTEGER); INSERT INTO goods VALUES (%d)", price);
	EXPECT(sqlite3_open(path, &database) == SQLITE_OK);
	EXPECT(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK);
	EXPECT(sqlite3_close(database) == SQLITE_OK);
}

static void write_rate(int rate)
{
	FILE *file = fopen(rate_file, "w");

	EXPECT(file != NULL && fprintf(file, "%d\n", rate) > 0 && fclose(file) == 0);
}

static void traffic(void)
{
	struct client clients[CLIENTS] = { 0 };

	for (int i = 0; i < CLIENTS; i++) {
		int ends[2];

		EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
		add(&clients[i].source, ends[0], hear);
		add(&clients[i].served, ends[1], serve);
		ask(&clients[i]);
		connected++;
	}
	while (answered < CLIENTS)
		turn();
	write_rate(NEW_RATE); /* the next refresh will see it */
	while (connected > 0)
		turn();
	turn(); /* the server's ends of the last ones */
}

int main(void)
{
	char *folder = folder_make(), name[32];
	tenure_stats rates;

	alarm(SECONDS_MOST); /* nothing below waits for so long, unless something is wrong */
	for (int i = 0; i < SHOPS; i++) {
		snprintf(name, sizeof(name), "shop%d.db", i);
		urls[i] = folder_file(folder, name);
		make_shop(urls[i], 10 + i);
	}
	rate_file = folder_file(folder, "rate");
	write_rate(OLD_RATE);

	loop = epoll_create1(EPOLL_CLOEXEC);
	add(&signalled, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), poll_cache);
	add(&timer, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), poll_cache);
	EXPECT(tenure_cache_open(&cache, .name = "prices", .manual = true, .wake = wake) == 0);

	traffic();
	printf("  traffic: %ld answers in %ld turns of the loop; %ld wakes, %ld polls\n", answered, turns, wakes, polls);
	EXPECT(tenure_get_stats(get_rate, &rates) == 0);
	printf("           the rate was refreshed %d times in the loop; %ld answers with the old one meanwhile\n",
	       (int)rates.refreshes, stale);
	EXPECT(wakes > 0 && rates.refreshes > 0 && stale > 0);

	while (opened > closed) /* nobody asks any more: only the timer turns the loop */
		turn();
	printf("  silence: %ld shops were closed when their time was over, with %ld polls, at most %.1f ms late\n", open_then,
	       polls - polls_then, (double)latest / (double)MS);
	EXPECT(open_then > 0 && polls - polls_then < 30); /* it slept in between */
	EXPECT(latest < 5000 * MS);

	EXPECT(tenure_cache_close(&cache, 0) == 0); /* what is still in service is released in here, on this thread */
	count_threads();
	printf("  the end: %ld shops opened, %ld closed; %ld rates read, %ld freed; %d thread at most\n", opened, closed,
	       rates_read, rates_freed, threads_most);
	EXPECT(opened == closed && rates_read == rates_freed && rates_read > 1 && threads_most == 1);
	for (int i = 0; i < SHOPS; i++)
		free(urls[i]);
	free(rate_file);
	close(timer.fd);
	close(signalled.fd);
	close(loop);
	folder_remove(folder);
	return 0;
}
