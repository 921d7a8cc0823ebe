/* SPDX-License-Identifier: Apache-2.0 */
/* test_cpp.cc: the C++ face: leases, exceptions, keys of every type, what the library calls and what it may not stop. */
#include <tenure/tenure.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <thread>

extern "C" {
#include "base/alloc.h"
#include "base/fault.h"
}

namespace {

/* ---- a small harness: a check that fails ends the test by an exception; TAP, as the C tests print it */

struct failed : std::runtime_error {
	using std::runtime_error::runtime_error;
};

void check_at(bool good, const char *what, int line)
{
	if (!good)
		throw failed(std::string(what) + " does not hold, line " + std::to_string(line));
}
#define CHECK(x) check_at(x, #x, __LINE__)

template <class Exception, class Work> Exception caught_at(Work work, int line)
{
	try {
		work();
	} catch (const Exception &e) {
		return e;
	}
	throw failed("no exception, line " + std::to_string(line));
}
#define CAUGHT(type, ...) caught_at<type>([&] { __VA_ARGS__; }, __LINE__)

std::atomic<long> allocations;

} // namespace

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OWN_OPERATORS 0 /* clang's runtime has its own, and suffers no others */
#endif
#endif
#ifndef OWN_OPERATORS
#define OWN_OPERATORS 1
#endif
#if OWN_OPERATORS
__attribute__((noinline)) void *operator new(std::size_t size)
{
	allocations++;
	void *memory = std::malloc(size == 0 ? 1 : size);
	if (memory == nullptr)
		throw std::bad_alloc();
	return memory;
}
__attribute__((noinline)) void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
	allocations++;
	return std::malloc(size == 0 ? 1 : size);
}
__attribute__((noinline)) void operator delete(void *memory) noexcept
{
	std::free(memory);
}
__attribute__((noinline)) void operator delete(void *memory, std::size_t) noexcept
{
	std::free(memory);
}
#endif

namespace {

/* ---- types for parameters */

enum class colour : unsigned char { red, green };
enum old_style { FIRST, SECOND };
struct point {
	int x;
	std::string y;
};
struct secret { /* has no identity */
	int *counter;
};

} // namespace

template <> struct tenure::identity<point> {
	static auto of(const point &p) { return std::tuple(p.x, p.y); }
};

namespace {

/* ---- a resource with books, and a cache with a clock in hand */

std::atomic<long> created, released, reports;
std::atomic<int64_t> now;

struct book {
	int number;
	explicit book(int n) : number(n) { created++; }
	book(const book &) = delete;
};
struct shelf {
	void operator()(book *b) const
	{
		released++;
		if (b->number < 0) {
			delete b;
			throw std::runtime_error("this one fails to close");
		}
		delete b;
	}
};
using owned = std::unique_ptr<book, shelf>;

tenure_cache_options in_hand()
{
	tenure_cache_options o = {};

	o.now = [](void *) -> int64_t { return now; };
	o.report = [](void *, int, const char *) { reports++; };
	return o;
}

/* Everything that was made has been released when it ends. */
struct fixture {
	tenure::cache cache{ "test", in_hand() };
	fixture() { created = released = reports = 0; }
	~fixture() noexcept(false)
	{
		cache.close(std::chrono::seconds(30));
		CHECK(created == released);
	}
	tenure::options<book> options()
	{
		tenure::options<book> o;

		o.in = &cache;
		return o;
	}
	void advance(std::chrono::nanoseconds time)
	{
		now += time.count();
		tenure_poll(cache.get(), now, 0, nullptr);
	}
};

template <class Counter> void await(Counter counter, long wanted)
{
	auto begin = std::chrono::steady_clock::now();

	while (counter() < wanted) {
		sched_yield();
		if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(30)) {
			std::fprintf(stderr, "awaited in vain\n");
			std::abort();
		}
	}
}

/* ---- leases */

