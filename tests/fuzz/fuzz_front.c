/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_front.c: fronts, creators and validations that misbehave, in sessions that end at any time.
 *
 * The bytes are a script: the program's own calls, and what each callback does when it comes: errors, wrong kinds, texts that
 * are NULL or end without NUL, calls back into tenure, the end of the session it runs in. What must hold: what a callback may
 * not call is refused and changes nothing; a lease is filled exactly when a get succeeded; what was made is released once. */
#include "fuzz.h"

#include <math.h>

enum { KEYS = 3, SESSIONS = 3, LEASES = 4, CALLS_MOST = 400, NESTED_MOST = 4 };

struct book {
	uint32_t canary;
};

static struct input *script;
static int calls, nested; /* bounds of one run */
static tenure_cache *cache;
static int64_t now_ns = 1000000000;
static long made, freed; /* atomic */
static tenure_session *sessions[SESSIONS], *current;
static int users[SESSIONS]; /* what fronts are called with */

TENURE_DECLARE(get_book, struct book, (int, n));
TENURE_DECLARE(get_own, struct book, (int, n)); /* each session has its own */
static get_book_lease leases[LEASES];

static void forget_session(tenure_session *session)
{
	for (int i = 0; i < SESSIONS; i++)
		sessions[i] = sessions[i] == session ? NULL : sessions[i];
	current = current == session ? NULL : current;
}

static void end_session(bool allowed)
{
	int i = (int)take_below(script, SESSIONS), result;
	tenure_session *session = sessions[i];

	if (session == NULL)
		return;
	result = tenure_session_end(session);
	CHECK(result == (allowed ? 0 : TENURE_EREENTRANT));
	if (result == 0)
		forget_session(session);
}

static void enter_session(void)
{
	tenure_session *session = take_below(script, 4) == 3 ? NULL : sessions[take_below(script, SESSIONS)];

	CHECK(tenure_session_enter(session, NULL) == 0);
	current = session;
}

static void get(int n)
{
	int slot = (int)take_below(script, LEASES + 1), result;
	get_book_lease *lease = slot == LEASES ? NULL : &leases[slot];
	bool full = lease != NULL && lease->resource != NULL;

	result = take(script) & 1 ? tenure_get(get_book, lease, n) : tenure_get_within(get_book, 0, lease, n);
	CHECK(!full || result == TENURE_EHELD);
	if (result < 0)
		CHECK(full || lease == NULL || lease->resource == NULL);
	else if (lease != NULL && lease->resource != NULL)
		CHECK(lease->resource->canary == 0x7e9a11fe);
}

static void give_back(bool broken)
{
	get_book_lease *lease = &leases[take_below(script, LEASES)];

	CHECK((broken ? tenure_discard(lease) : tenure_give_back(lease)) >= 0);
	CHECK(lease->resource == NULL);
}

static void see_stats(void)
{
	tenure_stats stats;

	CHECK(tenure_get_stats(get_book, &stats) == 0);
	CHECK(tenure_cache_stats(cache, &stats, sizeof(stats)) == 0);
}

/* ---- what a front may not call, and what it may */

static int no_write(void *user, const char *text, size_t size)
{
	(void)user, (void)text, (void)size;
	abort();
}

static int no_visit(void *user, const tenure_entry_info *entry)
{
	(void)user, (void)entry;
	abort();
}

static void misbehave(void)
{
	TENURE_LEASE(get_book, lease);
	tenure_session *session = NULL;
	tenure_cache *other = NULL;
	tenure_key *key = NULL;

	switch (take_below(script, 19)) {
	case 14:
		CHECK(tenure_peek(get_book, &lease, 1) == TENURE_EREENTRANT && lease.resource == NULL);
		break;
	case 15:
		CHECK(tenure_forget(get_book, 0) == TENURE_EREENTRANT);
		break;
	case 16:
		CHECK(tenure_each_entry(cache, no_visit, NULL) == TENURE_EREENTRANT);
		break;
	case 0:
		CHECK(tenure_get(get_book, &lease, 1) == TENURE_EREENTRANT && lease.resource == NULL);
		break;
	case 1:
		end_session(false);
		break;
	case 2:
		CHECK(tenure_clear_all(cache) == TENURE_EREENTRANT);
		break;
	case 3:
		CHECK(tenure_cache_close(&cache, 0) == TENURE_EREENTRANT && cache != NULL);
		break;
	case 4:
		CHECK(tenure_poll(cache, now_ns, 0, NULL) == TENURE_EREENTRANT);
		break;
	case 5:
		CHECK(tenure_dump(cache, 0, no_write, NULL) == TENURE_EREENTRANT);
		break;
	case 6:
		CHECK(tenure_session_open("x", NULL, &session) == TENURE_EREENTRANT && session == NULL);
		break;
	case 7:
		CHECK(tenure_prepare(get_book, &key, 1) == TENURE_EREENTRANT && key == NULL);
		break;
	case 8:
		CHECK(tenure_cache_open(&other, .name = "x") == TENURE_EREENTRANT && other == NULL);
		break;
	case 9:
		CHECK(tenure_drain(get_book, 0) == TENURE_EREENTRANT);
		break;
	case 10:
		see_stats();
		break;
	case 11:
		give_back(false);
		break;
	case 12:
		give_back(true);
		break;
	case 13:
		CHECK(tenure_session_enter(NULL, NULL) == TENURE_EREENTRANT);
		break;
	default:
		break;
	}
}

