/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_key.c: keys of any definition and any arguments, against an encoder and a decoder of the test's own.
 *
 * The bytes choose a definition (parameters of each kind, keyed and not) and two lists of arguments for it, near each other
 * or not. What must hold: the key is what the reference encoder writes; decoding it gives the arguments back; two lists
 * have one key exactly when they are equal; what has no identity is refused with its name; a copy has the same key. */
#include "fuzz.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "core/arguments.h"
#include "core/key.h"

enum { PARAMETERS_MOST = 12, HEAD = 32, SLOT = 32, DEPTH_MOST = 64, ITEMS_MOST = 6, FILLED = 4200 };
static const uint64_t DIGESTED = UINT64_C(1) << 63;
static const unsigned char SECRET[32] = "a secret of thirty-two bytes ...";
static struct tn_digest_key digest_key;

struct object { /* what an identify function adds */
	size_t count;
	const tenure_value *values;
	int result;
};

struct list { /* of arguments: head, and one slot for each parameter */
	_Alignas(16) unsigned char bytes[HEAD + PARAMETERS_MOST * SLOT];
};

static void *slot(struct list *list, size_t i)
{
	return list->bytes + HEAD + i * SLOT;
}

/* An identify function does not know which parameter it is asked for: one for each place. */
static int identify_at(tenure_identity *identity, const void *arguments, size_t i)
{
	const struct object *object;

	memcpy(&object, (const unsigned char *)arguments + HEAD + i * SLOT, sizeof(object));
	for (size_t k = 0; k < object->count; k++)
		tenure_identify(identity, object->values[k]);
	return object->result;
}
#define PLACES(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define IDENTIFY(i) \
	static int identify_##i(tenure_identity *identity, const void *arguments) \
	{ \
		return identify_at(identity, arguments, i); \
	}
