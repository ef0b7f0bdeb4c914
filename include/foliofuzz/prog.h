/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prog.h - a program as data: what each lane does and, optionally, the schedule. Knows the
 * table of operations and nothing of how they run. Format: sim/prog/README.md.
 */
#ifndef FOLIOFUZZ_PROG_H
#define FOLIOFUZZ_PROG_H

#include <foliofuzz/base.h>
#include <foliofuzz/bug.h>

#define PROG_LANES_MAX 4
#define PROG_OPS_MAX 16   /* per lane; setup and teardown the same */
#define PROG_ARGS_MAX 4
#define PROG_MMS 3
#define PROG_REFS 4
#define PROG_VPNS 32
#define PROG_MEMCGS_MAX 4
#define PROG_FILES 3
#define PROG_REGS 8  /* of each lane, in litmus programs */
#define PROG_WORDS 8
#define PROG_LOCKS 4
#define PROG_VALUES 64
#define PROG_FILE_PAGES 16
#define PROG_FAIL_MAX 63
#define PROG_STREAM_MAX 64   /* bytes of schedule per operation */
#define PROG_DEVIATIONS_MAX 64
#define PROG_ANCHOR_MAX 96   /* bytes, with the final NUL */
#define PROG_CPU_RCU 4         /* the pseudo-CPU `rcu` (ENGINE_LANE_RCU) in schedules */
#define PROG_COMMENT_MAX 1024  /* bytes, with the final NUL */
#define PROG_TEXT_MAX 65536  /* a larger text is refused */
#define PROG_LINE_MAX 8192   /* bytes of one line of text; a longer one is refused */
#define PROG_BINARY_MAX 16384 /* encode() never needs more; decode() ignores what is behind */

enum prog_arg_kind {
	ARG_NONE, ARG_NEWMM, ARG_MM, ARG_NEWREF, ARG_REF, ARG_VPN, ARG_NR, ARG_ORDER, ARG_MEMCG,
	ARG_FILE, ARG_PGOFF, ARG_NODE, ARG_FLAG, ARG_PROT,
	ARG_NEWREG, ARG_REG, ARG_WORD, ARG_LOCK, ARG_VALUE, /* of litmus operations */
	ARG_KIND_COUNT
};

enum prog_op_id {
#define OP(id, name, a0, a1, a2, a3, help) OP_##id,
#include <foliofuzz/op.def>
#undef OP
	OP_COUNT,
	/* Operations on memory management are those below; the others are for litmus programs. */
	OP_MM_COUNT = OP_load
};
struct prog_op_row {
	const char *name, *help;
	u8 args[PROG_ARGS_MAX]; /* enum prog_arg_kind */
	u8 arg_count;
	bool litmus;
};
extern const struct prog_op_row prog_op_table[OP_COUNT];

struct prog_op {
	u8 id;
	u8 fail; /* 0, or: the fail-th point of the operation that may fail does, 1..PROG_FAIL_MAX */
	u8 args[PROG_ARGS_MAX]; /* unused ones are 0 */
};
struct prog_lane {
	u8 count;
	struct prog_op ops[PROG_OPS_MAX];
};

enum prog_mapcount { MAPCOUNT_PAGE, MAPCOUNT_NO_PAGE };
struct prog_world {
	u8 cpus;       /* 1..PROG_LANES_MAX = number of lanes */
	u8 memcgs;     /* 0..PROG_MEMCGS_MAX-1 besides the root; 0 = memcg disabled */
	u8 mapcount;   /* enum prog_mapcount; NO_PAGE only where prog_has_no_page_mapcount() */
	u8 underused;  /* bool: underused THPs are split (enable by sysfs); default 0 */
	u8 generation; /* enum generation */
	struct bug_switches bugs;
};

/*
 * The schedule. All kinds say how to deviate from: keep running this CPU; when it waits or has ended, the lowest
 * enabled one. Only the members of the kind mean anything; the others may hold anything.
 *  NONE        the program says nothing: a strategy decides
 *  BYTES       per lane and operation a stream; read at points with a choice, see prog_stream_cpu()
 *  RUNS        "cpu0 41, cpu1 *": points counted from the start of the parallel phase; for people
 *  DEVIATIONS  anchored to (cpu, operation, site, occurrence within the operation) -> to; none of
 *              them (`sched default`) is the default schedule, which is not NONE
 * A CPU in a schedule is one of the program's lanes or PROG_CPU_RCU.
 */
enum prog_sched_kind { SCHED_NONE, SCHED_BYTES, SCHED_RUNS, SCHED_DEVIATIONS, SCHED_KIND_COUNT };
#define SCHED_RUN_ALL 0xffff
struct prog_run {
	u8 cpu;
	u16 points; /* >= 1, or SCHED_RUN_ALL: until it waits or ends */
};
struct prog_deviation {
	u8 cpu;       /* which CPU reaches the point */
	u8 op;        /* operation index in its lane, < PROG_OPS_MAX; beyond the lane's end it never fits */
	u8 to;        /* CPU that runs instead */
	u16 occurrence; /* 1-based: n-th time this operation reaches this site */
	/* site_anchor() form, printable ASCII but '#'; "end" when the CPU waited or ended there */
	char anchor[PROG_ANCHOR_MAX];
};
struct prog_sched {
	u8 kind;
	u16 run_count;
	struct prog_run runs[PROG_DEVIATIONS_MAX];
	u16 deviation_count;
	struct prog_deviation deviations[PROG_DEVIATIONS_MAX];
	u8 stream_len[PROG_LANES_MAX][PROG_OPS_MAX];
	u8 stream[PROG_LANES_MAX][PROG_OPS_MAX][PROG_STREAM_MAX];
};

