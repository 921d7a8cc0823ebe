/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.c: spinner and messages on a terminal; plain lines where there is none.
 *
 * The creator runs on a caller's thread, so a thread of the front's own draws: it starts with the first activity that lasts
 * longer than the delay, shows the oldest one (and how many more), and ends when nothing runs. `mutex` guards all of it
 * and is held while writing, so that lines do not mix; no call of tenure's is made under it. A forked child has no such
 * thread: the first activity there starts one. */
#include "front/terminal.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"
#include "base/thread.h"

#include <tenure/tenure.h>

enum { MOST = 32, TEXT_ROOM = 256 };
#define DELAY INT64_C(100000000) /* ns until a spinner is shown, and between its frames */

struct running {
	char text[TEXT_ROOM]; /* of the spinner: what tells two apart */
	char progress[TEXT_ROOM]; /* the latest words; "": none */
	double fraction; /* likewise; < 0: unknown */
	int64_t started;
	int count; /* threads that wait for the same; 0: free */
	bool show_time;
};

static struct tn_mutex mutex;
static struct tn_cond changed;
static struct running running[MOST];
static bool drawing, line_shown;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What this thread has been told of and not of its end: a creator inside a creator has two, perhaps with one text. */
static __thread struct told {
	uint64_t id; /* of the creation */
	struct running *shown; /* counts it; NULL: free */
} told[MOST];

static void prepare(void)
{
	tn_mutex_lock(&mutex);
}

static void parent(void)
{
	tn_mutex_unlock(&mutex);
}

static void child(void)
{
	tn_mutex_reinit(&mutex);
	tn_cond_reinit(&changed);
	memset(running, 0, sizeof(running));
	drawing = line_shown = false;
	memset(told, 0, sizeof(told));
}

static void start(void)
{
	tn_mutex_init(&mutex);
	tn_cond_init(&changed);
	pthread_atfork(prepare, parent, child);
}

static bool on_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && (term == NULL || strcmp(term, "dumb") != 0);
}

static int columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void tn_terminal_clean(char *to, size_t room, const char *from, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; i < size && length + 1 < room; i++) {
		unsigned char c = (unsigned char)from[i];
		/* C1 controls are 0xc2 0x80..0x9f in UTF-8 */
		bool c1 = c == 0xc2 && i + 1 < size && (unsigned char)from[i + 1] < 0xa0;

		to[length++] = (c < ' ' && c != '\n' && c != '\t') || c == 0x7f || c1 ? '?' : (char)c;
		i += c1;
	}
	to[length] = '\0';
}

static void format_time(char *text, size_t room, int64_t elapsed)
{
	snprintf(text, room, "(%.1f seconds)", (double)(elapsed / 100000000) / 10);
}

/* " [####------]  42%", or nothing. */
static void format_bar(char *text, size_t room, double fraction)
{
	static const char FULL[] = "####################", EMPTY[] = "--------------------";
	enum { WIDTH = sizeof(FULL) - 1 };
	int full = (int)(fraction * WIDTH), percent = (int)(fraction * 100);

	text[0] = '\0';
	if (fraction >= 0)
		snprintf(text, room, " [%.*s%.*s] %3d%%", full, FULL, WIDTH - full, EMPTY, percent);
}

void tn_terminal_line(char *line, size_t room, const char *text, double fraction, int64_t elapsed, int show_time, int width)
{
	static const char *const FRAMES[] = { "|", "/", "-", "\\" };
	char time[40] = "", bar[64];
	size_t most = width > 2 ? (size_t)width - 1 : 1; /* the last column would wrap */

	if (show_time)
		format_time(time, sizeof(time), elapsed);
	format_bar(bar, sizeof(bar), fraction);
	snprintf(line, room < most + 1 ? room : most + 1, "%s %s%s%s%s", FRAMES[elapsed / DELAY % 4], text, bar,
		 show_time ? " " : "", time);
	tn_text_trim(line);
}

