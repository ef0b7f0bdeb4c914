/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/oom.h - the memory of a process that the out-of-memory killer has chosen goes before the process does. */
#ifndef _LINUX_OOM_H
#define _LINUX_OOM_H

#include <linux/mm.h>

/* mm: with a reference to the struct (mmgrab()), maybe exiting. True: reaped, or nothing left to reap; false: try again later. */
bool oom_reap_task_mm(struct mm_struct *mm);
/* A fault that would install a page, with the table's lock held: what it finds missing may just have been reaped. */
#define check_stable_address_space(mm) (unlikely(test_bit(MMF_UNSTABLE, &(mm)->flags)) ? VM_FAULT_SIGBUS : 0)

#endif
