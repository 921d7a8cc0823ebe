/* SPDX-License-Identifier: Apache-2.0 */
/* test_base.c: the rooms below the core: heap, list, pool, time, messages, fault points. */
#include "support.h"

#include <sched.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/pool.h"
#include "base/spin.h"
#include "base/thread.h"

static void heap_agrees_with_a_linear_search(void **state)
{
	enum { MOST = 500 };
	static struct tn_heap_node nodes[MOST];
	static int64_t due[MOST];
	struct tn_heap heap = { 0 };
	uint64_t random = 88172645463325252;

	(void)state;
	tn_free(tn_heap_adopt(&heap, malloc(tn_heap_bytes(4)), 4));
	for (int i = 0; i < 200000; i++) {
		struct tn_heap_node *node, *least = NULL;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		node = &nodes[random % MOST];
		if (node->index != 0) {
			tn_heap_remove(&heap, node);
			assert_int_equal(node->index, 0);
		} else {
			if (heap.size == heap.capacity)
				tn_free(tn_heap_adopt(&heap, malloc(tn_heap_bytes(2 * heap.capacity)), 2 * heap.capacity));
			due[node - nodes] = (int64_t)(random >> 40) - 1000;
			tn_heap_insert(&heap, node, due[node - nodes]);
		}
		if (i % 97 != 0)
			continue;
		for (int k = 0; k < MOST; k++) {
			if (nodes[k].index != 0 && (least == NULL || due[k] < due[least - nodes]))
				least = &nodes[k];
		}
		assert_true((tn_heap_min(&heap) == NULL) == (least == NULL));
		assert_true(tn_heap_due(&heap) == (least == NULL ? INT64_MAX : due[least - nodes]));
		assert_true(least == NULL || due[tn_heap_min(&heap) - nodes] == due[least - nodes]);
	}
	tn_free(heap.items);
}

struct item {
	struct tn_list link;
	int number;
};

static void list_keeps_its_order(void **state)
{
	struct item items[5];
	struct tn_list list;
	struct item *item;
	int sum = 0;

	(void)state;
	tn_list_init(&list);
	assert_null(tn_list_first(&list, struct item, link));
	for (int i = 0; i < 5; i++) {
		items[i].number = i;
		tn_list_insert_tail(&list, &items[i].link);
	}
	tn_list_remove(&items[2].link);
	tn_list_remove(&items[2].link); /* fine: it is in none */
	tn_list_for_each(item, &list, struct item, link)
		sum = sum * 10 + item->number;
	assert_int_equal(sum, 134);
	assert_int_equal(tn_list_last(&list, struct item, link)->number, 4);
}

static void pool_keeps_what_is_behind_the_link(void **state)
{
	struct thing {
		void *link;
		int kept;
	} *a, *b;
	struct tn_pool pool;

	(void)state;
	tn_pool_init(&pool, sizeof(struct thing), 0);
	assert_null(tn_pool_take_locked(&pool));
	tn_pool_adopt_locked(&pool, tn_pool_grow(&pool));
	a = tn_pool_take_locked(&pool);
	a->kept = 42;
	tn_pool_put_locked(&pool, a);
	b = tn_pool_take_locked(&pool);
	assert_ptr_equal(a, b);
	assert_int_equal(b->kept, 42);
	free(pool.chunks);
}

static void time_ends_at_never(void **state)
{
	(void)state;
	assert_true(tn_time_add(TN_NEVER, 5) == TN_NEVER);
	assert_true(tn_time_add(TN_NEVER - 3, 5) == TN_NEVER);
	assert_true(tn_time_add(3, 5) == 8);
	assert_true(tn_clock_monotonic() <= tn_clock_monotonic());
}

static void *own_message(void *unused)
{
	(void)unused;
	assert_string_equal(tn_last_message(), "");
	tn_fail(-1, "of this thread");
	return NULL;
}

static void messages_belong_to_their_thread(void **state)
{
	(void)state;
	assert_int_equal(tn_fail(-5, "%d of %s", 3, "main"), -5);
	finish(start(own_message, NULL));
	assert_string_equal(tn_last_message(), "3 of main");
	tn_fail(-1, "again: %s", tn_last_message()); /* the argument is the old message */
	assert_string_equal(tn_last_message(), "again: 3 of main");
}