static void erase_locked(void)
{
	if (line_shown)
		fputs("\r\033[K", stderr);
	line_shown = false;
}

/* The oldest that has lasted long enough; *ret_more: how many others have. */
static const struct running *oldest_locked(int64_t now, int *ret_more, bool *ret_any)
{
	const struct running *oldest = NULL;

	*ret_more = 0;
	*ret_any = false;
	for (int i = 0; i < MOST; i++) {
		if (running[i].count == 0)
			continue;
		*ret_any = true;
		if (now - running[i].started < DELAY)
			continue;
		*ret_more += oldest != NULL;
		if (oldest == NULL || running[i].started < oldest->started)
			oldest = &running[i];
	}
	return oldest;
}

static void describe_locked(const struct running *shown, int more, char *text, size_t room)
{
	size_t length = (size_t)snprintf(text, room, shown->progress[0] == '\0' ? "%s" : "%s: %s", shown->text,
					 shown->progress);

	if (more > 0)
		snprintf(text + length, room - length, " (and %d more)", more);
	for (; *text != '\0'; text++) { /* one line is what is erased */
		if (*text == '\n' || *text == '\t')
			*text = ' ';
	}
}

static void *draw(void *unused)
{
	char line[1024], text[2 * TEXT_ROOM + 32];
	const struct running *oldest;
	int64_t now;
	int more;
	bool any;

	(void)unused;
	tn_mutex_lock(&mutex);
	for (;;) {
		now = tn_clock_monotonic();
		oldest = oldest_locked(now, &more, &any);
		erase_locked();
		if (!any)
			break;
		if (oldest != NULL) {
			describe_locked(oldest, more, text, sizeof(text));
			tn_terminal_line(line, sizeof(line), text, oldest->fraction, now - oldest->started, oldest->show_time,
					 columns());
			fputs(line, stderr);
			line_shown = true;
		}
		fflush(stderr);
		tn_cond_wait_until(&changed, &mutex, now + DELAY);
	}
	fflush(stderr);
	drawing = false;
	tn_cond_broadcast(&changed);
	tn_mutex_unlock(&mutex);
	return NULL;
}

static struct running *find_locked(const char *text)
{
	for (int i = 0; i < MOST; i++) {
		if (running[i].count != 0 && strcmp(running[i].text, text) == 0)
			return &running[i];
	}
	return NULL;
}

static struct running *new_locked(const char *text, const tenure_activity *activity)
{
	for (int i = 0; i < MOST; i++) {
		if (running[i].count != 0)
			continue;
		snprintf(running[i].text, TEXT_ROOM, "%s", text);
		running[i].progress[0] = '\0';
		running[i].fraction = -1;
		running[i].started = tn_clock_monotonic() - activity->elapsed;
		running[i].show_time = activity->show_time;
		return &running[i];
	}
	return NULL; /* so many at once: this one is not shown */
}

static struct told *told_of(uint64_t id)
{
	for (int i = 0; i < MOST; i++) {
		if (told[i].shown != NULL && told[i].id == id)
			return &told[i];
	}
	return NULL;
}

static struct told *room_to_tell(void)
{
	for (int i = 0; i < MOST; i++) {
		if (told[i].shown == NULL)
			return &told[i];
	}
	return NULL; /* so deep inside one another: this one is not shown */
}

/* What the first wait of a thread for this creation enters. NULL: no room. */
static struct running *enter_locked(const char *text, const tenure_activity *activity, bool terminal)
{
	struct told *place = room_to_tell();
	struct running *shown = place == NULL ? NULL : find_locked(text);

	if (place != NULL && shown == NULL) {
		shown = new_locked(text, activity);
		if (shown != NULL && !terminal)
			fprintf(stderr, "%s\n", text);
	}
	if (shown != NULL) {
		shown->count++;
		*place = (struct told){ .id = activity->id, .shown = shown };
	}
	return shown;
}

