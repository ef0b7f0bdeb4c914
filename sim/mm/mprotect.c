// SPDX-License-Identifier: GPL-2.0-only
/*
 * mprotect.c - changing protections: mprotect, NUMA hints, userfaultfd write protection. kernel-facts.md: P18.
 *
 * mprotect holds mmap_lock for writing and has the VMA locked for writing; hints and userfaultfd hold mmap_lock for reading, and
 * so meet faults, zaps and each other. Writable entries may be made read-only at will, and read-only ones writable only
 * where a write fault would find that it need do nothing else: an exclusive anonymous page.
 */
#include <linux/err.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swapops.h>
#include <linux/tlb.h>
#include <linux/userfaultfd_k.h>
#include <linux/vma.h>
#include <foliofuzz/bug.h>

#ifndef tlb_flush_pte_range
#define tlb_flush_pte_range(tlb, addr, size) ((void)(tlb), (void)(addr), (void)(size))
#define tlb_flush_pmd_range(tlb, addr, size) ((void)(tlb), (void)(addr), (void)(size))
#endif

/*
 * pte_flags_need_flush() - v7.1, arch/x86/include/asm/tlbflush.h. Fidelity: same, for the bits that there are: present, dirty and accessed matter
 * when they go, permissions and size when they change, and what software keeps in the entry (special, soft-dirty, write protection by
 * userfaultfd) not at all: no translation has it. _PAGE_PROTNONE is x86's global bit.
 */
static bool pte_flags_need_flush(unsigned long oldflags, unsigned long newflags, bool ignore_access)
{
	const unsigned long flush_on_clear = _PAGE_PRESENT | _PAGE_DIRTY | (ignore_access ? 0 : _PAGE_ACCESSED);
	const unsigned long flush_on_change = _PAGE_RW | _PAGE_PSE | _PAGE_PROTNONE;
	unsigned long diff = oldflags ^ newflags;

	return (diff & oldflags & flush_on_clear) || (diff & flush_on_change);
}

/* pte_needs_flush() - v7.1, arch/x86/include/asm/tlbflush.h. Fidelity: same. That a page has not been used lately may be wrong. */
static bool pte_needs_flush(pte_t oldpte, pte_t newpte)
{
	if (!(pte_val(oldpte) & _PAGE_PRESENT))
		return false;
	return pte_pfn(oldpte) != pte_pfn(newpte) || pte_flags_need_flush(pte_val(oldpte), pte_val(newpte), true);
}

/* huge_pmd_needs_flush() - v7.1, arch/x86/include/asm/tlbflush.h. Fidelity: same. */
static bool huge_pmd_needs_flush(pmd_t oldpmd, pmd_t newpmd)
{
	if (!(pmd_val(oldpmd) & _PAGE_PRESENT))
		return false;
	return pmd_pfn(oldpmd) != pmd_pfn(newpmd) || pte_flags_need_flush(pmd_val(oldpmd), pmd_val(newpmd), false);
}

static bool maybe_change_pte_writable(struct vm_area_struct *vma, pte_t pte)
{
	if (WARN_ON_ONCE(!(vma->vm_flags & VM_WRITE)))
		return false;
	return !pte_protnone(pte) && !userfaultfd_pte_wp(vma, pte);
}

/* vm_normal_page() - v7.1, mm/memory.c. Fidelity: same: NULL for the zero page. */
#define vm_normal_page(pte) (pte_special(pte) ? NULL : pte_page(pte))

/* can_change_pte_writable() - v7.1. Fidelity: same, no soft-dirty tracking. The table's lock is held. */
bool can_change_pte_writable(struct vm_area_struct *vma, unsigned long addr, pte_t pte)
{
	struct page *page;

	(void)addr;
	if (!maybe_change_pte_writable(vma, pte))
		return false;
	if (vma->vm_flags & VM_SHARED)
		return pte_dirty(pte);
	page = vm_normal_page(pte);
	return page && PageAnon(page) && PageAnonExclusive(page);
}

/* can_change_pmd_writable() - v7.1, mm/huge_memory.c. Fidelity: as above. The PMD's lock is held. */
bool can_change_pmd_writable(struct vm_area_struct *vma, unsigned long addr, pmd_t pmd)
{
	struct page *page;

	(void)addr;
	if (WARN_ON_ONCE(!(vma->vm_flags & VM_WRITE)))
		return false;
	if (pmd_protnone(pmd) || userfaultfd_huge_pmd_wp(vma, pmd))
		return false;
	if (vma->vm_flags & VM_SHARED)
		return pmd_dirty(pmd);
	page = is_huge_zero_pmd(pmd) || pmd_special(pmd) ? NULL : pmd_page(pmd);
	return page && PageAnon(page) && PageAnonExclusive(page);
}

