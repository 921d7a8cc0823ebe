/* SPDX-License-Identifier: Apache-2.0 */
/* tenure.h: make an expensive resource once, hand out the same one, close it once, after its last holder has let go.
 *
 * Any thread may call. Arguments are copied where they outlive a call. Times are nanoseconds of a monotonic clock. No
 * lock is held while your code runs. Misuse is a negative result with a sentence, never an abort.
 * Which call may be made from which callback: a function may be called from creators, validate and release unless its
 * comment says [all] (from every callback, fronts included) or [outside] (from none); else it answers TENURE_EREENTRANT.
 * Names that end in '_' are private. */
#ifndef TENURE_TENURE_H
#define TENURE_TENURE_H

#include <tenure/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1. Results: >= 0 success, < 0 one of TENURE_ERRORS in base.h */

enum {
	TENURE_HIT, /* it was there */
	TENURE_CREATED, /* this call made it */
	TENURE_JOINED, /* another call was making it, and this one waited */
	TENURE_STALE, /* it was there, past its ttl, and is being refreshed in the background */
};

/* "0.1.0": of the library that runs. [all] */
TENURE_API const char *tenure_version(void);

/* A short text for a result, static. [all] */
TENURE_API const char *tenure_strerror(int result);

/* This thread's last failure in words: what is allowed, the chain of a cycle, the creator's own sentence. Valid until
 * this thread's next failure; "" when there was none. [all] */
TENURE_API const char *tenure_message(void);

/* Timeouts. */
#define TENURE_FOREVER INT64_MAX
#define TENURE_SECONDS(n) ((int64_t)((n) * 1e9)) /* ns; at most 292 years */

/* What the creator returned, for the last TENURE_EFAILED of this thread. [all] */
TENURE_API int tenure_creator_result(void);

/* ---- 2. Declare and define a cached function */

typedef struct tenure_call tenure_call; /* one running creation */
typedef struct tenure_cache tenure_cache; /* NULL in a call: the process-wide one */
typedef struct tenure_identity tenure_identity; /* what tells two arguments apart, being collected */
typedef struct tenure_session tenure_session; /* one user's visit */
typedef struct tenure_front tenure_front; /* how what happens is shown: section 8 */

/* A right to use a resource. {0} is empty. It is a value: move it by assignment; of two copies give back one. It may be
 * given back on any thread. `resource` is valid from tenure_get() until it is given back, and NULL in an empty one. */
typedef struct tenure_lease {
	void *resource, *cell_;
	uint64_t stamp_;
} tenure_lease;

enum { TENURE_GLOBAL, TENURE_SESSION }; /* scope */
enum { TENURE_FOREGROUND, TENURE_BACKGROUND }; /* refresh */

/* Zero means default. A duration is a text with units, as pandas.Timedelta reads it: "90s", "1.5 days", "1h30m",
 * "2 days 3:00:00", "P1DT2H"; or its twin in nanoseconds. Both set, or one that is not positive: TENURE_EINVAL. */
#define TENURE_OPTIONS_ \
	const char *version; /* NULL: this object is the function. A text: name, version, T and parameters are, so two \
		objects (a plug-in that is loaded again) share one cache; the same text with another shape: EINVAL */ \
	tenure_cache **cache; /* address of your variable, which must not hold NULL; NULL: the process-wide cache */ \
	const char *ttl; /* time to live since it was ready; NULL: for ever */ \
	int64_t ttl_ns; \
	const char *idle_ttl; /* since it was last used; NULL: for ever. Looked at every eighth of it, and each millisecond at most */ \
	int64_t idle_ttl_ns; \
	const char *max_stale; /* with .refresh: hard limit of its age; NULL: twice the ttl */ \
	int64_t max_stale_ns; \
	const char *validate_every; /* validate at most once in this time, to some 10 ms; NULL: before every hit, which costs a \
		lock and your callback */ \
	int64_t validate_every_ns; \
	const char *spinner; /* NULL: "Running `name(...)`."; "": none */ \
	uint64_t max_entries; /* 0: no bound. A new one retires the least valuable idle one (SIEVE) */ \
	uint32_t jitter_percent; /* 0..50 off each ttl, at random */ \
	uint8_t scope; /* TENURE_GLOBAL: shared by all. TENURE_SESSION: each session has its own resources, max_entries of its \
		own, and loses them when it ends; a call without a current session is ESESSION */ \
	uint8_t refresh; /* TENURE_FOREGROUND: past its ttl it is gone. TENURE_BACKGROUND: the first hit after the ttl starts one \
		refresh on a worker, with a copy of its arguments and without a front; the old one is served (STALE) until that \
		is ready, at most until max_stale. One that fails is reported and tried again later */ \
	bool create_on_worker; /* creators run on a worker, so that the first caller can leave at its timeout too. This and \
		.refresh: not with parameters that tenure cannot copy, '_' ones included (EINVAL). In manual mode without effect */ \
	bool show_time; /* elapsed time beside the spinner */ \
	bool track_holders; /* know who holds each lease: age, place and thread, in the dump and in what is said of leaks when \
		a cache closes or at exit; a second give-back is always told. Each hit then takes a lock and two system calls */

