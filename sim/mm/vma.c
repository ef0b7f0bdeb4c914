// SPDX-License-Identifier: GPL-2.0-only
/*
 * vma.c - VMAs: made, linked into an address space, split, merged, copied. Stands for mm/vma.c and vma_init.c.
 *
 * A VMA that is in an address space changes with mmap_lock held for writing, the VMA itself locked for writing (mmap_lock.c), and
 * its bounds with i_mmap_rwsem and the root anon_vma's rwsem held for writing as well, since rmap walks read them; taken in
 * this order. An array by address stands for the maple tree under mmap_lock, mm_mt[] for its lookup with RCU alone.
 */
#include <linux/err.h>
#include <linux/fault.h>
#include <linux/fs.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/slab.h>
#include <linux/vma.h>
#include <foliofuzz/bug.h>

/* What cannot change meanwhile: mmap_lock is held for writing. */
#define anon_vma_of(vma) assert_read((vma)->anon_vma)

/* ------------------------------------------------------------------ objects ---- */

/*
 * vm_area_alloc() - v7.1, mm/vma_init.c. Fidelity: same. Type-safe memory: vm_refcnt is zero, as the last user left it, and stays so
 * for readers that still come by.
 */
struct vm_area_struct *vm_area_alloc(struct mm_struct *mm)
{
	struct vm_area_struct *vma = kmem_cache_alloc(&machine->vma_cache, GFP_KERNEL);

	if (!vma)
		return NULL;
	vma->vm_start = vma->vm_end = 0;
	vma->vm_mm = mm;
	vma->vm_page_prot = (pgprot_t){ 0 };
	vma->vm_flags = 0;
	vma->anon_vma_chain.next = vma->anon_vma_chain.prev = &vma->anon_vma_chain;
	plain_init(vma->anon_vma, NULL);
	vma->vm_pgoff = 0;
	vma->vm_file = NULL;
	vma->shared.next = vma->shared.prev = &vma->shared;
	vma->uffd_ctx = NULL;
	vma_lock_init(vma, false);
	return vma;
}

/* vm_area_dup(), vm_area_init_from() - v7.1, mm/vma_init.c. Fidelity: same, with the get_file() of those who make a VMA of one. */
struct vm_area_struct *vm_area_dup(struct vm_area_struct *orig)
{
	struct vm_area_struct *new = kmem_cache_alloc(&machine->vma_cache, GFP_KERNEL);

	if (!new)
		return NULL;
	new->vm_start = orig->vm_start;
	new->vm_end = orig->vm_end;
	new->vm_mm = orig->vm_mm;
	new->vm_page_prot = orig->vm_page_prot;
	new->vm_flags = orig->vm_flags;
	new->anon_vma_chain.next = new->anon_vma_chain.prev = &new->anon_vma_chain;
	plain_init(new->anon_vma, anon_vma_of(orig));
	new->vm_pgoff = orig->vm_pgoff;
	new->vm_file = orig->vm_file;
	new->shared.next = new->shared.prev = &new->shared;
	new->uffd_ctx = orig->uffd_ctx;
	vma_lock_init(new, true);
	if (new->vm_file && new->vm_flags & VM_SHARED)
		get_write_access(new->vm_file->f_inode);
	return new;
}

/* vm_area_free() - v7.1, mm/vma_init.c. Fidelity: same, with the fput() that comes before it. */
void vm_area_free(struct vm_area_struct *vma)
{
	WARN_ON_ONCE(vma_is_attached(vma));
	if (vma->vm_file && vma->vm_flags & VM_SHARED)
		put_write_access(vma->vm_file->f_inode);
	kmem_cache_free(&machine->vma_cache, vma);
}

/* ------------------------------------------------------------------ the tree ---- */

/*
 * A range of the tree at once, as the maple tree replaces a node: whoever looks sees all of the old or all of the new. mmap_lock is
 * held for writing.
 */
static void mas_store(struct mm_struct *mm, unsigned long start, unsigned long end, struct vm_area_struct *vma)
{
	unsigned long i = start >> PAGE_SHIFT;

	rcu_assign_pointer(mm->mm_mt[i], vma);
	for (i++; i < end >> PAGE_SHIFT; i++)
		access_store(&mm->mm_mt[i], vma, __ATOMIC_RELEASE);
}