PLACES(IDENTIFY)
#define NAME_OF(i) identify_##i,
static int (*const IDENTIFIERS[])(tenure_identity *, const void *) = { PLACES(NAME_OF) };
static const char *const KEYED[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l" };
static const char *const LEFT_OUT[] = { "_a", "_b", "_c", "_d", "_e", "_f", "_g", "_h", "_i", "_j", "_k", "_l" };

/* ---- making */

static tenure_value make_value(struct input *input, int depth)
{
	tenure_value value = { .kind = take_below(input, 40) };
	tenure_value *items;
	size_t size;

	value.kind = value.kind < 27 ? value.kind % 9 : value.kind < 39 ? TENURE_LIST + value.kind % 2 :
		     TENURE_VALUE_ + take_below(input, 300);
	switch (value.kind) {
	case TENURE_BOOL:
		value.as.truth = take(input) & 1;
		break;
	case TENURE_INT:
	case TENURE_UINT:
	case TENURE_REAL:
		value.as.natural = take_bytes(input, take(input) & 1 ? 8 : 1);
		break;
	case TENURE_STRING: /* its size counts: there is no NUL behind it */
	case TENURE_BYTES:
		value.as.data = take_blob(input, FILLED, &value.size);
		if (take_below(input, 64) == 63)
			value.as.data = NULL;
		break;
	case TENURE_LIST:
	case TENURE_MAP:
		size = depth > 80 ? 0 : take_below(input, ITEMS_MOST + 1);
		size = value.kind == TENURE_MAP && take_below(input, 8) != 0 ? size / 2 * 2 : size;
		items = keep(size * sizeof(*items));
		for (size_t i = 0; i < size && (input->size > 0 || i < 2); i++)
			items[i] = input->size > 0 ? make_value(input, depth + 1) : tenure_nil();
		value.size = size;
		value.as.data = take_below(input, 64) == 63 ? NULL : items;
		break;
	default:
		break;
	}
	if (take_below(input, 200) == 199) { /* deep */
		for (unsigned wraps = take_below(input, 90); wraps > 0; wraps--) {
			items = keep_copy(&value, sizeof(value));
			value = tenure_items(TENURE_LIST, items, 1);
		}
	}
	return value;
}

static void make_argument(struct input *input, const tenure_parameter *parameter, void *at)
{
	struct object *object;
	tenure_value *values, value;
	tenure_bytes bytes;
	char *text;
	uint64_t word;

	switch (parameter->kind) {
	case TENURE_BOOL:
		*(unsigned char *)at = take(input) & 1;
		break;
	case TENURE_STRING:
		text = take_below(input, 50) == 49 ? NULL : take_text(input, FILLED);
		memcpy(at, &text, sizeof(text));
		break;
	case TENURE_BYTES:
		bytes.data = take_blob(input, FILLED, &bytes.size);
		if (take_below(input, 50) == 49)
			bytes.data = NULL;
		memcpy(at, &bytes, sizeof(bytes));
		break;
	case TENURE_VALUE_:
		value = make_value(input, 0);
		memcpy(at, &value, sizeof(value));
		break;
	case TENURE_OBJECT_:
		object = keep(sizeof(*object));
		object->count = take_below(input, 4);
		object->values = values = keep(object->count * sizeof(*values));
		for (size_t i = 0; i < object->count; i++)
			values[i] = make_value(input, 0);
		object->result = take_below(input, 20) == 19 ? -5 : 0;
		memcpy(at, &object, sizeof(object));
		break;
	default:
		word = take_bytes(input, parameter->size);
		memcpy(at, &word, parameter->size);
	}
}

static void make_definition(struct input *input, tenure_definition *definition, tenure_parameter *parameters)
{
	static const size_t SIZES[] = { 1, 2, 4, 8 };
	static const size_t WIDE[] = { [TENURE_STRING] = sizeof(char *), [TENURE_BYTES] = sizeof(tenure_bytes),
				       [TENURE_VALUE_] = sizeof(tenure_value), [TENURE_OBJECT_] = sizeof(void *) };
	static const unsigned KINDS[] = { TENURE_BOOL, TENURE_INT, TENURE_UINT, TENURE_REAL, TENURE_STRING, TENURE_BYTES,
					  TENURE_VALUE_, TENURE_OBJECT_ };

	*definition = (tenure_definition){ .size = sizeof(*definition), .name = "fuzzed", .type = "int", .parameters = parameters,
					   .parameter_count = take_below(input, PARAMETERS_MOST + 1),
					   .arguments_size = sizeof(struct list) };
	for (size_t i = 0; i < definition->parameter_count; i++) {
		unsigned how = take(input), kind = KINDS[how % 8];
		size_t size = kind == TENURE_BOOL ? 1 : kind == TENURE_REAL ? SIZES[2 + how / 8 % 2] :
			      kind < TENURE_REAL  ? SIZES[how / 8 % 4] : WIDE[kind];

		parameters[i] = (tenure_parameter){ .name = how / 32 == 7 ? LEFT_OUT[i] : KEYED[i], .type = "some", .kind = kind,
						    .size = size, .offset = HEAD + i * SLOT,
						    .identify = kind == TENURE_OBJECT_ ? IDENTIFIERS[i] : NULL };
	}
}

/* ---- the reference encoder; false: no identity */

struct buffer {
	unsigned char *bytes;
	size_t size, room;
};

static void append(struct buffer *buffer, const void *data, size_t size)
{
	if (buffer->size + size > buffer->room) {
		buffer->room = 2 * (buffer->size + size) + 64;
		buffer->bytes = realloc(buffer->bytes, buffer->room);
		CHECK(buffer->bytes != NULL);
	}
	if (size != 0)
		memcpy(buffer->bytes + buffer->size, data, size);
	buffer->size += size;
}

static void append_word(struct buffer *buffer, uint64_t word)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(word >> 8 * i);
	append(buffer, bytes, sizeof(bytes));
}

static uint64_t frame(size_t size)
{
	return size > TENURE_LEAF_MOST_ ? size | DIGESTED : size;
}

static void append_leaf(struct buffer *buffer, const void *data, size_t size)
{
	unsigned char digest[16];

	if (size > TENURE_LEAF_MOST_) {
		tn_digest(&digest_key, data, size, digest);
		append(buffer, digest, sizeof(digest));
	} else {
		append(buffer, data, size);
	}
}

