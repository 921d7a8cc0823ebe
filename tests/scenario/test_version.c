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
	static struct { /* what is registered stays */
		tenure_definition definition;
		tenure_function face;
	} others[16], *next = others;
	tenure_definition *definition = &next->definition;
	tenure_function *face = &next->face;
	int result;

	assert_true(next < others + 16);
	next++;
	*definition = get_book.definition;
	face->definition = definition;
	definition->size = size;
	definition->layout = layout;
	definition->options = options;
	definition->options_size = options_size;
	result = tenure_function_register(face);
	if (result != 0)
		assert_null(face->state_[0]); /* inlined code, which hits only with a state, never will */
	return result;
}

static void another_layout_is_refused_before_any_hit(void **state)
{
	static get_book_function other;
	get_book_lease lease = { .lease = { NULL, NULL, 0 } };

	(void)state;
	other = get_book;
	other.function.definition = &other.definition;
	other.definition.user = &other;
	other.definition.options = &other.options;
	other.definition.layout = TENURE_LAYOUT_ + 1;
	assert_int_equal(get_book_get_(&other, TENURE_FOREVER,
				       &(get_book_args){ { sizeof(get_book_args), NULL }, &lease, 1 }, NULL), TENURE_EVERSION);
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
	static struct {
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

/* What programs compiled with layout 1 contain. When this fails and 0.1.0 is released: TENURE_LAYOUT_, the map and the soname
 * count on (docs/internals/abi.md). Before that, write down the new layout here. */
static void layout_1_is_what_it_was(void **state)
{
	static const unsigned char text[] = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz";
	const size_t entry[] = {
		offsetof(struct tenure_entry_, expire_at), offsetof(struct tenure_entry_, life),
		offsetof(struct tenure_entry_, hash), offsetof(struct tenure_entry_, function),
		offsetof(struct tenure_entry_, resource), offsetof(struct tenure_entry_, key),
		offsetof(struct tenure_entry_, key_size), offsetof(struct tenure_entry_, id),
		offsetof(struct tenure_entry_, flags), offsetof(struct tenure_entry_, state),
	};
	const size_t entry_1[] = { 0, 8, 16, 24, 32, 40, 48, 52, 56, 57 };
	const size_t others[] = {
		sizeof(struct tenure_cell_), offsetof(struct tenure_cell_, entry),
		sizeof(struct tenure_slot_), offsetof(struct tenure_slot_, id), offsetof(struct tenure_array_, slots),
		offsetof(struct tenure_state_, now), offsetof(struct tenure_record_, chunk_count), sizeof(struct tenure_chunk_),
		sizeof(struct tenure_core_), offsetof(struct tenure_core_, oldest_life),
		sizeof(tenure_lease), offsetof(tenure_lease, cell_), offsetof(tenure_lease, stamp_),
		sizeof(tenure_key), offsetof(tenure_key, id_), offsetof(tenure_key, life_), offsetof(tenure_key, entry_),
		offsetof(tenure_key, hits_), offsetof(tenure_function, state_),
	};
	const size_t others_1[] = { 16, 8, 16, 8, 64, 8, 8, 16, 16, 8, 24, 8, 16, 40, 8, 16, 24, 32, 8 };
	const uint64_t constants[] = {
		TENURE_OPEN_, TENURE_HIT_, TENURE_HITS_HIGH_, TENURE_ONE_LEASE_, TENURE_CHUNK_BITS_, TENURE_WARM_,
		TENURE_LEAF_MOST_, TENURE_DIGESTED_, TENURE_LIVE_, TENURE_ENTRY_SIZE_, TENURE_BUCKET_, TENURE_SMALL_KEY_,
	};
	const uint64_t constants_1[] = { 1, 2, 1 << 30, UINT64_C(1) << 31, 8, 3, 4096, UINT64_C(1) << 31, 2, 192, 4, 8 };
	uint64_t hash = tenure_mix_word_(1, 2);

	(void)state;
	assert_int_equal(TENURE_LAYOUT_, 1);
	assert_memory_equal(entry, entry_1, sizeof(entry_1));
	assert_memory_equal(others, others_1, sizeof(others_1));
	assert_memory_equal(constants, constants_1, sizeof(constants_1));
	for (size_t size = 0; size < sizeof(text); size++) /* every branch of the hash */
		hash = tenure_mix_bytes_(hash, text, size);
	assert_int_equal(hash, UINT64_C(0x35a765c3bf6d620d));
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
		T(layout_1_is_what_it_was),
		T(the_header_and_the_library_say_the_same_version),
	};

	return RUN(tests);
}