/* vma_iter_clear_gfp() - v7.1. Fidelity: adapted: memory is never short here. */
void vma_iter_clear(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	mas_store(mm, start, end, NULL);
}

/* vma_iter_prealloc() - v7.1. Fidelity: adapted: the failure alone. */
static int vma_iter_prealloc(void)
{
	return alloc_should_fail(GFP_KERNEL) ? -ENOMEM : 0;
}

static void vma_array_insert(struct mm_struct *mm, struct vm_area_struct *vma)
{
	unsigned int i = mm->map_count++;

	BUG_ON(i == VMAS_PER_MM);
	for (; i > 0 && mm->vmas[i - 1]->vm_start > vma->vm_start; i--)
		mm->vmas[i] = mm->vmas[i - 1];
	mm->vmas[i] = vma;
}

void vma_array_remove(struct mm_struct *mm, struct vm_area_struct *vma)
{
	unsigned int i = 0;

	while (mm->vmas[i] != vma)
		i++;
	for (mm->map_count--; i < mm->map_count; i++)
		mm->vmas[i] = mm->vmas[i + 1];
}

/* vma_iter_store_new() - v7.1. Fidelity: same: attached first, and then in the tree. */
static void vma_iter_store_new(struct mm_struct *mm, struct vm_area_struct *vma)
{
	vma_mark_attached(vma);
	mas_store(mm, vma->vm_start, vma->vm_end, vma);
	vma_array_insert(mm, vma);
}

/* vma_lookup() - v7.1. Fidelity: adapted: an array. */
struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long addr)
{
	return find_vma_intersection(mm, addr, addr + 1);
}

/* find_vma_intersection() - v7.1. Fidelity: adapted: an array. */
struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	for (unsigned int i = 0; i < mm->map_count; i++)
		if (mm->vmas[i]->vm_start < end && mm->vmas[i]->vm_end > start)
			return mm->vmas[i];
	return NULL;
}

/* find_vma_prev() - v7.1. Fidelity: adapted: the previous one alone. */
struct vm_area_struct *find_vma_before(struct mm_struct *mm, unsigned long start)
{
	struct vm_area_struct *prev = NULL;

	for (unsigned int i = 0; i < mm->map_count && mm->vmas[i]->vm_end <= start; i++)
		prev = mm->vmas[i];
	return prev;
}

static void __vma_link_file(struct vm_area_struct *vma, struct address_space *mapping)
{
	list_add_tail(&vma->shared, &mapping->i_mmap);
}

/* vma_link() - v7.1. Fidelity: same. */
int vma_link(struct mm_struct *mm, struct vm_area_struct *vma)
{
	if (vma_iter_prealloc())
		return -ENOMEM;
	vma_start_write(vma);
	vma_iter_store_new(mm, vma);
	if (vma->vm_file)
		vma_link_file(vma);
	return 0;
}

/* vm_get_page_prot() - v7.1. Fidelity: adapted: what is written for the first time always faults, in shared mappings too. */
pgprot_t vm_get_page_prot(unsigned long vm_flags)
{
	return vm_flags & (VM_READ | VM_WRITE) ? PAGE_READONLY_PROT : PAGE_NONE_PROT;
}

/* vma_set_page_prot() - v7.1, mm/mmap.c. Fidelity: same. rmap walks read it without a lock. */
void vma_set_page_prot(struct vm_area_struct *vma)
{
	WRITE_ONCE(vma->vm_page_prot.pgprot, vm_get_page_prot(vma->vm_flags).pgprot);
}

/* ------------------------------------------------------------------ changes ---- */

struct vma_merge_struct {
	struct mm_struct *mm;
	struct vm_area_struct *prev, *middle, *next; /* middle: the existing VMA that changes */
	struct vm_area_struct *target;               /* what takes the range in */
	struct vm_area_struct *copied_from;          /* mremap */
	unsigned long start, end;
	pgoff_t pgoff;
	unsigned long vm_flags;
	struct file *file;
	struct anon_vma *anon_vma;
	struct userfaultfd_ctx *uffd_ctx;
	bool __remove_middle, __remove_next, __adjust_middle_start, __adjust_next_start;
	bool nomem;
};

