/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c: what tenure costs, as ratios to a floor measured in the same process and run; best of many rounds.
 *
 * The floor hashes the key, probes a plain table once and compares the key in full: no lease, no deadline, no other thread.
 * Variants take turns, so that a disturbance of the machine meets all of them. */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static FILE *out; /* the Markdown, or NULL; kept in memory until all is measured */
double scale = 1;
static long made, freed; /* atomic */
static int broken;

int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int make_thing(long number, struct thing **ret)
{
	*ret = malloc(sizeof(**ret));
	(*ret)->number = number;
	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
	return 0;
}

static void free_thing(struct thing *thing)
{
	free(thing);
	__atomic_add_fetch(&freed, 1, __ATOMIC_RELAXED);
}

static int make_raw(tenure_call *c, const raw_args *a, struct thing **ret)
{
	(void)c;
	return make_thing((long)a->key.size, ret);
}
static int make_typed(tenure_call *c, const typed_args *a, struct thing **ret)
{
	(void)c;
	return make_thing(a->number, ret);
}
TENURE_DEFINE(raw, .create = make_raw, .release = free_thing, .ttl = "1h");
TENURE_DEFINE(typed, .create = make_typed, .release = free_thing, .ttl = "1h");

/* ---- the floor, and a table behind a mutex */

