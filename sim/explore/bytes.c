/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fuzzer's input decides: each operation of each lane has a stream of bytes of its own, so that editing one
 * operation re-randomises no other. A point with a choice takes the next byte b of the running operation: below 0x80 it
 * means stay, for this choice and the next b; above it names a CPU (b & 7, its stable number). A CPU that is
 * not enabled, and an exhausted stream, mean stay.
 */
#include <foliofuzz/explore.h>
#include <string.h>

static void bytes_begin(struct strategy *s, u64 seed)
{
	struct bytes_strategy *b = (struct bytes_strategy *)s;

	(void)seed;
	memset(b->op, 0, sizeof(b->op));
	memset(b->pos, 0, sizeof(b->pos));
	memset(b->stay, 0, sizeof(b->stay));
}

static void bytes_op(struct strategy *s, unsigned cpu, unsigned op)
{
	struct bytes_strategy *b = (struct bytes_strategy *)s;

	b->op[cpu] = (u8)op;
	b->pos[cpu] = 0;
	b->stay[cpu] = 0;
}

static unsigned bytes_next(struct strategy *s, u32 enabled, unsigned current)
{
	struct bytes_strategy *b = (struct bytes_strategy *)s;
	unsigned stay = enabled & (1u << current) ? current : (unsigned)__builtin_ctz(enabled);
	unsigned op;
	int to;
	u8 byte;

	if (current >= PROG_LANES_MAX || b->sched->kind != SCHED_BYTES)
		return stay;
	if (b->stay[current]) {
		b->stay[current]--;
		return stay;
	}
	op = b->op[current];
	if (op >= PROG_OPS_MAX || b->pos[current] >= b->sched->stream_len[current][op])
		return stay;
	byte = b->sched->stream[current][op][b->pos[current]++];
	to = prog_stream_cpu(byte);
	if (to < 0) {
		b->stay[current] = byte;
		return stay;
	}
	return enabled & (1u << to) ? (unsigned)to : stay;
}

void bytes_strategy_init(struct bytes_strategy *b, const struct prog_sched *sched)
{
	b->strategy = (struct strategy){ "bytes", bytes_begin, bytes_next, bytes_op };
	b->sched = sched;
}
