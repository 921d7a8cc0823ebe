/* SPDX-License-Identifier: Apache-2.0 */
/* tenure.hpp: the C++17 face: make an expensive resource once, hand out the same one, close it after its last holder.
 *
 *   struct closer { void operator()(FILE *f) const { fclose(f); } };
 *   static tenure::function<FILE, closer, std::string_view, bool> get_log{ "get_log", { "path", "append" },
 *           [](tenure_call *, std::string_view path, bool append) {
 *                   std::unique_ptr<FILE, closer> f(fopen(std::string(path).c_str(), append ? "a" : "w"));
 *                   if (!f) throw std::runtime_error("cannot open");   // everybody who waited gets this very exception
 *                   return f;
 *           } };
 *   tenure::lease<FILE> log = get_log("a.log", true);                  // runs the creator; the next call does not
 *
 * Read tenure.h for what happens; this says how it looks. It defines no macro, needs exceptions and links libtenure. Where
 * C returns an error, this throws tenure::error; where a creator or validate threw, the same exception is thrown again, on
 * every thread that waited: it is one object, so treat it as constant. No exception crosses the library. Thread
 * cancellation and pthread_exit() inside a creator pass through, and abandon the creation. */
#ifndef TENURE_TENURE_HPP
#define TENURE_TENURE_HPP

#include <tenure/tenure.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <cxxabi.h>

#if !defined(__cpp_exceptions)
#error "tenure.hpp needs exceptions; without them use tenure.h"
#endif

namespace tenure {

/* ---- 1. Errors */

/* A negative result of the library: code() is one of TENURE_ERRORS, what() says why. */
class error : public std::runtime_error {
public:
	error(int code, const char *what) : std::runtime_error(what), code_(code) {}
	int code() const noexcept { return code_; }

private:
	int code_;
};

/* Thrown by a creator: ended from outside, not failed; one of those who wait takes over. */
struct abandoned {};

inline constexpr std::chrono::nanoseconds forever{ TENURE_FOREVER };

/* ---- 2. Parameters
 *
 * bool, integers, enums, float, double; std::string, std::string_view, const char *; tenure_bytes, tenure_value;
 * std::optional, std::vector, std::array, std::pair, std::tuple and std::map of these: kept by tenure as values.
 * Views that a creator gets are valid until it returns.
 *
 * A type of your own says what tells two apart, by a specialisation. `of` returns anything of the above:
 *   template <> struct tenure::identity<point> {
 *           static auto of(const point &p) { return std::tuple(p.x, p.y); }
 *   };
 * It is handed to the creator by reference, so it must outlive a key prepared with it. */
template <class X> struct identity;

/* A parameter of any type that is left out of the key; its name then begins with '_', added where it does not. The creator
 * gets a const X &. As is a parameter of another type whose name begins with '_'. */
template <class X> struct unkeyed {
	X value;
	unkeyed(X x) : value(std::move(x)) {}
};

namespace detail {

enum class form { none, scalar, text, bytes, value, object, unkeyed };

/* Memory for the items of one call's values. Mostly none: they are on the stack. */
class arena {
public:
	arena() {} /* leaves the items below as they are */
	arena(const arena &) = delete;

	tenure_value *take(std::size_t count)
	{
		if (count <= small_.size() - used_) {
			used_ += count;
			return small_.data() + used_ - count;
		}
		more_.push_back(std::make_unique<tenure_value[]>(count));
		return more_.back().get();
	}

	template <class X> const X &keep(X &&x)
	{
		auto kept = std::make_shared<std::decay_t<X>>(std::forward<X>(x));

		kept_.push_back(kept);
		return *kept;
	}

private:
	std::array<tenure_value, 16> small_;
	std::size_t used_ = 0;
	std::vector<std::unique_ptr<tenure_value[]>> more_;
	std::vector<std::shared_ptr<const void>> kept_;
};

inline tenure_value make_value(std::uint32_t kind, std::size_t size = 0, const void *data = nullptr)
{
	tenure_value value;

	value.kind = kind;
	value.reserved_ = 0;
	value.size = size;
	value.as.natural = 0;
	value.as.data = data;
	return value;
}

/* A number as a parameter of a call: no bool from a pointer, no integer from a real or a bool. */
template <class A> struct number {
	A value;
	template <class U, std::enable_if_t<std::is_same_v<A, bool>             ? std::is_same_v<U, bool> :
						    std::is_floating_point_v<A> ? std::is_arithmetic_v<U> && !std::is_same_v<U, bool> :
										  std::is_integral_v<U> && !std::is_same_v<U, bool>,
					    int> = 0>
	constexpr number(U u) : value(static_cast<A>(u))
	{
	}
};

/* What each type of parameter is. form, kind; pass: how a call takes it; out: how a creator gets it; word, view: its parts
 * in a key; in: as a value; from: back. */
template <class A, class = void> struct trait {
	static constexpr form is = form::none;
};

template <class A>
struct trait<A, std::enable_if_t<std::is_arithmetic_v<A> && sizeof(A) <= 8 && !std::is_same_v<A, long double>>> {
	static constexpr form is = form::scalar;
	static constexpr std::uint32_t kind = std::is_same_v<A, bool>     ? TENURE_BOOL :
					      std::is_floating_point_v<A> ? TENURE_REAL :
					      std::is_signed_v<A>         ? TENURE_INT :
									    TENURE_UINT;
	using pass = number<A>;
	using out = A;

