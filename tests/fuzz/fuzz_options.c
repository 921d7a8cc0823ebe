/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_options.c: option structures of every size, older and newer than this library, with any content.
 *
 * Each lies in memory of exactly its size. What must hold: a size that belongs to no structure, an unknown tail that is not
 * zero and a value out of its range are refused with a sentence; what lies behind a shorter one counts as zero; whatever was
 * accepted works; counters are written into whatever room there is, and not past it. */
#include "fuzz.h"

static long made, freed;

static int make(void *user, tenure_call *call, const tenure_arguments *arguments, void **ret)
{
	(void)user, (void)call, (void)arguments;
	*ret = malloc(1);
	__atomic_fetch_add(&made, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int unmake(void *user, void *resource)
{
	(void)user;
	free(resource);
	__atomic_fetch_add(&freed, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void releaser(void)
{
}

static int validate(void *user, void *resource)
{
	(void)user, (void)resource;
	return 1;
}

/* A structure of `known` bytes as one of another size: cut, or with a tail. Told: is the tail all zero? */
static void *resize(struct input *input, const void *structure, size_t known, size_t size, bool *ret_tail)
{
	unsigned char *other = keep(size);

	*ret_tail = false;
	memcpy(other, structure, size < known ? size : known);
	for (size_t i = known; i < size; i++) {
		other[i] = (unsigned char)(take_below(input, 8) == 7 ? take(input) : 0);
		*ret_tail = *ret_tail || other[i] != 0;
	}
	return other;
}

/* Mostly sizes that a structure can have: it holds pointers, so these are multiples of theirs. */
static size_t take_size(struct input *input, size_t known, size_t least)
{
	size_t size = take(input) * sizeof(void *);

	switch (take_below(input, 4)) {
	case 0:
		size = known;
		break;
	case 1:
		size = known + size % 128;
		break;
	case 2:
		size = size % (known + sizeof(void *));
		break;
	default:
		size = take(input);
	}
	return size < least ? least : size;
}

/* ---- a cache */

static const tenure_front front = { .size = sizeof(front) };
static const tenure_front older = { .size = 16 };

static void report(void *user, int result, const char *text)
{
	(void)user, (void)result, (void)text;
}

static void wake(void *user)
{
	(void)user;
}

static void never(void *user, void (*run)(void *task), void *task)
{
	(void)user, (void)run, (void)task;
	abort(); /* given together with .manual only, which is refused */
}

static tenure_cache *open_cache(struct input *input)
{
	static const int64_t TIMEOUTS[] = { 0, 1, -1, INT64_MIN, INT64_MAX, 5000000000 };
	static const uint32_t WORKERS[] = { 0, 1, 2, 64, 65, UINT32_MAX };
	static const tenure_front *const FRONTS[] = { NULL, &front, &older, &tenure_silent };
	tenure_cache_options options = { .size = sizeof(options), .report = report };
	size_t size = take_size(input, sizeof(options), sizeof(size_t)), told = take_below(input, 8) == 7 ? 0 : size;
	const tenure_cache_options *given;
	tenure_cache *cache = NULL;
	bool tail, bad;
	int result;

	options.name = take(input) & 1 ? take_text(input, 2000) : NULL;
	options.front = FRONTS[take_below(input, 4)];
	options.exit_timeout = TIMEOUTS[take_below(input, 6)];
	options.workers = WORKERS[take_below(input, 6)];
	options.manual = take_below(input, 4) == 3;
	options.wake = take_below(input, 4) == 3 ? wake : NULL;
	options.execute = options.manual && take_below(input, 8) == 7 ? never : NULL;
	options.size = told;
	given = resize(input, &options, sizeof(options), size, &tail);
	result = tenure_cache_open_with(&cache, given);
#define THERE(member) (size >= offsetof(tenure_cache_options, member) + sizeof(options.member))
	bad = told == 0 || told % sizeof(void *) != 0 || tail || (THERE(exit_timeout) && options.exit_timeout < 0) ||
	      (THERE(workers) && options.workers > 64) || (THERE(wake) && options.wake != NULL && !options.manual) ||
	      (THERE(execute) && options.execute != NULL) ||
	      (THERE(manual) && options.workers != 0 && options.manual) ||
	      (THERE(front) && options.front == &older);
#undef THERE
	CHECK((result == 0) == !bad && (result == 0 || result == TENURE_EINVAL || result == TENURE_EVERSION));
	CHECK(!tail || told % sizeof(void *) != 0 || told == 0 || result == TENURE_EVERSION);
	CHECK((cache != NULL) == (result == 0) && (result == 0 || strlen(tenure_message()) > 10));
	if (result != 0)
		CHECK(tenure_cache_open(&cache, .name = "fuzzed", .report = report) == 0);
	return cache;
}

/* ---- a function */

static const char *take_duration(struct input *input)
{
	static const char *const TEXTS[] = { NULL, NULL, NULL, "1h", "0s", "-1s", "", "90", "1.5 days", "99999999999d", "P1DT2H" };
	unsigned n = take_below(input, 12);

	return n < 11 ? TEXTS[n] : take_text(input, 40);
}

static int64_t take_ns(struct input *input)
{
	static const int64_t NS[] = { 0, 0, 0, 0, 1, -1, 1000000000, INT64_MIN, INT64_MAX };

	return NS[take_below(input, 9)];
}

static bool read_twice(const char *text, int64_t ns)
{
	return (text != NULL && ns != 0) || ns < 0;
}

static void use_function(tenure_function *function, const tenure_arguments *arguments)
{
	tenure_lease lease = { NULL, NULL, 0 };
	int result = tenure_function_get(function, TENURE_FOREVER, arguments, &lease);

	CHECK(result == TENURE_CREATED && lease.resource != NULL);
	CHECK(tenure_lease_give_back(&lease) == 0);
	CHECK(tenure_function_get(function, TENURE_FOREVER, arguments, NULL) >= 0);
}

static void check_stats(struct input *input, tenure_function *function, tenure_cache *cache)
{
	size_t size = take_size(input, sizeof(tenure_stats), 1);
	unsigned char *room = keep(size);
	tenure_stats whole;

	CHECK(tenure_cache_stats(cache, &whole, sizeof(whole)) == 0);
	memset(room, 0xa5, size);
	CHECK(tenure_cache_stats(cache, (tenure_stats *)(void *)room, size) == 0);
	CHECK(memcmp(room, &whole, size < sizeof(whole) ? size : sizeof(whole)) == 0);
	for (size_t i = sizeof(whole); i < size; i++)
		CHECK(room[i] == 0);
	memset(room, 0xa5, size);
	CHECK(tenure_function_stats(function, (tenure_stats *)(void *)room, size) == 0);
	for (size_t i = sizeof(whole); i < size; i++)
		CHECK(room[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	tenure_cache *cache = open_cache(&input);
	tenure_options options = { .cache = &cache };
	size_t options_size = take_size(&input, sizeof(options), 0);
	const tenure_arguments arguments = { .size = sizeof(arguments) };
	tenure_definition definition = { .size = sizeof(definition), .name = "fuzzed", .type = "int",
					 .arguments_size = sizeof(arguments), .create = make, .release = unmake,
					 .releaser = releaser, .validate = validate };
	tenure_function function = { &definition, { NULL, NULL } };
	tenure_session *session = NULL;
	bool tail, bad, scoped;
	int result;

	options.ttl = take_duration(&input);
	options.ttl_ns = take_ns(&input);
	options.idle_ttl = take_duration(&input);
	options.idle_ttl_ns = take_ns(&input);
	options.validate_every = take_duration(&input);
	options.validate_every_ns = take_ns(&input);
	options.spinner = take(&input) & 1 ? take_text(&input, 2000) : NULL;
	options.max_entries = take_below(&input, 4);
	options.jitter_percent = take_below(&input, 64);
	options.show_time = take(&input) & 1;
	options.track_holders = take(&input) & 1;
	options.scope = take_below(&input, 16) == 15 ? (uint8_t)take(&input) : TENURE_GLOBAL;
	if (take_below(&input, 8) == 7) /* a definition of another version altogether */
		definition.size = take_size(&input, sizeof(definition), 8);
	definition.options = resize(&input, &options, sizeof(options), options_size, &tail);
	definition.options_size = options_size;
	if (options_size < offsetof(tenure_options, cache) + sizeof(options.cache)) {
		/* It would go to the process-wide cache, which lives longer than these callbacks' books. */
		CHECK(tenure_cache_close(&cache, TENURE_SECONDS(60)) == 0);
		keep_end();
		return 0;
	}
	result = tenure_function_register(&function);
#define THERE(member) (options_size >= offsetof(tenure_options, member) + sizeof(options.member))
	bad = tail || definition.size != sizeof(definition) || options_size % sizeof(void *) != 0 ||
	      (THERE(jitter_percent) && options.jitter_percent > 50) || (THERE(scope) && options.scope > TENURE_SESSION) ||
	      (THERE(ttl_ns) && read_twice(options.ttl, options.ttl_ns)) ||
	      (THERE(idle_ttl_ns) && read_twice(options.idle_ttl, options.idle_ttl_ns)) ||
	      (THERE(validate_every_ns) && read_twice(options.validate_every, options.validate_every_ns));
	CHECK(!bad || result < 0);
	CHECK(result == 0 || result == TENURE_EINVAL || result == TENURE_EVERSION);
	CHECK(result != TENURE_EVERSION || tail || definition.size != sizeof(definition) || options_size % sizeof(void *) != 0);
	scoped = THERE(scope) && options.scope == TENURE_SESSION;
#undef THERE
	if (result == 0 && scoped)
		CHECK(tenure_session_open(NULL, NULL, &session) == 0 && tenure_session_enter(session, NULL) == 0);
	if (result == 0) {
		use_function(&function, &arguments);
		CHECK(tenure_function_drain(&function, TENURE_SECONDS(60)) == 0); /* so that the counters stand still */
		check_stats(&input, &function, cache);
	} else {
		CHECK(strlen(tenure_message()) > 10);
		CHECK(tenure_function_get(&function, TENURE_FOREVER, &arguments, NULL) == result);
	}
	CHECK(tenure_session_end(session) == 0);
	CHECK(tenure_function_forget(&function, TENURE_SECONDS(60)) == 0); /* its definition goes with this run */
	CHECK(tenure_cache_close(&cache, TENURE_SECONDS(60)) == 0);
	CHECK(made == freed);
	keep_end();
	return 0;
}
