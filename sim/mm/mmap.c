// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap.c - address spaces and their VMAs: map, unmap with its splits, exit. Stands for mm/vma.c, mmap.c and fork.c.
 *
 * VMAs are changed under mmap_lock held for writing; a VMA's bounds also with the root anon_vma's rwsem, since rmap walks
 * read them. The VMAs stand in an array in the order of their addresses.
 */
#include <linux/err.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/tlb.h>
#include <foliofuzz/bug.h>

/* mm_alloc() - v7.1, kernel/fork.c. Fidelity: adapted: an mm's cgroup follows from its number. */
struct mm_struct *mm_alloc(unsigned int slot)
{
	struct mm_struct *mm = kmem_cache_alloc(&machine->mm_cache, GFP_KERNEL);
	unsigned int memcgs = machine->config.memcgs;

	if (!mm)
		return NULL;
	spin_lock_init(&mm->pmd_ptl);
	spin_lock_init(&mm->page_table_lock);
	init_rwsem(&mm->mmap_lock);
	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	mm->slot = slot;
	mm->mm_id = (mm_id_t)atomic_inc_return(&machine->mm_ids);
	mm->memcg = mem_cgroup_get_online(1 + slot % (memcgs + !memcgs));
	return mm;
}

/* vma_lookup() - v7.1. Fidelity: adapted: an array. */
struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long addr)
{
	for (unsigned int i = 0; i < mm->map_count; i++)
		if (mm->vmas[i]->vm_start <= addr && addr < mm->vmas[i]->vm_end)
			return mm->vmas[i];
	return NULL;
}

static void vma_array_insert(struct mm_struct *mm, struct vm_area_struct *vma)
{
	unsigned int i = mm->map_count++;

	for (; i > 0 && mm->vmas[i - 1]->vm_start > vma->vm_start; i--)
		mm->vmas[i] = mm->vmas[i - 1];
	mm->vmas[i] = vma;
}

static void vma_array_remove(struct mm_struct *mm, struct vm_area_struct *vma)
{
	unsigned int i = 0;

	while (mm->vmas[i] != vma)
		i++;
	for (mm->map_count--; i < mm->map_count; i++)
		mm->vmas[i] = mm->vmas[i + 1];
}

static struct vm_area_struct *vma_alloc(struct mm_struct *mm)
{
	struct vm_area_struct *vma = kmem_cache_alloc(&machine->vma_cache, GFP_KERNEL);

	if (!vma)
		return NULL;
	vma->vm_mm = mm;
	/* nobody else can find it yet */
	vma->anon_vma_chain.next = vma->anon_vma_chain.prev = &vma->anon_vma_chain;
	return vma;
}

/* mmap_region() - v7.1. Fidelity: adapted: anonymous, readable and writable, never merged. Takes mmap_lock. */
int mmap_region(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	struct vm_area_struct *vma;
	int ret = -ENOMEM;

	mmap_write_lock(mm);
	for (unsigned int i = 0; i < mm->map_count; i++)
		if (mm->vmas[i]->vm_start < start + len && mm->vmas[i]->vm_end > start)
			ret = -EEXIST;
	if (ret == -EEXIST || mm->map_count == VMAS_PER_MM)
		goto out;
	vma = vma_alloc(mm);
	if (!vma)
		goto out;
	vma->vm_start = start;
	vma->vm_end = start + len;
	vma->vm_pgoff = start >> PAGE_SHIFT;
	vma->vm_flags = VM_READ | VM_WRITE;
	vma->vm_page_prot = PAGE_READONLY_PROT;
	vma_array_insert(mm, vma);
	ret = 0;
out:
	mmap_write_unlock(mm);
	return ret;
}

/* __split_vma() - v7.1. Fidelity: same. The part from addr on becomes a VMA of its own. mmap_lock is held for writing. */
static int __split_vma(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long addr)
{
	struct vm_area_struct *new;
	struct anon_vma *anon_vma;
	int err;

	if (mm->map_count == VMAS_PER_MM)
		return -ENOMEM;
	new = vma_alloc(mm);
	if (!new)
		return -ENOMEM;
	new->vm_start = addr;
	new->vm_end = vma->vm_end;
	new->vm_pgoff = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
	new->vm_flags = vma->vm_flags;
	new->vm_page_prot = vma->vm_page_prot;
	new->anon_vma = plain_read(vma->anon_vma);
	err = anon_vma_clone(new, vma);
	if (err) {
		kmem_cache_free(&machine->vma_cache, new);
		return err;
	}
	anon_vma = plain_read(vma->anon_vma);
	if (anon_vma)
		anon_vma_lock_write(anon_vma);
	vma_adjust_trans_huge(vma, vma->vm_start, addr, NULL);
	plain_write(vma->vm_end, addr);
	vma_array_insert(mm, new);
	if (anon_vma)
		anon_vma_unlock_write(anon_vma);
	return 0;
}

/* The VMAs inside [start, end), whose edges lie on VMA edges: taken out of the mm, into `out`. */
static unsigned int vms_gather(struct mm_struct *mm, unsigned long start, unsigned long end,
			       struct vm_area_struct **out)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < mm->map_count;) {
		struct vm_area_struct *vma = mm->vmas[i];

		if (vma->vm_start >= start && vma->vm_end <= end) {
			out[n++] = vma;
			vma_array_remove(mm, vma);
		} else {
			i++;
		}
	}
	return n;
}