enum { SLOTS = 4096 };
struct plain {
	uint64_t hash;
	struct thing *thing;
	unsigned char key[48];
	long count;
};
static struct plain table[SLOTS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
volatile long sink;

static struct plain *probe(uint64_t hash)
{
	for (uint64_t at = hash % SLOTS;; at = (at + 1) % SLOTS) {
		if (table[at].hash == hash)
			return &table[at];
		if (table[at].hash == 0)
			return NULL;
	}
}

uint64_t seeds[2] = { 12345, 54321 }; /* read each time, as a function's is: not a part of the code */

static uint64_t hash_raw(const char *key)
{
	return tenure_mix_bytes_(seeds[0], key, 32);
}

static uint64_t hash_typed(int64_t number, const char *name, size_t size, bool flag)
{
	return tenure_mix_word_(tenure_mix_bytes_(tenure_mix_word_(seeds[1], (uint64_t)number), name, size), flag);
}

static void plain_insert(uint64_t hash, const void *key, size_t size)
{
	uint64_t at = hash % SLOTS;

	while (table[at].hash != 0)
		at = (at + 1) % SLOTS;
	table[at].hash = hash;
	memcpy(table[at].key, key, size);
}

#define NO_INLINE __attribute__((noinline))

/* The key, but not before `what` is there. */
static inline const char *wait_for(const char *key, long what)
{
#if defined(__x86_64__)
	__asm__ volatile("and $0, %1\n\tadd %1, %0" : "+r"(key), "+r"(what) : : "cc");
	return key;
#else
	__asm__ volatile("and %1, %1, #1\n\tadd %0, %0, %1, lsl #1\n\tsub %0, %0, %1, lsl #1" : "+r"(key), "+r"(what));
	return key;
#endif
}

static NO_INLINE void floor_raw(long count, const char *key)
{
	for (long i = 0; i < count; i++) {
		struct plain *p;

		__asm__ volatile("" : "+r"(key) : : "memory");
		p = probe(hash_raw(key));
		if (p != NULL && tenure_same_bytes_(p->key, key, 32))
			sink = p->count;
	}
}

/* The same, each lookup waiting for the one before, as a program waits for the resource it asked for: the latency. */
static NO_INLINE void floor_chain(long count, const char *key)
{
	for (long i = 0; i < count; i++) {
		struct plain *p;
		long before = 0;

		__asm__ volatile("" : "+r"(key) : : "memory");
		p = probe(hash_raw(key));
		if (p != NULL && tenure_same_bytes_(p->key, key, 32))
			before = p->count;
		key = wait_for(key, before);
	}
}

static NO_INLINE void floor_typed(long count, const char *name)
{
	int64_t number = 77, stored;

	for (long i = 0; i < count; i++) {
		struct plain *p;
		size_t size;

		__asm__ volatile("" : "+r"(name), "+r"(number) : : "memory");
		size = strlen(name);
		p = probe(hash_typed(number, name, size, true));
		if (p == NULL)
			continue;
		memcpy(&stored, p->key, 8);
		if (stored == number && p->key[8] == 1 && p->key[9] == size && tenure_same_bytes_(p->key + 16, name, size))
			sink = p->count;
	}
}

static NO_INLINE void mutex_raw(long count, const char *key)
{
	for (long i = 0; i < count; i++) {
		uint64_t hash;
		struct plain *p;

		__asm__ volatile("" : "+r"(key) : : "memory");
		hash = hash_raw(key);
		pthread_mutex_lock(&mutex);
		p = probe(hash);
		if (p != NULL && tenure_same_bytes_(p->key, key, 32))
			__atomic_fetch_add(&p->count, 1, __ATOMIC_RELAXED);
		pthread_mutex_unlock(&mutex);
		if (p != NULL)
			__atomic_fetch_sub(&p->count, 1, __ATOMIC_ACQ_REL);
	}
}

static NO_INLINE void tenure_raw(long count, const char *key)
{
	for (long i = 0; i < count; i++) {
		raw_lease l = { .lease = { NULL, NULL, 0 } };

		__asm__ volatile("" : "+r"(key) : : "memory");
		tenure_get(raw, &l, (tenure_bytes){ key, 32 });
		tenure_give_back(&l);
	}
}

static NO_INLINE void tenure_chain(long count, const char *key)
{
	for (long i = 0; i < count; i++) {
		raw_lease l = { .lease = { NULL, NULL, 0 } };
		long number;

		__asm__ volatile("" : "+r"(key) : : "memory");
		tenure_get(raw, &l, (tenure_bytes){ key, 32 });
		number = l.resource->number;
		tenure_give_back(&l);
		key = wait_for(key, number);
	}
}

static NO_INLINE void tenure_typed(long count, const char *name)
{
	int64_t number = 77;

	for (long i = 0; i < count; i++) {
		typed_lease l = { .lease = { NULL, NULL, 0 } };

		__asm__ volatile("" : "+r"(name), "+r"(number) : : "memory");
		tenure_get(typed, &l, number, name, true);
		tenure_give_back(&l);
	}
}

/* What any counted handle pays: two read-modify-writes of one word of the thread's own, and nothing else. */
static NO_INLINE void atomic_pair(long count, const char *unused)
{
	static __thread uint64_t word;

	(void)unused;
	for (long i = 0; i < count; i++) {
		__atomic_fetch_add(&word, 1, __ATOMIC_ACQUIRE);
		__atomic_fetch_sub(&word, 1, __ATOMIC_RELEASE);
	}
}

static tenure_key *prepared;
static NO_INLINE void tenure_prepared(long count, const char *unused)
{
	(void)unused;
	for (long i = 0; i < count; i++) {
		raw_lease l = { .lease = { NULL, NULL, 0 } };

		tenure_get_key(raw, &l, prepared);
		tenure_give_back(&l);
	}
}
static void through_key(long count, const char *unused)
{
	(void)unused;
	library_key(count, prepared);
}

/* ---- the table of results */

static void line(const char *name, const char *measured, const char *target, int holds)
{
	const char *verdict = holds < 0 ? "" : holds ? "holds" : "falls short";

	printf("%-58s %20s   %-16s %s\n", name, measured, target, verdict);
	fflush(stdout);
	if (out != NULL)
		fprintf(out, "| %s | %s | %s | %s |\n", name, measured, target, verdict);
}

void row(const char *name, double value, const char *unit, const char *target, int holds)
{
	char measured[64];

	snprintf(measured, sizeof(measured), value >= 1000 ? "%.0f %s" : value >= 100 ? "%.1f %s" : "%.2f %s", value, unit);
	line(name, measured, target, holds);
}

/* ---- hits on one thread */

struct variant {
	const char *name;
	void (*run)(long count, const char *key);
	const char *key;
	int floor; /* index of its floor */
	double most; /* ratio to it, 0: none */
	double best; /* ns */
};
static const char KEY[] = "0123456789abcdef0123456789abcdef", NAME[] = "model-a.bin";
enum { FLOOR_RAW, FLOOR_TYPED, FLOOR_CHAIN, PAIR, MUTEX, RAW, CHAIN, TYPED, PREPARED, LIB_RAW, LIB_TYPED, LIB_KEY, VARIANTS };
static struct variant variants[VARIANTS] = {
	[FLOOR_RAW] = { "floor: hash, probe, compare 32 bytes", floor_raw, KEY, FLOOR_RAW, 0, 1e9 },
	[FLOOR_TYPED] = { "floor: three typed arguments", floor_typed, NAME, FLOOR_TYPED, 0, 1e9 },
	[FLOOR_CHAIN] = { "floor, each waiting for the one before", floor_chain, KEY, FLOOR_CHAIN, 0, 1e9 },
	[PAIR] = { "a bare atomic add and subtract", atomic_pair, KEY, FLOOR_RAW, 0, 1e9 },
	[MUTEX] = { "mutex and an atomic count, 32 bytes", mutex_raw, KEY, FLOOR_RAW, 0, 1e9 },
	[RAW] = { "hit + give-back, 32 bytes, inlined", tenure_raw, KEY, FLOOR_RAW, 1.7, 1e9 },
	[CHAIN] = { "  the same, each waiting for the one before", tenure_chain, KEY, FLOOR_CHAIN, 0, 1e9 },
	[TYPED] = { "hit + give-back, three typed arguments, inlined", tenure_typed, NAME, FLOOR_TYPED, 1.35, 1e9 },
	[PREPARED] = { "hit + give-back, prepared key, inlined", tenure_prepared, KEY, FLOOR_RAW, 1.3, 1e9 },
	[LIB_RAW] = { "hit + give-back, 32 bytes, shared library", library_raw, KEY, FLOOR_RAW, 2.5, 1e9 },
	[LIB_TYPED] = { "hit + give-back, three typed, shared library", library_typed, NAME, FLOOR_TYPED, 2.5, 1e9 },
	[LIB_KEY] = { "hit + give-back, prepared key, shared library", through_key, KEY, FLOOR_RAW, 2.5, 1e9 },
};

static void measure_hits(void)
{
	const long count = 100000; /* some ms: short enough to find a moment when nobody else runs */
	char text[64];

	for (int round = 0; round < (int)(200 * scale) + 5; round++) {
		for (int i = 0; i < VARIANTS; i++) {
			int64_t begin = now();
			double ns;

			variants[i].run(count, variants[i].key);
			ns = (double)(now() - begin) / (double)count;
			if (ns < variants[i].best)
				variants[i].best = ns;
		}
	}
	for (int i = 0; i < VARIANTS; i++) {
		double ratio = variants[i].best / variants[variants[i].floor].best;
		char target[32] = "";

		snprintf(text, sizeof(text), "%.2f ns  %.2f x", variants[i].best, ratio);
		if (variants[i].most != 0)
			snprintf(target, sizeof(target), "<= %.2f x floor", variants[i].most);
		line(variants[i].name, text, target, variants[i].most == 0 ? -1 : ratio <= variants[i].most);
	}
}

/* ---- threads on one key */

struct crew {
	void (*run)(long count, const char *key);
	const char *key;
	long count;
	pthread_barrier_t *start;
	int cpu;
	int64_t begin, end; /* ns */
};

static void *work(void *pointer)
{
	struct crew *crew = pointer;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(crew->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	crew->run(100, crew->key);
	pthread_barrier_wait(crew->start);
	crew->begin = now();
	crew->run(crew->count, crew->key);
	crew->end = now();
	return NULL;
}

/* Millions of operations a second, all threads together: the best of some rounds. */
static double rate(void (*run)(long, const char *), const char *key, int threads)
{
	double best = 0;

	for (int round = 0; round < 7; round++) {
		pthread_barrier_t start;
		pthread_t ids[8];
		struct crew crews[8];
		int64_t begin = INT64_MAX, end = 0;
		double mops;

		pthread_barrier_init(&start, NULL, (unsigned)threads);
		for (int i = 0; i < threads; i++) {
			crews[i] = (struct crew){ run, key, (long)(8000000 * scale / threads) + 1000, &start,
						  i % (int)sysconf(_SC_NPROCESSORS_ONLN), 0, 0 };
			pthread_create(&ids[i], NULL, work, &crews[i]);
		}
		for (int i = 0; i < threads; i++) {
			pthread_join(ids[i], NULL);
			begin = crews[i].begin < begin ? crews[i].begin : begin;
			end = crews[i].end > end ? crews[i].end : end;
		}
		mops = (double)(crews[0].count * threads) * 1e3 / (double)(end - begin);
		best = mops > best ? mops : best;
		pthread_barrier_destroy(&start);
	}
	return best;
}

static void measure_threads(void)
{
	double floor1 = rate(floor_raw, KEY, 1), floor2 = rate(floor_raw, KEY, 2);
	double mutex2 = rate(mutex_raw, KEY, 2), one = rate(tenure_raw, KEY, 1), two = rate(tenure_raw, KEY, 2);
	double eight = rate(tenure_raw, KEY, 8);

	row("floor, 2 threads", floor2, "M/s", "", -1);
	row("mutex, 2 threads on one key", mutex2, "M/s", "", -1);
	row("tenure, 1 thread", one, "M/s", "", -1);
	row("tenure, 2 threads on one key", two, "M/s", "", -1);
	row("tenure, 2 threads: scaling", two / one, "x", ">= 1.5 x", two / one >= 1.5);
	row("tenure, 2 threads: against the floor's own scaling", (two / one) / (floor2 / floor1), "x", ">= 0.9 x",
	    (two / one) / (floor2 / floor1) >= 0.9);
	row("tenure, 2 threads: against the mutex", two / mutex2, "x", ">= 8 x", two / mutex2 >= 8);
	row("tenure, 8 threads: against 2", eight / two, "x", ">= 0.95 x", eight / two >= 0.95);
}

/* ---- many entries */

static long resident(void)
{
	long pages = 0, unused;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file != NULL && fscanf(file, "%ld %ld", &unused, &pages) != 2)
		pages = 0;
	if (file != NULL)
		fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

TENURE_DECLARE(many, struct thing, (int64_t, number));
static struct thing *things; /* made before, so that the memory counted is the library's */
static int make_many(tenure_call *c, const many_args *a, struct thing **ret)
{
	(void)c;
	*ret = &things[a->number];
	return 0;
}
static void keep(struct thing *thing)
{
	(void)thing;
}
TENURE_DEFINE(many, .create = make_many, .release = keep, .ttl = "1h");

static unsigned char *huge(size_t size)
{
	const size_t page = 2 << 20;
	void *memory;

	size = (size + page - 1) / page * page;
	if (posix_memalign(&memory, page, size) != 0)
		exit(1);
	madvise(memory, size, MADV_HUGEPAGE);
	return memset(memory, 0, size);
}

static double hit_among(long entries)
{
	const long count = 200000;
	uint64_t random = 88172645463325252;
	double best = 1e9;

	for (int round = 0; round < (int)(40 * scale) + 10; round++) { /* the first ones warm up */
		int64_t begin = now();
		double ns;

		for (long i = 0; i < count; i++) {
			many_lease l = { .lease = { NULL, NULL, 0 } };

			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			tenure_get(many, &l, (int64_t)(((random >> 33) * (uint64_t)entries) >> 31));
			tenure_give_back(&l);
		}
		ns = (double)(now() - begin) / (double)count;
		best = ns < best ? ns : best;
	}
	return best;
}

/* What the protocol costs among many entries without any code around it: for a random key one line of the table, then one of
 * the cells and one of the entries, on huge pages, and the two atomic operations, whose results decide. */
static double bare_among(uint64_t entries)
{
	enum { SLOT = 16, CELL = 16, ENTRY = 192 };
	uint64_t slots = 1, random = 88172645463325252, hit = 0;
	const long count = 200000;
	unsigned char *lines, *cells, *heads;
	double best = 1e9;

	while (slots / 4 * 3 < entries)
		slots *= 2;
	lines = huge(slots * SLOT);
	cells = huge(entries * CELL);
	heads = huge(entries * ENTRY);
	for (uint64_t i = 0; i < slots; i++) {
		uint64_t id = tenure_mix_word_(i, 1) % entries;

		memcpy(lines + i * SLOT, &id, sizeof(id));
	}
	for (int round = 0; round < (int)(40 * scale) + 10; round++) {
		int64_t begin = now();
		double ns;

		for (long i = 0; i < count; i++) {
			uint64_t id, *cell;

			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			id = tenure_read8_(lines + (random >> 33 & (slots - 1)) * SLOT);
			cell = (uint64_t *)(void *)(cells + id * CELL);
			__builtin_prefetch(heads + id * ENTRY);
			if (__atomic_fetch_add(cell, 2, __ATOMIC_ACQUIRE) & 1)
				hit++;
			if (tenure_read8_(heads + id * ENTRY) != 0)
				hit++;
			if (__atomic_fetch_sub(cell, 2, __ATOMIC_RELEASE) & 1)
				hit++;
		}
		ns = (double)(now() - begin) / (double)count;
		best = ns < best ? ns : best;
	}
	sink = (long)hit;
	free(lines);
	free(cells);
	free(heads);
	return best;
}

static void measure_many(void)
{
	long most = scale < 0.5 ? 100000 : 1000000, before;
	double among_100, among_1000, among_all, bytes;

	things = calloc((size_t)most, sizeof(*things));
	memset(things, 1, (size_t)most * sizeof(*things));
	for (long i = 0; i < 100; i++)
		tenure_get(many, NULL, i);
	among_100 = hit_among(100);
	for (long i = 100; i < 1000; i++)
		tenure_get(many, NULL, i);
	among_1000 = hit_among(1000);
	before = resident();
	for (long i = 1000; i < most; i++)
		tenure_get(many, NULL, i);
	bytes = (double)(resident() - before) / (double)(most - 1000); /* a key of 8 bytes stands in the entry */
	among_all = hit_among(most);
	row("hit among 100 live entries, at random", among_100, "ns", "", -1);
	row("hit among 1 000", among_1000, "ns", "", -1);
	row(most == 1000000 ? "hit among 1 000 000" : "hit among 100 000", among_all, "ns", "", -1);
	row("  three cold lines and the two atomics alone", bare_among((uint64_t)most), "ns", "", -1);
	row("  against the hit among 100", among_all / among_100, "x", "<= 3 x", among_all / among_100 <= 3);
	row("memory an entry beside key and resource", bytes, "bytes", "<= 320 bytes", bytes <= 320);
	tenure_drain(many, TENURE_SECONDS(60));
	free(things);
}

/* ---- replacement, single flight, digest, latency */

/* Load: threads that hit the key all the time; a padded count each. */
struct hitter {
	pthread_t thread;
	long hits; /* atomic */
	char padding[112];
};
static int stop; /* atomic */

static void *hit_on(void *pointer)
{
	struct hitter *hitter = pointer;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		tenure_raw(100, KEY);
		__atomic_store_n(&hitter->hits, hitter->hits + 100, __ATOMIC_RELAXED);
	}
	return NULL;
}

static long hits_of(const struct hitter *hitters, int count)
{
	long hits = 0;

	for (int i = 0; i < count; i++)
		hits += __atomic_load_n(&hitters[i].hits, __ATOMIC_RELAXED);
	return hits;
}

struct replaced {
	double best, all; /* a second: in the best round, over all rounds */
	double mhits; /* hits meanwhile over all rounds, millions a second */
};

/* One thread clears the entry and asks for it again, while others hit it. */
static struct replaced replace(int load)
{
	struct hitter hitters[8] = { 0 };
	struct replaced result = { 0, 0, 0 };
	int64_t start = now(), end = start;
	long first = __atomic_load_n(&made, __ATOMIC_RELAXED), last = first;

	__atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
	for (int i = 0; i < load; i++)
		pthread_create(&hitters[i].thread, NULL, hit_on, &hitters[i]);
	for (int round = 0; round < 40; round++) {
		long before = last;
		int64_t begin = end;
		double seen;

		do {
			for (int i = 0; i < 100; i++) {
				tenure_clear_entry(raw, (tenure_bytes){ KEY, 32 });
				tenure_raw(1, KEY);
			}
			end = now();
		} while ((double)(end - begin) < 5e7 * scale);
		last = __atomic_load_n(&made, __ATOMIC_RELAXED);
		seen = (double)(last - before) * 1e9 / (double)(end - begin);
		result.best = seen > result.best ? seen : result.best;
	}
	result.all = (double)(last - first) * 1e9 / (double)(end - start);
	result.mhits = (double)hits_of(hitters, load) * 1e3 / (double)(end - start);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < load; i++)
		pthread_join(hitters[i].thread, NULL);
	return result;
}