/* ------------------------------------------------------------------ PMDs ---- */

/* change_non_present_huge_pmd() - v7.1, mm/huge_memory.c. Fidelity: same. The PMD's lock is held. */
static void change_non_present_huge_pmd(struct mm_struct *mm, unsigned long addr, pmd_t *pmd, pmd_t oldpmd,
					unsigned long cp_flags)
{
	softleaf_t entry = softleaf_from_pmd(oldpmd);
	struct folio *folio = softleaf_to_folio(entry);
	pmd_t newpmd = oldpmd;

	VM_WARN_ON(!softleaf_is_migration(entry) && !softleaf_is_device_private(entry));
	if (softleaf_is_migration_write(entry)) {
		/* whether it could stay writable only the return from migration could tell */
		entry = folio_test_anon(folio) ? make_readable_exclusive_migration_entry(entry) :
						 make_readable_migration_entry(entry);
		newpmd = swp_entry_to_pmd(entry);
		if (pmd_swp_soft_dirty(oldpmd))
			newpmd = pmd_swp_mksoft_dirty(newpmd);
	} else if (softleaf_is_device_private_write(entry)) {
		if (!bug_enabled(seed4_change_huge_pmd_wrong_kind))
			newpmd = swp_entry_to_pmd(make_device_private_entry(softleaf_to_pfn(entry), false));
		if (pmd_swp_uffd_wp(oldpmd))
			newpmd = pmd_swp_mkuffd_wp(newpmd);
	}
	if (cp_flags & MM_CP_UFFD_WP)
		newpmd = pmd_swp_mkuffd_wp(newpmd);
	else if (cp_flags & MM_CP_UFFD_WP_RESOLVE)
		newpmd = pmd_swp_clear_uffd_wp(newpmd);
	if (!pmd_same(oldpmd, newpmd))
		set_pmd_at(mm, addr, pmd, newpmd);
}

/*
 * change_huge_pmd() - v7.1, mm/huge_memory.c. Fidelity: same. 0: not huge any more; 1: nothing to count; HPAGE_PMD_NR. With hints mmap_lock is
 * held for reading only, as by a zap that looks at the PMD without its lock: at no step may it be none, or the zap would take
 * it for a hole.
 */
int change_huge_pmd(struct mmu_gather *tlb, struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr,
		    pgprot_t newprot, unsigned long cp_flags)
{
	struct mm_struct *mm = vma->vm_mm;
	bool prot_numa = cp_flags & MM_CP_PROT_NUMA;
	spinlock_t *ptl = __pmd_trans_huge_lock(pmd, vma);
	pmd_t oldpmd, entry;
	int ret = 1;

	if (!ptl)
		return 0;
	oldpmd = pmdp_get(pmd);
	if (!pmd_present(oldpmd)) {
		change_non_present_huge_pmd(mm, addr, pmd, oldpmd, cp_flags);
		goto unlock;
	}
	if (prot_numa) {
		if (is_huge_zero_pmd(oldpmd) || pmd_protnone(oldpmd))
			goto unlock;
		if (!folio_can_map_prot_numa(page_folio(pmd_page(oldpmd)), vma))
			goto unlock;
	}

	oldpmd = pmdp_invalidate_ad(vma, addr, pmd);
	entry = pmd_modify(oldpmd, newprot);
	if (cp_flags & MM_CP_UFFD_WP)
		entry = pmd_mkuffd_wp(entry);
	else if (cp_flags & MM_CP_UFFD_WP_RESOLVE)
		entry = pmd_clear_uffd_wp(entry);
	if ((cp_flags & MM_CP_TRY_CHANGE_WRITABLE) && !pmd_write(entry) && can_change_pmd_writable(vma, addr, entry))
		entry = pmd_mkwrite(entry, vma);
	ret = HPAGE_PMD_NR;
	set_pmd_at(mm, addr, pmd, entry);
	if (huge_pmd_needs_flush(oldpmd, entry))
		tlb_flush_pmd_range(tlb, addr, HPAGE_PMD_SIZE);
unlock:
	spin_unlock(ptl);
	return ret;
}

/* ------------------------------------------------------------------ PTEs ---- */

struct change_state {
	struct mmu_gather *tlb;
	struct vm_area_struct *vma;
	pgprot_t newprot;
	unsigned long cp_flags;
};

