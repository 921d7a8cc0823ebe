/* SPDX-License-Identifier: Apache-2.0 */
/* test_version.c: programs of other builds: older ones are understood, what cannot be is refused with EVERSION. */
#include "support.h"

TENURE_DECLARE(get_book, struct book, (int, number));

static int write_book(tenure_call *call, const get_book_args *args, struct book **ret)
{
	(void)call;
	*ret = book_new(args->number);
	return 0;
}
TENURE_DEFINE(get_book, .cache = &cache, .create = write_book, .release = book_release);

/* The same function as another build would bring it: register only, into a face of its own. */
static int register_as(size_t size, uint32_t layout, const void *options, size_t options_size)
{
	tenure_definition definition = get_book.definition;
	tenure_function face = { &definition, { NULL, NULL } };
	int result;

	definition.size = size;
	definition.layout = layout;
	definition.options = options;
	definition.options_size = options_size;
	result = tenure_function_register(&face);
	if (result != 0)
		assert_null(face.state_[0]); /* inlined code, which hits only with a state, never will */
	return result;
}

static void another_layout_is_refused_before_any_hit(void **state)
{
	get_book_function other = get_book;
	get_book_lease lease = { .lease = { NULL, NULL, 0 } };

	(void)state;
	other.function.definition = &other.definition;
	other.definition.user = &other;
	other.definition.options = &other.options;
	other.definition.layout = TENURE_LAYOUT_ + 1;
	assert_int_equal(get_book_get_(&other, TENURE_FOREVER,
				       &(const get_book_args){ { sizeof(get_book_args) }, &lease, 1 }), TENURE_EVERSION);
	assert_non_null(strstr(tenure_message(), "another version"));
	assert_null(other.function.state_[0]);
	assert_null(lease.lease.cell_);
	assert_int_equal(count_of(&created), 0);
}

static void another_size_of_the_definition_is_refused(void **state)
{
	(void)state;
	assert_int_equal(register_as(sizeof(tenure_definition) - 8, TENURE_LAYOUT_, &get_book.options, sizeof(tenure_options)),
			 TENURE_EVERSION);
	assert_int_equal(register_as(sizeof(tenure_definition) + 8, TENURE_LAYOUT_, &get_book.options, sizeof(tenure_options)),
			 TENURE_EVERSION);
}

static void without_inlined_code_no_layout_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(register_as(sizeof(tenure_definition), 0, &get_book.options, sizeof(tenure_options)), 0);
}

static void options_of_an_older_program_end_early(void **state)
{
	(void)state;
	assert_int_equal(register_as(sizeof(tenure_definition), TENURE_LAYOUT_, &get_book.options,
				     offsetof(tenure_options, ttl)), 0);
}

static void options_of_a_newer_program_are_taken_when_their_tail_is_zero(void **state)
{
	struct {
		tenure_options known;
		uint64_t unknown;
	} newer;

	(void)state;
	memset(&newer, 0, sizeof(newer));
	newer.known.cache = &cache;
	assert_int_equal(register_as(sizeof(tenure_definition), TENURE_LAYOUT_, &newer, sizeof(newer)), 0);
	newer.unknown = 1;
	assert_int_equal(register_as(sizeof(tenure_definition), TENURE_LAYOUT_, &newer, sizeof(newer)), TENURE_EVERSION);
}

static void options_of_a_cache_likewise(void **state)
{
	struct {
		tenure_cache_options known;
		uint64_t unknown;
	} newer;
	tenure_cache *other = NULL;

	(void)state;
	memset(&newer, 0, sizeof(newer));
	newer.known.size = sizeof(newer);
	newer.unknown = 1;
	assert_int_equal(tenure_cache_open_with(&other, &newer.known), TENURE_EVERSION);
	assert_null(other);
	newer.unknown = 0;
	assert_int_equal(tenure_cache_open_with(&other, &newer.known), 0);
	assert_int_equal(tenure_cache_close(&other, TENURE_FOREVER), 0);
}

static void counters_of_an_older_program_are_written_no_further_than_it_asks(void **state)
{
	tenure_stats stats;

	(void)state;
	TENURE_LEASE(get_book, book);
	assert_int_equal(tenure_get(get_book, &book, 1), TENURE_CREATED);
	memset(&stats, 0x55, sizeof(stats));
	assert_int_equal(tenure_function_stats(&get_book.function, &stats, offsetof(tenure_stats, failures)), 0);
	assert_int_equal(stats.creations, 1);
	assert_int_equal(stats.failures, UINT64_C(0x5555555555555555));
}

static void the_header_and_the_library_say_the_same_version(void **state)
{
	char text[40];

	(void)state;
	snprintf(text, sizeof(text), "%d.%d.%d", TENURE_VERSION_MAJOR, TENURE_VERSION_MINOR, TENURE_VERSION_PATCH);
	assert_string_equal(tenure_version(), text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(another_layout_is_refused_before_any_hit),
		T(another_size_of_the_definition_is_refused),
		T(without_inlined_code_no_layout_is_asked_for),
		T(options_of_an_older_program_end_early),
		T(options_of_a_newer_program_are_taken_when_their_tail_is_zero),
		T(options_of_a_cache_likewise),
		T(counters_of_an_older_program_are_written_no_further_than_it_asks),
		T(the_header_and_the_library_say_the_same_version),
	};

	return RUN(tests);
}
