/* SPDX-License-Identifier: Apache-2.0 */
/* peers.c: the measuring around one peer: best of some rounds, one thread and two on one key, one over a thousand keys. Prints
 * ns for one operation of one thread. src/main.rs does the same. */
#include "peers.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

enum { COUNT = 100000, ROUNDS = 20, THREADS = 2 };

int64_t peers_now = 1;

static int64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct crew {
	const struct key *keys;
	pthread_barrier_t *barrier;
	int cpu;
	int64_t begin[ROUNDS], end[ROUNDS];
};

static void *work(void *pointer)
{
	struct crew *crew = pointer;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(crew->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	enter();
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(crew->barrier);
		crew->begin[i] = clock_now();
		run(COUNT, crew->keys);
		crew->end[i] = clock_now();
	}
	leave();
	return NULL;
}

static double measure(int threads, const struct key *keys)
{
	struct crew crews[THREADS];
	pthread_barrier_t barrier;
	pthread_t ids[THREADS];
	double best = 1e18;

	pthread_barrier_init(&barrier, NULL, (unsigned)threads);
	for (int i = 0; i < threads; i++) {
		crews[i] = (struct crew){ .keys = keys, .barrier = &barrier, .cpu = i };
		pthread_create(&ids[i], NULL, work, &crews[i]);
	}
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	for (int round = 0; round < ROUNDS; round++) {
		int64_t begin = INT64_MAX, end = 0;

		for (int i = 0; i < threads; i++) {
			begin = crews[i].begin[round] < begin ? crews[i].begin[round] : begin;
			end = crews[i].end[round] > end ? crews[i].end[round] : end;
		}
		best = (double)(end - begin) / COUNT < best ? (double)(end - begin) / COUNT : best;
	}
	pthread_barrier_destroy(&barrier);
	return best;
}

static void name(struct key *key, int number)
{
	char text[KEY + 1];

	snprintf(text, sizeof(text), "a key of thirty-two bytes: %05d", number);
	memcpy(key->bytes, text, KEY);
}

int main(void)
{
	static struct thing things[1000];
	static struct key hot[KEYS], many[KEYS];
	double one, two, thousand;

	for (int i = 0; i < 1000; i++) {
		name(&things[i].key, i);
		things[i].count = 1;
		things[i].expire_at = INT64_MAX;
	}
	for (int i = 0; i < KEYS; i++) {
		name(&hot[i], 0);
		name(&many[i], i * 617 % 1000);
	}
	fill(things, 1000);
	one = measure(1, hot);
	two = measure(2, hot);
	thousand = measure(1, many);
	printf("%.2f %.2f %.2f\n", one, two, thousand);
	return 0;
}
