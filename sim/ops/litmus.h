/* SPDX-License-Identifier: GPL-2.0-only */
/* litmus.h - what operations of litmus programs work on; no replica. Private to sim/ops. */
#ifndef OPS_LITMUS_H
#define OPS_LITMUS_H

#include <foliofuzz/base.h>
#include <foliofuzz/prog.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

struct litmus_word {
	atomic_long_t value;
	struct rcu_head rcu; /* of rcu_store */
	u8 later;            /* what it stores */
};
struct litmus_lock {
	u32 owner; /* CPU + 1; 0: free */
};
struct litmus_folio {
	atomic_t ref;
	int partially_mapped;
	bool freed;
	struct list_head link;
};
struct litmus_state {
	struct litmus_word words[PROG_WORDS];
	struct litmus_lock locks[PROG_LOCKS];
	u8 regs[PROG_LANES_MAX][PROG_REGS];
	u8 skip[PROG_LANES_MAX]; /* operations to be left out */
	/* the deferred list */
	struct litmus_folio folio;
	struct list_head queue;
	int queue_len;
};
/* The end of the arena, where no world reaches. */
#define litmus ((struct litmus_state *)(arena_memory + ARENA_SIZE - 8192))

/* Begins every operation: whether it is left out. */
bool litmus_skips(void);
#define LITMUS_SKIPPED (-ENOENT)

#endif