static void check_user(const void *front_user)
{
	CHECK(front_user == NULL || ((const int *)front_user >= users && (const int *)front_user < users + SESSIONS));
}

static int any_result(void)
{
	static const int RESULTS[] = { 0, 0, 0, 0, 0, 1, -1, -3, -11, -1000, INT32_MIN, INT32_MAX };

	return RESULTS[take_below(script, 12)];
}

/* ---- the front */

static void misread(const tenure_value low_high_preset[3], tenure_value *ret)
{
	static const double REALS[] = { 0, -0.0, 0.5, 1, 2, -1, 1e308, INFINITY, -INFINITY, NAN };
	size_t size;

	switch (take_below(script, 9)) {
	case 0:
		*ret = tenure_bool(take(script) & 1);
		break;
	case 1:
		*ret = tenure_real(REALS[take_below(script, 10)]);
		break;
	case 2:
		ret->kind = TENURE_STRING; /* without a NUL behind it */
		ret->as.data = take_blob(script, 5000, &size);
		ret->size = size;
		break;
	case 3:
		*ret = tenure_string(NULL);
		break;
	case 4:
		*ret = tenure_items(TENURE_LIST, NULL, 0);
		break;
	case 5:
		*ret = (tenure_value){ .kind = (uint32_t)take_bytes(script, 4) };
		if (ret->kind == TENURE_STRING || ret->kind == TENURE_BYTES)
			ret->as.data = NULL;
		break;
	case 6:
		*ret = low_high_preset[take_below(script, 3)];
		break;
	case 7:
		*ret = tenure_int((int64_t)take_bytes(script, 8));
		break;
	default:
		break; /* what stands there */
	}
}

static void check_question(const char *label, const tenure_value low_high_preset[3])
{
	uint32_t kind = low_high_preset[2].kind;

	CHECK(label != NULL && strlen(label) < 10000);
	CHECK(kind == TENURE_BOOL || kind == TENURE_REAL || kind == TENURE_STRING);
	CHECK(low_high_preset[0].kind == (kind == TENURE_REAL ? TENURE_REAL : TENURE_NIL));
	CHECK(kind != TENURE_STRING || strlen(low_high_preset[2].as.data) == low_high_preset[2].size);
}

static int on_wait(void *front_user, const tenure_activity *activity)
{
	check_user(front_user);
	CHECK(activity->function != NULL && strncmp(activity->function, "get_", 4) == 0 && activity->progress != NULL);
	misbehave();
	return any_result();
}

static void on_done(void *front_user, const tenure_activity *activity)
{
	check_user(front_user);
	CHECK(activity->elapsed >= 0);
	misbehave();
}

static void on_message(void *front_user, int kind, const void *data, size_t size, bool replayed)
{
	unsigned char sum = 0;

	(void)replayed;
	check_user(front_user);
	CHECK((kind >= TENURE_TEXT && kind <= TENURE_ERROR) || kind >= TENURE_FRONT);
	for (size_t i = 0; i < size; i++)
		sum ^= ((const unsigned char *)data)[i];
	if (sum & 1)
		misbehave();
}

static int on_value(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	check_user(front_user);
	check_question(label, low_high_preset);
	misbehave();
	misread(low_high_preset, ret);
	return any_result();
}

static int on_ask(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	return on_value(front_user, label, low_high_preset, ret);
}

static const tenure_front front = {
	.size = sizeof(front), .wait = on_wait, .done = on_done, .message = on_message, .value = on_value, .ask = on_ask,
};

/* ---- the function */

