/* SPDX-License-Identifier: Apache-2.0 */
/* key.c: arguments become canonical, framed bytes. */
#include "core/key.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/error.h"

enum { DEPTH_MOST = 64, DIGESTED_KIND = 0x80, PATH_MOST = 200 };
static const char *const KINDS[] = { "nil", "bool", "int", "uint", "real", "text", "bytes", "list", "map", "value", "object" };

static struct tn_digest_key digest_key; /* constant after tn_key_setup() */

void tn_key_setup(const unsigned char secret[32])
{
	tn_digest_key_init(&digest_key, secret);
}

const char *tn_kind_name(uint32_t kind)
{
	return kind < sizeof(KINDS) / sizeof(KINDS[0]) ? KINDS[kind] : "unknown";
}

const char *tn_parameter_type(const tenure_parameter *parameter)
{
	return parameter->type != NULL ? parameter->type : tn_kind_name(parameter->kind);
}

/* Where in a list or a map: put into words when something is wrong there only. Lives on the stack of its encode_items(). */
struct step {
	const struct step *outer;
	const tenure_value *list; /* or map */
	size_t item;
};

/* One key being built: what identify functions get to add to. */
struct tenure_identity {
	struct tn_key *key;
	size_t size;
	const tenure_definition *definition;
	const tenure_parameter *parameter;
	const struct step *steps; /* to the value being encoded, the innermost first; NULL: it is the argument itself */
	int result; /* the first error */
};

/* ---- errors */

