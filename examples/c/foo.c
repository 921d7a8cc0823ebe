/* SPDX-License-Identifier: Apache-2.0 */
/* foo.c: example 3: foo.clear(1) and foo.clear(), on a resource. */
#include <tenure/tenure.h>

#include "example.h"

static int executed;

TENURE_DECLARE(foo, FILE, (int, bar));

static int make_foo(tenure_call *call, const foo_args *args, FILE **ret)
{
	executed++;
	*ret = tmpfile();
	if (*ret == NULL)
		return tenure_fail(call, "no temporary file");
	fprintf(*ret, "%d\n", args->bar);
	return tenure_say(call, TENURE_TEXT, "  Executed foo(%d).", args->bar);
}
TENURE_DEFINE(foo, .create = make_foo, .close = fclose, .spinner = "");

void example_foo(void)
{
	EXPECT(tenure_get(foo, NULL, 1) == TENURE_CREATED); /* NULL: warm up only */
	EXPECT(tenure_get(foo, NULL, 2) == TENURE_CREATED);
	EXPECT(tenure_get(foo, NULL, 1) == TENURE_HIT);
	EXPECT(executed == 2);
	EXPECT(tenure_clear_entry(foo, 1) == 1); /* foo.clear(1) */
	EXPECT(tenure_get(foo, NULL, 1) == TENURE_CREATED);
	EXPECT(tenure_get(foo, NULL, 2) == TENURE_HIT);
	EXPECT(executed == 3);
	EXPECT(tenure_clear_function(foo) == 2); /* foo.clear() */
	EXPECT(tenure_get(foo, NULL, 2) == TENURE_CREATED);
	EXPECT(executed == 4);
	printf("  foo was executed %d times for 6 calls and 2 clears\n", executed);
	EXPECT(tenure_drain(foo, TENURE_SECONDS(10)) == 0);
}

EXAMPLE(example_foo);
