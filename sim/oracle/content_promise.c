/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 11 for files, at quiescence: what fallocate(2) has promised is there, in the page cache or in swap, until it is discarded: a write to it
 * needs no memory.
 *
 * Not judged: what was discarded, or given back by an fallocate() that failed, while the promise was being made: nobody knows the order.
 */
#include "oracle_internal.h"
#include <foliofuzz/ops.h>
#include <linux/fs.h>
#include <linux/xarray.h>
#include <string.h>

static struct promises {
	u32 pages[NR_FILES];      /* promised, a bit each */
	u32 discards[NR_FILES];   /* running */
	struct {
		bool active, spoiled;
		u8 file;
	} making[ENGINE_LANES_MAX];
} promises;

void promise_begin(void)
{
	memset(&promises, 0, sizeof(promises));
}

void promise_save(struct snapshot *s)
{
	snapshot_add(s, &promises, sizeof(promises));
}

static u32 pages_of(const struct user_note *n)
{
	u32 mask = 0;

	for (unsigned i = n->vpn; i < n->vpn + n->nr && i < FILE_PAGES; i++)
		mask |= 1u << i;
	return mask;
}

static void take_back(const struct user_note *n)
{
	promises.pages[n->mm] &= ~pages_of(n);
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
		if (promises.making[i].active && promises.making[i].file == n->mm)
			promises.making[i].spoiled = true;
}

void promise_note(const struct user_note *n)
{
	const int cpu = engine_cpu();

	switch (n->event) {
	case USER_FILE_DISCARD_BEGIN:
		promises.discards[n->mm]++;
		take_back(n);
		break;
	case USER_FILE_DISCARD_END:
		promises.discards[n->mm]--;
		take_back(n);
		break;
	case USER_FILE_PROMISE_BEGIN:
		promises.making[cpu].active = true;
		promises.making[cpu].file = (u8)n->mm;
		promises.making[cpu].spoiled = promises.discards[n->mm] != 0;
		break;
	case USER_FILE_PROMISE_END:
		promises.making[cpu].active = false;
		if (!n->value)
			take_back(n);
		else if (!promises.making[cpu].spoiled)
			promises.pages[n->mm] |= pages_of(n);
		break;
	default:
		break;
	}
}

bool promise_quiescent(void)
{
	for (unsigned f = 0; f < NR_FILES; f++) {
		const struct address_space *mapping = &machine->mappings[f];

		for (unsigned i = 0; promises.pages[f] >> i; i++)
			if (promises.pages[f] >> i & 1 && !mapping->i_pages.slots[i]) {
				engine_report(VERDICT_BAD_CONTENT, "a promised page of a file is gone", "quiescence", NULL,
					      "file %u, page %u", f, i);
				return false;
			}
	}
	return true;
}