/* mprotect_folio_pte_batch() - v7.1 (v6.12: one entry at a time). Fidelity: same. */
static int mprotect_folio_pte_batch(struct folio *folio, pte_t *ptep, pte_t pte, int max_nr, fpb_t flags)
{
	if (!folio || !folio_test_large(folio) || !generation_at_least(GENERATION_V6_18))
		return 1;
	return folio_pte_batch_flags(folio, NULL, ptep, &pte, max_nr, flags);
}

#define pte_advance_pfn(pte, nr) __pte(pte_val(pte) + ((unsigned long)(nr) << PFN_SHIFT))

/* prot_commit_flush_ptes() - v7.1. Fidelity: same: entries idx .. idx + nr of a batch. */
static void prot_commit_flush_ptes(struct change_state *c, unsigned long addr, pte_t *ptep, pte_t oldpte, pte_t ptent,
				   int nr, int idx, bool set_write)
{
	if (set_write)
		ptent = pte_mkwrite(ptent, c->vma);
	for (int i = idx; i < idx + nr; i++)
		ptep_modify_prot_commit(c->vma, addr + (unsigned long)i * PAGE_SIZE, ptep + i,
					pte_advance_pfn(oldpte, i), pte_advance_pfn(ptent, i));
	if (pte_needs_flush(oldpte, ptent))
		tlb_flush_pte_range(c->tlb, addr + (unsigned long)idx * PAGE_SIZE, (unsigned long)nr * PAGE_SIZE);
}

/* commit_anon_folio_batch(), page_anon_exclusive_sub_batch() - v7.1. Fidelity: same: each run of pages that are, or are not, exclusive. */
static void commit_anon_folio_batch(struct change_state *c, struct page *page, unsigned long addr, pte_t *ptep,
				    pte_t oldpte, pte_t ptent, int nr)
{
	for (int idx = 0, len; idx < nr; idx += len) {
		bool exclusive = PageAnonExclusive(page + idx);

		for (len = 1; idx + len < nr && exclusive == PageAnonExclusive(page + idx + len);)
			len++;
		prot_commit_flush_ptes(c, addr, ptep, oldpte, ptent, len, idx, exclusive);
	}
}

/* change_present_ptes(), set_write_prot_commit_flush_ptes() - v7.1. Fidelity: same. All entries are none in between. */
static void change_present_ptes(struct change_state *c, unsigned long addr, pte_t *ptep, int nr, struct folio *folio,
				struct page *page)
{
	struct vm_area_struct *vma = c->vma;
	pte_t oldpte = ptep_modify_prot_start(vma, addr, ptep), ptent;
	bool set_write = false;

	for (int i = 1; i < nr; i++) {
		pte_t more = ptep_modify_prot_start(vma, addr + (unsigned long)i * PAGE_SIZE, ptep + i);

		if (pte_dirty(more))
			oldpte = pte_mkdirty(oldpte);
		if (pte_young(more))
			oldpte = pte_mkyoung(oldpte);
	}
	ptent = pte_modify(oldpte, c->newprot);
	if (c->cp_flags & MM_CP_UFFD_WP)
		ptent = pte_mkuffd_wp(ptent);
	else if (c->cp_flags & MM_CP_UFFD_WP_RESOLVE)
		ptent = pte_clear_uffd_wp(ptent);

	if ((c->cp_flags & MM_CP_TRY_CHANGE_WRITABLE) && !pte_write(ptent)) {
		if (vma->vm_flags & VM_SHARED) {
			set_write = can_change_pte_writable(vma, addr, ptent);
		} else if (maybe_change_pte_writable(vma, ptent) && folio && folio_test_anon(folio)) {
			commit_anon_folio_batch(c, page, addr, ptep, oldpte, ptent, nr);
			return;
		}
	}
	prot_commit_flush_ptes(c, addr, ptep, oldpte, ptent, nr, 0, set_write);
}