typedef struct tenure_options {
	TENURE_OPTIONS_
} tenure_options;

/* Bytes as an argument: identity is size and content. Borrowed for the call. */
typedef struct tenure_bytes {
	const void *data;
	size_t size;
} tenure_bytes;

/* The kind of a value, or of a parameter. */
enum {
	TENURE_NIL, TENURE_BOOL, TENURE_INT, TENURE_UINT, TENURE_REAL, TENURE_STRING, TENURE_BYTES, TENURE_LIST, TENURE_MAP,
	TENURE_VALUE, /* of a parameter only: any of the kinds above, told by each argument */
	TENURE_OBJECT, /* of a parameter only: a type of your own, told apart by `identify` */
};

/* A value of any of these kinds, for parameters whose type is only known at run time. It borrows what it points to: build
 * it in the call (section 6), never return one. Identity is kind and content: 1, 1.0, true and "1" differ. */
typedef struct tenure_value {
	uint32_t kind, reserved_;
	size_t size; /* of text and bytes: bytes; of lists and maps: values */
	union {
		bool truth;
		int64_t integer;
		uint64_t natural;
		double real;
		const void *data;
	} as;
} tenure_value;

/* ---- the structures behind the macros; section 10 says what they are for */

typedef struct tenure_arguments { /* head of a fn_args, or of a tenure_argument_list */
	size_t size; /* of the whole; 0: a tenure_argument_list */
	const char *place; /* "file:line" of the call, for track_holders; static; may be NULL */
} tenure_arguments;

/* One parameter of a cached function. */
typedef struct tenure_parameter {
	const char *name, *type; /* type: for messages, and part of the shape; may be NULL in a run-time function */
	uint32_t kind; /* BOOL, INT, UINT, REAL, STRING, BYTES, VALUE, OBJECT */
	size_t size, offset; /* in fn_args; a run-time function has none */
	tenure_value preset; /* what a list that leaves it out has; NIL: required, unless its name begins with '_' */
	int (*identify)(tenure_identity *, const void *object); /* of OBJECT: gets the address of the member, or the item's
		`object` */
} tenure_parameter;

struct tenure_sizes_ {
	size_t size[13];
};

/* What TENURE_DEFINE writes, or a binding fills in. */
typedef struct tenure_definition {
	size_t size, options_size;
	const char *name, *type;
	const tenure_parameter *parameters;
	size_t parameter_count, arguments_size; /* of fn_args; 0: a run-time function, called with lists only */
	const tenure_options *options;
	void *user; /* first argument of the callbacks below */
	int (*complete)(void *user); /* NULL, or fills in `releaser` and absent callbacks: 0; 1: no create; 2: release and
		close */
	void (*releaser)(void); /* what tells closing functions apart, so that one object in two entries is released once;
		NULL: `release` together with `user` */
	int (*create)(void *user, tenure_call *, const tenure_arguments *, void **ret_resource);
	int (*release)(void *user, void *resource); /* 0, else failed; NULL: nothing is released */
	int (*validate)(void *user, void *resource); /* 1 good, 0 not, < 0 failed; NULL: always good */
	bool (*mix)(const tenure_arguments *, uint64_t seed, struct tenure_sizes_ *, uint64_t *ret_hash);
	bool (*same)(const tenure_arguments *, const struct tenure_sizes_ *, const unsigned char *key, uint32_t key_size);
	void (*forgotten)(void *user); /* the last call, after forget, or the close of its cache, gave 0: `user` may go. NULL: none.
		Not made at exit() */
	uint32_t layout; /* TENURE_LAYOUT_ where code of hit.h is inlined, which must fit the library; 0: it is not */
} tenure_definition;

/* A cached function. */
typedef struct tenure_function {
	const tenure_definition *definition;
	void *state_[2];
} tenure_function;

typedef struct tenure_key { /* a prepared key; opaque */
	const void *function_;
	uint64_t id_, life_;
	struct tenure_entry_ *entry_;
	uint64_t hits_;
} tenure_key;

/* ---- 10. Run-time functions: for bindings of other languages, and tenure.hpp. The macros end in the same calls.
 *
 * A definition whose arguments_size is 0 describes a function that is only known at run time. Fill in `size`,
 * `options_size`, `name`, `parameters`, `options`, `create` and what else it needs; leave mix, same and layout zero. The
 * function object starts as { &definition, { NULL, NULL } }. Both stay where they are until tenure_function_forget()
 * returned 0.
 *
 * Its arguments are a tenure_argument_list, by position or by name in any order; it is borrowed for the call:
 *   items by position come first; each parameter at most once; what is left out has its preset;
 *   a value's kind is the parameter's (an INT stands for a UINT, and the reverse, where the number fits);
 *   `object`: what the identify function of an OBJECT gets; of a '_' parameter, whatever you like.
 * The creator gets a tenure_argument_list too: every parameter, in the order of declaration, with its name, presets filled
 * in; valid until it returns. A function of TENURE_DEFINE can be called with a list as well: its creator gets its fn_args,
 * and `object` is the address of a value of the parameter's type. Both calls have one key.
 * At most 64 parameters. EARGUMENT: the message names the parameter. */