void L1_a_lease_moves_and_gives_back_at_its_end()
{
	fixture f;
	tenure::function<book, shelf, int> get{ "get", { "n" }, [](tenure_call *, int n) { return owned(new book(n)); }, f.options() };

	{
		tenure::lease<book> a = get(7), b, c = get(7);

		static_assert(!std::is_copy_constructible_v<tenure::lease<book>> && !std::is_copy_assignable_v<tenure::lease<book>>);
		static_assert(std::is_nothrow_move_constructible_v<tenure::lease<book>>);
		CHECK(a && a->number == 7 && (*a).number == 7 && a.result() == TENURE_CREATED);
		CHECK(!b && !b.held() && b.get() == nullptr);
		CHECK(c.get() == a.get() && c.result() == TENURE_HIT);
		b = std::move(a);
		CHECK(!a.held() && b->number == 7);
		tenure::lease<book> &same = b;
		b = std::move(same);
		CHECK(b->number == 7);
		tenure::lease<book> d = b.share();
		CHECK(d.get() == b.get());
		CHECK(f.cache.clear() == 1);
		c.give_back();
		b.give_back();
		CHECK(released == 0 && d->number == 7);
		c.give_back(); /* an empty one */
		CHECK(CAUGHT(tenure::error, c.share()).code() == TENURE_ENOTHELD);
	}
	CHECK(get.drain() == 0);
	CHECK(created == 1 && released == 1);
}

void L2_a_lease_is_given_back_on_another_thread()
{
	fixture f;
	tenure::function<book, shelf> get{ "get", {}, [] { return owned(new book(1)); }, f.options() };

	std::thread([lease = get()]() mutable { lease.give_back(); }).join();
	std::thread([lease = get()] { CHECK(lease->number == 1); }).join();
	CHECK(get.drain(std::chrono::seconds(0)) == 0 || get.drain() == 0);
	CHECK(released == 1);
}

void L1_a_discarded_resource_is_made_anew()
{
	fixture f;
	tenure::function<book, shelf> get{ "get", {}, [] { return owned(new book(1)); }, f.options() };
	tenure::lease<book> broken = get(), held = get();

	broken.discard();
	CHECK(!broken.held() && held->number == 1);
	CHECK(get().result() == TENURE_CREATED);
	CHECK(get.stats().retired_invalid == 1);
}

void L1_leases_outlive_their_function()
{
	fixture f;
	tenure::lease<book> lease;

	{
		tenure::function<book, shelf> get{ "get", {}, [] { return owned(new book(5)); }, f.options() };

		lease = get();
	}
	CHECK(lease->number == 5 && released == 0);
	lease.give_back();
	await([] { return released.load(); }, 1);
}

/* What the creator holds goes with the function, once nothing of it is out. */
void L1_a_function_without_leases_is_forgotten_with_what_its_creator_holds()
{
	fixture f;
	auto witness = std::make_shared<int>(1);
	tenure::lease<book> lease;

	{
		auto get = std::make_unique<tenure::function<book, shelf>>("get", tenure::detail::names<0>(),
			[witness] { return owned(new book(*witness)); }, f.options());

		CHECK(witness.use_count() == 2 && (*get)()->number == 1);
		get.reset();
		CHECK(witness.use_count() == 1 && released == 1);
	}
	{
		tenure::function<book, shelf> get{ "get", {}, [witness] { return owned(new book(*witness)); }, f.options() };

		lease = get();
	}
	CHECK(witness.use_count() == 2); /* left behind: a lease is out */
	lease.give_back();
	await([&] {
		tenure::function<book, shelf> other{ "other", {}, [] { return owned(); }, f.options() };

		other.warm_up(); /* whose end looks after it */
		return witness.use_count() == 1 ? 1L : 0L;
	}, 1);
}

void Z1_peek_finds_and_never_makes()
{
	fixture f;
	tenure::function<book, shelf, int> get{ "get", { "n" }, [](int n) { return owned(new book(n)); }, f.options() };

	CHECK(!get.peek(1).held() && get.peek(1).result() == TENURE_EABSENT && created == 0);
	get.warm_up(1);
	CHECK(get.peek(1)->number == 1 && get.peek(1).result() == TENURE_HIT);
	CHECK(get.retire() == 1);
	CHECK(CAUGHT(tenure::error, get(1)).code() == TENURE_ECLOSED);
}

void S2_T4_scopes_and_refreshes_are_options()
{
	fixture f;
	auto o = f.options();
	o.scope = TENURE_SESSION;
	tenure::function<book, shelf> mine{ "mine", {}, [](tenure_call *call) {
		tenure::progress(call, 0.5, "half");
		tenure::progress(call, 1);
		return owned(new book(1));
	}, o };
	CHECK(CAUGHT(tenure::error, mine()).code() == TENURE_ESESSION);
	tenure::session session("user");
	{
		auto scope = session.enter();

		CHECK(mine().result() == TENURE_CREATED);
	}
	o = f.options();
	o.refresh = TENURE_BACKGROUND;
	o.ttl = "10s";
	o.max_stale = std::chrono::seconds(60);
	int made = 0;
	tenure::function<book, shelf, std::vector<std::string>> fresh{ "fresh", { "v" }, [&](const std::vector<std::string> &v) {
		CHECK(v.size() == 2 && v[1] == "a text that outlives the call that brought it");
		return owned(new book(++made));
	}, o };
	auto call = [&] { return fresh({ "x", "a text that outlives the call that brought it" }); };

	CHECK(call()->number == 1);
	f.advance(std::chrono::seconds(11));
	CHECK(call().result() == TENURE_STALE);
	await([&] { return static_cast<long>(fresh.stats().refreshes); }, 1);
	CHECK(call()->number == 2);
	tenure::function<book, shelf, point> refused{ "refused", { "p" }, [](const point &) { return owned(); }, o };
	CHECK(CAUGHT(tenure::error, refused.check()).code() == TENURE_EINVAL); /* a point cannot be copied */
}

