/* SPDX-License-Identifier: Apache-2.0 */
/* test_terminal.c: what the terminal front draws: as a function, on a real pseudo-terminal, and without one. */
#include "support.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "front/terminal.h"

static void U1_U2_a_line_has_frame_text_and_time_and_fits(void **state)
{
	char line[200];

	(void)state;
	tn_terminal_line(line, sizeof(line), "Loading", -1, 1250000000, 1, 80);
	assert_string_equal(line, "| Loading (1.2 seconds)");
	tn_terminal_line(line, sizeof(line), "Loading", -1, 100000000, 0, 80);
	assert_string_equal(line, "/ Loading");
	tn_terminal_line(line, sizeof(line), "Loading", -1, 0, 1, 10);
	assert_string_equal(line, "| Loading");
}

static void U5_a_line_has_a_bar_and_the_percent(void **state)
{
	char line[200];

	(void)state;
	tn_terminal_line(line, sizeof(line), "Loading: 3 of 7", 0.429, 100000000, 1, 80);
	assert_string_equal(line, "/ Loading: 3 of 7 [########------------]  42% (0.1 seconds)");
	tn_terminal_line(line, sizeof(line), "Loading", 0, 0, 0, 80);
	assert_string_equal(line, "| Loading [--------------------]   0%");
	tn_terminal_line(line, sizeof(line), "Loading", 1, 0, 0, 80);
	assert_string_equal(line, "| Loading [####################] 100%");
	tn_terminal_line(line, sizeof(line), "Gr\xc3\xb6\xc3\x9f" "e", -1, 0, 0, 8);
	assert_string_equal(line, "| Gr\xc3\xb6"); /* no half character */
}

static void U6_a_message_cannot_steer_the_terminal(void **state)
{
	char clean[64];

	(void)state;
	tn_terminal_clean(clean, sizeof(clean), "a\033[2Jb\xc2\x9b" "c\r\n", 11);
	assert_string_equal(clean, "a?[2Jb?c?\n");
	tn_terminal_clean(clean, 4, "abcdefgh", 8);
	assert_string_equal(clean, "abc");
}

/* Read until `wanted` has come; ends the test after 30 s. */
static char text[65536];
static void await_text(int fd, const char *wanted)
{
	size_t length = 0;

	text[0] = '\0';
	while (strstr(text, wanted) == NULL) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		ssize_t size;

		if (poll(&ready, 1, 30000) != 1 || length > 60000)
			fail_msg("\"%s\" did not come; there is: %s", wanted, text);
		size = read(fd, text + length, sizeof(text) - length - 1);
		if (size <= 0)
			fail_msg("\"%s\" did not come; there is: %s", wanted, text);
		length += (size_t)size;
		text[length] = '\0';
	}
}

static int with_stderr(int fd)
{
	int kept = dup(STDERR_FILENO);

	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	return kept;
}

static void without(int kept)
{
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
}

static const tenure_activity ACTIVITY = {
	.function = "f", .text = "Loading \033it", .elapsed = 0, .show_time = true, .progress = "", .fraction = -1, .id = 1,
};
static const tenure_activity HALF = {
	.function = "f", .text = "Loading \033it", .elapsed = 1, .show_time = true, .progress = "5 of\n10", .fraction = 0.5,
	.id = 1,
};
static const tenure_activity INNER = { .function = "g", .text = "Inner", .elapsed = 0, .progress = "", .fraction = -1, .id = 2 };

