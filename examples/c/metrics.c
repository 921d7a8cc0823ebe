/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c: a small service that tells Prometheus how its cache is doing: GET /metrics, and GET /word/N for something to count.
 *
 * Four threads answer, one request a connection, on 127.0.0.1 and a port that the system chooses. SIGTERM or Ctrl-C ends it: the
 * threads are woken, what is cached is released, and the program says so. The page is gathered before it is sent, so that a slow
 * reader holds up a thread for 5 s at most, and nothing else. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <tenure/tenure.h>
#include <unistd.h>

#include "example.h"

enum { THREADS = 4, WORDS = 1000, REQUEST_MOST = 4096, PAGE_MOST = 4 << 20 };

static long made, released; /* atomic */

struct word {
	char text[32];
};

TENURE_DECLARE(get_word, struct word, (long, number));

static int make_word(tenure_call *call, const get_word_args *args, struct word **ret)
{
	*ret = malloc(sizeof(**ret));
	if (*ret == NULL)
		return tenure_fail(call, "out of memory");
	snprintf((*ret)->text, sizeof((*ret)->text), "word %ld\n", args->number);
	__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
	return 0;
}

static void free_word(struct word *word)
{
	free(word);
	__atomic_fetch_add(&released, 1, __ATOMIC_RELAXED);
}
TENURE_DEFINE(get_word, .create = make_word, .release = free_word, .ttl = "10 minutes", .max_entries = 100, .spinner = "");

/* ---- a page in memory */

struct page {
	char *text;
	size_t size;
};

/* A tenure_write. Not 0 ends the dump. */
static int add_to_page(void *user, const char *text, size_t size)
{
	struct page *page = user;
	char *bigger = page->size + size > PAGE_MOST ? NULL : realloc(page->text, page->size + size);

	if (bigger == NULL)
		return -1;
	memcpy(bigger + page->size, text, size);
	page->text = bigger;
	page->size += size;
	return 0;
}

/* ---- HTTP, as little of it as will do */

static void send_all(int connection, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(connection, text, size, MSG_NOSIGNAL);

		if (sent <= 0)
			return; /* gone, or too slow */
		text += sent;
		size -= (size_t)sent;
	}
}

static void answer(int connection, const char *status, const char *type, const char *text, size_t size)
{
	char head[256];
	int length = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
			      status, type, size);

	send_all(connection, head, (size_t)length);
	send_all(connection, text, size);
}

static void answer_metrics(int connection)
{
	struct page page = { 0 };

	if (tenure_dump(NULL, TENURE_DUMP_OPENMETRICS, add_to_page, &page) == 0)
		answer(connection, "200 OK", "application/openmetrics-text; version=1.0.0; charset=utf-8", page.text, page.size);
	else
		answer(connection, "500 Internal Server Error", "text/plain", "no metrics\n", 11);
	free(page.text);
}

static void answer_word(int connection, long number)
{
	TENURE_LEASE(get_word, word);

	if (tenure_get(get_word, &word, number) >= 0)
		answer(connection, "200 OK", "text/plain", word.resource->text, strlen(word.resource->text));
	else
		answer(connection, "500 Internal Server Error", "text/plain", tenure_message(), strlen(tenure_message()));
}

/* The head of a request; false: there is none, or it is too long. */
static bool read_head(int connection, char request[REQUEST_MOST])
{
	size_t size = 0;

	request[0] = '\0';
	while (strstr(request, "\r\n\r\n") == NULL) {
		ssize_t got = size + 1 == REQUEST_MOST ? 0 : recv(connection, request + size, REQUEST_MOST - size - 1, 0);

		if (got <= 0)
			return false;
		size += (size_t)got;
		request[size] = '\0';
	}
	return true;
}

static void serve(int connection)
{
	const struct timeval patience = { .tv_sec = 5 };
	char request[REQUEST_MOST];
	long number;

	setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!read_head(connection, request))
		return;
	if (strncmp(request, "GET /metrics ", 13) == 0)
		answer_metrics(connection);
	else if (sscanf(request, "GET /word/%ld ", &number) == 1 && number >= 0 && number < WORDS)
		answer_word(connection, number);
	else
		answer(connection, "404 Not Found", "text/plain", "there is /metrics and /word/N\n", 30);
}

static void *work(void *listener)
{
	for (;;) {
		int connection = accept(*(const int *)listener, NULL, NULL);

		if (connection < 0)
			return NULL; /* the listener was shut down */
		serve(connection);
		close(connection);
	}
}

static int listen_here(int *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(listener >= 0);
	EXPECT(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	EXPECT(listen(listener, 16) == 0);
	EXPECT(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	*ret_port = ntohs(address.sin_port);
	return listener;
}

int main(void)
{
	pthread_t threads[THREADS];
	int listener, port, caught;
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL); /* for all threads: sigwait() gets them */
	EXPECT(tenure_register(get_word) == 0); /* so that its counters are there from the first page on */
	listener = listen_here(&port);
	printf("http://127.0.0.1:%d/metrics\n", port);
	fflush(stdout);
	for (int i = 0; i < THREADS; i++)
		EXPECT(pthread_create(&threads[i], NULL, work, &listener) == 0);
	sigwait(&ends, &caught);
	shutdown(listener, SHUT_RDWR);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	close(listener);
	EXPECT(tenure_drain_all(NULL, TENURE_SECONDS(10)) == 0);
	printf("released %ld of %ld\n", released, made);
	return released != made;
}