static void creator_asks(tenure_call *call)
{
	static const double REALS[] = { 0, 1, -1, 0.5, INFINITY, -INFINITY, NAN, 1e300 };
	double low = REALS[take_below(script, 8)], high = REALS[take_below(script, 8)], preset = REALS[take_below(script, 8)];
	const char *label = take_below(script, 16) == 15 ? NULL : take_below(script, 4) == 3 ? take_text(script, 100) : "label";
	const char *text;
	double number;

	switch (take_below(script, 3)) {
	case 0:
		(void)tenure_ask_bool(call, label, take(script) & 1);
		break;
	case 1:
		number = tenure_ask_number(call, label, low, high, preset);
		CHECK((number >= low && number <= high) || number == preset || (isnan(number) && isnan(preset)));
		break;
	default:
		text = tenure_ask_text(call, label, take_below(script, 4) == 3 ? NULL : take_text(script, 100));
		CHECK(label == NULL || text != NULL);
		CHECK(text == NULL || strlen(text) < 10000);
	}
}

static void creator_speaks(tenure_call *call)
{
	size_t size;
	const void *blob = take_blob(script, 5000, &size);
	int kind = (int)take_below(script, 80) - 5;

	if (take(script) & 1)
		CHECK((tenure_say(call, kind, "%s", "text") == 0) == (kind >= TENURE_TEXT && kind <= TENURE_ERROR));
	else
		CHECK((tenure_emit(call, kind, blob, size) == 0) == (kind >= TENURE_FRONT));
}

static void creator_works(tenure_call *call, int n)
{
	TENURE_LEASE(get_book, inner);
	tenure_cache *same = cache;
	int result;

	switch (take_below(script, 15)) {
	case 13:
		tenure_progress(call, take_below(script, 8) / 4.0 - 0.5, take(script) & 1 ? "%s" : NULL, take_text(script, 400));
		break;
	case 0:
	case 1:
	case 2:
		creator_asks(call);
		break;
	case 3:
	case 4:
		creator_speaks(call);
		break;
	case 5:
		if (nested < NESTED_MOST && tenure_get(get_book, &inner, (int)take_below(script, KEYS)) >= 0 && take(script) & 1 &&
		    inner.resource != NULL)
			CHECK(tenure_call_keep(call, &inner) == 0);
		break;
	case 6:
		if (nested > NESTED_MOST)
			break;
		result = tenure_get(get_book, &inner, n); /* itself; or, when other values are read now, another entry of this key */
		CHECK(result < 0 ? inner.resource == NULL : nested < NESTED_MOST + 1);
		break;
	case 7:
		end_session(true);
		break;
	case 8:
		enter_session();
		break;
	case 9:
		CHECK(tenure_clear_function(get_book) >= 0);
		break;
	case 10:
		CHECK(tenure_cache_close(&same, 0) == TENURE_EREENTRANT && tenure_drain(get_book, 0) == TENURE_EREENTRANT);
		break;
	case 11:
		tenure_call_set_ttl(call, (int64_t)take_bytes(script, 8));
		break;
	case 12:
		give_back(take(script) & 1);
		break;
	default:
		CHECK(tenure_call_remaining(call) >= 0);
		(void)tenure_call_cancelled(call);
	}
}

static int make(tenure_call *call, int n, struct book **ret)
{
	int result = 0;

	nested++;
	if (take_below(script, 8) != 7) {
		*ret = malloc(sizeof(**ret));
		CHECK(*ret != NULL);
		(*ret)->canary = 0x7e9a11fe;
		__atomic_fetch_add(&made, 1, __ATOMIC_SEQ_CST);
	}
	for (unsigned steps = take_below(script, 6); steps > 0 && calls++ < CALLS_MOST; steps--)
		creator_works(call, n);
	switch (take_below(script, 10)) {
	case 7:
		result = any_result();
		break;
	case 8:
		result = tenure_fail(call, "%s", take_text(script, 3000));
		break;
	case 9:
		result = tenure_abandon(call);
		break;
	default:
		break;
	}
	nested--;
	return result;
}

static int make_book(tenure_call *call, const get_book_args *args, struct book **ret)
{
	return make(call, args->n, ret);
}

static int make_own(tenure_call *call, const get_own_args *args, struct book **ret)
{
	return make(call, args->n, ret);
}

static void free_book(struct book *book) /* on a thread of tenure's: it has no part in the script */
{
	CHECK(book->canary == 0x7e9a11fe);
	book->canary = 0;
	free(book);
	__atomic_fetch_add(&freed, 1, __ATOMIC_SEQ_CST);
}

