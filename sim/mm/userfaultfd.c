// SPDX-License-Identifier: GPL-2.0-only
/*
 * userfaultfd.c - faults that user space answers, and its answers: filling, write-protecting and moving pages. Stands for
 * mm/userfaultfd.c and fs/userfaultfd.c.
 *
 * There is no monitor but other lanes' programs: a fault that waits for one just asks to be tried again, and whoever faults gives up
 * after a few times. The context is left out: each address space has one userfaultfd.
 *
 * Lock order: mmap_lock for reading, folio lock, page table locks of both sides by their place in memory. rmap walks are kept away by
 * the folio lock, so that its mapping and index may change under it.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/tlb.h>
#include <linux/tlbflush.h>
#include <linux/userfaultfd_k.h>
#include <linux/vma.h>
#include <foliofuzz/bug.h>

/* ------------------------------------------------------------------ faults ---- */

/*
 * userfaultfd_must_wait() - v7.1, fs/userfaultfd.c. Fidelity: same. Has the fault been answered since it was raised? Looks without a lock.
 * An entry that is neither a page nor a marker says nothing: the fault will come again if it has to.
 */
static bool userfaultfd_must_wait(struct vm_fault *vmf, unsigned long reason)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	spinlock_t *ptl;
	pte_t *pte, ptent;
	pmd_t pmdval;

	do {
		pmdval = pmdp_get_lockless(vmf->pmd);
		if (pmd_none(pmdval))
			return true;
		if (!pmd_present(pmdval))
			return false;
		if (pmd_trans_huge(pmdval))
			return !pmd_write(pmdval) && (reason & VM_UFFD_WP);
		pte = pte_offset_map_rw_nolock(mm, vmf->pmd, vmf->address, &pmdval, &ptl);
	} while (!pte);
	ptent = ptep_get_lockless(pte);
	pte_unmap(pte);
	if (pte_none(ptent) || pte_is_uffd_marker(ptent))
		return true;
	if (!bug_enabled(uffd_must_wait_decodes_swap_as_write) && !pte_present(ptent))
		return false;
	return !pte_write(ptent) && (reason & VM_UFFD_WP);
}

/*
 * handle_userfault() - v7.1, fs/userfaultfd.c. Fidelity: adapted: no queue and no sleep, and the caller drops mmap_lock or the VMA's lock:
 * hides lost wake-ups. That it would have slept is counted: a signal ends it when no monitor has come for long. Caller holds either for
 * reading, and no table's lock.
 */
vm_fault_t handle_userfault(struct vm_fault *vmf, unsigned long reason)
{
	VM_WARN_ON_ONCE(reason != VM_UFFD_MISSING && reason != VM_UFFD_WP);
	might_sleep();
	if (!vmf->vma->uffd_ctx)
		return VM_FAULT_SIGBUS;
	if (userfaultfd_must_wait(vmf, reason))
		machine->userfault_waits[smp_processor_id()]++;
	return VM_FAULT_RETRY;
}

/* ------------------------------------------------------------------ registration ---- */

/* userfaultfd_set_ctx(), userfaultfd_set_vm_flags() - v7.1. Fidelity: same. mmap_lock is held for writing. */
static void userfaultfd_set_ctx(struct vm_area_struct *vma, unsigned long vm_flags)
{
	vma_start_write(vma);
	vma->uffd_ctx = vm_flags ? (struct userfaultfd_ctx *)vma->vm_mm : NULL;
	WRITE_ONCE(vma->vm_flags, (assert_read(vma->vm_flags) & ~__VM_UFFD_FLAGS) | vm_flags);
}

/* userfaultfd_reset_ctx() - v7.1. Fidelity: same. */
void userfaultfd_reset_ctx(struct vm_area_struct *vma)
{
	userfaultfd_set_ctx(vma, 0);
}

/*
 * One VMA of userfaultfd_register_range(), or userfaultfd_clear_vma() - v7.1. Fidelity: same. Without flags: what is write-protected is so
 * no more, and the VMA leaves the userfaultfd. mmap_lock is held for writing.
 */
static int userfaultfd_change_vma(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long uffd_flags)
{
	unsigned long vm_flags = (vma->vm_flags & ~__VM_UFFD_FLAGS) | uffd_flags;
	struct userfaultfd_ctx *ctx = uffd_flags ? (struct userfaultfd_ctx *)vma->vm_mm : NULL;

	if (uffd_flags ? (vma->uffd_ctx && (vma->vm_flags & uffd_flags) == uffd_flags) : !vma->uffd_ctx)
		return 0;
	if (!uffd_flags && userfaultfd_wp(vma))
		uffd_wp_range(vma, start, end - start, false);
	vma = vma_modify_flags_uffd(vma, start, end, vm_flags, ctx);
	if (IS_ERR(vma))
		return (int)PTR_ERR(vma);
	userfaultfd_set_ctx(vma, uffd_flags);
	return 0;
}

