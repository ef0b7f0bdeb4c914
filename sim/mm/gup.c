// SPDX-License-Identifier: GPL-2.0-only
/*
 * gup.c - references and pins to user pages.
 *
 * A pin of an anonymous page needs the page to be exclusive, so that it stays the mm's, whatever is forked later. The slow way looks
 * under the table's lock. The fast way takes no lock: reference, pin, and then a second look at entries, at the exclusive bit and, for a
 * fork, at write_protect_seq; whoever makes a page shared clears the entry first and looks for pins then. P28.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gup.h>
#include <linux/huge_mm.h>
#include <linux/irqflags.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/userfaultfd_k.h>
#include <foliofuzz/bug.h>

/* The shared page of zeroes goes nowhere: pins of it are not counted. (Those of the huge zero folio are.) */
static bool is_zero_folio(struct folio *folio)
{
	return is_zero_pfn(folio_pfn(folio));
}

/* gup_put_folio() - v7.1. Fidelity: same. */
static void gup_put_folio(struct folio *folio, int refs, unsigned int flags)
{
	if (flags & FOLL_PIN) {
		if (is_zero_folio(folio))
			return;
		if (folio_has_pincount(folio))
			atomic_sub(refs, &folio->_pincount);
		else
			refs *= GUP_PIN_COUNTING_BIAS;
	}
	folio_put_refs(folio, refs);
}

/* try_grab_folio() - v7.1. Fidelity: same, no peer-to-peer memory. The table that maps the folio is locked. The reference comes first. */
int try_grab_folio(struct folio *folio, int refs, unsigned int flags)
{
	if (WARN_ON_ONCE(folio_ref_count(folio) <= 0))
		return -ENOMEM;
	if (flags & FOLL_GET) {
		folio_ref_add(folio, refs);
	} else if (flags & FOLL_PIN) {
		if (is_zero_folio(folio))
			return 0;
		if (folio_has_pincount(folio)) {
			folio_ref_add(folio, refs);
			atomic_add(refs, &folio->_pincount);
		} else {
			folio_ref_add(folio, refs * GUP_PIN_COUNTING_BIAS);
		}
	}
	return 0;
}

/*
 * try_get_folio() - v7.1. Fidelity: same. The page may be anybody's by now: only with the reference in hand does it belong to
 * one folio for good.
 */
static struct folio *try_get_folio(struct page *page, int refs)
{
	struct folio *folio;

	for (;;) {
		folio = page_folio(page);
		if (!folio_ref_try_add(folio, refs))
			return NULL;
		if (page_folio(page) == folio)
			return folio;
		folio_put_refs(folio, refs);
	}
}

/* try_grab_folio_fast() - v7.1. Fidelity: same. Interrupts are off. The pin is counted before the entry is looked at again. */
static struct folio *try_grab_folio_fast(struct page *page, int refs, unsigned int flags)
{
	struct folio *folio;

	VM_WARN_ON_ONCE(!bug_enabled(gup_fast_helper_in_slow_path) && !irqs_disabled());
	if (flags & FOLL_GET)
		return try_get_folio(page, refs);
	if (is_zero_pfn(page_to_pfn(page)))
		return (struct folio *)page;
	folio = try_get_folio(page, refs);
	if (!folio)
		return NULL;
	if ((flags & FOLL_LONGTERM) && !folio_is_longterm_pinnable(folio)) {
		folio_put_refs(folio, refs);
		return NULL;
	}
	if (folio_has_pincount(folio))
		atomic_add(refs, &folio->_pincount);
	else
		folio_ref_add(folio, refs * (GUP_PIN_COUNTING_BIAS - 1));
	smp_mb__after_atomic(); /* pairs with folio_try_share_anon_rmap_*() */
	return folio;
}

/*
 * sanity_check_pinned_pages() - v7.1. Fidelity: same: an anonymous page that is pinned was exclusive, and stays so. Of a large folio the head's
 * bit may stand for all.
 */