	static std::uint64_t word(A a) noexcept
	{
		if constexpr (kind == TENURE_REAL)
			return tenure_real_word_(static_cast<double>(a));
		else if constexpr (kind == TENURE_INT)
			return static_cast<std::uint64_t>(static_cast<std::int64_t>(a));
		else
			return static_cast<std::uint64_t>(a);
	}
	static std::uint64_t word(const pass &a) noexcept { return word(a.value); }
	static tenure_value in(arena *, A a)
	{
		tenure_value value = make_value(kind);

		if constexpr (kind == TENURE_BOOL)
			value.as.truth = a;
		else
			value.as.natural = word(a);
		return value;
	}
	static tenure_value in(arena *at, const pass &a) { return in(at, a.value); }
	static A from(const tenure_value &value)
	{
		if constexpr (kind == TENURE_BOOL)
			return value.as.truth;
		else if constexpr (kind == TENURE_REAL)
			return static_cast<A>(value.as.real);
		else
			return static_cast<A>(value.as.natural);
	}
};

template <class A> struct trait<A, std::enable_if_t<std::is_enum_v<A>>> {
	using under = trait<std::underlying_type_t<A>>;
	static constexpr form is = form::scalar;
	static constexpr std::uint32_t kind = under::kind;
	using pass = A;
	using out = A;

	static std::uint64_t word(A a) noexcept { return under::word(static_cast<std::underlying_type_t<A>>(a)); }
	static tenure_value in(arena *at, A a) { return under::in(at, static_cast<std::underlying_type_t<A>>(a)); }
	static A from(const tenure_value &value) { return static_cast<A>(under::from(value)); }
};

template <class A, std::uint32_t K> struct text_trait {
	static constexpr form is = K == TENURE_STRING ? form::text : form::bytes;
	static constexpr std::uint32_t kind = K;
	using out = A;
};

template <> struct trait<std::string_view> : text_trait<std::string_view, TENURE_STRING> {
	using pass = std::string_view;
	static std::string_view view(std::string_view a) noexcept { return a.data() == nullptr ? std::string_view("") : a; }
	static tenure_value in(arena *, std::string_view a)
	{
		a = view(a);
		return make_value(TENURE_STRING, a.size(), a.data());
	}
	static std::string_view from(const tenure_value &value)
	{
		return std::string_view(static_cast<const char *>(value.as.data), value.size);
	}
};

template <> struct trait<std::string> : trait<std::string_view> {
	using out = std::string;
	static std::string from(const tenure_value &value) { return std::string(trait<std::string_view>::from(value)); }
};

/* NULL is an error: TENURE_EARGUMENT. */
template <> struct trait<const char *> : text_trait<const char *, TENURE_STRING> {
	using pass = const char *;
	static std::string_view view(const char *a) noexcept { return a == nullptr ? std::string_view() : std::string_view(a); }
	static tenure_value in(arena *, const char *a) { return tenure_string(a); }
	static const char *from(const tenure_value &value) { return static_cast<const char *>(value.as.data); }
};

template <> struct trait<tenure_bytes> : text_trait<tenure_bytes, TENURE_BYTES> {
	using pass = tenure_bytes;
	static std::string_view view(tenure_bytes a) noexcept
	{
		return a.data == nullptr ? std::string_view(a.size == 0 ? "" : nullptr, 0) :
					   std::string_view(static_cast<const char *>(a.data), a.size);
	}
	static tenure_value in(arena *, tenure_bytes a) { return tenure_span(a); }
	static tenure_bytes from(const tenure_value &value) { return tenure_bytes{ value.as.data, value.size }; }
};

template <class A> struct value_trait {
	static constexpr form is = form::value;
	static constexpr std::uint32_t kind = TENURE_VALUE;
	using pass = const A &;
	using out = A;
};

template <> struct trait<tenure_value> : value_trait<tenure_value> {
	static tenure_value in(arena *, const tenure_value &a) { return a; }
	static tenure_value from(const tenure_value &value) { return value; }
};

/* Handed on by address; identified by identity<X>, or by those of its parts. */
template <class A> struct object_trait {
	static constexpr form is = form::object;
	static constexpr std::uint32_t kind = TENURE_OBJECT;
	using pass = const A &;
	using out = const A &;
};

template <class A> struct trait<A, std::void_t<decltype(identity<A>::of(std::declval<const A &>()))>> : object_trait<A> {
	static tenure_value in(arena *at, const A &a)
	{
		using part = std::decay_t<decltype(identity<A>::of(a))>;

		static_assert(trait<part>::is != form::none, "what identity<X>::of returns must be a type of parameter itself");
		return trait<part>::in(at, at->keep(part(identity<A>::of(a))));
	}
};

/* A type made of parts is a value where all its parts are, else an object. */
template <class A, class... Parts>
using composite = std::conditional_t<((trait<Parts>::is != form::object) && ...), value_trait<A>, object_trait<A>>;
template <class... Parts> inline constexpr bool all_have_identity =
	((trait<Parts>::is != form::none && trait<Parts>::is != form::unkeyed) && ...);

inline const tenure_value *items_of(const tenure_value &value)
{
	return static_cast<const tenure_value *>(value.as.data);
}

template <class A, class X> tenure_value sequence_in(arena *at, const A &a, std::size_t count)
{
	tenure_value *items = at->take(count);
	std::size_t i = 0;

	for (const auto &x : a)
		items[i++] = trait<X>::in(at, static_cast<const X &>(x));
	return make_value(TENURE_LIST, count, items);
}

template <class X, class More>
struct trait<std::vector<X, More>, std::enable_if_t<all_have_identity<X>>> : composite<std::vector<X, More>, X> {
	static tenure_value in(arena *at, const std::vector<X, More> &a)
	{
		return sequence_in<std::vector<X, More>, X>(at, a, a.size());
	}
	static std::vector<X, More> from(const tenure_value &value)
	{
		std::vector<X, More> a;

		a.reserve(value.size);
		for (std::size_t i = 0; i < value.size; i++)
			a.push_back(trait<X>::from(items_of(value)[i]));
		return a;
	}
};

template <class X, std::size_t N>
struct trait<std::array<X, N>, std::enable_if_t<all_have_identity<X>>> : composite<std::array<X, N>, X> {
	static tenure_value in(arena *at, const std::array<X, N> &a) { return sequence_in<std::array<X, N>, X>(at, a, N); }
	static std::array<X, N> from(const tenure_value &value) { return take(value, std::make_index_sequence<N>()); }

private:
	template <std::size_t... I> static std::array<X, N> take(const tenure_value &value, std::index_sequence<I...>)
	{
		(void)value;
		return std::array<X, N>{ { trait<X>::from(items_of(value)[I])... } };
	}
};

/* A list of none or one, so that an optional of an optional is told apart too. */
template <class X> struct trait<std::optional<X>, std::enable_if_t<all_have_identity<X>>> : composite<std::optional<X>, X> {
	static tenure_value in(arena *at, const std::optional<X> &a)
	{
		tenure_value *items = at->take(a ? 1 : 0);

		if (a)
			items[0] = trait<X>::in(at, *a);
		return make_value(TENURE_LIST, a ? 1 : 0, items);
	}
	static std::optional<X> from(const tenure_value &value)
	{
		return value.size == 0 ? std::optional<X>() : std::optional<X>(trait<X>::from(items_of(value)[0]));
	}
};

template <class A, class... X> struct tuple_trait : composite<A, X...> {
	static tenure_value in(arena *at, const A &a) { return put(at, a, std::index_sequence_for<X...>()); }
	static A from(const tenure_value &value) { return take(value, std::index_sequence_for<X...>()); }

private:
	template <std::size_t... I> static tenure_value put(arena *at, const A &a, std::index_sequence<I...>)
	{
		tenure_value *items = at->take(sizeof...(X));

		(void)a;
		((items[I] = trait<X>::in(at, std::get<I>(a))), ...);
		return make_value(TENURE_LIST, sizeof...(X), items);
	}
	template <std::size_t... I> static A take(const tenure_value &value, std::index_sequence<I...>)
	{
		(void)value;
		return A(trait<X>::from(items_of(value)[I])...);
	}
};
template <class X, class Y>
struct trait<std::pair<X, Y>, std::enable_if_t<all_have_identity<X, Y>>> : tuple_trait<std::pair<X, Y>, X, Y> {};
template <class... X>
struct trait<std::tuple<X...>, std::enable_if_t<all_have_identity<X...>>> : tuple_trait<std::tuple<X...>, X...> {};

template <class X, class Y, class... More>
struct trait<std::map<X, Y, More...>, std::enable_if_t<all_have_identity<X, Y>>> : composite<std::map<X, Y, More...>, X, Y> {
	using map = std::map<X, Y, More...>;
	static tenure_value in(arena *at, const map &a)
	{
		tenure_value *items = at->take(2 * a.size());
		std::size_t i = 0;

		for (const auto &[x, y] : a) {
			items[i++] = trait<X>::in(at, x);
			items[i++] = trait<Y>::in(at, y);
		}
		return make_value(TENURE_MAP, 2 * a.size(), items);
	}
	static map from(const tenure_value &value)
	{
		map a;

		for (std::size_t i = 0; i < value.size; i += 2)
			a.emplace(trait<X>::from(items_of(value)[i]), trait<Y>::from(items_of(value)[i + 1]));
		return a;
	}
};

template <class X> struct trait<unkeyed<X>> {
	static constexpr form is = form::unkeyed;
	static constexpr std::uint32_t kind = TENURE_OBJECT;
	using pass = const unkeyed<X> &;
	using out = const X &;
};

template <class A> inline constexpr bool plain = trait<A>::is == form::scalar || trait<A>::is == form::text ||
						 trait<A>::is == form::bytes;

/* ---- exceptions into the library and out of it */

inline void drop_exception(void *box)
{
	delete static_cast<std::exception_ptr *>(box);
}

/* Inside a handler: the exception becomes the failure of this call; NULL: of the validation that runs here. */
inline int carry(tenure_call *call)
{
	std::exception_ptr exception = std::current_exception();
	std::exception_ptr *box;

	if (!exception)
		throw; /* not C++'s own: a thread that ends, where the runtime has no name for it */
	box = new (std::nothrow) std::exception_ptr(exception);
	if (box != nullptr)
		tenure_fail_with(call, box, drop_exception);
	try {
		throw;
	} catch (const std::exception &e) {
		return tenure_fail(call, "%s", e.what());
	} catch (...) {
		return tenure_fail(call, "an exception that is no std::exception");
	}
}

/* Runs user code for the library: `failed` says what an exception is to it. A forced unwinding has no object behind its
 * reference, which gcc's sanitizer takes amiss. */
template <class Work, class Failed>
#if defined(__GNUC__) && !defined(__clang__)
__attribute__((no_sanitize("undefined")))
#endif
int guarded(Work work, Failed failed)
{
	try {
		return work();
	}
#if defined(__GLIBCXX__)
	catch (abi::__forced_unwind &) { /* the thread ends: nobody may stop that */
		throw;
	}
#endif
	catch (...) {
		return failed();
	}
}

/* One for each resource type and deleter: what is released once, in however many functions' entries it stands. */
template <class T, class Deleter> int release_with(void *, void *resource)
{
	return guarded([&] {
		Deleter()(static_cast<T *>(resource));
		return 0;
	}, [] { return -1; });
}

template <class T> const char *type_text()
{
	return __PRETTY_FUNCTION__;
}

[[noreturn]] inline void raise(int result)
{
	if (result == TENURE_EFAILED) {
		if (auto *box = static_cast<std::exception_ptr *>(tenure_failure())) {
			std::exception_ptr exception = *box;

			tenure_failure_drop(); /* else this thread would keep it until its next failure */
			std::rethrow_exception(std::move(exception));
		}
	}
	throw error(result, tenure_message());
}

inline int check(int result)
{
	if (result < 0)
		raise(result);
	return result;
}

template <class Rep, class Period> std::int64_t nanoseconds_of(std::chrono::duration<Rep, Period> time)
{
	return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

/* What the library knows of a function: until forget it stays where it is. */
struct known {
	known() = default;
	known(const known &) = delete;
	virtual ~known() = default;
	tenure_function face = tenure_function{};
	std::unique_ptr<known> next; /* of those left behind */
};

/* Functions whose objects are gone, but not all their leases. Never destroyed: a late lease may come back after main(). */
struct left_behind {
	std::mutex mutex;
	std::unique_ptr<known> first; /* guarded by mutex */

	static left_behind &list()
	{
		static left_behind *const all = new left_behind;

		return *all;
	}
	std::unique_ptr<known> take()
	{
		std::lock_guard<std::mutex> lock(mutex);

		return std::move(first);
	}
	void put(std::unique_ptr<known> one)
	{
		std::lock_guard<std::mutex> lock(mutex);

		one->next = std::move(first);
		first = std::move(one);
	}
};

/* Let the library forget it, now if nothing is out, else when another one is forgotten. What is destroyed here may hold
 * other functions, so no lock is held. */
inline void forget(std::unique_ptr<known> one)
{
	left_behind &list = left_behind::list();
	tenure_stats stats = tenure_stats{};

	tenure_function_clear(&one->face, nullptr);
	if (tenure_function_stats(&one->face, &stats, sizeof(stats)) != 0 || stats.retired != 0 ||
	    tenure_function_forget(&one->face, TENURE_SECONDS(5)) != 0)
		list.put(std::move(one));
	for (std::unique_ptr<known> more = list.take(), next; more != nullptr; more = std::move(next)) {
		next = std::move(more->next);
		if (tenure_function_forget(&more->face, 0) != 0)
			list.put(std::move(more));
	}
}

/* One name for each parameter: one too few or too many does not compile. */
template <std::size_t N> struct names {
	std::array<std::string, N> texts;
	template <class... S, std::enable_if_t<sizeof...(S) == N && (std::is_convertible_v<S, std::string> && ...), int> = 0>
	names(S &&...name) : texts{ { std::string(std::forward<S>(name))... } }
	{
	}
};
template <> struct names<0> {
	std::array<std::string, 0> texts;
};

} // namespace detail

/* ---- 3. Leases */

/* A right to use a resource. It only moves; given back by the destructor, on whatever thread. */
template <class T> class lease {
public:
	lease() noexcept = default;
	lease(lease &&other) noexcept : raw_(std::exchange(other.raw_, tenure_lease{})), result_(other.result_) {}
	lease &operator=(lease &&other) noexcept
	{
		if (this != &other) {
			tenure_give_back_(&raw_);
			raw_ = std::exchange(other.raw_, tenure_lease{});
			result_ = other.result_;
		}
		return *this;
	}
	lease(const lease &) = delete;
	lease &operator=(const lease &) = delete;
	~lease() { tenure_give_back_(&raw_); }

	/* NULL in an empty one; and where the creator made NULL. */
	T *get() const noexcept { return static_cast<T *>(raw_.resource); }
	T &operator*() const noexcept { return *get(); }
	T *operator->() const noexcept { return get(); }
	explicit operator bool() const noexcept { return raw_.resource != nullptr; }
	bool held() const noexcept { return raw_.cell_ != nullptr; }

	/* How it was come by: TENURE_HIT, TENURE_CREATED, TENURE_JOINED, TENURE_STALE. */
	int result() const noexcept { return result_; }

	/* One more on the same resource. */
	lease share() const
	{
		lease other;

		detail::check(tenure_lease_share(&raw_, &other.raw_));
		return other;
	}

	/* Before its time; it is then empty. Of an empty one: nothing. discard: and retire, "it is broken". */
	void give_back() { detail::check(tenure_give_back_(&raw_)); }
	void discard() { detail::check(tenure_lease_discard(&raw_)); }

	/* For the C interface. */
	tenure_lease *raw() noexcept { return &raw_; }

private:
	template <class, class, class...> friend class function;
	template <class> friend class key;
	tenure_lease raw_ = tenure_lease{};
	int result_ = TENURE_HIT;
};

/* ---- 4. Inside a creator */

/* Show a message, and again on each hit inside a session. kind: TENURE_TEXT, TENURE_SUCCESS ... `text` is
 * the message itself, not a format as in C. */
inline void say(tenure_call *call, int kind, std::string_view text)
{
	int size = static_cast<int>(text.size() < 0x7fffffff ? text.size() : 0x7fffffff);

	detail::check(tenure_say(call, kind, "%.*s", size, text.data() == nullptr ? "" : text.data()));
}

/* How far it is, 0..1 (less: unknown), and in words, for all who wait. Not recorded. */
inline void progress(tenure_call *call, double fraction, const std::string &text)
{
	tenure_progress(call, fraction, "%s", text.c_str());
}
inline void progress(tenure_call *call, double fraction)
{
	tenure_progress(call, fraction, nullptr);
}

/* What a get inside the creator returned is held by the entry being made. */
template <class T> void keep(tenure_call *call, lease<T> &&held)
{
	detail::check(tenure_call_keep_lease(call, held.raw()));
}

/* This entry's time to live; zero: hand it out, but do not keep it. */
template <class Rep, class Period> void set_ttl(tenure_call *call, std::chrono::duration<Rep, Period> ttl)
{
	tenure_call_set_ttl(call, detail::nanoseconds_of(ttl));
}

/* ---- 5. Caches and sessions */

/* A cache of its own; `more`: its other options, as in C, where `name` takes the place of theirs.
 * It outlives the functions that name it in their options, or they are called no more. */
class cache {
public:
	explicit cache(const char *name, tenure_cache_options more = tenure_cache_options{})
		: handle_(std::make_shared<tenure_cache *>(nullptr))
	{
		more.size = sizeof(more);
		more.name = name;
		detail::check(tenure_cache_open_with(handle_.get(), &more));
	}
	cache(const cache &) = delete;
	cache &operator=(const cache &) = delete;