static int refuse(struct tenure_identity *identity, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ["n"][2] */
static size_t describe_steps(const struct step *step, char *text, size_t room)
{
	size_t length = step->outer == NULL ? 0 : describe_steps(step->outer, text, room);
	const tenure_value *items = step->list->as.data, *name = step->item % 2 == 1 ? &items[step->item - 1] : NULL;
	bool map = step->list->kind == TENURE_MAP;

	if (map && name != NULL && name->kind == TENURE_STRING)
		snprintf(text + length, room - length, "[\"%.*s\"]", name->size < 40 ? (int)name->size : 40,
			 (const char *)name->as.data);
	else
		snprintf(text + length, room - length, "[%zu]", map ? step->item / 2 : step->item);
	return length + strlen(text + length);
}

static int refuse(struct tenure_identity *identity, const char *format, ...)
{
	char what[160], path[PATH_MOST] = "";
	va_list arguments;

	if (identity->result != 0)
		return identity->result;
	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	if (identity->steps != NULL)
		describe_steps(identity->steps, path, sizeof(path));
	return identity->result = tn_fail(TENURE_EARGUMENT,
		"%s(): the argument %s%s (%s) %s. Pass a value that has an identity (NULL has none, \"\" has), begin the parameter's "
		"name with an underscore (_%s) to leave it out of the key, or declare it with an identify function",
		identity->definition->name, identity->parameter->name, path, tn_parameter_type(identity->parameter), what,
		identity->parameter->name);
}

static int no_memory(struct tenure_identity *identity)
{
	if (identity->result == 0)
		identity->result = tn_fail(TENURE_ENOMEM, "out of memory for a key of %s()", identity->definition->name);
	return identity->result;
}

/* ---- appending */

static unsigned char *append_room(struct tenure_identity *identity, size_t size)
{
	struct tn_key *key = identity->key;
	unsigned char *bigger;
	size_t room;

	if (identity->result != 0)
		return NULL;
	if (size > SIZE_MAX / 4 - identity->size) {
		no_memory(identity);
		return NULL;
	}
	if (identity->size + size > key->room) {
		room = 2 * (identity->size + size);
		bigger = tn_alloc(room);
		if (bigger == NULL) {
			no_memory(identity);
			return NULL;
		}
		memcpy(bigger, key->bytes, identity->size);
		if (key->bytes != key->small)
			tn_free(key->bytes);
		key->bytes = bigger;
		key->room = room;
	}
	identity->size += size;
	return key->bytes + identity->size - size;
}

static void append(struct tenure_identity *identity, const void *data, size_t size)
{
	unsigned char *at = append_room(identity, size);

	if (at != NULL && size != 0)
		memcpy(at, data, size);
}

static void append_word(struct tenure_identity *identity, uint64_t word)
{
	append(identity, &word, sizeof(word));
}

/* A leaf's tail. Returns the word that frames it. */
static uint64_t append_leaf(struct tenure_identity *identity, const void *data, size_t size)
{
	unsigned char digest[16];

	if (size <= TENURE_LEAF_MOST_) {
		append(identity, data, size);
		return size;
	}
	tn_digest(&digest_key, data, size, digest);
	append(identity, digest, sizeof(digest));
	return size | TN_DIGESTED_SIZE;
}

/* ---- values */

static void encode(struct tenure_identity *identity, const tenure_value *value, int depth);

static void encode_leaf(struct tenure_identity *identity, const tenure_value *value)
{
	size_t at = identity->size;
	uint64_t framed;
	unsigned char kind = (unsigned char)value->kind;

	if (value->as.data == NULL && (value->kind == TENURE_STRING || value->size != 0)) {
		refuse(identity, "is NULL");
		return;
	}
	append(identity, &kind, 1);
	append_word(identity, 0);
	framed = append_leaf(identity, value->as.data, value->size);
	if (identity->result != 0)
		return;
	memcpy(identity->key->bytes + at + 1, &framed, sizeof(framed));
}

static void encode_items(struct tenure_identity *identity, const tenure_value *value, int depth)
{
	const tenure_value *items = value->as.data;
	struct step step = { .outer = identity->steps, .list = value };

	if (items == NULL && value->size != 0) {
		refuse(identity, "is a list without items");
		return;
	}
	append_word(identity, value->size);
	identity->steps = &step;
	for (; step.item < value->size && identity->result == 0; step.item++)
		encode(identity, &items[step.item], depth + 1);
	identity->steps = step.outer;
}

static void encode(struct tenure_identity *identity, const tenure_value *value, int depth)
{
	unsigned char kind = (unsigned char)value->kind;

	if (depth > DEPTH_MOST) {
		refuse(identity, "is nested more than %d deep, or contains itself", DEPTH_MOST);
		return;
	}
	switch (value->kind) {
	case TENURE_NIL:
		append(identity, &kind, 1);
		break;
	case TENURE_BOOL:
		append(identity, &kind, 1);
		append_word(identity, value->as.truth);
		break;
	case TENURE_INT:
	case TENURE_UINT:
	case TENURE_REAL:
		append(identity, &kind, 1);
		append_word(identity, value->as.natural);
		break;
	case TENURE_STRING:
	case TENURE_BYTES:
		encode_leaf(identity, value);
		break;
	case TENURE_LIST:
	case TENURE_MAP:
		if (value->kind == TENURE_MAP && value->size % 2 != 0) {
			refuse(identity, "is a map of %zu items: a key has no value", value->size);
			break;
		}
		append(identity, &kind, 1);
		encode_items(identity, value, depth);
		break;
	default:
		refuse(identity, "has the unknown kind %u", value->kind);
	}
}

int tenure_identify(tenure_identity *identity, tenure_value value)
{
	encode(identity, &value, 0);
	return identity->result;
}

/* ---- parameters */

static uint64_t scalar_word(const tenure_parameter *parameter, const void *at)
{
	union {
		int8_t i8;
		int16_t i16;
		int32_t i32;
		int64_t i64;
		uint64_t u64;
		float f;
		double d;
	} v = { .u64 = 0 };

	memcpy(&v, at, parameter->size);
	switch (parameter->kind) {
	case TENURE_REAL:
		return tenure_real_word_(parameter->size == sizeof(float) ? (double)v.f : v.d);
	case TENURE_INT:
		switch (parameter->size) {
		case 1:
			return (uint64_t)(int64_t)v.i8;
		case 2:
			return (uint64_t)(int64_t)v.i16;
		case 4:
			return (uint64_t)(int64_t)v.i32;
		default:
			return (uint64_t)v.i64;
		}
	default: /* unsigned and bool: the bytes above are zero on both byte orders we run on (little-endian) */
		return v.u64;
	}
}

static uint64_t append_object(struct tenure_identity *identity, const void *object)
{
	size_t begin = identity->size;
	int result;

	if (identity->parameter->identify == NULL) {
		refuse(identity, "has no identity");
		return 0;
	}
	result = identity->parameter->identify(identity, object);
	if (result != 0)
		refuse(identity, "has no identity: its identify function returned %d", result);
	return identity->size - begin;
}

/* An argument of a bound list: its tail, if it has one; returns its word. */
static uint64_t append_argument(struct tenure_identity *identity, const tenure_argument *argument)
{
	const tenure_value *value = &argument->value;
	size_t begin = identity->size;

	switch (identity->parameter->kind) {
	case TENURE_STRING:
	case TENURE_BYTES:
		if (value->as.data == NULL && (value->kind == TENURE_STRING || value->size != 0)) {
			refuse(identity, "is NULL");
			return 0;
		}
		return append_leaf(identity, value->as.data, value->size);
	case TENURE_VALUE:
		encode(identity, value, 0);
		return identity->size - begin;
	case TENURE_OBJECT:
		return append_object(identity, argument->object);
	case TENURE_BOOL:
		return value->as.truth;
	default:
		return value->as.natural;
	}
}

/* A member of the definition's structure, likewise. */
static uint64_t append_parameter(struct tenure_identity *identity, const tenure_arguments *arguments)
{
	const tenure_parameter *parameter = identity->parameter;
	const void *at = (const char *)arguments + parameter->offset;
	size_t begin = identity->size;
	const char *text;
	const tenure_bytes *bytes;

	switch (parameter->kind) {
	case TENURE_STRING:
		text = *(const char *const *)at;
		if (text == NULL) {
			refuse(identity, "is NULL");
			return 0;
		}
		return append_leaf(identity, text, strlen(text));
	case TENURE_BYTES:
		bytes = at;
		if (bytes->data == NULL && bytes->size != 0) {
			refuse(identity, "is NULL");
			return 0;
		}
		return append_leaf(identity, bytes->data, bytes->size);
	case TENURE_VALUE:
		encode(identity, at, 0);
		return identity->size - begin;
	case TENURE_OBJECT:
		return append_object(identity, at);
	default:
		return scalar_word(parameter, at);
	}
}

static void digest_whole(struct tn_key *key, size_t size)
{
	unsigned char digest[16];
	uint64_t word = size;

	tn_digest(&digest_key, key->bytes, size, digest);
	memcpy(key->bytes, &word, sizeof(word));
	memcpy(key->bytes + sizeof(word), digest, sizeof(digest));
	key->size = (uint32_t)(sizeof(word) + sizeof(digest)) | TENURE_DIGESTED_;
}

/* The hash that hit.h computes from the arguments, from the canonical bytes. */
uint64_t tn_key_hash(const tenure_definition *definition, uint64_t hash, const unsigned char *bytes, uint32_t size)
{
	const unsigned char *word = bytes, *tail = bytes;

	if (size & TENURE_DIGESTED_)
		return tenure_mix_bytes_(hash, bytes, size & ~TENURE_DIGESTED_);
	for (size_t i = 0; i < definition->parameter_count; i++)
		tail += tn_parameter_keyed(&definition->parameters[i]) ? 8 : 0;
	for (size_t i = 0; i < definition->parameter_count; i++) {
		const tenure_parameter *parameter = &definition->parameters[i];
		uint64_t value;

		if (!tn_parameter_keyed(parameter))
			continue;
		value = tenure_read8_(word);
		word += 8;
		if (parameter->kind < TENURE_STRING || value & TN_DIGESTED_SIZE)
			hash = tenure_mix_word_(hash, value);
		if (parameter->kind < TENURE_STRING)
			continue;
		value = value & TN_DIGESTED_SIZE ? 16 : value;
		hash = tenure_mix_bytes_(hash, tail, value);
		tail += value;
	}
	return hash;
}

void tn_key_start(struct tn_key *key)
{
	key->bytes = key->small;
	key->room = sizeof(key->small);
	key->size = 0;
}

int tn_key_build(struct tn_key *key, const tenure_definition *definition, uint64_t seed,
		 const tenure_arguments *arguments)
{
	const tenure_argument_list *list = arguments->size == 0 ? (const void *)arguments : NULL;
	struct tenure_identity identity = { .key = key, .definition = definition };
	size_t words = 0, word = 0;

	for (size_t i = 0; i < definition->parameter_count; i++)
		words += tn_parameter_keyed(&definition->parameters[i]);
	append_room(&identity, 8 * words);
	for (size_t i = 0; i < definition->parameter_count && identity.result == 0; i++) {
		uint64_t value;

		identity.parameter = &definition->parameters[i];
		if (!tn_parameter_keyed(identity.parameter))
			continue;
		value = list != NULL ? append_argument(&identity, &list->items[i]) : append_parameter(&identity, arguments);
		memcpy(key->bytes + 8 * word++, &value, sizeof(value));
	}
	if (identity.result != 0)
		return identity.result;
	key->size = (uint32_t)identity.size;
	if (identity.size > TENURE_LEAF_MOST_)
		digest_whole(key, identity.size);
	key->hash = tn_key_hash(definition, seed, key->bytes, key->size);
	return 0;
}

void tn_key_drop(struct tn_key *key)
{
	if (key->bytes != key->small)
		tn_free(key->bytes);
	tn_key_start(key);
}