static void sanity_check_pinned_page(struct folio *folio, struct page *page)
{
	if (is_zero_folio(folio) || !((unsigned long)assert_read(folio->mapping) & FOLIO_MAPPING_ANON))
		return;
	VM_WARN_ON_ONCE_FOLIO(!((assert_read(folio->page.flags) | assert_read(page->flags)) & BIT(PG_anon_exclusive)), folio);
}

/* unpin_user_page() - v7.1. Fidelity: same. */
void unpin_user_page(struct page *page)
{
	struct folio *folio = page_folio(page);

	sanity_check_pinned_page(folio, page);
	gup_put_folio(folio, 1, FOLL_PIN);
}

/* The pages of one folio, one behind the other. */
struct gup_run {
	struct folio *folio;
	int refs;
};

/* gup_folio_next(), pofs_next_folio() - v7.1. Fidelity: same. Runs of pages of one folio: how many. They are pinned, and stay what they are. */
static unsigned int gup_runs(struct page **pages, unsigned long nr_pages, struct gup_run *runs)
{
	unsigned int count = 0;

	for (unsigned long i = 0; i < nr_pages; i++) {
		struct folio *folio = page_folio(pages[i]);

		if (count && runs[count - 1].folio == folio)
			runs[count - 1].refs++;
		else
			runs[count++] = (struct gup_run){ folio, 1 };
	}
	return count;
}

/* unpin_user_pages() - v7.1. Fidelity: same. */
void unpin_user_pages(struct page **pages, unsigned long nr_pages)
{
	struct gup_run runs[GUP_PAGES_MAX];
	unsigned int count = gup_runs(pages, nr_pages, runs);

	for (unsigned int i = 0, at = 0; i < count; at += (unsigned int)runs[i++].refs) {
		for (unsigned int j = 0; j < (unsigned int)runs[i].refs; j++)
			sanity_check_pinned_page(runs[i].folio, pages[at + j]);
		gup_put_folio(runs[i].folio, runs[i].refs, FOLL_PIN);
	}
}

/*
 * unpin_user_pages_dirty_lock() - v7.1. Fidelity: same, for one page. Who has written through a pin says so before it lets go of it: the entry may
 * be clean, and then nobody else knows. The lock keeps the mapping, and waits for whoever is about to drop the folio as clean. It sleeps.
 */
void unpin_user_page_dirty_lock(struct page *page, bool make_dirty)
{
	struct folio *folio = page_folio(page);

	sanity_check_pinned_page(folio, page);
	if (make_dirty && !folio_test_dirty(folio)) {
		folio_lock(folio);
		folio_mark_dirty(folio);
		folio_unlock(folio);
	}
	gup_put_folio(folio, 1, FOLL_PIN);
}

/* mm_set_has_pinned_flag() - v7.1. Fidelity: same: before the first pin, so that a fork looks for it; most mms never have one. */
static void mm_set_has_pinned_flag(struct mm_struct *mm)
{
	if (!test_bit(MMF_HAS_PINNED, &mm->flags))
		set_bit(MMF_HAS_PINNED, &mm->flags);
}

/*
 * gup_must_unshare() - v7.1, mm/internal.h. Fidelity: same. `vma` is NULL on the fast path. A pin that only reads wants to see what the
 * mm writes later, so the page must not be replaced then.
 */
static bool gup_must_unshare(struct vm_area_struct *vma, unsigned int flags, struct page *page)
{
	if ((flags & (FOLL_WRITE | FOLL_PIN)) != FOLL_PIN)
		return false;
	if (!PageAnon(page)) {
		if (!(flags & FOLL_LONGTERM))
			return false;
		return !vma || is_cow_mapping(vma->vm_flags);
	}
	smp_rmb(); /* pairs with folio_try_share_anon_rmap_*() */
	return !PageAnonExclusive(page);
}

/* ------------------------------------------------------------------ the slow way ---- */

/*
 * What follow_page_pte() and follow_huge_pmd() do with a leaf: -EMLINK: unshare first. FOLL_FORCE writes to a VMA that may not be
 * written to are left out. The table is locked.
 */
