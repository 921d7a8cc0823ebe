/* SPDX-License-Identifier: Apache-2.0 */
/* caches.c: the public calls on caches and sessions. */
#include "base/alloc.h"
#include "base/error.h"
#include "core/cache.h"
#include "core/clear.h"
#include "core/maintenance.h"
#include "core/scope.h"
#include "core/session.h"
#include "front/guard.h"
#include "front/invoke.h"
#include "front/options.h"

/* ---- caches */

static tenure_cache *cache_or_default(tenure_cache *cache)
{
	return cache != NULL ? cache : tn_options_default_cache();
}

int tenure_set_allocator(void *(*reallocate)(void *user, void *memory, size_t size), void *user)
{
	/* Before the guard, which starts the library, and before a message, which allocates. */
	if (reallocate != NULL && tn_alloc_choose(reallocate, user))
		return 0;
	return reallocate == NULL ? tn_fail(TENURE_EINVAL, "the function that allocates is NULL") :
				    tn_fail(TENURE_EBUSY, "the library has memory already; set the allocator before anything else");
}

int tenure_cache_open_with(tenure_cache **ret_cache, const tenure_cache_options *given)
{
	tenure_cache_options options;
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_cache_open()");

	if (result == 0 && ret_cache == NULL)
		result = tn_fail(TENURE_EINVAL, "the place for the cache is NULL");
	if (result == 0)
		result = tn_options_read_cache(given, &options);
	return result != 0 ? result : tn_cache_open(&options, ret_cache);
}

int tenure_configure_with(const tenure_cache_options *given)
{
	tenure_cache_options options;
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_configure()");

	if (result == 0)
		result = tn_options_read_cache(given, &options);
	return result != 0 ? result : tn_cache_configure(&options);
}

int tenure_cache_close(tenure_cache **cache, int64_t timeout)
{
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_cache_close()");
	tenure_cache *closing = cache == NULL ? NULL : __atomic_load_n(cache, __ATOMIC_ACQUIRE);

	if (result == 0 && closing == NULL)
		return tn_fail(TENURE_EINVAL, "the cache is NULL");
	if (result == 0)
		result = tn_cache_close(closing, timeout < 0 ? 0 : timeout);
	if (result == 0)
		__atomic_store_n(cache, NULL, __ATOMIC_RELEASE); /* others may look: .cache */
	return result;
}

int tenure_clear_all(tenure_cache *cache)
{
	int result = tn_guard(TN_FROM_WORK, "tenure_clear_all()");

	if (result != 0)
		return result;
	cache = cache_or_default(cache);
	return cache == NULL ? tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache") :
			       tn_cache_clear(cache, TN_CLEARED);
}

int tenure_drain_all(tenure_cache *cache, int64_t timeout)
{
	struct tn_function *root;
	int64_t deadline;
	int out = 0, result = tn_guard(TN_FROM_OUTSIDE, "tenure_drain_all()");

	if (result != 0)
		return result;
	cache = cache_or_default(cache);
	if (cache == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache");
	deadline = tn_call_deadline(cache, timeout);
	tn_cache_clear(cache, TN_CLEARED);
	for (root = NULL; out >= 0 && (root = tn_clear_next_root(cache, root)) != NULL;) {
		result = tn_clear_await(root, deadline);
		out = result < 0 ? result : out + result;
	}
	return out;
}

int tenure_poll(tenure_cache *cache, int64_t now, int limit, int64_t *ret_next)
{
	int result = tn_guard(TN_FROM_OUTSIDE, "tenure_poll()");

	if (result != 0)
		return result;
	cache = cache_or_default(cache);
	if (cache == NULL)
		return tn_fail(TENURE_ENOMEM, "out of memory for the process-wide cache");
	if (limit < 0)
		return tn_fail(TENURE_EINVAL, "the limit of tenure_poll() is %d; allowed is 0 (all) or more", limit);
	return tn_maintenance_poll(cache, now, limit, ret_next);
}

/* ---- sessions */

int tenure_session_open(const char *label, void *front_user, tenure_session **ret_session)
{
	int result = tn_guard(TN_FROM_WORK, "tenure_session_open()");

	if (result == 0 && ret_session == NULL)
		result = tn_fail(TENURE_EINVAL, "the place for the session is NULL");
	return result != 0 ? result : tn_session_open(label, front_user, ret_session);
}

int tenure_session_enter(tenure_session *session, tenure_session **ret_previous)
{
	int result = tn_guard(TN_FROM_WORK, "tenure_session_enter()");

	return result != 0 ? result : tn_session_enter(session, ret_previous);
}

int tenure_session_end(tenure_session *session)
{
	int result = tn_guard(TN_FROM_WORK, "tenure_session_end()");
	struct tn_session *ended;

	if (session == NULL || result != 0)
		return result;
	result = tn_session_close(session, &ended);
	if (result != 0)
		return result;
	tn_scope_end_session(ended);
	tn_session_finish(ended);
	return 0;
}
