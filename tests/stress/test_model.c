/* SPDX-License-Identifier: Apache-2.0 */
/* test_model.c: random calls against a naive cache that does the same by hand.
 *
 * The reference knows nothing of cells, tables or queues: it is an array of entries that are live or not, with leases
 * counted in plain integers and a clock. Each step is one call on both; results, resources and counters must agree. The
 * library runs on this thread (and, for some give-backs, on a second one), with an injected clock, so every run of a seed is
 * the same. A failing seed is replayed with fewer steps until the shortest failing script is found, and that is printed.
 * Environment: TENURE_MODEL_STEPS (100000), TENURE_MODEL_SEED. */
#include "support.h"

#include <sched.h>
#include <time.h>

#define CACHE .cache = &cache
enum { KEYS = 12, HELD = 24, ENTRIES = 400, BOUND = 5 };
#define TTL 100 /* seconds */

/* ---- the library's side: three functions of different habits */

static bool fails, nests, valid = true; /* what the next creator and validator do; the reference decides */
static int keep_for; /* seconds; -1: the option */

TENURE_DECLARE(timed, struct book, (int, n));
TENURE_DECLARE(bounded, struct book, (int, n));
TENURE_DECLARE(judged, struct book, (int, n));

static int make(tenure_call *c, int n, struct book **ret)
{
	if (keep_for >= 0)
		tenure_call_set_ttl(c, TENURE_SECONDS(keep_for));
	*ret = book_new(n);
	return fails ? tenure_fail(c, "told to fail") : 0;
}
static int make_timed(tenure_call *c, const timed_args *a, struct book **ret)
{
	return make(c, a->n, ret);
}
static int make_bounded(tenure_call *c, const bounded_args *a, struct book **ret)
{
	bool own_fails = fails;
	int own_keep = keep_for;

	if (nests) { /* keeps a timed one */
		TENURE_LEASE(timed, l);

		fails = false;
		keep_for = -1;
		if (tenure_get(timed, &l, a->n) >= 0)
			tenure_call_keep(c, &l);
		fails = own_fails;
		keep_for = own_keep;
	}
	return make(c, a->n, ret);
}
static int make_judged(tenure_call *c, const judged_args *a, struct book **ret)
{
	return make(c, a->n, ret);
}
static bool judge(struct book *book)
{
	book_check(book);
	return valid;
}
TENURE_DEFINE(timed, CACHE, .create = make_timed, .release = book_release, .ttl = "100s");
TENURE_DEFINE(bounded, CACHE, .create = make_bounded, .release = book_release, .max_entries = BOUND);
TENURE_DEFINE(judged, CACHE, .create = make_judged, .release = book_release, .validate = judge);
enum { TIMED, BOUNDED, JUDGED, FUNCTIONS };

/* ---- the reference */

struct entry {
	int function, key;
	bool live;
	int64_t end; /* s; INT64_MAX: none */
	int leases;
	int keeps; /* entry that it holds, or -1; given back with its own end */
	bool over; /* released */
};
static struct entry entries[ENTRIES];
static int entry_count;
static int64_t now; /* s */
static int releases;

struct holder {
	tenure_lease lease;
	int entry; /* -1: empty */
};
static struct holder held[HELD];

static void settle(struct entry *e)
{
	if (e->live || e->leases != 0 || e->over)
		return;
	e->over = true;
	releases++;
	if (e->keeps >= 0) {
		entries[e->keeps].leases--;
		settle(&entries[e->keeps]);
	}
}

static void retire(struct entry *e)
{
	e->live = false;
	settle(e);
}

static struct entry *find(int function, int key)
{
	for (int i = 0; i < entry_count; i++) {
		if (entries[i].live && entries[i].function == function && entries[i].key == key)
			return &entries[i];
	}
	return NULL;
}

static int live_count(int function)
{
	int count = 0;

	for (int i = 0; i < entry_count; i++)
		count += entries[i].live && entries[i].function == function;
	return count;
}

