// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_file.c - faults in files, and taking a file's mappings away: those parts of mm/memory.c.
 *
 * A fault gets its page locked and with a reference from filemap_fault() or shmem_fault(); under the lock the page is not truncated, and
 * whoever truncates it afterwards finds the new mapping. The end of the file is looked at before the mapping is made, since nothing may
 * be mapped behind it. Lock order: mmap_lock, folio lock, page table lock; for taking away: folio lock, i_mmap_rwsem, page table lock.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/tlb.h>
#include <foliofuzz/bug.h>

#define FAULT_AROUND_PAGES 4 /* kernel: fault_around_pages, 16; a power of two, not more than a table has */
#define FAULT_FAILED (VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_HWPOISON | VM_FAULT_SIGSEGV | VM_FAULT_NOPAGE | VM_FAULT_RETRY)

static struct address_space *vma_mapping(struct vm_area_struct *vma)
{
	return vma->vm_file->f_mapping;
}

/* ------------------------------------------------------------------ i_mmap ---- */

/* vma_interval_tree_foreach() - v7.1, mm/interval_tree.c. Stands for it: a list in the order of joining. i_mmap_rwsem is held. */
struct vm_area_struct *vma_interval_tree_next(struct address_space *mapping, struct vm_area_struct *after,
					      pgoff_t first, pgoff_t last)
{
	struct list_head *p = after ? after->shared.next : mapping->i_mmap.next;

	for (; p != &mapping->i_mmap; p = p->next) {
		struct vm_area_struct *vma = container_of(p, struct vm_area_struct, shared);

		if (vma->vm_pgoff <= last && vma->vm_pgoff + vma_pages(vma) > first)
			return vma;
	}
	return NULL;
}

/* vma_link_file() - v7.1, mm/vma.c. Fidelity: same. */
void vma_link_file(struct vm_area_struct *vma)
{
	struct address_space *mapping;

	if (!vma->vm_file)
		return;
	mapping = vma_mapping(vma);
	i_mmap_lock_write(mapping);
	list_add_tail(&vma->shared, &mapping->i_mmap);
	i_mmap_unlock_write(mapping);
}

/* unlink_file_vma_batch_process() - v7.1, mm/vma.c. Fidelity: same, a list. VMAs of one file: rmap walks see all of them or none. */
static void unlink_file_vma_batch_process(struct unlink_vma_file_batch *vb)
{
	struct address_space *mapping = vma_mapping(vb->vmas[0]);

	i_mmap_lock_write(mapping);
	for (unsigned int i = 0; i < vb->count; i++)
		list_del(&vb->vmas[i]->shared);
	i_mmap_unlock_write(mapping);
	vb->count = 0;
}

/* unlink_file_vma_batch_add() - v7.1, mm/vma.c. Fidelity: same. */
void unlink_file_vma_batch_add(struct unlink_vma_file_batch *vb, struct vm_area_struct *vma)
{
	if (!vma->vm_file)
		return;
	if (vb->count == UNLINK_FILE_VMA_BATCH || (vb->count && vma_mapping(vb->vmas[0]) != vma_mapping(vma)))
		unlink_file_vma_batch_process(vb);
	vb->vmas[vb->count++] = vma;
}

/* unlink_file_vma_batch_final() - v7.1, mm/vma.c. Fidelity: same. */
void unlink_file_vma_batch_final(struct unlink_vma_file_batch *vb)
{
	if (vb->count)
		unlink_file_vma_batch_process(vb);
}

/* ------------------------------------------------------------------ mapping ---- */

/*
 * do_set_pmd() - v7.1. Fidelity: same, x86: no table is deposited. The folio is locked, and its reference becomes the mapping's. FALLBACK: does
 * not fit, or somebody else was faster.
 */