static void measure_replacement(void)
{
	static const int loads[] = { 1, 0, 2, 8 };
	static const char *const whom[] = { "a thread hits", "nobody hits", "2 threads hit", "8 threads hit" };
	struct replaced seen;
	char name[80], text[64];

	for (int i = 0; i < 4; i++) {
		seen = replace(loads[i]);
		snprintf(name, sizeof(name), "replacements of a hot entry, %s it", whom[i]);
		row(name, seen.best, "a second", loads[i] == 1 ? ">= 100 000" : "", loads[i] == 1 ? seen.best >= 100000 : -1);
		snprintf(text, sizeof(text), "%.0f a second, %.1f M hits", seen.all, seen.mhits);
		line("  over all rounds", text, "", -1);
	}
	tenure_drain_all(NULL, TENURE_SECONDS(30));
	if (made != freed) {
		broken = 1;
		printf("made %ld, released %ld\n", made, freed);
	}
}

TENURE_DECLARE(brief, struct thing, (int64_t, number));
static int64_t due[2000], late[2000];
static int make_brief(tenure_call *c, const brief_args *a, struct thing **ret)
{
	make_thing(a->number, ret);
	tenure_call_set_ttl(c, 20000000);
	due[a->number] = now() + 20000000;
	return 0;
}
static void free_brief(struct thing *thing)
{
	late[thing->number] = now() - due[thing->number];
	free_thing(thing);
}
TENURE_DEFINE(brief, .create = make_brief, .release = free_brief);

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void measure_latency(void)
{
	int count = scale < 0.5 ? 200 : 2000;
	tenure_stats stats;
	struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < count; i++) {
		tenure_get(brief, NULL, i);
		if (i % 10 == 0)
			nanosleep(&pause, NULL);
	}
	do {
		nanosleep(&pause, NULL);
		tenure_get_stats(brief, &stats);
	} while (stats.live + stats.pending_releases != 0);
	qsort(late, (size_t)count, sizeof(late[0]), compare);
	row("expiry to release without traffic, median", (double)late[count / 2] / 1e6, "ms", "", -1);
	row("expiry to release without traffic, p99", (double)late[count * 99 / 100] / 1e6, "ms", "<= 10 ms",
	    late[count * 99 / 100] <= 10000000);
}

