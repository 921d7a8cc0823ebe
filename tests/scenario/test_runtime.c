/* SPDX-License-Identifier: Apache-2.0 */
/* test_runtime.c: what bindings stand on: run-time functions, lists of arguments, live keys, failures as objects. */
#include "core/core.h" /* before the tests' own `cache` */

#include "support.h"

#include <sched.h>

#include "base/alloc.h"
#include "base/fault.h"

/* ---- a run-time function: what a binding builds for (url, number=3, _hint, extra=..., thing) */

static int identify_thing(tenure_identity *identity, const void *object)
{
	return tenure_identify(identity, tenure_int(*(const int *)object));
}

static const char URL[] = "url", NUMBER[] = "number", HINT[] = "_hint", EXTRA[] = "extra";
static tenure_parameter parameters[] = {
	{ .name = URL, .kind = TENURE_STRING },
	{ .name = NUMBER, .kind = TENURE_INT, .preset = { .kind = TENURE_INT, .as.integer = 3 } },
	{ .name = HINT, .kind = TENURE_OBJECT },
	{ .name = EXTRA, .type = "anything", .kind = TENURE_VALUE, .preset = { .kind = TENURE_BOOL } },
};

struct maker { /* what `user` is: a binding's function object */
	int number, failures;
	tenure_argument seen[4];
	char url[100];
};

static int make(void *user, tenure_call *call, const tenure_arguments *arguments, void **ret)
{
	const tenure_argument_list *list = (const void *)arguments;
	struct maker *maker = user;

	assert_int_equal(list->head.size, 0);
	assert_int_equal(list->count, 4);
	for (int i = 0; i < 4; i++) {
		assert_ptr_equal(list->items[i].name, parameters[i].name);
		maker->seen[i] = list->items[i];
	}
	snprintf(maker->url, sizeof(maker->url), "%.*s", (int)list->items[0].value.size,
		 (const char *)list->items[0].value.as.data);
	*ret = book_new(++maker->number);
	if (maker->failures-- > 0)
		return tenure_fail(call, "no %s", maker->url);
	return 0;
}

static int release(void *user, void *resource)
{
	(void)user;
	book_release(resource);
	return 0;
}

static struct maker maker;
static tenure_options options = { .cache = &cache };
static tenure_definition definition = {
	.size = sizeof(tenure_definition), .options_size = sizeof(tenure_options), .name = "load", .parameters = parameters,
	.parameter_count = 4, .options = &options, .user = &maker, .create = make, .release = release,
};
static tenure_function load;

static int fresh(void **state)
{
	memset(&maker, 0, sizeof(maker));
	load = (tenure_function){ .definition = &definition };
	return set_up(state);
}
#define R(name) cmocka_unit_test_setup_teardown(name, fresh, tear_down)

#define TEXT(text) { NULL, { TENURE_STRING, 0, sizeof(text) - 1, { .data = text } }, NULL }
#define INT(n) { NULL, { TENURE_INT, 0, 0, { .integer = n } }, NULL }
#define NAMED(name, ...) { name, { __VA_ARGS__ }, NULL }
#define TEXT_NAMED(name, text) { name, { TENURE_STRING, 0, sizeof(text) - 1, { .data = text } }, NULL }
#define LIST(...) \
	(&(const tenure_argument_list){ .count = sizeof((tenure_argument[]){ __VA_ARGS__ }) / sizeof(tenure_argument), \
					.items = (const tenure_argument[]){ __VA_ARGS__ } }.head)

static struct book *get(const tenure_arguments *list, int expected)
{
	tenure_lease lease = { NULL, NULL, 0 };
	int result = tenure_function_get(&load, TENURE_FOREVER, list, &lease);
	struct book *book = lease.resource;

	if (result != expected)
		fail_msg("%d instead of %d: %s", result, expected, tenure_message());
	assert_int_equal(tenure_lease_give_back(&lease), 0);
	return book;
}

static void refused(const tenure_arguments *list, const char *word)
{
	tenure_lease lease = { NULL, NULL, 0 };
	tenure_key *key = NULL;

	assert_int_equal(tenure_function_get(&load, TENURE_FOREVER, list, &lease), TENURE_EARGUMENT);
	if (strstr(tenure_message(), word) == NULL)
		fail_msg("no '%s' in: %s", word, tenure_message());
	assert_null(lease.cell_);
	assert_int_equal(tenure_function_clear(&load, list), TENURE_EARGUMENT);
	assert_int_equal(tenure_function_prepare(&load, &key, list), TENURE_EARGUMENT);
	assert_null(key);
	assert_int_equal(maker.number, 0);
}

/* ---- K: lists */

