/* SPDX-License-Identifier: Apache-2.0 */
/* expose.c: caches and functions with hostile names, as OpenMetrics text on stdout, for tests/api/metrics.py.
 *
 * After the text come, on stderr, a line a function with what the parser must find: the name in hex, creations, hits. */
#include <stdio.h>
#include <string.h>
#include <tenure/tenure.h>

static tenure_cache *caches[3];

TENURE_DECLARE(thing, int, (int, n));
static int make(tenure_call *call, const thing_args *args, int **ret)
{
	static int thing_itself;

	(void)call, (void)args;
	*ret = &thing_itself;
	return 0;
}
TENURE_DEFINE(thing, .create = make);

enum { FUNCTIONS = 40 };
static thing_function functions[FUNCTIONS];
static char names[FUNCTIONS][600];

static const char *const HOSTILE[] = {
	"plain", "quote\"quote", "back\\slash", "new\nline", "\"} 1\ntenure_hits_total{cache=\"x\",function=\"y\"} 99",
	"# EOF\n", "\\", "\\\\n", "\"", "\n", "", " ", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xff", "\xc3",
	"\xed\xa0\x80 surrogate", "tab\tcr\rvt\v\x01\x7f", "{}=,", "le=\"+Inf\"", "\xe2\x80\xa8 line separator", "same", "same",
};

static void use(int at, tenure_cache **cache)
{
	thing_function *f = &functions[at];

	*f = thing;
	f->function = (tenure_function){ &f->definition, { NULL, NULL } };
	f->definition.user = f;
	f->definition.options = &f->options;
	f->definition.name = names[at];
	f->cache = cache;
	for (int i = 0; i <= at; i++) {
		thing_lease lease = { .lease = { NULL, NULL, 0 } };

		if (thing_get_(f, TENURE_FOREVER, &(thing_args){ .head_ = { sizeof(thing_args), NULL }, .lease_ = &lease, .n = i % 3 },
			       NULL) < 0)
			fprintf(stderr, "failed: %s\n", tenure_message());
		tenure_give_back(&lease);
	}
	for (const unsigned char *c = (const unsigned char *)names[at]; *c != '\0'; c++)
		fprintf(stderr, "%02x", *c);
	fprintf(stderr, ". %d %d\n", at < 2 ? at + 1 : 3, at < 3 ? 0 : at + 1 - 3);
}

int main(void)
{
	const int hostile = sizeof(HOSTILE) / sizeof(HOSTILE[0]);
	int result = tenure_cache_open(&caches[0], .name = "plain");

	result |= tenure_cache_open(&caches[1], .name = "ev\"il\\\n\xfe");
	result |= tenure_cache_open(&caches[2], .name = "plain"); /* a second one of that name */
	for (int i = 0; i < FUNCTIONS; i++) {
		if (i < hostile)
			snprintf(names[i], sizeof(names[i]), "%s", HOSTILE[i]);
		else if (i == FUNCTIONS - 1) /* cut within a character */
			for (int k = 0; k < 200; k++)
				memcpy(names[i] + 2 * k, "\xc3\xa9", 3);
		else
			snprintf(names[i], sizeof(names[i]), "f%d", i % 7);
		use(i, &caches[i % 3]);
	}
	result |= tenure_dump(NULL, TENURE_DUMP_OPENMETRICS | TENURE_DUMP_EVERY_CACHE, tenure_to_file, stdout);
	for (int i = 0; i < 3; i++)
		result |= tenure_cache_close(&caches[i], TENURE_SECONDS(10));
	return result != 0;
}
