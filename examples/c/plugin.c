/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c: a plug-in with a cached function: a dictionary, that is a SQLite database in memory with its statement.
 *
 * `.version` makes the function its name, version, type and parameters, and not the address of an object in here: loaded
 * again, or twice at once, it is the same function. The resource's code is in here all the same, creator and release, and
 * so `leave` forgets the function before the host unloads it. */
#include "plugin.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <tenure/tenure.h>

static struct books *books;

struct dictionary {
	sqlite3 *database;
	sqlite3_stmt *find; /* one user at a time: a plug-in for many threads needs a mutex here, as in postgresql.c */
};

TENURE_DECLARE_STATIC(get_dictionary, struct dictionary, (const char *, language));

static const char WORDS[] = "CREATE TABLE words (language TEXT, word TEXT, translation TEXT);"
			    "INSERT INTO words VALUES ('de', 'house', 'Haus'), ('de', 'tree', 'Baum')";
static const char FIND[] = "SELECT translation FROM words WHERE language = ?1 AND word = ?2";

static int open_dictionary(tenure_call *call, const get_dictionary_args *args, struct dictionary **ret)
{
	struct dictionary *made = *ret = calloc(1, sizeof(*made)); /* tenure's from here on: released also after a failure */

	if (made == NULL)
		return tenure_fail(call, "out of memory");
	books->opened++;
	if (sqlite3_open(":memory:", &made->database) != SQLITE_OK ||
	    sqlite3_exec(made->database, WORDS, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(made->database, FIND, -1, &made->find, NULL) != SQLITE_OK)
		return tenure_fail(call, "no dictionary: %s", sqlite3_errmsg(made->database));
	sqlite3_bind_text(made->find, 1, args->language, -1, SQLITE_TRANSIENT);
	return 0;
}

static int close_dictionary(struct dictionary *dictionary)
{
	int result;

	sqlite3_finalize(dictionary->find);
	result = sqlite3_close(dictionary->database); /* refuses while a statement is open */
	free(dictionary);
	books->closed++;
	return result;
}
TENURE_DEFINE_STATIC(get_dictionary, .version = "1", .create = open_dictionary, .close = close_dictionary);

static void start(struct books *hosts)
{
	books = hosts;
}

static int translate(const char *word, const char **ret_translation)
{
	static char text[100];
	TENURE_LEASE(get_dictionary, dictionary);
	int result = tenure_get(get_dictionary, &dictionary, "de");
	sqlite3_stmt *find;

	*ret_translation = NULL;
	if (result < 0)
		return result;
	find = dictionary.resource->find;
	sqlite3_bind_text(find, 2, word, -1, SQLITE_TRANSIENT);
	if (sqlite3_step(find) == SQLITE_ROW) {
		snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(find, 0));
		*ret_translation = text;
	}
	sqlite3_reset(find);
	return result;
}

static get_dictionary_lease held;

static int hold(void)
{
	return tenure_get(get_dictionary, &held, "de");
}

static void let_go(void)
{
	tenure_give_back(&held);
}

static int leave(double seconds)
{
	return tenure_forget(get_dictionary, TENURE_SECONDS(seconds));
}

extern const struct plugin plugin;
const struct plugin plugin = { start, translate, hold, let_go, leave };