	/* Waits for 5 s at most; what is still leased then stays open until the process ends. close() says so instead. */
	~cache()
	{
		if (*handle_ != nullptr)
			tenure_cache_close(handle_.get(), TENURE_SECONDS(5));
	}
	void close(std::chrono::nanoseconds timeout = forever) { detail::check(tenure_cache_close(handle_.get(), timeout.count())); }

	int clear() { return detail::check(tenure_clear_all(*handle_)); }
	int drain(std::chrono::nanoseconds timeout = forever) { return detail::check(tenure_drain_all(*handle_, timeout.count())); }
	tenure_stats stats() const
	{
		tenure_stats stats;

		detail::check(tenure_cache_stats(*handle_, &stats, sizeof(stats)));
		return stats;
	}
	tenure_cache *get() const noexcept { return *handle_; }

private:
	template <class, class, class...> friend class function;
	std::shared_ptr<tenure_cache *> handle_; /* its address must stay for as long as a function may look there */
};

/* Every entry of the process-wide cache. How many. */
inline int clear_all()
{
	return detail::check(tenure_clear_all(nullptr));
}

/* One user's visit; ended by the destructor. */
class session {
public:
	explicit session(const char *label, void *front_user = nullptr)
	{
		detail::check(tenure_session_open(label, front_user, &session_));
	}
	session(session &&other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
	session &operator=(session &&other) noexcept
	{
		std::swap(session_, other.session_);
		return *this;
	}
	~session() { tenure_session_end(session_); }

	/* Current on this thread until the end of the block; scopes nest. */
	class scope {
	public:
		scope(const scope &) = delete;
		scope &operator=(const scope &) = delete;
		~scope() { tenure_session_enter(previous_, nullptr); }

	private:
		friend class session;
		explicit scope(tenure_session *session) { detail::check(tenure_session_enter(session, &previous_)); }
		tenure_session *previous_ = nullptr;
	};
	[[nodiscard]] scope enter() { return scope(session_); }
	tenure_session *get() const noexcept { return session_; }

private:
	tenure_session *session_ = nullptr;
};

/* ---- 6. Options */

/* A std::chrono duration, or a text: "90s", "1.5 days", "P1DT2H". */
class duration {
public:
	duration() = default;
	duration(const char *text) : text_(text) {}
	duration(std::string text) : text_(std::move(text)) {}
	template <class Rep, class Period> duration(std::chrono::duration<Rep, Period> time)
		: ns_(detail::nanoseconds_of(time))
	{
		if (ns_ == 0)
			text_ = "0s"; /* refused like any that is not positive, instead of meaning none */
	}

private:
	template <class, class, class...> friend class function;
	std::optional<std::string> text_;
	std::int64_t ns_ = 0;
};

/* As tenure_options; what is left as it is means the default. */
template <class T> struct options {
	duration ttl = {}, idle_ttl = {}, max_stale = {}, validate_every = {};
	std::uint64_t max_entries = 0;
	std::uint32_t jitter_percent = 0;
	std::uint8_t scope = TENURE_GLOBAL, refresh = TENURE_FOREGROUND;
	bool create_on_worker = false, track_holders = false;
	std::function<bool(T &)> validate = {}; /* false retires the resource; an exception goes to all who asked */
	std::optional<std::string> spinner = {}; /* "": none */
	bool show_time = false;
	std::string version = {}; /* "": this object is the function */
	cache *in = nullptr; /* nullptr: the process-wide cache */
};

/* ---- 7. Prepared keys */

/* The arguments of one call, hashed once. Made by function::prepare(); for any thread. It only moves. */
template <class T> class key {
public:
	key(key &&other) noexcept : face_(other.face_), key_(std::exchange(other.key_, nullptr)) {}
	key &operator=(key &&other) noexcept
	{
		std::swap(face_, other.face_);
		std::swap(key_, other.key_);
		return *this;
	}
	~key() { tenure_key_free(key_); }

	lease<T> operator()(std::chrono::nanoseconds timeout = forever) const
	{
		lease<T> lease;

		if (key_ != nullptr && timeout == forever)
			lease.result_ = tenure_get_key_(face_, &lease.raw_, key_);
		else
			lease.result_ = tenure_function_get_key(face_, timeout.count(), &lease.raw_, key_);
		detail::check(lease.result_);
		return lease;
	}
	tenure_key *get() const noexcept { return key_; }

private:
	template <class, class, class...> friend class function;
	key(tenure_function *face, tenure_key *made) : face_(face), key_(made) {}
	tenure_function *face_;
	tenure_key *key_;
};

/* ---- 8. Functions */

/* A cached function. T: the resource; Deleter: what closes it, as of std::unique_ptr, once, on a thread of tenure's; Args:
 * its parameters. The creator is called with (tenure_call *, parameters...), or without the call, and returns a
 * std::unique_ptr<T, Deleter>, or throws. It runs on a thread that asked, without a lock. A failure is not cached.
 * The object stays where it is. Its destructor clears it, and waits for releases, up to 5 s; leases that are out stay valid,
 * and then what the creator and the options hold goes at a later destructor, or never. No call may be under way. */
template <class T, class Deleter = std::default_delete<T>, class... Args> class function {
	static constexpr std::size_t N = sizeof...(Args);
	template <class A> using trait = detail::trait<A>;
	static constexpr bool all_plain = (detail::plain<Args> && ...);
	static constexpr bool some_values = ((trait<Args>::is == detail::form::value) || ...);

	static_assert(((trait<Args>::is != detail::form::none) && ...),
		      "a parameter's type has no identity: specialise tenure::identity for it, or make it tenure::unkeyed<X>");
	static_assert(std::is_empty_v<Deleter> && std::is_default_constructible_v<Deleter>,
		      "the deleter must be a class without state: its object does not travel with the resource");
	static_assert(std::is_same_v<typename std::unique_ptr<T, Deleter>::pointer, T *>,
		      "the deleter's pointer must be T *");
	static_assert(N <= 12, "at most 12 parameters");

public:
	using pointer = std::unique_ptr<T, Deleter>;

	template <class Creator>
	function(std::string name, detail::names<N> names, Creator creator, options<T> more = {})
		: body_(new body(std::move(name), std::move(names.texts), std::move(more)))
	{
		constexpr bool with_call = std::is_invocable_r_v<pointer, Creator &, tenure_call *, typename trait<Args>::out...>;
		constexpr bool without = std::is_invocable_r_v<pointer, Creator &, typename trait<Args>::out...>;

		static_assert(with_call || without,
			      "the creator takes (tenure_call *, parameters...) or (parameters...) and returns std::unique_ptr<T, Deleter>");
		if constexpr (with_call)
			body_->make = std::move(creator);
		else
			body_->make = [creator = std::move(creator)](tenure_call *, typename trait<Args>::out... args) mutable {
				return creator(std::forward<typename trait<Args>::out>(args)...);
			};
	}
	function(const function &) = delete;
	function &operator=(const function &) = delete;

	~function()
	{
		if (registered())
			detail::forget(std::move(body_));
	}

	/* Check the definition now instead of at the first call. */
	void check() const { detail::check(tenure_function_register(&body_->face)); }

	/* Lease what belongs to these arguments: make it, or wait for whoever does. */
	lease<T> operator()(typename trait<Args>::pass... args) const { return get_within(forever, args...); }

	/* Waiting at most `timeout` for another's creation: else error(TENURE_ETIMEDOUT). */
	lease<T> get_within(std::chrono::nanoseconds timeout, typename trait<Args>::pass... args) const
	{
		lease<T> lease;

		if (!hit(lease.raw_, std::index_sequence_for<Args...>(), args...)) {
			lease.result_ = with_list([&](const tenure_arguments *list) {
				return tenure_function_get(&body_->face, timeout.count(), list, &lease.raw_);
			}, args...);
			detail::check(lease.result_);
		}
		return lease;
	}

	/* What is in service, without a creation or a wait for one; else an empty lease (held() tells). */
	lease<T> peek(typename trait<Args>::pass... args) const
	{
		lease<T> lease;

		if (!hit(lease.raw_, std::index_sequence_for<Args...>(), args...)) {
			lease.result_ = with_list([&](const tenure_arguments *list) {
				return tenure_function_peek(&body_->face, list, &lease.raw_);
			}, args...);
			if (lease.result_ != TENURE_EABSENT)
				detail::check(lease.result_);
		}
		return lease;
	}

	/* Make it, but hold nothing. */
	void warm_up(typename trait<Args>::pass... args) const
	{
		detail::check(with_list([&](const tenure_arguments *list) {
			return tenure_function_get(&body_->face, TENURE_FOREVER, list, nullptr);
		}, args...));
	}

	/* One entry, or every one. Holders keep what they hold. How many. */
	template <std::size_t Count = N, std::enable_if_t<Count != 0, int> = 0>
	int clear(typename trait<Args>::pass... args) const
	{
		return detail::check(with_list([&](const tenure_arguments *list) {
			return tenure_function_clear(&body_->face, list);
		}, args...));
	}
	int clear() const { return detail::check(tenure_function_clear(&body_->face, nullptr)); }

	/* Clear, and wait for the releases: 0, or how many are still out after `timeout`. Outside of creators. */
	int drain(std::chrono::nanoseconds timeout = forever) const
	{
		return detail::check(tenure_function_drain(&body_->face, timeout.count()));
	}

	/* Its source is gone: every entry is retired, and calls find another function of this version, or an error. How many. */
	int retire() const { return detail::check(tenure_function_retire(&body_->face)); }

	/* What objects and unkeyed parameters point to must outlive the key; so must this function. */
	key<T> prepare(typename trait<Args>::pass... args) const
	{
		tenure_key *made = nullptr;

		detail::check(with_list([&](const tenure_arguments *list) {
			return tenure_function_prepare(&body_->face, &made, list);
		}, args...));
		return key<T>(&body_->face, made);
	}

	tenure_stats stats() const
	{
		tenure_stats stats;

		detail::check(tenure_function_stats(&body_->face, &stats, sizeof(stats)));
		return stats;
	}

	/* For the C interface. */
	tenure_function *raw() const noexcept { return &body_->face; }

private:
	/* What the library looks at, at an address of its own. */
	struct body : detail::known {
		tenure_definition definition = tenure_definition{};
		tenure_options options = tenure_options{};
		std::array<tenure_parameter, N + 1> parameters = {};
		std::array<bool, N + 1> keyed = {};
		std::size_t words = 0; /* of a key: one for each keyed parameter */
		std::string name;
		std::array<std::string, N> texts;
		tenure::options<T> more;
		std::shared_ptr<tenure_cache *> cache;
		std::function<pointer(tenure_call *, typename trait<Args>::out...)> make;

		body(std::string own_name, std::array<std::string, N> own_texts, tenure::options<T> own_options)
			: name(std::move(own_name)), texts(std::move(own_texts)), more(std::move(own_options))
		{
			this->face.definition = &definition;
			describe(std::index_sequence_for<Args...>());
			set(more.ttl, options.ttl, options.ttl_ns);
			set(more.idle_ttl, options.idle_ttl, options.idle_ttl_ns);
			set(more.max_stale, options.max_stale, options.max_stale_ns);
			set(more.validate_every, options.validate_every, options.validate_every_ns);
			options.scope = more.scope;
			options.refresh = more.refresh;
			options.create_on_worker = more.create_on_worker;
			options.track_holders = more.track_holders;
			options.max_entries = more.max_entries;
			options.jitter_percent = more.jitter_percent;
			options.spinner = more.spinner ? more.spinner->c_str() : nullptr;
			options.show_time = more.show_time;
			options.version = more.version.empty() ? nullptr : more.version.c_str();
			if (more.in != nullptr) {
				cache = more.in->handle_;
				options.cache = cache.get();
			}
			definition.size = sizeof(definition);
			definition.options_size = sizeof(options);
			definition.name = name.c_str();
			definition.parameters = parameters.data();
			definition.parameter_count = N;
			definition.options = &options;
			definition.user = this;
			definition.layout = TENURE_LAYOUT_;
			definition.type = detail::type_text<T>();
			definition.releaser = reinterpret_cast<void (*)()>(&detail::release_with<T, Deleter>);
			definition.create = &function::create;
			definition.release = &detail::release_with<T, Deleter>;
			definition.validate = more.validate ? &function::validate : nullptr;
		}

		template <std::size_t... I> void describe(std::index_sequence<I...>)
		{
			(describe_one<I, std::tuple_element_t<I, std::tuple<Args...>>>(), ...);
		}
		template <std::size_t I, class A> void describe_one()
		{
			if (trait<A>::is == detail::form::unkeyed && texts[I].compare(0, 1, "_") != 0)
				texts[I].insert(0, 1, '_');
			keyed[I] = texts[I].compare(0, 1, "_") != 0;
			words += keyed[I];
			parameters[I].name = texts[I].c_str();
			parameters[I].kind = trait<A>::kind;
			if constexpr (trait<A>::is == detail::form::object)
				parameters[I].identify = &function::template identify<A>;
		}
		static void set(const duration &from, const char *&text, std::int64_t &ns)
		{
			text = from.text_ ? from.text_->c_str() : nullptr;
			ns = from.ns_;
		}
	};

	bool registered() const noexcept { return __atomic_load_n(&body_->face.state_[0], __ATOMIC_ACQUIRE) != nullptr; }

	/* ---- what the library calls */

	static int create(void *user, tenure_call *call, const tenure_arguments *arguments, void **ret)
	{
		const tenure_argument *items = reinterpret_cast<const tenure_argument_list *>(arguments)->items;

		return detail::guarded([&] {
			try {
				*ret = const_cast<std::remove_const_t<T> *>(
					make(static_cast<body *>(user), call, items, std::index_sequence_for<Args...>()).release());
				return 0;
			} catch (const abandoned &) {
				return tenure_abandon(call);
			}
		}, [&] { return detail::carry(call); });
	}

	template <std::size_t... I>
	static pointer make(body *own, tenure_call *call, const tenure_argument *items, std::index_sequence<I...>)
	{
		(void)items;
		return own->make(call, out<Args>(items[I])...);
	}

	template <class A> static typename trait<A>::out out(const tenure_argument &item)
	{
		if constexpr (trait<A>::is == detail::form::object)
			return *static_cast<const A *>(item.object);
		else if constexpr (trait<A>::is == detail::form::unkeyed)
			return static_cast<const A *>(item.object)->value;
		else
			return trait<A>::from(item.value);
	}

	static int validate(void *user, void *resource)
	{
		return detail::guarded([&] {
			return resource == nullptr || static_cast<body *>(user)->more.validate(*static_cast<T *>(resource)) ? 1 : 0;
		}, [] { return detail::carry(nullptr); });
	}

	template <class A> static int identify(tenure_identity *identity, const void *object)
	{
		return detail::guarded([&] {
			detail::arena arena;

			return tenure_identify(identity, trait<A>::in(&arena, *static_cast<const A *>(object)));
		}, [] { return TENURE_EARGUMENT; });
	}

	/* ---- calls */

	/* The arguments as a list on the stack. */
	template <class Call> int with_list(Call call, const typename trait<Args>::pass &...args) const
	{
		[[maybe_unused]] std::conditional_t<some_values, detail::arena, char> arena;
		tenure_argument items[N + 1] = {};
		tenure_argument_list list = {};
		std::size_t i = 0;

		(void)i, (void)arena;
		(put<Args>(items[i++], &arena, args), ...);
		list.count = N;
		list.items = items;
		return call(&list.head);
	}

	template <class A> static void put(tenure_argument &item, void *arena, const typename trait<A>::pass &a)
	{
		if constexpr (trait<A>::is == detail::form::object || trait<A>::is == detail::form::unkeyed)
			item.object = const_cast<void *>(static_cast<const void *>(std::addressof(a)));
		else
			item.value = trait<A>::in(static_cast<detail::arena *>(arena), a);
	}

	/* As the hit that tenure.h inlines into C: hash from registers, probe, pin, compare. False: the library looks. */
	template <std::size_t... I>
	bool hit(tenure_lease &lease, std::index_sequence<I...>, const typename trait<Args>::pass &...args) const
	{
		if constexpr (!all_plain) {
			return (false && ... && (static_cast<void>(lease), static_cast<void>(args), true));
		} else {
			const body &own = *body_;
			auto *state = static_cast<const tenure_state_ *>(__atomic_load_n(&own.face.state_[0], __ATOMIC_ACQUIRE));
			std::array<std::string_view, N + 1> texts;
			std::uint64_t hash;
			tenure_cell_ *cell;
			tenure_entry_ *entry;

			if (TENURE_UNLIKELY_(state == nullptr))
				return false;
			hash = __atomic_load_n(&state->seed, __ATOMIC_RELAXED);
			if (!(mix<Args>(own.keyed[I], args, hash, texts[I]) && ...))
				return false;
			cell = tenure_pin_(hash);
			if (TENURE_UNLIKELY_(cell == nullptr))
				return false;
			entry = cell->entry;
			if (TENURE_LIKELY_(entry->function == state && !(entry->key_size & TENURE_DIGESTED_) &&
					   entry->key_size >= 8 * own.words)) {
				const unsigned char *word = tenure_key_of_(entry), *tail = word + 8 * own.words;

				if (TENURE_LIKELY_((same<Args>(own.keyed[I], args, texts[I], word, tail) && ...) &&
						   tenure_warm_(entry, state))) {
					tenure_hand_out_(&lease, cell);
					return true;
				}
			}
			tenure_unpin_miss_(cell);
			return false;
		}
	}

	template <class A>
	static bool mix(bool keyed, const typename trait<A>::pass &a, std::uint64_t &hash, std::string_view &text)
	{
		if (!keyed)
			return true;
		if constexpr (trait<A>::is == detail::form::scalar) {
			(void)text;
			hash = tenure_mix_word_(hash, trait<A>::word(a));
			return true;
		} else {
			std::size_t size;

			text = trait<A>::view(a);
			return text.data() != nullptr && tenure_mix_tail_(text.data(), text.size(), &hash, &size);
		}
	}

	template <class A>
	static bool same(bool keyed, const typename trait<A>::pass &a, std::string_view text, const unsigned char *&word,
			 const unsigned char *&tail)
	{
		if (!keyed)
			return true;
		if constexpr (trait<A>::is == detail::form::scalar) {
			(void)text, (void)tail;
			word += 8;
			return tenure_read8_(word - 8) == trait<A>::word(a);
		} else {
			(void)a;
			return tenure_same_tail_(text.data(), text.size(), &word, &tail);
		}
	}

	std::unique_ptr<body> body_;
};

} // namespace tenure

#endif
