/* SPDX-License-Identifier: GPL-2.0-only */
/* fork(2), and reads that find nothing mapped. */
#include "ops_internal.h"
#include <linux/huge_mm.h>

/* What MADV_WIPEONFORK keeps from the child: told as a discard of its own. */
static void tell_wiped(struct mm_struct *mm)
{
	for (unsigned int i = 0; i < mm->map_count; i++) {
		struct vm_area_struct *vma = mm->vmas[i];

		if (!(vma->vm_flags & VM_WIPEONFORK))
			continue;
		user_discard_begin(mm->slot, vma->vm_start >> PAGE_SHIFT, vma_pages(vma));
		user_discard_end(mm->slot, vma->vm_start >> PAGE_SHIFT, vma_pages(vma), 1);
	}
}

/* The child, made and filled, but in no slot yet. */
static struct mm_struct *dup_mm(struct mm_struct *oldmm, unsigned int slot)
{
	struct mm_struct *mm = mm_alloc(slot);

	if (!mm)
		return NULL;
	if (!dup_mmap(mm, oldmm))
		return mm;
	mmput(mm);
	return NULL;
}

/* True: the child is where programs find it, and what it starts with is settled. */
static bool publish_child(struct mm_struct *mm, unsigned int slot)
{
	bool free;

	spin_lock(&machine->mmlist_lock);
	free = !machine->mms[slot];
	if (free) {
		machine->mms[slot] = mm;
		user_note(USER_FORK_END, slot, 0, 0, mm->forked_from->slot, 1);
		tell_wiped(mm);
	}
	spin_unlock(&machine->mmlist_lock);
	return free;
}

int op_fork(const u8 *args)
{
	struct mm_struct *oldmm, *mm = mm_pin(args[0]);

	/* one slot, one mm: whoever is second gives up */
	if (mm) {
		mm_unpin(mm);
		return -EEXIST;
	}
	oldmm = mm_pin(args[1]);
	if (!oldmm)
		return -ESRCH;
	user_note(USER_FORK_BEGIN, args[1], 0, 0, 0, 0);
	mm = dup_mm(oldmm, args[0]);
	if (mm && publish_child(mm, args[0])) {
		mm_unpin(oldmm);
		return 0;
	}
	user_note(USER_FORK_END, args[0], 0, 0, 0, 0);
	mm_unpin(oldmm);
	if (!mm)
		return -ENOMEM;
	mmput(mm);
	return -EEXIST;
}