/* What a change of bounds locks, inserts and removes. */
struct vma_prepare {
	struct vm_area_struct *vma, *adj_next, *insert, *remove, *remove2;
	struct anon_vma *anon_vma;
	struct address_space *mapping;
};

/* vma_is_fork_child() - v7.1. Fidelity: same: a VMA whose chain leads to ancestors' anon_vmas. */
static bool vma_is_fork_child(struct vm_area_struct *vma)
{
	return vma && anon_vma_of(vma) && vma->anon_vma_chain.next->next != &vma->anon_vma_chain;
}

/* is_mergeable_vma() - v7.1. Fidelity: same, no policies and names. */
static bool is_mergeable_vma(struct vma_merge_struct *vmg, bool merge_next)
{
	struct vm_area_struct *vma = merge_next ? vmg->next : vmg->prev;

	return assert_read(vma->vm_flags) == vmg->vm_flags && vma->vm_file == vmg->file && vma->uffd_ctx == vmg->uffd_ctx;
}

/*
 * is_mergeable_anon_vma() - v7.1. Fidelity: same. One of the two has no anon_vma, and then what has one may not be a fork's child; or
 * they have the same.
 */
static bool is_mergeable_anon_vma(struct vma_merge_struct *vmg, bool merge_next)
{
	struct vm_area_struct *tgt = merge_next ? vmg->next : vmg->prev;
	struct anon_vma *tgt_anon = anon_vma_of(tgt), *src_anon = vmg->anon_vma;

	if (!tgt_anon && src_anon)
		return !vma_is_fork_child(vmg->middle) && !vma_is_fork_child(vmg->copied_from);
	if (tgt_anon && !src_anon)
		return !vma_is_fork_child(tgt);
	return src_anon == tgt_anon;
}

/* can_vma_merge_left(), can_vma_merge_after() - v7.1. Fidelity: same. */
static bool can_vma_merge_left(struct vma_merge_struct *vmg)
{
	struct vm_area_struct *prev = vmg->prev;

	return prev && prev->vm_end == vmg->start && is_mergeable_vma(vmg, false) && is_mergeable_anon_vma(vmg, false) &&
	       prev->vm_pgoff + vma_pages(prev) == vmg->pgoff;
}

/* can_vma_merge_right(), can_vma_merge_before() - v7.1. Fidelity: same: prev and next must get along with each other, too. */
static bool can_vma_merge_right(struct vma_merge_struct *vmg, bool can_merge_left)
{
	struct vm_area_struct *next = vmg->next;
	struct anon_vma *a, *b;

	if (!next || next->vm_start != vmg->end || !is_mergeable_vma(vmg, true) || !is_mergeable_anon_vma(vmg, true) ||
	    next->vm_pgoff != vmg->pgoff + ((vmg->end - vmg->start) >> PAGE_SHIFT))
		return false;
	if (!can_merge_left)
		return true;
	a = anon_vma_of(vmg->prev);
	b = anon_vma_of(next);
	return !a || !b || a == b;
}

/* anon_vma_interval_tree_pre_update_vma() - v7.1. Fidelity: same. The root's rwsem is held for writing. */
static void anon_vma_interval_tree_pre_update_vma(struct vm_area_struct *vma)
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		anon_vma_interval_tree_remove(avc, avc->anon_vma);
}

/* anon_vma_interval_tree_post_update_vma() - v7.1. Fidelity: same. */
static void anon_vma_interval_tree_post_update_vma(struct vm_area_struct *vma)
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		anon_vma_interval_tree_insert(avc, avc->anon_vma);
}

/* init_multi_vma_prep() - v7.1. Fidelity: same. */
static void init_multi_vma_prep(struct vma_prepare *vp, struct vm_area_struct *vma, struct vma_merge_struct *vmg)
{
	*vp = (struct vma_prepare){ .vma = vma, .anon_vma = anon_vma_of(vma) };
	if (vmg) {
		struct vm_area_struct **remove = &vp->remove;

		if (vmg->__remove_middle) {
			*remove = vmg->middle;
			remove = &vp->remove2;
		}
		if (vmg->__remove_next)
			*remove = vmg->next;
		if (vmg->__adjust_middle_start)
			vp->adj_next = vmg->middle;
		else if (vmg->__adjust_next_start)
			vp->adj_next = vmg->next;
	}
	if (!vp->anon_vma && vp->adj_next)
		vp->anon_vma = anon_vma_of(vp->adj_next);
	if (vma->vm_file)
		vp->mapping = vma->vm_file->f_mapping;
}

