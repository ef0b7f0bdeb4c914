// SPDX-License-Identifier: GPL-2.0-only
/*
 * huge_memory_uffd.c - UFFDIO_MOVE of a PMD-mapped folio: the part of the kernel's mm/huge_memory.c.
 */
#include <linux/err.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swapops.h>
#include <linux/tlbflush.h>
#include <linux/userfaultfd_k.h>
#include <foliofuzz/bug.h>

/*
 * move_pages_huge_pmd() - v7.1. Fidelity: same. mmap_lock is held for reading; the source PMD's lock is held, and dropped here. Both PMDs
 * share one lock (a page of PMDs has one), so the double lock is one.
 *
 * The folio lock keeps rmap walks away while mapping and index change. They change only once the entry is cleared and no pin has been
 * seen after that: a pin taken in between would belong to the old address, and the entry goes back.
 */
int move_pages_huge_pmd(struct mm_struct *mm, pmd_t *dst_pmd, pmd_t *src_pmd, pmd_t dst_pmdval,
			struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma, unsigned long dst_addr,
			unsigned long src_addr)
{
	spinlock_t *ptl = pmd_lockptr(mm, src_pmd);
	pmd_t src_pmdval = pmdp_get(src_pmd), now, _dst_pmd;
	struct mmu_notifier_range range;
	struct folio *src_folio = NULL;
	int err = 0;

	lockdep_assert_held(ptl);
	VM_WARN_ON(!pmd_none(dst_pmdval) || ((src_addr | dst_addr) & ~HPAGE_PMD_MASK));
	if (!pmd_trans_huge(src_pmdval)) {
		spin_unlock(ptl);
		if (pmd_is_migration_entry(src_pmdval)) {
			if (bug_enabled(uffd_move_source_pmd_not_waited)) {
				/* The copy is on the stack, which is no object that a schedule may go by. */
				spin_lock(ptl);
				softleaf_entry_wait_on_locked(softleaf_from_pmd(src_pmdval), ptl);
			} else {
				pmd_migration_entry_wait(mm, src_pmd);
			}
			return -EAGAIN;
		}
		return -ENOENT;
	}
	if (!is_huge_zero_pmd(src_pmdval)) {
		struct page *head = pmd_page(src_pmdval);

		if (PageAnonExclusive(head)) {
			src_folio = page_folio(head);
			folio_get(src_folio);
		} else {
			spin_unlock(ptl);
			return -EBUSY;
		}
	}
	spin_unlock(ptl);

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, src_addr, src_addr + HPAGE_PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	if (src_folio)
		folio_lock(src_folio);

	spin_lock(ptl);
	err = -EAGAIN;
	now = pmdp_get(src_pmd);
	if (!pmd_same(now, src_pmdval))
		goto unlock;
	now = pmdp_get(dst_pmd);
	if (!pmd_same(now, dst_pmdval))
		goto unlock;
	if (src_folio) {
		err = -EBUSY;
		if (folio_maybe_dma_pinned(src_folio))
			goto unlock;
		if (!PageAnonExclusive(&src_folio->page))
			goto unlock;
		VM_WARN_ON(!folio_test_head(src_folio));
		VM_WARN_ON(!folio_test_anon(src_folio));

		if (bug_enabled(uffd_move_mapping_before_pin_check)) {
			folio_move_anon_rmap(src_folio, dst_vma);
			plain_write_racy(src_folio->index, linear_page_index(dst_vma, dst_addr));
		}
		src_pmdval = pmdp_huge_clear_flush(src_vma, src_addr, src_pmd);
		if (folio_maybe_dma_pinned(src_folio)) {
			set_pmd_at(mm, src_addr, src_pmd, src_pmdval);
			goto unlock;
		}
		if (!bug_enabled(uffd_move_mapping_before_pin_check)) {
			folio_move_anon_rmap(src_folio, dst_vma);
			plain_write_racy(src_folio->index, linear_page_index(dst_vma, dst_addr));
		}

		_dst_pmd = pmd_mkwrite(pmd_mkdirty(folio_mk_pmd(src_folio, dst_vma->vm_page_prot)), dst_vma);
	} else {
		src_pmdval = pmdp_huge_clear_flush(src_vma, src_addr, src_pmd);
		_dst_pmd = pmd_clear_uffd_wp(pmd_mksoft_dirty(src_pmdval));
		if (bug_enabled(uffd_move_huge_zero_null_folio))
			_dst_pmd = folio_mk_pmd(page_folio(pmd_page(src_pmdval)), dst_vma->vm_page_prot);
	}
	set_pmd_at(mm, dst_addr, dst_pmd, _dst_pmd);
	pgtable_trans_huge_deposit(mm, dst_pmd, pgtable_trans_huge_withdraw(mm, src_pmd));
	err = 0;
unlock:
	spin_unlock(ptl);
	if (src_folio)
		folio_unlock(src_folio);
	mmu_notifier_invalidate_range_end(&range);
	if (src_folio)
		folio_put(src_folio);
	return err;
}
