/* SPDX-License-Identifier: Apache-2.0 */
/* guard.c: which call may be made from which callback. */
#include "front/guard.h"

#include "base/error.h"
#include "core/flight.h"
#include "core/fork.h"

static const char *const WHERE[] = {
	[TN_OUTSIDE] = "", [TN_IN_CREATE] = "a creator", [TN_IN_VALIDATE] = "validate", [TN_IN_RELEASE] = "a release",
	[TN_IN_FRONT] = "a front", [TN_IN_IDENTIFY] = "an identify function", [TN_IN_CLOCK] = "the clock",
	[TN_IN_REPORT] = "the report", [TN_IN_WRITE] = "the write of a dump",
	[TN_IN_DROP] = "the drop of a failure",
	[TN_IN_TELL] = "execute or wake", [TN_IN_FORGOTTEN] = "forgotten",
};

int tn_guard(enum tn_reach reach, const char *call)
{
	const struct tn_context *context = tn_context();
	enum tn_callback callback = context->callback;

	tn_core_start();
	if (callback == TN_OUTSIDE && context->attached && tn_flight_attached())
		callback = TN_IN_CREATE;
	if (callback == TN_OUTSIDE || reach == TN_FROM_ALL || (reach == TN_FROM_WORK && callback <= TN_IN_RELEASE))
		return 0;
	return tn_fail(TENURE_EREENTRANT, "%s may not be called from %s%s", call, WHERE[callback],
		       reach == TN_FROM_OUTSIDE && callback <= TN_IN_RELEASE ? ": it could wait for itself" : "");
}
