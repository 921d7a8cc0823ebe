/* SPDX-License-Identifier: Apache-2.0 */
/* base.h: the machinery behind the macros of tenure.h: counting, for-each, parameters, thunks.
 *
 * Read tenure.h first; nothing here is for users but the version and the list of errors. The declaring macros are for C:
 * C++ programs use the run-time functions. Every macro keeps the argument before a list inside the list, and expands it
 * by its number of items, so that an empty rest draws no warning in strict C11. */
#ifndef TENURE_BASE_H
#define TENURE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TENURE_VERSION_MAJOR 0
#define TENURE_VERSION_MINOR 1
#define TENURE_VERSION_PATCH 0

#if defined(__GNUC__)
#define TENURE_API __attribute__((visibility("default")))
#define TENURE_PRINTF_(at, first) __attribute__((format(printf, at, first)))
#else
#define TENURE_API
#define TENURE_PRINTF_(at, first)
#endif

/* X(value, name, text): every error, with what tenure_strerror() says. */
#define TENURE_ERRORS(X) \
	X(-1, TENURE_EINVAL, "bad option or definition") \
	X(-2, TENURE_EARGUMENT, "an argument is missing or has no identity") \
	X(-3, TENURE_EFAILED, "the creator failed") \
	X(-4, TENURE_ETIMEDOUT, "waited long enough") \
	X(-5, TENURE_ECYCLE, "the creation waits for itself") \
	X(-6, TENURE_EABSENT, "not in the cache") \
	X(-7, TENURE_EHELD, "the lease is not empty") \
	X(-8, TENURE_ENOTHELD, "the lease was given back before") \
	X(-9, TENURE_EFORKED, "belongs to the parent process") \
	X(-10, TENURE_ECLOSED, "cache or session closed") \
	X(-11, TENURE_EREENTRANT, "not allowed from this callback") \
	X(-12, TENURE_ESESSION, "needs a current session") \
	X(-13, TENURE_EBUSY, "resources are still held") \
	X(-14, TENURE_EVERSION, "compiled against another version") \
	X(-15, TENURE_ENOMEM, "out of memory, or of threads")

#define TENURE_ERROR_(value, name, text) name = value,
enum { TENURE_ERRORS(TENURE_ERROR_) TENURE_OK = 0 };
#undef TENURE_ERROR_

#ifndef __cplusplus

/* ---- lists of macro arguments */

#define TENURE_CAT_(a, b) TENURE_CAT__(a, b)
#define TENURE_CAT__(a, b) a##b
#define TENURE_FIRST_(...) TENURE_FIRST__(__VA_ARGS__, ~)
#define TENURE_FIRST__(first, ...) first
#define TENURE_COUNT_(...) TENURE_COUNT__(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, ~)
#define TENURE_COUNT__(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, count, ...) count

/* What follows the first item, each with a comma before it. */
#define TENURE_REST_(...) TENURE_CAT_(TENURE_REST_, TENURE_COUNT_(__VA_ARGS__))(__VA_ARGS__)
#define TENURE_REST_1(f)
#define TENURE_REST_2(f, a) , a
#define TENURE_REST_3(f, a, b) , a, b
#define TENURE_REST_4(f, a, b, c) , a, b, c
#define TENURE_REST_5(f, a, b, c, d) , a, b, c, d
#define TENURE_REST_6(f, a, b, c, d, e) , a, b, c, d, e
#define TENURE_REST_7(f, a, b, c, d, e, g) , a, b, c, d, e, g
#define TENURE_REST_8(f, a, b, c, d, e, g, h) , a, b, c, d, e, g, h
#define TENURE_REST_9(f, a, b, c, d, e, g, h, i) , a, b, c, d, e, g, h, i
#define TENURE_REST_10(f, a, b, c, d, e, g, h, i, j) , a, b, c, d, e, g, h, i, j
#define TENURE_REST_11(f, a, b, c, d, e, g, h, i, j, k) , a, b, c, d, e, g, h, i, j, k
#define TENURE_REST_12(f, a, b, c, d, e, g, h, i, j, k, l) , a, b, c, d, e, g, h, i, j, k, l
#define TENURE_REST_13(f, a, b, c, d, e, g, h, i, j, k, l, m) , a, b, c, d, e, g, h, i, j, k, l, m
#define TENURE_REST_14(f, a, b, c, d, e, g, h, i, j, k, l, m, n) , a, b, c, d, e, g, h, i, j, k, l, m, n