/*
 * vma_can_userfault() - v7.1. Fidelity: adapted: of files, private mappings of shared memory alone, and those as without CONFIG_PTE_MARKER_UFFD_WP: missing
 * pages only.
 */
static bool vma_can_userfault(struct vm_area_struct *vma, unsigned long vm_flags)
{
	if (vma->vm_flags & VM_SHARED)
		return false;
	return vma_is_anonymous(vma) || (shmem_mapping(vma->vm_file->f_mapping) && !(vm_flags & VM_UFFD_WP));
}

/*
 * userfaultfd_register(), userfaultfd_unregister() - v7.1, fs/userfaultfd.c. Fidelity: adapted: what cannot be registered is passed over; nobody is
 * woken. -EINVAL: nothing there that could be registered.
 */
int userfaultfd_register_range(struct mm_struct *mm, unsigned long start, unsigned long len, unsigned long vm_flags)
{
	unsigned long end = start + len;
	bool found = false;
	int err = 0;

	mmap_write_lock(mm);
	while (start < end && !err) {
		struct vm_area_struct *vma = vma_lookup(mm, start);
		unsigned long to;

		if (!vma) {
			start += PAGE_SIZE;
			continue;
		}
		to = vma->vm_end < end ? vma->vm_end : end;
		if (vma_can_userfault(vma, vm_flags)) {
			found = true;
			err = userfaultfd_change_vma(vma, start, to, vm_flags);
		}
		start = to;
	}
	mmap_write_unlock(mm);
	return found ? err : -EINVAL;
}

/* ------------------------------------------------------------------ UFFDIO_COPY, ZEROPAGE, POISON ---- */

/* find_vma_and_prepare_anon() - v7.1. Fidelity: same. mmap_lock is held for reading. */
static struct vm_area_struct *find_vma_and_prepare_anon(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	if (!vma)
		return ERR_PTR(-ENOENT);
	if (!(vma->vm_flags & VM_SHARED) && anon_vma_prepare(vma))
		return ERR_PTR(-ENOMEM);
	return vma;
}

/*
 * mfill_establish_pmd() - v7.1. Fidelity: same. -EEXIST: a huge page is there, or something that is neither a page nor a table; also if it
 * came after the table was made.
 */
static int mfill_establish_pmd(struct mm_struct *mm, pmd_t *dst_pmd)
{
	pmd_t pmdval = pmdp_get_lockless(dst_pmd);

	if (pmd_none(pmdval) && __pte_alloc(mm, dst_pmd))
		return -ENOMEM;
	pmdval = pmdp_get_lockless(dst_pmd);
	if (bug_enabled(pmd_mfill_toctou)) {
		if (pmd_trans_huge(pmdval))
			return -EFAULT;
		BUG_ON(pmd_none(pmdp_get_lockless(dst_pmd)));
		BUG_ON(pmd_trans_huge(pmdp_get_lockless(dst_pmd)));
		return 0;
	}
	if (!pmd_present(pmdval) || pmd_trans_huge(pmdval))
		return -EEXIST;
	return 0;
}

/* mfill_file_over_size() - v7.1. Fidelity: same. */
static bool mfill_file_over_size(struct vm_area_struct *dst_vma, unsigned long dst_addr)
{
	return dst_vma->vm_file &&
	       linear_page_index(dst_vma, dst_addr) >= i_size_read(dst_vma->vm_file->f_inode) >> PAGE_SHIFT;
}

