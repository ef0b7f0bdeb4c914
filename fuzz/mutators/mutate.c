/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mutate.c - which kind of change an input gets: one of the program as data (sim/prog), or one that an execution of it suggests.
 */
#include "mutators.h"

#include <string.h>

enum { REVERSE_ONE_IN = 4 };

static struct {
	bool cross, reverse;
} on = { true, true };

bool mutate_set(const char *list)
{
	on.cross = on.reverse = false;
	while (*list) {
		size_t len = strcspn(list, ",");

		if (len == 5 && !strncmp(list, "cross", len))
			on.cross = true;
		else if (len == 7 && !strncmp(list, "reverse", len))
			on.reverse = true;
		else if (len != 4 || strncmp(list, "none", len))
			return false;
		list += len + (list[len] == ',');
	}
	return true;
}

/* 0: nothing came of it. */
static size_t reverse_bytes(u8 *data, size_t size, size_t max, struct prng *r)
{
	static struct prog p;
	static u8 out[PROG_BINARY_MAX];
	size_t n;

	prog_decode(&p, data, size);
	if (!mutate_reverse(&p, r))
		return 0;
	n = prog_encode(&p, out, sizeof(out) < max ? sizeof(out) : max);
	memcpy(data, out, n);
	return n;
}

size_t mutate_bytes(u8 *data, size_t size, size_t max, u32 seed)
{
	struct prng r;
	size_t n;

	/* another stream than prog_mutate_bytes() draws from */
	prng_seed(&r, hash_mix(1, seed));
	if (on.reverse && mutate_reverse && size <= max && prng_chance(&r, 1, REVERSE_ONE_IN)) {
		n = reverse_bytes(data, size, max, &r);
		if (n)
			return n;
	}
	return prog_mutate_bytes(data, size, max, seed);
}

size_t mutate_cross_bytes(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out, size_t max, u32 seed)
{
	return on.cross ? prog_cross_bytes(a, a_size, b, b_size, out, max, seed) : 0;
}