static bool encode(struct buffer *buffer, const tenure_value *value, int depth)
{
	const tenure_value *items = value->as.data;
	unsigned char kind = (unsigned char)value->kind;

	if (depth > DEPTH_MOST || value->kind > TENURE_MAP)
		return false;
	append(buffer, &kind, 1);
	if (value->kind == TENURE_NIL)
		return true;
	if (value->kind < TENURE_STRING) {
		append_word(buffer, value->kind == TENURE_BOOL ? value->as.truth : value->as.natural);
		return true;
	}
	if (items == NULL && (value->size != 0 || value->kind == TENURE_STRING))
		return false;
	if (value->kind == TENURE_STRING || value->kind == TENURE_BYTES) {
		append_word(buffer, frame(value->size));
		append_leaf(buffer, value->as.data, value->size);
		return true;
	}
	if (value->kind == TENURE_MAP && value->size % 2 != 0)
		return false;
	append_word(buffer, value->size);
	for (size_t i = 0; i < value->size; i++) {
		if (!encode(buffer, &items[i], depth + 1))
			return false;
	}
	return true;
}

static uint64_t scalar(const tenure_parameter *parameter, const void *at)
{
	uint64_t word = 0;
	float narrow;
	double wide;
	unsigned empty = 64 - 8 * (unsigned)parameter->size;

	memcpy(&word, at, parameter->size); /* little-endian, as all that we run on */
	if (parameter->kind == TENURE_INT)
		return (uint64_t)((int64_t)(word << empty) >> empty);
	if (parameter->kind == TENURE_REAL && parameter->size == sizeof(float)) {
		memcpy(&narrow, at, sizeof(narrow));
		wide = narrow;
		memcpy(&word, &wide, sizeof(word));
	}
	return word;
}

/* The parameter's word; its tail is appended. */
static bool encode_parameter(struct buffer *tails, const tenure_parameter *parameter, const void *at, uint64_t *ret_word)
{
	size_t begin = tails->size;
	const struct object *object;
	tenure_value value;
	tenure_bytes bytes;
	const char *text;
	bool good = true;

	switch (parameter->kind) {
	case TENURE_STRING:
		memcpy(&text, at, sizeof(text));
		if (text == NULL)
			return false;
		append_leaf(tails, text, strlen(text));
		*ret_word = frame(strlen(text));
		return true;
	case TENURE_BYTES:
		memcpy(&bytes, at, sizeof(bytes));
		if (bytes.data == NULL && bytes.size != 0)
			return false;
		append_leaf(tails, bytes.data, bytes.size);
		*ret_word = frame(bytes.size);
		return true;
	case TENURE_VALUE_:
		memcpy(&value, at, sizeof(value));
		good = encode(tails, &value, 0);
		break;
	case TENURE_OBJECT_:
		memcpy(&object, at, sizeof(object));
		for (size_t i = 0; i < object->count; i++)
			good = good && encode(tails, &object->values[i], 0);
		good = good && object->result == 0;
		break;
	default:
		*ret_word = scalar(parameter, at);
		return true;
	}
	*ret_word = tails->size - begin;
	return good;
}

static bool encode_list(struct buffer *key, const tenure_definition *definition, struct list *list)
{
	struct buffer tails = { .bytes = NULL };
	bool good = true;

	for (size_t i = 0; i < definition->parameter_count && good; i++) {
		uint64_t word = 0;

		if (definition->parameters[i].name[0] == '_')
			continue;
		good = encode_parameter(&tails, &definition->parameters[i], slot(list, i), &word);
		append_word(key, word);
	}
	append(key, tails.bytes, tails.size);
	free(tails.bytes);
	return good;
}

/* ---- the decoder: reads the bytes, and compares with what was put in */

struct cursor {
	const unsigned char *at, *end;
};

static uint64_t read_word(struct cursor *cursor)
{
	uint64_t word = 0;

	CHECK(cursor->end - cursor->at >= 8);
	for (int i = 0; i < 8; i++)
		word |= (uint64_t)*cursor->at++ << 8 * i;
	return word;
}

static void decode_leaf(struct cursor *cursor, uint64_t framed, const void *data, size_t size)
{
	unsigned char digest[16];

	CHECK((framed & ~DIGESTED) == size && ((framed & DIGESTED) != 0) == (size > TENURE_LEAF_MOST_));
	if (framed & DIGESTED) {
		tn_digest(&digest_key, data, size, digest);
		data = digest;
		size = sizeof(digest);
	}
	CHECK((size_t)(cursor->end - cursor->at) >= size && (size == 0 || memcmp(cursor->at, data, size) == 0));
	cursor->at += size;
}