/* One argument of a list. */
typedef struct tenure_argument {
	const char *name; /* NULL: by position */
	tenure_value value;
	void *object;
} tenure_argument;

/* The arguments of one call. */
typedef struct tenure_argument_list {
	tenure_arguments head; /* size 0 */
	size_t count;
	const tenure_argument *items;
} tenure_argument_list;

/* As the macros of the sections below that end in them. */
TENURE_API int tenure_function_register(tenure_function *);
TENURE_API int tenure_function_get(tenure_function *, int64_t timeout, const tenure_arguments *, tenure_lease *);
TENURE_API int tenure_function_peek(tenure_function *, const tenure_arguments *, tenure_lease *);
TENURE_API int tenure_function_clear(tenure_function *, const tenure_arguments *); /* NULL: all */
TENURE_API int tenure_function_drain(tenure_function *, int64_t timeout);
TENURE_API int tenure_function_update(tenure_function *, const tenure_options *);
TENURE_API int tenure_function_retire(tenure_function *);
TENURE_API int tenure_function_forget(tenure_function *, int64_t timeout);
TENURE_API int tenure_function_prepare(tenure_function *, tenure_key **ret_key, const tenure_arguments *);
TENURE_API int tenure_function_get_key(tenure_function *, int64_t timeout, tenure_lease *, tenure_key *);
TENURE_API int tenure_lease_give_back(tenure_lease *);
TENURE_API int tenure_lease_discard(tenure_lease *);
TENURE_API int tenure_lease_share(const tenure_lease *, tenure_lease *empty);
TENURE_API int tenure_call_keep_lease(tenure_call *, tenure_lease *);

#include <tenure/hit.h>

#ifndef __cplusplus

/* The prototype. TENURE_DECLARE(get_model, struct model, (const char *, path), (int, threads), (FILE *, _log)) gives
 * get_model_args, get_model_lease and the function object get_model. T, the resource's type, comes first; up to 12
 * parameters follow, each (type, name) or (type, name, identify):
 *   - bool, integers, enums, float, double, char *, tenure_bytes and tenure_value have an identity;
 *   - another type needs int identify(tenure_identity *, type), which adds what tells two apart (section 6);
 *   - one whose name begins with '_' may have any type and is left out of the key.
 * A parameter without an identity does not compile (gcc without optimization: it is EINVAL at the first call instead).
 * A call is a C initializer of get_model_args: in order (get_model, &m, "a.bin", 4), or by name (.threads = 4). What is
 * left out is zero; a text that is NULL is TENURE_EARGUMENT.
 * get_model is a global name of the program, as a function's is. TENURE_DECLARE_STATIC and TENURE_DEFINE_STATIC take the
 * same arguments and keep it in one file. */
#define TENURE_DECLARE(fn, ...) TENURE_DECLARE_(extern, fn, __VA_ARGS__)
#define TENURE_DECLARE_STATIC(fn, ...) TENURE_DECLARE_(static __attribute__((unused)), fn, __VA_ARGS__)
#define TENURE_DECLARE_(linkage, fn, ...) \
	typedef union fn##_lease { \
		tenure_lease lease; \
		TENURE_FIRST_(__VA_ARGS__) *resource; \
	} fn##_lease; \
	typedef struct fn##_args { \
		tenure_arguments head_; \
		fn##_lease *lease_; \
		TENURE_EACH_(TENURE_MEMBER_, fn, __VA_ARGS__) \
	} fn##_args; \
	typedef struct fn##_function { \
		tenure_function function; \
		tenure_definition definition; \
		int (*create)(tenure_call *, const fn##_args *, TENURE_FIRST_(__VA_ARGS__) **ret); \
		void (*release)(TENURE_FIRST_(__VA_ARGS__) *); \
		int (*close)(TENURE_FIRST_(__VA_ARGS__) *); \
		bool (*validate)(TENURE_FIRST_(__VA_ARGS__) *); \
		union { \
			struct { \
				TENURE_OPTIONS_ \
			}; \
			tenure_options options; \
		}; \
	} fn##_function; \
	linkage fn##_function fn; \
	static const char fn##_type_text_[] __attribute__((unused)) = TENURE_STRING_(TENURE_FIRST_(__VA_ARGS__)); \
	TENURE_THUNKS_(fn, __VA_ARGS__) \
	struct fn##_end_

/* The body. TENURE_DEFINE(get_model, .create = load, .release = unload, .ttl = "1h"), with the callbacks
 *   int create(tenure_call *, const get_model_args *, T **ret)   0, or failed. Runs on a caller's thread. What *ret holds
 *       belongs to tenure either way: a failed creator's *ret is released. NULL is a value like any other, never released.
 *       The arguments are valid until it returns.
 *   void release(T *), or int close(T *) (not 0: it failed; counted and reported)   once, on a thread of tenure's, after
 *       the last lease. Giving both is EINVAL; giving none: nothing is to be closed. Of exactly this type: to use free(),
 *       write a function of three lines. Where creators return one address for two keys, it is released once, after the
 *       last lease of both.
 *   bool validate(T *)   before a hit is handed out; false retires the resource, and a new one is made.
 * and the options above. A creator may end its thread (pthread_exit, cancellation), but not longjmp out. */