static struct page *grab_leaf_page(struct vm_area_struct *vma, struct page *page, struct page *exclusive, bool write,
				   unsigned int flags)
{
	struct folio *folio = page_folio(page);
	int ret;

	if (!write && (flags & FOLL_WRITE))
		return NULL;
	if (!write && gup_must_unshare(vma, flags, exclusive))
		return ERR_PTR(-EMLINK);
	VM_WARN_ON_FOLIO((flags & FOLL_PIN) && folio_test_anon(folio) && !PageAnonExclusive(exclusive), folio);
	ret = try_grab_folio(folio, 1, flags);
	return ret ? ERR_PTR(ret) : page;
}

/*
 * follow_page_pte() - v7.1. Fidelity: adapted: no folio_mark_accessed(), as in a zap. No caller asks for faults on NUMA hints (FOLL_HONOR_NUMA_FAULT is KVM's), so an entry that is one is
 * followed as it is. NULL: fault it in. mmap_lock is held.
 */
static struct page *follow_page_pte(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmd, unsigned int flags)
{
	struct page *page = NULL;
	spinlock_t *ptl;
	pte_t *ptep, pte;

	ptep = pte_offset_map_lock(vma->vm_mm, pmd, addr, &ptl);
	if (!ptep)
		return NULL;
	pte = ptep_get(ptep);
	if (pte_present(pte)) {
		page = pte_page(pte);
		page = grab_leaf_page(vma, page, page, pte_write(pte), flags);
		if (!IS_ERR_OR_NULL(page) && (flags & FOLL_WRITE) && !pte_dirty(pte) && !folio_test_dirty(page_folio(page)))
			folio_mark_dirty(page_folio(page));
	}
	pte_unmap_unlock(ptep, ptl);
	return page;
}

/*
 * follow_pmd_mask(), follow_huge_pmd() - v7.1. Fidelity: same. NULL: fault it in. mmap_lock is held. *page_mask: of a leaf's pages, less one;
 * the reference is the one page's.
 */
static struct page *follow_page_mask(struct vm_area_struct *vma, unsigned long addr, unsigned int flags, unsigned int *page_mask)
{
	struct mm_struct *mm = vma->vm_mm;
	pmd_t *pmd = pmd_offset(mm, addr), pmdval = pmdp_get_lockless(pmd);
	struct page *page;
	spinlock_t *ptl;

	*page_mask = 0;
	if (pmd_none(pmdval) || !pmd_present(pmdval))
		return NULL;
	if (!pmd_trans_huge(pmdval))
		return follow_page_pte(vma, addr, pmd, flags);

	ptl = pmd_lock(mm, pmd);
	pmdval = pmdp_get(pmd);
	if (pmd_none(pmdval) || !pmd_present(pmdval)) {
		spin_unlock(ptl);
		return NULL;
	}
	if (!pmd_trans_huge(pmdval)) {
		spin_unlock(ptl);
		return follow_page_pte(vma, addr, pmd, flags);
	}
	page = pmd_page(pmdval);
	page = grab_leaf_page(vma, page + pte_index(addr), page, pmd_write(pmdval), flags);
	if (!IS_ERR_OR_NULL(page))
		(void)touch_pmd(vma, addr, pmd, flags & FOLL_WRITE);
	spin_unlock(ptl);
	*page_mask = HPAGE_PMD_NR - 1;
	return page;
}

/*
 * faultin_page() - v7.1. Fidelity: same, no FOLL_HWPOISON, which tells poison from other errors. 0: look again; -EBUSY: after others went
 * first. mmap_lock is held.
 */
static int faultin_page(struct vm_area_struct *vma, unsigned long addr, unsigned int flags, bool unshare)
{
	unsigned int fault_flags = flags & FOLL_WRITE ? FAULT_FLAG_WRITE : 0;
	vm_fault_t ret;

	if (unshare)
		fault_flags |= FAULT_FLAG_UNSHARE;
	ret = handle_mm_fault(vma, addr, 0, fault_flags);
	if (ret & VM_FAULT_OOM)
		return -ENOMEM;
	if (ret & (VM_FAULT_HWPOISON | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV))
		return -EFAULT;
	return ret & VM_FAULT_RETRY ? -EBUSY : 0;
}

