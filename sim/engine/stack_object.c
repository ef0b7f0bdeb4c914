/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects on a lane's stack that other CPUs can reach (list heads), named by CPU, function, name and ordinal,
 * because their addresses are a matter of the compiler.
 */
#include "engine_internal.h"

void engine_stack_object_add(const volatile void *object, size_t size, const char *function,
			     const char *name)
{
	struct lane *l = &engine.lanes[engine_now.cpu];
	unsigned n = l->stack_object_count;
	u64 h;

	if (engine_now.cpu == ENGINE_RUNNER)
		return;
	HARNESS_BUG_ON(n == STACK_OBJECTS_MAX);
	h = hash_mix(hash_string(function), hash_string(name));
	h = hash_mix(h, engine_now.cpu | (u64)n << 8);
	l->stack_objects[n] = (struct stack_object){ object, size, function, name };
	/* room for the members: ids step by 64 */
	l->stack_object_ids[n] = ENGINE_STACK_ID | ((u32)h & 0x7fffffc0u);
	l->stack_object_count++;
}

void engine_stack_object_remove(const volatile void *object)
{
	struct lane *l = &engine.lanes[engine_now.cpu];

	if (engine_now.cpu == ENGINE_RUNNER)
		return;
	for (unsigned i = l->stack_object_count; i-- > 0;)
		if (l->stack_objects[i].object == object) {
			l->stack_object_count = (u8)i;
			return;
		}
}

static const struct stack_object *find(const volatile void *p, u32 *id)
{
	for (unsigned c = 0; c < ENGINE_LANES_MAX; c++) {
		const struct lane *l = &engine.lanes[c];

		for (unsigned i = 0; i < l->stack_object_count; i++) {
			const struct stack_object *s = &l->stack_objects[i];
			uintptr_t off = (uintptr_t)p - (uintptr_t)s->object;

			if (off < s->size) {
				*id = l->stack_object_ids[i] + (u32)off;
				return s;
			}
		}
	}
	return NULL;
}

u32 stack_object_id(const volatile void *object)
{
	u32 id = ENGINE_STACK_ID;

	find(object, &id);
	return id;
}
