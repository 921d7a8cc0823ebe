/* SPDX-License-Identifier: Apache-2.0 */
/* test_contract.c: what the contract promises, line by line, seen from outside. */
#include "support.h"

#define CACHE .cache = &cache

/* ---- a function with books, parameters and everything that a test may want to change */

static int fail_next; /* creations that fail from now on */
static bool good = true;
static int64_t own_ttl = -1;
static long validations;

TENURE_DECLARE(get_book, struct book, (const char *, url), (int, number), (void *, _hint));
static int make_book(tenure_call *call, const get_book_args *a, struct book **ret)
{
	if (own_ttl >= 0)
		tenure_call_set_ttl(call, own_ttl);
	*ret = book_new(a->number);
	if (fail_next > 0) {
		fail_next--;
		return tenure_fail(call, "no book %d at %s", a->number, a->url);
	}
	return 0;
}
TENURE_DEFINE(get_book, CACHE, .create = make_book, .release = book_release);

static struct book *number_of(int number, int *ret_result)
{
	TENURE_LEASE(get_book, l);
	int result = tenure_get(get_book, &l, "u", number);

	if (ret_result != NULL)
		*ret_result = result;
	return l.resource;
}

static void F1_a_defined_function_is_called_directly(void **state)
{
	TENURE_LEASE(get_book, l);

	(void)state;
	assert_int_equal(tenure_get(get_book, &l, "u", 7), TENURE_CREATED);
	assert_int_equal(l.resource->number, 7);
}

static void C1_the_same_call_gets_the_same_resource_S1_on_every_thread(void **state)
{
	struct book *made;
	int first, second;

	(void)state;
	made = number_of(1, &first);
	assert_ptr_equal(number_of(1, &second), made);
	assert_int_equal(first, TENURE_CREATED);
	assert_int_equal(second, TENURE_HIT);
	assert_int_equal(created, 1);
}

TENURE_DECLARE(versioned_a, struct book, (int, n));
static int make_versioned_a(tenure_call *c, const versioned_a_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(versioned_a, CACHE, .create = make_versioned_a, .release = book_release, .version = "1");

static void F2_a_version_text_makes_two_objects_one_function(void **state)
{
	static versioned_a_function twin;
	TENURE_LEASE(versioned_a, a);
	TENURE_LEASE(versioned_a, b);

	(void)state;
	twin = versioned_a;
	twin.function = (tenure_function){ .definition = &twin.definition };
	twin.definition.user = &twin;
	twin.definition.options = &twin.options;
	assert_int_equal(tenure_get(versioned_a, &a, 5), TENURE_CREATED);
	assert_int_equal(versioned_a_get_(&twin, TENURE_FOREVER,
					  &(versioned_a_args){ .head_ = { sizeof(versioned_a_args), NULL }, &b, 5 }, NULL), TENURE_HIT);
	assert_ptr_equal(a.resource, b.resource);
}

static void F2_the_same_version_with_another_shape_is_an_error(void **state)
{
	static versioned_a_function twin;

	(void)state;
	assert_int_equal(tenure_register(versioned_a), 0);
	twin = versioned_a;
	twin.function = (tenure_function){ .definition = &twin.definition };
	twin.definition.user = &twin;
	twin.definition.options = &twin.options;
	twin.definition.type = "struct other";
	assert_int_equal(tenure_register(twin), TENURE_EINVAL);
	assert_non_null(strstr(tenure_message(), "version"));
}

/* A copy of get_book with other options: checked by register. */
#define CHECK_BAD(field, value, word) \
	do { \
		static get_book_function bad; \
		bad = get_book; \
		bad.function = (tenure_function){ .definition = &bad.definition }; \
		bad.definition.user = &bad; \
		bad.definition.options = &bad.options; \
		bad.field = value; \
		assert_int_equal(tenure_register(bad), TENURE_EINVAL); \
		assert_non_null(strstr(tenure_message(), word)); \
		assert_int_equal(get_from(&bad), TENURE_EINVAL); \
	} while (0)

static int get_from(get_book_function *f)
{
	return get_book_get_(f, TENURE_FOREVER, &(get_book_args){ .head_ = { sizeof(get_book_args), NULL }, NULL, "u", 1, NULL }, NULL);
}

static tenure_cache *no_cache;

static void F5_bad_options_fail_where_the_function_is_defined(void **state)
{
	(void)state;
	CHECK_BAD(ttl, "90", "no unit");
	CHECK_BAD(ttl, "soon", "number");
	CHECK_BAD(ttl, "-1s", "longer than nothing");
	CHECK_BAD(ttl, "0s", "longer than nothing");
	CHECK_BAD(ttl_ns, -5, "longer than nothing");
	CHECK_BAD(idle_ttl, "1 fortnight", "unit");
	CHECK_BAD(validate_every, "1s", ".validate");
	CHECK_BAD(jitter_percent, 51, "0 to 50");
	CHECK_BAD(max_entries, (uint64_t)-1, ".max_entries is -1; allowed is 0");
	CHECK_BAD(version, "", "version");
	CHECK_BAD(create, NULL, ".create is missing");
	CHECK_BAD(cache, &no_cache, "open the cache");
}

static int close_book(struct book *book)
{
	book_release(book);
	return 0;
}

static void F5_release_and_close_together_are_refused(void **state)
{
	(void)state;
	CHECK_BAD(close, close_book, ".release and .close");
}

/* ---- keys */

static void K1_every_keyed_argument_counts(void **state)
{
	TENURE_LEASE(get_book, a);
	TENURE_LEASE(get_book, b);
	TENURE_LEASE(get_book, c);

	(void)state;
	tenure_get(get_book, &a, "u", 1);
	tenure_get(get_book, &b, "u", 2);
	tenure_get(get_book, &c, "v", 1);
	assert_int_equal(created, 3);
}

TENURE_DECLARE(by_value, struct book, (tenure_value, v));
static int make_by_value(tenure_call *c, const by_value_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new((int)a->v.kind);
	return 0;
}
TENURE_DEFINE(by_value, CACHE, .create = make_by_value, .release = book_release);

static void K1_types_differ_at_any_depth(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(by_value, NULL, tenure_int(1)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_value, NULL, tenure_real(1.0)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_value, NULL, tenure_bool(true)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_value, NULL, tenure_string("1")), TENURE_CREATED);
	assert_int_equal(tenure_get(by_value, NULL, tenure_list(1)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_value, NULL, tenure_list(1.0)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_value, NULL, tenure_list(tenure_list(1))), TENURE_CREATED);
	assert_int_equal(tenure_get(by_value, NULL, tenure_map("n", tenure_list())), TENURE_CREATED);
	assert_int_equal(tenure_get(by_value, NULL, tenure_list("n", tenure_list())), TENURE_CREATED);
	assert_int_equal(tenure_get(by_value, NULL, tenure_map("n", tenure_list())), TENURE_HIT);
	assert_int_equal(tenure_get(by_value, NULL, tenure_list(tenure_list(1))), TENURE_HIT);
}

