/* SPDX-License-Identifier: Apache-2.0 */
/* test_allocator.c: all memory from the program's own function, with books of what is out; and the list is whole. */
#include "support.h"

static long out, asked; /* atomic: blocks; calls */

/* As misaligned as is allowed, so that whoever relies on more is found out. */
static void *allocate(void *user, void *memory, size_t size)
{
	char *block;

	assert_ptr_equal(user, &out);
	__atomic_fetch_add(&asked, 1, __ATOMIC_SEQ_CST);
	if (size == 0) {
		__atomic_fetch_sub(&out, 1, __ATOMIC_SEQ_CST);
		free((char *)memory - 8);
		return NULL;
	}
	assert_null(memory);
	block = malloc(size + 8);
	if (block == NULL)
		return NULL;
	memset(block, 0xaa, size + 8);
	__atomic_fetch_add(&out, 1, __ATOMIC_SEQ_CST);
	return block + 8;
}

TENURE_DECLARE(get_book, struct book, (const char *, url), (int, number));
static int make_book(tenure_call *call, const get_book_args *a, struct book **ret)
{
	*ret = book_new(a->number);
	return tenure_say(call, TENURE_TEXT, "made %d for %s", a->number, a->url);
}
TENURE_DEFINE(get_book, .cache = &cache, .create = make_book, .release = book_release, .ttl = "10s");

static void fill_and_drain(void)
{
	static char url[2000];
	tenure_key *key;

	memset(url, 'u', sizeof(url) - 1);
	for (int i = 0; i < 3000; i++) /* the table grows, headers and cells come in chunks */
		assert_int_equal(tenure_get(get_book, NULL, url, i), TENURE_CREATED);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(tenure_get(get_book, NULL, url, i), TENURE_HIT);
	assert_int_equal(tenure_prepare(get_book, &key, url, 1), 0);
	tenure_key_free(key);
	advance(11);
	assert_int_equal(tenure_drain(get_book, TENURE_FOREVER), 0);
}

static void L1_all_memory_comes_from_the_program_and_goes_back(void **state)
{
	long after_first = 0;

	(void)state;
	assert_int_equal(tenure_set_allocator(allocate, &out), 0);
	for (int i = 0; i < 2; i++) { /* closed after each, so that no worker gives anything back while it is counted */
		assert_int_equal(set_up(NULL), 0);
		fill_and_drain();
		assert_int_equal(tear_down(NULL), 0);
		if (i == 0)
			after_first = count_of(&out);
	}
	assert_true(count_of(&asked) > 18000);
	assert_true(count_of(&out) <= after_first); /* what is type-stable is used again */
	assert_int_equal(tenure_set_allocator(allocate, &out), TENURE_EBUSY); /* too late */
	assert_int_equal(tenure_set_allocator(NULL, NULL), TENURE_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(L1_all_memory_comes_from_the_program_and_goes_back) };

	return RUN(tests);
}