vm_fault_t do_set_pmd(struct vm_fault *vmf, struct folio *folio)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long haddr = vmf->address & HPAGE_PMD_MASK;
	vm_fault_t ret = VM_FAULT_FALLBACK;
	pmd_t entry;

	if (!thp_vma_suitable_order(vma, haddr, HPAGE_PMD_ORDER))
		return ret;
	if (folio_order(folio) != HPAGE_PMD_ORDER)
		return ret;
	/* By PMD, a poisoned page could be touched without a fault. */
	if (folio_test_has_hwpoisoned(folio))
		return ret;

	vmf->ptl = pmd_lock(vma->vm_mm, vmf->pmd);
	if (unlikely(!pmd_none(pmdp_get(vmf->pmd))))
		goto out;
	entry = folio_mk_pmd(folio, vma->vm_page_prot);
	if (vmf->write) {
		entry = pmd_mkdirty(entry);
		if (vma->vm_flags & VM_WRITE)
			entry = pmd_mkwrite(entry, vma);
	}
	add_mm_counter(vma->vm_mm, mm_counter_file(folio), HPAGE_PMD_NR);
	folio_add_file_rmap_pmd(folio, &folio->page, vma);
	set_pmd_at(vma->vm_mm, haddr, vmf->pmd, entry);
	ret = 0;
out:
	spin_unlock(vmf->ptl);
	return ret;
}

/* vmf_orig_pte_uffd_wp() - v7.1. Fidelity: same. The entry was a marker: what comes is write-protected. */
static bool orig_pte_uffd_wp(const struct vm_fault *vmf)
{
	softleaf_t entry = softleaf_from_pte(vmf->orig_pte);

	return vmf->vma->vm_flags & VM_UFFD_WP && softleaf_is_marker(entry) &&
	       softleaf_to_marker(entry) & PTE_MARKER_UFFD_WP;
}

/* set_pte_range() - v7.1. Fidelity: same. Map counts first, then the entries. */
void set_pte_range(struct vm_fault *vmf, struct folio *folio, struct page *page, unsigned int nr, unsigned long addr)
{
	struct vm_area_struct *vma = vmf->vma;

	if (vmf->write && !(vma->vm_flags & VM_SHARED)) {
		VM_BUG_ON_FOLIO(nr != 1, folio);
		folio_add_new_anon_rmap(folio, vma, addr, RMAP_EXCLUSIVE);
		folio_add_lru_vma(folio, vma);
	} else {
		folio_add_file_rmap_ptes(folio, page, (int)nr, vma);
	}
	for (unsigned int i = 0; i < nr; i++) {
		pte_t entry = mk_pte(page + i, vma->vm_page_prot);

		entry = pte_mkyoung(entry);
		if (vmf->write)
			entry = maybe_mkwrite(pte_mkdirty(entry), vma);
		if (orig_pte_uffd_wp(vmf))
			entry = pte_mkuffd_wp(entry);
		set_pte_at(vma->vm_mm, addr + i * PAGE_SIZE, vmf->pte + i, entry);
	}
}

static bool entries_none(pte_t *pte, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (!pte_none(ptep_get(pte + i)))
			return false;
	return true;
}

/* The pages of the folio around vmf->address that can be mapped together: all, if VMA and table have room for them; else one. */
static unsigned int finish_range(struct vm_fault *vmf, struct folio *folio, struct page **page, unsigned long *addr)
{
	unsigned int nr = (unsigned int)folio_nr_pages(folio);
	pgoff_t idx = folio_page_idx(folio, *page), vma_off = vmf->pgoff - vmf->vma->vm_pgoff;
	pgoff_t pte_off = pte_index(vmf->address);

	if (nr == 1 || vma_off < idx || vma_off + (nr - idx) > vma_pages(vmf->vma) || pte_off < idx ||
	    pte_off + (nr - idx) > PTRS_PER_PTE)
		return 1;
	*addr = vmf->address - idx * PAGE_SIZE;
	*page = &folio->page;
	return nr;
}

/*
 * finish_fault() - v7.1. Fidelity: same. `page` is in a locked folio, or a new copy; its reference becomes the mapping's on 0. Nothing is mapped
 * behind the end of the file, and nothing by PMD across it, but for shared memory. Nothing private, once the mm is being reaped: what was
 * written there may be gone, and the file's page would be shown in its place.
 */