static void decode(struct cursor *cursor, const tenure_value *value)
{
	const tenure_value *items = value->as.data;

	CHECK(cursor->at < cursor->end && *cursor->at++ == value->kind);
	switch (value->kind) {
	case TENURE_NIL:
		break;
	case TENURE_BOOL:
		CHECK(read_word(cursor) == value->as.truth);
		break;
	case TENURE_STRING:
	case TENURE_BYTES:
		decode_leaf(cursor, read_word(cursor), value->as.data, value->size);
		break;
	case TENURE_LIST:
	case TENURE_MAP:
		CHECK(read_word(cursor) == value->size);
		for (size_t i = 0; i < value->size; i++)
			decode(cursor, &items[i]);
		break;
	default:
		CHECK(read_word(cursor) == value->as.natural);
	}
}

static void decode_parameter(struct cursor *words, struct cursor *tails, const tenure_parameter *parameter, const void *at)
{
	const unsigned char *begin = tails->at;
	uint64_t word = read_word(words);
	const struct object *object;
	tenure_value value;
	tenure_bytes bytes;
	const char *text;

	switch (parameter->kind) {
	case TENURE_STRING:
		memcpy(&text, at, sizeof(text));
		decode_leaf(tails, word, text, strlen(text));
		break;
	case TENURE_BYTES:
		memcpy(&bytes, at, sizeof(bytes));
		decode_leaf(tails, word, bytes.data, bytes.size);
		break;
	case TENURE_VALUE_:
		memcpy(&value, at, sizeof(value));
		decode(tails, &value);
		CHECK(word == (uint64_t)(tails->at - begin));
		break;
	case TENURE_OBJECT_:
		memcpy(&object, at, sizeof(object));
		for (size_t i = 0; i < object->count; i++)
			decode(tails, &object->values[i]);
		CHECK(word == (uint64_t)(tails->at - begin));
		break;
	default:
		CHECK(word == scalar(parameter, at));
	}
}

static void decode_list(const struct tn_key *key, const tenure_definition *definition, struct list *list)
{
	struct cursor words = { key->bytes, key->bytes + key->size }, tails = words;

	for (size_t i = 0; i < definition->parameter_count; i++)
		tails.at += definition->parameters[i].name[0] == '_' ? 0 : 8;
	words.end = tails.at;
	for (size_t i = 0; i < definition->parameter_count; i++) {
		if (definition->parameters[i].name[0] != '_')
			decode_parameter(&words, &tails, &definition->parameters[i], slot(list, i));
	}
	CHECK(words.at == words.end && tails.at == tails.end);
}

/* ---- are two lists equal? */

static bool same_value(const tenure_value *a, const tenure_value *b)
{
	const tenure_value *x = a->as.data, *y = b->as.data;

	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case TENURE_NIL:
		return true;
	case TENURE_BOOL:
		return a->as.truth == b->as.truth;
	case TENURE_STRING:
	case TENURE_BYTES:
		return a->size == b->size && (a->size == 0 || memcmp(a->as.data, b->as.data, a->size) == 0);
	case TENURE_LIST:
	case TENURE_MAP:
		if (a->size != b->size)
			return false;
		for (size_t i = 0; i < a->size; i++) {
			if (!same_value(&x[i], &y[i]))
				return false;
		}
		return true;
	default:
		return a->as.natural == b->as.natural;
	}
}

static bool same_argument(const tenure_parameter *parameter, const void *at, const void *other)
{
	const struct object *a, *b;
	tenure_value x, y;
	tenure_bytes s, t;
	const char *u, *v;

	switch (parameter->kind) {
	case TENURE_STRING:
		memcpy(&u, at, sizeof(u));
		memcpy(&v, other, sizeof(v));
		return strcmp(u, v) == 0;
	case TENURE_BYTES:
		memcpy(&s, at, sizeof(s));
		memcpy(&t, other, sizeof(t));
		return s.size == t.size && (s.size == 0 || memcmp(s.data, t.data, s.size) == 0);
	case TENURE_VALUE_:
		memcpy(&x, at, sizeof(x));
		memcpy(&y, other, sizeof(y));
		return same_value(&x, &y);
	case TENURE_OBJECT_:
		memcpy(&a, at, sizeof(a));
		memcpy(&b, other, sizeof(b));
		for (size_t i = 0; i < a->count && a->count == b->count; i++) {
			if (!same_value(&a->values[i], &b->values[i]))
				return false;
		}
		return a->count == b->count;
	default:
		return scalar(parameter, at) == scalar(parameter, other);
	}
}

