// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap_lock.c - the lock of a VMA. VMAs are type-safe: what a reader found in the tree may be another VMA by the time it counts
 * itself, of another mm. All that it may touch before it is counted is vm_refcnt and vm_lock_seq.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <foliofuzz/bug.h>

/*
 * __refcount_inc_not_zero_limited_acquire() - v7.1, include/linux/refcount.h. Fidelity: same. Fails at zero, and above the limit, where
 * a writer's flag is.
 */
#define refcount_inc_not_zero_limited_acquire(r, oldp)                         \
	({                                                                     \
		atomic_t *r_ = (r);                                            \
		engine_point(SITE("refcount_inc_not_zero_limited_acquire", "", #r), r_, EVENT_RMW); \
		access_add_if(&r_->counter, 1, was_, (*(oldp) = was_) != 0 && was_ < VM_REFCNT_LIMIT, __ATOMIC_ACQUIRE); \
	})

#define vma_lockdep_map(vma) (&(vma)->vm_refcnt)

/* vma_lock_init() - v7.1, include/linux/mmap_lock.h. Fidelity: same. Nobody can find the VMA, but for readers that it is too late for. */
void vma_lock_init(struct vm_area_struct *vma, bool reset_refcnt)
{
	if (reset_refcnt)
		atomic_set(&vma->vm_refcnt, 0);
	WRITE_ONCE(vma->vm_lock_seq, UINT32_MAX);
}

/* __vma_are_readers_excluded() - v7.1, include/linux/mmap_lock.h. Fidelity: same. */
static bool __vma_are_readers_excluded(int refcnt)
{
	return (refcnt & VM_REFCNT_EXCLUDE_READERS_FLAG) && refcnt <= VM_REFCNT_EXCLUDE_READERS_FLAG + 1;
}

/*
 * vma_refcount_put() - v7.1, include/linux/mmap_lock.h. Fidelity: same. From the decrement on the VMA may be gone, so its mm is looked up
 * before; that the mm is not gone is the caller's to know.
 */
static void vma_refcount_put(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	int newcnt;

	lock_release(vma_lockdep_map(vma));
	newcnt = atomic_dec_return(&vma->vm_refcnt);
	if (newcnt && __vma_are_readers_excluded(newcnt))
		rcuwait_wake_up(&mm->vma_writer_wait);
}

/* vma_end_read() - v7.1, include/linux/mmap_lock.h. Fidelity: same. */
void vma_end_read(struct vm_area_struct *vma)
{
	vma_refcount_put(vma);
}

struct vma_exclude_readers_state {
	struct vm_area_struct *vma;
	bool detaching;
	bool detached;
	bool exclusive;
};

/* __vma_end_exclude_readers() - v7.1. Fidelity: same. */
static void __vma_end_exclude_readers(struct vma_exclude_readers_state *ves)
{
	struct vm_area_struct *vma = ves->vma;

	ves->detached = atomic_sub_and_test(VM_REFCNT_EXCLUDE_READERS_FLAG, &vma->vm_refcnt);
	lock_release(vma_lockdep_map(vma));
}

/*
 * __vma_start_exclude_readers() - v7.1. Fidelity: same, but that nothing interrupts the wait. mmap_lock is held for writing, so a detached
 * VMA stays detached. With the flag set no reader gets in; the last one that goes wakes us.
 */
static void __vma_start_exclude_readers(struct vma_exclude_readers_state *ves)
{
	struct vm_area_struct *vma = ves->vma;
	int target = VM_REFCNT_EXCLUDE_READERS_FLAG + !ves->detaching;

	mmap_assert_write_locked(vma->vm_mm);
	if (!atomic_add_unless(&vma->vm_refcnt, VM_REFCNT_EXCLUDE_READERS_FLAG, 0)) {
		/* what the last reader has read, it has read before what we are going to write: an acquire, to TSan */
		race_acquire(&vma->vm_refcnt.counter);
		ves->detached = true;
		return;
	}
	lock_acquire_exclusive(vma_lockdep_map(vma), "vm_lock");
	rcuwait_wait_event(&vma->vm_mm->vma_writer_wait, atomic_read(&vma->vm_refcnt) == target);
	ves->exclusive = true;
}

/*
 * __vma_start_write() - v7.1. Fidelity: same. mmap_lock is held for writing. A reader that comes after the flag has gone again finds the
 * sequence, which was written before.
 */
void __vma_start_write(struct vm_area_struct *vma)
{
	struct vma_exclude_readers_state ves = { .vma = vma };

	__vma_start_exclude_readers(&ves);
	WRITE_ONCE(vma->vm_lock_seq, assert_read(vma->vm_mm->mm_lock_seq));
	if (ves.exclusive) {
		__vma_end_exclude_readers(&ves);
		WARN_ON_ONCE(ves.detached);
	}
}

/* vma_mark_attached() - v7.1, include/linux/mmap_lock.h. Fidelity: same. From here on readers get in. mmap_lock is held for writing. */
void vma_mark_attached(struct vm_area_struct *vma)
{
	vma_assert_write_locked(vma);
	WARN_ON_ONCE(vma_is_attached(vma));
	atomic_set_release(&vma->vm_refcnt, 1);
}

/*
 * vma_mark_detached() - v7.1, include/linux/mmap_lock.h. Fidelity: same. The VMA is locked for writing: who is counted still is about to
 * find that out, and is waited for. mmap_lock is held for writing.
 */
void vma_mark_detached(struct vm_area_struct *vma)
{
	struct vma_exclude_readers_state ves = { .vma = vma, .detaching = true };

	vma_assert_write_locked(vma);
	WARN_ON_ONCE(!vma_is_attached(vma));
	if (!atomic_dec_return(&vma->vm_refcnt))
		return;
	__vma_start_exclude_readers(&ves);
	if (ves.exclusive)
		__vma_end_exclude_readers(&ves);
	WARN_ON_ONCE(!ves.detached);
}

/*
 * vma_start_read() - v7.1. Fidelity: same. Inside an RCU section, which a failure ends. NULL: locked for writing, or another's; -EAGAIN: it
 * has been detached, look again. A VMA of another mm: nothing keeps that mm once the count has been dropped, so it is taken hold of
 * before.
 */
static struct vm_area_struct *vma_start_read(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct mm_struct *other_mm;
	unsigned int seq = READ_ONCE(vma->vm_lock_seq);
	int oldcnt;

	/* a guess, to go away early */
	if (seq == READ_ONCE(mm->mm_lock_seq)) {
		vma = NULL;
		goto err;
	}
	if (!refcount_inc_not_zero_limited_acquire(&vma->vm_refcnt, &oldcnt)) {
		vma = oldcnt ? NULL : ERR_PTR(-EAGAIN);
		goto err;
	}
	lock_acquire_shared(vma_lockdep_map(vma), "vm_lock");

	if (unlikely(vma->vm_mm != mm))
		goto err_unstable;
	/* counted: it cannot be locked for writing from here on, only have been */
	seq = READ_ONCE(vma->vm_lock_seq);
	if (unlikely(seq == smp_load_acquire(&mm->mm_lock_seq))) {
		vma_refcount_put(vma);
		vma = NULL;
		goto err;
	}
	return vma;
err:
	rcu_read_unlock();
	return vma;
err_unstable:
	if (bug_enabled(vma_lock_put_after_mm_free)) {
		vma_refcount_put(vma);
		vma = NULL;
		goto err;
	}
	other_mm = vma->vm_mm;
	rcu_read_unlock();
	mmgrab(other_mm);
	vma_refcount_put(vma);
	mmdrop(other_mm);
	return NULL;
}

/* lock_vma_under_rcu() - v7.1. Fidelity: same. */
struct vm_area_struct *lock_vma_under_rcu(struct mm_struct *mm, unsigned long address)
{
	struct vm_area_struct *vma;

	for (;;) {
		rcu_read_lock();
		vma = rcu_dereference(mm->mm_mt[address >> PAGE_SHIFT]);
		if (!vma) {
			rcu_read_unlock();
			return NULL;
		}
		vma = vma_start_read(mm, vma);
		if (!vma)
			return NULL;
		if (!IS_ERR(vma))
			break;
		cpu_relax();
	}
	rcu_read_unlock();

	/* It may have been moved, or be another, since the tree was read; now it is what it is. */
	if (unlikely(address < vma->vm_start || address >= vma->vm_end)) {
		vma_end_read(vma);
		return NULL;
	}
	return vma;
}