/* mfill_atomic_install_pte() - v7.1. Fidelity: same, anonymous pages. A marker of write protection or of poison may be replaced. */
static int mfill_atomic_install_pte(pmd_t *dst_pmd, struct vm_area_struct *dst_vma, unsigned long dst_addr, struct folio *folio,
				    bool wp)
{
	struct mm_struct *mm = dst_vma->vm_mm;
	pte_t entry = pte_mkdirty(mk_pte(&folio->page, dst_vma->vm_page_prot)), ptent, *pte;
	spinlock_t *ptl;
	int ret = -EEXIST;

	if (dst_vma->vm_flags & VM_WRITE)
		entry = pte_mkwrite(entry, dst_vma);
	if (wp)
		entry = pte_mkuffd_wp(entry);
	pte = pte_offset_map_lock(mm, dst_pmd, dst_addr, &ptl);
	if (!pte)
		return -EAGAIN;
	if (mfill_file_over_size(dst_vma, dst_addr)) {
		ret = -EFAULT;
		goto unlock;
	}
	ptent = ptep_get(pte);
	if (!pte_none(ptent) && !pte_is_uffd_marker(ptent))
		goto unlock;
	folio_add_new_anon_rmap(folio, dst_vma, dst_addr, RMAP_EXCLUSIVE);
	folio_add_lru_vma(folio, dst_vma);
	inc_mm_counter(mm, MM_ANONPAGES);
	set_pte_at(mm, dst_addr, pte, entry);
	ret = 0;
unlock:
	pte_unmap_unlock(pte, ptl);
	return ret;
}

/* __mfill_atomic_pte() - v7.1. Fidelity: adapted: what is copied is at hand, so that copying never has to drop the locks and start over. */
static int mfill_atomic_pte_copy(pmd_t *dst_pmd, struct vm_area_struct *dst_vma, unsigned long dst_addr, u64 token, bool wp)
{
	struct folio *folio = vma_alloc_folio(GFP_KERNEL, 0, dst_vma, dst_addr);
	int ret;

	if (!folio)
		return -ENOMEM;
	if (mem_cgroup_charge(folio, dst_vma->vm_mm, GFP_KERNEL)) {
		folio_put(folio);
		return -ENOMEM;
	}
	machine->content[folio_pfn(folio)] = token; /* nobody else's yet */
	__folio_mark_uptodate(folio);
	ret = mfill_atomic_install_pte(dst_pmd, dst_vma, dst_addr, folio, wp);
	if (ret)
		folio_put(folio);
	return ret;
}

/* mfill_atomic_pte_zeropage(), mfill_atomic_pte_poison() - v7.1. Fidelity: same. Not even a marker may be there. */
static int mfill_atomic_pte_entry(pmd_t *dst_pmd, struct vm_area_struct *dst_vma, unsigned long dst_addr, pte_t entry)
{
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(dst_vma->vm_mm, dst_pmd, dst_addr, &ptl);
	int ret = -EEXIST;

	if (!pte)
		return -EAGAIN;
	if (pte_none(ptep_get(pte))) {
		set_pte_at(dst_vma->vm_mm, dst_addr, pte, entry);
		ret = 0;
	}
	pte_unmap_unlock(pte, ptl);
	return ret;
}

static int mfill_atomic_pte(pmd_t *dst_pmd, struct vm_area_struct *vma, unsigned long addr, enum mfill_atomic_mode mode,
			    u64 token, bool wp)
{
	switch (mode) {
	case MFILL_ATOMIC_COPY:
		return mfill_atomic_pte_copy(dst_pmd, vma, addr, token, wp);
	case MFILL_ATOMIC_ZEROPAGE:
		return mfill_atomic_pte_entry(dst_pmd, vma, addr, pte_mkspecial(pfn_pte(zero_pfn(addr), vma->vm_page_prot)));
	default:
		return mfill_atomic_pte_entry(dst_pmd, vma, addr, swp_entry_to_pte(make_pte_marker(PTE_MARKER_POISONED)));
	}
}

/*
 * mfill_atomic() - v7.1. Fidelity: adapted: mmap_lock, no per-VMA lock; a file's mapping gets copies alone; the address space does not change
 * under a monitor's feet by events.
 */
long mfill_atomic(struct mm_struct *mm, unsigned long dst_start, unsigned long len, enum mfill_atomic_mode mode, u64 token,
		  bool wp)
{
	unsigned long addr = dst_start, end = dst_start + len;
	struct vm_area_struct *vma;
	int err;

	mmap_read_lock(mm);
	vma = find_vma_and_prepare_anon(mm, dst_start);
	if (IS_ERR(vma)) {
		err = (int)PTR_ERR(vma);
		goto unlock;
	}
	err = -ENOENT;
	if (end > vma->vm_end || !vma->uffd_ctx)
		goto unlock;
	err = -EINVAL;
	if ((wp && !userfaultfd_wp(vma)) || (!vma_is_anonymous(vma) && mode != MFILL_ATOMIC_COPY))
		goto unlock;
	while (addr < end) {
		pmd_t *dst_pmd = pmd_offset(mm, addr);

		err = mfill_establish_pmd(mm, dst_pmd);
		if (err)
			break;
		err = mfill_atomic_pte(dst_pmd, vma, addr, mode, token, wp);
		cond_resched();
		if (err)
			break;
		addr += PAGE_SIZE;
	}
unlock:
	mmap_read_unlock(mm);
	return addr != dst_start ? (long)(addr - dst_start) : err;
}