static pthread_barrier_t flock;
static void *fly(void *key)
{
	pthread_barrier_wait(&flock);
	tenure_raw(1, key);
	return NULL;
}

static void measure_flight(void)
{
	static char key[33] = "single flight of sixty-four thr.";
	pthread_t ids[64];
	long before = made;
	int64_t begin;

	pthread_barrier_init(&flock, NULL, 65);
	for (int i = 0; i < 64; i++)
		pthread_create(&ids[i], NULL, fly, key);
	pthread_barrier_wait(&flock);
	begin = now();
	for (int i = 0; i < 64; i++)
		pthread_join(ids[i], NULL);
	row("64 threads ask for one missing key: until all have it", (double)(now() - begin) / 1e6, "ms", "", -1);
	row("  creations", (double)(made - before), "", "1", made - before == 1);
	pthread_barrier_destroy(&flock);
	broken |= made - before != 1;
}

static void describe(FILE *to)
{
	char cpu[256] = "unknown processor";
	struct utsname system;
	FILE *info = fopen("/proc/cpuinfo", "r");
	char text[256];

	while (info != NULL && fgets(text, sizeof(text), info) != NULL) {
		if (strncmp(text, "model name", 10) == 0 && strchr(text, ':') != NULL) {
			snprintf(cpu, sizeof(cpu), "%s", strchr(text, ':') + 2);
			cpu[strcspn(cpu, "\n")] = '\0';
			break;
		}
	}
	if (info != NULL)
		fclose(info);
	uname(&system);
	fprintf(to, "%s, %ld processors, %s %s, %s, tenure %s\n", cpu, sysconf(_SC_NPROCESSORS_ONLN), system.sysname,
		system.release, __VERSION__, tenure_version());
}