static void compact(void)
{
	static int moved[ENTRIES];
	int to = 0;

	for (int i = 0; i < entry_count; i++) {
		moved[i] = entries[i].over ? -1 : to;
		if (!entries[i].over)
			entries[to++] = entries[i];
	}
	entry_count = to;
	for (int i = 0; i < to; i++)
		entries[i].keeps = entries[i].keeps < 0 ? -1 : moved[entries[i].keeps];
	for (int i = 0; i < HELD; i++)
		held[i].entry = held[i].entry < 0 ? -1 : moved[held[i].entry];
}

static struct entry *create(int function, int key, int64_t ttl)
{
	struct entry *e = &entries[entry_count++];

	*e = (struct entry){ .function = function, .key = key, .live = true, .keeps = -1,
			     .end = ttl < 0 ? INT64_MAX : now + ttl };
	return e;
}

/* ---- steps; each returns what went wrong, or NULL */

static uint64_t random_state;
static uint64_t rnd(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % below;
}

static char script[200];

static int library_get(int function, int key, tenure_lease *lease)
{
	switch (function) {
	case TIMED:
		return tenure_get(timed, (timed_lease *)lease, key);
	case BOUNDED:
		return tenure_get(bounded, (bounded_lease *)lease, key);
	default:
		return tenure_get(judged, (judged_lease *)lease, key);
	}
}

/* Which bounded entry the library chose to evict is SIEVE's business (test_contract.c): the reference looks which of its
 * live ones is gone, and checks that the bound holds and that one that was idle went if there was one. */
static const char *follow_eviction(const struct entry *fresh)
{
	tenure_stats stats;

	tenure_get_stats(bounded, &stats);
	if (live_count(BOUNDED) <= BOUND)
		return (int)stats.live == live_count(BOUNDED) ? NULL : "evicted without need";
	for (int i = 0; i < entry_count; i++) {
		static char text[65536];
		FILE *file;
		char line[32];

		if (!entries[i].live || entries[i].function != BOUNDED || &entries[i] == fresh)
			continue;
		memset(text, 0, sizeof(text));
		file = fmemopen(text, sizeof(text), "w");
		tenure_dump(cache, TENURE_DUMP_ARGUMENTS, tenure_to_file, file);
		fclose(file);
		snprintf(line, sizeof(line), " bounded(%d)\n", entries[i].key);
		char *at = text;
		bool is_live = false;

		while ((at = strstr(at, line)) != NULL) {
			char *begin = at;

			while (begin > text && begin[-1] != '\n')
				begin--;
			is_live = is_live || strncmp(begin, "live", 4) == 0;
			at++;
		}
		if (!is_live) {
			retire(&entries[i]);
			return live_count(BOUNDED) <= BOUND ? NULL : "too many live";
		}
	}
	return "over the bound";
}

static const char *get(int function, int key, int slot)
{
	struct entry *e, *kept = NULL;
	int expected, result, keeps = -1;

	fails = rnd(8) == 0;
	nests = function == BOUNDED && rnd(3) == 0;
	valid = rnd(6) != 0;
	keep_for = rnd(10) == 0 ? (int)rnd(3) * 30 : -1;
	snprintf(script, sizeof(script), "get %d(%d) into %d%s%s%s keep_for %d", function, key, slot, fails ? " failing" : "",
		 nests ? " nesting" : "", valid ? "" : " invalid", keep_for);
	e = find(function, key);
	if (e != NULL && function == JUDGED && !valid && held[slot].entry < 0) {
		retire(e);
		e = NULL;
	}
	if (held[slot].entry >= 0) {
		expected = TENURE_EHELD; /* refused before anything else */
	} else if (e != NULL) {
		expected = TENURE_HIT;
	} else {
		if (nests) {
			kept = find(TIMED, key);
			if (kept == NULL)
				kept = create(TIMED, key, TTL);
			kept->leases++;
			keeps = (int)(kept - entries);
		}
		expected = fails ? TENURE_EFAILED : TENURE_CREATED;
		e = create(function, key, keep_for >= 0 ? keep_for : function == TIMED ? TTL : -1);
		e->keeps = keeps;
	}
	result = library_get(function, key, &held[slot].lease);
	if (result != expected)
		return "another result";
	if (expected == TENURE_EHELD)
		return NULL;
	if (expected == TENURE_EFAILED) {
		retire(e);
		return NULL;
	}
	held[slot].entry = (int)(e - entries);
	e->leases++;
	if (((struct book *)held[slot].lease.resource)->number != key)
		return "another resource";
	book_check(held[slot].lease.resource);
	if (expected == TENURE_CREATED && keep_for == 0)
		retire(e);
	else if (expected == TENURE_CREATED && function == BOUNDED)
		return follow_eviction(e);
	return NULL;
}