#define TENURE_DEFINE(fn, ...) \
	TENURE_STRICT_ fn##_function fn = { TENURE_HEAD_(fn), __VA_ARGS__ }; TENURE_LENIENT_ struct fn##_end_
#define TENURE_DEFINE_STATIC(fn, ...) \
	TENURE_STRICT_ static fn##_function fn = { TENURE_HEAD_(fn), __VA_ARGS__ }; TENURE_LENIENT_ struct fn##_end_

/* Check the definition now instead of at the first call: 0; EINVAL, EVERSION, ECLOSED, ENOMEM. */
#define tenure_register(fn) tenure_function_register(&(fn).function)

/* ---- 3. Get and give back */

/* An empty lease, given back at the end of its block. */
#define TENURE_LEASE(fn, l) __attribute__((cleanup(fn##_auto_))) fn##_lease l = { .lease = { NULL, NULL, 0 } }

/* tenure_get(fn, lease, arguments...): lease what belongs to these arguments; make it, or wait for whoever does. `lease`:
 * address of an empty fn_lease, untouched on failure; NULL: only warm up. HIT, CREATED, JOINED; EARGUMENT, EFAILED (for
 * all who waited), ECYCLE, EHELD, ECLOSED, EFORKED (fork() inside the creator), EINVAL, EVERSION, ENOMEM. */
#define tenure_get(fn, ...) tenure_get_within(fn, TENURE_FOREVER, __VA_ARGS__)

/* The same, waiting at most `timeout` ns for another's creation or an older release: ETIMEDOUT. 0 or less: take what is
 * there, or make it, but wait for nobody. A creator that runs on this very thread is not cut short. */
#define tenure_get_within(fn, timeout, ...) \
	fn##_get_(&(fn), timeout, &(fn##_args){ .head_ = { sizeof(fn##_args), NULL }, __VA_ARGS__ }, TENURE_PLACE_)

/* tenure_peek(fn, lease, arguments...): what is in service, without a creation or a wait for one; it is validated as for a get.
 * HIT; EABSENT, and as get. */
#define tenure_peek(fn, ...) \
	fn##_peek_(&(fn), &(const fn##_args){ .head_ = { sizeof(fn##_args), TENURE_PLACE_ }, __VA_ARGS__ })

/* Give back and empty. An empty lease is fine. 0; ENOTHELD: this was a second copy (seen when the thread that took the
 * lease has no other one on that resource, or when the resource is out of service and nobody holds it; always, where the
 * function tracks its holders); EFORKED: it is the parent's. [all] */
#define tenure_give_back(l) tenure_give_back_(&(l)->lease)

/* Give back, and retire: "it is broken". Everybody else keeps what they hold; nobody gets it any more. [all] */
#define tenure_discard(l) tenure_lease_discard(&(l)->lease)

/* One more lease on the same resource, into an empty one of the same type. 0; EHELD, ENOTHELD, EFORKED; ENOMEM where the
 * function tracks its holders. [all] */
#define tenure_share(l, empty) tenure_lease_share(&(1 ? (l) : (empty))->lease, &(empty)->lease)

/* The arguments without a lease, for clear and prepare. */
#define TENURE_ARGS_(...) \
	(&(const TENURE_CAT_(TENURE_FIRST_(__VA_ARGS__), _args)){ \
		.head_ = { sizeof(TENURE_CAT_(TENURE_FIRST_(__VA_ARGS__), _args)), TENURE_PLACE_ }, \
		NULL TENURE_REST_(__VA_ARGS__) }.head_)
#endif /* __cplusplus */

/* ---- 4. Inside a creator, on any thread that has `call`, until the creator returns */

/* Say why it fails: the message that everybody gets who waited. Returns -1, for `return tenure_fail(call, ...)`. In
 * the validate of a run-time function, which has no call and can fail: NULL. */
TENURE_API int tenure_fail(tenure_call *call, const char *format, ...) TENURE_PRINTF_(2, 3);

/* The failure as an object too, for a language that has exceptions: everybody who waited gets this one by
 * tenure_failure(). It is tenure's from here on, whatever the creator returns: drop(error) is called once, by the last
 * that lets go of it, on any thread, and may call only what is marked [all]; its code must stay until then (forget does
 * not wait for threads that keep a failure). A second one replaces the first. `error` is not NULL; `drop` may be.
 * Returns -1. In validate: NULL for `call`. */
TENURE_API int tenure_fail_with(tenure_call *call, void *error, void (*drop)(void *error));

/* The object of this thread's last failure, when that was a TENURE_EFAILED with one; else NULL. Borrowed: until this
 * thread's next failure, its end, or tenure_failure_drop(), which lets go of it at once. [all] */
TENURE_API void *tenure_failure(void);
TENURE_API void tenure_failure_drop(void);

/* Ended from outside, not failed: one of those who wait takes over. The get that ran the creator returns EFAILED. Returns
 * -1, for `return tenure_abandon(call)`. */