/* vma_prepare() - v7.1. Fidelity: same. From here to vma_complete() no rmap walk looks at the VMAs. */
static void vma_prepare(struct vma_prepare *vp)
{
	if (vp->mapping) {
		i_mmap_lock_write(vp->mapping);
		if (vp->insert)
			__vma_link_file(vp->insert, vp->mapping);
	}
	if (vp->anon_vma) {
		anon_vma_lock_write(vp->anon_vma);
		anon_vma_interval_tree_pre_update_vma(vp->vma);
		if (vp->adj_next)
			anon_vma_interval_tree_pre_update_vma(vp->adj_next);
	}
}

static void complete_removal(struct vm_area_struct *vma)
{
	vma_mark_detached(vma);
	if (anon_vma_of(vma))
		unlink_anon_vmas(vma);
	vm_area_free(vma);
}

/* vma_complete() - v7.1. Fidelity: same. What was merged away goes last, when rmap walks find its pages in the other one. */
static void vma_complete(struct vma_prepare *vp, struct mm_struct *mm)
{
	if (vp->mapping && vp->remove) {
		list_del_init(&vp->remove->shared);
		if (vp->remove2)
			list_del_init(&vp->remove2->shared);
	}
	if (vp->insert)
		vma_iter_store_new(mm, vp->insert);
	if (vp->anon_vma) {
		anon_vma_interval_tree_post_update_vma(vp->vma);
		if (vp->adj_next)
			anon_vma_interval_tree_post_update_vma(vp->adj_next);
		anon_vma_unlock_write(vp->anon_vma);
	}
	if (vp->mapping)
		i_mmap_unlock_write(vp->mapping);
	if (vp->remove)
		complete_removal(vp->remove);
	if (vp->remove2)
		complete_removal(vp->remove2);
}

/* vma_set_range() - v7.1. Fidelity: same. */
static void vma_set_range(struct vm_area_struct *vma, unsigned long start, unsigned long end, pgoff_t pgoff)
{
	plain_write(vma->vm_start, start);
	plain_write(vma->vm_end, end);
	plain_write(vma->vm_pgoff, pgoff);
}

/* __split_vma() - v7.1. Fidelity: same; the tree's memory is asked for after the VMA's. The number of VMAs is the caller's to look at. */
int __split_vma(struct vm_area_struct *vma, unsigned long addr, bool new_below)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vm_area_struct *new;
	struct vma_prepare vp;
	int err;

	if (mm->map_count == VMAS_PER_MM)
		return -ENOMEM;
	new = vm_area_dup(vma);
	if (!new)
		return -ENOMEM;
	if (new_below) {
		new->vm_end = addr;
	} else {
		new->vm_start = addr;
		new->vm_pgoff += (addr - vma->vm_start) >> PAGE_SHIFT;
	}
	err = vma_iter_prealloc();
	if (!err)
		err = anon_vma_clone(new, vma);
	if (err) {
		vm_area_free(new);
		return err;
	}

	vma_start_write(vma);
	vma_start_write(new);
	init_multi_vma_prep(&vp, vma, NULL);
	vp.insert = new;
	vma_prepare(&vp);
	vma_adjust_trans_huge(vma, vma->vm_start, addr, NULL);
	if (new_below) {
		plain_write(vma->vm_start, addr);
		vma->vm_pgoff += (addr - new->vm_start) >> PAGE_SHIFT;
	} else {
		plain_write(vma->vm_end, addr);
	}
	vma_complete(&vp, mm);
	return 0;
}

/*
 * dup_anon_vma() - v7.1. Fidelity: same. The pages of src will be dst's: if dst has no anon_vma yet it gets src's, chain and all. Both
 * having one, they are the same.
 */
