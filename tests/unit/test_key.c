/* SPDX-License-Identifier: Apache-2.0 */
/* test_key.c: keys: framing, and the inlined hash and comparison against the library's. */
#include "support.h"

#include <time.h>

#include "core/key.h"

TENURE_DECLARE(keyed, int, (const char *, text), (int, i), (tenure_bytes, b), (bool, t), (double, d), (int8_t, c),
	       (uint16_t, u), (void *, _left_out), (float, f), (unsigned long, ul));
static int make_keyed(tenure_call *c, const keyed_args *a, int **ret)
{
	(void)c, (void)a, (void)ret;
	return 0;
}
TENURE_DEFINE(keyed, .create = make_keyed);

static uint64_t random_state;
static uint64_t rnd(uint64_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (random_state >> 33) % below;
}

static char pool[2][10000];

static keyed_args random_arguments(char *room)
{
	size_t size = rnd(4) == 0 ? 4090 + rnd(12) : rnd(40);
	keyed_args a = { .head_ = { sizeof(a), NULL }, .text = room, .i = (int)rnd(3) - 1, .t = rnd(2), .d = (double)rnd(3) / 2,
			 .c = (int8_t)(rnd(3) - 1), .u = (uint16_t)rnd(3), .f = (float)rnd(2), .ul = rnd(2) };

	size = rnd(3) == 0 ? 3 : size;
	memset(room, 'a' + (int)rnd(2), size);
	room[size] = '\0';
	a.b = (tenure_bytes){ room + 5000, rnd(3) == 0 ? 4095 + rnd(4) : rnd(4) };
	room[5000] = (char)rnd(2);
	return a;
}

static bool equal_arguments(const keyed_args *a, const keyed_args *b)
{
	return strcmp(a->text, b->text) == 0 && a->i == b->i && a->b.size == b->b.size &&
	       memcmp(a->b.data, b->b.data, a->b.size) == 0 && a->t == b->t && a->d == b->d && a->c == b->c && a->u == b->u &&
	       a->f == b->f && a->ul == b->ul;
}

static void K1_K6_random_argument_lists_have_one_key_when_equal_and_two_when_not(void **state)
{
	const tenure_definition *definition = &keyed.definition;
	unsigned char secret[32] = "a secret of thirty-two bytes ...";
	long same_count = 0, inlined = 0;

	(void)state;
	random_state = (uint64_t)time(NULL);
	printf("# seed %ju\n", (uintmax_t)random_state);
	tn_key_setup(secret);
	for (int i = 0; i < 30000; i++) {
		keyed_args a = random_arguments(pool[0]), b = a;
		struct tenure_sizes_ sizes;
		struct tn_key x, y;
		uint64_t hash;
		bool equal, same;

		if (rnd(2)) {
			b = random_arguments(pool[1]);
			if (rnd(2)) { /* near misses are likelier */
				b.i = a.i, b.d = a.d, b.c = a.c, b.u = a.u, b.f = a.f, b.ul = a.ul, b.t = a.t;
				b.text = rnd(2) ? a.text : b.text;
			}
		}
		b._left_out = &x;
		tn_key_start(&x);
		tn_key_start(&y);
		assert_int_equal(tn_key_build(&x, definition, 7, &a.head_), 0);
		assert_int_equal(tn_key_build(&y, definition, 7, &b.head_), 0);
		equal = equal_arguments(&a, &b);
		same = x.size == y.size && memcmp(x.bytes, y.bytes, x.size & ~TENURE_DIGESTED_) == 0;
		assert_int_equal(equal, same);
		assert_true(!equal || x.hash == y.hash);
		same_count += same;
		if (!(x.size & TENURE_DIGESTED_) && definition->mix(&a.head_, 7, &sizes, &hash)) {
			inlined++;
			assert_true(hash == x.hash);
			assert_true(definition->same(&a.head_, &sizes, x.bytes, x.size));
			assert_int_equal(definition->same(&a.head_, &sizes, y.bytes, y.size), equal);
		}
		tn_key_drop(&x);
		tn_key_drop(&y);
	}
	assert_true(same_count > 1000 && inlined > 1000);
}