TENURE_API int tenure_abandon(tenure_call *call);

/* The time to live of this one entry, ns, instead of the option's. 0 (or less): hand it out, but do not keep it.
 * TENURE_FOREVER: no end. */
TENURE_API void tenure_call_set_ttl(tenure_call *call, int64_t ttl);

/* tenure_call_keep(call, &lease): what a get inside the creator returned moves to the entry being made, and is given back
 * after that entry's release. The lease is then empty. 0, ENOTHELD (it is empty), ENOMEM. */
#define tenure_call_keep(call, l) tenure_call_keep_lease(call, &(l)->lease)

/* Nobody waits for it any more (the deadline of the get that runs the creator is over too), or the cache is closing: the
 * creator may fail early. */
TENURE_API bool tenure_call_cancelled(tenure_call *call);

/* ns until the deadline of the most patient of those who wait, the get that runs the creator among them; TENURE_FOREVER:
 * one waits for ever. */
TENURE_API int64_t tenure_call_remaining(tenure_call *call);

/* Show a message and record it: it is shown again on each hit inside a session (without one: this once). tenure_emit: of
 * the front's own kinds, TENURE_FRONT and up; the data is copied. 0; EINVAL, ENOMEM (then the creation fails). */
enum { TENURE_TEXT, TENURE_SUCCESS, TENURE_INFO, TENURE_WARNING, TENURE_ERROR, TENURE_FRONT = 64 };
TENURE_API int tenure_say(tenure_call *call, int kind, const char *format, ...) TENURE_PRINTF_(3, 4);
TENURE_API int tenure_emit(tenure_call *call, int kind, const void *data, size_t size);

/* Say how far it is: `fraction` 0..1 (less than 0: unknown), and in words (up to 255 bytes; NULL: those said before stand).
 * Shown to all who wait, beside the spinner; not recorded. It is cheap enough for a loop: it wakes nobody, whoever waits sees
 * the latest at the front's next tick, and the creator's own thread calls the front in here, once a tick at most. */
TENURE_API void tenure_progress(tenure_call *call, double fraction, const char *format, ...) TENURE_PRINTF_(3, 4);

/* The value of an input (a widget). It becomes part of the key: each combination of values has its own entry, and a hit
 * draws the inputs again. Without a front or a session the value is the preset; so it is where the front gives one of another
 * kind, a NULL, or a number out of bounds. The same question (label, bounds and preset) asked again has the value that it
 * had, and is drawn once. A text lives as long as `call`. */
TENURE_API bool tenure_ask_bool(tenure_call *call, const char *label, bool preset);
TENURE_API double tenure_ask_number(tenure_call *call, const char *label, double low, double high, double preset);
TENURE_API const char *tenure_ask_text(tenure_call *call, const char *label, const char *preset);

/* For helper threads of a creator: what they get counts as the creator's, so that a cycle is seen. Detach before the
 * creator returns; an attachment that is left ends with the creation. 0; EREENTRANT: this thread is inside a creation, the
 * creation is over, or (detach) this thread was not attached to it. */
TENURE_API int tenure_call_attach(tenure_call *call);
TENURE_API int tenure_call_detach(tenure_call *call);

/* ---- 5. Clear and drain: holders keep what they hold; after the return nobody gets the old resource */

/* tenure_clear_entry(fn, arguments...): one entry, with every combination of its inputs. How many, or an error. */
#define tenure_clear_entry(...) \
	tenure_function_clear(&(TENURE_FIRST_(__VA_ARGS__)).function, TENURE_ARGS_(__VA_ARGS__))

/* Every entry of a function. How many, or an error. */
#define tenure_clear_function(fn) tenure_function_clear(&(fn).function, NULL)

/* Every entry of a cache; NULL: the process-wide one. How many, or an error. */
TENURE_API int tenure_clear_all(tenure_cache *cache);

/* Clear, and wait until what is out of service has been released: 0, or how many are still out after `timeout` ns.
 * EREENTRANT inside a creator or another callback: it could wait for itself. [outside] */
#define tenure_drain(fn, timeout) tenure_function_drain(&(fn).function, timeout)
TENURE_API int tenure_drain_all(tenure_cache *cache, int64_t timeout);

/* tenure_update(fn, .ttl = "5m", .max_entries = 8): other options in place of all that fn has, at once, for live entries
 * too: deadlines move, what is too many goes. A ttl that a creator set stays. scope, cache and version belong to the identity
 * and must be repeated. 0; EINVAL, ECLOSED, ENOMEM, and nothing has changed. */
#define tenure_update(fn, ...) tenure_function_update(&(fn).function, &(const tenure_options){ __VA_ARGS__ })

/* Its source is gone: retire what it has, and refuse further gets (ECLOSED), without waiting for anything. How many. [all] */
#define tenure_retire(fn) tenure_function_retire(&(fn).function)

/* Before the code that defines fn is unloaded: clear it, wait until everything has been released and no call is under way.
 * 0: no pointer into the definer is left, dlclose() is safe, and fn could be used afresh. EBUSY after `timeout` ns: it must
 * stay; it goes on as it was. Prepared keys may outlive it. [outside] */
