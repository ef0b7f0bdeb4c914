/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/oom.h - the memory of a process that the out-of-memory killer has chosen goes before the process does. */
#ifndef _LINUX_OOM_H
#define _LINUX_OOM_H

#include <linux/mm.h>

/* mm: with a reference to the struct (mmgrab()), maybe exiting. True: reaped, or nothing left to reap; false: try again later. */
bool oom_reap_task_mm(struct mm_struct *mm);

#endif