/* ------------------------------------------------------------------ UFFDIO_WRITEPROTECT ---- */

/* uffd_wp_range() - v7.1. Fidelity: same; pages become writable again by their next fault only. mmap_lock is held. */
long uffd_wp_range(struct vm_area_struct *vma, unsigned long start, unsigned long len, bool enable_wp)
{
	struct mmu_gather tlb;
	long ret;

	VM_WARN_ON_ONCE(start < vma->vm_start || start + len > vma->vm_end);
	tlb_gather_mmu(&tlb, vma->vm_mm);
	ret = change_protection(&tlb, vma, start, start + len, enable_wp ? MM_CP_UFFD_WP : MM_CP_UFFD_WP_RESOLVE);
	tlb_finish_mmu(&tlb);
	return ret;
}

/* mwriteprotect_range() - v7.1. Fidelity: same. */
int mwriteprotect_range(struct mm_struct *mm, unsigned long start, unsigned long len, bool enable_wp)
{
	unsigned long end = start + len;
	long err = -ENOENT;

	mmap_read_lock(mm);
	for (unsigned int i = 0; i < mm->map_count; i++) {
		struct vm_area_struct *vma = mm->vmas[i];
		unsigned long from = vma->vm_start > start ? vma->vm_start : start;
		unsigned long to = vma->vm_end < end ? vma->vm_end : end;

		if (from >= to)
			continue;
		err = -ENOENT;
		if (!userfaultfd_wp(vma))
			break;
		err = uffd_wp_range(vma, from, to - from, enable_wp);
		if (err < 0)
			break;
		err = 0;
	}
	mmap_read_unlock(mm);
	return (int)err;
}

/* ------------------------------------------------------------------ UFFDIO_MOVE ---- */

/* double_pt_lock() - v7.1. Fidelity: same. By place in memory, so that two moves in opposite directions do not wait for each other. */
static void double_pt_lock(spinlock_t *ptl1, spinlock_t *ptl2)
{
	if (arena_offset(ptl1) > arena_offset(ptl2)) {
		spinlock_t *tmp = ptl1;

		ptl1 = ptl2;
		ptl2 = tmp;
	}
	spin_lock(ptl1);
	if (ptl1 != ptl2)
		spin_lock_nested(ptl2, SINGLE_DEPTH_NESTING);
}

/* double_pt_unlock() - v7.1. Fidelity: same. */
static void double_pt_unlock(spinlock_t *ptl1, spinlock_t *ptl2)
{
	spin_unlock(ptl1);
	if (ptl1 != ptl2)
		spin_unlock(ptl2);
}

/* One page on its way. */
struct move {
	struct mm_struct *mm;
	struct vm_area_struct *dst_vma, *src_vma;
	unsigned long dst_addr, src_addr, len;
	pmd_t *dst_pmd, *src_pmd;
	pmd_t dst_pmdval;
	pte_t *dst_pte, *src_pte; /* mapped, not locked; NULL: not mapped */
	pte_t orig_dst_pte, orig_src_pte;
	spinlock_t *dst_ptl, *src_ptl;
	struct folio *src_folio; /* locked, and with a reference */
	pte_t src_folio_pte;     /* where it was found */
	struct swap_info_struct *si;
	long err; /* what the rounds have said so far */
	bool allow_src_holes;
};

static void move_unmap(struct move *m)
{
	if (m->src_pte)
		pte_unmap(m->src_pte);
	if (m->dst_pte)
		pte_unmap(m->dst_pte);
	m->src_pte = m->dst_pte = NULL;
}

/*
 * is_pte_pages_stable() - v7.1. Fidelity: same. Both locks are held. Of the destination nothing was there, so that only its PMD tells
 * whether its table still is the table.
 */
static bool is_pte_pages_stable(struct move *m)
{
	pte_t ptent = ptep_get(m->src_pte);
	pmd_t pmdval;

	if (!pte_same(ptent, m->orig_src_pte))
		return false;
	ptent = ptep_get(m->dst_pte);
	if (!pte_same(ptent, m->orig_dst_pte))
		return false;
	pmdval = pmdp_get_lockless(m->dst_pmd);
	return pmd_same(m->dst_pmdval, pmdval);
}

