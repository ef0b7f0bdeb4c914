/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hash.c - hashes of bytes that are stable over builds and machines: XXH64 with seed 0.
 */
#include <foliofuzz/base.h>

#include <string.h>

#define XXH_INLINE_ALL /* compiled with our flags, and nothing to link: MemorySanitizer must see who reads and writes */
#include <xxhash.h>

u64 hash_bytes(const void *data, size_t size)
{
	return XXH64(data, size, 0);
}

u64 hash_string(const char *s)
{
	return hash_bytes(s, strlen(s));
}
