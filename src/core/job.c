/* SPDX-License-Identifier: Apache-2.0 */
/* job.c: a creation that runs on a worker, apart from the call that asked for it.
 *
 * The call's thread takes the memory, begins the creation, waits for a predecessor's release, and queues the job; then it waits
 * like any other for the flight, and may leave. So a worker never waits before a creator. */
#include "core/job.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/error.h"
#include "core/arguments.h"
#include "core/worker.h"

struct tn_job *tn_job_reserve(const struct tn_request *request, size_t size)
{
	struct tn_job *job = tn_alloc(size);

	if (job != NULL)
		job->arguments = tn_arguments_copy(request->definition, request->arguments);
	if (job == NULL || job->arguments == NULL) {
		tn_free(job);
		tn_fail(TENURE_ENOMEM, "out of memory before a creation of %s()", request->definition->name);
		return NULL;
	}
	job->generation = tn_core.generation;
	job->request = *request;
	job->request.arguments = job->arguments;
	if (tn_creation_reserve(&job->creation, &job->request) != 0) {
		tn_job_drop(job);
		return NULL;
	}
	job->creation.no_lease = true;
	job->creation.flight->detached = true;
	return job;
}

void tn_job_drop(struct tn_job *job)
{
	if (job == NULL)
		return;
	tn_creation_drop(&job->creation);
	tn_free(job->arguments);
	tn_free(job);
}

/* What the job's thread was in the middle of: nothing on a worker, maybe a session where a poll runs the job. */
struct running {
	struct tn_job *job;
	struct tn_context was;
};

static void leave(struct running *running)
{
	struct tn_context *context = tn_context();

	context->visit = running->was.visit;
	context->inside = running->was.inside;
	context->callback = running->was.callback;
	context->quiet = running->was.quiet;
}

/* The creator has ended its thread; the creation was concluded by that. */
static void thread_lost(void *pointer)
{
	struct running *running = pointer;

	leave(running);
	if (!tn_forked_since(running->job->generation))
		tn_job_drop(running->job);
}

static bool closing(const struct tn_job *job)
{
	bool answer;

	tn_lock();
	answer = job->request.function->cache->closing;
	tn_unlock();
	return answer;
}

static void run(struct tn_task *task)
{
	struct tn_job *job = tn_container(task, struct tn_job, task);
	struct tn_context *context = tn_context();
	struct running running = { .job = job, .was = *context };

	context->quiet = job->creation.flight->quiet;
	context->visit = context->quiet ? job->creation.flight->visit : (struct tn_visit){ .session = NULL };
	context->inside = NULL;
	pthread_cleanup_push(thread_lost, &running);
	if (closing(job))
		tn_creation_not_started(&job->creation, TENURE_ECLOSED);
	else
		tn_creation_run(&job->creation);
	pthread_cleanup_pop(0);
	leave(&running);
	if (!tn_forked_since(job->generation))
		tn_job_drop(job);
}

void tn_job_queue_locked(struct tn_job *job)
{
	job->request.key = tenure_key_of_(&job->creation.flight->entry->head); /* the caller's goes with its call */
	job->task.run = run;
	tn_worker_queue_locked(job->request.function->cache, &job->task);
}