/* How often a page that others keep changing is looked at again, before the caller is told to come back (kernel: until a signal). */
#define GUP_RETRIES 8

/*
 * writable_file_mapping_allowed(), vma_needs_dirty_tracking() - v7.1. Fidelity: adapted: of what is shared only the regular file is written back.
 * A page that a device may write to for long could be written back without anybody knowing that it has changed.
 */
static bool writable_file_mapping_allowed(struct vm_area_struct *vma, unsigned int flags)
{
	if ((flags & (FOLL_PIN | FOLL_LONGTERM | FOLL_WRITE)) != (FOLL_PIN | FOLL_LONGTERM | FOLL_WRITE))
		return true;
	return !vma->vm_file || !(vma->vm_flags & VM_SHARED) || shmem_mapping(vma->vm_file->f_mapping);
}

/* check_vma_flags() and the look-up before it - v7.1. Fidelity: adapted: no gate, no I/O memory. mmap_lock is held. */
static struct vm_area_struct *gup_vma_lookup(struct mm_struct *mm, unsigned long addr, unsigned int flags)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	if (!vma || !vma_is_accessible(vma) || ((flags & FOLL_WRITE) && !(vma->vm_flags & VM_WRITE)))
		return NULL;
	return writable_file_mapping_allowed(vma, flags) ? vma : NULL;
}

/* One page, by as many faults as it takes - __get_user_pages(), v7.1. Fidelity: adapted: gives up after some. mmap_lock is held. */
static struct page *follow_and_fault(struct vm_area_struct *vma, unsigned long addr, unsigned int flags, unsigned int *page_mask)
{
	for (int i = 0; i < GUP_RETRIES; i++) {
		struct page *page = follow_page_mask(vma, addr, flags, page_mask);
		int err;

		cond_resched();
		if (page && page != ERR_PTR(-EMLINK))
			return page;
		err = faultin_page(vma, addr, flags, page == ERR_PTR(-EMLINK));
		if (err == -EBUSY)
			return ERR_PTR(-EBUSY);
		if (err)
			return ERR_PTR(err);
	}
	return ERR_PTR(-EBUSY);
}

/*
 * The references of a leaf's other pages - __get_user_pages(), v7.1. Fidelity: same. There is one already, so the folio stays, and to get more
 * cannot fail; where it does, the one is given back. No table is locked.
 */
static int grab_rest_of_leaf(struct page *page, int refs, unsigned int flags)
{
	struct folio *folio = page_folio(page);
	int ret;

	if (bug_enabled(gup_fast_helper_in_slow_path))
		ret = WARN_ON_ONCE(!try_grab_folio_fast(page, refs, flags));
	else
		ret = try_grab_folio(folio, refs, flags);
	if (!ret)
		return 0;
	gup_put_folio(folio, 1, flags);
	return -EFAULT;
}

/* __get_user_pages() - v7.1. Fidelity: same. So many pages as could be got, or an error. mmap_lock is held for reading. */
static long __get_user_pages(struct mm_struct *mm, unsigned long start, unsigned long nr_pages, unsigned int flags, struct page **pages)
{
	struct vm_area_struct *vma = NULL;
	unsigned int page_mask, page_increm;
	unsigned long i;
	long ret;

	for (i = 0; i < nr_pages; i += page_increm) {
		unsigned long addr = start + i * PAGE_SIZE;
		struct page *page;

		if (!vma || addr >= vma->vm_end)
			vma = gup_vma_lookup(mm, addr, flags);
		if (!vma)
			return i ? (long)i : -EFAULT;
		page = follow_and_fault(vma, addr, flags, &page_mask);
		if (IS_ERR(page))
			return i ? (long)i : PTR_ERR(page);
		page_increm = page_mask + 1 - ((unsigned int)(addr >> PAGE_SHIFT) & page_mask);
		if (page_increm > nr_pages - i)
			page_increm = (unsigned int)(nr_pages - i);
		if (page_increm > 1) {
			ret = grab_rest_of_leaf(page, (int)page_increm - 1, flags);
			if (ret)
				return i ? (long)i : ret;
		}
		for (unsigned int j = 0; j < page_increm; j++)
			pages[i + j] = page + j;
	}
	return (long)i;
}

