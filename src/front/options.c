/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: the users' option structures.
 *
 * A structure carries the size that its user's header gave it. A smaller one is an older one: what it lacks is zero, which
 * means default. A larger one is newer: fine while what this library does not know is zero. */
#include "front/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/error.h"
#include "core/bind.h"
#include "core/cache.h"
#include "core/key.h"

void tn_options_copy(void *to, size_t to_size, const void *from, size_t from_size)
{
	memset(to, 0, to_size);
	memcpy(to, from, to_size < from_size ? to_size : from_size);
}

static bool unknown_tail(const void *given, size_t given_size, size_t known_size)
{
	const unsigned char *bytes = given;

	for (size_t i = known_size; i < given_size; i++) {
		if (bytes[i] != 0)
			return true;
	}
	return false;
}

/* Every version of a structure holds pointers, so its size is a multiple of theirs; half a pointer must not be read. */
static bool possible_size(size_t size)
{
	return size % sizeof(void *) == 0;
}

static int read_duration(const char *function, const char *option, const char *text, int64_t ns, int64_t absent,
			 int64_t *ret)
{
	char why[400];

	*ret = absent;
	if (text != NULL && ns != 0)
		return tn_fail(TENURE_EINVAL, "%s(): give .%s or .%s_ns, not both", function, option, option);
	if (text != NULL && tn_duration_parse(text, &ns, why, sizeof(why)) != 0)
		return tn_fail(TENURE_EINVAL, "%s(): .%s = %s", function, option, why);
	if (ns < 0 || (text != NULL && ns == 0))
		return tn_fail(TENURE_EINVAL, "%s(): .%s must be longer than nothing; leave it out for %s", function, option,
			       absent == TN_NEVER ? "no end" : "every hit");
	if (ns != 0)
		*ret = ns;
	return 0;
}

static int check_callbacks(const tenure_function *face)
{
	const tenure_definition *definition = face->definition;
	int wrong = 0;

	/* Generated code that fills in the definition: once, before other threads can know the function. */
	tn_lock();
	if (definition->complete != NULL && __atomic_load_n(&face->state_[0], __ATOMIC_RELAXED) == NULL)
		wrong = definition->complete(definition->user);
	tn_unlock();
	if (definition->create == NULL)
		wrong = 1;
	if (wrong == 0 && (definition->mix == NULL) != (definition->same == NULL))
		return tn_fail(TENURE_EINVAL, "%s(): .mix and .same go together", definition->name);
	switch (wrong) {
	case 0:
		return 0;
	case 1:
		return tn_fail(TENURE_EINVAL, "%s(): .create is missing: the function that makes the resource",
			       definition->name);
	default:
		return tn_fail(TENURE_EINVAL, "%s(): .release and .close are both set; give the one that fits: close returns an "
			       "int, release nothing", definition->name);
	}
}

/* Does the member have a size that its kind can have, inside the structure? */
static bool fits(const tenure_definition *definition, const tenure_parameter *parameter)
{
	size_t size = parameter->size;

	if (definition->arguments_size == 0)
		return true;
	if (parameter->offset > definition->arguments_size || size > definition->arguments_size - parameter->offset)
		return false;
	switch (parameter->kind) {
	case TENURE_BOOL:
		return size == sizeof(bool);
	case TENURE_INT:
	case TENURE_UINT:
		return size == 1 || size == 2 || size == 4 || size == 8;
	case TENURE_REAL:
		return size == sizeof(float) || size == sizeof(double);
	case TENURE_STRING:
		return size == sizeof(char *);
	case TENURE_BYTES:
		return size == sizeof(tenure_bytes);
	case TENURE_VALUE:
		return size == sizeof(tenure_value);
	default:
		return true;
	}
}

/* What is wrong with it, for the message; NULL: nothing. */
static const char *wrong_parameter(const tenure_definition *definition, const tenure_parameter *parameter)
{
	uint32_t kind = parameter->kind, preset = parameter->preset.kind;

	if (parameter->name == NULL || parameter->name[0] == '\0')
		return "has an empty name";
	if (kind == TENURE_NIL || kind == TENURE_LIST || kind == TENURE_MAP || kind > TENURE_OBJECT)
		return "has a kind that no parameter has: allowed are TENURE_BOOL to TENURE_BYTES, TENURE_VALUE and TENURE_OBJECT";
	if (preset != TENURE_NIL && preset != kind && (kind != TENURE_VALUE || preset > TENURE_MAP))
		return "has a preset of another kind";
	return fits(definition, parameter) ? NULL : "has a size or a place that does not fit its kind or the structure";
}

