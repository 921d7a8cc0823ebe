/* SPDX-License-Identifier: Apache-2.0 */
/* fault.h: named places where a test can hold a thread. Nothing at all outside the builds for the tests.
 *
 * Arm a name, start what will come by, await its arrival, do the other side, let it go. A place may be passed under any
 * lock: the room has its own. */
#ifndef TN_FAULT_H
#define TN_FAULT_H

#ifdef TENURE_FAULTS
void tn_fault_at(const char *name);
#define TN_FAULT(name) tn_fault_at(name)

void tn_fault_arm(const char *name, int skip); /* the (skip + 1)th arrival parks; one arming parks one thread */
void tn_fault_await(const char *name); /* until one is parked there; ends the test after 30 s */
void tn_fault_release(const char *name);
long tn_fault_arrivals(const char *name); /* since the first arming of any name; counted while something is armed */
void tn_fault_reset(void); /* disarm all, let all go */
#else
#define TN_FAULT(name) ((void)0)
#endif

#endif