#define tenure_forget(fn, timeout) tenure_function_forget(&(fn).function, timeout)

/* ---- 6. Values, identities, prepared keys */

/* [all] */
TENURE_API tenure_value tenure_nil(void);
TENURE_API tenure_value tenure_bool(bool truth);
TENURE_API tenure_value tenure_int(int64_t integer);
TENURE_API tenure_value tenure_uint(uint64_t natural);
TENURE_API tenure_value tenure_real(double real);
TENURE_API tenure_value tenure_string(const char *text);
TENURE_API tenure_value tenure_span(tenure_bytes bytes);
TENURE_API tenure_value tenure_items(uint32_t kind, const tenure_value *values, size_t count);
TENURE_API tenure_value tenure_same_value_(tenure_value value);

/* tenure_list("a", 2.5), tenure_map("n", tenure_list()): up to 12 items, keys and values in turn; the order counts. They
 * live to the end of the enclosing block. Pointers of other types do not compile. C11's `true` is an int: write
 * tenure_bool(true). */
#define tenure_list(...) TENURE_ITEMS_(TENURE_LIST, __VA_ARGS__)
#define tenure_map(...) TENURE_ITEMS_(TENURE_MAP, __VA_ARGS__)

/* In an identify function: add what tells two apart. Each value is framed. 0, or an error to return. Only there. */
TENURE_API int tenure_identify(tenure_identity *identity, tenure_value value);

/* tenure_prepare(fn, &key, arguments...): hash once, hit often, on any thread. It creates no resource: the first get with
 * the key does. What '_' parameters and identify functions point to must outlive the key; the rest is copied. 0;
 * EARGUMENT, ENOMEM, and as get. */
#define tenure_prepare(fn, ...) \
	tenure_function_prepare(&(fn).function, TENURE_FIRST_(__VA_ARGS__), TENURE_PREPARE_ARGS_(fn, __VA_ARGS__))
#define TENURE_PREPARE_ARGS_(fn, ...) \
	(&(const fn##_args){ .head_ = { sizeof(fn##_args), TENURE_PLACE_ }, NULL TENURE_REST_(__VA_ARGS__) }.head_)

/* As tenure_get(fn, lease, ...) with the key's arguments. EINVAL: the key is another function's. EFORKED: the parent's.
 * With a deadline: tenure_function_get_key(&fn.function, timeout, &l.lease, key). */
#define tenure_get_key(fn, l, key) fn##_get_key_(&(fn), l, key)

/* NULL is fine. No get may be under way with it. [all] */
TENURE_API void tenure_key_free(tenure_key *key);

/* ---- 7. Caches */

/* Zero means default. */
typedef struct tenure_cache_options {
	size_t size; /* set by the macros */
	const char *name; /* in dumps and messages; copied. NULL: "tenure" */
	const tenure_front *front; /* outlives the cache; NULL: none, or what the environment's TENURE_FRONT names */
	int64_t exit_timeout; /* ns that exit() waits for releases; 0: 5 s */
	uint32_t workers; /* threads for releases, beside those stuck in one for over 1 s; 0: 2; at most 64 */
	bool manual; /* no thread, ever: you call tenure_poll(), which runs the releases and refreshes too. A call that has to wait
		for a release (a drain, a close, a get whose predecessor is being released) runs it itself */
	void *user; /* first argument of the functions below */
	int64_t (*now)(void *user); /* your clock, ns; never goes back; call tenure_poll() after moving it. It calls nothing
		of tenure. NULL: CLOCK_MONOTONIC */
	void (*execute)(void *user, void (*run)(void *task), void *task); /* your own threads instead of workers: have one of
		them call run(task), once, and not in here. Called without a lock, on any thread */
	void (*wake)(void *user); /* manual: something is due sooner than the last poll said. Only signal your loop in it. Called
		without a lock, on any thread */
	void (*report)(void *user, int result, const char *text); /* what nobody asked for, as a sentence: a release or a refresh
		that failed (result: TENURE_EFAILED), a release that hangs, what is left at exit (TENURE_EBUSY), no thread to be had
		(TENURE_ENOMEM). Valid in the call. NULL: a line on stderr */
} tenure_cache_options;

/* All memory of the library's from your function, instead of libc: reallocate(user, NULL, size) gives new memory, or NULL;
 * (user, memory, 0) takes it back; there are no other calls. Any thread may call it, at any time; it calls nothing of tenure.
 * For the whole process, before anything else of tenure is used. Threads' stacks are not part of it; and what is type-stable
 * (records, entries, tables) is used again, never given back. 0; EBUSY: too late; EINVAL. [outside] */
TENURE_API int tenure_set_allocator(void *(*reallocate)(void *user, void *memory, size_t size), void *user);

/* tenure_cache_open(&cache, .name = "models"): 0; EINVAL, EVERSION, ENOMEM. You close it. [outside] */
#define tenure_cache_open(ret_cache, ...) tenure_cache_open_with(ret_cache, \
	&(const tenure_cache_options){ .size = sizeof(tenure_cache_options), __VA_ARGS__ })
TENURE_API int tenure_cache_open_with(tenure_cache **ret_cache, const tenure_cache_options *options);

/* Refuse gets (ECLOSED), retire all, wait at most `timeout` ns for creations, leases, releases and threads. 0: closed,
 * *cache is NULL, and no thread of it is left. EBUSY: the message says what is out; leases may come back; call again. ECLOSED:
 * another thread closed it.
 * Whatever is open at exit() is closed there, the process-wide cache too. [outside] */
TENURE_API int tenure_cache_close(tenure_cache **cache, int64_t timeout);

/* tenure_configure(.front = &tenure_terminal): options of the process-wide cache, before its first use; EBUSY after.
 * 0; EINVAL, EVERSION, ENOMEM. [outside] */
#define tenure_configure(...) tenure_configure_with( \
	&(const tenure_cache_options){ .size = sizeof(tenure_cache_options), __VA_ARGS__ })
