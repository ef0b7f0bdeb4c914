// SPDX-License-Identifier: GPL-2.0-only
/* What a userfaultfd's monitor asks for: uffd_register, uffd_copy, uffd_zeropage, uffd_poison, uffd_wp, uffd_move. */
#include "ops_internal.h"
#include <linux/userfaultfd_k.h>

int op_uffd_register(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long flags = (args[3] & 1 ? VM_UFFD_MISSING : 0) | (args[3] & 2 ? VM_UFFD_WP : 0);
	int err;

	if (!mm)
		return -ESRCH;
	err = userfaultfd_register_range(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]), flags);
	mm_unpin(mm);
	return err;
}

/* To the content oracle a store, but one that only happens where nothing was. */
int op_uffd_copy(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	u32 token;
	long ret;

	if (!mm)
		return -ESRCH;
	token = engine_token();
	user_note(USER_WRITE_BEGIN, args[0], args[1], 1, token, 0);
	ret = mfill_atomic(mm, vpn_to_addr(args[1]), PAGE_SIZE, MFILL_ATOMIC_COPY, token, args[2]);
	user_note(USER_WRITE_END, args[0], args[1], 1, token, ret > 0);
	mm_unpin(mm);
	return ret > 0 ? 0 : (int)ret;
}

int op_uffd_zeropage(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned int end = args[1] + (unsigned int)(nr_to_len(args[1], args[2]) >> PAGE_SHIFT);
	long ret = PAGE_SIZE;

	if (!mm)
		return -ESRCH;
	for (unsigned int vpn = args[1]; vpn < end && ret > 0; vpn++) {
		user_discard_begin(args[0], vpn, 1);
		ret = mfill_atomic(mm, vpn_to_addr(vpn), PAGE_SIZE, MFILL_ATOMIC_ZEROPAGE, 0, false);
		user_discard_end(args[0], vpn, 1, ret > 0);
	}
	mm_unpin(mm);
	return ret > 0 ? 0 : (int)ret;
}

int op_uffd_poison(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	long ret;

	if (!mm)
		return -ESRCH;
	ret = mfill_atomic(mm, vpn_to_addr(args[1]), PAGE_SIZE, MFILL_ATOMIC_POISON, 0, false);
	mm_unpin(mm);
	return ret > 0 ? 0 : (int)ret;
}

int op_uffd_wp(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int err;

	if (!mm)
		return -ESRCH;
	err = mwriteprotect_range(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]), args[3]);
	mm_unpin(mm);
	return err;
}

/* The ranges do not overlap, so that each page is on one side: the content oracle thinks of them all at once. */
static int move_op(const u8 *args, bool allow_src_holes)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned int dst = args[1], src = args[2], distance = dst > src ? dst - src : src - dst, nr;
	long ret;

	if (!mm)
		return -ESRCH;
	nr = (unsigned int)(nr_to_len(dst > src ? dst : src, args[3]) >> PAGE_SHIFT);
	if (nr > distance)
		nr = distance;
	if (!nr) {
		mm_unpin(mm);
		return -EINVAL;
	}
	user_note(USER_MOVE_PAGE_BEGIN, args[0], src, nr, dst, 0);
	ret = move_pages(mm, vpn_to_addr(dst), vpn_to_addr(src), (unsigned long)nr << PAGE_SHIFT, allow_src_holes);
	user_note(USER_MOVE_PAGE_END, args[0], src, nr, dst, ret > 0 ? (unsigned int)(ret >> PAGE_SHIFT) : 0);
	mm_unpin(mm);
	return ret > 0 ? 0 : (int)ret;
}

int op_uffd_move(const u8 *args)
{
	return move_op(args, false);
}

int op_uffd_move_holes(const u8 *args)
{
	return move_op(args, true);
}
