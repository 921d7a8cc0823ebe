/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h: which call may be made from which callback. */
#ifndef TN_GUARD_H
#define TN_GUARD_H

enum tn_reach {
	TN_FROM_ALL, /* every callback */
	TN_FROM_WORK, /* outside, creators, validate, release */
	TN_FROM_OUTSIDE, /* no callback at all */
};

/* May a call of this reach be made here? 0, or TENURE_EREENTRANT with a message. Starts the library at the first call. */
int tn_guard(enum tn_reach reach, const char *call);

#endif
