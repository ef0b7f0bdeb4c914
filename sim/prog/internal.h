/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * internal.h - what the files of sim/prog share: the table of argument kinds, edits that keep the
 * schedule aligned with the operations, random operations that aim at what exists.
 */
#ifndef SIM_PROG_INTERNAL_H
#define SIM_PROG_INTERNAL_H

#include <foliofuzz/prog.h>

/* ---- prog.c ---- */
struct prog_arg_row {
	const char *name;   /* in signatures */
	const char *expect; /* in errors */
	char prefix;        /* 'm', 'g', or 0 for a plain number */
	u8 min, count;      /* valid values: min..min + count - 1 */
	bool result;        /* written in front: "m0 = op()" */
};
extern const struct prog_arg_row prog_arg_table[ARG_KIND_COUNT];

static inline const struct prog_arg_row *prog_arg_row(const struct prog_op *op, unsigned i)
{
	return &prog_arg_table[prog_op_table[op->id].args[i]];
}
static inline bool prog_op_has_result(unsigned id)
{
	return prog_arg_table[prog_op_table[id].args[0]].result;
}
/* A CPU as schedules know it: a lane of the program, or the pseudo-CPU. */
static inline bool prog_cpu_valid(const struct prog *p, unsigned cpu)
{
	return cpu < p->world.cpus || cpu == PROG_CPU_RCU;
}
static inline bool prog_anchor_char(unsigned char c)
{
	return c >= 0x20 && c <= 0x7e && c != '#';
}

/* Lanes by number: the CPUs', then these two. */
enum { LANE_SETUP = PROG_LANES_MAX, LANE_TEARDOWN, LANE_COUNT };

/* ---- edit.c: every edit keeps a valid program valid ---- */
bool edit_insert(struct prog *p, unsigned lane, unsigned at, const struct prog_op *op);
void edit_delete(struct prog *p, unsigned lane, unsigned at);
void edit_swap_lanes(struct prog *p, unsigned a, unsigned b);
void edit_set_cpus(struct prog *p, unsigned cpus);
void edit_clear_sched(struct prog *p);
/* Makes the schedule one of bytes; what another kind said is lost. */
void edit_sched_to_bytes(struct prog *p);
/* Operations that the program's release does not know. */
void edit_drop_lacking(struct prog *p);
/* Drops bytes at the end of a stream that ask for no more than its end does. */
void edit_trim_stream(struct prog *p, unsigned lane, unsigned op);

/* ---- aim.c ---- */
#define AIM_MAX 32
struct aim { /* what the operations of a program name */
	u8 mms[AIM_MAX], vpns[AIM_MAX];
	unsigned mm_count, vpn_count;
	u8 memcgs, generation;
	bool swarm; /* only operations in `allowed` are made */
	bool allowed[OP_COUNT];
};
/* Draws a few operations: what a generated program is about. */
void aim_swarm(struct aim *aim, struct prng *r);
void aim_at(struct aim *aim, const struct prog *p);
void aim_args(struct prog_op *op, const struct aim *aim, struct prng *r);
void aim_arg(struct prog_op *op, unsigned i, const struct aim *aim, struct prng *r);
void aim_random_op(struct prog_op *op, const struct aim *aim, struct prng *r);
u8 aim_random_fail(struct prng *r);

/* ---- mutate_sched.c: false when there was nothing to do ---- */
bool mutate_preemption_add(struct prog *p, struct prng *r);
bool mutate_preemption_remove(struct prog *p, struct prng *r);
bool mutate_preemption_move(struct prog *p, struct prng *r);

/* ---- fit.c ---- */
/* Encodes *p into at most `max` >= 1 bytes, dropping schedule and operations until it fits. */
size_t prog_encode_fitting(struct prog *p, u8 *data, size_t max);

#endif
