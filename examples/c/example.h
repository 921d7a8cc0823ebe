/* SPDX-License-Identifier: Apache-2.0 */
/* example.h: what the examples share: saying what is expected, a folder of their own, and their names for the demo. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <stdio.h>
#include <stdlib.h>

/* What must be so; otherwise the example fails, with the library's own words. */
#define EXPECT(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: expected: %s; tenure says: %s\n", __FILE__, __LINE__, #condition, tenure_message()); \
			exit(1); \
		} \
	} while (0)

/* A new folder under $TMPDIR, or /tmp; freed and removed by folder_remove(), which removes the files in it. */
char *folder_make(void);
void folder_remove(char *folder);
char *folder_file(const char *folder, const char *name); /* folder/name; the caller frees */

/* N of the arguments --seconds N, or the preset. With anything else: says what there is, and ends the program. */
double seconds_of(int count, char **arguments, double preset, const char *what);

void example_database_session(void);
void example_clear_all(void);
void example_foo(void);
void example_static_element(void);
void example_input_widget(void);

/* The server over SQLite: 64 threads for so many seconds. 0: all went as it says. */
int example_server(double seconds);

#ifdef EXAMPLE_MAIN /* a program of its own; the demo has all of them */
#define EXAMPLE(function) \
	int main(void) \
	{ \
		function(); \
		return 0; \
	} \
	struct example_end
#else
#define EXAMPLE(function) struct example_end
#endif

#endif