static void K2_a_list_by_position_by_name_and_with_presets_is_one_call(void **state)
{
	int hint;
	struct book *book;

	(void)state;
	book = get(LIST(TEXT("u")), TENURE_CREATED);
	assert_string_equal(maker.url, "u");
	assert_int_equal(maker.seen[1].value.as.integer, 3);
	assert_null(maker.seen[2].object);
	assert_int_equal(maker.seen[3].value.kind, TENURE_BOOL);
	assert_ptr_equal(get(LIST(TEXT("u"), INT(3)), TENURE_HIT), book);
	assert_ptr_equal(get(LIST(NAMED("number", .kind = TENURE_INT, .as.integer = 3),
				  NAMED("url", .kind = TENURE_STRING, .size = 1, .as.data = "u")), TENURE_HIT), book);
	assert_ptr_equal(get(LIST(TEXT("u"), NAMED("extra", .kind = TENURE_BOOL)), TENURE_HIT), book);
	assert_ptr_equal(get(LIST(TEXT("u"), { HINT, { .kind = TENURE_NIL }, &hint }), TENURE_HIT), book); /* K3 */
	assert_ptr_equal(get(LIST(TEXT("u"), NAMED("number", .kind = TENURE_UINT, .as.natural = 3)), TENURE_HIT), book);
	get(LIST(TEXT("u"), INT(4)), TENURE_CREATED);
	get(LIST(TEXT("v")), TENURE_CREATED);
	assert_int_equal(maker.number, 3);
}

static void K1_the_kind_of_a_value_is_part_of_the_key(void **state)
{
	(void)state;
	get(LIST(TEXT("u"), NAMED("extra", .kind = TENURE_INT, .as.integer = 1)), TENURE_CREATED);
	get(LIST(TEXT("u"), NAMED("extra", .kind = TENURE_REAL, .as.real = 1)), TENURE_CREATED);
	get(LIST(TEXT("u"), NAMED("extra", .kind = TENURE_BOOL, .as.truth = true)), TENURE_CREATED);
	get(LIST(TEXT("u"), NAMED("extra", .kind = TENURE_STRING, .size = 1, .as.data = "1")), TENURE_CREATED);
	get(LIST(TEXT("u"), NAMED("extra", .kind = TENURE_NIL)), TENURE_CREATED);
	get(LIST(TEXT("u"), NAMED("extra", .kind = TENURE_LIST)), TENURE_CREATED);
	get(LIST(TEXT("u"), NAMED("extra", .kind = TENURE_REAL, .as.real = 1)), TENURE_HIT);
}

static void K3_what_begins_with_an_underscore_is_handed_on_and_left_out(void **state)
{
	int hint = 5;

	(void)state;
	get(LIST(TEXT("u"), INT(3), { NULL, { .kind = TENURE_NIL }, &hint }), TENURE_CREATED);
	assert_ptr_equal(maker.seen[2].object, &hint);
	get(LIST(TEXT("u"), INT(3)), TENURE_HIT);
}

static void K5_a_wrong_list_is_refused_with_the_parameters_name(void **state)
{
	tenure_value nested = { .kind = TENURE_LIST, .size = 1 };

	(void)state;
	nested.as.data = &nested; /* contains itself */
	refused(LIST(INT(3)), "url");
	refused(&(const tenure_argument_list){ .count = 0 }.head, "url (text) is missing");
	refused(LIST(NAMED("number", .kind = TENURE_INT)), "url (text) is missing");
	refused(LIST(TEXT("u"), TEXT("v")), "number (int) is given as text; it takes int");
	refused(LIST(TEXT("u"), NAMED("number", .kind = TENURE_UINT, .as.natural = UINT64_MAX)), "number");
	refused(LIST(TEXT("u"), NAMED("url", .kind = TENURE_STRING, .size = 1, .as.data = "v")), "url (text) is given twice");
	refused(LIST(TEXT("u"), NAMED("nmber", .kind = TENURE_INT)), "no parameter nmber; it has url, number, _hint and extra");
	refused(LIST(TEXT("u"), INT(1), INT(2), INT(3), INT(4)), "is given 5 arguments");
	refused(LIST(NAMED("url", .kind = TENURE_STRING, .size = 1, .as.data = "v"), INT(2)), "follows one that has");
	refused(LIST(NAMED("url", .kind = TENURE_STRING, .size = 1, .as.data = NULL)), "url (text) is NULL");
	refused(LIST(TEXT("u"), { "extra", nested, NULL }), "contains itself");
	refused(LIST(TEXT("u"), NAMED("extra", .kind = TENURE_VALUE)), "extra (anything) has the unknown kind");
	refused(&(const tenure_argument_list){ .count = 2 }.head, "without items");
	assert_int_equal(tenure_function_get(&load, TENURE_FOREVER, &(const tenure_arguments){ .size = 40 }, NULL),
			 TENURE_EVERSION);
	assert_int_equal(tenure_function_get(&load, TENURE_FOREVER, NULL, NULL), TENURE_EVERSION);
}