static void K2_in_order_and_by_name_are_one_call(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(get_book, NULL, "u", 3), TENURE_CREATED);
	assert_int_equal(tenure_get(get_book, NULL, .number = 3, .url = "u"), TENURE_HIT);
	assert_int_equal(tenure_get(get_book, NULL, "u", .number = 3), TENURE_HIT);
	assert_int_equal(tenure_get(get_book, NULL, "u"), TENURE_CREATED); /* 0 */
	assert_int_equal(tenure_get(get_book, NULL, "u", 0), TENURE_HIT);
}

static void K3_an_underscore_leaves_a_parameter_out(void **state)
{
	int x;

	(void)state;
	assert_int_equal(tenure_get(get_book, NULL, "u", 3, &x), TENURE_CREATED);
	assert_int_equal(tenure_get(get_book, NULL, "u", 3, NULL), TENURE_HIT);
}

struct point {
	int x, y, noise;
};
#define POINT(...) ((struct point){ __VA_ARGS__ })
#define BYTES(...) ((tenure_bytes){ __VA_ARGS__ })
static int identify_point(tenure_identity *identity, struct point p)
{
	if (p.x < 0)
		return -77;
	tenure_identify(identity, tenure_int(p.x));
	return tenure_identify(identity, tenure_int(p.y));
}
TENURE_DECLARE(by_point, struct book, (struct point, p, identify_point));
static int make_by_point(tenure_call *c, const by_point_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->p.x);
	return 0;
}
TENURE_DEFINE(by_point, CACHE, .create = make_by_point, .release = book_release);

struct meddler {
	int n;
};
static int from_identify[4];
static int identify_meddler(tenure_identity *identity, struct meddler m)
{
	tenure_stats stats;

	from_identify[0] = tenure_get(by_point, NULL, POINT(1, 2, 0));
	from_identify[1] = tenure_clear_function(by_point);
	from_identify[2] = tenure_drain(by_point, 0);
	from_identify[3] = tenure_get_stats(by_point, &stats); /* [all] */
	return tenure_identify(identity, tenure_int(m.n));
}
TENURE_DECLARE(by_meddler, struct book, (struct meddler, m, identify_meddler));
static int make_by_meddler(tenure_call *c, const by_meddler_args *a, struct book **ret)
{
	*ret = book_new(a->m.n);
	return tenure_get(by_point, NULL, POINT(3, 4, 0)) < 0 ? tenure_fail(c, "%s", tenure_message()) : 0;
}
TENURE_DEFINE(by_meddler, CACHE, .create = make_by_meddler, .release = book_release);

static void C3_K4_an_identify_function_may_not_get(void **state)
{
	const struct meddler m = { 7 };
	tenure_key *key;

	(void)state;
	for (int i = 0; i < 3; i++) {
		memset(from_identify, 0, sizeof(from_identify));
		if (i == 0)
			assert_int_equal(tenure_get(by_meddler, NULL, m), TENURE_CREATED); /* its creator may */
		if (i == 1)
			assert_int_equal(tenure_clear_entry(by_meddler, m), 1);
		if (i == 2)
			assert_int_equal(tenure_prepare(by_meddler, &key, m), 0);
		for (int call = 0; call < 3; call++)
			assert_int_equal(from_identify[call], TENURE_EREENTRANT);
		assert_int_equal(from_identify[3], 0);
		assert_non_null(strstr(tenure_message(), "an identify function"));
	}
	tenure_key_free(key);
}

static void K4_an_own_type_names_its_identity(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(by_point, NULL, POINT(1, 2, 3)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_point, NULL, POINT(1, 2, 4)), TENURE_HIT);
	assert_int_equal(tenure_get(by_point, NULL, POINT(2, 1, 3)), TENURE_CREATED);
}

static void K5_what_has_no_identity_says_parameter_path_type_and_both_ways_out(void **state)
{
	tenure_value deep[80];
	const char *message;

	(void)state;
	assert_int_equal(tenure_get(get_book, NULL, NULL, 1), TENURE_EARGUMENT);
	message = tenure_message();
	assert_non_null(strstr(message, "url (const char *) is NULL"));
	assert_non_null(strstr(message, "const char *"));
	assert_non_null(strstr(message, "_url"));
	assert_non_null(strstr(message, "identify"));
	assert_int_equal(tenure_get(by_value, NULL, tenure_map("n", tenure_list(1, tenure_string(NULL)))), TENURE_EARGUMENT);
	assert_non_null(strstr(tenure_message(), "v[\"n\"][1]"));
	deep[0] = tenure_items(TENURE_LIST, &deep[0], 1); /* contains itself */
	assert_int_equal(tenure_get(by_value, NULL, deep[0]), TENURE_EARGUMENT);
	assert_non_null(strstr(tenure_message(), "contains itself"));
	assert_int_equal(tenure_get(by_value, NULL, (tenure_value){ .kind = 99 }), TENURE_EARGUMENT);
	assert_int_equal(tenure_get(by_point, NULL, POINT(-1, 0, 0)), TENURE_EARGUMENT);
	assert_int_equal(created, 0);
}