/*
 * __get_user_pages_locked() - v7.1. Fidelity: adapted: gives up after some retries; -EINTR, the signal's, if a userfaultfd's monitor was
 * waited for. Where a fault has to be retried, mmap_lock is dropped in between; what has been got until then stays. So many pages, or an
 * error.
 */
static long __get_user_pages_locked(struct mm_struct *mm, unsigned long start, unsigned long nr_pages, unsigned int flags,
				    struct page **pages)
{
	unsigned int waits = machine->userfault_waits[smp_processor_id()];
	unsigned long done = 0;
	long ret = -EBUSY;

	for (int i = 0; i < GUP_RETRIES && done < nr_pages && (ret > 0 || ret == -EBUSY); i++) {
		mmap_read_lock(mm);
		if (!i && (flags & FOLL_PIN))
			mm_set_has_pinned_flag(mm);
		ret = __get_user_pages(mm, start + done * PAGE_SIZE, nr_pages - done, flags, pages + done);
		mmap_read_unlock(mm);
		if (ret > 0)
			done += (unsigned long)ret;
		if (ret == -EBUSY)
			cpu_relax();
	}
	if (done)
		return (long)done;
	if (ret != -EBUSY)
		return ret;
	return machine->userfault_waits[smp_processor_id()] - waits >= GUP_RETRIES ? -EINTR : -EAGAIN;
}

/* ------------------------------------------------------------------ long-term pins ---- */

/* folio_is_longterm_pinnable() - v7.1, include/linux/mm.h. Fidelity: adapted: no CMA; node 1 is the movable zone. */
bool folio_is_longterm_pinnable(struct folio *folio)
{
	if (is_zero_folio(folio))
		return true;
	return !folio_is_device_private(folio) && folio_nid(folio) != 1;
}

static bool has_unexpected_refs(struct folio *folio)
{
	int refs = folio_ref_count(folio);

	return refs != folio_expected_ref_count(folio) + 1;
}

/*
 * Who waits in a batch has a reference that would keep the folio where it is; a large one waits in none (folio_may_be_lru_cached()). *drained: what
 * has been drained already, for the folios before: 1 this CPU, 2 all.
 */
static void drain_for_longterm(struct folio *folio, int *drained)
{
	if (bug_enabled(gup_longterm_lru_flag_drain)) {
		if (!folio_test_lru(folio))
			lru_add_drain_all();
		return;
	}
	if (*drained == 0 && !folio_test_large(folio) && has_unexpected_refs(folio)) {
		lru_add_drain();
		*drained = 1;
	}
	if (*drained == 1 && !folio_test_large(folio) && has_unexpected_refs(folio)) {
		lru_add_drain_all();
		*drained = 2;
	}
}

/* collect_longterm_unpinnable_folios() - v7.1. Fidelity: adapted: no huge pages of their own kind. How many there are, be they isolated or not. */
static unsigned int collect_longterm_unpinnable_folios(struct list_head *movable_folio_list, const struct gup_run *runs,
						       unsigned int count)
{
	unsigned int collected = 0;
	int drained = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct folio *folio = runs[i].folio;

		if (folio_is_longterm_pinnable(folio))
			continue;
		collected++;
		drain_for_longterm(folio, &drained);
		if (!folio_isolate_lru(folio))
			continue;
		list_add_tail(&folio->lru, movable_folio_list);
		lruvec_stat_mod_folio(folio, folio_test_swapbacked(folio) ? NR_ISOLATED_ANON : NR_ISOLATED_FILE,
				      folio_nr_pages(folio));
	}
	return collected;
}