static int check_parameters(const tenure_definition *definition)
{
	if (definition->arguments_size != 0 && definition->arguments_size < sizeof(tenure_arguments))
		return tn_fail(TENURE_EINVAL, "%s(): .arguments_size is %zu, less than its head", definition->name,
			       definition->arguments_size);
	if (definition->parameter_count > TN_PARAMETERS_MOST || (definition->parameters == NULL && definition->parameter_count != 0))
		return tn_fail(TENURE_EINVAL, "%s(): %zu parameters; allowed are at most %d, in .parameters", definition->name,
			       definition->parameter_count, TN_PARAMETERS_MOST);
	for (size_t i = 0; i < definition->parameter_count; i++) {
		const tenure_parameter *parameter = &definition->parameters[i];
		const char *wrong = wrong_parameter(definition, parameter);

		for (size_t j = 0; wrong == NULL && j < i; j++) {
			if (strcmp(definition->parameters[j].name, parameter->name) == 0)
				wrong = "has the name of another one";
		}
		if (wrong != NULL)
			return tn_fail(TENURE_EINVAL, "%s(): the parameter %s %s", definition->name,
				       parameter->name == NULL ? "without a name" : parameter->name, wrong);
		if (tn_parameter_keyed(parameter) && parameter->kind == TENURE_OBJECT && parameter->identify == NULL)
			return tn_fail(TENURE_EINVAL, "%s(): the type of the parameter %s (%s) has no identity: declare it with an "
				       "identify function as third item, or begin its name with an underscore (_%s) to leave "
				       "it out of the key", definition->name, parameter->name, tn_parameter_type(parameter), parameter->name);
	}
	return 0;
}

/* What runs on a worker outlives the call that asked for it, so its arguments must be copied. */
static int check_copyable(const tenure_definition *definition, const char *option)
{
	for (size_t i = 0; i < definition->parameter_count; i++) {
		const tenure_parameter *parameter = &definition->parameters[i];

		if (parameter->kind == TENURE_OBJECT)
			return tn_fail(TENURE_EINVAL, "%s(): %s needs arguments that tenure can copy; the parameter %s (%s) is of "
				       "a type it cannot", definition->name, option, parameter->name, tn_parameter_type(parameter));
	}
	return 0;
}

static int read_background(const tenure_definition *definition, const tenure_options *given, struct tn_options *options)
{
	const char *name = definition->name;
	int result;

	if (given->refresh > TENURE_BACKGROUND)
		return tn_fail(TENURE_EINVAL, "%s(): .refresh is %u; allowed is TENURE_FOREGROUND or TENURE_BACKGROUND", name,
			       given->refresh);
	result = read_duration(name, "max_stale", given->max_stale, given->max_stale_ns, 0, &options->max_stale);
	if (result != 0)
		return result;
	if (given->refresh != TENURE_BACKGROUND && options->max_stale != 0)
		return tn_fail(TENURE_EINVAL, "%s(): .max_stale does nothing without .refresh = TENURE_BACKGROUND", name);
	if (given->refresh == TENURE_BACKGROUND && options->ttl == TN_NEVER)
		return tn_fail(TENURE_EINVAL, "%s(): .refresh = TENURE_BACKGROUND does nothing without .ttl", name);
	if (options->max_stale != 0 && options->max_stale <= options->ttl)
		return tn_fail(TENURE_EINVAL, "%s(): .max_stale must be longer than .ttl; leave it out for twice the ttl", name);
	if (given->refresh == TENURE_BACKGROUND)
		result = check_copyable(definition, ".refresh = TENURE_BACKGROUND");
	if (result == 0 && given->create_on_worker)
		result = check_copyable(definition, ".create_on_worker");
	return result;
}

static int read_cache(const tenure_function *face, const tenure_options *given, struct tn_options *options)
{
	/* Atomic: another thread may be closing it, by its variable. */
	options->cache = given->cache != NULL ? __atomic_load_n(given->cache, __ATOMIC_ACQUIRE) : tn_options_default_cache();
	if (given->cache != NULL && options->cache == NULL && tn_function_was_closed(face))
		return tn_fail(TENURE_ECLOSED, "%s(): its cache is closed", face->definition->name);
	if (given->cache != NULL && options->cache == NULL)
		return tn_fail(TENURE_EINVAL, "%s(): .cache is the address of a variable that holds NULL; open the cache first",
			       face->definition->name);
	return options->cache != NULL ? 0 : tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache");
}