/* change_softleaf_pte() - v7.1. Fidelity: same. Poison markers and hwpoison entries stay as they are: any access is refused anyway. */
static long change_softleaf_pte(struct change_state *c, unsigned long addr, pte_t *pte, pte_t oldpte)
{
	softleaf_t entry = softleaf_from_pte(oldpte);
	pte_t newpte = oldpte;

	if (softleaf_is_migration_write(entry)) {
		struct folio *folio = softleaf_to_folio(entry);

		entry = folio_test_anon(folio) ? make_readable_exclusive_migration_entry(entry) :
						 make_readable_migration_entry(entry);
		newpte = swp_entry_to_pte(entry);
		if (pte_swp_soft_dirty(oldpte))
			newpte = pte_swp_mksoft_dirty(newpte);
	} else if (softleaf_is_device_private_write(entry)) {
		newpte = swp_entry_to_pte(make_device_private_entry(softleaf_to_pfn(entry), false));
		if (pte_swp_uffd_wp(oldpte))
			newpte = pte_swp_mkuffd_wp(newpte);
	} else if (softleaf_is_marker(entry)) {
		if (softleaf_to_marker(entry) & PTE_MARKER_POISONED || !(c->cp_flags & MM_CP_UFFD_WP_RESOLVE))
			return 0;
		set_pte_at(c->vma->vm_mm, addr, pte, __pte(0));
		return 1;
	}
	if (c->cp_flags & MM_CP_UFFD_WP)
		newpte = pte_swp_mkuffd_wp(newpte);
	else if (c->cp_flags & MM_CP_UFFD_WP_RESOLVE)
		newpte = pte_swp_clear_uffd_wp(newpte);
	if (pte_same(oldpte, newpte))
		return 0;
	set_pte_at(c->vma->vm_mm, addr, pte, newpte);
	return 1;
}

/* One present entry, and those behind it that go with it. Returns how many; *pages: how many of them changed. */
static int change_present_run(struct change_state *c, unsigned long addr, pte_t *pte, pte_t oldpte, int max_nr, long *pages)
{
	bool prot_numa = c->cp_flags & MM_CP_PROT_NUMA;
	struct page *page;
	struct folio *folio;
	int nr;

	if (prot_numa && pte_protnone(oldpte))
		return 1;
	page = vm_normal_page(oldpte);
	folio = page ? page_folio(page) : NULL;
	if (prot_numa && !folio_can_map_prot_numa(folio, c->vma))
		return mprotect_folio_pte_batch(folio, pte, oldpte, max_nr, 0);
	nr = mprotect_folio_pte_batch(folio, pte, oldpte, max_nr, FPB_RESPECT_WRITE | FPB_RESPECT_SOFT_DIRTY);
	change_present_ptes(c, addr, pte, nr, folio, page);
	*pages += nr;
	return nr;
}

/* pagewalk-pud-refault: down from whatever is there, if there is anything; for one look more it must not change. */
static pte_t *descend_unchecked(pmd_t *pmd, unsigned long addr, spinlock_t **ptlp)
{
	pmd_t pmdval;

	if (pmd_none(pmdp_get_lockless(pmd)))
		return NULL;
	rcu_read_lock();
	pmdval = pmdp_get_lockless(pmd);
	*ptlp = &pmd_ptdesc(pmdval)->ptl;
	spin_lock(*ptlp);
	return &pmd_ptdesc(pmdval)->ptes[pte_index(addr)];
}

/*
 * change_pte_range() - v7.1. Fidelity: same; hints do not spare the node of a single-threaded process. -EAGAIN: there is no table (any
 * more).
 */
static long change_pte_range(struct change_state *c, pmd_t *pmd, unsigned long addr, unsigned long end)
{
	struct vm_area_struct *vma = c->vma;
	pte_t *start_pte, *pte;
	spinlock_t *ptl;
	long pages = 0;
	int nr;

	if (bug_enabled(pagewalk_pud_refault))
		pte = start_pte = descend_unchecked(pmd, addr, &ptl);
	else
		pte = start_pte = pte_offset_map_lock(vma->vm_mm, pmd, addr, &ptl);
	if (!pte)
		return -EAGAIN;
	flush_tlb_batched_pending(vma->vm_mm);
	do {
		pte_t oldpte = ptep_get(pte);

		nr = 1;
		if (pte_present(oldpte)) {
			nr = change_present_run(c, addr, pte, oldpte, (int)((end - addr) >> PAGE_SHIFT), &pages);
		} else if (!pte_none(oldpte)) {
			pages += change_softleaf_pte(c, addr, pte, oldpte);
		} else if ((c->cp_flags & MM_CP_UFFD_WP) && !vma_is_anonymous(vma)) {
			set_pte_at(vma->vm_mm, addr, pte, swp_entry_to_pte(make_pte_marker(PTE_MARKER_UFFD_WP)));
			pages++;
		}
	} while (pte += nr, addr += (unsigned long)nr * PAGE_SIZE, addr != end);
	pte_unmap_unlock(start_pte, ptl);
	return pages;
}