/* check_ptes_for_batched_move() - v7.1. Fidelity: same. Both locks are held: the mapping keeps the folio. It comes locked, or not at all. */
static struct folio *check_ptes_for_batched_move(pte_t *src_pte, pte_t *dst_pte)
{
	pte_t orig_src_pte;
	struct folio *folio;

	if (!pte_none(ptep_get(dst_pte)))
		return NULL;
	orig_src_pte = ptep_get(src_pte);
	if (!pte_present(orig_src_pte) || pte_special(orig_src_pte))
		return NULL;
	folio = page_folio(pte_page(orig_src_pte));
	if (!folio_trylock(folio))
		return NULL;
	if (!PageAnonExclusive(&folio->page) || folio_test_large(folio)) {
		folio_unlock(folio);
		return NULL;
	}
	return folio;
}

/* Where the folio belongs from now on; it is locked. */
#define move_folio_rmap(folio, dst_vma, dst_addr)                                             \
	do {                                                                                  \
		folio_move_anon_rmap(folio, dst_vma);                                         \
		plain_write_racy((folio)->index, linear_page_index(dst_vma, dst_addr));       \
	} while (0)

/*
 * move_present_ptes() - v7.1. Fidelity: same. The first folio is locked and referenced, and is let go of here if it was moved. More
 * pages follow while they are small, exclusive, and their lock is free. The entry first, then the look for pins, then mapping and
 * index: a pin that was quicker than the clearing is seen, and the entry goes back untouched. Returns bytes moved.
 */
static long move_present_ptes(struct move *m)
{
	unsigned long dst_addr = m->dst_addr, src_addr = m->src_addr, src_end;
	pte_t *dst_pte = m->dst_pte, *src_pte = m->src_pte, orig_src_pte, entry;
	struct folio *folio = m->src_folio;
	long err = -EAGAIN;

	src_end = src_addr + (pmd_addr_end(dst_addr, dst_addr + m->len) - dst_addr);
	src_end = pmd_addr_end(src_addr, src_end);
	double_pt_lock(m->dst_ptl, m->src_ptl);
	if (!is_pte_pages_stable(m))
		goto out;
	err = -EBUSY;
	if (folio_test_large(folio))
		goto out;
	if (folio_maybe_dma_pinned(folio))
		goto out;
	if (!PageAnonExclusive(&folio->page))
		goto out;
	/* the table has one */
	folio_put(folio);
	m->src_folio = NULL;
	while (true) {
		if (bug_enabled(uffd_move_mapping_before_pin_check))
			move_folio_rmap(folio, m->dst_vma, dst_addr);
		orig_src_pte = ptep_get_and_clear(m->mm, src_addr, src_pte);
		if (folio_maybe_dma_pinned(folio)) {
			set_pte_at(m->mm, src_addr, src_pte, orig_src_pte);
			break;
		}
		if (!bug_enabled(uffd_move_mapping_before_pin_check))
			move_folio_rmap(folio, m->dst_vma, dst_addr);

		entry = pte_mksoft_dirty(mk_pte(&folio->page, m->dst_vma->vm_page_prot));
		if (pte_dirty(orig_src_pte))
			entry = pte_mkdirty(entry);
		set_pte_at(m->mm, dst_addr, dst_pte, pte_mkwrite(entry, m->dst_vma));

		src_addr += PAGE_SIZE;
		if (src_addr == src_end)
			break;
		dst_addr += PAGE_SIZE;
		dst_pte++;
		src_pte++;
		folio_unlock(folio);
		folio = check_ptes_for_batched_move(src_pte, dst_pte);
		if (!folio)
			break;
	}
	if (src_addr > m->src_addr)
		flush_tlb_range(m->src_vma, m->src_addr, src_addr);
	if (folio)
		folio_unlock(folio);
out:
	double_pt_unlock(m->dst_ptl, m->src_ptl);
	return src_addr > m->src_addr ? (long)(src_addr - m->src_addr) : err;
}

/*
 * move_swap_pte() - v7.1. Fidelity: same. With the folio in the swap cache locked its slot is its own, or it is not this one any more.
 * Without one none may come into the cache before the entry has moved: with both locks held the cache is asked again.
 */
