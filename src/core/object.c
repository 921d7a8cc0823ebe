/* SPDX-License-Identifier: Apache-2.0 */
/* object.c: what is released: an address and its closing function, counted over the entries it stands in. */
#include "core/object.h"

#include "base/alloc.h"

/* What closes it: a function of its own, or a definition's release with its user. */
static void (*releaser_of(const tenure_definition *definition))(void)
{
	return definition->releaser != NULL ? definition->releaser : (void (*)(void))definition->release;
}

static const void *user_of(const tenure_definition *definition)
{
	return definition->releaser != NULL ? NULL : definition->user;
}

bool tn_object_closed_by(const struct tn_object *object, const tenure_definition *definition)
{
	if (object == NULL || definition->release == NULL)
		return object == NULL && definition->release == NULL;
	return releaser_of(object->definition) == releaser_of(definition) && user_of(object->definition) == user_of(definition);
}

/* By the address alone: hardly ever do two functions close one address in their own ways. */
static uint64_t bucket_of(const void *address)
{
	return tenure_fold_((uint64_t)(uintptr_t)address ^ TENURE_MIX_2_, TENURE_MIX_1_);
}

/* Twice the buckets, in memory made before M was taken; gives back the old ones. */
static struct tn_object **grow_locked(struct tn_object **buckets, uint64_t count)
{
	struct tn_object **old = tn_core.object_buckets;

	for (uint64_t i = 0; old != NULL && i <= tn_core.object_mask; i++) {
		while (old[i] != NULL) {
			struct tn_object *object = old[i];
			uint64_t to = bucket_of(object->address) & (count - 1);

			old[i] = object->next;
			object->next = buckets[to];
			buckets[to] = object;
		}
	}
	tn_core.object_buckets = buckets;
	tn_core.object_mask = count - 1;
	return old;
}

bool tn_object_reserve(struct tn_object **ret_spare)
{
	struct tn_object *spare;
	uint64_t wanted = 0;
	void *chunk;

	tn_lock();
	spare = tn_pool_take_locked(&tn_core.objects);
	if (tn_core.object_buckets == NULL)
		wanted = 64;
	else if (tn_core.object_count > tn_core.object_mask)
		wanted = 2 * (tn_core.object_mask + 1);
	tn_unlock();

	while (spare == NULL) {
		chunk = tn_pool_grow(&tn_core.objects);
		if (chunk == NULL)
			return false;
		tn_lock();
		tn_pool_adopt_locked(&tn_core.objects, chunk);
		spare = tn_pool_take_locked(&tn_core.objects);
		tn_unlock();
	}
	if (wanted != 0) {
		struct tn_object **buckets = tn_alloc(wanted * sizeof(struct tn_object *));

		tn_lock();
		if (buckets != NULL && (tn_core.object_buckets == NULL || wanted > tn_core.object_mask + 1))
			buckets = grow_locked(buckets, wanted);
		if (tn_core.object_buckets == NULL) {
			tn_pool_put_locked(&tn_core.objects, spare);
			spare = NULL;
		}
		tn_unlock();
		tn_free(buckets); /* the old ones, or unused; longer chains are only slower */
	}
	*ret_spare = spare;
	return spare != NULL;
}

void tn_object_put_locked(struct tn_object *spare)
{
	tn_pool_put_locked(&tn_core.objects, spare);
}

struct tn_object *tn_object_enter_locked(struct tn_object *spare, void *address, const tenure_definition *definition)
{
	struct tn_object **bucket = &tn_core.object_buckets[bucket_of(address) & tn_core.object_mask];

	tn_assert_locked();
	for (struct tn_object *object = *bucket; object != NULL; object = object->next) {
		if (object->address == address && tn_object_closed_by(object, definition)) {
			object->entries++;
			tn_object_put_locked(spare);
			return object;
		}
	}
	spare->address = address;
	spare->definition = definition;
	spare->entries = 1;
	spare->next = *bucket;
	*bucket = spare;
	tn_core.object_count++;
	return spare;
}

bool tn_object_leave_locked(struct tn_object *object)
{
	struct tn_object **at;

	tn_assert_locked();
	if (--object->entries != 0)
		return false;
	at = &tn_core.object_buckets[bucket_of(object->address) & tn_core.object_mask];
	while (*at != object)
		at = &(*at)->next;
	*at = object->next;
	tn_core.object_count--;
	return true;
}

void tn_object_forget_all(void)
{
	tn_core.parents_buckets = tn_core.object_buckets; /* the parent's memory stays as it is */
	tn_core.object_buckets = NULL;
	tn_core.object_mask = tn_core.object_count = 0;
	tn_pool_abandon(&tn_core.objects);
}
