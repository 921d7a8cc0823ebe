/* SPDX-License-Identifier: Apache-2.0 */
/* database_session.c: example 1: one connection for each database URL, however many ask for it. */
#include <sqlite3.h>
#include <tenure/tenure.h>

#include "example.h"

TENURE_DECLARE(get_database_session, sqlite3, (const char *, url));

static int open_database(tenure_call *call, const get_database_session_args *args, sqlite3 **ret)
{
	if (sqlite3_open_v2(args->url, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX, NULL) != SQLITE_OK)
		return tenure_fail(call, "cannot open %s: %s", args->url, sqlite3_errmsg(*ret));
	return 0; /* *ret is tenure's from here on, also after a failure */
}

static bool is_alive(sqlite3 *database)
{
	return sqlite3_exec(database, "SELECT 1", NULL, NULL, NULL) == SQLITE_OK;
}

TENURE_DEFINE(get_database_session, .create = open_database, .close = sqlite3_close, .validate = is_alive, .ttl = "1h",
	      .spinner = "Opening the database", .show_time = true);

static void make_file(const char *path)
{
	sqlite3 *database;

	EXPECT(sqlite3_open(path, &database) == SQLITE_OK);
	EXPECT(sqlite3_exec(database, "CREATE TABLE pets (name TEXT); INSERT INTO pets VALUES ('Tom'), ('Jerry')", NULL, NULL,
			    NULL) == SQLITE_OK);
	sqlite3_close(database);
}

void example_database_session(void)
{
	char *folder = folder_make(), *url1 = folder_file(folder, "one.db"), *url2 = folder_file(folder, "two.db");
	char *missing = folder_file(folder, "missing.db");

	make_file(url1);
	make_file(url2);
	{
		TENURE_LEASE(get_database_session, s1);
		TENURE_LEASE(get_database_session, s2);
		TENURE_LEASE(get_database_session, s3);

		EXPECT(tenure_get(get_database_session, &s1, url1) == TENURE_CREATED); /* opens it */
		EXPECT(tenure_get(get_database_session, &s2, url1) == TENURE_HIT); /* the same connection */
		EXPECT(s1.resource == s2.resource);
		EXPECT(tenure_get(get_database_session, &s3, .url = url2) == TENURE_CREATED); /* another one */
		EXPECT(s3.resource != s1.resource);
		printf("  the same URL gave the same connection, another URL another one\n");
	} /* all three are given back here; the connections stay open for the next who asks */
	EXPECT(tenure_get(get_database_session, NULL, missing) == TENURE_EFAILED);
	printf("  a file that is not there is a failure with words, and is not cached\n");
	EXPECT(tenure_drain(get_database_session, TENURE_SECONDS(10)) == 0); /* closed, before the files go */
	free(missing);
	free(url2);
	free(url1);
	folder_remove(folder);
}

EXAMPLE(example_database_session);
