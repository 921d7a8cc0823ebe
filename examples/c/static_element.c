/* SPDX-License-Identifier: Apache-2.0 */
/* static_element.c: example 4: what a creator says is shown again on every later hit of a session. */
#include <tenure/tenure.h>

#include "example.h"
#include "index.h"

TENURE_DECLARE_STATIC(load_model, struct index, (const char *, folder));

static int load(tenure_call *call, const load_model_args *args, struct index **ret)
{
	*ret = index_make(args->folder, 0);
	if (*ret == NULL)
		return tenure_fail(call, "nothing to read in %s", args->folder);
	return tenure_say(call, TENURE_SUCCESS, "Loaded the model: %zu bytes of text", index_size(*ret));
}
TENURE_DEFINE_STATIC(load_model, .create = load, .release = index_free, .spinner = "Loading the model", .show_time = true);

void example_static_element(void)
{
	tenure_session *annas, *berts;
	tenure_session *before;

	EXPECT(tenure_session_open("Anna", NULL, &annas) == 0);
	EXPECT(tenure_session_open("Bert", NULL, &berts) == 0);
	tenure_session_enter(annas, &before);
	EXPECT(tenure_get(load_model, NULL, SOURCES) == TENURE_CREATED); /* Anna waits, and sees the message */
	tenure_session_enter(berts, NULL);
	EXPECT(tenure_get(load_model, NULL, SOURCES) == TENURE_HIT); /* Bert waits for nothing, and sees it too */
	tenure_session_enter(before, NULL);
	tenure_session_end(berts);
	tenure_session_end(annas);
	printf("  made once, shown to both\n");
	EXPECT(tenure_drain(load_model, TENURE_SECONDS(10)) == 0);
}

EXAMPLE(example_static_element);