vm_fault_t finish_fault(struct vm_fault *vmf, struct page *page, bool is_cow)
{
	struct vm_area_struct *vma = vmf->vma;
	struct folio *folio = page_folio(page);
	struct address_space *mapping = vma_mapping(vma);
	bool needs_fallback = false;
	unsigned long addr;
	unsigned int nr;
	struct page *at;
	vm_fault_t ret = 0;

fallback:
	if (!(vma->vm_flags & VM_SHARED)) {
		ret = check_stable_address_space(vma->vm_mm);
		if (ret)
			return ret;
	}
	if (!needs_fallback)
		needs_fallback = !is_cow && !shmem_mapping(mapping) &&
				 ((i_size_read(mapping->host) + PAGE_SIZE - 1) >> PAGE_SHIFT) < folio_next_index(folio);
	addr = vmf->address;
	at = page;
	if (pmd_none(pmdp_get_lockless(vmf->pmd))) {
		if (!needs_fallback && !is_cow && folio_test_pmd_mappable(folio)) {
			ret = do_set_pmd(vmf, folio);
			if (ret != VM_FAULT_FALLBACK)
				return ret;
			ret = 0;
		}
		if (vmf->prealloc_pte)
			pmd_install(vma->vm_mm, vmf->pmd, &vmf->prealloc_pte);
		else if (pmd_none(pmdp_get_lockless(vmf->pmd)) && __pte_alloc(vma->vm_mm, vmf->pmd))
			return VM_FAULT_OOM;
	}
	nr = is_cow || needs_fallback || vma->vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP) ? 1 :
	     finish_range(vmf, folio, &at, &addr);
	vmf->pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, addr, &vmf->ptl);
	if (!vmf->pte)
		return VM_FAULT_NOPAGE;
	if (nr == 1 && !pte_same(ptep_get(vmf->pte), vmf->orig_pte)) {
		ret = VM_FAULT_NOPAGE;
		goto unlock;
	}
	if (nr > 1 && !entries_none(vmf->pte, nr)) {
		needs_fallback = true;
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		goto fallback;
	}
	if (nr > 1)
		folio_ref_add(folio, (int)nr - 1);
	set_pte_range(vmf, folio, at, nr, addr);
	add_mm_counter(vma->vm_mm, is_cow ? MM_ANONPAGES : mm_counter_file(folio), (long)nr);
unlock:
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	return ret;
}

/* ------------------------------------------------------------------ faults ---- */

/*
 * __do_fault() - v7.1. Fidelity: same: a table is made before the folio is locked, for whoever reclaims to make room may need the folio's
 * lock. Poisoned pages of a file are dropped from their mappings here, and clean ones from the file: the next fault reads a good page.
 */
static vm_fault_t __do_fault(struct vm_fault *vmf)
{
	vm_fault_t ret;

	if (pmd_none(pmdp_get_lockless(vmf->pmd)) && !vmf->prealloc_pte) {
		vmf->prealloc_pte = pte_alloc_one(vmf->vma->vm_mm);
		if (!vmf->prealloc_pte)
			return VM_FAULT_OOM;
	}
	ret = shmem_mapping(vma_mapping(vmf->vma)) ? shmem_fault(vmf) : filemap_fault(vmf);
	if (ret & FAULT_FAILED)
		return ret;
	if (unlikely(PageHWPoison(vmf->page))) {
		struct folio *folio = page_folio(vmf->page);

		ret = VM_FAULT_HWPOISON;
		if (folio_mapped(folio))
			unmap_mapping_folio(folio);
		if (mapping_evict_folio(folio_mapping(folio), folio))
			ret = VM_FAULT_NOPAGE;
		folio_unlock(folio);
		folio_put(folio);
	}
	return ret;
}

/* do_fault_around() - v7.1. Fidelity: adapted: fewer pages. Stays inside the VMA and the table. */
static vm_fault_t do_fault_around(struct vm_fault *vmf)
{
	pgoff_t pte_off = pte_index(vmf->address), vma_off = vmf->pgoff - vmf->vma->vm_pgoff;
	pgoff_t from = pte_off & ~(pgoff_t)(FAULT_AROUND_PAGES - 1), to;

	if (from < pte_off - (pte_off < vma_off ? pte_off : vma_off))
		from = pte_off - (pte_off < vma_off ? pte_off : vma_off);
	to = from + FAULT_AROUND_PAGES;
	if (to > PTRS_PER_PTE)
		to = PTRS_PER_PTE;
	if (to > pte_off + vma_pages(vmf->vma) - vma_off)
		to = pte_off + vma_pages(vmf->vma) - vma_off;
	if (pmd_none(pmdp_get_lockless(vmf->pmd))) {
		vmf->prealloc_pte = pte_alloc_one(vmf->vma->vm_mm);
		if (!vmf->prealloc_pte)
			return VM_FAULT_OOM;
	}
	return filemap_map_pages(vmf, vmf->pgoff + from - pte_off, vmf->pgoff + to - 1 - pte_off);
}