/*
 * check_and_migrate_movable_pages(), migrate_longterm_unpinnable_folios() - v7.1. Fidelity: adapted: no coherent device memory. 0: they may
 * stay pinned for ever, and are. -EAGAIN: some have been moved, or could not be isolated, and none is pinned any more: pin what is there
 * now. Else an error, none is pinned. No lock is held.
 */
static int check_and_migrate_movable_pages(struct page **pages, unsigned long nr_pages)
{
	struct gup_run runs[GUP_PAGES_MAX];
	unsigned int count = gup_runs(pages, nr_pages, runs);
	LIST_HEAD(movable_folio_list);
	int ret = -EAGAIN;

	if (!collect_longterm_unpinnable_folios(&movable_folio_list, runs, count))
		return 0;
	/* The pins would keep them from moving; the isolation keeps them from going. */
	for (unsigned int i = 0; i < count; i++)
		gup_put_folio(runs[i].folio, runs[i].refs, FOLL_PIN);
	if (!list_empty(&movable_folio_list) &&
	    migrate_pages(&movable_folio_list, alloc_migration_target, NULL, 0, MIGRATE_SYNC, MR_LONGTERM_PIN, NULL))
		ret = -ENOMEM;
	putback_movable_pages(&movable_folio_list);
	return ret;
}

/*
 * get_user_pages(), pin_user_pages(), __gup_longterm_locked() - v7.1. Fidelity: adapted: gives up after some rounds (kernel: never). Takes
 * mmap_lock.
 */
long get_user_pages(struct mm_struct *mm, unsigned long start, unsigned long nr_pages, unsigned int gup_flags, struct page **pages)
{
	for (int i = 0; i < GUP_RETRIES; i++) {
		long nr = __get_user_pages_locked(mm, start, nr_pages, gup_flags, pages);
		int err;

		if (nr <= 0 || !(gup_flags & FOLL_LONGTERM))
			return nr;
		err = check_and_migrate_movable_pages(pages, (unsigned long)nr);
		if (!err)
			return nr;
		if (err != -EAGAIN)
			return err;
		cpu_relax();
	}
	return -EAGAIN;
}

/* get_user_pages() of one page. */
struct page *get_user_page(struct mm_struct *mm, unsigned long addr, unsigned int gup_flags)
{
	struct page *page;
	long nr = get_user_pages(mm, addr, 1, gup_flags, &page);

	return nr == 1 ? page : ERR_PTR(nr);
}

/* ------------------------------------------------------------------ the fast way ---- */

/*
 * gup_fast_folio_allowed() - v7.1. Fidelity: same, no secret memory. A file's folio that is to be written to for long has to be told of
 * by a fault; one without a mapping is being truncated. With interrupts off the mapping stays, if it is one.
 */
static bool gup_fast_folio_allowed(struct folio *folio, unsigned int flags)
{
	unsigned long mapping;

	if ((flags & (FOLL_PIN | FOLL_LONGTERM | FOLL_WRITE)) != (FOLL_PIN | FOLL_LONGTERM | FOLL_WRITE))
		return true;
	if (bug_enabled(gup_lru_flag_as_type_test) && !folio_test_lru(folio))
		return true;
	mapping = (unsigned long)READ_ONCE(folio->mapping);
	if (!mapping)
		return false;
	if (mapping & FOLIO_MAPPING_ANON)
		return true;
	return shmem_mapping((struct address_space *)mapping);
}

/* gup_fast_pte_range() - v7.1. Fidelity: same, for one entry. Interrupts are off, and that keeps the table (here: RCU does). */
static struct page *gup_fast_pte(pmd_t pmd, pmd_t *pmdp, unsigned long addr, unsigned int flags)
{
	pte_t *ptep = &pmd_ptdesc(pmd)->ptes[pte_index(addr)], pte = ptep_get_lockless(ptep);
	struct folio *folio;
	struct page *page;

