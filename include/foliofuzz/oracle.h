/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * oracle.h - what must hold. One file of sim/oracle per invariant; each is a row of oracle.def. Oracles read and
 * never write the replica's state, yield or lock. Three tiers: at each step, at quiescence, at the end.
 */
#ifndef FOLIOFUZZ_ORACLE_H
#define FOLIOFUZZ_ORACLE_H

#include <foliofuzz/engine.h>

enum oracle_id {
#define ORACLE(id, name, tiers, help) ORACLE_##id,
#include <foliofuzz/oracle.def>
#undef ORACLE
	ORACLE_COUNT
};
struct oracle_row {
	const char *name, *tiers, *help;
};
extern const struct oracle_row oracle_table[ORACLE_COUNT];

struct oracle_options {
	unsigned strict_hwpoison; /* 0 or 1; no padding, which snapshots would compare */
	unsigned lanes;
};

/* Before the first event of an execution; the machine has been booted. */
void oracle_begin(const struct oracle_options *options);
/* Adds to *s what the oracles know of the execution; to be called, and true again, when no operation is in flight. */
void oracle_save(struct snapshot *s);
/* For engine_config.hooks. */
extern const struct engine_hooks oracle_hooks;
/* The same for the free vehicle, where only quiescence and the end are judged. */
extern const struct engine_hooks oracle_free_hooks;
/* No operation is in flight. Reports through engine_report(); false if something is wrong. */
bool oracle_quiescent(void);
/* No operation is in flight: every page that is mapped, swapped out or on the device holds what user space left there. */
bool oracle_contents(void);
/* The program has been torn down: nothing may be left. */
bool oracle_end(void);
/* No operation is in flight: a digest of the state of each folio, equal for what is alike; folio_state.c. */
void oracle_folio_states(void (*see)(void *arg, u64 state), void *arg);
/* How often an accepted race (row of benign.def) was met in this execution. */
unsigned oracle_benign(unsigned row);
/* Name of an object for people: "f0.page1.flags", "m0.mmap_lock"; into t. */
void oracle_object_name(struct text *t, const struct event *ev);

#endif