TENURE_API int tenure_configure_with(const tenure_cache_options *options);

/* Move the cached time to `now` (ns, by the cache's clock), and take out of service what is due: at most `limit` entries
 * (0: all); returns how many. In manual mode all that is due leaves service, whatever the limit; then at most `limit` (0: all)
 * of the releases and other work that waits, such as refreshes, are run in here; returns how many of these.
 * *ret_next (may be NULL): when to come again; it is not later than `now` where something was left, and TENURE_FOREVER where
 * nothing is due. Needed with a clock of your own; harmless without. EINVAL, EFORKED. [outside] */
TENURE_API int tenure_poll(tenure_cache *cache, int64_t now, int limit, int64_t *ret_next);

/* fork(): there is no call. The child starts empty and never closes the parent's resources; its threads start at need; a
 * lease, key or session of the parent's is EFORKED. The parent notices nothing. */

/* ---- 8. Sessions and fronts */

/* One user's visit: recordings are replayed in it, inputs have their values from it. `front_user` is handed to the front.
 * Any number of threads may have one session current at once; the front is then called on each of them. 0, ENOMEM. */
TENURE_API int tenure_session_open(const char *label, void *front_user, tenure_session **ret_session);

/* Make it this thread's current one; NULL: none. ret_previous (may be NULL) is the one before, if it is open. 0; EFORKED; ECLOSED:
 * it has ended, however long ago, and nothing has changed. */
TENURE_API int tenure_session_enter(tenure_session *session, tenure_session **ret_previous);

/* Ended; threads that have it current, and creations that began in it, go on without. Its resources of scope TENURE_SESSION are
 * retired, its creations of such are marked: their results go to those who wait, and no further. When it returns no front has
 * `front_user` any more, nor gets it: it waits for those that other threads are in at the moment (so a front must not wait for
 * this call), and you may free it. NULL is fine. 0; ECLOSED, EFORKED. */
TENURE_API int tenure_session_end(tenure_session *session);

/* A creation, for a front that shows it. */
typedef struct tenure_activity {
	const char *function, *text; /* valid in the call */
	int64_t elapsed; /* ns */
	bool show_time;
	const char *progress; /* what tenure_progress() said last; "": nothing */
	double fraction; /* likewise: 0..1; less than 0: unknown */
	uint64_t id; /* of the creation: tells two with the same text apart, as where a creator calls its own function */
} tenure_activity;

/* How what happens is shown. The functions are called on the thread that waits, creates or hits, without a lock, and may
 * call only what is marked [all]. front_user is that of the session which is current on this thread, also for who waits for
 * a creation of another session's; NULL: none is. Each may be NULL.
 *   wait     a creation is being waited for: after `delay`, then every `tick` (0: 100 ms); on the thread that is about to
 *            run the creator once, before it starts, with elapsed 0, and in tenure_progress() at most once a tick.
 *            Negative: this thread leaves, and its get returns it; from tenure_progress() it means nothing.
 *            Not for functions with the spinner "", nor for a validation.
 *   done     after wait, once, when it is over, however it ends: the creator's thread too. (Not in a forked child, which is
 *            told of nothing that its parent has begun.)
 *   message  something was said, now or again.
 *   value    the value of an input, without drawing it. 0, or an error (negative; else it becomes EFAILED) that the get returns.
 *   ask      draw the input, and read it. Likewise: in a creation its creator goes on with the preset, and whatever it makes of
 *            that, the creation fails with the error, for the one who asked and for those who wait. Where a hit draws the inputs
 *            again the value is known, and what ask returns is ignored.
 * low_high_preset: NIL NIL bool; REAL REAL REAL; NIL NIL STRING.
 * A function may end its thread (pthread_exit). A cancellation takes effect when it returns. */
struct tenure_front {
	size_t size;
	int64_t delay, tick; /* ns */
	int (*wait)(void *front_user, const tenure_activity *activity);
	void (*done)(void *front_user, const tenure_activity *activity);
	void (*message)(void *front_user, int kind, const void *data, size_t size, bool replayed);
	int (*value)(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret_value);
	int (*ask)(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret_value);
};

/* Spinner and messages on stderr when it is a terminal, plain lines when not; also by the environment:
 * TENURE_FRONT=terminal (other values mean nothing). And a front that shows nothing. */
