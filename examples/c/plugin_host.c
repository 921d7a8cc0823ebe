/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_host.c: a program that loads a plug-in, uses it, has it forget what it cached, and unloads it, 100 times.
 *
 * Four things are shown. What the plug-in made is closed by its own code, before that is unloaded: forgetting clears, and
 * a plug-in that comes again makes its things anew. While somebody holds a lease it cannot be forgotten, and goes on
 * as it was. Two copies of it that are loaded at once, as when a new build takes the place of an old one, share one cache.
 * And 100 rounds take no more memory than 10.
 *
 * Host and plug-in share one tenure: both are linked with the shared library. */
#include <dlfcn.h>
#include <malloc.h>
#include <string.h>
#include <tenure/tenure.h>
#include <unistd.h>

#include "example.h"
#include "plugin.h"

enum { FEW = 10, ROUNDS = 100, SLACK = 64 << 10, RESIDENT_SLACK = 1 << 20 }; /* bytes */

static struct books books;

static const struct plugin *load(const char *path, void **ret_handle)
{
	const struct plugin *plugin;

	*ret_handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (*ret_handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	plugin = dlsym(*ret_handle, "plugin");
	EXPECT(plugin != NULL);
	plugin->start(&books);
	return plugin;
}

static void unload(const char *path, void *handle)
{
	EXPECT(dlclose(handle) == 0);
	EXPECT(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL); /* really: none of its code is there any more */
}

/* What the plug-in's cache said when it was asked. */
static int use(const struct plugin *plugin)
{
	const char *translation;
	int result = plugin->translate("house", &translation);

	EXPECT(translation != NULL && strcmp(translation, "Haus") == 0);
	return result;
}

static void one_round(void)
{
	void *handle;
	const struct plugin *plugin = load(PLUGIN, &handle);
	long opened = books.opened;

	EXPECT(use(plugin) == TENURE_CREATED);
	EXPECT(use(plugin) == TENURE_HIT);
	EXPECT(plugin->leave(10) == 0);
	EXPECT(books.opened == opened + 1 && books.closed == books.opened);
	unload(PLUGIN, handle);
}

static void while_it_is_used(void)
{
	void *handle;
	const struct plugin *plugin = load(PLUGIN, &handle);
	long closed = books.closed;

	EXPECT(plugin->hold() == TENURE_CREATED);
	EXPECT(plugin->leave(0) == TENURE_EBUSY);
	printf("  with a lease out: \"%s\"\n", tenure_message());
	EXPECT(books.closed == closed); /* who holds it keeps it; */
	EXPECT(use(plugin) == TENURE_CREATED); /* it was cleared, and the next who asks makes another one */
	plugin->let_go();
	EXPECT(plugin->leave(10) == 0);
	EXPECT(books.closed == closed + 2);
	unload(PLUGIN, handle);
	printf("  without:          both dictionaries are closed, and the plug-in can go\n");
}

static void one_beside_the_other(void)
{
	void *old_handle, *new_handle;
	const struct plugin *old = load(PLUGIN, &old_handle), *new;

	EXPECT(use(old) == TENURE_CREATED);
	new = load(PLUGIN_COPY, &new_handle);
	EXPECT(use(new) == TENURE_HIT); /* the old one's: .version says that they are one function */
	EXPECT(old->leave(10) == 0); /* closes it, since the old one's code is to go */
	unload(PLUGIN, old_handle);
	EXPECT(use(new) == TENURE_CREATED); /* and the new one goes on with its own */
	EXPECT(new->leave(10) == 0);
	unload(PLUGIN_COPY, new_handle);
	printf("  two at once:      the second found the first one's dictionary, and made its own when that had left\n");
}

struct memory {
	long in_use, resident; /* bytes: of malloc's; of the process */
};

static struct memory memory_now(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	struct memory memory;

	EXPECT(file != NULL && fscanf(file, "%*d %ld", &memory.resident) == 1);
	fclose(file);
	memory.resident *= sysconf(_SC_PAGESIZE);
	memory.in_use = (long)mallinfo2().uordblks;
	return memory;
}

int main(void)
{
	struct memory few = { 0, 0 }, many;

	alarm(60); /* nothing below waits for so long, unless something is wrong */
	while_it_is_used();
	one_beside_the_other();
	for (int i = 1; i <= ROUNDS; i++) {
		one_round();
		if (i == FEW)
			few = memory_now();
	}
	many = memory_now();
	printf("  memory:           after %3d rounds %4ld KiB in use, %5ld KiB resident\n", FEW, few.in_use >> 10,
	       few.resident >> 10);
	printf("                    after %3d rounds %4ld KiB in use, %5ld KiB resident\n", ROUNDS, many.in_use >> 10,
	       many.resident >> 10);
	if (few.in_use > 0) /* else the allocator is a sanitizer's, which keeps no such books, and keeps what is freed */
		EXPECT(many.in_use - few.in_use < SLACK && many.resident - few.resident < RESIDENT_SLACK);
	printf("  dictionaries:     %ld opened, %ld closed\n", books.opened, books.closed);
	return books.opened != ROUNDS + 4 || books.closed != books.opened;
}
