/* SPDX-License-Identifier: Apache-2.0 */
/* check.h: invariants of the library's own making, checked in every build.
 *
 * A broken one aborts. A user's mistake is a result code, never one of these. */
#ifndef TN_CHECK_H
#define TN_CHECK_H

__attribute__((noreturn, cold)) void tn_check_failed(const char *condition, const char *file, int line);

/* Cheap, and always on: going on with a broken invariant would release what is in use. */
#define TN_CHECK(condition) \
	do { \
		if (__builtin_expect(!(condition), 0)) \
			tn_check_failed(#condition, __FILE__, __LINE__); \
	} while (0)

#endif