/* M(fn, parameter) for each parameter; the first item is T. */
#define TENURE_EACH_(M, fn, ...) TENURE_CAT_(TENURE_EACH_, TENURE_COUNT_(__VA_ARGS__))(M, fn, __VA_ARGS__)
#define TENURE_EACH_1(M, fn, T)
#define TENURE_EACH_2(M, fn, T, a) M(fn, a)
#define TENURE_EACH_3(M, fn, T, a, b) M(fn, a) M(fn, b)
#define TENURE_EACH_4(M, fn, T, a, b, c) M(fn, a) M(fn, b) M(fn, c)
#define TENURE_EACH_5(M, fn, T, a, b, c, d) M(fn, a) M(fn, b) M(fn, c) M(fn, d)
#define TENURE_EACH_6(M, fn, T, a, ...) M(fn, a) TENURE_EACH_5(M, fn, T, __VA_ARGS__)
#define TENURE_EACH_7(M, fn, T, a, ...) M(fn, a) TENURE_EACH_6(M, fn, T, __VA_ARGS__)
#define TENURE_EACH_8(M, fn, T, a, ...) M(fn, a) TENURE_EACH_7(M, fn, T, __VA_ARGS__)
#define TENURE_EACH_9(M, fn, T, a, ...) M(fn, a) TENURE_EACH_8(M, fn, T, __VA_ARGS__)
#define TENURE_EACH_10(M, fn, T, a, ...) M(fn, a) TENURE_EACH_9(M, fn, T, __VA_ARGS__)
#define TENURE_EACH_11(M, fn, T, a, ...) M(fn, a) TENURE_EACH_10(M, fn, T, __VA_ARGS__)
#define TENURE_EACH_12(M, fn, T, a, ...) M(fn, a) TENURE_EACH_11(M, fn, T, __VA_ARGS__)
#define TENURE_EACH_13(M, fn, T, a, ...) M(fn, a) TENURE_EACH_12(M, fn, T, __VA_ARGS__)

/* ---- a parameter: (type, name) or (type, name, identify) */

#define TENURE_TYPE_(type, ...) type
#define TENURE_NAME_(type, ...) TENURE_FIRST_(__VA_ARGS__)
#define TENURE_IDENTIFY_(...) TENURE_CAT_(TENURE_IDENTIFY_, TENURE_COUNT_(__VA_ARGS__))(__VA_ARGS__)
#define TENURE_IDENTIFY_2(type, name) ~
#define TENURE_IDENTIFY_3(type, name, identify) identify
/* M(fn, type, name) or, with its identity function, O(fn, type, name, identify) */
#define TENURE_BY_FORM_(M, O, fn, p) TENURE_CAT_(TENURE_FORM_, TENURE_COUNT_ p)(M, O, fn, p)
#define TENURE_FORM_2(M, O, fn, p) TENURE_CALL_(M, (fn, TENURE_TYPE_ p, TENURE_NAME_ p))
#define TENURE_FORM_3(M, O, fn, p) TENURE_CALL_(O, (fn, TENURE_TYPE_ p, TENURE_NAME_ p, TENURE_IDENTIFY_ p))
#define TENURE_CALL_(M, arguments) M arguments
#define TENURE_STRING_(x) TENURE_STRING__(x)
#define TENURE_STRING__(x) #x
#define TENURE_PLACE_ (__FILE__ ":" TENURE_STRING_(__LINE__))

#define TENURE_KEYED_(name) (#name[0] != '_')

/* The kind of a parameter from its C type; TENURE_OBJECT: one that needs an identity function. Qualifiers of the member
 * do not matter: the generic selection is on a value. */
#define TENURE_KIND_OF_(x) _Generic((x), bool: TENURE_BOOL, \
	char: ((char)-1 < 0 ? TENURE_INT : TENURE_UINT), signed char: TENURE_INT, short: TENURE_INT, int: TENURE_INT, long: TENURE_INT, \
	long long: TENURE_INT, unsigned char: TENURE_UINT, unsigned short: TENURE_UINT, unsigned: TENURE_UINT, \
	unsigned long: TENURE_UINT, unsigned long long: TENURE_UINT, float: TENURE_REAL, double: TENURE_REAL, \
	char *: TENURE_STRING, const char *: TENURE_STRING, tenure_bytes: TENURE_BYTES, \
	tenure_value: TENURE_VALUE, default: TENURE_OBJECT)