/*
 * What one byte of a stream asks for: the number of a CPU, or -1 to stay, for this choice and the next `byte`
 * ones. Numbers are stable: a CPU that is not enabled (or does not exist) means stay, and so does an
 * exhausted stream.
 */
static inline int prog_stream_cpu(u8 byte)
{
	return byte < 0x80 ? -1 : byte & 7;
}

struct prog {
	struct prog_world world;
	struct prog_lane setup, lanes[PROG_LANES_MAX], teardown;
	struct prog_sched sched;
	char comment[PROG_COMMENT_MAX]; /* text of leading # lines, joined by \n; not in the binary form */
	char expect[96];   /* "" or the words behind `expect`; not in the binary form */
};

/* One lane, no operations, default world; leaves alone the large arrays behind the zeroed counts. */
void prog_init(struct prog *p);
/* NO_PAGE_MAPCOUNT exists since v6.15. */
bool prog_has_no_page_mapcount(enum generation g);
/* An operation that the release does not know. */
bool prog_generation_lacks(enum generation g, unsigned op);
/* The Linux release that an operation came with, where some generation lacks it; else NULL. */
const char *prog_op_since(unsigned op);
/* The program for another release: drops what that release lacks, so that it stays valid. */
void prog_set_generation(struct prog *p, enum generation g);
/* Any bytes are a valid program: the result always passes prog_validate(). */
void prog_decode(struct prog *p, const u8 *data, size_t size);
/*
 * For one CPU and a run of operations of any length: a world, and up to `max` operations. Any bytes are valid. Returns how many
 * operations there are.
 */
size_t prog_decode_ops(struct prog_world *w, const u8 *data, size_t size, struct prog_op *ops, size_t max);
/* The program's operations as prog_decode_ops() reads them: setup, CPU after CPU, teardown. Bytes written, 0 if `size` is too small. */
size_t prog_encode_ops(const struct prog *p, u8 *data, size_t size);
/* Bytes written, 0 if `size` is too small; *p must be valid. decode(encode(p)) == p but for comment and expect. */
size_t prog_encode(const struct prog *p, u8 *data, size_t size);

struct prog_error {
	unsigned line, column; /* 1-based */
	char message[160];     /* what was expected, and what stood there */
};
/* On false *p is as after prog_init(). err may be NULL. */
bool prog_parse(struct prog *p, const char *text, size_t size, struct prog_error *err);
/* parse(print(p)) == p. Returns bytes needed without the NUL; writes at most size. */
size_t prog_print(const struct prog *p, char *buf, size_t size);
/* NULL when every count, id and argument is in range, else what is not. */
const char *prog_validate(const struct prog *p);
/* It has operations on primitives. */
bool prog_is_litmus(const struct prog *p);
bool prog_equal(const struct prog *a, const struct prog *b); /* but for comment and expect */
void prog_format_op(struct text *t, const struct prog_op *op); /* "dontneed(m0, 1, 1)" */
void prog_format_signature(struct text *t, enum prog_op_id id);  /* "dontneed(mm, vpn, nr)" */

/* A random program that is likely to do something: mms made in setup, operations that meet. */
void prog_generate(struct prog *p, struct prng *r);
/*
 * What is left without one part; the schedule is carried along: what was said about the part goes, the rest keeps its place. `lane`:
 * 0..cpus-1, or one of these.
 */
#define PROG_LANE_SETUP PROG_LANES_MAX
#define PROG_LANE_TEARDOWN (PROG_LANES_MAX + 1)
struct prog_lane *prog_lane_at(struct prog *p, unsigned lane);
void prog_remove_op(struct prog *p, unsigned lane, unsigned op);
/* The last CPU stays. */
bool prog_remove_lane(struct prog *p, unsigned lane);
void prog_remove_deviation(struct prog *p, unsigned i);
/* One random structural change; the result is valid. Never touches generation and bugs. */
void prog_mutate(struct prog *p, struct prng *r);
void prog_splice(struct prog *p, const struct prog *other, struct prng *r);
/*
 * The libFuzzer/AFL++ mutators' core: output depends on (data, size, max, seed) alone;
 * returns the new size, 1..max (0 when max is 0). a and b may not overlap out.
 */
size_t prog_mutate_bytes(u8 *data, size_t size, size_t max, u32 seed);
size_t prog_cross_bytes(const u8 *a, size_t a_size, const u8 *b, size_t b_size,
			u8 *out, size_t max, u32 seed);

#endif
