/* SPDX-License-Identifier: GPL-2.0-only */
/* mremap: pages move to another address, and their content with them. */
#include "ops_internal.h"
#include <linux/mremap.h>

static int remap_op(const u8 *args, bool dontunmap)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned int nr = args[2], from = args[1], to = args[3], most = from > to ? PROG_VPNS - from : PROG_VPNS - to;
	bool target_gone;
	int err;

	if (!mm)
		return -ESRCH;
	if (nr > most)
		nr = most;
	user_note(USER_MOVE_BEGIN, args[0], from, nr, to, 0);
	err = do_mremap(mm, vpn_to_addr(from), (unsigned long)nr << PAGE_SHIFT, vpn_to_addr(to), dontunmap, &target_gone);
	user_note(USER_MOVE_END, args[0], from, nr, to,
		  !err ? MOVE_DONE : target_gone ? MOVE_TARGET_GONE : MOVE_NOTHING);
	mm_unpin(mm);
	return err;
}

int op_mremap(const u8 *args)
{
	return remap_op(args, false);
}

int op_mremap_dontunmap(const u8 *args)
{
	return remap_op(args, true);
}