static void K6_texts_with_zero_bytes_and_long_ones_are_told_apart(void **state)
{
	char *text = malloc(100000);
	tenure_argument items[1] = { { NULL, { .kind = TENURE_STRING }, NULL } };
	const tenure_argument_list list = { .count = 1, .items = items };
	const size_t sizes[] = { 0, 1, 2, 511, 512, 513, 4095, 4096, 4097, 100000 };

	(void)state;
	memset(text, 0, 100000);
	items[0].value.as.data = text;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			items[0].value.size = sizes[i];
			get(&list.head, round == 0 ? TENURE_CREATED : TENURE_HIT);
		}
	}
	text[99999] = 1;
	get(&list.head, TENURE_CREATED);
	free(text);
}

static void K2_a_hit_by_a_list_takes_no_memory(void **state)
{
	static char text[5000];
	tenure_value values[2] = { { .kind = TENURE_STRING, .size = 1000, .as.data = text }, { .kind = TENURE_NIL } };
	const tenure_arguments *list = LIST(NAMED("extra", .kind = TENURE_LIST, .size = 2, .as.data = values),
					    NAMED("url", .kind = TENURE_STRING, .size = sizeof(text), .as.data = text));

	(void)state;
	get(list, TENURE_CREATED);
	get(list, TENURE_HIT);
	tn_alloc_fail_at(1, false);
	get(list, TENURE_HIT);
	assert_false(tn_alloc_failed());
	tn_alloc_fail_at(0, false);
}

