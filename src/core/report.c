/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: telling the program what no call can return: a failed or hanging release, a failed refresh, a leak. */
#include "core/report.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/context.h"

void tn_report(tenure_cache *cache, int result, const char *format, ...)
{
	char text[2048];
	enum tn_callback was;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (cache->options.report == NULL) {
		fprintf(stderr, "tenure: %s\n", text);
		return;
	}
	was = tn_callback_enter(TN_IN_REPORT);
	cache->options.report(cache->options.user, result, text);
	tn_callback_leave(was);
}