static int dup_anon_vma(struct vm_area_struct *dst, struct vm_area_struct *src, struct vm_area_struct **dup)
{
	int ret;

	if (!anon_vma_of(src) || anon_vma_of(dst))
		return 0;
	vma_assert_write_locked(dst);
	plain_write_racy(dst->anon_vma, anon_vma_of(src)); /* retract_page_tables() looks */
	ret = anon_vma_clone(dst, src);
	if (ret)
		return ret;
	*dup = dst;
	return 0;
}

/* vmg_adjust_set_range() - v7.1. Fidelity: same. */
static void vmg_adjust_set_range(struct vma_merge_struct *vmg)
{
	struct vm_area_struct *adjust;
	pgoff_t pgoff;

	if (vmg->__adjust_middle_start) {
		adjust = vmg->middle;
		pgoff = adjust->vm_pgoff + ((vmg->end - adjust->vm_start) >> PAGE_SHIFT);
	} else if (vmg->__adjust_next_start) {
		adjust = vmg->next;
		pgoff = adjust->vm_pgoff - ((adjust->vm_start - vmg->end) >> PAGE_SHIFT);
	} else {
		return;
	}
	vma_set_range(adjust, vmg->end, adjust->vm_end, pgoff);
}

/* commit_merge() - v7.1. Fidelity: same. -ENOMEM: nothing has changed. */
static int commit_merge(struct vma_merge_struct *vmg)
{
	struct vm_area_struct *vma = vmg->__adjust_next_start ? vmg->middle : vmg->target;
	struct vma_prepare vp;

	init_multi_vma_prep(&vp, vma, vmg);
	if (vma_iter_prealloc())
		return -ENOMEM;
	vma_prepare(&vp);
	vma_adjust_trans_huge(vma, vmg->start, vmg->end, vmg->__adjust_middle_start ? vmg->middle : NULL);
	vma_set_range(vma, vmg->start, vmg->end, vmg->pgoff);
	vmg_adjust_set_range(vmg);
	if (vp.remove)
		vma_array_remove(vmg->mm, vp.remove);
	if (vp.remove2)
		vma_array_remove(vmg->mm, vp.remove2);
	mas_store(vmg->mm, vmg->target->vm_start, vmg->target->vm_end, vmg->target);
	vma_complete(&vp, vmg->mm);
	return 0;
}

/* Left, right, or both: bounds, what goes, and whose anon_vma the target needs. */
static int plan_merge_existing(struct vma_merge_struct *vmg, bool merge_left, bool merge_right, struct vm_area_struct **anon_dup)
{
	struct vm_area_struct *prev = vmg->prev, *middle = vmg->middle, *next = vmg->next;
	unsigned long start = vmg->start;

	if (merge_left && merge_right) {
		vmg->start = prev->vm_start;
		vmg->end = next->vm_end;
		vmg->pgoff = prev->vm_pgoff;
		return dup_anon_vma(prev, anon_vma_of(next) ? next : middle, anon_dup);
	}
	if (merge_left) {
		vmg->start = prev->vm_start;
		vmg->pgoff = prev->vm_pgoff;
		if (!vmg->__remove_middle)
			vmg->__adjust_middle_start = true;
		return dup_anon_vma(prev, middle, anon_dup);
	}
	if (vmg->__remove_middle) {
		vmg->pgoff = next->vm_pgoff - ((vmg->end - start) >> PAGE_SHIFT);
		vmg->end = next->vm_end;
	} else {
		vmg->__adjust_next_start = true;
		vmg->start = middle->vm_start;
		vmg->end = start;
		vmg->pgoff = middle->vm_pgoff;
	}
	return dup_anon_vma(next, middle, anon_dup);
}

/*
 * vma_merge_existing_range() - v7.1. Fidelity: same. [start, end) of middle is about to change so that it may be like a neighbour. NULL:
 * it is not, or, with nomem, there is no memory and nothing has changed.
 */
static struct vm_area_struct *vma_merge_existing_range(struct vma_merge_struct *vmg)
{
	struct vm_area_struct *middle = vmg->middle, *anon_dup = NULL;
	bool left_side = vmg->start == middle->vm_start, right_side = vmg->end == middle->vm_end;
	bool merge_left, merge_right;

