/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/mmap_lock.h - the lock of an address space, and the lock of each VMA under it: a reader takes a VMA alone, without
 * mmap_lock; a writer has mmap_lock for writing and locks each VMA that it is going to change, until it lets go of mmap_lock.
 *
 * vm_refcnt: 0 detached; 1 attached; one more for each reader; the flag while a writer waits for them to go. A VMA is locked for
 * writing while its vm_lock_seq equals its mm's mm_lock_seq, and so all of them are unlocked at once by one increment. A reader
 * counts itself first and looks at the sequence then; a writer waits until nobody is counted before it writes the sequence.
 */
#ifndef _LINUX_MMAP_LOCK_H
#define _LINUX_MMAP_LOCK_H

#include <linux/bug.h>
#include <linux/lockdep.h>
#include <linux/mm_types.h>

#define VM_REFCNT_EXCLUDE_READERS_FLAG 0x40000000
#define VM_REFCNT_LIMIT (VM_REFCNT_EXCLUDE_READERS_FLAG - 1)

/* ---- mmap_lock ---- */
/* Only who holds mmap_lock for writing changes it. Odd: held so. */
#define mm_lock_seqcount_begin(mm) WRITE_ONCE((mm)->mm_lock_seq, assert_read((mm)->mm_lock_seq) + 1)
#define mm_lock_seqcount_end(mm) smp_store_release(&(mm)->mm_lock_seq, assert_read((mm)->mm_lock_seq) + 1)
#define mmap_read_lock(mm) down_read(&(mm)->mmap_lock)
#define mmap_read_trylock(mm) down_read_trylock(&(mm)->mmap_lock)
#define mmap_read_unlock(mm) up_read(&(mm)->mmap_lock)
#define mmap_write_lock(mm)                                                    \
	do {                                                                   \
		down_write(&(mm)->mmap_lock);                                  \
		mm_lock_seqcount_begin(mm);                                    \
	} while (0)
/* The child's, with the parent's held. */
#define mmap_write_lock_nested(mm, sub)                                        \
	do {                                                                   \
		down_write_nested(&(mm)->mmap_lock, sub);                      \
		mm_lock_seqcount_begin(mm);                                    \
	} while (0)
/* Every VMA that was locked for writing is unlocked by it. */
#define vma_end_write_all(mm)                                                  \
	do {                                                                   \
		mmap_assert_write_locked(mm);                                  \
		mm_lock_seqcount_end(mm);                                      \
	} while (0)
#define mmap_write_unlock(mm)                                                  \
	do {                                                                   \
		vma_end_write_all(mm);                                         \
		up_write(&(mm)->mmap_lock);                                    \
	} while (0)
#define mmap_write_downgrade(mm)                                               \
	do {                                                                   \
		vma_end_write_all(mm);                                         \
		downgrade_write(&(mm)->mmap_lock);                             \
	} while (0)
#define mmap_assert_locked(mm) lockdep_assert_held(&(mm)->mmap_lock)
#define mmap_assert_write_locked(mm)                                           \
	do {                                                                   \
		lockdep_assert_held(&(mm)->mmap_lock);                         \
		VM_WARN_ON_ONCE(!(assert_read((mm)->mm_lock_seq) & 1));        \
	} while (0)

/* ---- the lock of a VMA: mmap_lock.c ---- */
/* The VMA at an address, locked for reading; NULL: none, or it is being changed: take mmap_lock. The caller is a user of mm. */
struct vm_area_struct *lock_vma_under_rcu(struct mm_struct *mm, unsigned long address);
void vma_end_read(struct vm_area_struct *vma);
void vma_lock_init(struct vm_area_struct *vma, bool reset_refcnt);
void __vma_start_write(struct vm_area_struct *vma);
void vma_mark_attached(struct vm_area_struct *vma);
void vma_mark_detached(struct vm_area_struct *vma);
/* Either mmap_lock or the lock of the VMA is held, so that it stays as it is. */

/* mmap_lock is held for writing: nobody else writes either word. */
#define __is_vma_write_locked(vma) \
	(assert_read((vma)->vm_lock_seq) == assert_read((vma)->vm_mm->mm_lock_seq))
/* Before anything of the VMA that a fault could look at changes. */
#define vma_start_write(vma)                                                   \
	do {                                                                   \
		if (!__is_vma_write_locked(vma))                               \
			__vma_start_write(vma);                                \
	} while (0)
#define vma_assert_write_locked(vma)                                           \
	do {                                                                   \
		mmap_assert_write_locked((vma)->vm_mm);                        \
		VM_WARN_ON_ONCE(!__is_vma_write_locked(vma));                  \
	} while (0)
#define vma_is_attached(vma) (assert_read((vma)->vm_refcnt.counter) != 0)

/* Flags of a VMA that is in an address space. rmap walks look at them without a lock. */
#define vm_flags_reset(vma, flags)                                             \
	do {                                                                   \
		vma_assert_write_locked(vma);                                  \
		WRITE_ONCE((vma)->vm_flags, flags);                            \
	} while (0)
#define vm_flags_set(vma, flags)                                               \
	do {                                                                   \
		vma_start_write(vma);                                          \
		WRITE_ONCE((vma)->vm_flags, assert_read((vma)->vm_flags) | (flags)); \
	} while (0)
#define vm_flags_clear(vma, flags)                                             \
	do {                                                                   \
		vma_start_write(vma);                                          \
		WRITE_ONCE((vma)->vm_flags, assert_read((vma)->vm_flags) & ~(flags)); \
	} while (0)

#endif