static void U1_U6_a_spinner_on_a_real_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, kept;

	(void)state;
	setenv("TERM", "xterm", 1);
	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	kept = with_stderr(slave);
	tenure_terminal.wait(NULL, &ACTIVITY);
	await_text(master, "Loading ?it (0.");
	tenure_terminal.message(NULL, TENURE_SUCCESS, "done it", 7, false);
	await_text(master, "[ok] done it");
	await_text(master, "Loading ?it (0."); /* drawn again below the message */
	tenure_terminal.wait(NULL, &HALF); /* U5 */
	await_text(master, "Loading ?it: 5 of 10 [##########----------]  50% (0.");
	tenure_terminal.wait(NULL, &INNER); /* a creator inside the creator */
	await_text(master, "(and 1 more)");
	tenure_terminal.done(NULL, &INNER);
	tenure_terminal.done(NULL, &HALF);
	await_text(master, "\r\033[K");
	tenure_terminal.wait(NULL, &INNER);
	await_text(master, "Inner"); /* and the outer one is gone */
	await_text(master, "Inner");
	assert_null(strstr(text, "Loading"));
	tenure_terminal.done(NULL, &INNER);
	without(kept);
	close(slave);
	close(master);
}

/* A creator that calls its own function, which calls another, and so on: one line a text, and each is over once. */
static tenure_cache *nested;
TENURE_DECLARE(inner, int, (int, n));
TENURE_DECLARE(outer, int, (int, n));
static int make_inner(tenure_call *c, const inner_args *a, int **ret)
{
	(void)c, (void)a, (void)ret;
	return 0;
}
static int make_outer(tenure_call *c, const outer_args *a, int **ret)
{
	(void)ret;
	if ((a->n > 0 ? tenure_get(outer, NULL, a->n - 1) : tenure_get(inner, NULL, a->n)) < 0)
		return tenure_fail(c, "%s", tenure_message());
	return 0;
}
static int64_t standing_clock(void *unused)
{
	(void)unused;
	return 1000000000;
}
TENURE_DEFINE(inner, .cache = &nested, .create = make_inner);
TENURE_DEFINE(outer, .cache = &nested, .create = make_outer, .spinner = "Outer", .show_time = true);

static void U1_U6_creators_inside_creators_are_shown_each_time(void **state)
{
	char wanted[4096] = "";
	size_t length = 0;
	int ends[2], kept;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(tenure_cache_open(&nested, .front = &tenure_terminal, .now = standing_clock), 0);
	kept = with_stderr(ends[1]);
	for (int i = 0; i < 40; i++) { /* more often than it has places */
		if (tenure_get(outer, NULL, i % 2 == 0 ? 3 : 50) != TENURE_CREATED)
			break;
		tenure_clear_all(nested);
		tenure_terminal.message(NULL, TENURE_TEXT, ".", 1, false);
	}
	without(kept);
	assert_int_equal(tenure_cache_close(&nested, TENURE_SECONDS(30)), 0);
	close(ends[1]);
	for (int i = 0; i < 40; i++) /* 32 deep nothing is shown any more */
		length += (size_t)snprintf(wanted + length, sizeof(wanted) - length, "Outer\n%sOuter done (0.0 seconds)\n.\n",
					   i % 2 == 0 ? "Running `inner(...)`.\n" : "");
	await_text(ends[0], wanted);
	assert_string_equal(text, wanted);
	close(ends[0]);
}

static void U6_plain_lines_where_there_is_no_terminal(void **state)
{
	int ends[2], kept;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	kept = with_stderr(ends[1]);
	tenure_terminal.wait(NULL, &ACTIVITY);
	tenure_terminal.wait(NULL, &HALF); /* a tick: no second line */
	tenure_terminal.message(NULL, TENURE_WARNING, "careful", 7, false);
	tenure_terminal.done(NULL, &ACTIVITY);
	without(kept);
	close(ends[1]);
	await_text(ends[0], "Loading ?it\n[warning] careful\nLoading ?it done (0.0 seconds)\n");
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(U1_U2_a_line_has_frame_text_and_time_and_fits),
		cmocka_unit_test(U5_a_line_has_a_bar_and_the_percent),
		cmocka_unit_test(U6_a_message_cannot_steer_the_terminal),
		cmocka_unit_test(U1_U6_a_spinner_on_a_real_terminal),
		cmocka_unit_test(U1_U6_creators_inside_creators_are_shown_each_time),
		cmocka_unit_test(U6_plain_lines_where_there_is_no_terminal),
	};

	return RUN(tests);
}