/* ---- keys chosen by somebody who knows the code, but not the seed */

enum { CHOSEN = 64 };

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of CHOSEN keys of `words` words, which `fill` makes from a number, each has a hash of its own, under every seed. */
static void spreads(size_t words, const uint64_t *constants, void (*fill)(uint64_t *, size_t, const uint64_t *, uint64_t))
{
	for (uint64_t seed = 1; seed < 4; seed++) {
		uint64_t hashes[CHOSEN], key[16] = { 0 };

		for (uint64_t i = 0; i < CHOSEN; i++) {
			fill(key, words, constants, i);
			hashes[i] = tenure_mix_bytes_(tenure_mix_word_(seed, 77), key, 8 * words);
		}
		qsort(hashes, CHOSEN, sizeof(hashes[0]), by_value);
		for (int i = 1; i < CHOSEN; i++)
			assert_true(hashes[i - 1] != hashes[i]);
	}
}

/* One word is a constant, to make a factor zero; the others count. */
static void with_a_constant(uint64_t *key, size_t words, const uint64_t *constants, uint64_t i)
{
	for (size_t at = 0; at < words; at++)
		key[at] = at == constants[1] ? constants[0] : i * (at + 1);
}

/* The second half is the first one, moved by constants, so that two products are equal and undo each other. */
static void with_a_twin(uint64_t *key, size_t words, const uint64_t *constants, uint64_t i)
{
	for (size_t at = 0; at < words; at++)
		key[at] = at < words / 2 ? i * (at + 3) : key[at - words / 2] ^ constants[at % 2];
}

static void K6_no_chosen_keys_have_one_hash_whatever_the_seed(void **state)
{
	const uint64_t known[] = { 0, TENURE_MIX_1_, TENURE_MIX_2_, TENURE_MIX_3_, TENURE_MIX_1_ ^ TENURE_MIX_2_,
				   TENURE_MIX_1_ ^ TENURE_MIX_3_, TENURE_MIX_2_ ^ TENURE_MIX_3_ };
	enum { KNOWN = sizeof(known) / sizeof(known[0]) };

	(void)state;
	for (size_t words = 2; words <= 12; words++) {
		for (size_t i = 0; i < KNOWN; i++) {
			for (size_t at = 0; at < words; at++)
				spreads(words, (const uint64_t[]){ known[i], at }, with_a_constant);
			for (size_t j = 0; j < KNOWN; j++)
				spreads(words, (const uint64_t[]){ known[i], known[j] }, with_a_twin);
		}
	}
}

static void K5_a_key_for_people(void **state)
{
	keyed_args a = { .head_ = { sizeof(a), NULL }, .text = "a \"b\"\n", .i = -3, .t = true, .d = 0.5 };
	struct tn_key key;
	char text[300];

	(void)state;
	tn_key_start(&key);
	assert_int_equal(tn_key_build(&key, &keyed.definition, 1, &a.head_), 0);
	tn_key_format(&keyed.definition, key.bytes, key.size, text, sizeof(text));
	assert_string_equal(text, "\"a \\\"b\\\"\\x0a\", -3, <bytes, 0 bytes>, true, 0.5, 0, 0, 0, 0");
	tn_key_format(&keyed.definition, key.bytes, key.size, text, 8); /* cut, and terminated */
	assert_int_equal(strlen(text), 7);
	tn_key_drop(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(K1_K6_random_argument_lists_have_one_key_when_equal_and_two_when_not),
		cmocka_unit_test(K6_no_chosen_keys_have_one_hash_whatever_the_seed),
		cmocka_unit_test(K5_a_key_for_people),
	};

	return RUN(tests);
}
