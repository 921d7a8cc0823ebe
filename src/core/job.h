/* SPDX-License-Identifier: Apache-2.0 */
/* job.h: a creation that runs on a worker, apart from the call that asked for it. */
#ifndef TN_JOB_H
#define TN_JOB_H

#include "core/creation.h"

/* One block of memory that owns all it points to, until it has run or is dropped. */
struct tn_job {
	struct tn_task task;
	struct tn_creation creation;
	struct tn_request request; /* with copies of the arguments, and the entry's key */
	tenure_arguments *arguments;
	uint64_t generation; /* of the process */
};

/* NULL with a message: no memory. `size`: of a structure that begins with a job. Takes M. */
struct tn_job *tn_job_reserve(const struct tn_request *request, size_t size);
void tn_job_drop(struct tn_job *job); /* NULL is fine; also after it was begun and is over. Takes M */

/* The creation was begun and may run. The job is its worker's after this. */
void tn_job_queue_locked(struct tn_job *job);

#endif