TENURE_DECLARE(by_bytes, struct book, (tenure_bytes, a), (tenure_bytes, b));
static int make_by_bytes(tenure_call *c, const by_bytes_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new((int)a->a.size);
	return 0;
}
TENURE_DEFINE(by_bytes, CACHE, .create = make_by_bytes, .release = book_release);

static void K6_different_arguments_never_have_one_key(void **state)
{
	static char big[10000], other[10000];

	(void)state;
	assert_int_equal(tenure_get(by_bytes, NULL, BYTES("ab", 2), BYTES("c", 1)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_bytes, NULL, BYTES("a", 1), BYTES("bc", 2)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_bytes, NULL, BYTES(big, 10000), BYTES("", 0)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_bytes, NULL, BYTES(big, 9999), BYTES("", 0)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_bytes, NULL, BYTES(other, 10000), BYTES("", 0)), TENURE_HIT);
	other[5000] = 1;
	assert_int_equal(tenure_get(by_bytes, NULL, BYTES(other, 10000), BYTES("", 0)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_bytes, NULL, BYTES(big, 3000), BYTES(big, 3000)), TENURE_CREATED); /* whole over 4 KiB */
	assert_int_equal(tenure_get(by_bytes, NULL, BYTES(big, 3000), BYTES(big, 3001)), TENURE_CREATED);
	assert_int_equal(tenure_get(by_bytes, NULL, BYTES(other, 3000), BYTES(big, 3000)), TENURE_HIT);
}

/* ---- creation */

static void C2_a_failure_is_not_cached_and_says_why(void **state)
{
	int result;

	(void)state;
	fail_next = 1;
	assert_null(number_of(4, &result));
	assert_int_equal(result, TENURE_EFAILED);
	assert_string_equal(tenure_message(), "no book 4 at u");
	assert_int_equal(tenure_creator_result(), -1);
	number_of(4, &result);
	assert_int_equal(result, TENURE_CREATED);
}

static void C7_what_a_failed_creator_left_is_released(void **state)
{
	(void)state;
	fail_next = 1;
	number_of(4, NULL);
	await_count(&released, 1); /* make_book had made it before it failed */
}

TENURE_DECLARE(make_null, struct book);
static int make_nothing(tenure_call *c, const make_null_args *a, struct book **ret)
{
	(void)c, (void)a, (void)ret;
	return 0;
}
TENURE_DEFINE(make_null, CACHE, .create = make_nothing, .release = book_release);

static void C7_null_is_a_value_and_is_never_released(void **state)
{
	TENURE_LEASE(make_null, l);

	(void)state;
	assert_int_equal(tenure_get(make_null, &l), TENURE_CREATED);
	assert_null(l.resource);
	assert_int_equal(tenure_give_back(&l), 0);
	assert_int_equal(tenure_get(make_null, &l), TENURE_HIT);
	assert_int_equal(tenure_give_back(&l), 0);
	assert_int_equal(tenure_clear_function(make_null), 1);
}