static long move_swap_pte(struct move *m, softleaf_t entry)
{
	struct folio *folio = m->src_folio;
	long ret = -EAGAIN;
	pte_t ptent;

	if (folio && (!folio_test_swapcache(folio) || entry.val != plain_read_racy(folio->swap.val)))
		return -EAGAIN;
	double_pt_lock(m->dst_ptl, m->src_ptl);
	if (!is_pte_pages_stable(m))
		goto unlock;
	if (folio) {
		folio_move_anon_rmap(folio, m->dst_vma);
		plain_write_racy(folio->index, linear_page_index(m->dst_vma, m->dst_addr));
	} else if (!bug_enabled(uffd_move_swapcache_index) && swap_cache_has_folio(entry)) {
		goto unlock;
	}
	ptent = ptep_get_and_clear(m->mm, m->src_addr, m->src_pte);
	set_pte_at(m->mm, m->dst_addr, m->dst_pte, pte_swp_mksoft_dirty(ptent));
	ret = PAGE_SIZE;
unlock:
	double_pt_unlock(m->dst_ptl, m->src_ptl);
	return ret;
}

/* move_zeropage_pte() - v7.1. Fidelity: same. */
static long move_zeropage_pte(struct move *m)
{
	long ret = -EAGAIN;

	double_pt_lock(m->dst_ptl, m->src_ptl);
	if (is_pte_pages_stable(m)) {
		(void)ptep_clear_flush(m->src_vma, m->src_addr, m->src_pte);
		set_pte_at(m->mm, m->dst_addr, m->dst_pte,
			   pte_mkspecial(pfn_pte(zero_pfn(m->dst_addr), m->dst_vma->vm_page_prot)));
		ret = PAGE_SIZE;
	}
	double_pt_unlock(m->dst_ptl, m->src_ptl);
	return ret;
}

#define MOVE_RETRY 1l /* less than a page: map both sides again */

/*
 * Locks the source's folio, with a reference that is taken while the table's lock keeps it mapped. To wait for the lock both sides
 * are unmapped, and looked at again afterwards. Nobody waits with a reference to a large folio: it would make the lock owner's
 * split fail, and two that wait for each other so get nowhere (37b338eed105). 0, MOVE_RETRY, or an error.
 */
static long move_lock_folio(struct move *m)
{
	struct folio *folio;
	bool locked;

	spin_lock(m->src_ptl);
	if (!pte_same(m->orig_src_pte, ptep_get(m->src_pte))) {
		spin_unlock(m->src_ptl);
		return -EAGAIN;
	}
	folio = page_folio(pte_page(m->orig_src_pte));
	if (!PageAnonExclusive(&folio->page)) {
		spin_unlock(m->src_ptl);
		return -EBUSY;
	}
	locked = folio_trylock(folio);
	if (!locked && folio_test_large(folio)) {
		spin_unlock(m->src_ptl);
		return -EAGAIN;
	}
	folio_get(folio);
	m->src_folio = folio;
	m->src_folio_pte = m->orig_src_pte;
	spin_unlock(m->src_ptl);
	if (!locked) {
		move_unmap(m);
		folio_lock(folio);
		return MOVE_RETRY;
	}
	VM_WARN_ON(!folio_test_anon(folio));
	return 0;
}

/* The present half of move_pages_ptes(). */
static long move_present(struct move *m)
{
	long ret;

	if (is_zero_pfn(pte_pfn(m->orig_src_pte)))
		return move_zeropage_pte(m);
	if (!m->src_folio) {
		ret = move_lock_folio(m);
		if (ret)
			return ret;
	}
	if (folio_test_large(m->src_folio)) {
		move_unmap(m);
		ret = split_folio(m->src_folio);
		if (ret)
			return ret;
		/* another folio has the page now */
		folio_unlock(m->src_folio);
		folio_put(m->src_folio);
		m->src_folio = NULL;
		return MOVE_RETRY;
	}
	return move_present_ptes(m);
}

/* The other half: migration entries are waited for, of the rest only exclusive swap entries move. */
static long move_nonpresent(struct move *m)
{
	softleaf_t entry = softleaf_from_pte(m->orig_src_pte);
	struct folio *folio = NULL;

	if (softleaf_is_migration(entry)) {
		move_unmap(m);
		migration_entry_wait(m->mm, m->src_pmd, m->src_addr);
		return -EAGAIN;
	}
	if (!softleaf_is_swap(entry))
		return -EFAULT;
	if (!pte_swp_exclusive(m->orig_src_pte))
		return -EBUSY;
	m->si = get_swap_device(entry);
	if (!m->si)
		return -EAGAIN;
	/* Unmapped, and exclusive: no rmap walk comes by, so the anon_vma's lock is not needed to change where it belongs. */
	if (!m->src_folio && !bug_enabled(uffd_move_swapcache_index))
		folio = swap_cache_get_folio(entry);
	if (folio) {
		if (folio_test_large(folio)) {
			folio_put(folio);
			return -EBUSY;
		}
		m->src_folio = folio;
		m->src_folio_pte = m->orig_src_pte;
		if (!folio_trylock(folio)) {
			move_unmap(m);
			put_swap_device(m->si);
			m->si = NULL;
			folio_lock(folio);
			return MOVE_RETRY;
		}
	}
	return move_swap_pte(m, entry);
}

