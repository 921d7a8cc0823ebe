/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h: spinner and messages on a terminal; plain lines where there is none. */
#ifndef TN_TERMINAL_H
#define TN_TERMINAL_H

#include <stddef.h>
#include <stdint.h>

/* One line of the spinner: frame, text, bar (fraction < 0: none), and the elapsed time when it is to be shown; cut to
 * `columns`. */
void tn_terminal_line(char *line, size_t room, const char *text, double fraction, int64_t elapsed, int show_time, int columns);

/* A text made harmless: control characters become '?', so that no message can steer the terminal. */
void tn_terminal_clean(char *to, size_t room, const char *from, size_t size);

#endif