#define TENURE_MEMBER_(fn, p) TENURE_TYPE_ p TENURE_NAME_ p;

/* What a compiler can see: a parameter that is keyed and has no identity. */
#define TENURE_DEMANDED_ "its type has no identity: add an identify function as third item, or begin its name with an " \
	"underscore to leave it out of the key"
#define TENURE_DEMAND_(fn, p) TENURE_BY_FORM_(TENURE_DEMAND_2_, TENURE_DEMAND_3_, fn, p)
#define TENURE_DEMAND_3_(fn, type, name, identify)
#if defined(__clang__)
#define TENURE_DEMAND_2_(fn, type, name) \
	_Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wgnu-folding-constant\"") \
	enum { fn##_##name##_has_identity_ = !TENURE_KEYED_(name) || \
		TENURE_KIND_OF_(((const fn##_args *)0)->name) != TENURE_OBJECT }; \
	_Pragma("clang diagnostic pop") \
	_Static_assert(fn##_##name##_has_identity_, "parameter `" #name "` of `" #fn "`: " TENURE_DEMANDED_);
#define TENURE_DEMAND_HERE_(fn, name)
#elif !defined(__OPTIMIZE__) /* gcc folds the first letter of a text in optimized code only; without, register tells */
#define TENURE_DEMAND_2_(fn, type, name)
#define TENURE_DEMAND_HERE_(fn, name)
#else
#define TENURE_DEMAND_2_(fn, type, name) \
	__attribute__((error("parameter `" #name "` of `" #fn "`: " TENURE_DEMANDED_))) \
	void fn##_##name##_needs_an_identify_function_or_a_leading_underscore_(void);
#define TENURE_DEMAND_HERE_(fn, name) \
	if (TENURE_KEYED_(name) && TENURE_KIND_OF_(((const fn##_args *)0)->name) == TENURE_OBJECT) \
		fn##_##name##_needs_an_identify_function_or_a_leading_underscore_();
#endif

/* The table of parameters for the library. */
#define TENURE_PARAMETER_(fn, p) TENURE_BY_FORM_(TENURE_PARAMETER_2_, TENURE_PARAMETER_3_, fn, p)
#define TENURE_PARAMETER_2_(fn, type, name) \
	{ #name, #type, TENURE_KIND_OF_(((const fn##_args *)0)->name), sizeof(((const fn##_args *)0)->name), \
	  offsetof(fn##_args, name), TENURE_NO_PRESET_, NULL },
#define TENURE_PARAMETER_3_(fn, type, name, identify) \
	{ #name, #type, TENURE_OBJECT, sizeof(((const fn##_args *)0)->name), \
	  offsetof(fn##_args, name), TENURE_NO_PRESET_, fn##_identify_##name##_ },
#define TENURE_NO_PRESET_ { TENURE_NIL, 0, 0, { 0 } }
#define TENURE_IDENTIFIER_(fn, p) TENURE_BY_FORM_(TENURE_IDENTIFIER_2_, TENURE_IDENTIFIER_3_, fn, p)
#define TENURE_IDENTIFIER_2_(fn, type, name)
#define TENURE_IDENTIFIER_3_(fn, type, name, identify) \
	static inline __attribute__((unused)) int fn##_identify_##name##_(tenure_identity *identity, const void *object) \
	{ \
		return identify(identity, *(type const *)object); \
	}

/* ---- the inlined hit: one statement for each parameter, folded away by the compiler where it does not apply */

#define TENURE_MIX_PARAMETER_(fn, p) TENURE_BY_FORM_(TENURE_MIX_2_P_, TENURE_MIX_3_P_, fn, p)
#define TENURE_MIX_2_P_(fn, type, name) \
	TENURE_DEMAND_HERE_(fn, name) \
	if (TENURE_KEYED_(name) && \
	    !_Generic(arguments->name, TENURE_SCALARS_(TENURE_MIXER_) char *: tenure_mix_text_, \
		      const char *: tenure_mix_text_, tenure_bytes: tenure_mix_blob_, default: tenure_mix_not_)( \
		    &arguments->name, &hash, &sizes->size[TENURE_INDEX_(fn, name)])) \
		return false;
#define TENURE_MIX_3_P_(fn, type, name, identify) \
	if (TENURE_KEYED_(name)) \
		return false;

#define TENURE_SAME_PARAMETER_(fn, p) TENURE_BY_FORM_(TENURE_SAME_2_P_, TENURE_SAME_3_P_, fn, p)
#define TENURE_SAME_2_P_(fn, type, name) \
	if (TENURE_KEYED_(name) && \
	    !_Generic(arguments->name, TENURE_SCALARS_(TENURE_SAMER_) char *: tenure_same_text_, \
		      const char *: tenure_same_text_, tenure_bytes: tenure_same_blob_, default: tenure_same_not_)( \
		    &arguments->name, sizes->size[TENURE_INDEX_(fn, name)], &word, &tail)) \
		return false;
#define TENURE_SAME_3_P_(fn, type, name, identify)

#define TENURE_INDEX_(fn, name) fn##_index_##name##_
#define TENURE_INDEX_ITEM_(fn, p) TENURE_BY_FORM_(TENURE_INDEX_2_, TENURE_INDEX_3_, fn, p)
#define TENURE_INDEX_2_(fn, type, name) TENURE_INDEX_(fn, name),
#define TENURE_INDEX_3_(fn, type, name, identify) TENURE_INDEX_(fn, name),
#define TENURE_COUNT_KEYED_(fn, p) TENURE_BY_FORM_(TENURE_COUNT_2_, TENURE_COUNT_3_, fn, p)
#define TENURE_COUNT_2_(fn, type, name) +TENURE_KEYED_(name)
#define TENURE_COUNT_3_(fn, type, name, identify) +TENURE_KEYED_(name)

#define TENURE_THUNKS_(fn, ...) \
	enum { TENURE_EACH_(TENURE_INDEX_ITEM_, fn, __VA_ARGS__) fn##_parameter_count_ }; \
	TENURE_EACH_(TENURE_DEMAND_, fn, __VA_ARGS__) \
	TENURE_EACH_(TENURE_IDENTIFIER_, fn, __VA_ARGS__) \
	static inline __attribute__((always_inline, unused)) bool fn##_mix_in_(const fn##_args *arguments, uint64_t hash, \
		struct tenure_sizes_ *sizes, uint64_t *ret_hash) \
	{ \
		(void)arguments, (void)sizes; \
		TENURE_EACH_(TENURE_MIX_PARAMETER_, fn, __VA_ARGS__) \
		*ret_hash = hash; \
		return true; \
	} \
	static inline __attribute__((always_inline, unused)) bool fn##_same_in_(const fn##_args *arguments, \
		const struct tenure_sizes_ *sizes, const unsigned char *key, uint32_t key_size) \
	{ \
		const unsigned char *word = key, *tail = key + 8 * (0 TENURE_EACH_(TENURE_COUNT_KEYED_, fn, __VA_ARGS__)); \
		\
		if (key_size & TENURE_DIGESTED_ || key_size < (size_t)(tail - key)) \
			return false; \
		(void)arguments, (void)sizes, (void)word, (void)tail; \
		TENURE_EACH_(TENURE_SAME_PARAMETER_, fn, __VA_ARGS__) \
		return true; \
	} \
	static inline __attribute__((unused)) bool fn##_mix_(const tenure_arguments *arguments, uint64_t seed, struct tenure_sizes_ *sizes, \
		uint64_t *ret_hash) \
	{ \
		return fn##_mix_in_((const fn##_args *)(const void *)arguments, seed, sizes, ret_hash); \
	} \
	static inline __attribute__((unused)) bool fn##_same_(const tenure_arguments *arguments, const struct tenure_sizes_ *sizes, \
		const unsigned char *key, uint32_t key_size) \
	{ \
		return fn##_same_in_((const fn##_args *)(const void *)arguments, sizes, key, key_size); \
	} \
	static inline __attribute__((unused)) int fn##_get_(fn##_function *f, int64_t timeout, fn##_args *arguments, \
		const char *place_) \
	{ \
		struct tenure_entry_ *entry; \
		struct tenure_sizes_ sizes; \
		struct tenure_state_ *function = TENURE_INLINED_ ? \
			(struct tenure_state_ *)__atomic_load_n(&f->function.state_[0], __ATOMIC_ACQUIRE) : NULL; \
		struct tenure_cell_ *cell; \
		uint64_t hash; \
		\
		if (TENURE_LIKELY_(function != NULL && arguments->lease_ != NULL) && \
		    TENURE_LIKELY_(arguments->lease_->lease.cell_ == NULL) && \
		    TENURE_LIKELY_(fn##_mix_in_(arguments, __atomic_load_n(&function->seed, __ATOMIC_RELAXED), &sizes, &hash)) && \
		    TENURE_LIKELY_((cell = tenure_pin_(hash)) != NULL)) { \
			entry = cell->entry; \
			if (TENURE_LIKELY_(entry->function == function && \
					   fn##_same_in_(arguments, &sizes, tenure_key_of_(entry), entry->key_size) && \
					   tenure_warm_(entry, function))) { \
				tenure_hand_out_(&arguments->lease_->lease, cell); \
				return 0 /* TENURE_HIT */; \
			} \
			tenure_unpin_miss_(cell); \
		} \
		arguments->head_.place = place_; /* here, so that a hit does not pay for it */ \
		return tenure_function_get(&f->function, timeout, &arguments->head_, \
					   arguments->lease_ == NULL ? NULL : &arguments->lease_->lease); \
	} \
	static inline __attribute__((unused)) int fn##_peek_(fn##_function *f, const fn##_args *arguments) \
	{ \
		return tenure_function_peek(&f->function, &arguments->head_, \
					    arguments->lease_ == NULL ? NULL : &arguments->lease_->lease); \
	} \
	static inline __attribute__((unused)) int fn##_get_key_(fn##_function *f, fn##_lease *lease, tenure_key *key) \
	{ \
		return tenure_get_key_(&f->function, lease == NULL ? NULL : &lease->lease, key); \
	} \
	static inline __attribute__((unused)) int fn##_create_(void *user, tenure_call *call, const tenure_arguments *arguments, void **ret) \
	{ \
		return ((fn##_function *)user)->create(call, (const fn##_args *)(const void *)arguments, \
						       (TENURE_FIRST_(__VA_ARGS__) **)(void *)ret); \
	} \
	static inline __attribute__((unused)) int fn##_release_(void *user, void *resource) \
	{ \
		fn##_function *f = user; \
		\
		if (f->close != NULL) \
			return f->close((TENURE_FIRST_(__VA_ARGS__) *)resource); \
		f->release((TENURE_FIRST_(__VA_ARGS__) *)resource); \
		return 0; \
	} \
	static inline __attribute__((unused)) int fn##_validate_(void *user, void *resource) \
	{ \
		return ((fn##_function *)user)->validate((TENURE_FIRST_(__VA_ARGS__) *)resource); \
	} \
	static inline __attribute__((unused)) int fn##_complete_(void *user) \
	{ \
		fn##_function *f = user; \
		\
		f->definition.releaser = f->close != NULL ? (void (*)(void))f->close : (void (*)(void))f->release; \
		f->definition.release = f->definition.releaser == NULL ? NULL : fn##_release_; \
		if (f->validate == NULL) \
			f->definition.validate = NULL; \
		return f->create == NULL ? 1 : f->release != NULL && f->close != NULL ? 2 : 0; \
	} \
	static inline __attribute__((unused)) void fn##_auto_(fn##_lease *lease) \
	{ \
		tenure_give_back_(&lease->lease); \
	} \
	static const tenure_parameter fn##_parameters_[] __attribute__((unused)) = { \
		TENURE_EACH_(TENURE_PARAMETER_, fn, __VA_ARGS__) { NULL, NULL, 0, 0, 0, TENURE_NO_PRESET_, NULL } \
	};

#define TENURE_HEAD_(fn) \
	.function = { &fn.definition, { NULL, NULL } }, \
	.definition = { \
		.size = sizeof(tenure_definition), .options_size = sizeof(tenure_options), .name = #fn, .type = fn##_type_text_, \
		.parameters = fn##_parameters_, .parameter_count = fn##_parameter_count_, .arguments_size = sizeof(fn##_args), \
		.options = &fn.options, .user = &fn, .complete = fn##_complete_, .create = fn##_create_, .release = fn##_release_, \
		.validate = fn##_validate_, .mix = fn##_mix_, .same = fn##_same_, .layout = TENURE_LAYOUT_ }

#if defined(__clang__)
#define TENURE_STRICT_ _Pragma("clang diagnostic push") _Pragma("clang diagnostic error \"-Winitializer-overrides\"")
#define TENURE_LENIENT_ _Pragma("clang diagnostic pop")
#else
#define TENURE_STRICT_ _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic error \"-Woverride-init\"")
#define TENURE_LENIENT_ _Pragma("GCC diagnostic pop")
#endif

#ifdef TENURE_NO_INLINE /* always call the library: smaller code, a slower hit */
#define TENURE_INLINED_ 0
#else
#define TENURE_INLINED_ 1
#endif

/* ---- items of tenure_list() and tenure_map(): the empty list is told by Jens Gustedt's test for commas */

#define TENURE_HAS_COMMA_(...) TENURE_COUNT__(__VA_ARGS__, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, ~)
#define TENURE_COMMA_(...) ,
#define TENURE_EMPTY_(...) TENURE_EMPTY__(TENURE_HAS_COMMA_(__VA_ARGS__), TENURE_HAS_COMMA_(TENURE_COMMA_ __VA_ARGS__), \
	TENURE_HAS_COMMA_(__VA_ARGS__ ()), TENURE_HAS_COMMA_(TENURE_COMMA_ __VA_ARGS__ ()))
#define TENURE_EMPTY__(a, b, c, d) TENURE_CAT_(TENURE_EMPTY_, TENURE_CAT5_(a, b, c, d))
#define TENURE_CAT5_(a, b, c, d) a##b##c##d
#define TENURE_EMPTY_0001 ,

#define TENURE_ITEMS_(kind, ...) \
	TENURE_CAT_(TENURE_ITEMS_, TENURE_HAS_COMMA_(TENURE_EMPTY_(__VA_ARGS__)))(kind, __VA_ARGS__)
#define TENURE_ITEMS_1(kind, ...) tenure_items(kind, NULL, 0)
#define TENURE_ITEMS_0(kind, ...) \
	tenure_items(kind, (const tenure_value[]){ TENURE_CAT_(TENURE_VALUES_, TENURE_COUNT_(__VA_ARGS__))(__VA_ARGS__) }, \
		     TENURE_COUNT_(__VA_ARGS__))
#define TENURE_VALUE_OF_(x) _Generic((x), bool: tenure_bool, \
	char: tenure_int, signed char: tenure_int, short: tenure_int, int: tenure_int, long: tenure_int, \
	long long: tenure_int, unsigned char: tenure_uint, unsigned short: tenure_uint, unsigned: tenure_uint, \
	unsigned long: tenure_uint, unsigned long long: tenure_uint, float: tenure_real, double: tenure_real, \
	char *: tenure_string, const char *: tenure_string, tenure_bytes: tenure_span, tenure_value: tenure_same_value_)(x)
#define TENURE_VALUES_1(a) TENURE_VALUE_OF_(a)
#define TENURE_VALUES_2(a, b) TENURE_VALUE_OF_(a), TENURE_VALUE_OF_(b)
#define TENURE_VALUES_3(a, ...) TENURE_VALUE_OF_(a), TENURE_VALUES_2(__VA_ARGS__)
#define TENURE_VALUES_4(a, ...) TENURE_VALUE_OF_(a), TENURE_VALUES_3(__VA_ARGS__)
#define TENURE_VALUES_5(a, ...) TENURE_VALUE_OF_(a), TENURE_VALUES_4(__VA_ARGS__)
#define TENURE_VALUES_6(a, ...) TENURE_VALUE_OF_(a), TENURE_VALUES_5(__VA_ARGS__)
#define TENURE_VALUES_7(a, ...) TENURE_VALUE_OF_(a), TENURE_VALUES_6(__VA_ARGS__)
#define TENURE_VALUES_8(a, ...) TENURE_VALUE_OF_(a), TENURE_VALUES_7(__VA_ARGS__)
#define TENURE_VALUES_9(a, ...) TENURE_VALUE_OF_(a), TENURE_VALUES_8(__VA_ARGS__)
#define TENURE_VALUES_10(a, ...) TENURE_VALUE_OF_(a), TENURE_VALUES_9(__VA_ARGS__)
#define TENURE_VALUES_11(a, ...) TENURE_VALUE_OF_(a), TENURE_VALUES_10(__VA_ARGS__)
#define TENURE_VALUES_12(a, ...) TENURE_VALUE_OF_(a), TENURE_VALUES_11(__VA_ARGS__)

#endif /* __cplusplus */
#endif