/* ---- one list: its key, checked. false: it has none */

static bool check_key(struct tn_key *key, const tenure_definition *definition, struct list *list)
{
	struct buffer expected = { .bytes = NULL };
	bool good = encode_list(&expected, definition, list);
	int result;

	key->bytes = key->small;
	key->room = sizeof(key->small);
	key->size = 0;
	result = tn_key_build(key, definition, 7, (const tenure_arguments *)(const void *)list);
	CHECK(result == (good ? 0 : TENURE_EARGUMENT));
	if (!good) {
		CHECK(strstr(tenure_message(), "fuzzed(): the argument ") != NULL && strstr(tenure_message(), "underscore") != NULL);
	} else if (expected.size > TENURE_LEAF_MOST_) {
		unsigned char digest[16];

		tn_digest(&digest_key, expected.bytes, expected.size, digest);
		CHECK(key->size == (24 | TENURE_DIGESTED_) && tenure_read8_(key->bytes) == expected.size);
		CHECK(memcmp(key->bytes + 8, digest, sizeof(digest)) == 0);
	} else {
		CHECK(key->size == expected.size);
		CHECK(expected.size == 0 || memcmp(key->bytes, expected.bytes, expected.size) == 0);
		decode_list(key, definition, list);
	}
	free(expected.bytes);
	return good;
}

static bool same_key(const struct tn_key *a, const struct tn_key *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size & ~TENURE_DIGESTED_) == 0;
}

static void check_copy(const struct tn_key *key, const tenure_definition *definition, struct list *list)
{
	tenure_arguments *copy = tn_arguments_copy(definition, (tenure_arguments *)(void *)list);
	struct tn_key again;

	if (copy == NULL) /* a '_' value that is nested too deep */
		return;
	CHECK(check_key(&again, definition, (struct list *)(void *)copy) && same_key(key, &again) && key->hash == again.hash);
	tn_key_drop(&again);
	tn_free(copy);
}

static void check_format(struct input *input, const struct tn_key *key, const tenure_definition *definition)
{
	size_t room = 1 + take_below(input, 255);
	char *text = malloc(room);

	CHECK(text != NULL);
	tn_key_format(definition, key->bytes, key->size, text, room);
	CHECK(memchr(text, '\0', room) != NULL);
	for (const char *at = text; *at != '\0'; at++)
		CHECK((unsigned char)*at >= ' ' && *at != 0x7f);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	tenure_parameter parameters[PARAMETERS_MOST];
	tenure_definition definition;
	static struct list a, b;
	struct tn_key x, y;
	bool equal = true, has_x, has_y;

	if (digest_key.finish[0] == 0) {
		tn_key_setup(SECRET);
		tn_digest_key_init(&digest_key, SECRET);
	}
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	((tenure_arguments *)(void *)&a)->size = ((tenure_arguments *)(void *)&b)->size = sizeof(a);
	make_definition(&input, &definition, parameters);
	for (size_t i = 0; i < definition.parameter_count; i++)
		make_argument(&input, &parameters[i], slot(&a, i));
	for (size_t i = 0; i < definition.parameter_count; i++) {
		if (take_below(&input, 4) != 0)
			memcpy(slot(&b, i), slot(&a, i), SLOT);
		else
			make_argument(&input, &parameters[i], slot(&b, i));
	}
	has_x = check_key(&x, &definition, &a);
	has_y = check_key(&y, &definition, &b);
	if (has_x && has_y) {
		for (size_t i = 0; i < definition.parameter_count; i++)
			equal = equal && (parameters[i].name[0] == '_' || same_argument(&parameters[i], slot(&a, i), slot(&b, i)));
		CHECK(same_key(&x, &y) == equal && (!equal || x.hash == y.hash));
	}
	if (has_x) {
		check_copy(&x, &definition, &a);
		check_format(&input, &x, &definition);
	}
	tn_key_drop(&x);
	tn_key_drop(&y);
	keep_end();
	return 0;
}