/* The first wait of a thread for a creation enters it, its done takes it out; waits between tell how far it is. */
static int terminal_wait(void *front_user, const tenure_activity *activity)
{
	char text[TEXT_ROOM];
	struct told *place = told_of(activity->id);
	struct running *shown;
	bool start_drawing, terminal = on_terminal();

	(void)front_user;
	pthread_once(&once, start);
	tn_terminal_clean(text, sizeof(text), activity->text, strlen(activity->text));
	tn_mutex_lock(&mutex);
	shown = place != NULL ? place->shown : enter_locked(text, activity, terminal);
	if (shown != NULL && (activity->progress[0] != '\0' || activity->fraction >= 0)) {
		tn_terminal_clean(shown->progress, sizeof(shown->progress), activity->progress, strlen(activity->progress));
		shown->fraction = activity->fraction;
	}
	start_drawing = terminal && shown != NULL && !drawing;
	drawing = drawing || start_drawing;
	tn_mutex_unlock(&mutex);
	if (start_drawing && tn_thread_start(draw, NULL, "tenure-terminal") != 0) {
		tn_mutex_lock(&mutex);
		drawing = false; /* no spinner; everything else goes on */
		tn_mutex_unlock(&mutex);
	}
	return 0;
}

static void terminal_done(void *front_user, const tenure_activity *activity)
{
	struct told *place = told_of(activity->id);
	struct running *shown;
	char time[40];

	(void)front_user;
	pthread_once(&once, start);
	if (place == NULL)
		return;
	shown = place->shown;
	place->shown = NULL;
	tn_mutex_lock(&mutex);
	if (--shown->count == 0) {
		format_time(time, sizeof(time), activity->elapsed);
		if (!on_terminal() && activity->show_time)
			fprintf(stderr, "%s done %s\n", shown->text, time);
		erase_locked(); /* what is printed next begins on a clean line */
		fflush(stderr);
		tn_cond_broadcast(&changed);
	}
	tn_mutex_unlock(&mutex);
}

static void terminal_message(void *front_user, int kind, const void *data, size_t size, bool replayed)
{
	static const char *const MARKS[] = { "", "[ok] ", "[info] ", "[warning] ", "[error] " };
	char text[1024];

	(void)front_user, (void)replayed;
	pthread_once(&once, start);
	if (kind >= TENURE_FRONT || size > INT32_MAX)
		return; /* another front's own kinds */
	tn_terminal_clean(text, sizeof(text), data, size);
	tn_mutex_lock(&mutex);
	erase_locked();
	fprintf(stderr, "%s%s\n", kind >= TENURE_TEXT && kind <= TENURE_ERROR ? MARKS[kind] : "", text);
	tn_mutex_unlock(&mutex);
}

static int terminal_value(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	(void)front_user, (void)label;
	*ret = low_high_preset[2];
	return 0;
}

static int terminal_ask(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	const tenure_value *preset = &low_high_preset[2];
	char clean[256], text[256];

	(void)front_user;
	pthread_once(&once, start);
	tn_terminal_clean(clean, sizeof(clean), label, strlen(label));
	tn_mutex_lock(&mutex);
	erase_locked();
	if (preset->kind == TENURE_BOOL) {
		fprintf(stderr, "%s %s\n", clean, preset->as.truth ? "[x]" : "[ ]");
	} else if (preset->kind == TENURE_REAL) {
		fprintf(stderr, "%s %g\n", clean, preset->as.real);
	} else {
		tn_terminal_clean(text, sizeof(text), preset->as.data, preset->size);
		fprintf(stderr, "%s %s\n", clean, text);
	}
	tn_mutex_unlock(&mutex);
	*ret = *preset;
	return 0;
}

const tenure_front tenure_terminal = {
	.size = sizeof(tenure_front),
	.delay = DELAY,
	.tick = DELAY,
	.wait = terminal_wait,
	.done = terminal_done,
	.message = terminal_message,
	.value = terminal_value,
	.ask = terminal_ask,
};

const tenure_front tenure_silent = { .size = sizeof(tenure_front) };
