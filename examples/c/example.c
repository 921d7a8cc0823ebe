/* SPDX-License-Identifier: Apache-2.0 */
/* example.c: what the examples share: a folder of their own, and their one argument. */
#include "example.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

char *folder_file(const char *folder, const char *name)
{
	size_t size = strlen(folder) + strlen(name) + 2;
	char *path = malloc(size);

	if (path == NULL)
		abort();
	snprintf(path, size, "%s/%s", folder, name);
	return path;
}

char *folder_make(void)
{
	const char *parent = getenv("TMPDIR");
	char *path = folder_file(parent == NULL ? "/tmp" : parent, "tenure-XXXXXX");

	if (mkdtemp(path) == NULL) {
		perror(path);
		exit(1);
	}
	return path;
}

void folder_remove(char *folder)
{
	DIR *listing = opendir(folder);
	struct dirent *file;

	while (listing != NULL && (file = readdir(listing)) != NULL) {
		char *path = folder_file(folder, file->d_name);

		if (file->d_name[0] != '.')
			unlink(path);
		free(path);
	}
	if (listing != NULL)
		closedir(listing);
	rmdir(folder);
	free(folder);
}

double seconds_of(int count, char **arguments, double preset, const char *what)
{
	double seconds = preset;
	int help = count > 1 && strcmp(arguments[1], "--help") == 0;

	if (count == 3 && strcmp(arguments[1], "--seconds") == 0)
		seconds = atof(arguments[2]);
	else if (count > 1)
		seconds = 0;
	if (seconds > 0)
		return seconds;
	fprintf(help ? stdout : stderr, "usage: %s [--seconds N]\n\n%s, for N seconds (%g).\n", arguments[0], what, preset);
	exit(help ? 0 : 2);
}