	mmap_assert_write_locked(vmg->mm);
	if (!left_side && !right_side)
		return NULL;
	merge_left = left_side && can_vma_merge_left(vmg);
	if (right_side)
		vmg->next = find_vma_intersection(vmg->mm, vmg->end, vmg->end + 1);
	merge_right = right_side && can_vma_merge_right(vmg, merge_left);
	if (!merge_left && !merge_right)
		return NULL;
	vmg->__remove_middle = left_side && right_side;
	vmg->__remove_next = merge_left && merge_right;

	vma_start_write(middle);
	if (merge_right) {
		vma_start_write(vmg->next);
		vmg->target = vmg->next;
	}
	if (merge_left) {
		vma_start_write(vmg->prev);
		vmg->target = vmg->prev;
	}
	if (!plan_merge_existing(vmg, merge_left, merge_right, &anon_dup) && !commit_merge(vmg))
		return vmg->target;
	if (anon_dup)
		unlink_anon_vmas(anon_dup);
	vmg->nomem = true;
	return NULL;
}

/*
 * vma_expand() - v7.1. Fidelity: same. What the target takes in may be mapped already: next's pages, or, in mremap, pages that are about
 * to be moved there. Then it needs their anon_vma, or nobody keeps it when the VMA that they come from goes.
 */
static int vma_expand(struct vma_merge_struct *vmg)
{
	struct vm_area_struct *target = vmg->target, *next = vmg->next, *anon_dup = NULL;
	bool remove_next;
	int ret = 0;

	mmap_assert_write_locked(vmg->mm);
	vma_start_write(target);
	remove_next = next && target != next && vmg->end == next->vm_end;
	if (remove_next)
		ret = dup_anon_vma(target, next, &anon_dup);
	if (!ret && vmg->copied_from && !bug_enabled(anon_vma_mremap_merge_uaf))
		ret = dup_anon_vma(target, vmg->copied_from, &anon_dup);
	if (ret)
		return ret;
	if (remove_next) {
		vma_start_write(next);
		vmg->__remove_next = true;
	}
	if (!commit_merge(vmg))
		return 0;
	if (anon_dup)
		unlink_anon_vmas(anon_dup);
	vmg->nomem = true;
	return -ENOMEM;
}

/* vma_merge_new_range() - v7.1. Fidelity: same. Nothing is mapped in [start, end). */
static struct vm_area_struct *vma_merge_new_range(struct vma_merge_struct *vmg)
{
	bool can_merge_left, can_merge_right;

	mmap_assert_write_locked(vmg->mm);
	can_merge_left = can_vma_merge_left(vmg);
	can_merge_right = can_vma_merge_right(vmg, can_merge_left);
	if (can_merge_right) {
		vmg->end = vmg->next->vm_end;
		vmg->target = vmg->next;
	}
	if (can_merge_left) {
		vmg->start = vmg->prev->vm_start;
		vmg->target = vmg->prev;
		vmg->pgoff = vmg->prev->vm_pgoff;
	}
	if (vmg->target && !vma_expand(vmg))
		return vmg->target;
	return NULL;
}

struct vm_area_struct *vma_merge_new(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned long vm_flags,
				     struct file *file, pgoff_t pgoff)
{
	struct vma_merge_struct vmg = {
		.mm = mm, .start = start, .end = end, .pgoff = pgoff, .vm_flags = vm_flags, .file = file,
		.prev = find_vma_before(mm, start), .next = find_vma_intersection(mm, end, end + 1),
	};

	return vma_merge_new_range(&vmg);
}

/* split_vma() - v7.1. Fidelity: same. */
static int split_vma(struct vm_area_struct *vma, unsigned long addr, bool new_below)
{
	if (vma->vm_mm->map_count >= sysctl_max_map_count)
		return -ENOMEM;
	return __split_vma(vma, addr, new_below);
}

/* vma_modify() - v7.1. Fidelity: same. What was split stays so when the other end fails. */
static struct vm_area_struct *vma_modify(struct vma_merge_struct *vmg)
{
	struct vm_area_struct *vma = vmg->middle, *merged;
	unsigned long start = vmg->start, end = vmg->end;
	int err = 0;