/* Only now, and at once: an interrupted run leaves the file as it was. */
static int write_file(const char *path, const char *text, size_t size)
{
	char part[4096];
	FILE *file;
	bool whole;

	snprintf(part, sizeof(part), "%s.part", path);
	file = fopen(part, "w");
	whole = file != NULL && fwrite(text, 1, size, file) == size;
	if (file != NULL && fclose(file) == 0 && whole && rename(part, path) == 0)
		return 0;
	perror(path);
	remove(part);
	return 1;
}

static const struct {
	const char *name;
	void (*measure)(void);
} sections[] = {
	{ "hits", measure_hits }, { "threads", measure_threads }, { "many", measure_many },
	{ "replacement", measure_replacement }, { "latency", measure_latency }, { "flight", measure_flight },
	{ "large", measure_large },
};
enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

static int usage(int result)
{
	puts("usage: bench [--quick] [--write FILE] [SECTION...]\n\n"
	     "Measures the targets and prints one table; FILE gets it as Markdown. Sections, all of them by default:");
	for (int i = 0; i < SECTIONS; i++)
		printf("  %s\n", sections[i].name);
	return result;
}

static void prepare(void)
{
	unsigned char key[48] = { 77, [8] = 1, [9] = sizeof(NAME) - 1 };

	plain_insert(hash_raw(KEY), KEY, 32);
	memcpy(key + 16, NAME, sizeof(NAME));
	plain_insert(hash_typed(77, NAME, sizeof(NAME) - 1, true), key, sizeof(key));
	if (tenure_prepare(raw, &prepared, (tenure_bytes){ KEY, 32 }) != 0) {
		puts(tenure_message());
		exit(1);
	}
	tenure_raw(10, KEY);
	tenure_typed(10, NAME);
	tenure_prepared(10, KEY);
}

