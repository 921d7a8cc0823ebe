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
#include "core/cache.h"

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

static int check_parameters(const tenure_definition *definition)
{
	for (size_t i = 0; i < definition->parameter_count; i++) {
		const tenure_parameter *parameter = &definition->parameters[i];

		if (parameter->name[0] != '_' && parameter->kind == TENURE_OBJECT_ && parameter->identify == NULL)
			return tn_fail(TENURE_EINVAL, "%s(): the type of the parameter %s (%s) has no identity: declare it with an "
				       "identify function as third item, or begin its name with an underscore (_%s) to leave "
				       "it out of the key", definition->name, parameter->name, parameter->type, parameter->name);
	}
	return 0;
}

/* What runs on a worker outlives the call that asked for it, so its arguments must be copied. */
static int check_copyable(const tenure_definition *definition, const char *option)
{
	for (size_t i = 0; i < definition->parameter_count; i++) {
		const tenure_parameter *parameter = &definition->parameters[i];

		if (parameter->kind == TENURE_OBJECT_)
			return tn_fail(TENURE_EINVAL, "%s(): %s needs arguments that tenure can copy; the parameter %s (%s) is of "
				       "a type it cannot", definition->name, option, parameter->name, parameter->type);
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

static int read_cache(const tenure_definition *definition, const tenure_options *given, struct tn_options *options)
{
	if (given->cache != NULL && *given->cache == NULL)
		return tn_fail(TENURE_EINVAL, "%s(): .cache is the address of a variable that holds NULL; open the cache first",
			       definition->name);
	options->cache = given->cache != NULL ? *given->cache : tn_options_default_cache();
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
		result = read_cache(definition, &given, options);
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
	const char *name = getenv("TENURE_FRONT");

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