void C7_a_null_resource_is_a_value()
{
	fixture f;
	int validations = 0;
	auto o = f.options();
	o.validate = [&](book &) { return ++validations != 0; };
	tenure::function<book, shelf> get{ "get", {}, [] { return owned(); }, o };
	tenure::lease<book> a = get(), b = get();

	CHECK(a.held() && !a && a.get() == nullptr && b.result() == TENURE_HIT && validations == 0);
}

void L3_a_deleter_that_throws_is_a_failed_release()
{
	fixture f;
	tenure::function<book, shelf, int> get{ "get", { "n" }, [](int n) { return owned(new book(n)); }, f.options() };

	get.warm_up(-1);
	CHECK(get.drain() == 0);
	CHECK(get.stats().release_failures == 1 && reports == 1);
}

/* One object in two functions of different parameters is closed once. */
void L4_one_object_in_two_functions_is_released_once()
{
	fixture f;
	static book *same;
	same = new book(3);
	tenure::function<book, shelf, int> one{ "one", { "n" }, [](int) { return owned(same); }, f.options() };
	tenure::function<book, shelf, std::string> two{ "two", { "s" }, [](const std::string &) { return owned(same); }, f.options() };

	CHECK(one(1).get() == two("x").get());
	CHECK(one.drain() == 0 && released == 0);
	CHECK(two.drain() == 0 && released == 1);
}

/* ---- exceptions */

struct special : std::runtime_error {
	int detail;
	explicit special(int d) : std::runtime_error("special"), detail(d) { alive++; }
	special(const special &o) : std::runtime_error(o), detail(o.detail) { alive++; }
	~special() override { alive--; }
	static std::atomic<int> alive;
};
std::atomic<int> special::alive;

void C2_every_waiter_gets_the_exception_that_the_creator_threw()
{
	fixture f;
	std::atomic<int> tries{ 0 }, got{ 0 };
	std::mutex mutex;
	std::vector<const special *> seen;
	tenure::function<book, shelf> *self;
	tenure::function<book, shelf> get{ "get", {}, [&]() -> owned {
		owned left(new book(1)); /* its own destructor closes it */

		if (tries++ == 0) {
			await([&] { return static_cast<long>(self->stats().waits); }, 4);
			throw special(42);
		}
		return left;
	}, f.options() };
	self = &get;
	std::vector<std::thread> threads;

	for (int i = 0; i < 5; i++) {
		threads.emplace_back([&] {
			try {
				get();
			} catch (const special &e) {
				std::lock_guard<std::mutex> lock(mutex);

				got += e.detail == 42;
				seen.push_back(&e);
			}
		});
	}
	for (auto &thread : threads)
		thread.join();
	CHECK(tries == 1 && got == 5 && seen.size() == 5);
	for (const special *e : seen)
		CHECK(e == seen[0]); /* one object */
	CHECK(special::alive == 0); /* and gone with the last who had it */
	CHECK(get()->number == 1); /* not cached */
	CHECK(get.stats().failures == 1);
}

void C2_what_is_no_std_exception_is_carried_too()
{
	fixture f;
	tenure::function<book, shelf> get{ "get", {}, []() -> owned { throw 17; }, f.options() };

	CHECK(CAUGHT(int, get()) == 17);
	CHECK(std::string(tenure_message()) == "an exception that is no std::exception");
}

void C2_a_failure_in_words_is_an_error_of_tenures()
{
	fixture f;
	tenure::function<book, shelf> inner{ "inner", {}, []() -> owned { throw special(1); }, f.options() };
	tenure::function<book, shelf> outer{ "outer", {}, [&]() { inner(); return owned(); }, f.options() };
	tenure_lease lease = {};

	CHECK(CAUGHT(special, outer()).detail == 1); /* through two creators */
	CHECK(special::alive == 0);
	tenure_argument_list none = {};
	CHECK(tenure_function_get(outer.raw(), TENURE_FOREVER, &none.head, &lease) == TENURE_EFAILED); /* from C: the words */
	CHECK(std::string(tenure_message()) == "special");
	tenure_failure_drop();
	CHECK(special::alive == 0);
}