int main(int count, char **arguments)
{
	bool wanted[SECTIONS] = { false }, all = true;
	const char *path = NULL;
	char *text = NULL;
	size_t size = 0;

	for (int i = 1; i < count; i++) {
		int section = 0;

		while (section < SECTIONS && strcmp(arguments[i], sections[section].name) != 0)
			section++;
		if (section < SECTIONS) {
			wanted[section] = true;
			all = false;
		} else if (strcmp(arguments[i], "--quick") == 0) {
			scale = 0.05;
		} else if (strcmp(arguments[i], "--write") == 0 && i + 1 < count) {
			path = arguments[++i];
		} else {
			return usage(strcmp(arguments[i], "--help") == 0 ? 0 : 2);
		}
	}
	if (path != NULL && (out = open_memstream(&text, &size)) == NULL)
		return perror(path), 1;
	if (out != NULL) {
		fprintf(out, "# What was measured\n\nWritten by `./run bench`. Ratios hold inside one run only; times are the best of many rounds.\n\n");
		describe(out);
		fprintf(out, "\n| what | measured | target | |\n|---|---|---|---|\n");
	}
	describe(stdout);
	prepare();
	for (int i = 0; i < SECTIONS; i++) {
		if (all || wanted[i])
			sections[i].measure();
	}
	tenure_key_free(prepared);
	if (tenure_drain_all(NULL, TENURE_SECONDS(30)) != 0 || made != freed) {
		printf("the books do not balance: made %ld, released %ld\n", made, freed);
		broken = 1;
	}
	if (out != NULL) {
		broken |= fclose(out) != 0 || write_file(path, text, size);
		free(text);
	}
	return broken;
}