/* do_read_fault() - v7.1. Fidelity: same. */
static vm_fault_t do_read_fault(struct vm_fault *vmf)
{
	struct folio *folio;
	vm_fault_t ret;

	if (!(vmf->vma->vm_flags & VM_UFFD_WP)) {
		ret = do_fault_around(vmf);
		if (ret)
			return ret;
	}
	ret = __do_fault(vmf);
	if (unlikely(ret & FAULT_FAILED))
		return ret;
	ret |= finish_fault(vmf, vmf->page, false);
	folio = page_folio(vmf->page);
	folio_unlock(folio);
	if (unlikely(ret & FAULT_FAILED))
		folio_put(folio);
	return ret;
}

/* do_cow_fault() - v7.1. Fidelity: same. The copy is made from the locked page. */
static vm_fault_t do_cow_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct folio *folio;
	vm_fault_t ret;

	ret = vmf_anon_prepare(vmf);
	if (ret)
		return ret;
	folio = folio_prealloc(vma->vm_mm, vma, vmf->address);
	if (!folio)
		return VM_FAULT_OOM;
	ret = __do_fault(vmf);
	if (unlikely(ret & FAULT_FAILED))
		goto uncharge_out;
	if (copy_mc_user_highpage(&folio->page, vmf->page)) {
		ret = VM_FAULT_HWPOISON;
		goto unlock;
	}
	__folio_mark_uptodate(folio);
	ret |= finish_fault(vmf, &folio->page, true);
unlock:
	folio_unlock(page_folio(vmf->page));
	put_page(vmf->page);
	if (unlikely(ret & FAULT_FAILED))
		goto uncharge_out;
	return ret;
uncharge_out:
	folio_put(folio);
	return ret;
}

/* filemap_page_mkwrite() - v7.1, mm/filemap.c; do_page_mkwrite(). Fidelity: same, no file system. Locked on VM_FAULT_LOCKED; a reference is held. */
static vm_fault_t do_page_mkwrite(struct vm_fault *vmf, struct folio *folio)
{
	folio_lock(folio);
	if (plain_read(folio->mapping) != (void *)vma_mapping(vmf->vma)) {
		folio_unlock(folio);
		return VM_FAULT_NOPAGE;
	}
	folio_mark_dirty(folio);
	return VM_FAULT_LOCKED;
}

/* fault_dirty_shared_page() - v7.1. Fidelity: same, no throttling of writers. Locked; unlocked afterwards. */
static void fault_dirty_shared_page(struct folio *folio)
{
	folio_mark_dirty(folio);
	folio_unlock(folio);
}

/* do_shared_fault() - v7.1. Fidelity: same; shared memory has no page_mkwrite. */
static vm_fault_t do_shared_fault(struct vm_fault *vmf)
{
	struct folio *folio;
	vm_fault_t ret = __do_fault(vmf), tmp;

	if (unlikely(ret & FAULT_FAILED))
		return ret;
	folio = page_folio(vmf->page);
	if (!shmem_mapping(vma_mapping(vmf->vma))) {
		folio_unlock(folio);
		tmp = do_page_mkwrite(vmf, folio);
		if (tmp & FAULT_FAILED) {
			folio_put(folio);
			return tmp;
		}
	}
	ret |= finish_fault(vmf, vmf->page, false);
	if (unlikely(ret & FAULT_FAILED)) {
		folio_unlock(folio);
		folio_put(folio);
		return ret;
	}
	fault_dirty_shared_page(folio);
	return ret;
}

/* do_fault() - v7.1. Fidelity: same; mmap_lock is never dropped on the way. Nothing is mapped at the address: vmf->orig_pte is none, or a marker. */
vm_fault_t do_fault(struct vm_fault *vmf)
{
	vm_fault_t ret;

	vmf->prealloc_pte = NULL;
	vmf->pgoff = linear_page_index(vmf->vma, vmf->address);
	if (!vmf->write)
		ret = do_read_fault(vmf);
	else if (!(vmf->vma->vm_flags & VM_SHARED))
		ret = do_cow_fault(vmf);
	else
		ret = do_shared_fault(vmf);
	if (vmf->prealloc_pte) {
		pte_free(vmf->vma->vm_mm, vmf->prealloc_pte);
		vmf->prealloc_pte = NULL;
	}
	/* Somebody mapped it meanwhile, or we did: user space tries again. */
	return ret & ~(vm_fault_t)(VM_FAULT_NOPAGE | VM_FAULT_LOCKED);
}

