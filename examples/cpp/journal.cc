/* SPDX-License-Identifier: Apache-2.0 */
/* journal.cc: log files that many threads share: opened at the first line, rotated under load, closed after the last line.
 *
 * Eight threads write for three users. Each line leases its user's open file; whoever comes first opens it, the others get
 * the same one. Meanwhile the files are rotated: renamed, and cleared from the cache. Who is writing finishes its line into
 * the old file, which closes behind the last of them; the next line opens a new one. In the end every line stands in
 * exactly one file, and as many files were closed as were opened. */
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <tenure/tenure.hpp>

namespace files = std::filesystem;

static std::atomic<int> opened, closed;

/* The deleter is the release: it runs once, on a thread of tenure's. */
struct closer {
	void operator()(FILE *f) const
	{
		if (std::fclose(f) != 0)
			throw std::runtime_error("a log could not be written");
		closed++;
	}
};

static tenure::options<FILE> in_use()
{
	tenure::options<FILE> o;

	o.idle_ttl = std::chrono::minutes(10);
	o.max_entries = 100;
	return o;
}

/* What is opened: one file for each path and mode. An exception reaches everybody who waited for it. */
static tenure::function<FILE, closer, std::string_view, bool> get_log{ "get_log", { "path", "append" },
	[](tenure_call *, std::string_view path, bool append) {
		std::unique_ptr<FILE, closer> f(std::fopen(std::string(path).c_str(), append ? "a" : "w"));

		if (!f)
			throw std::runtime_error("cannot open " + std::string(path));
		opened++;
		return f;
	}, in_use() };

static void write_lines(const files::path &folder, int thread, int lines)
{
	static const char *const users[] = { "ada", "bob", "eve" };

	for (int i = 0; i < lines; i++) {
		std::string path = folder / (std::string(users[(thread + i) % 3]) + ".log");
		tenure::lease<FILE> log = get_log(path, true);

		std::fprintf(log.get(), "thread %d, line %d\n", thread, i); /* stdio keeps a line whole */
	}
}

static int rotate(const files::path &folder, int round)
{
	int moved = 0;

	for (const char *user : { "ada", "bob", "eve" }) {
		files::path path = folder / (std::string(user) + ".log");

		if (!files::exists(path))
			continue;
		files::rename(path, path.string() + "." + std::to_string(round));
		moved += get_log.clear(path.string(), true); /* holders keep it; nobody gets it any more */
	}
	return moved;
}

static long count_lines(const files::path &folder)
{
	long count = 0;
	std::string line;

	for (const auto &file : files::directory_iterator(folder)) {
		for (std::ifstream in(file.path()); std::getline(in, line);)
			count += line.compare(0, 7, "thread ") == 0;
	}
	return count;
}

static int run(const files::path &folder)
{
	constexpr int threads = 8, lines = 5000;
	std::vector<std::thread> writers;
	int rotated = 0;

	for (int t = 0; t < threads; t++)
		writers.emplace_back(write_lines, folder, t, lines);
	for (int round = 0; round < 20; round++) {
		std::this_thread::sleep_for(std::chrono::milliseconds(2));
		rotated += rotate(folder, round);
	}
	for (auto &writer : writers)
		writer.join();
	try {
		get_log((folder / "no/such/folder/a.log").string(), true);
		return 1;
	} catch (const std::runtime_error &e) {
		std::cout << "as it should be: " << std::string_view(e.what()).substr(0, 12) << "...\n";
	}
	if (get_log.drain(std::chrono::seconds(30)) != 0)
		return 1;
	tenure_stats stats = get_log.stats();
	std::cout << count_lines(folder) << " lines of " << threads * lines << "; " << rotated << " files rotated while in use; "
		  << opened << " opened, " << closed << " closed; " << stats.hits << " lines found theirs open\n";
	return count_lines(folder) == threads * lines && opened == closed ? 0 : 1;
}

int main()
{
	std::string folder = (files::temp_directory_path() / "journal-XXXXXX").string();
	int result = 1;

	if (mkdtemp(folder.data()) == nullptr)
		return 1;
	try {
		result = run(folder);
	} catch (const std::exception &e) { /* tenure::error too */
		std::cerr << e.what() << "\n";
	}
	files::remove_all(folder);
	return result;
}
