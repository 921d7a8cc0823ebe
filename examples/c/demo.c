/* SPDX-License-Identifier: Apache-2.0 */
/* demo.c: what ./run shows: the five examples one by one, then the server. */
#include <tenure/tenure.h>

#include "example.h"

static void chapter(const char *words)
{
	printf("\n%s\n", words);
	fflush(stdout);
}

int main(int count, char **arguments)
{
	double seconds = seconds_of(count, arguments, 4, "Shows five examples of tenure, then a server with 64 threads");
	int failed;

	setvbuf(stdout, NULL, _IOLBF, 0);
	EXPECT(tenure_configure(.name = "demo", .front = &tenure_terminal) == 0);

	chapter("1. A database session: the connection for a URL is opened once, for everybody.");
	example_database_session();
	chapter("2. Clear all: two functions, a full-text index and a file, and one button for both.");
	example_clear_all();
	chapter("3. foo.clear(1) clears one entry, foo.clear() all of them.");
	example_foo();
	chapter("4. A static element: what the creator says is shown again to who comes later.");
	example_static_element();
	chapter("5. An input widget: each value of the checkbox has a model of its own.");
	example_input_widget();
	chapter("6. A server over SQLite: connections expire, are cleared, invalid and broken while 64 threads use them.");
	failed = example_server(seconds);

	chapter("What the library counted:");
	tenure_dump(NULL, 0, tenure_to_file, stdout);
	return failed;
}
