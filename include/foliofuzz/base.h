/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * base.h - what every layer may use: integers, the arena, a random stream, the trace
 * hash, a bounded text buffer. Nothing here knows of CPUs, folios or programs.
 */
#ifndef FOLIOFUZZ_BASE_H
#define FOLIOFUZZ_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

#define FORMAT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/*
 * A harness defect: never a find, never bad input. Prints "FOLIOFUZZ DEFECT: ..." to
 * standard error and exits 4 (or traps inside a fuzz target, so that no engine
 * mistakes it for a clean run).
 */
_Noreturn void harness_defect(const char *file, int line, const char *fmt, ...)
	FORMAT_PRINTF(3, 4);
/* Defined by fuzz targets only: called instead of exit(4), to trap. */
void harness_defect_trap(void) __attribute__((weak));
#define HARNESS_BUG_ON(cond)                                                   \
	do {                                                                   \
		if (unlikely(cond))                                            \
			harness_defect(__FILE__, __LINE__, "%s", #cond);       \
	} while (0)

/* ---- prng.c: xoroshiro128++; the only randomness in the project; inline, being on the hot path ---- */
struct prng {
	u64 s[2];
};
void prng_seed(struct prng *r, u64 seed);
static inline u64 prng_rotate(u64 x, unsigned n)
{
	return (x << n) | (x >> (64 - n));
}
static inline u64 prng_next(struct prng *r)
{
	u64 a = r->s[0], b = r->s[1];
	u64 result = prng_rotate(a + b, 17) + a;

	b ^= a;
	r->s[0] = prng_rotate(a, 49) ^ b ^ (b << 21);
	r->s[1] = prng_rotate(b, 28);
	return result;
}
/* Uniform in [0, n), n >= 1; multiply-shift, so the bias is below 2^-32. */
static inline u32 prng_below(struct prng *r, u32 n)
{
	return (u32)(((prng_next(r) >> 32) * n) >> 32);
}
/* True with probability num/den. */
bool prng_chance(struct prng *r, u32 num, u32 den);

/* ---- hash.c ---- */
/* One step of the trace hash; order matters, no input is an address. */
static inline u64 hash_mix(u64 h, u64 x)
{
	h ^= x;
	h *= 0x9e3779b97f4a7c15ull;
	return h ^ (h >> 29);
}
/* Stable over builds and machines (XXH64, seed 0). */
u64 hash_bytes(const void *data, size_t size);
u64 hash_string(const char *s);

/* ---- text.c: a bounded text buffer that never overflows and remembers truncation ---- */
struct text {
	char *buf;
	size_t size; /* bytes available, including the final NUL */
	size_t len;  /* bytes used, without it */
	bool truncated;
};
void text_init(struct text *t, char *buf, size_t size);
void text_printf(struct text *t, const char *fmt, ...) FORMAT_PRINTF(2, 3);
void text_vprintf(struct text *t, const char *fmt, va_list ap);
void text_pad_to(struct text *t, size_t line_start, size_t column);

/* ---- bytes.c: reading and writing a byte buffer; a read past the end yields zeroes ---- */
struct bytes_reader {
	const u8 *data;
	size_t size, pos;
};
struct bytes_writer {
	u8 *data;
	size_t size, pos;
	bool overflow;
};
u8 bytes_u8(struct bytes_reader *r);
u16 bytes_u16(struct bytes_reader *r);
size_t bytes_left(const struct bytes_reader *r);
void bytes_put_u8(struct bytes_writer *w, u8 v);
void bytes_put_u16(struct bytes_writer *w, u16 v);
void bytes_put(struct bytes_writer *w, const void *data, size_t n);

/*
 * ---- arena.c ----
 * All simulated state lives in one arena, so an offset into it is a name of an object
 * that is the same in every build, vehicle and run. Each ARENA_GRAIN bytes have a state
 * byte; a non-zero state makes the engine ask its owner before any access (freed
 * objects). The arena holds one world at a fixed place; what is carved behind it by
 * arena_alloc() is given back all at once by arena_reset(), which costs what was used.
 */
#define ARENA_SIZE (1u << 20)
#define ARENA_GRAIN_SHIFT 6
#define ARENA_GRAIN (1u << ARENA_GRAIN_SHIFT)
#define ARENA_GRAINS (ARENA_SIZE >> ARENA_GRAIN_SHIFT)

extern unsigned char arena_memory[ARENA_SIZE];
#define arena_base arena_memory
extern u8 arena_state[ARENA_GRAINS];

static inline bool arena_contains(const volatile void *p)
{
	return (uintptr_t)p - (uintptr_t)arena_base < ARENA_SIZE;
}
static inline u32 arena_offset(const volatile void *p)
{
	return (u32)((uintptr_t)p - (uintptr_t)arena_base);
}
/* Reserves the first `size` bytes for the world, for good; to be called once. */
void *arena_world(size_t size);
/*
 * Zeroed memory, a multiple of ARENA_GRAIN, aligned to it. Deterministic: the n-th
 * allocation after a reset has the same offset for the same sizes. Never NULL: running
 * out is a harness defect, since every user bounds what it asks for.
 */
void *arena_alloc(size_t size);
void arena_reset(void);
size_t arena_used(void);
/* State byte for the grains of [p, p + size), and ASan poison when state != 0. */
void arena_mark(void *p, size_t size, u8 state);

/*
 * ---- snapshot.c: memory as it was, to be put back as often as is wanted ----
 * Parts are named between snapshot_begin() and snapshot_end(). *s is zero or was used before; it owns its memory and keeps it for the next
 * time; running out of memory is a harness defect. Addresses are kept as they are: a snapshot is of this process (and its forks) alone.
 */
#define SNAPSHOT_PARTS_MAX 56
struct snapshot {
	u8 *data;          /* the parts, one behind the other */
	size_t size, room; /* bytes */
	unsigned part_count;
	struct snapshot_part {
		u8 *at;
		size_t size;
		/* of snapshot_add_used() */
		const u16 *end; /* NULL: all of it is used */
		u16 first;
		u32 unit; /* bytes */
		size_t used;
	} parts[SNAPSHOT_PARTS_MAX];
	bool has_arena;
	u32 arena_next;
	u32 poison_count, poison_room;
	struct snapshot_poison {
		u32 offset, size; /* bytes of the arena */
	} *poison;
};
/* Forgets what is in it. */
void snapshot_begin(struct snapshot *s);
/* What arena_alloc() has given out, and of all the arena the states and which bytes ASan holds for poisoned. Before any other part. */
void snapshot_add_arena(struct snapshot *s);
void snapshot_add(struct snapshot *s, void *at, size_t size);
/*
 * `count` units, of which *end - first are used and the others are as they are in every snapshot and at every snapshot_restore(): no more
 * than are used at one of the two times is copied back.
 */
void snapshot_add_used(struct snapshot *s, void *at, u32 unit, u32 count, const u16 *end, u16 first);
void snapshot_end(struct snapshot *s);
/* What the arena has given out since is given back. */
void snapshot_restore(const struct snapshot *s);
/* arena.c, for snapshot.c. The arena ends at `next` again; what it had behind it is zero and has no state. */
void arena_cut(u32 next);
size_t arena_world_size(void);

#endif
