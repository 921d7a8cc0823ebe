// SPDX-License-Identifier: Apache-2.0
// main.cc: a stranger's program in C++: the calls of tenure.h.
#include <cstdio>
#include <cstring>
#include <string>

#include <tenure/tenure.h>
#if __has_include(<tenure/tenure.hpp>)
#include <tenure/tenure.hpp>
#endif

int main(int count, char **arguments)
{
	tenure_cache_options options = {};
	tenure_cache *cache = nullptr;
	tenure_stats stats = {};
	std::string text;
	auto append = [](void *user, const char *piece, size_t size) {
		static_cast<std::string *>(user)->append(piece, size);
		return 0;
	};

	options.size = sizeof(options);
	options.name = "shelf";
	if (count > 1 && std::strcmp(arguments[1], tenure_version()) != 0)
		return std::printf("%s is not %s\n", tenure_version(), arguments[1]), 1;
	if (tenure_cache_open_with(&cache, &options) != 0)
		return std::printf("%s\n", tenure_message()), 1;
	if (tenure_cache_stats(cache, &stats, sizeof(stats)) != 0 || stats.live != 0)
		return std::printf("counters: %s\n", tenure_message()), 1;
	if (tenure_dump(cache, 0, append, &text) != 0 || text.find("shelf") == std::string::npos)
		return std::printf("dump: %s\n", text.c_str()), 1;
	if (tenure_cache_close(&cache, INT64_MAX) != 0 || cache != nullptr)
		return std::printf("close: %s\n", tenure_message()), 1;
	std::printf("tenure %s, from C++\n", tenure_version());
	return 0;
}