void C4_a_cycle_is_an_error()
{
	fixture f;
	tenure::function<book, shelf> *self;
	tenure::function<book, shelf> get{ "get", {}, [&] { (*self)(); return owned(); }, f.options() };

	self = &get;
	CHECK(CAUGHT(tenure::error, get()).code() == TENURE_ECYCLE);
}

void C5_a_waiter_leaves_at_its_deadline()
{
	std::atomic<bool> started{ false }, left{ false };
	tenure::function<book, shelf> get{ "get", {}, [&] {
		started = true;
		await([&] { return left ? 1L : 0L; }, 1);
		return owned(new book(1));
	} };
	created = released = 0;
	std::thread creator([&] { get(); });

	await([&] { return started ? 1L : 0L; }, 1);
	CHECK(CAUGHT(tenure::error, get.get_within(std::chrono::milliseconds(1))).code() == TENURE_ETIMEDOUT);
	left = true;
	creator.join();
	CHECK(get.drain() == 0 && created == 1 && released == 1);
}

void V1_V2_validate_says_no_yes_or_throws()
{
	fixture f;
	int mode = 1;
	auto o = f.options();
	o.validate = [&](book &b) {
		CHECK(b.number == 1);
		if (mode == 2)
			throw special(9);
		return mode == 1;
	};
	tenure::function<book, shelf> get{ "get", {}, [] { return owned(new book(1)); }, o };

	CHECK(get().result() == TENURE_CREATED);
	CHECK(get().result() == TENURE_HIT);
	mode = 0;
	CHECK(get().result() == TENURE_CREATED);
	mode = 2;
	CHECK(CAUGHT(special, get()).detail == 9);
	CHECK(special::alive == 0);
	mode = 1;
	CHECK(get().result() == TENURE_HIT); /* the entry stays */
}

/* ---- threads that end inside a creator */

struct noticed { /* counts the ends of scopes */
	std::atomic<int> &count;
	~noticed() { count++; }
};

void C2_a_thread_that_ends_inside_a_creator_abandons_it_and_is_unwound()
{
	for (bool cancelled : { false, true }) {
		fixture f;
		std::atomic<int> tries{ 0 }, unwound{ 0 }, ends{ 0 };
		tenure::function<book, shelf> *self;
		tenure::function<book, shelf> get{ "get", {}, [&] {
			noticed inner{ unwound };

			if (tries++ == 0) {
				await([&] { return static_cast<long>(self->stats().waits); }, 1);
				if (!cancelled)
					pthread_exit(nullptr);
				pthread_cancel(pthread_self());
				pthread_testcancel();
			}
			return owned(new book(2));
		}, f.options() };
		self = &get;
		auto run = [&] {
			ends++;
			get();
			ends++;
		};
		using work = decltype(run);
		pthread_t thread;

		CHECK(pthread_create(&thread, nullptr, [](void *argument) -> void * {
			(*static_cast<work *>(argument))();
			return nullptr;
		}, &run) == 0);
		await([&] { return static_cast<long>(tries); }, 1);
		CHECK(get()->number == 2); /* a waiter took it over */
		pthread_join(thread, nullptr);
		CHECK(tries == 2 && unwound == 2 && ends == 1);
		CHECK(get.stats().abandoned == 1 && get.stats().failures == 0);
	}
}

void C2_an_abandoned_creation_goes_to_a_waiter()
{
	fixture f;
	std::atomic<int> tries{ 0 };
	tenure::function<book, shelf> *self;
	tenure::function<book, shelf> get{ "get", {}, [&] {
		if (tries++ == 0) {
			await([&] { return static_cast<long>(self->stats().waits); }, 1);
			throw tenure::abandoned();
		}
		return owned(new book(1));
	}, f.options() };
	self = &get;
	std::thread first([&] { CHECK(CAUGHT(tenure::error, get()).code() == TENURE_EFAILED); });

	await([&] { return static_cast<long>(tries); }, 1);
	CHECK(get().result() == TENURE_CREATED);
	first.join();
	CHECK(get.stats().abandoned == 1);
}

/* ---- keys */

