/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/hmm.h - the simulated device: its memory, the mirrors of address spaces in its own page tables, and reading a process's page
 * tables on its behalf.
 */
#ifndef _LINUX_HMM_H
#define _LINUX_HMM_H

#include <linux/mm_types.h>
#include <linux/mmzone_sizes.h>
#include <linux/mutex.h>

struct mmu_notifier_subscription;

/* ---- hmm.c ---- */
#define HMM_PFN_VALID (1ul << 63)
#define HMM_PFN_WRITE (1ul << 62)
/* One page of mm, faulted in if need be. mmap_lock is held for reading. 0; -EBUSY: look again from the start; -EFAULT. */
int hmm_range_fault(struct mm_struct *mm, unsigned long addr, bool write, void *dev_private_owner, unsigned long *hmm_pfn);

/* ---- test_hmm.c, the driver ---- */
struct dmirror_device {
	spinlock_t devmem_lock; /* busy and the counts; a leaf: pages are freed under page table locks */
	struct mutex evict_mutex; /* eviction, removal and return of the device; outermost */
	bool busy[NR_DEVICE_PAGES]; /* given out; a run of HPAGE_PMD_NR free ones can be a huge folio */
	unsigned long calloc, cfree; /* pages given out and taken back, ever */
	bool removing;        /* nothing is given out any more */
	bool booted;          /* false: the first boot of this process */
	u16 touched;          /* pages below this one have been given out, since boot */
};

/* An entry of the mirror: which page the device reaches, and how. */
#define DPT_VALID 0x1ul
#define DPT_WRITE 0x2ul
#define DPT_ATOMIC 0x4ul
#define DPT_PFN_SHIFT 12

void dmirror_boot(void);
/* [addr, addr + len) into the device's memory, `large` where the alignment allows. Pages that went, or a negative errno. */
int dmirror_migrate_to_device(struct mm_struct *mm, unsigned long addr, unsigned long len, bool large);
int dmirror_migrate_to_system(struct mm_struct *mm, unsigned long addr, unsigned long len);
/* A run of HPAGE_PMD_NR device pages, or all, back to the system. 0: done, as far as they could be locked. */
int dmirror_evict(unsigned int run);
int dmirror_evict_all(void);
/* The driver is removed and bound again. -EBUSY: pages are still in use. */
int dmirror_remove(void);
int dmirror_probe(void);
/* The mirror of mm, made if there is none; NULL: no memory. */
struct mmu_notifier_subscription *dmirror_of(struct mm_struct *mm);
/* Fills the mirror at addr, from the process's page table. */
int dmirror_fault(struct mmu_notifier_subscription *mirror, unsigned long addr, bool write);
int dmirror_exclusive(struct mm_struct *mm, unsigned long addr);

#endif