int tn_options_read(const tenure_function *face, const tenure_options *other, char spinner_room[256], struct tn_options *options)
{
	const tenure_definition *definition = face->definition;
	const char *name;
	tenure_options given;
	int result;

	if (definition == NULL || definition->name == NULL || definition->options == NULL)
		return tn_fail(TENURE_EINVAL, "a function without a definition; use TENURE_DEFINE");
	name = definition->name;
	if (definition->size != sizeof(*definition) || (definition->layout != 0 && definition->layout != TENURE_LAYOUT_) ||
	    !possible_size(definition->options_size) ||
	    unknown_tail(definition->options, definition->options_size, sizeof(given)))
		return tn_fail(TENURE_EVERSION, "%s() was compiled against another version of tenure than %s", name,
			       tenure_version());
	tn_options_copy(&given, sizeof(given), other == NULL ? definition->options : other, definition->options_size);
	memset(options, 0, sizeof(*options));
	result = check_callbacks(face);
	if (result == 0)
		result = check_parameters(definition);
	if (result == 0)
		result = read_duration(name, "ttl", given.ttl, given.ttl_ns, TN_NEVER, &options->ttl);
	if (result == 0)
		result = read_duration(name, "idle_ttl", given.idle_ttl, given.idle_ttl_ns, TN_NEVER, &options->idle_ttl);
	if (result == 0)
		result = read_duration(name, "validate_every", given.validate_every, given.validate_every_ns, 0,
				       &options->validate_every);
	if (result == 0 && options->validate_every != 0 && definition->validate == NULL)
		result = tn_fail(TENURE_EINVAL, "%s(): .validate_every without .validate does nothing", name);
	if (result == 0 && given.jitter_percent > 50)
		result = tn_fail(TENURE_EINVAL, "%s(): .jitter_percent is %u; allowed is 0 to 50", name, given.jitter_percent);
	if (result == 0 && given.max_entries > INT64_MAX) /* -1 becomes so many */
		result = tn_fail(TENURE_EINVAL, "%s(): .max_entries is %lld; allowed is 0 (no bound) or more", name,
				 (long long)given.max_entries);
	if (result == 0 && given.version != NULL && given.version[0] == '\0')
		result = tn_fail(TENURE_EINVAL, "%s(): .version is empty; leave it out, or give a text", name);
	if (result == 0 && given.scope > TENURE_SESSION)
		result = tn_fail(TENURE_EINVAL, "%s(): .scope is %u; allowed is TENURE_GLOBAL or TENURE_SESSION", name,
				 given.scope);
	if (result == 0)
		result = read_background(definition, &given, options);
	if (result == 0)
		result = read_cache(face, &given, options);
	if (result != 0)
		return result;
	snprintf(spinner_room, 256, "Running `%s(...)`.", name);
	options->spinner = given.spinner == NULL ? spinner_room : given.spinner[0] == '\0' ? NULL : given.spinner;
	options->max_entries = given.max_entries == 0 ? UINT64_MAX : given.max_entries;
	options->jitter_percent = given.jitter_percent;
	options->show_time = given.show_time;
	options->track_holders = given.track_holders;
	options->version = given.version;
	options->scoped = given.scope == TENURE_SESSION;
	options->background = given.refresh == TENURE_BACKGROUND;
	options->on_worker = given.create_on_worker;
	return 0;
}

static const tenure_front *front_of_environment(void)
{
	const char *name = secure_getenv("TENURE_FRONT");

	return name != NULL && strcmp(name, "terminal") == 0 ? &tenure_terminal : NULL;
}

tenure_cache *tn_options_default_cache(void)
{
	tenure_cache_options options = { .size = sizeof(options), .front = front_of_environment() };

	return tn_cache_default(&options);
}

int tn_options_read_cache(const tenure_cache_options *given, tenure_cache_options *options)
{
	if (given == NULL || given->size == 0 || !possible_size(given->size))
		return tn_fail(TENURE_EINVAL, "cache options without a size that they can have; use the macros, which set it");
	if (unknown_tail(given, given->size, sizeof(*options)))
		return tn_fail(TENURE_EVERSION, "the cache's options were compiled against a newer version of tenure than %s",
			       tenure_version());
	tn_options_copy(options, sizeof(*options), given, given->size);
	options->size = sizeof(*options);
	if (options->exit_timeout < 0)
		return tn_fail(TENURE_EINVAL, ".exit_timeout is %lld ns; allowed is 0 (5 s) or more",
			       (long long)options->exit_timeout);
	if (options->workers > 64)
		return tn_fail(TENURE_EINVAL, ".workers is %u; allowed is 0 (2) to 64", options->workers);
	if (options->manual && options->execute != NULL)
		return tn_fail(TENURE_EINVAL, ".manual and .execute exclude each other: in manual mode tenure_poll() runs everything");
	if (options->wake != NULL && !options->manual)
		return tn_fail(TENURE_EINVAL, ".wake does nothing without .manual = true");
	if (options->workers != 0 && (options->manual || options->execute != NULL))
		return tn_fail(TENURE_EINVAL, ".workers does nothing with %s: there are none",
			       options->manual ? ".manual" : ".execute");
	if (options->front != NULL && options->front->size < sizeof(tenure_front))
		return tn_fail(TENURE_EINVAL, ".front has no size; begin it with .size = sizeof(tenure_front)");
	if (options->front == NULL)
		options->front = front_of_environment();
	return 0;
}