/* Of a function with one parameter: each of the values has its own entry, and finds it again; the creator gets it back. */
template <class A, class Equal> void told_apart(std::vector<A> values, Equal equal)
{
	fixture f;
	const A *expected = nullptr;
	tenure::function<book, shelf, A> get{ "get", { "a" }, [&](const A &a) {
		CHECK(equal(a, *expected));
		return owned(new book(1));
	}, f.options() };

	for (int round = 0; round < 2; round++) {
		for (const A &value : values) {
			expected = &value;
			CHECK(get(value).result() == (round == 0 ? TENURE_CREATED : TENURE_HIT));
			CHECK(get(value).result() == TENURE_HIT);
		}
	}
	for (const A &value : values)
		CHECK(get.clear(value) == 1);
	CHECK(get.stats().creations == values.size() && get.stats().hits == 3 * values.size());
}
template <class A> void told_apart(std::vector<A> values)
{
	told_apart<A>(std::move(values), [](const A &a, const A &b) { return a == b; });
}

void K1_K6_arguments_of_every_type_are_told_apart_and_handed_on()
{
	using namespace std::string_literals;

	{ /* std::vector<bool> is no container of bool */
		fixture f;
		tenure::function<book, shelf, bool> get{ "get", { "a" }, [](bool a) { return owned(new book(a)); }, f.options() };

		CHECK(get(true)->number == 1 && get(false)->number == 0 && get(true).result() == TENURE_HIT);
	}
	told_apart<int>({ 0, 1, -1, std::numeric_limits<int>::min(), std::numeric_limits<int>::max() });
	told_apart<signed char>({ 0, 1, -1, -128 });
	told_apart<short>({ 0, -1 });
	told_apart<unsigned char>({ 0, 255 });
	told_apart<char>({ 'a', '\0', '\xff' });
	told_apart<std::uint64_t>({ 0, 1, ~std::uint64_t(0) });
	told_apart<long long>({ 0, -1, std::numeric_limits<long long>::min() });
	told_apart<float>({ 0, 0.5F, -0.5F });
	told_apart<double>({ 0, 0.1, -1e300 });
	told_apart<colour>({ colour::red, colour::green });
	told_apart<old_style>({ FIRST, SECOND });
	told_apart<std::string>({ "", "a", "b", "a\0"s, "a\0b"s, std::string(5000, 'x'), std::string(5001, 'x') });
	told_apart<std::string_view>({ "", "a", "ab" });
	told_apart<const char *>({ "", "a", "ab" }, [](const char *a, const char *b) { return std::strcmp(a, b) == 0; });
	told_apart<tenure_bytes>({ { "", 0 }, { "a", 1 }, { "a", 2 } }, [](const tenure_bytes &a, const tenure_bytes &b) {
		return a.size == b.size && std::memcmp(a.data, b.data, a.size) == 0;
	});
	told_apart<tenure_value>({ tenure_nil(), tenure_int(1), tenure_real(1), tenure_string("1") },
				 [](const tenure_value &a, const tenure_value &b) { return a.kind == b.kind; });
	told_apart<std::optional<int>>({ std::nullopt, 0, 1 });
	told_apart<std::optional<std::optional<bool>>>({ std::nullopt, std::optional<bool>(), std::optional<bool>(false) });
	told_apart<std::vector<std::string>>({ {}, { "" }, { "a", "b" }, { "ab" }, std::vector<std::string>(100, "c") });
	told_apart<std::vector<std::vector<double>>>({ {}, { {} }, { {}, {} }, { { 1, 2 }, { 3 } }, { { 1 }, { 2, 3 } } });
	told_apart<std::array<unsigned, 2>>({ { 1, 2 }, { 2, 1 } });
	told_apart<std::pair<std::string, int>>({ { "a", 1 }, { "a", 2 }, { "b", 1 } });
	told_apart<std::tuple<>>({ {} });
	told_apart<std::tuple<int, std::optional<std::string>, colour>>({ { 1, "x", colour::red }, { 1, std::nullopt, colour::red } });
	told_apart<std::map<std::string, std::vector<int>>>({ {}, { { "a", {} } }, { { "a", { 1 } } }, { { "a", { 1 } }, { "b", {} } } });
	told_apart<point>({ { 1, "a" }, { 1, "b" }, { 2, "a" } }, [](const point &a, const point &b) { return &a == &b; });
	told_apart<std::vector<point>>({ {}, { { 1, "a" } }, { { 1, "a" }, { 2, "b" } } },
				       [](const std::vector<point> &a, const std::vector<point> &b) { return &a == &b; });
}