	merged = vma_merge_existing_range(vmg);
	if (merged)
		return merged;
	if (vmg->nomem)
		return ERR_PTR(-ENOMEM);
	if (vma->vm_start < start)
		err = split_vma(vma, start, true);
	if (!err && vma->vm_end > end)
		err = split_vma(vma, end, false);
	return err ? ERR_PTR(err) : vma;
}

/* vma_modify_flags_uffd() - v7.1. Fidelity: same. */
struct vm_area_struct *vma_modify_flags_uffd(struct vm_area_struct *vma, unsigned long start, unsigned long end,
					     unsigned long vm_flags, struct userfaultfd_ctx *ctx)
{
	struct vma_merge_struct vmg = {
		.mm = vma->vm_mm, .middle = vma, .start = start, .end = end, .vm_flags = vm_flags, .file = vma->vm_file,
		.anon_vma = anon_vma_of(vma), .uffd_ctx = ctx, .pgoff = linear_page_index(vma, start),
		.prev = find_vma_before(vma->vm_mm, start),
	};

	return vma_modify(&vmg);
}

/* vma_modify_flags() - v7.1. Fidelity: same. */
struct vm_area_struct *vma_modify_flags(struct vm_area_struct *vma, unsigned long start, unsigned long end,
					unsigned long vm_flags)
{
	return vma_modify_flags_uffd(vma, start, end, vm_flags, vma->uffd_ctx);
}

/* A VMA of its own for copied pages: behind the old one in every walk, since it is the younger at the same offset. */
static struct vm_area_struct *copy_vma_new(struct vm_area_struct *vma, unsigned long addr, unsigned long len, pgoff_t pgoff)
{
	struct vm_area_struct *new_vma = vm_area_dup(vma);

	if (!new_vma)
		return NULL;
	vma_set_range(new_vma, addr, addr + len, pgoff);
	if (anon_vma_clone(new_vma, vma))
		goto out_free_vma;
	if (vma_link(vma->vm_mm, new_vma))
		goto out_vma_link;
	return new_vma;
out_vma_link:
	unlink_anon_vmas(new_vma);
out_free_vma:
	vm_area_free(new_vma);
	return NULL;
}

/*
 * copy_vma() - v7.1. Fidelity: same; i_mmap is in order of age and not of offsets, so a merge of a file's VMA always asks for the rmap
 * locks. A VMA that has never faulted has no page that knows its offset, and takes that of the new place, where it may merge
 * even with itself: then *vmap is the merged one.
 */
struct vm_area_struct *copy_vma(struct vm_area_struct **vmap, unsigned long addr, unsigned long len, pgoff_t pgoff,
				bool *need_rmap_locks)
{
	struct vm_area_struct *vma = *vmap, *new_vma;
	struct vma_merge_struct vmg = {
		.mm = vma->vm_mm, .copied_from = vma, .start = addr, .end = addr + len, .vm_flags = assert_read(vma->vm_flags),
		.file = vma->vm_file, .anon_vma = anon_vma_of(vma), .uffd_ctx = vma->uffd_ctx,
	};
	unsigned long vma_start = vma->vm_start;
	bool faulted_in_anon_vma = true;

	if (vma_is_anonymous(vma) && !anon_vma_of(vma)) {
		pgoff = addr >> PAGE_SHIFT;
		faulted_in_anon_vma = false;
	}
	if (find_vma_intersection(vma->vm_mm, addr, addr + len))
		return NULL;
	vmg.pgoff = pgoff;
	vmg.prev = find_vma_before(vma->vm_mm, addr);
	vmg.next = find_vma_intersection(vma->vm_mm, addr + len, addr + len + 1);
	new_vma = vma_merge_new_range(&vmg);
	if (!new_vma) {
		*need_rmap_locks = false;
		return copy_vma_new(vma, addr, len, pgoff);
	}
	if (vma_start >= new_vma->vm_start && vma_start < new_vma->vm_end) {
		VM_BUG_ON_VMA(faulted_in_anon_vma, new_vma);
		*vmap = vma = new_vma;
	}
	*need_rmap_locks = vma->vm_file || new_vma->vm_pgoff <= vma->vm_pgoff;
	return new_vma;
}