/* One attempt of move_pages_ptes(): maps both sides and looks at them, each under its lock. */
static long move_attempt(struct move *m)
{
	pmd_t src_pmdval, pmdval;

	m->dst_pte = pte_offset_map_rw_nolock(m->mm, m->dst_pmd, m->dst_addr, &m->dst_pmdval, &m->dst_ptl);
	if (!m->dst_pte)
		return -EAGAIN;
	/* That the entry is the same says that the source's table is. */
	m->src_pte = pte_offset_map_rw_nolock(m->mm, m->src_pmd, m->src_addr, &src_pmdval, &m->src_ptl);
	if (!m->src_pte)
		return -EAGAIN;
	pmdval = pmdp_get(m->dst_pmd);
	if (pmd_none(pmdval) || pmd_trans_huge(pmdval))
		return -EINVAL;
	pmdval = pmdp_get(m->src_pmd);
	if (pmd_none(pmdval) || pmd_trans_huge(pmdval))
		return -EINVAL;

	spin_lock(m->dst_ptl);
	m->orig_dst_pte = ptep_get(m->dst_pte);
	spin_unlock(m->dst_ptl);
	if (!pte_none(m->orig_dst_pte))
		return -EEXIST;
	spin_lock(m->src_ptl);
	m->orig_src_pte = ptep_get(m->src_pte);
	spin_unlock(m->src_ptl);
	if (pte_none(m->orig_src_pte))
		return m->allow_src_holes ? (long)PAGE_SIZE : -ENOENT;
	if (m->src_folio && !pte_same(m->src_folio_pte, m->orig_src_pte))
		return -EAGAIN;
	return pte_present(m->orig_src_pte) ? move_present(m) : move_nonpresent(m);
}

/* move_pages_ptes() - v7.1. Fidelity: same. mmap_lock is held for reading. Returns bytes moved. */
static long move_pages_ptes(struct move *m)
{
	struct mmu_notifier_range range;
	long ret;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, m->mm, m->src_addr, m->src_addr + m->len);
	mmu_notifier_invalidate_range_start(&range);
	do {
		ret = move_attempt(m);
	} while (ret == MOVE_RETRY);
	if (m->src_folio) {
		folio_unlock(m->src_folio);
		folio_put(m->src_folio);
		m->src_folio = NULL;
	}
	move_unmap(m);
	mmu_notifier_invalidate_range_end(&range);
	if (m->si)
		put_swap_device(m->si);
	m->si = NULL;
	return ret;
}

/* validate_move_areas() - v7.1. Fidelity: same, as far as there are such VMAs. */
static int validate_move_areas(const struct move *m)
{
	const unsigned long access = VM_READ | VM_WRITE;
	unsigned long differ = m->src_vma->vm_flags ^ m->dst_vma->vm_flags;

	if ((differ & (access | VM_LOCKED)) ||
	    pgprot_val(m->src_vma->vm_page_prot) != pgprot_val(m->dst_vma->vm_page_prot))
		return -EINVAL;
	if (!(m->src_vma->vm_flags & VM_WRITE))
		return -EINVAL;
	if ((m->src_vma->vm_flags | m->dst_vma->vm_flags) & (VM_SPECIAL | VM_SHARED))
		return -EINVAL;
	if (!m->dst_vma->uffd_ctx || !vma_is_anonymous(m->src_vma) || !vma_is_anonymous(m->dst_vma))
		return -EINVAL;
	return 0;
}

/* find_vmas_mm_locked() and the tests of move_pages() - v7.1. Fidelity: same. mmap_lock is held for reading. */
static int move_find_vmas(struct move *m)
{
	m->dst_vma = find_vma_and_prepare_anon(m->mm, m->dst_addr);
	if (IS_ERR(m->dst_vma))
		return (int)PTR_ERR(m->dst_vma);
	m->src_vma = vma_lookup(m->mm, m->src_addr);
	if (!m->src_vma)
		return -ENOENT;
	if (m->src_addr + m->len > m->src_vma->vm_end || m->dst_addr + m->len > m->dst_vma->vm_end)
		return -EINVAL;
	return validate_move_areas(m);
}