void K3_what_is_unkeyed_is_handed_on_and_left_out()
{
	fixture f;
	int counter = 0;
	tenure::function<book, shelf, int, tenure::unkeyed<secret>, std::string> get{ "get", { "n", "log", "_note" },
		[](tenure_call *, int n, const secret &log, std::string note) {
			++*log.counter;
			CHECK(note == "first");
			return owned(new book(n));
		}, f.options() };

	CHECK(get(1, secret{ &counter }, "first").result() == TENURE_CREATED);
	CHECK(get(1, secret{ nullptr }, "second").result() == TENURE_HIT);
	CHECK(get.clear(1, secret{ nullptr }, "third") == 1);
	CHECK(counter == 1);
}

void K5_a_null_text_is_an_error_that_names_the_parameter()
{
	fixture f;
	tenure::function<book, shelf, const char *> get{ "get", { "url" }, [](const char *) { return owned(); }, f.options() };
	tenure::error e = CAUGHT(tenure::error, get(nullptr));

	CHECK(e.code() == TENURE_EARGUMENT && std::string(e.what()).find("url") != std::string::npos);
}

/* The hit that the header inlines finds what the library stored: no list is bound any more. */
void K2_the_inlined_hit_and_the_library_agree()
{
	fixture f;
	tenure::function<book, shelf, std::string_view, int, tenure_bytes, bool, double, std::uint16_t, const char *> get{ "get",
		{ "s", "i", "b", "t", "d", "u", "c" },
		[](std::string_view, int, tenure_bytes, bool, double, std::uint16_t, const char *) { return owned(new book(1)); },
		f.options() };
	long allocated;

	tn_fault_arm("bind.list", 1 << 30); /* counts only */
	for (int i = 0; i < 200; i++) {
		std::string s(static_cast<std::size_t>(i), 's'), c(static_cast<std::size_t>(i % 7), 'c');
		auto call = [&] { return get(s, -i, tenure_bytes{ s.data(), s.size() / 2 }, i % 2 == 0, i / 8.0, i, c.c_str()); };

		CHECK(call().result() == TENURE_CREATED);
		allocated = allocations;
		CHECK(call().result() == TENURE_HIT);
		CHECK(allocations == allocated);
	}
	CHECK(tn_fault_arrivals("bind.list") == 200);
	tn_fault_reset();
	CHECK(get.stats().hits == 200);
}

void K2_a_hit_of_values_takes_no_memory()
{
	fixture f;
	tenure::function<book, shelf, std::optional<int>, std::pair<std::string, bool>, std::vector<int>> get{ "get",
		{ "o", "p", "v" }, [](std::optional<int>, std::pair<std::string, bool>, std::vector<int>) { return owned(new book(1)); },
		f.options() };
	const std::pair<std::string, bool> p{ "a longer text than what a string keeps inside", true };
	const std::vector<int> v{ 1, 2, 3, 4, 5, 6 };

	CHECK(get(7, p, v).result() == TENURE_CREATED);
	long allocated = allocations;
	tn_alloc_fail_at(1, false);
	CHECK(get(7, p, v).result() == TENURE_HIT);
	CHECK(allocations == allocated && !tn_alloc_failed());
	tn_alloc_fail_at(0, false);
}

/* ---- the rest of the face */

void F5_wrong_options_are_errors_with_what_is_allowed()
{
	fixture f;
	auto wrong = [&](auto set, const char *word) {
		auto o = f.options();
		set(o);
		tenure::function<book, shelf> get{ "get", {}, [] { return owned(); }, o };
		tenure::error e = CAUGHT(tenure::error, get.check());

		CHECK(e.code() == TENURE_EINVAL && std::string(e.what()).find(word) != std::string::npos);
		CHECK(CAUGHT(tenure::error, get()).code() == TENURE_EINVAL);
	};
	using options = tenure::options<book>;

	wrong([](options &o) { o.ttl = "90"; }, "no unit");
	wrong([](options &o) { o.ttl = std::chrono::seconds(0); }, "longer than nothing");
	wrong([](options &o) { o.ttl = std::chrono::seconds(-1); }, "longer than nothing");
	wrong([](options &o) { o.idle_ttl = std::string("1 fortnight"); }, "unit");
	wrong([](options &o) { o.jitter_percent = 51; }, "jitter");
	wrong([](options &o) { o.validate_every = "1s"; }, "validate");
	tenure::function<book, shelf, int, int> twice{ "twice", { "a", "a" }, [](int, int) { return owned(); }, f.options() };
	CHECK(CAUGHT(tenure::error, twice.check()).code() == TENURE_EINVAL);
}