static void *give_back_there(void *lease)
{
	return (void *)(intptr_t)tenure_lease_give_back(lease);
}

static const char *give_back(int slot, bool elsewhere, bool discard)
{
	struct entry *e = held[slot].entry < 0 ? NULL : &entries[held[slot].entry];
	int result;

	snprintf(script, sizeof(script), "give back %d%s%s", slot, elsewhere ? " elsewhere" : "", discard ? ", broken" : "");
	if (discard)
		result = tenure_lease_discard(&held[slot].lease);
	else
		result = elsewhere ? (int)(intptr_t)finish(start(give_back_there, &held[slot].lease)) :
				     tenure_lease_give_back(&held[slot].lease);
	if (result != 0 || held[slot].lease.resource != NULL)
		return "a give-back failed";
	if (e == NULL)
		return NULL;
	held[slot].entry = -1;
	e->leases--;
	if (discard)
		e->live = false;
	settle(e);
	return NULL;
}

static const char *share(int from, int to)
{
	int result = tenure_lease_share(&held[from].lease, &held[to].lease);

	snprintf(script, sizeof(script), "share %d into %d", from, to);
	if (held[to].entry >= 0)
		return result == TENURE_EHELD ? NULL : "shared into a full lease";
	if (held[from].entry < 0)
		return result == TENURE_ENOTHELD ? NULL : "shared an empty lease";
	held[to].entry = held[from].entry;
	entries[held[to].entry].leases++;
	return result == 0 && held[to].lease.resource == held[from].lease.resource ? NULL : "not shared";
}

static const char *clear(int what, int function, int key)
{
	int expected = 0, result;

	snprintf(script, sizeof(script), "clear %d %d(%d)", what, function, key);
	for (int i = 0; i < entry_count; i++) {
		struct entry *e = &entries[i];

		if (!e->live || (what < 2 && e->function != function) || (what == 0 && e->key != key))
			continue;
		expected++;
		retire(e);
	}
	if (what == 2)
		result = tenure_clear_all(cache);
	else if (function == TIMED)
		result = what == 0 ? tenure_clear_entry(timed, key) : tenure_clear_function(timed);
	else if (function == BOUNDED)
		result = what == 0 ? tenure_clear_entry(bounded, key) : tenure_clear_function(bounded);
	else
		result = what == 0 ? tenure_clear_entry(judged, key) : tenure_clear_function(judged);
	return result == expected ? NULL : "cleared another number";
}

static const char *pass_time(int seconds)
{
	int expected = 0;

	snprintf(script, sizeof(script), "%d seconds pass", seconds);
	now += seconds;
	for (int i = 0; i < entry_count; i++) {
		if (entries[i].live && entries[i].end <= now) {
			expected++;
			retire(&entries[i]);
		}
	}
	test_now = 1000000000 + now * 1000000000;
	return tenure_poll(cache, test_now, 0, NULL) == expected ? NULL : "another number expired";
}

/* The workers are other threads: what is due comes. */
static bool await_releases(void)
{
	for (int i = 0; count_of(&released) < releases && i < 2000000; i++)
		sched_yield();
	return count_of(&released) == releases;
}