static long hits_of_another;
static void *get_by_list(void *argument)
{
	(void)argument;
	get(LIST(TEXT("u"), NAMED("extra", .kind = TENURE_LIST)), TENURE_CREATED);
	TN_FAULT("test.has_it");
	get(LIST(TEXT("u"), NAMED("extra", .kind = TENURE_LIST)), TENURE_HIT);
	get(LIST(NAMED("extra", .kind = TENURE_LIST), TEXT_NAMED("url", "u")), TENURE_HIT);
	__atomic_fetch_add(&hits_of_another, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void K2_a_hit_by_a_list_needs_no_lock(void **state)
{
	pthread_t other;

	(void)state;
	hits_of_another = 0;
	tn_fault_arm("test.has_it", 0);
	other = start(get_by_list, NULL);
	tn_fault_await("test.has_it");
	tn_lock();
	tn_fault_release("test.has_it");
	await_count(&hits_of_another, 1);
	tn_unlock();
	finish(other);
}

/* ---- K4: objects */

static tenure_parameter of_object[] = { { .name = "thing", .type = "Thing", .kind = TENURE_OBJECT, .identify = identify_thing } };

static int make_of_object(void *user, tenure_call *call, const tenure_arguments *arguments, void **ret)
{
	const tenure_argument_list *list = (const void *)arguments;

	(void)user, (void)call;
	*ret = book_new(*(int *)list->items[0].object);
	return 0;
}
static tenure_definition with_object = {
	.size = sizeof(tenure_definition), .options_size = sizeof(tenure_options), .name = "with", .parameters = of_object,
	.parameter_count = 1, .options = &options, .create = make_of_object, .release = release,
};

static void K4_an_object_is_identified_by_its_function(void **state)
{
	int one = 1, again = 1, two = 2;

	(void)state;
	load.definition = &with_object;
	get(LIST({ NULL, { .kind = TENURE_NIL }, &one }), TENURE_CREATED);
	get(LIST({ "thing", { .kind = TENURE_NIL }, &again }), TENURE_HIT);
	get(LIST({ NULL, { .kind = TENURE_NIL }, &two }), TENURE_CREATED);
	refused(LIST({ NULL, { .kind = TENURE_INT }, NULL }), "thing (Thing) has no object");
}

/* ---- K2: one encoding for structures and lists */

struct point {
	int x, y;
};
static int identify_point(tenure_identity *identity, struct point point)
{
	return tenure_identify(identity, tenure_list(point.x, point.y));
}

TENURE_DECLARE(typed, struct book, (const char *, text), (int16_t, i), (uint8_t, u), (bool, t), (float, f), (double, d),
	       (tenure_bytes, b), (tenure_value, v), (struct point, p, identify_point), (void *, _left), (int, _number));
static typed_args got; /* its pointers are over when the creator has returned */
static char got_text[3000];
static int make_typed(tenure_call *call, const typed_args *a, struct book **ret)
{
	(void)call;
	got = *a;
	snprintf(got_text, sizeof(got_text), "%s", a->text);
	assert_int_equal(a->head_.size, sizeof(*a));
	*ret = book_new(0);
	return 0;
}
TENURE_DEFINE(typed, .cache = &cache, .create = make_typed, .release = book_release);

/* The list of the same call; the longer the text, the less of it fits on the binder's stack. */
static int get_typed_list(const char *text, size_t size, int64_t i, struct point *point)
{
	int number = 9;
	void *left = text == NULL ? NULL : &left;

	return tenure_function_get(&typed.function, TENURE_FOREVER, LIST(
		NAMED("d", .kind = TENURE_REAL, .as.real = 0.25), NAMED("t", .kind = TENURE_BOOL, .as.truth = true),
		NAMED("text", .kind = TENURE_STRING, .size = size, .as.data = text),
		NAMED("i", .kind = TENURE_INT, .as.integer = i), NAMED("u", .kind = TENURE_UINT, .as.natural = 200),
		NAMED("f", .kind = TENURE_REAL, .as.real = 0.5), NAMED("b", .kind = TENURE_BYTES, .size = 2, .as.data = "\0b"),
		NAMED("v", .kind = TENURE_NIL), { "p", { .kind = TENURE_NIL }, point }, { "_left", { .kind = TENURE_NIL }, &left },
		{ "_number", { .kind = TENURE_NIL }, &number }), NULL);
}

static void K2_a_list_and_a_structure_are_one_call_of_a_declared_function(void **state)
{
	static char text[2][3000];
	struct point point = { 1, 2 };

	(void)state;
	memset(text, 'x', sizeof(text));
	text[1][2999] = '\0';
	for (int round = 0; round < 2; round++) {
		size_t size = round == 0 ? 1 : 2999;
		const char *terminated = round == 0 ? "x" : text[1];

		assert_int_equal(get_typed_list(text[0], size, -3, &point), TENURE_CREATED); /* not terminated in the list */
		assert_string_equal(got_text, terminated);
		assert_int_equal(got.i, -3);
		assert_int_equal(got.u, 200);
		assert_true(got.t && got.f == 0.5F && got.d == 0.25);
		assert_int_equal(got.b.size, 2);
		assert_int_equal(got.p.y, 2);
		assert_non_null(got._left);
		assert_int_equal(got._number, 9);
		assert_int_equal(tenure_get(typed, NULL, terminated, -3, 200, true, 0.5F, 0.25, { "\0b", 2 }, tenure_nil(), { 1, 2 }),
				 TENURE_HIT);
		assert_int_equal(tenure_clear_entry(typed, terminated, -3, 200, true, 0.5F, 0.25, { "\0b", 2 }, tenure_nil(), { 1, 2 }), 1);
	}
	assert_int_equal(get_typed_list("a\0b", 3, 0, &point), TENURE_EARGUMENT);
	assert_non_null(strstr(tenure_message(), "zero byte"));
	assert_int_equal(get_typed_list("a", 1, 40000, &point), TENURE_EARGUMENT);
	assert_non_null(strstr(tenure_message(), "the argument i (int16_t) does not fit"));
	assert_int_equal(get_typed_list("a", 1, -32768, &point), TENURE_CREATED);
	assert_int_equal(got.i, -32768);
	assert_int_equal(get_typed_list(NULL, 0, 1, &point), TENURE_EARGUMENT);
	assert_int_equal(get_typed_list("a", 1, 1, NULL), TENURE_EARGUMENT);
	assert_non_null(strstr(tenure_message(), "p (struct point) has no object"));
}

/* A run-time function with the same name, version, types and kinds is the same function. */
TENURE_DECLARE(both, struct book, (const char *, text), (int, n));
static int make_both(tenure_call *call, const both_args *a, struct book **ret)
{
	(void)call;
	*ret = book_new(a->n);
	return 0;
}
TENURE_DEFINE(both, .cache = &cache, .create = make_both, .release = book_release, .version = "1");

static void K2_F2_a_structure_and_a_list_of_one_versioned_function_share_a_key(void **state)
{
	static tenure_parameter same[] = { { .name = "text", .type = "const char *", .kind = TENURE_STRING },
					   { .name = "n", .type = "int", .kind = TENURE_INT } };
	static tenure_options versioned = { .cache = &cache, .version = "1" };
	static tenure_definition twin = {
		.size = sizeof(tenure_definition), .options_size = sizeof(tenure_options), .name = "both", .type = "struct book",
		.parameters = same, .parameter_count = 2, .options = &versioned, .create = make, .release = release,
	};
	static tenure_function face = { .definition = &twin };

	(void)state;
	assert_int_equal(tenure_get(both, NULL, "t", 1), TENURE_CREATED);
	assert_int_equal(tenure_function_get(&face, TENURE_FOREVER, LIST(TEXT("t"), INT(1)), NULL), TENURE_HIT);
	same[1].kind = TENURE_UINT; /* another shape, told by its kinds alone */
	face = (tenure_function){ .definition = &twin };
	assert_int_equal(tenure_function_register(&face), TENURE_EINVAL);
	same[1].kind = TENURE_INT;
}

/* ---- F: definitions */

static void wrong(const tenure_definition *bad, const char *word)
{
	tenure_function face = { .definition = bad };

	assert_int_equal(tenure_function_register(&face), TENURE_EINVAL);
	if (strstr(tenure_message(), word) == NULL)
		fail_msg("no '%s' in: %s", word, tenure_message());
}

static void F5_a_wrong_definition_is_refused_where_it_is_registered(void **state)
{
	tenure_parameter own[65];
	tenure_definition bad = definition;

	(void)state;
	bad.create = NULL;
	wrong(&bad, ".create is missing");
	bad = definition;
	bad.parameters = own;
	memcpy(own, parameters, sizeof(parameters));
	own[1].name = NULL;
	wrong(&bad, "empty name");
	own[1].name = "url";
	wrong(&bad, "the name of another one");
	own[1].name = "number";
	own[1].kind = TENURE_LIST;
	wrong(&bad, "the parameter number has a kind");
	own[1].kind = 77;
	wrong(&bad, "the parameter number has a kind");
	own[1].kind = TENURE_REAL;
	wrong(&bad, "a preset of another kind");
	own[1].kind = TENURE_INT;
	own[1].name = "thing";
	own[1].kind = TENURE_OBJECT;
	own[1].preset.kind = TENURE_NIL;
	wrong(&bad, "identify");
	bad.parameters = NULL;
	wrong(&bad, "4 parameters");
	bad.parameters = own;
	bad.parameter_count = 65;
	wrong(&bad, "at most 64");
	bad = definition;
	bad.arguments_size = 8;
	wrong(&bad, "less than its head");
	bad.arguments_size = 32;
	wrong(&bad, "does not fit");
	bad = definition;
	bad.size--;
	assert_int_equal(tenure_function_register(&(tenure_function){ .definition = &bad }), TENURE_EVERSION);
}

static void L4_without_a_releaser_the_release_and_its_user_tell_closers_apart(void **state)
{
	static struct maker other;
	static tenure_definition twin;
	static tenure_function face = { .definition = &twin }; /* stays until its cache is closed */

	(void)state;
	twin = definition;
	twin.user = &other;
	get(LIST(TEXT("a")), TENURE_CREATED);
	assert_int_equal(tenure_function_get(&face, TENURE_FOREVER, LIST(TEXT("a")), NULL), TENURE_CREATED);
	assert_int_equal(tenure_function_drain(&load, TENURE_SECONDS(30)), 0);
	assert_int_equal(count_of(&released), 1);
	assert_int_equal(tenure_function_drain(&face, TENURE_SECONDS(30)), 0);
	assert_int_equal(count_of(&released), 2);
}

static void O1_counters_of_a_run_time_function_Z1_Z2_clearing_it_by_lists(void **state)
{
	tenure_stats stats;

	(void)state;
	get(LIST(TEXT("a")), TENURE_CREATED);
	get(LIST(TEXT("a")), TENURE_HIT);
	get(LIST(TEXT("b")), TENURE_CREATED);
	assert_int_equal(tenure_function_clear(&load, LIST(NAMED("url", .kind = TENURE_STRING, .size = 1, .as.data = "a"))), 1);
	get(LIST(TEXT("b")), TENURE_HIT);
	assert_int_equal(tenure_function_clear(&load, NULL), 1);
	assert_int_equal(tenure_function_stats(&load, &stats, sizeof(stats)), 0);
	assert_int_equal(stats.hits, 2);
	assert_int_equal(stats.creations, 2);
	assert_int_equal(stats.retired_cleared, 2);
}

/* ---- prepared keys of lists, and their inline test */

static tenure_key *prepare(const tenure_arguments *list)
{
	tenure_key *key = NULL;

	assert_int_equal(tenure_function_prepare(&load, &key, list), 0);
	return key;
}

static int get_key(tenure_key *key)
{
	tenure_lease lease = { NULL, NULL, 0 };
	int result = tenure_function_get_key(&load, TENURE_FOREVER, &lease, key);

	assert_int_equal(tenure_lease_give_back(&lease), 0);
	return result;
}

static void K2_a_prepared_list_outlives_what_it_was_made_from(void **state)
{
	char text[] = "unique";
	tenure_value items[2] = { { .kind = TENURE_STRING, .size = 1, .as.data = text },
				  { .kind = TENURE_INT, .as.integer = 6 } };
	tenure_key *key;

	(void)state;
	key = prepare(LIST({ "extra", { .kind = TENURE_LIST, .size = 2, .as.data = items }, NULL },
			   NAMED("url", .kind = TENURE_STRING, .size = 6, .as.data = text)));
	memset(text, 'x', sizeof(text) - 1);
	memset(items, 0xff, sizeof(items));
	assert_int_equal(get_key(key), TENURE_CREATED);
	assert_string_equal(maker.url, "unique");
	assert_int_equal(maker.seen[1].value.as.integer, 3);
	assert_int_equal(((const tenure_value *)maker.seen[3].value.as.data)[1].as.integer, 6);
	assert_int_equal(get_key(key), TENURE_HIT);
	get(LIST(TEXT("unique"), NAMED("extra", .kind = TENURE_LIST, .size = 2, .as.data = (const tenure_value[]){
		{ .kind = TENURE_STRING, .size = 1, .as.data = "u" }, { .kind = TENURE_INT, .as.integer = 6 } })), TENURE_HIT);
	tenure_key_free(key);
}

static void L1_a_live_key_tells_the_resource_until_it_leaves_service(void **state)
{
	tenure_key *key = prepare(LIST(TEXT("u")));
	tenure_stats stats;

	(void)state;
	assert_null(tenure_key_live(key)); /* not led anywhere yet */
	assert_int_equal(get_key(key), TENURE_CREATED);
	assert_int_equal(((struct book *)tenure_key_live(key))->number, 1);
	assert_non_null(tenure_key_live(key));
	assert_int_equal(tenure_function_stats(&load, &stats, sizeof(stats)), 0);
	assert_int_equal(stats.hits, 2);
	assert_int_equal(tenure_function_clear(&load, NULL), 1);
	assert_null(tenure_key_live(key)); /* retired, perhaps released, perhaps free */
	assert_int_equal(tenure_function_drain(&load, TENURE_SECONDS(30)), 0);
	assert_null(tenure_key_live(key));
	get(LIST(TEXT("other")), TENURE_CREATED); /* the header lives again, for another key */
	assert_null(tenure_key_live(key));
	assert_int_equal(get_key(key), TENURE_CREATED);
	assert_int_equal(((struct book *)tenure_key_live(key))->number, 3);
	tenure_key_free(key);
	assert_int_equal(tenure_function_stats(&load, &stats, sizeof(stats)), 0);
	assert_int_equal(stats.hits, 3); /* of a key that is gone */
}

static void T1_a_live_key_ends_with_the_ttl_V1_and_never_skips_a_validation(void **state)
{
	static tenure_options limited;
	static tenure_definition with_ttl;
	tenure_key *key;

	(void)state;
	limited = options;
	limited.ttl = "10s";
	with_ttl = definition;
	with_ttl.options = &limited;
	load.definition = &with_ttl;
	key = prepare(LIST(TEXT("u")));
	assert_int_equal(get_key(key), TENURE_CREATED);
	advance(9);
	assert_non_null(tenure_key_live(key));
	__atomic_fetch_add(&test_now, TENURE_SECONDS(2), __ATOMIC_SEQ_CST); /* no timer has run */
	assert_int_equal(tenure_poll(cache, test_now, 1, NULL), 1);
	assert_null(tenure_key_live(key));
	tenure_key_free(key);
}

static int always(void *user, void *resource)
{
	(void)user;
	book_check(resource);
	return 1;
}

static void V1_a_live_key_of_a_function_that_validates_each_hit_is_never_live(void **state)
{
	static tenure_definition validated;
	tenure_stats stats;
	tenure_key *key;

	(void)state;
	validated = definition;
	validated.validate = always;
	load.definition = &validated;
	key = prepare(LIST(TEXT("u")));
	assert_int_equal(get_key(key), TENURE_CREATED);
	assert_null(tenure_key_live(key));
	assert_int_equal(get_key(key), TENURE_HIT);
	assert_null(tenure_key_live(key));
	tenure_key_free(key);
	get(LIST(TEXT("u")), TENURE_HIT);
	assert_int_equal(tenure_function_stats(&load, &stats, sizeof(stats)), 0);
	assert_int_equal(stats.hits, 2); /* not also each look that the slow path had to settle */
}

static int make_talking(void *user, tenure_call *call, const tenure_arguments *arguments, void **ret)
{
	int result = make(user, call, arguments, ret);

	return result != 0 ? result : tenure_say(call, TENURE_INFO, "made");
}

static void U3_a_live_key_does_not_skip_a_replay(void **state)
{
	static tenure_definition talking;
	tenure_key *key;

	(void)state;
	talking = definition;
	talking.create = make_talking;
	load.definition = &talking;
	key = prepare(LIST(TEXT("u")));
	assert_int_equal(get_key(key), TENURE_CREATED);
	assert_null(tenure_key_live(key));
	tenure_key_free(key);
}

static void *make_anew(void *argument)
{
	(void)argument;
	assert_int_equal(tenure_function_drain(&load, TENURE_SECONDS(30)), 0);
	get(LIST(TEXT("other")), TENURE_CREATED);
	return NULL;
}

static tenure_key *read_key;
static void *read_live(void *argument)
{
	(void)argument;
	return tenure_key_live(read_key);
}

/* Between the address and the life, the entry ends and lives again for another key: the life tells. */
static void L1_a_live_key_that_reads_across_two_lives_says_no(void **state)
{
	pthread_t reader;

	(void)state;
	read_key = prepare(LIST(TEXT("u")));
	assert_int_equal(get_key(read_key), TENURE_CREATED);
	tn_fault_arm("live.resource_read", 0);
	reader = start(read_live, NULL);
	tn_fault_await("live.resource_read");
	finish(start(make_anew, NULL));
	tn_fault_release("live.resource_read");
	assert_null(finish(reader));
	tenure_key_free(read_key);
}

/* What a runtime with a global lock does: the reference is the resource's own count, guarded by the lock. */
static pthread_mutex_t global = PTHREAD_MUTEX_INITIALIZER;
struct counted {
	long references; /* guarded by `global` */
	long ended;
};
static long made_counted, dead_counted; /* guarded by `global` */

static int make_counted(void *user, tenure_call *call, const tenure_arguments *arguments, void **ret)
{
	struct counted *counted = calloc(1, sizeof(*counted));

	(void)user, (void)call, (void)arguments;
	counted->references = 1;
	pthread_mutex_lock(&global);
	made_counted++;
	pthread_mutex_unlock(&global);
	*ret = counted;
	return 0;
}

static void drop_counted_locked(struct counted *counted)
{
	if (--counted->references == 0) {
		dead_counted++;
		free(counted);
	}
}

static int release_counted(void *user, void *resource)
{
	(void)user;
	pthread_mutex_lock(&global);
	drop_counted_locked(resource);
	pthread_mutex_unlock(&global);
	return 0;
}

static bool stop_users;
static void *use_live(void *argument)
{
	tenure_key *key = argument;
	long hits = 0;

	while (!__atomic_load_n(&stop_users, __ATOMIC_RELAXED)) {
		struct counted *mine;

		pthread_mutex_lock(&global);
		mine = tenure_key_live(key);
		if (mine != NULL) {
			mine->references++; /* a use after free, should it be dead */
			hits++;
		}
		pthread_mutex_unlock(&global);
		if (mine == NULL) {
			get_key(key);
			continue;
		}
		pthread_mutex_lock(&global);
		assert_true(mine->references > 0);
		drop_counted_locked(mine);
		pthread_mutex_unlock(&global);
	}
	return (void *)(intptr_t)hits;
}

static void L1_live_keys_under_a_global_lock_never_see_a_dead_resource(void **state)
{
	static tenure_definition counting;
	pthread_t users[3];
	tenure_key *key;
	intptr_t hits = 0;

	(void)state;
	counting = definition;
	counting.create = make_counted;
	counting.release = release_counted;
	load.definition = &counting;
	stop_users = false;
	key = prepare(LIST(TEXT("u")));
	for (int i = 0; i < 3; i++)
		users[i] = start(use_live, key);
	for (int i = 0; i < 300; i++) {
		assert_true(tenure_function_clear(&load, NULL) >= 0);
		assert_true(tenure_function_get(&load, TENURE_FOREVER, LIST(TEXT("u")), NULL) >= 0);
	}
	__atomic_store_n(&stop_users, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		hits += (intptr_t)finish(users[i]);
	tenure_key_free(key);
	assert_int_equal(tenure_function_drain(&load, TENURE_SECONDS(30)), 0);
	assert_int_equal(made_counted, dead_counted);
	printf("# %ld hits without a lease, %ld resources\n", (long)hits, made_counted);
}

/* ---- C2: failures as objects */

static long dropped, last_dropped;
static void drop(void *error)
{
	assert_int_equal(tenure_function_get(&load, 0, LIST(TEXT("u")), NULL), TENURE_EREENTRANT);
	__atomic_store_n(&last_dropped, *(int *)error, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&dropped, 1, __ATOMIC_SEQ_CST);
}

static int errors[10];
static int fail_with_object(void *user, tenure_call *call, const tenure_arguments *arguments, void **ret)
{
	struct maker *own = user;

	(void)arguments, (void)ret;
	TN_FAULT("test.fails");
	errors[own->number] = own->number;
	tenure_fail(call, "failure number %d", own->number);
	return tenure_fail_with(call, &errors[own->number++], drop);
}
static tenure_definition failing;

static int fresh_failing(void **state)
{
	failing = definition;
	failing.create = fail_with_object;
	dropped = 0;
	if (fresh(state) != 0)
		return -1;
	load.definition = &failing;
	return 0;
}
#define E(name) cmocka_unit_test_setup_teardown(name, fresh_failing, tear_down)

static void fails_with(int number)
{
	assert_int_equal(tenure_function_get(&load, TENURE_FOREVER, LIST(TEXT("u")), NULL), TENURE_EFAILED);
	assert_ptr_equal(tenure_failure(), &errors[number]);
}

static void C2_a_failure_is_an_object_until_the_next_failure(void **state)
{
	(void)state;
	assert_null(tenure_failure());
	fails_with(0);
	assert_int_equal(dropped, 0);
	assert_int_equal(tenure_session_end(NULL), 0); /* a success changes nothing */
	assert_ptr_equal(tenure_failure(), &errors[0]);
	assert_int_equal(tenure_function_clear(&load, LIST(INT(1))), TENURE_EARGUMENT);
	assert_null(tenure_failure()); /* hidden by a failure in words only */
	fails_with(1);
	assert_int_equal(dropped, 1);
	assert_int_equal(last_dropped, 0);
	assert_string_equal(tenure_message(), "failure number 1"); /* the drop of 0 did not hide it */
	tenure_failure_drop();
	assert_null(tenure_failure());
	assert_int_equal(dropped, 2);
	tenure_failure_drop();
	assert_int_equal(dropped, 2);
}

static void *wait_for_failure(void *argument)
{
	(void)argument;
	if (tenure_function_get(&load, TENURE_FOREVER, LIST(TEXT("u")), NULL) != TENURE_EFAILED)
		return NULL;
	return tenure_failure(); /* and the thread's end lets go */
}

static void C2_everybody_who_waited_has_the_same_object_and_the_last_drops_it(void **state)
{
	pthread_t threads[4];

	(void)state;
	tn_fault_arm("test.fails", 0);
	threads[0] = start(wait_for_failure, NULL);
	tn_fault_await("test.fails");
	tn_fault_arm("flight.woken", 0); /* parks one of them */
	for (int i = 1; i < 4; i++)
		threads[i] = start(wait_for_failure, NULL);
	for (;;) { /* until three wait */
		tenure_stats stats;

		assert_int_equal(tenure_function_stats(&load, &stats, sizeof(stats)), 0);
		if (stats.waits == 3)
			break;
		sched_yield();
	}
	tn_fault_release("test.fails");
	assert_ptr_equal(finish(threads[0]), &errors[0]); /* the creator's own thread has ended */
	tn_fault_await("flight.woken");
	assert_int_equal(count_of(&dropped), 0); /* at least one has not read it yet */
	tn_fault_release("flight.woken");
	for (int i = 1; i < 4; i++)
		assert_ptr_equal(finish(threads[i]), &errors[0]);
	assert_int_equal(count_of(&dropped), 1);
	assert_int_equal(maker.number, 1);
}

static int succeed_with_object(void *user, tenure_call *call, const tenure_arguments *arguments, void **ret)
{
	errors[3] = 3;
	errors[4] = 4;
	tenure_fail_with(call, &errors[3], drop);
	assert_int_equal(count_of(&dropped), 0);
	tenure_fail_with(call, NULL, drop); /* nothing to own */
	tenure_fail_with(call, &errors[4], drop); /* replaces the first */
	assert_int_equal(count_of(&dropped), 1);
	return make(user, call, arguments, ret);
}

static void C2_an_object_nobody_needs_is_dropped_too(void **state)
{
	(void)state;
	failing.create = succeed_with_object;
	get(LIST(TEXT("u")), TENURE_CREATED);
	assert_int_equal(dropped, 2);
	assert_null(tenure_failure());
	assert_int_equal(tenure_fail_with(NULL, &errors[3], drop), -1); /* no creation: dropped at once */
	assert_int_equal(dropped, 3);
}

static int invalid(void *user, void *resource)
{
	(void)user;
	book_check(resource);
	errors[5] = 5;
	tenure_fail(NULL, "cannot tell whether it is alive");
	return tenure_fail_with(NULL, &errors[5], drop);
}

static void V2_an_error_of_validate_is_an_object_too(void **state)
{
	(void)state;
	failing.create = make;
	failing.validate = invalid;
	get(LIST(TEXT("u")), TENURE_CREATED);
	assert_int_equal(tenure_function_get(&load, TENURE_FOREVER, LIST(TEXT("u")), NULL), TENURE_EFAILED);
	assert_ptr_equal(tenure_failure(), &errors[5]);
	assert_string_equal(tenure_message(), "cannot tell whether it is alive");
	tenure_failure_drop();
	assert_int_equal(dropped, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		R(K2_a_list_by_position_by_name_and_with_presets_is_one_call),
		R(K1_the_kind_of_a_value_is_part_of_the_key),
		R(K3_what_begins_with_an_underscore_is_handed_on_and_left_out),
		R(K5_a_wrong_list_is_refused_with_the_parameters_name),
		R(K6_texts_with_zero_bytes_and_long_ones_are_told_apart),
		R(K2_a_hit_by_a_list_takes_no_memory),
		R(K2_a_hit_by_a_list_needs_no_lock),
		R(K4_an_object_is_identified_by_its_function),
		R(K2_a_list_and_a_structure_are_one_call_of_a_declared_function),
		R(K2_F2_a_structure_and_a_list_of_one_versioned_function_share_a_key),
		R(F5_a_wrong_definition_is_refused_where_it_is_registered),
		R(L4_without_a_releaser_the_release_and_its_user_tell_closers_apart),
		R(O1_counters_of_a_run_time_function_Z1_Z2_clearing_it_by_lists),
		R(K2_a_prepared_list_outlives_what_it_was_made_from),
		R(L1_a_live_key_tells_the_resource_until_it_leaves_service),
		R(T1_a_live_key_ends_with_the_ttl_V1_and_never_skips_a_validation),
		R(V1_a_live_key_of_a_function_that_validates_each_hit_is_never_live),
		R(U3_a_live_key_does_not_skip_a_replay),
		R(L1_a_live_key_that_reads_across_two_lives_says_no),
		R(L1_live_keys_under_a_global_lock_never_see_a_dead_resource),
		E(C2_a_failure_is_an_object_until_the_next_failure),
		E(C2_everybody_who_waited_has_the_same_object_and_the_last_drops_it),
		E(C2_an_object_nobody_needs_is_dropped_too),
		E(V2_an_error_of_validate_is_an_object_too),
	};

	return RUN(tests);
}