void T1_times_to_live_as_texts_and_durations_M1_and_a_bound()
{
	fixture f;
	auto o = f.options();
	o.ttl = "10s";
	o.idle_ttl = std::chrono::milliseconds(5000);
	o.max_entries = 1;
	tenure::function<book, shelf, int> get{ "get", { "n" }, [](tenure_call *call, int n) {
		if (n == 5)
			tenure::set_ttl(call, std::chrono::seconds(1));
		return owned(new book(n));
	}, o };

	get.warm_up(1);
	get.warm_up(2); /* retires 1 */
	CHECK(get.stats().retired_capacity == 1);
	f.advance(std::chrono::seconds(11));
	CHECK(get.stats().retired_expired + get.stats().retired_idle == 1);
	get.warm_up(5);
	f.advance(std::chrono::seconds(2));
	CHECK(get.stats().live == 0);
}

void Z1_Z2_L7_clear_one_clear_all_and_drain()
{
	fixture f;
	tenure::function<book, shelf, int> get{ "get", { "n" }, [](int n) { return owned(new book(n)); }, f.options() };
	tenure::lease<book> one = get(1);

	get.warm_up(2);
	get.warm_up(3);
	CHECK(get.clear(2) == 1 && get.clear(2) == 0);
	CHECK(get.clear() == 2);
	CHECK(get.drain(std::chrono::nanoseconds(0)) >= 1); /* `one` is out */
	CHECK(f.cache.stats().retired >= 1);
	one.give_back();
	CHECK(get.drain() == 0 && f.cache.drain() == 0);
}

void K2_a_prepared_key_is_the_same_call()
{
	fixture f;
	tenure::function<book, shelf, std::string, std::vector<int>> get{ "get", { "s", "v" },
		[](const std::string &s, const std::vector<int> &v) { return owned(new book(static_cast<int>(s.size() + v.size()))); },
		f.options() };
	tenure::key<book> key = get.prepare(std::string("temporary"), { 1, 2, 3 });

	static_assert(!std::is_copy_constructible_v<tenure::key<book>>);
	CHECK(key()->number == 12);
	CHECK(get("temporary", { 1, 2, 3 }).result() == TENURE_HIT);
	tenure::key<book> moved = std::move(key);
	CHECK(moved().result() == TENURE_HIT && moved(std::chrono::seconds(1)).result() == TENURE_HIT);
	CHECK(tenure_key_live(moved.get()) != nullptr);
	CHECK(CAUGHT(tenure::error, key()).code() == TENURE_EINVAL); /* moved from */
}

void C9_a_creator_keeps_what_it_got()
{
	fixture f;
	tenure::function<book, shelf> inner{ "inner", {}, [] { return owned(new book(1)); }, f.options() };
	tenure::function<book, shelf> outer{ "outer", {}, [&](tenure_call *call) {
		tenure::lease<book> lease = inner();

		tenure::keep(call, std::move(lease));
		CHECK(!lease.held());
		return owned(new book(2));
	}, f.options() };
	tenure::lease<book> held = outer();

	CHECK(inner.clear() == 1);
	CHECK(inner.drain(std::chrono::nanoseconds(0)) == 1);
	held.give_back();
	CHECK(outer.drain() == 0 && inner.drain() == 0);
}

struct shown {
	std::string text;
	int replays = 0;
};

void U3_messages_are_said_again_in_a_session()
{
	created = released = 0;
	static const tenure_front front = [] {
		tenure_front f = {};
		f.size = sizeof(f);
		f.message = [](void *user, int, const void *data, size_t size, bool replayed) {
			if (user == nullptr)
				return;
			static_cast<shown *>(user)->text.assign(static_cast<const char *>(data), size);
			static_cast<shown *>(user)->replays += replayed;
		};
		return f;
	}();
	tenure_cache_options with_front = {};
	with_front.front = &front;
	tenure::cache cache("shown", with_front);
	tenure::options<book> o;
	o.in = &cache;
	tenure::function<book, shelf, int> get{ "get", { "n" }, [](tenure_call *call, int n) {
		tenure::say(call, TENURE_SUCCESS, "made " + std::to_string(n) + " 100%s");
		return owned(new book(n));
	}, o };
	shown mine;
	{
		tenure::session session("user", &mine);
		tenure_session *before = nullptr;

		{
			auto scope = session.enter();

			get.warm_up(4);
			get.warm_up(4);
		}
		tenure_session_enter(nullptr, &before);
		CHECK(before == nullptr); /* the scope has ended */
	}
	CHECK(mine.text == "made 4 100%s" && mine.replays == 1);
	cache.close();
	CHECK(CAUGHT(tenure::error, get(1)).code() == TENURE_ECLOSED); /* its cache is gone; its function is still there */
	CHECK(created == released);
}

