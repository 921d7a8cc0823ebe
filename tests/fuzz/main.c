/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: where libFuzzer cannot be had: run a target once over every file of the folders that are named. */
#include <dirent.h>

#include "fuzz.h"

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	static uint8_t data[1 << 20];
	size_t size;
	uint8_t *exact;

	if (file == NULL)
		return 0;
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	exact = malloc(size == 0 ? 1 : size); /* a sanitizer sees who reads past it */
	CHECK(exact != NULL);
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 1;
}

int main(int count, char **arguments)
{
	int runs = 0;

	for (int i = 1; i < count; i++) {
		DIR *folder = arguments[i][0] == '-' ? NULL : opendir(arguments[i]);
		struct dirent *entry;
		char path[4096];

		while (folder != NULL && (entry = readdir(folder)) != NULL) {
			snprintf(path, sizeof(path), "%s/%s", arguments[i], entry->d_name);
			if (entry->d_name[0] != '.')
				runs += run_file(path);
		}
		if (folder != NULL)
			closedir(folder);
	}
	fprintf(stderr, "Done %d runs\n", runs);
	return runs > 0 ? 0 : 1;
}
