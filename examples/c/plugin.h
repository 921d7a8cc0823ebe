/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.h: the face between plugin_host.c and plugin.c: one table of functions, found by its name. */
#ifndef PLUGIN_H
#define PLUGIN_H

struct books { /* the host's: they outlive the plug-in */
	long opened, closed;
};

struct plugin {
	void (*start)(struct books *books);
	int (*translate)(const char *word, const char **ret_translation); /* what tenure_get() said; NULL: not known. The
		text is the plug-in's own, until the next call */
	int (*hold)(void); /* keep a lease on the dictionary; what tenure_get() said */
	void (*let_go)(void);
	int (*leave)(double seconds); /* 0: it may be unloaded; else what tenure_forget() said, and it goes on as it was */
};

#endif
