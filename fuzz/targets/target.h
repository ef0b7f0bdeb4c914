/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.h - what the fuzz targets share: their entry points, and what becomes of a program that
 * they made.
 */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <foliofuzz/run.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* ---- world.c; the targets that execute programs, and their mutators ---- */
/*
 * Kernel and bugs come from here and never from an input: from the build (FOLIOFUZZ_TARGET_KERNEL,
 * FOLIOFUZZ_TARGET_BUGS), then from --kernel=, --bug= and --vehicle= on the command line. --guide= and --mutate= say what is on.
 */
void target_init(int *argc, char **argv);
/* AFL++'s driver takes what is left of the command line for files. libFuzzer hands its own on to its children: there they stay. */
bool target_takes_options_away(void);
/* The target's kernel and bugs. With `keep`, what the target does not name stays the program's. */
void target_set_world(struct prog *p, bool keep);
enum vehicle target_vehicle(void);

/* ---- target.c ---- */
/*
 * All programs to come have this one's world and setup: that is run here, before an engine counts what an input covers, and put back for
 * each of them.
 */
void target_keep_setup(const struct prog *p);
/*
 * Runs the program; on a find prints the report and traps. direct: the input as it is can be given
 * to `foliofuzz replay`; else only the program in the report can.
 */
void target_assert_clean(const struct prog *p, bool direct);

/* ---- guide.c; what guides the engine besides edges ---- */
struct guide;
/* "rf,state", "none"; before the first execution. False: some word names no kind. */
bool target_guide_set(const char *list) __attribute__((weak));
/* For run_options; NULL when every kind is off, or nobody would look. */
struct guide *target_guide(void);
/* Hands what the execution showed to the engine. */
void target_guide_tell(const struct guide *g);

#endif