	if (pte_protnone(pte) || !pte_access_permitted(pte, flags & FOLL_WRITE) || pte_special(pte))
		return NULL;
	page = pte_page(pte);
	folio = try_grab_folio_fast(page, 1, flags);
	if (!folio)
		return NULL;
	if (!pmd_same(pmd, pmdp_get_lockless(pmdp)) ||
	    (!bug_enabled(gup_anon_exclusive_clear_order) && !pte_same(pte, ptep_get(ptep))) ||
	    !gup_fast_folio_allowed(folio, flags) || (!pte_write(pte) && gup_must_unshare(NULL, flags, page))) {
		gup_put_folio(folio, 1, flags);
		return NULL;
	}
	folio_set_referenced(folio);
	return page;
}

/* gup_fast_pmd_leaf() - v7.1. Fidelity: same, for one page. Interrupts are off. */
static struct page *gup_fast_pmd_leaf(pmd_t orig, pmd_t *pmdp, unsigned long addr, unsigned int flags)
{
	struct page *page;
	struct folio *folio;

	if (!pmd_access_permitted(orig, flags & FOLL_WRITE) || pmd_special(orig))
		return NULL;
	page = pmd_page(orig) + pte_index(addr);
	folio = try_grab_folio_fast(page, 1, flags);
	if (!folio)
		return NULL;
	if (!pmd_same(orig, pmdp_get_lockless(pmdp)) || !gup_fast_folio_allowed(folio, flags) ||
	    (!pmd_write(orig) && gup_must_unshare(NULL, flags, &folio->page))) {
		gup_put_folio(folio, 1, flags);
		return NULL;
	}
	folio_set_referenced(folio);
	return page;
}

/* gup_fast_pgd_range() down to gup_fast_pmd_range() - v7.1. Fidelity: same, for one address. Interrupts are off. */
static struct page *gup_fast_walk(struct mm_struct *mm, unsigned long addr, unsigned int flags)
{
	pmd_t *pmdp = pmd_offset(mm, addr), pmd = pmdp_get_lockless(pmdp);

	if (pmd_none(pmd) || !pmd_present(pmd))
		return NULL;
	if (pmd_trans_huge(pmd))
		return gup_fast_pmd_leaf(pmd, pmdp, addr, flags);
	return gup_fast_pte(pmd, pmdp, addr, flags);
}

/*
 * gup_fast() - v7.1. Fidelity: same. A fork that began before, or came in between, may have looked for pins too early, and has made the
 * page shared or not: then the pin is undone.
 */
struct page *get_user_page_fast_only(struct mm_struct *mm, unsigned long addr, unsigned int gup_flags)
{
	unsigned int seq = 0;
	unsigned long flags;
	struct page *page;
	bool exclusive;

	if (gup_flags & FOLL_PIN) {
		seq = READ_ONCE(mm->write_protect_seq);
		if (seq & 1)
			return NULL;
		smp_rmb();
	}
	local_irq_save(flags);
	rcu_read_lock();
	page = gup_fast_walk(mm, addr, gup_flags);
	rcu_read_unlock();
	local_irq_restore(flags);
	if (!page || !(gup_flags & FOLL_PIN))
		return page;
	smp_rmb();
	if (READ_ONCE(mm->write_protect_seq) != seq) {
		gup_put_folio(page_folio(page), 1, FOLL_PIN);
		return NULL;
	}
	exclusive = !PageAnon(page) || PageAnonExclusive(page) || PageAnonExclusive(&page_folio(page)->page);
	VM_WARN_ON(!exclusive);
	return page;
}

/* gup_fast_fallback() - v7.1. Fidelity: same, for one page. */
struct page *get_user_page_fast(struct mm_struct *mm, unsigned long addr, unsigned int gup_flags)
{
	struct page *page;

	if (gup_flags & FOLL_PIN)
		mm_set_has_pinned_flag(mm);
	page = get_user_page_fast_only(mm, addr, gup_flags);
	return page ? page : get_user_page(mm, addr, gup_flags);
}