TENURE_DECLARE(outer, struct book, (int, n));
TENURE_DECLARE(inner, struct book, (int, n));
static int make_outer(tenure_call *c, const outer_args *a, struct book **ret)
{
	TENURE_LEASE(inner, l);
	int result = tenure_get(inner, &l, a->n);

	if (result < 0)
		return tenure_fail(c, "%s", tenure_message());
	*ret = book_new(a->n);
	return tenure_call_keep(c, &l);
}
TENURE_DEFINE(outer, CACHE, .create = make_outer, .release = book_release);
static int make_inner(tenure_call *c, const inner_args *a, struct book **ret)
{
	TENURE_LEASE(outer, l);

	if (a->n == 13 && tenure_get(outer, &l, 13) < 0)
		return tenure_fail(c, "%s", tenure_message());
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(inner, CACHE, .create = make_inner, .release = book_release);

static void C4_a_cycle_is_an_error_that_names_the_chain(void **state)
{
	(void)state;
	assert_int_equal(tenure_get(outer, NULL, 13), TENURE_EFAILED);
	assert_non_null(strstr(tenure_message(), "outer(13) -> inner(13) -> outer(13)"));
}

static void C9_what_a_creator_keeps_is_given_back_after_its_entry(void **state)
{
	tenure_stats stats;

	(void)state;
	assert_int_equal(tenure_get(outer, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_clear_function(inner), 1); /* retired, but held by the outer one */
	tenure_get_stats(inner, &stats);
	assert_int_equal(stats.retired, 1);
	assert_int_equal(tenure_clear_function(outer), 1);
	await_count(&released, 2);
}

static void C5_a_waiter_may_leave_by_its_deadline(void **state);

/* ---- leases */

static void L1_a_leased_resource_outlives_its_clear(void **state)
{
	TENURE_LEASE(get_book, l);

	(void)state;
	tenure_get(get_book, &l, "u", 1);
	assert_int_equal(tenure_clear_all(cache), 1);
	book_check(l.resource);
	assert_int_equal(released, 0);
	tenure_give_back(&l);
	await_count(&released, 1);
}

static void *give_back_here(void *lease)
{
	return (void *)(intptr_t)tenure_lease_give_back(lease);
}

static void L2_a_lease_is_given_back_on_another_thread(void **state)
{
	TENURE_LEASE(get_book, l);

	(void)state;
	tenure_get(get_book, &l, "u", 1);
	tenure_clear_function(get_book);
	assert_ptr_equal(finish(start(give_back_here, &l.lease)), NULL);
	await_count(&released, 1);
	assert_null(l.resource);
}

static void *take_and_exit(void *lease)
{
	return (void *)(intptr_t)tenure_get(get_book, (get_book_lease *)lease, "u", 1);
}

static void L2_a_thread_may_exit_holding_a_lease(void **state)
{
	get_book_lease l = { .lease = { NULL, NULL, 0 } };

	(void)state;
	assert_int_equal((intptr_t)finish(start(take_and_exit, &l)), TENURE_CREATED);
	tenure_clear_function(get_book);
	book_check(l.resource);
	assert_int_equal(tenure_give_back(&l), 0);
	await_count(&released, 1);
}

static pthread_t release_thread;
TENURE_DECLARE(watched, struct book);
static int make_watched(tenure_call *c, const watched_args *a, struct book **ret)
{
	(void)c, (void)a;
	*ret = book_new(0);
	return 0;
}
static int fail_to_close(struct book *book)
{
	release_thread = pthread_self();
	book_release(book);
	return 5;
}
TENURE_DEFINE(watched, CACHE, .create = make_watched, .close = fail_to_close);

static void L3_a_release_runs_on_a_worker_and_its_failure_is_reported(void **state)
{
	tenure_stats stats;

	(void)state;
	tenure_get(watched, NULL);
	assert_int_equal(tenure_drain(watched, TENURE_SECONDS(30)), 0);
	assert_false(pthread_equal(release_thread, pthread_self()));
	tenure_get_stats(watched, &stats);
	assert_int_equal(stats.release_failures, 1);
	assert_int_equal(count_of(&reports), 1);
	assert_non_null(strstr(reported, "watched()"));
}

static struct book *the_one;
TENURE_DECLARE(same_object, struct book, (int, n));
static int make_same(tenure_call *c, const same_object_args *a, struct book **ret)
{
	(void)c, (void)a;
	if (the_one == NULL)
		the_one = book_new(1);
	*ret = the_one;
	return 0;
}
TENURE_DEFINE(same_object, CACHE, .create = make_same, .release = book_release);

static void L4_one_object_in_two_entries_is_released_once_after_the_last(void **state)
{
	tenure_stats stats;

	(void)state;
	the_one = NULL;
	tenure_get(same_object, NULL, 1);
	tenure_get(same_object, NULL, 2);
	assert_int_equal(tenure_clear_entry(same_object, 1), 1);
	do
		tenure_get_stats(same_object, &stats);
	while (stats.pending_releases != 0);
	assert_int_equal(released, 0);
	book_check(the_one);
	tenure_clear_entry(same_object, 2);
	await_count(&released, 1);
}

static void L5_leases_are_counted(void **state)
{
	TENURE_LEASE(get_book, a);
	TENURE_LEASE(get_book, b);
	tenure_stats stats;

	(void)state;
	tenure_get(get_book, &a, "u", 1);
	tenure_get(get_book, &b, "u", 1);
	tenure_get_stats(get_book, &stats);
	assert_int_equal(stats.leased, 1);
	tenure_clear_function(get_book);
	tenure_get_stats(get_book, &stats);
	assert_int_equal(stats.leased, 0);
	assert_int_equal(stats.retired, 1);
}

static void L7_drain_waits_with_a_deadline_and_counts_the_stragglers(void **state)
{
	TENURE_LEASE(get_book, l);

	(void)state;
	tenure_get(get_book, &l, "u", 1);
	tenure_get(get_book, NULL, "u", 2);
	assert_true(tenure_drain(get_book, 0) >= 1);
	await_count(&released, 1);
	assert_int_equal(tenure_drain(get_book, 0), 1);
	tenure_give_back(&l);
	assert_int_equal(tenure_drain(get_book, TENURE_SECONDS(30)), 0);
	assert_int_equal(tenure_drain_all(cache, TENURE_SECONDS(30)), 0);
}

static void L1_discard_retires_what_is_broken(void **state)
{
	TENURE_LEASE(get_book, l);
	struct book *first;
	int result;

	(void)state;
	tenure_get(get_book, &l, "u", 1);
	first = l.resource;
	assert_int_equal(tenure_discard(&l), 0);
	assert_null(l.resource);
	assert_ptr_not_equal(number_of(1, &result), first);
	assert_int_equal(result, TENURE_CREATED);
}

static void L2_a_shared_lease_is_one_more(void **state)
{
	TENURE_LEASE(get_book, a);
	TENURE_LEASE(get_book, b);

	(void)state;
	tenure_get(get_book, &a, "u", 1);
	assert_int_equal(tenure_share(&a, &b), 0);
	assert_int_equal(tenure_share(&a, &b), TENURE_EHELD);
	tenure_clear_function(get_book);
	tenure_give_back(&a);
	assert_int_equal(tenure_share(&a, &a), TENURE_ENOTHELD);
	book_check(b.resource);
	tenure_give_back(&b);
	await_count(&released, 1);
}

static void L5_a_second_give_back_and_a_full_lease_are_errors(void **state)
{
	TENURE_LEASE(get_book, l);
	tenure_lease copy;

	(void)state;
	tenure_get(get_book, &l, "u", 1);
	assert_int_equal(tenure_get(get_book, &l, "u", 1), TENURE_EHELD);
	copy = l.lease;
	assert_int_equal(tenure_give_back(&l), 0);
	assert_int_equal(tenure_get(get_book, &l, "u", 1), TENURE_HIT); /* opens this thread's cell if the first did not */
	tenure_give_back(&l);
	tenure_get(get_book, &l, "u", 1);
	copy = l.lease;
	tenure_give_back(&l);
	assert_int_equal(tenure_lease_give_back(&copy), TENURE_ENOTHELD);
	assert_int_equal(tenure_drain(get_book, TENURE_SECONDS(30)), 0);
	assert_int_equal(tenure_lease_give_back(&copy), TENURE_ENOTHELD);
}

/* ---- time */

TENURE_DECLARE(timed, struct book, (int, n));
static int make_timed(tenure_call *c, const timed_args *a, struct book **ret)
{
	if (own_ttl >= 0)
		tenure_call_set_ttl(c, own_ttl);
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(timed, CACHE, .create = make_timed, .release = book_release, .ttl = "1 hour");

static void T1_an_entry_lives_for_its_ttl_T5_by_the_injected_clock(void **state)
{
	TENURE_LEASE(timed, l);

	(void)state;
	tenure_get(timed, NULL, 1);
	advance(3599);
	assert_int_equal(tenure_get(timed, &l, 1), TENURE_HIT);
	advance(2);
	assert_int_equal(tenure_get(timed, NULL, 1), TENURE_CREATED);
	book_check(l.resource); /* expired, and still held */
}

static void T2_what_expires_is_released_without_traffic(void **state)
{
	int64_t next;

	(void)state;
	tenure_get(timed, NULL, 1);
	tenure_poll(cache, test_now, 0, &next);
	assert_true(next == test_now + TENURE_SECONDS(3600));
	advance(3601);
	await_count(&released, 1);
	tenure_poll(cache, test_now, 0, &next);
	assert_true(next == TENURE_FOREVER);
}

static void T2_a_poll_does_at_most_its_limit(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		tenure_get(timed, NULL, i);
	test_now += TENURE_SECONDS(3601);
	assert_int_equal(tenure_poll(cache, test_now, 3, NULL), 3);
	assert_int_equal(tenure_poll(cache, test_now, 0, NULL), 7);
	assert_int_equal(tenure_poll(cache, test_now, -1, NULL), TENURE_EINVAL);
}

static void T2_the_end_of_all_times_makes_nothing_due_but_what_has_an_end(void **state)
{
	int64_t next;

	(void)state;
	assert_int_equal(tenure_get(get_book, NULL, "u", 1, NULL), TENURE_CREATED);
	assert_int_equal(tenure_poll(cache, TENURE_FOREVER, 0, &next), 0);
	assert_true(next == TENURE_FOREVER);
	assert_int_equal(tenure_get(get_book, NULL, "u", 1, NULL), TENURE_HIT);
	__atomic_store_n(&test_now, INT64_MAX, __ATOMIC_SEQ_CST);
	assert_int_equal(tenure_get(get_book, NULL, "u", 2, NULL), TENURE_CREATED);
	assert_int_equal(tenure_get(get_book, NULL, "u", 2, NULL), TENURE_HIT);
	assert_int_equal(tenure_get(timed, NULL, 1), TENURE_CREATED);
	assert_int_equal(tenure_poll(cache, TENURE_FOREVER, 0, &next), 0); /* its hour goes beyond all times */
	assert_int_equal(tenure_get(timed, NULL, 1), TENURE_HIT);
}

TENURE_DECLARE(idle, struct book, (int, n));
static int make_idle(tenure_call *c, const idle_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(idle, CACHE, .create = make_idle, .release = book_release, .idle_ttl = "80s");

static void T3_an_idle_entry_goes_and_a_used_or_leased_one_stays(void **state)
{
	TENURE_LEASE(idle, held);
	tenure_stats stats;

	(void)state;
	tenure_get(idle, &held, 1);
	tenure_get(idle, NULL, 2);
	tenure_get(idle, NULL, 3);
	for (int i = 0; i < 20; i++) {
		advance(11);
		assert_int_equal(tenure_get(idle, NULL, 2), TENURE_HIT);
	}
	tenure_get_stats(idle, &stats);
	assert_int_equal(stats.live, 2);
	assert_int_equal(stats.retired_idle, 1);
	tenure_give_back(&held);
	for (int i = 0; i < 20; i++)
		advance(11);
	tenure_get_stats(idle, &stats);
	assert_int_equal(stats.live, 0);
}

static void T3_a_creator_sets_its_own_ttl(void **state)
{
	TENURE_LEASE(timed, l);

	(void)state;
	own_ttl = TENURE_SECONDS(5);
	tenure_get(timed, NULL, 1);
	own_ttl = 0; /* hand out, do not keep */
	assert_int_equal(tenure_get(timed, &l, 2), TENURE_CREATED);
	book_check(l.resource);
	tenure_give_back(&l);
	assert_int_equal(tenure_get(timed, &l, 2), TENURE_CREATED);
	tenure_give_back(&l);
	own_ttl = -1;
	advance(6);
	assert_int_equal(tenure_get(timed, NULL, 1), TENURE_CREATED);
}

TENURE_DECLARE(jittery, struct book, (int, n));
static int make_jittery(tenure_call *c, const jittery_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(jittery, CACHE, .create = make_jittery, .release = book_release, .ttl = "100s", .jitter_percent = 50);

static void T3_jitter_spreads_deaths_and_never_delays_them(void **state)
{
	tenure_stats stats;

	(void)state;
	for (int i = 0; i < 200; i++)
		tenure_get(jittery, NULL, i);
	advance(49);
	tenure_get_stats(jittery, &stats);
	assert_int_equal(stats.live, 200);
	advance(26);
	tenure_get_stats(jittery, &stats);
	assert_in_range(stats.live, 40, 160);
	advance(26);
	tenure_get_stats(jittery, &stats);
	assert_int_equal(stats.live, 0);
}

/* ---- capacity */

TENURE_DECLARE(few, struct book, (int, n));
static int make_few(tenure_call *c, const few_args *a, struct book **ret)
{
	if (a->n == 99)
		return tenure_fail(c, "no");
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(few, CACHE, .create = make_few, .release = book_release, .max_entries = 3);

static void M1_a_full_function_retires_its_least_valuable_idle_entry(void **state)
{
	TENURE_LEASE(few, held);
	tenure_stats stats;

	(void)state;
	tenure_get(few, &held, 1);
	tenure_get(few, NULL, 2);
	tenure_get(few, NULL, 3);
	tenure_get(few, NULL, 99); /* a failed creator evicts nobody */
	tenure_get_stats(few, &stats);
	assert_int_equal(stats.live, 3);
	assert_int_equal(tenure_get(few, NULL, 3), TENURE_HIT);
	assert_int_equal(tenure_get(few, NULL, 4), TENURE_CREATED); /* 1 is leased, 3 was visited: 2 goes */
	assert_int_equal(tenure_get(few, NULL, 1), TENURE_HIT);
	assert_int_equal(tenure_get(few, NULL, 3), TENURE_HIT);
	tenure_get_stats(few, &stats);
	assert_int_equal(stats.live, 3);
	assert_int_equal(stats.retired_capacity, 1);
	assert_int_equal(tenure_get(few, NULL, 2), TENURE_CREATED);
}

static void M1_when_all_are_leased_one_goes_and_its_holder_keeps_it(void **state)
{
	few_lease held[4] = { { .lease = { NULL, NULL, 0 } } };
	tenure_stats stats;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(tenure_get(few, &held[i], i), TENURE_CREATED);
	tenure_get_stats(few, &stats);
	assert_int_equal(stats.live, 3);
	assert_int_equal(stats.retired, 1);
	for (int i = 0; i < 4; i++) {
		book_check(held[i].resource);
		tenure_give_back(&held[i]);
	}
}

/* ---- validation */

static bool judge(struct book *book)
{
	book_check(book);
	__atomic_fetch_add(&validations, 1, __ATOMIC_SEQ_CST);
	return good;
}
TENURE_DECLARE(judged, struct book, (int, n));
static int make_judged(tenure_call *c, const judged_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(judged, CACHE, .create = make_judged, .release = book_release, .validate = judge);
TENURE_DECLARE(judged_at_times, struct book, (int, n));
static int make_judged_at_times(tenure_call *c, const judged_at_times_args *a, struct book **ret)
{
	(void)c;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(judged_at_times, CACHE, .create = make_judged_at_times, .release = book_release, .validate = judge,
	      .validate_every = "10s");

static void V1_a_bad_resource_is_replaced_before_it_is_handed_out(void **state)
{
	(void)state;
	validations = 0;
	tenure_get(judged, NULL, 1);
	assert_int_equal(tenure_get(judged, NULL, 1), TENURE_HIT);
	assert_int_equal(tenure_get(judged, NULL, 1), TENURE_HIT);
	assert_int_equal(validations, 2);
	good = false;
	assert_int_equal(tenure_get(judged, NULL, 1), TENURE_CREATED);
	good = true;
	await_count(&released, 1);
}

static void V2_validation_runs_at_most_every_so_often(void **state)
{
	(void)state;
	validations = 0;
	tenure_get(judged_at_times, NULL, 1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(tenure_get(judged_at_times, NULL, 1), TENURE_HIT);
	assert_int_equal(validations, 0);
	advance(11);
	for (int i = 0; i < 5; i++)
		assert_int_equal(tenure_get(judged_at_times, NULL, 1), TENURE_HIT);
	assert_int_equal(validations, 1);
	advance(11);
	good = false;
	assert_int_equal(tenure_get(judged_at_times, NULL, 1), TENURE_CREATED);
	good = true;
	assert_int_equal(validations, 2);
}

/* ---- clear */

static void Z1_clear_by_arguments_Z2_by_function_Z3_all(void **state)
{
	(void)state;
	tenure_get(get_book, NULL, "u", 1);
	tenure_get(get_book, NULL, "u", 2);
	tenure_get(timed, NULL, 1);
	assert_int_equal(tenure_clear_entry(get_book, "u", 1), 1);
	assert_int_equal(tenure_clear_entry(get_book, "u", 1), 0);
	assert_int_equal(tenure_get(get_book, NULL, "u", 2), TENURE_HIT);
	assert_int_equal(tenure_get(get_book, NULL, "u", 1), TENURE_CREATED);
	assert_int_equal(tenure_clear_function(get_book), 2);
	assert_int_equal(tenure_get(timed, NULL, 1), TENURE_HIT);
	tenure_get(get_book, NULL, "u", 1);
	assert_int_equal(tenure_clear_all(cache), 2);
	assert_int_equal(tenure_get(timed, NULL, 1), TENURE_CREATED);
}

static void Z2_a_clear_of_many_goes_in_batches_and_misses_none(void **state)
{
	tenure_stats stats;

	(void)state;
	for (int i = 0; i < 3000; i++)
		tenure_get(get_book, NULL, "u", i);
	assert_int_equal(tenure_clear_function(get_book), 3000);
	tenure_get_stats(get_book, &stats);
	assert_int_equal(stats.live, 0);
	assert_int_equal(tenure_drain(get_book, TENURE_SECONDS(30)), 0);
}

/* ---- prepared keys */

static void K2_a_prepared_key_is_the_same_key(void **state)
{
	TENURE_LEASE(get_book, a);
	TENURE_LEASE(get_book, b);
	tenure_key *key, *other;
	char url[] = "u";

	(void)state;
	assert_int_equal(tenure_prepare(get_book, &key, url, 7), 0);
	url[0] = 'x'; /* it was copied */
	assert_int_equal(tenure_get_key(get_book, &a, key), TENURE_CREATED);
	assert_int_equal(tenure_get(get_book, &b, "u", 7), TENURE_HIT);
	assert_ptr_equal(a.resource, b.resource);
	for (int i = 0; i < 3; i++) {
		tenure_give_back(&a);
		assert_int_equal(tenure_get_key(get_book, &a, key), TENURE_HIT);
	}
	tenure_clear_function(get_book);
	tenure_give_back(&a);
	assert_int_equal(tenure_get_key(get_book, &a, key), TENURE_CREATED);
	assert_int_equal(tenure_prepare(timed, &other, 1), 0);
	tenure_give_back(&a);
	assert_int_equal(tenure_get_key(get_book, &a, other), TENURE_EINVAL);
	tenure_key_free(other);
	tenure_key_free(key);
	tenure_key_free(NULL);
	assert_int_equal(tenure_prepare(get_book, &key, NULL, 7), TENURE_EARGUMENT);
}

/* ---- observing */

static int collect(void *user, const char *text, size_t size)
{
	strncat(user, text, size);
	return 0;
}

static void O1_counters_and_dump_tell_what_is_there(void **state)
{
	static char text[20000];
	tenure_stats stats;

	(void)state;
	text[0] = '\0';
	tenure_get(get_book, NULL, "secret", 1);
	for (int i = 0; i < 10; i++)
		tenure_get(get_book, NULL, "secret", 1);
	tenure_get_stats(get_book, &stats);
	assert_int_equal(stats.hits, 10);
	assert_int_equal(stats.misses, 1);
	assert_int_equal(stats.creations, 1);
	assert_int_equal(stats.live, 1);
	tenure_clear_function(get_book);
	tenure_get_stats(get_book, &stats);
	assert_int_equal(stats.hits, 10);
	assert_int_equal(stats.retired_cleared, 1);
	tenure_get(get_book, NULL, "secret", 1);
	assert_int_equal(tenure_dump(cache, 0, collect, text), 0);
	assert_non_null(strstr(text, "get_book(...)"));
	assert_null(strstr(text, "secret"));
	text[0] = '\0';
	assert_int_equal(tenure_dump(cache, TENURE_DUMP_ARGUMENTS, collect, text), 0);
	assert_non_null(strstr(text, "get_book(\"secret\", 1)"));
	assert_int_equal(tenure_dump(cache, 0, NULL, NULL), TENURE_EINVAL);
	assert_int_equal(tenure_dump(cache, 64, collect, text), TENURE_EINVAL);
	memset(&stats, 0xff, sizeof(stats));
	assert_int_equal(tenure_function_stats(&get_book.function, &stats, 16), 0); /* an older header's size */
	assert_int_equal(stats.hits, 10);
	assert_true(stats.misses == UINT64_MAX);
}

TENURE_DECLARE(get_spoken, struct book, (int, number));
static int make_spoken(tenure_call *call, const get_spoken_args *a, struct book **ret)
{
	*ret = book_new(a->number);
	return tenure_say(call, TENURE_TEXT, "made");
}
TENURE_DEFINE(get_spoken, CACHE, .create = make_spoken, .release = book_release);

static void O1_a_hit_counts_once_on_whatever_path(void **state)
{
	TENURE_LEASE(judged, c);
	TENURE_LEASE(get_spoken, s);
	tenure_key *key;
	tenure_stats stats;

	(void)state;
	good = true;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(tenure_get(judged, &c, 1), i == 0 ? TENURE_CREATED : TENURE_HIT);
		tenure_give_back(&c);
		assert_int_equal(tenure_get(get_spoken, &s, 1), i == 0 ? TENURE_CREATED : TENURE_HIT);
		tenure_give_back(&s);
	}
	assert_int_equal(tenure_prepare(get_spoken, &key, 1), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(tenure_get_key(get_spoken, &s, key), TENURE_HIT);
		tenure_give_back(&s);
	}
	tenure_key_free(key);
	tenure_get_stats(judged, &stats);
	assert_int_equal(stats.hits, 4);
	tenure_get_stats(get_spoken, &stats);
	assert_int_equal(stats.hits, 7);
}

static void C1_a_peek_takes_what_is_there_and_makes_nothing(void **state)
{
	TENURE_LEASE(get_book, l);
	tenure_stats stats;

	(void)state;
	assert_int_equal(tenure_peek(get_book, &l, "u", 1), TENURE_EABSENT);
	assert_null(l.resource);
	assert_int_equal(tenure_get(get_book, NULL, "u", 1), TENURE_CREATED);
	assert_int_equal(tenure_peek(get_book, &l, "u", 1), TENURE_HIT);
	assert_int_equal(l.resource->number, 1);
	assert_int_equal(tenure_peek(get_book, &l, "u", 1), TENURE_EHELD);
	tenure_clear_function(get_book);
	tenure_give_back(&l);
	assert_int_equal(tenure_peek(get_book, NULL, .url = "u", .number = 1), TENURE_EABSENT);
	tenure_get_stats(get_book, &stats);
	assert_int_equal(stats.misses, 1); /* a peek is none */
}

/* ---- closing */

static void L1_closing_refuses_gets_and_names_what_is_out(void **state)
{
	TENURE_LEASE(get_book, l);
	tenure_cache *closing = cache;

	(void)state;
	tenure_get(get_book, &l, "u", 1);
	assert_int_equal(tenure_cache_close(&closing, 0), TENURE_EBUSY);
	assert_non_null(strstr(tenure_message(), "get_book()"));
	assert_int_equal(tenure_get(get_book, NULL, "u", 1), TENURE_ECLOSED);
	book_check(l.resource);
	tenure_give_back(&l);
	/* tear_down() closes it for good */
}

static void F2_a_function_lives_on_in_a_cache_that_is_opened_again(void **state)
{
	(void)state;
	tenure_get(get_book, NULL, "u", 1);
	assert_int_equal(tear_down(NULL), 0);
	assert_int_equal(set_up(NULL), 0);
	assert_int_equal(tenure_get(get_book, NULL, "u", 1), TENURE_CREATED);
	assert_int_equal(tenure_get(get_book, NULL, "u", 1), TENURE_HIT);
}

/* ---- waiting; the order is forced in test_arrows.c, here only the outcome */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static long inside;
TENURE_DECLARE(slow, struct book, (int, n));
static int make_slow(tenure_call *c, const slow_args *a, struct book **ret)
{
	(void)c;
	__atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(slow, CACHE, .create = make_slow, .release = book_release);

static void *get_slow(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)tenure_get(slow, NULL, 1);
}

static void C5_a_waiter_may_leave_by_its_deadline(void **state)
{
	pthread_t thread;

	(void)state;
	inside = 0;
	pthread_mutex_lock(&gate);
	thread = start(get_slow, NULL);
	await_count(&inside, 1);
	assert_int_equal(tenure_get_within(slow, 0, NULL, 1), TENURE_ETIMEDOUT);
	assert_non_null(strstr(tenure_message(), "creating"));
	pthread_mutex_unlock(&gate);
	assert_int_equal((intptr_t)finish(thread), TENURE_CREATED); /* the flight was not harmed */
}

static void C1_however_many_ask_the_creator_runs_once(void **state)
{
	pthread_t threads[16];
	tenure_stats stats;
	int made = 0, joined = 0;

	(void)state;
	inside = 0;
	pthread_mutex_lock(&gate);
	for (int i = 0; i < 16; i++)
		threads[i] = start(get_slow, NULL);
	do
		tenure_get_stats(slow, &stats);
	while (stats.waits < 15);
	pthread_mutex_unlock(&gate);
	for (int i = 0; i < 16; i++) {
		intptr_t result = (intptr_t)finish(threads[i]);

		made += result == TENURE_CREATED;
		joined += result == TENURE_JOINED;
	}
	assert_int_equal(made, 1);
	assert_int_equal(joined, 15);
	assert_int_equal(inside, 1);
}

static void C6_who_asks_after_a_clear_starts_a_new_flight(void **state)
{
	pthread_t first, second;

	(void)state;
	inside = 0;
	pthread_mutex_lock(&gate);
	first = start(get_slow, NULL);
	await_count(&inside, 1);
	assert_int_equal(tenure_clear_entry(slow, 1), 1);
	second = start(get_slow, NULL);
	await_count(&inside, 2);
	pthread_mutex_unlock(&gate);
	assert_int_equal((intptr_t)finish(first), TENURE_CREATED);
	assert_int_equal((intptr_t)finish(second), TENURE_CREATED);
	await_count(&released, 1); /* the first, which was never published */
	assert_int_equal(tenure_get(slow, NULL, 1), TENURE_HIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(F1_a_defined_function_is_called_directly),
		T(C1_the_same_call_gets_the_same_resource_S1_on_every_thread),
		T(F2_a_version_text_makes_two_objects_one_function),
		T(F2_the_same_version_with_another_shape_is_an_error),
		T(F5_bad_options_fail_where_the_function_is_defined),
		T(F5_release_and_close_together_are_refused),
		T(K1_every_keyed_argument_counts),
		T(K1_types_differ_at_any_depth),
		T(K2_in_order_and_by_name_are_one_call),
		T(K2_a_prepared_key_is_the_same_key),
		T(K3_an_underscore_leaves_a_parameter_out),
		T(K4_an_own_type_names_its_identity),
		T(C3_K4_an_identify_function_may_not_get),
		T(K5_what_has_no_identity_says_parameter_path_type_and_both_ways_out),
		T(K6_different_arguments_never_have_one_key),
		T(C2_a_failure_is_not_cached_and_says_why),
		T(C7_what_a_failed_creator_left_is_released),
		T(C7_null_is_a_value_and_is_never_released),
		T(C4_a_cycle_is_an_error_that_names_the_chain),
		T(C9_what_a_creator_keeps_is_given_back_after_its_entry),
		T(C5_a_waiter_may_leave_by_its_deadline),
		T(C1_however_many_ask_the_creator_runs_once),
		T(C6_who_asks_after_a_clear_starts_a_new_flight),
		T(L1_a_leased_resource_outlives_its_clear),
		T(L1_discard_retires_what_is_broken),
		T(L1_closing_refuses_gets_and_names_what_is_out),
		T(L2_a_lease_is_given_back_on_another_thread),
		T(L2_a_thread_may_exit_holding_a_lease),
		T(L2_a_shared_lease_is_one_more),
		T(L3_a_release_runs_on_a_worker_and_its_failure_is_reported),
		T(L4_one_object_in_two_entries_is_released_once_after_the_last),
		T(L5_leases_are_counted),
		T(L5_a_second_give_back_and_a_full_lease_are_errors),
		T(L7_drain_waits_with_a_deadline_and_counts_the_stragglers),
		T(T1_an_entry_lives_for_its_ttl_T5_by_the_injected_clock),
		T(T2_what_expires_is_released_without_traffic),
		T(T2_a_poll_does_at_most_its_limit),
		T(T2_the_end_of_all_times_makes_nothing_due_but_what_has_an_end),
		T(T3_an_idle_entry_goes_and_a_used_or_leased_one_stays),
		T(T3_a_creator_sets_its_own_ttl),
		T(T3_jitter_spreads_deaths_and_never_delays_them),
		T(M1_a_full_function_retires_its_least_valuable_idle_entry),
		T(M1_when_all_are_leased_one_goes_and_its_holder_keeps_it),
		T(V1_a_bad_resource_is_replaced_before_it_is_handed_out),
		T(V2_validation_runs_at_most_every_so_often),
		T(Z1_clear_by_arguments_Z2_by_function_Z3_all),
		T(Z2_a_clear_of_many_goes_in_batches_and_misses_none),
		T(O1_counters_and_dump_tell_what_is_there),
		T(O1_a_hit_counts_once_on_whatever_path),
		T(C1_a_peek_takes_what_is_there_and_makes_nothing),
		T(F2_a_function_lives_on_in_a_cache_that_is_opened_again),
	};

	return RUN(tests);
}
