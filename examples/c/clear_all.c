/* SPDX-License-Identifier: Apache-2.0 */
/* clear_all.c: example 2: two cached functions, and one button that clears both. */
#include <errno.h>
#include <string.h>
#include <tenure/tenure.h>

#include "example.h"
#include "index.h"

TENURE_DECLARE(get_index, struct index, (const char *, folder));
TENURE_DECLARE(get_words, FILE, (const char *, path));

static int make_index(tenure_call *call, const get_index_args *args, struct index **ret)
{
	*ret = index_make(args->folder, 0);
	return *ret != NULL ? 0 : tenure_fail(call, "nothing to read in %s", args->folder);
}
TENURE_DEFINE(get_index, .create = make_index, .release = index_free, .spinner = "Indexing", .show_time = true);

static int open_words(tenure_call *call, const get_words_args *args, FILE **ret)
{
	*ret = fopen(args->path, "r");
	return *ret != NULL ? 0 : tenure_fail(call, "cannot open %s: %s", args->path, strerror(errno));
}
TENURE_DEFINE(get_words, .create = open_words, .close = fclose);

static void on_clear_all(void) /* the button */
{
	printf("  cleared %d resources\n", tenure_clear_all(NULL));
}

void example_clear_all(void)
{
	tenure_clear_all(NULL); /* what the demo's earlier chapters left, so that the button's number is this chapter's */
	EXPECT(tenure_get(get_index, NULL, SOURCES) == TENURE_CREATED);
	EXPECT(tenure_get(get_words, NULL, SOURCES "/core/get.c") == TENURE_CREATED);
	EXPECT(tenure_get(get_index, NULL, SOURCES) == TENURE_HIT);
	on_clear_all();
	EXPECT(tenure_get(get_words, NULL, SOURCES "/core/get.c") == TENURE_CREATED); /* opened again */
	EXPECT(tenure_drain_all(NULL, TENURE_SECONDS(10)) == 0);
}

EXAMPLE(example_clear_all);