void F2_functions_of_one_version_are_one()
{
	fixture f;
	auto o = f.options();
	o.version = "1";
	auto make = [](int n) { return owned(new book(n)); };
	tenure::function<book, shelf, int> one{ "same", { "n" }, make, o }, two{ "same", { "n" }, make, o };
	tenure::function<book, shelf, double> other{ "same", { "n" }, [](double) { return owned(); }, o };

	CHECK(one(1).get() == two(1).get() && created == 1);
	CHECK(CAUGHT(tenure::error, other(1)).code() == TENURE_EINVAL);
}

void C1_many_threads_share_and_replace()
{
	fixture f;
	tenure::function<book, shelf, int, std::string> get{ "get", { "n", "s" },
		[](int n, const std::string &) { return owned(new book(n)); }, f.options() };
	std::vector<std::thread> threads;

	for (int t = 0; t < 4; t++) {
		threads.emplace_back([&, t] {
			for (int i = 0; i < 3000; i++) {
				tenure::lease<book> lease = get(i % 3, "key"), more = lease.share();

				CHECK(more->number == i % 3);
				if (i % 500 == t * 100)
					get.clear();
			}
		});
	}
	for (auto &thread : threads)
		thread.join();
	CHECK(get.drain() == 0);
}

#define TEST(name) { #name, name }
const struct {
	const char *name;
	void (*run)();
} tests[] = {
	TEST(L1_a_lease_moves_and_gives_back_at_its_end),
	TEST(L2_a_lease_is_given_back_on_another_thread),
	TEST(L1_a_discarded_resource_is_made_anew),
	TEST(L1_leases_outlive_their_function),
	TEST(L1_a_function_without_leases_is_forgotten_with_what_its_creator_holds),
	TEST(Z1_peek_finds_and_never_makes),
	TEST(S2_T4_scopes_and_refreshes_are_options),
	TEST(C7_a_null_resource_is_a_value),
	TEST(L3_a_deleter_that_throws_is_a_failed_release),
	TEST(L4_one_object_in_two_functions_is_released_once),
	TEST(C2_every_waiter_gets_the_exception_that_the_creator_threw),
	TEST(C2_what_is_no_std_exception_is_carried_too),
	TEST(C2_a_failure_in_words_is_an_error_of_tenures),
	TEST(C4_a_cycle_is_an_error),
	TEST(C5_a_waiter_leaves_at_its_deadline),
	TEST(V1_V2_validate_says_no_yes_or_throws),
	TEST(C2_a_thread_that_ends_inside_a_creator_abandons_it_and_is_unwound),
	TEST(C2_an_abandoned_creation_goes_to_a_waiter),
	TEST(K1_K6_arguments_of_every_type_are_told_apart_and_handed_on),
	TEST(K3_what_is_unkeyed_is_handed_on_and_left_out),
	TEST(K5_a_null_text_is_an_error_that_names_the_parameter),
	TEST(K2_the_inlined_hit_and_the_library_agree),
	TEST(K2_a_hit_of_values_takes_no_memory),
	TEST(F5_wrong_options_are_errors_with_what_is_allowed),
	TEST(T1_times_to_live_as_texts_and_durations_M1_and_a_bound),
	TEST(Z1_Z2_L7_clear_one_clear_all_and_drain),
	TEST(K2_a_prepared_key_is_the_same_call),
	TEST(C9_a_creator_keeps_what_it_got),
	TEST(U3_messages_are_said_again_in_a_session),
	TEST(F2_functions_of_one_version_are_one),
	TEST(C1_many_threads_share_and_replace),
};

} // namespace

int main()
{
	int number = 0, wrong = 0;

	std::printf("1..%zu\n", sizeof(tests) / sizeof(tests[0]));
	for (const auto &test : tests) {
		std::string why;

		try {
			test.run();
		} catch (const std::exception &e) {
			why = e.what();
		} catch (...) {
			why = "an exception that is no std::exception";
		}
		wrong += !why.empty();
		std::printf("%s %d - %s\n%s%s%s", why.empty() ? "ok" : "not ok", ++number, test.name, why.empty() ? "" : "# ", why.c_str(),
			    why.empty() ? "" : "\n");
		std::fflush(stdout);
	}
	return wrong != 0;
}