static void *pass(void *counter)
{
	TN_FAULT("unit.place");
	__atomic_fetch_add((long *)counter, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void a_fault_point_holds_one_thread(void **state)
{
	long through = 0;
	pthread_t first, second;

	(void)state;
	tn_fault_arm("unit.place", 1);
	finish(start(pass, &through)); /* skipped */
	first = start(pass, &through);
	tn_fault_await("unit.place");
	second = start(pass, &through); /* one arming parks one thread */
	finish(second);
	assert_int_equal(count_of(&through), 2);
	tn_fault_release("unit.place");
	finish(first);
	assert_int_equal(tn_fault_arrivals("unit.place"), 3);
	tn_fault_reset();
}

static void refused_threads_and_memory_are_told(void **state)
{
	long through = 0;

	(void)state;
	tn_thread_fail_at(1);
	assert_int_not_equal(tn_thread_start(pass, &through, "unit"), 0);
	assert_int_equal(tn_thread_start(pass, &through, "unit"), 0);
	await_count(&through, 1);
	tn_alloc_fail_at(2, false);
	free(tn_alloc(1));
	assert_null(tn_alloc(1));
	assert_true(tn_alloc_failed());
	tn_alloc_fail_at(0, false);
}

static void spinning_ends_with_a_change_or_its_time_and_learns(void **state)
{
	struct tn_patience patience = { 0 };
	uint64_t word = 1;
	int left_out = 0;

	(void)state;
	assert_true(tn_spin(&word, 0, TN_NEVER / 2)); /* changed already: returns */
	assert_false(tn_spin(&word, 1, 1000));
	if (tn_thread_processors() < 2) {
		assert_int_equal(tn_spin_time(&patience), 0);
		return;
	}
	assert_true(tn_spin_time(&patience) > 0 && tn_spin_time(&patience) <= 50000);
	for (int i = 0; i < 30; i++)
		tn_spin_learn(&patience, false);
	while (tn_spin_time(&patience) == 0)
		left_out++;
	assert_int_equal(left_out, 64); /* it goes on trying, seldom */
	tn_spin_learn(&patience, true);
	assert_true(tn_spin_time(&patience) > 0);
	tn_spin_learn(&patience, false);
	assert_int_equal(tn_spin_time(&patience), 0);
	assert_true(tn_spin_time(&patience) > 0);
}

static struct tn_mutex shared_mutex;
static int had_it; /* atomic */

static void *want_it(void *unused)
{
	tn_mutex_lock(&shared_mutex);
	__atomic_store_n(&had_it, 1, __ATOMIC_SEQ_CST);
	tn_mutex_unlock(&shared_mutex);
	return unused;
}

static void who_waits_for_a_mutex_is_let_in_between(void **state)
{
	int rounds = 0;
	pthread_t other;

	(void)state;
	tn_mutex_init(&shared_mutex);
	tn_mutex_lock(&shared_mutex);
	other = start(want_it, NULL);
	while (__atomic_load_n(&shared_mutex.waiting, __ATOMIC_SEQ_CST) == 0)
		sched_yield();
	while (!__atomic_load_n(&had_it, __ATOMIC_SEQ_CST) && rounds++ < 2000) {
		tn_mutex_unlock(&shared_mutex);
		tn_mutex_let_in(&shared_mutex); /* without it hardly ever */
		tn_mutex_lock(&shared_mutex);
	}
	assert_true(rounds < 2000);
	assert_int_equal(shared_mutex.waiting, 0);
	tn_mutex_unlock(&shared_mutex);
	tn_mutex_let_in(&shared_mutex); /* nobody waits: at once */
	finish(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heap_agrees_with_a_linear_search),
		cmocka_unit_test(list_keeps_its_order),
		cmocka_unit_test(pool_keeps_what_is_behind_the_link),
		cmocka_unit_test(time_ends_at_never),
		cmocka_unit_test(messages_belong_to_their_thread),
		cmocka_unit_test(a_fault_point_holds_one_thread),
		cmocka_unit_test(who_waits_for_a_mutex_is_let_in_between),
		cmocka_unit_test(refused_threads_and_memory_are_told),
		cmocka_unit_test(spinning_ends_with_a_change_or_its_time_and_learns),
	};

	return RUN(tests);
}
