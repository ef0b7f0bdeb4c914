/* SPDX-License-Identifier: GPL-2.0-only */
/* benign.h - the races that the kernel accepts, by their row in benign.def. */
#ifndef FOLIOFUZZ_BENIGN_H
#define FOLIOFUZZ_BENIGN_H

enum benign {
#define BENIGN(id, name, where) BENIGN_##id,
#include <foliofuzz/benign.def>
#undef BENIGN
	BENIGN_COUNT
};

#endif