/*
 * The huge half of a round of move_pages(); the source PMD's lock is held, and dropped. A PMD that cannot move whole is split: its pages
 * move one by one. -EAGAIN: look again. Success forgets what an earlier round has said.
 */
static long move_huge(struct move *m, spinlock_t *ptl)
{
	int err;

	if (!((m->src_addr | m->dst_addr) & ~HPAGE_PMD_MASK) && m->len >= HPAGE_PMD_SIZE && pmd_none(m->dst_pmdval)) {
		err = move_pages_huge_pmd(m->mm, m->dst_pmd, m->src_pmd, m->dst_pmdval, m->dst_vma, m->src_vma, m->dst_addr,
					  m->src_addr);
		m->err = err;
		return err ?: (long)HPAGE_PMD_SIZE;
	}
	{
		pmd_t pmdval = pmdp_get(m->src_pmd);

		/* what is being migrated has no page here to ask */
		if (pmd_present(pmdval) || bug_enabled(pmd_uffd_move_migration_pmd)) {
			struct folio *folio = page_folio(pmd_page(pmdval));

			if (!is_huge_zero_folio(folio) && !PageAnonExclusive(&folio->page)) {
				spin_unlock(ptl);
				return -EBUSY;
			}
		}
	}
	spin_unlock(ptl);
	split_huge_pmd(m->src_vma, m->src_pmd, m->src_addr);
	return MOVE_RETRY;
}

/* A round of move_pages(): bytes moved, MOVE_RETRY, or an error. */
static long move_round(struct move *m)
{
	spinlock_t *ptl;

	m->src_pmd = pmd_offset(m->mm, m->src_addr);
	m->dst_pmd = pmd_offset(m->mm, m->dst_addr);
	m->dst_pmdval = pmdp_get_lockless(m->dst_pmd);
	if (pmd_trans_huge(m->dst_pmdval))
		return -EEXIST;
	ptl = pmd_trans_huge_lock(m->src_pmd, m->src_vma);
	if (ptl)
		return move_huge(m, ptl);
	if (pmd_none(pmdp_get(m->src_pmd))) {
		if (!m->allow_src_holes)
			return -ENOENT;
		if (__pte_alloc(m->mm, m->src_pmd))
			return -ENOMEM;
	}
	if (pmd_none(pmdp_get(m->dst_pmd)) && __pte_alloc(m->mm, m->dst_pmd))
		return -ENOMEM;
	return move_pages_ptes(m);
}

/* So often a round may say -EAGAIN before the caller gets a fatal signal. */
#define MOVE_AGAIN_MAX 8

/*
 * move_pages() - v7.1. Fidelity: adapted: mmap_lock, no per-VMA locks, and no events that change the address space meanwhile. Whatever says
 * -EAGAIN is tried again, in the kernel until a fatal signal comes: somebody's reference keeps a large folio from being split for as
 * long as it is held. Here the signal comes soon. v7.1 keeps the -EAGAIN in the variable in which it looks for an error after the
 * next pages of a table have moved; a huge round writes it anew.
 */
long move_pages(struct mm_struct *mm, unsigned long dst_start, unsigned long src_start, unsigned long len, bool allow_src_holes)
{
	struct move m = {
		.mm = mm, .dst_addr = dst_start, .src_addr = src_start, .len = len, .allow_src_holes = allow_src_holes,
	};
	unsigned int again = 0;
	long ret, moved = 0;

	mmap_read_lock(mm);
	m.err = move_find_vmas(&m);
	if (m.err)
		goto unlock;
	while (m.len) {
		ret = move_round(&m);
		if (ret == MOVE_RETRY)
			continue;
		if (ret < 0)
			m.err = ret;
		else if (m.err != -EAGAIN || !bug_enabled(uffd_move_stale_eagain))
			m.err = 0;
		cond_resched();
		if (m.err == -EAGAIN) {
			if (++again > MOVE_AGAIN_MAX) {
				m.err = -EINTR;
				break;
			}
			cpu_relax();
			continue;
		}
		if (m.err)
			break;
		m.dst_addr += (unsigned long)ret;
		m.src_addr += (unsigned long)ret;
		m.len -= (unsigned long)ret;
		moved += ret;
	}
unlock:
	mmap_read_unlock(mm);
	return moved ?: m.err;
}