static bool is_good(struct book *book)
{
	CHECK(book == NULL || book->canary == 0x7e9a11fe);
	if (take_below(script, 4) == 3 && calls++ < CALLS_MOST)
		end_session(true);
	return take_below(script, 4) != 3;
}

TENURE_DEFINE(get_book, .cache = &cache, .create = make_book, .release = free_book, .validate = is_good, .ttl = "10s",
	      .max_entries = 4);
TENURE_DEFINE(get_own, .cache = &cache, .create = make_own, .release = free_book, .validate = is_good, .idle_ttl = "20s",
	      .max_entries = 2, .scope = TENURE_SESSION, .track_holders = true, .show_time = true);

/* ---- one run */

static int64_t clock_now(void *user)
{
	(void)user;
	return __atomic_load_n(&now_ns, __ATOMIC_SEQ_CST);
}

static void report(void *user, int result, const char *text)
{
	(void)user, (void)result, (void)text;
}

static int visit(void *user, const tenure_entry_info *entry)
{
	(void)user;
	CHECK(strncmp(entry->function, "get_", 4) == 0 && entry->state != NULL && strlen(entry->arguments) < 256);
	if (take_below(script, 4) == 3)
		CHECK(tenure_clear_entry(get_book, (int)take_below(script, KEYS)) >= 0);
	return (int)take_below(script, 8) == 7 ? 42 : 0;
}

static void get_own_one(void)
{
	bool has_session = current != NULL;
	int result = tenure_get(get_own, NULL, (int)take_below(script, KEYS));

	CHECK(has_session || result == TENURE_ESESSION);
}

static void step(void)
{
	tenure_key *key = NULL;
	int n, result;

	switch (take_below(script, 20)) {
	case 8:
	case 9:
		get_own_one();
		break;
	case 10:
		n = (int)take_below(script, LEASES);
		result = tenure_peek(get_book, &leases[n], (int)take_below(script, KEYS));
		CHECK(result != TENURE_CREATED && result != TENURE_ECYCLE);
		break;
	case 11:
		result = tenure_each_entry(cache, visit, NULL);
		CHECK(result == 0 || result == 42);
		break;
	case 12:
		CHECK(tenure_update(get_book, .cache = &cache, .max_entries = take_below(script, 6),
				    .ttl_ns = TENURE_SECONDS(take_below(script, 10))) == 0);
		break;
	case 13:
		result = tenure_forget(get_own, 0);
		CHECK(result == 0 || result == TENURE_EBUSY);
		break;
	case 0:
		n = (int)take_below(script, SESSIONS);
		if (sessions[n] == NULL)
			CHECK(tenure_session_open(take(script) & 1 ? NULL : "label", &users[n], &sessions[n]) == 0);
		break;
	case 1:
		enter_session();
		break;
	case 2:
		end_session(true);
		break;
	case 3:
		give_back(take(script) & 1);
		break;
	case 4:
		CHECK(tenure_clear_entry(get_book, (int)take_below(script, KEYS)) >= 0);
		break;
	case 5:
		__atomic_fetch_add(&now_ns, (int64_t)take(script) * 100000000, __ATOMIC_SEQ_CST);
		CHECK(tenure_poll(cache, now_ns, 0, NULL) >= 0);
		break;
	case 6:
		CHECK(tenure_prepare(get_book, &key, (int)take_below(script, KEYS)) == 0);
		result = tenure_get_key(get_book, NULL, key);
		CHECK(result <= TENURE_JOINED);
		tenure_key_free(key);
		break;
	case 7:
		see_stats();
		break;
	default:
		get((int)take_below(script, KEYS));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	script = &input;
	calls = nested = 0;
	if (cache == NULL)
		CHECK(tenure_cache_open(&cache, .name = "fuzzed", .front = &front, .now = clock_now, .report = report) == 0);
	while (input.size > 0 && calls++ < CALLS_MOST)
		step();
	CHECK(tenure_session_enter(NULL, NULL) == 0);
	for (int i = 0; i < SESSIONS; i++) {
		CHECK(tenure_session_end(sessions[i]) == 0);
		sessions[i] = NULL;
	}
	current = NULL;
	for (int i = 0; i < LEASES; i++)
		CHECK(tenure_give_back(&leases[i]) == 0);
	CHECK(tenure_drain_all(cache, TENURE_SECONDS(60)) == 0);
	CHECK(made == freed);
	keep_end();
	return 0;
}