/* unmap_region() - v7.1; v6.12: vms_clear_ptes(), which drains the CPU's batches first. Fidelity: same. mmap_lock is held for reading. */
static void unmap_region(struct mm_struct *mm, struct vm_area_struct **vmas, unsigned int nr)
{
	struct mmu_gather tlb;

	if (!generation_at_least(GENERATION_V6_19))
		lru_add_drain();
	tlb_gather_mmu(&tlb, mm);
	for (unsigned int i = 0; i < nr; i++)
		unmap_vmas(&tlb, vmas[i], vmas[i]->vm_start, vmas[i]->vm_end);
	free_pgtables(mm, vmas, nr);
	tlb_finish_mmu(&tlb);
}

/* remove_vma() - v7.1. Fidelity: same. Nothing leads to the VMA any more. */
static void remove_vma(struct vm_area_struct *vma)
{
	might_sleep();
	kmem_cache_free(&machine->vma_cache, vma);
}

static int split_at(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	return vma && vma->vm_start < addr ? __split_vma(mm, vma, addr) : 0;
}

/*
 * do_vmi_align_munmap(), vms_complete_munmap_vmas() - v7.1. Fidelity: adapted: a split keeps the lower part in the old VMA, at both
 * ends, and what is split stays so when the other end fails. Takes mmap_lock for writing. Once nobody can find the VMAs any
 * more it is downgraded: faults next to them go on while they are unmapped.
 */
int do_munmap(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	struct vm_area_struct *vmas[VMAS_PER_MM];
	unsigned long end = start + len;
	unsigned int nr;
	int err;

	mmap_write_lock(mm);
	err = split_at(mm, start);
	if (!err)
		err = split_at(mm, end);
	if (err)
		goto unlock;
	nr = vms_gather(mm, start, end, vmas);
	if (!nr) {
		err = -ENOENT;
		goto unlock;
	}

	mmap_write_downgrade(mm);
	unmap_region(mm, vmas, nr);
	for (unsigned int i = 0; i < nr; i++)
		remove_vma(vmas[i]);
	mmap_read_unlock(mm);
	return 0;
unlock:
	mmap_write_unlock(mm);
	return err;
}

/*
 * exit_mmap() - v7.1. Fidelity: same: nobody uses the mm any more, rmap walks may still come by. mmap_lock is held for reading while
 * the pages go, as whoever else is interested in a dying mm may look at it, and for writing while the tables do.
 */
void exit_mmap(struct mm_struct *mm)
{
	struct vm_area_struct *vmas[VMAS_PER_MM];
	struct mmu_gather tlb;
	unsigned int nr;

	mmap_read_lock(mm);
	if (!generation_at_least(GENERATION_V6_19))
		lru_add_drain();
	tlb_gather_mmu(&tlb, mm);
	for (unsigned int i = 0; i < mm->map_count; i++)
		unmap_vmas(&tlb, mm->vmas[i], mm->vmas[i]->vm_start, mm->vmas[i]->vm_end);
	mmap_read_unlock(mm);

	mmap_write_lock(mm);
	nr = vms_gather(mm, 0, TASK_SIZE, vmas);
	free_pgtables(mm, vmas, nr);
	tlb_finish_mmu(&tlb);
	for (unsigned int i = 0; i < nr; i++)
		remove_vma(vmas[i]);
	mmap_write_unlock(mm);
	for (int i = 0; i < NR_MM_COUNTERS; i++)
		VM_WARN_ON(mm->rss_stat[i]);
	VM_WARN_ON(mm->pgtables.counter);
	VM_WARN_ON(mm->pmd_huge_pte);
}

/* mmput(), mmdrop() - v7.1, kernel/fork.c. Fidelity: same. May sleep. */
void mmput(struct mm_struct *mm)
{
	might_sleep();
	if (!atomic_dec_and_test(&mm->mm_users))
		return;
	exit_mmap(mm);
	if (!atomic_dec_and_test(&mm->mm_count))
		return;
	if (mm->memcg)
		css_put(mm->memcg);
	kmem_cache_free(&machine->mm_cache, mm);
}

/*
 * do_madvise(), madvise_dontneed_single_vma() - v7.1, mm/madvise.c. Fidelity: adapted: mmap_lock, no per-VMA lock, and no reclaim of
 * empty tables. Caller holds mmap_lock for reading. What all VMAs of the range let go of is freed last. -ENOMEM: some of the range
 * is not mapped; what is has been dealt with.
 */
int madvise_dontneed(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	unsigned long end = start + len;
	struct mmu_gather tlb;
	int ret = 0;

	lockdep_assert_held(&mm->mmap_lock);
	tlb_gather_mmu(&tlb, mm);
	for (unsigned int i = 0; i < mm->map_count; i++) {
		struct vm_area_struct *vma = mm->vmas[i];
		unsigned long from = vma->vm_start > start ? vma->vm_start : start;
		unsigned long to = vma->vm_end < end ? vma->vm_end : end;

		if (from >= to)
			continue;
		if (start < from)
			ret = -ENOMEM;
		zap_vma_range_batched(&tlb, vma, from, to - from);
		start = to;
	}
	if (start < end)
		ret = -ENOMEM;
	tlb_finish_mmu(&tlb);
	return ret;
}