/* change_pmd_prepare() - v7.1. Fidelity: same: markers need a table, also where nothing is mapped. */
static int change_pmd_prepare(struct change_state *c, pmd_t *pmd)
{
	if (!(c->cp_flags & MM_CP_UFFD_WP) || vma_is_anonymous(c->vma))
		return 0;
	if (!pmd_none(pmdp_get_lockless(pmd)))
		return 0;
	return __pte_alloc(c->vma->vm_mm, pmd);
}

/*
 * change_pmd_range() - v7.1. Fidelity: same. Under mmap_lock for reading the PMD may change between any two looks: from none to huge, from
 * huge to a table, from either to none; each step asks again what it finds, and starts over when there is no table.
 */
static long change_pmd_range(struct change_state *c, unsigned long addr, unsigned long end)
{
	bool split_needed = (c->cp_flags & MM_CP_UFFD_WP) && !vma_is_anonymous(c->vma);
	unsigned long next;
	long pages = 0, ret;

	do {
		pmd_t *pmd = pmd_offset(c->vma->vm_mm, addr), pmdval;
again:
		next = pmd_addr_end(addr, end);
		if (change_pmd_prepare(c, pmd))
			return -ENOMEM;
		if (pmd_none(pmdp_get(pmd)))
			goto next;
		pmdval = pmdp_get_lockless(pmd);
		if (pmd_is_huge(pmdval)) {
			if (next - addr != HPAGE_PMD_SIZE || split_needed) {
				__split_huge_pmd(c->vma, pmd, addr, false);
				if (change_pmd_prepare(c, pmd))
					return -ENOMEM;
			} else {
				ret = change_huge_pmd(c->tlb, c->vma, pmd, addr, c->newprot, c->cp_flags);
				if (ret) {
					pages += ret == HPAGE_PMD_NR ? ret : 0;
					goto next;
				}
			}
		}
		ret = change_pte_range(c, pmd, addr, next);
		if (ret < 0)
			goto again;
		pages += ret;
next:
		cond_resched();
	} while (addr = next, addr != end);
	return pages;
}

/* change_protection() down to change_pud_range() - v7.1. Fidelity: same; the levels above PMDs always exist. */
long change_protection(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long start, unsigned long end,
		       unsigned long cp_flags)
{
	struct change_state c = {
		.tlb = tlb, .vma = vma, .cp_flags = cp_flags,
		.newprot = cp_flags & MM_CP_PROT_NUMA ? PAGE_NONE_PROT : vma->vm_page_prot,
	};
	struct mmu_notifier_range range;
	long pages;

	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_VMA, 0, vma->vm_mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	pages = change_pmd_range(&c, start, end);
	mmu_notifier_invalidate_range_end(&range);
	return pages;
}

/* ------------------------------------------------------------------ mprotect ---- */

/* mprotect_fixup() - v7.1. Fidelity: same, no accounting; what is locked and becomes writable is not copied at once. */
static int mprotect_fixup(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long start, unsigned long end,
			  unsigned long newflags)
{
	unsigned long mm_cp_flags = 0;

	if (assert_read(vma->vm_flags) == newflags)
		return 0;
	vma = vma_modify_flags(vma, start, end, newflags);
	if (IS_ERR(vma))
		return (int)PTR_ERR(vma);
	vma_start_write(vma);
	vm_flags_reset(vma, newflags);
	if (vma_wants_manual_pte_write_upgrade(vma))
		mm_cp_flags |= MM_CP_TRY_CHANGE_WRITABLE;
	vma_set_page_prot(vma);
	(void)change_protection(tlb, vma, start, end, mm_cp_flags);
	return 0;
}

/*
 * do_mprotect_pkey() - v7.1. Fidelity: same; prot is VM_READ, VM_WRITE, both or none. Takes mmap_lock. What comes before a hole has been
 * changed.
 */
int do_mprotect(struct mm_struct *mm, unsigned long start, unsigned long len, unsigned long prot)
{
	unsigned long addr = start, end = start + len;
	struct vm_area_struct *vma;
	struct mmu_gather tlb;
	int err = 0;

	mmap_write_lock(mm);
	tlb_gather_mmu(&tlb, mm);
	while (!err && addr < end) {
		unsigned long next;

		vma = vma_lookup(mm, addr);
		if (!vma) {
			err = -ENOMEM;
			break;
		}
		next = vma->vm_end < end ? vma->vm_end : end;
		err = mprotect_fixup(&tlb, vma, addr, next,
				     (assert_read(vma->vm_flags) & ~(VM_READ | VM_WRITE)) | prot);
		addr = next;
	}
	tlb_finish_mmu(&tlb);
	mmap_write_unlock(mm);
	return err;
}