TENURE_API extern const tenure_front tenure_terminal, tenure_silent;

/* ---- 9. Observing */

/* X(kind, name, text): every counter, with the sentence that the dump and OpenMetrics give with it too. COUNTER: how often, since
 * the start; TIME: in all, ns; CAUSE: resources that left service for this cause; NOW: how many there are at this moment. */
#define TENURE_STATS(X) \
	X(COUNTER, hits, "calls that got what was there") \
	X(COUNTER, waits, "calls that waited for another's creation or validation") \
	X(COUNTER, misses, "calls that found nothing live") \
	X(COUNTER, creations, "creations that succeeded") \
	X(TIME, creation_time, "time in creators that succeeded") \
	X(COUNTER, failures, "creators that failed") \
	X(COUNTER, refreshes, "background refreshes that succeeded") \
	X(COUNTER, abandoned, "creations that were ended from outside") \
	X(COUNTER, release_failures, "releases that failed") \
	X(CAUSE, retired_expired, "its time to live was over, or it was not to be kept") \
	X(CAUSE, retired_idle, "it was not used for its idle time") \
	X(CAUSE, retired_capacity, "it made room for another") \
	X(CAUSE, retired_cleared, "it was cleared") \
	X(CAUSE, retired_invalid, "its validation said so, or somebody discarded it") \
	X(CAUSE, retired_replaced, "another one took its key") \
	X(CAUSE, retired_closed, "its cache was closed") \
	X(CAUSE, retired_session, "its session ended") \
	X(NOW, live, "resources in service") \
	X(NOW, leased, "resources in service that somebody holds") \
	X(NOW, retired, "resources out of service that somebody still holds") \
	X(NOW, pending_releases, "resources that are being released, or queued for it")

/* A get that returns HIT counts one hit (where it waited for another's validation, one wait). A get that finds nothing live
 * counts one miss, whatever comes of it: it creates, it waits, or it finds at its next look what another thread has made,
 * and is a hit too. A get that waits counts a wait each time. So creations + failures + abandoned are the creators that
 * ended; hits + misses can be more than the gets. */
#define TENURE_STAT_(kind, name, text) uint64_t name;
typedef struct tenure_stats {
	TENURE_STATS(TENURE_STAT_)
} tenure_stats;
#undef TENURE_STAT_

/* Exact once threads rest. 0; EINVAL, EVERSION. [all] */
#define tenure_get_stats(fn, ret) tenure_function_stats(&(fn).function, ret, sizeof(*(ret)))
TENURE_API int tenure_function_stats(tenure_function *function, tenure_stats *ret_stats, size_t size);
TENURE_API int tenure_cache_stats(tenure_cache *cache, tenure_stats *ret_stats, size_t size);

/* One entry, as it was at one moment; valid in the visit. */
typedef struct tenure_entry_info {
	const char *function; /* up to 255 bytes */
	const char *arguments; /* as a person would write them, up to 255 bytes; they can be secrets */
	const char *state; /* "creating", "live", "retired" (still leased), "releasing" */
	const char *cause; /* why it left service: "expired", "cleared" ..., as in retired_*; NULL: it did not */
	int64_t age; /* ns since it was ready; while it is being created: since that began */
	int64_t time_left; /* ns to the end of its time to live; TENURE_FOREVER: no end, or not in service */
	int64_t creation_time; /* ns that its creator took; 0: it is at it */
	uint64_t leases; /* that are out */
} tenure_entry_info;

/* Each entry of a cache (NULL: the process-wide one) that there is at the call, in no order. No lock is held in `visit`: it may
 * call what the caller may, and what it clears is not visited any more. Not 0 ends it. 0, what visit returned, EINVAL, ENOMEM. */
TENURE_API int tenure_each_entry(tenure_cache *cache, int (*visit)(void *user, const tenure_entry_info *entry), void *user);

/* A cache (NULL: the process-wide one) as text. `write` gets pieces of text, no lock is held; not 0 ends it and is returned.
 * tenure_to_file: `user` is a FILE *. 0, what write returned, EINVAL, ENOMEM. Without a flag: counters and entries, for people.
 *   ARGUMENTS    and the entries' arguments, which can be secrets
 *   HOLDERS      and each lease that is out of functions that track their holders: for how long, who took it, where
 *   OPENMETRICS  alone: the counters for Prometheus; serve them as
 *                "application/openmetrics-text; version=1.0.0; charset=utf-8". A sample's labels are cache and function (and
 *                cause); functions of one name in one cache, as two versions are, are added up.
 *   EVERY_CACHE  with OPENMETRICS: of all open caches of the process; `cache` is NULL */
typedef int tenure_write(void *user, const char *text, size_t size);
enum {
	TENURE_DUMP_ARGUMENTS = 1,
	TENURE_DUMP_HOLDERS = 2,
	TENURE_DUMP_OPENMETRICS = 4,
	TENURE_DUMP_EVERY_CACHE = 8,
};
TENURE_API int tenure_dump(tenure_cache *cache, unsigned flags, tenure_write *write, void *user);
TENURE_API tenure_write tenure_to_file;

#ifdef __cplusplus
}
#endif
#endif
