/* SPDX-License-Identifier: GPL-2.0-only */
/* Protections: mprotect. */
#include "ops_internal.h"
#include <linux/huge_mm.h>

int op_mprotect(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long prot = (args[3] & 1 ? VM_READ : 0) | (args[3] & 2 ? VM_WRITE : 0);
	int err;

	if (!mm)
		return -ESRCH;
	err = do_mprotect(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]), prot);
	mm_unpin(mm);
	return err;
}
