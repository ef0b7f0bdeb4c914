/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mutators.h - what libFuzzer and AFL++ share. What comes out depends on data, size and seed, and on the kernel and the bugs that the process is
 * for, which no input changes.
 */
#ifndef FUZZ_MUTATORS_H
#define FUZZ_MUTATORS_H

#include <foliofuzz/prog.h>

/* ---- mutate.c; like prog_mutate_bytes() and prog_cross_bytes() ---- */
/* "reverse", "cross,reverse", "none": what is on besides changes of one program. False: some word names nothing. */
bool mutate_set(const char *list) __attribute__((weak));
/* May run the program: nothing of an execution that is being looked at may be needed any more. */
size_t mutate_bytes(u8 *data, size_t size, size_t max, u32 seed);
/* 0: it is off. */
size_t mutate_cross_bytes(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out, size_t max, u32 seed);

/*
 * ---- reverse.c ---- Runs the program and gives it a schedule in which two conflicting accesses come in the other order. False: it shows a
 * find, or nothing conflicts. Weak: a target that executes nothing has none.
 */
bool mutate_reverse(struct prog *p, struct prng *r) __attribute__((weak));

#endif
