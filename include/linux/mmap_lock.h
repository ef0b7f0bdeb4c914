/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/mmap_lock.h - the lock of one VMA. */
#ifndef _LINUX_MMAP_LOCK_H
#define _LINUX_MMAP_LOCK_H

#include <linux/mm.h>

/* Readers of the VMA alone have gone, and none comes until mmap_lock is released. mmap_lock is held for writing. */
#define vma_start_write(vma) ((void)(vma))

#endif