/*
 * wp_page_shared(), finish_mkwrite_fault() - v7.1. Fidelity: same. A write to a page of a file that is mapped read-only. The table's lock is held, and
 * dropped for the file system's word; the entry must be the same afterwards.
 */
vm_fault_t wp_page_shared(struct vm_fault *vmf, struct folio *folio)
{
	struct vm_area_struct *vma = vmf->vma;
	pte_t entry;

	folio_get(folio);
	if (shmem_mapping(vma_mapping(vma))) {
		entry = maybe_mkwrite(pte_mkdirty(pte_mkyoung(vmf->orig_pte)), vma);
		ptep_set_access_flags(vmf, entry, true);
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		folio_lock(folio);
	} else {
		vm_fault_t tmp;

		pte_unmap_unlock(vmf->pte, vmf->ptl);
		tmp = do_page_mkwrite(vmf, folio);
		if (tmp & FAULT_FAILED) {
			folio_put(folio);
			return 0;
		}
		vmf->pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, vmf->address, &vmf->ptl);
		if (!vmf->pte || !pte_same(ptep_get(vmf->pte), vmf->orig_pte)) {
			if (vmf->pte)
				pte_unmap_unlock(vmf->pte, vmf->ptl);
			folio_unlock(folio);
			folio_put(folio);
			return 0;
		}
		entry = maybe_mkwrite(pte_mkdirty(pte_mkyoung(vmf->orig_pte)), vma);
		ptep_set_access_flags(vmf, entry, true);
		pte_unmap_unlock(vmf->pte, vmf->ptl);
	}
	fault_dirty_shared_page(folio);
	folio_put(folio);
	return 0;
}

/* ------------------------------------------------------------------ unmapping ---- */

/* unmap_mapping_range_tree() - v7.1. Fidelity: same. i_mmap_rwsem is held: the VMAs stay, and their tables. */
static void unmap_mapping_range_tree(struct address_space *mapping, pgoff_t first, pgoff_t last,
				     struct zap_details *details)
{
	struct vm_area_struct *vma;

	vma_interval_tree_foreach(vma, mapping, first, last) {
		pgoff_t start = first > vma->vm_pgoff ? first : vma->vm_pgoff;
		pgoff_t vma_end = vma->vm_pgoff + vma_pages(vma) - 1;
		pgoff_t end = (last < vma_end ? last : vma_end) + 1;
		struct mmu_gather tlb;

		tlb_gather_mmu(&tlb, vma->vm_mm);
		zap_vma_range_details(&tlb, vma, vma->vm_start + ((start - vma->vm_pgoff) << PAGE_SHIFT),
				      (end - start) << PAGE_SHIFT, details);
		tlb_finish_mmu(&tlb);
	}
}

/*
 * unmap_mapping_folio() - v7.1. Fidelity: same. The folio is locked, and in the cache. Once more before it is removed: it may have been mapped again since the
 * range was unmapped; a zap by somebody else has ended when it returns.
 */
void unmap_mapping_folio(struct folio *folio)
{
	struct address_space *mapping = folio_mapping(folio);
	struct zap_details details = { .single_folio = folio, .skip_cows = true, .zap_flags = ZAP_FLAG_DROP_MARKER };
	pgoff_t first = folio_pgoff(folio);

	VM_BUG_ON(!folio_test_locked(folio));
	i_mmap_lock_read(mapping);
	unmap_mapping_range_tree(mapping, first, first + (pgoff_t)folio_nr_pages(folio) - 1, &details);
	i_mmap_unlock_read(mapping);
}

/* unmap_mapping_pages() - v7.1. Fidelity: same. nr 0: up to the end. */
void unmap_mapping_pages(struct address_space *mapping, pgoff_t start, pgoff_t nr, bool even_cows)
{
	struct zap_details details = { .skip_cows = !even_cows };
	pgoff_t last = nr ? start + nr - 1 : ~0ul;

	i_mmap_lock_read(mapping);
	unmap_mapping_range_tree(mapping, start, last, &details);
	i_mmap_unlock_read(mapping);
}