static const char *drain(void)
{
	int out = 0, result;

	snprintf(script, sizeof(script), "drain");
	for (int i = 0; i < entry_count; i++) {
		if (entries[i].live)
			retire(&entries[i]);
	}
	for (int i = 0; i < entry_count; i++)
		out += !entries[i].over;
	result = tenure_drain_all(cache, 0);
	if (!await_releases())
		return "released another number";
	for (int i = 0; result > out && i < 100000; i++) /* released, but its entry not yet free */
		result = tenure_drain_all(cache, 0);
	return result == out ? NULL : "another number is out";
}

static const char *check(void)
{
	tenure_stats stats;
	int live = 0;

	for (int f = 0; f < FUNCTIONS; f++)
		live += live_count(f);
	tenure_cache_stats(cache, &stats, sizeof(stats));
	if ((int)stats.live != live)
		return "another number is live";
	return await_releases() ? NULL : "released another number";
}

static const char *step(void)
{
	switch (rnd(20)) {
	case 0:
		return clear((int)rnd(3) == 0 ? 1 : 0, (int)rnd(FUNCTIONS), (int)rnd(KEYS));
	case 1:
		return rnd(8) == 0 ? clear(2, 0, 0) : pass_time((int)rnd(20));
	case 2:
		return rnd(30) == 0 ? drain() : pass_time((int)rnd(5));
	case 3:
		return share((int)rnd(HELD), (int)rnd(HELD));
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		return give_back((int)rnd(HELD), rnd(40) == 0, rnd(12) == 0);
	default:
		return get((int)rnd(FUNCTIONS), (int)rnd(KEYS), (int)rnd(HELD));
	}
}

/* Run this many steps of a seed. 0, or the number of the step that failed; says why when it is to be told. */
static long run(uint64_t seed, long steps, bool tell)
{
	const char *wrong = NULL;
	long i;

	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	entry_count = 0;
	now = 0;
	releases = 0;
	for (int s = 0; s < HELD; s++)
		held[s] = (struct holder){ .entry = -1 };
	set_up(NULL);
	for (i = 1; i <= steps && wrong == NULL; i++) {
		wrong = step();
		if (tell)
			printf("#   %ld: %s\n", i, script);
		if (wrong == NULL && i % 50 == 0)
			wrong = check();
		compact();
	}
	if (wrong != NULL)
		printf("# seed %ju, step %ld: %s: %s\n", (uintmax_t)seed, i - 1, script, wrong);
	for (int s = 0; s < HELD; s++)
		tenure_lease_give_back(&held[s].lease);
	if (tear_down(NULL) != 0 && wrong == NULL)
		return steps;
	return wrong == NULL ? 0 : i - 1;
}

static void C1_C2_L1_L2_L4_L7_M1_T1_V1_Z1_Z2_Z3_random_calls_agree_with_a_naive_cache(void **state)
{
	const char *text = getenv("TENURE_MODEL_STEPS"), *given = getenv("TENURE_MODEL_SEED");
	long steps = text == NULL ? 100000 : atol(text), round = 2000, failed, shortest, at;
	uint64_t seed = given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10), bad;

	(void)state;
	printf("# seed %ju, %ld steps\n", (uintmax_t)seed, steps);
	for (; steps > 0; steps -= round, seed++) {
		failed = run(seed, round, false);
		if (failed == 0)
			continue;
		/* shrink: other seeds that fail in fewer steps are easier to read */
		bad = seed;
		shortest = failed;
		for (uint64_t other = seed + 1; other < seed + 2000 && shortest > 12; other++) {
			at = run(other, shortest - 1, false);
			if (at != 0) {
				shortest = at;
				bad = other;
			}
		}
		printf("# the shortest failing script, seed %ju:\n", (uintmax_t)bad);
		run(bad, shortest, true);
		fail();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(C1_C2_L1_L2_L4_L7_M1_T1_V1_Z1_Z2_Z3_random_calls_agree_with_a_naive_cache),
	};

	return RUN(tests);
}
