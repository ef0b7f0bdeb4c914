// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_hmm.c - the driver of the simulated device, after lib/test_hmm.c: memory of its own, migration there and back, eviction, and a
 * mirror of each address space that it works for.
 *
 * The content of a device page is that page's own word; the kernel's test driver keeps it in a page of the system. The mirror is filled by
 * device faults only, under the sequence count's rule, and by exclusive access; a migration does not fill it.
 */
#include <linux/err.h>
#include <linux/fault.h>
#include <linux/gfp.h>
#include <linux/hmm.h>
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <foliofuzz/bug.h>

#define CHUNK HPAGE_PMD_NR /* entries of one call: a PMD's worth, aligned or not */
#define RUNS (NR_DEVICE_PAGES / HPAGE_PMD_NR)
#define FAULT_TRIES 8
#define EVICT_ROUNDS 4

/* ---- the device's memory ---- */

/* First page of `nr` free ones, naturally aligned; -1: none. The lock is held. */
static int find_free(const struct dmirror_device *mdevice, int nr)
{
	for (int first = 0; first < NR_DEVICE_PAGES; first += nr) {
		int i = 0;

		while (i < nr && !mdevice->busy[first + i])
			i++;
		if (i == nr)
			return first;
	}
	return -1;
}

/* dmirror_devmem_alloc_page() - v7.1, lib/test_hmm.c. Fidelity: adapted: no second page behind it. NULL: none free, or injected. Locked. */
static struct page *dmirror_devmem_alloc_page(bool is_large)
{
	struct dmirror_device *mdevice = &machine->dmirror;
	unsigned int order = is_large ? HPAGE_PMD_ORDER : 0;
	struct page *dpage;
	int first;

	if (alloc_should_fail(GFP_KERNEL))
		return NULL;
	spin_lock(&mdevice->devmem_lock);
	first = mdevice->removing ? -1 : find_free(mdevice, 1 << order);
	for (int i = 0; first >= 0 && i < 1 << order; i++)
		mdevice->busy[first + i] = true;
	if (first >= 0)
		mdevice->calloc += 1ul << order;
	if (first >= 0 && mdevice->touched < first + (1 << order))
		mdevice->touched = (u16)(first + (1 << order));
	spin_unlock(&mdevice->devmem_lock);
	if (first < 0)
		return NULL;
	dpage = pfn_to_page(NR_PAGES + (unsigned long)first);
	zone_device_folio_init((struct folio *)dpage, &machine->pgmap, order);
	return dpage;
}

/* dmirror_devmem_free() - v7.1, lib/test_hmm.c. Fidelity: adapted: as above. Any context; from here on the pages can be handed out again. */
static void dmirror_devmem_free(struct folio *folio)
{
	struct dmirror_device *mdevice = &machine->dmirror;
	unsigned long first = folio_pfn(folio) - NR_PAGES;
	unsigned int nr = 1u << folio_order(folio);

	spin_lock(&mdevice->devmem_lock);
	for (unsigned int i = 0; i < nr; i++) {
		VM_WARN_ON(!mdevice->busy[first + i]);
		mdevice->busy[first + i] = false;
	}
	mdevice->cfree += nr;
	spin_unlock(&mdevice->devmem_lock);
}

/* dmirror_devmem_folio_split() - v7.1, lib/test_hmm.c. Fidelity: same, no second page. The folio is frozen, and so is the part. */
static void dmirror_devmem_folio_split(struct folio *head, struct folio *tail)
{
	if (!tail)
		return;
	plain_write_racy(tail->mapping, plain_read(head->mapping));
	plain_write_racy(tail->pgmap, plain_read(head->pgmap));
	if (bug_enabled(pgmap_ref_not_scaled_on_split))
		atomic_inc(&machine->pgmap.ref);
}

/* ---- copying ---- */

/* copy_highpage(), clear_highpage() - v7.1. The destination is nobody's yet; the source is locked and unmapped, or there is none. */
static void dmirror_copy(struct page *dst, struct page *src)
{
	u64 *from = src ? &machine->content[page_to_pfn(src)] : NULL;
	u64 token = 0;

	if (src) {
		engine_point(SITE("copy_highpage", "", "src"), from, EVENT_CONTENT_READ);
		token = access_load(from, __ATOMIC_RELAXED);
	}
	access_store(&machine->content[page_to_pfn(dst)], token, __ATOMIC_RELAXED);
}

/* The driver does not read what is known to be broken: such a page stays where it is. */
static bool any_poisoned(struct page *page, unsigned long nr)
{
	for (unsigned long i = 0; page && i < nr; i++)
		if (PageHWPoison(page + i))
			return true;
	return false;
}

/* Undoes what was given out for a run of small destinations. */
static void drop_destinations(unsigned long *dst, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++) {
		struct folio *folio = page_folio(migrate_pfn_to_page(dst[i]));

		dst[i] = 0;
		folio_unlock(folio);
		folio_put(folio);
	}
}

/* A page of the system for a device page, locked. */
static struct page *alloc_system_page(struct vm_area_struct *vma, unsigned long addr, unsigned int order)
{
	gfp_t gfp = order ? GFP_TRANSHUGE : GFP_KERNEL;
	struct folio *folio = vma ? vma_alloc_folio(gfp, order, vma, addr) : folio_alloc_node(gfp, order, 0);

	if (!folio)
		return NULL;
	folio_lock_new(folio);
	return &folio->page;
}

static struct page *alloc_destination(struct migrate_vma *args, unsigned long i, bool to_device, bool is_large)
{
	if (to_device)
		return dmirror_devmem_alloc_page(is_large);
	return alloc_system_page(args->vma, args->start + i * PAGE_SIZE, is_large ? HPAGE_PMD_ORDER : 0);
}

/*
 * A destination for the entry at i, or for all pages of a huge one: huge too, or, if there is none, small ones for all of it, or none
 * at all. Returns how many entries it had; *failed: there was no memory.
 */
static unsigned long alloc_and_copy_one(struct migrate_vma *args, unsigned long i, bool to_device, bool *failed)
{
	unsigned long *dst = args->dst + i, src = args->src[i];
	unsigned long nr = src & MIGRATE_PFN_COMPOUND ? HPAGE_PMD_NR : 1;
	unsigned long write = src & MIGRATE_PFN_WRITE;
	struct page *spage = migrate_pfn_to_page(src), *dpage;

	if (any_poisoned(spage, nr))
		return nr;
	if (nr > 1) {
		dpage = alloc_destination(args, i, to_device, true);
		if (dpage) {
			dst[0] = migrate_pfn(page_to_pfn(dpage)) | write | MIGRATE_PFN_COMPOUND;
			for (unsigned long j = 0; j < nr; j++)
				dmirror_copy(dpage + j, spage ? spage + j : NULL);
			return nr;
		}
	}
	for (unsigned long j = 0; j < nr; j++) {
		dpage = alloc_destination(args, i + j, to_device, false);
		if (!dpage) {
			drop_destinations(dst, j);
			*failed = true;
			return nr;
		}
		dst[j] = migrate_pfn(page_to_pfn(dpage)) | write;
		dmirror_copy(dpage, spage ? spage + j : NULL);
	}
	return nr;
}

/* dmirror_migrate_alloc_and_copy(), dmirror_devmem_fault_alloc_and_copy() - v7.1, lib/test_hmm.c. Fidelity: adapted: as above. */
static bool dmirror_alloc_and_copy(struct migrate_vma *args, bool to_device)
{
	bool failed = false;

	for (unsigned long i = 0; i < args->npages;) {
		unsigned long src = args->src[i];

		if (!(src & MIGRATE_PFN_MIGRATE) || (!to_device && !(src & MIGRATE_PFN_VALID))) {
			i++;
			continue;
		}
		i += alloc_and_copy_one(args, i, to_device, &failed);
	}
	return !failed;
}

/* ---- migration of a process's memory ---- */

/* Setup to finalize, for one call's worth. Pages that went, or an error. mmap_lock is held for reading. */
static int migrate_chunk(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long flags,
			 struct page *fault_page, bool *no_memory)
{
	unsigned long src[CHUNK], dst[CHUNK];
	struct migrate_vma args = {
		.vma = vma, .src = src, .dst = dst, .start = start, .end = end,
		.pgmap_owner = machine->pgmap.owner, .flags = flags, .fault_page = fault_page,
	};
	int moved = 0, ret = migrate_vma_setup(&args);

	if (ret)
		return ret;
	*no_memory = !dmirror_alloc_and_copy(&args, flags & MIGRATE_VMA_SELECT_SYSTEM);
	migrate_vma_pages(&args);
	for (unsigned long i = 0; i < args.npages; i++)
		moved += !!(src[i] & MIGRATE_PFN_MIGRATE);
	migrate_vma_finalize(&args);
	return moved;
}

/* dmirror_migrate_to_device(), dmirror_migrate_to_system() - v7.1, lib/test_hmm.c. Fidelity: same: what the VMAs of the range allow. */
static int migrate_range(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long flags)
{
	unsigned long end = addr + len, next;
	int moved = 0;

	mmap_read_lock(mm);
	for (; addr < end; addr = next) {
		struct vm_area_struct *vma = vma_lookup(mm, addr);
		bool no_memory;
		int ret;

		next = addr + PAGE_SIZE;
		if (!vma)
			continue;
		next = addr + CHUNK * PAGE_SIZE;
		if (next > end)
			next = end;
		if (next > vma->vm_end)
			next = vma->vm_end;
		ret = migrate_chunk(vma, addr, next, flags, NULL, &no_memory);
		if (ret > 0)
			moved += ret;
	}
	mmap_read_unlock(mm);
	return moved;
}

/* Device memory is huge from v6.19 on. */
int dmirror_migrate_to_device(struct mm_struct *mm, unsigned long addr, unsigned long len, bool large)
{
	if (!generation_at_least(GENERATION_V6_19))
		large = false;
	return migrate_range(mm, addr, len, MIGRATE_VMA_SELECT_SYSTEM | (large ? MIGRATE_VMA_SELECT_COMPOUND : 0));
}

int dmirror_migrate_to_system(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	return migrate_range(mm, addr, len, MIGRATE_VMA_SELECT_DEVICE_PRIVATE | MIGRATE_VMA_SELECT_COMPOUND);
}

/*
 * dmirror_devmem_fault() - v7.1, lib/test_hmm.c. Fidelity: adapted: where there is no memory what was collected is put back; the kernel's test driver
 * leaves it as it is. The page is locked and has a reference. A fault on a PTE asks for that page alone: the folio may be
 * large, and mapped elsewhere by other entries.
 */
static vm_fault_t dmirror_devmem_fault(struct vm_fault *vmf)
{
	unsigned int order = vmf->pte ? 0 : folio_order(page_folio(vmf->page));
	unsigned long start = vmf->address & ~((PAGE_SIZE << order) - 1);
	unsigned long flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE | (order ? MIGRATE_VMA_SELECT_COMPOUND : 0);
	/* where nobody has locked it for the fault there is no such page to tell of */
	struct page *fault_page = bug_enabled(seed2_fault_devpriv_pmd_without_ref) && !vmf->pte ? NULL : vmf->page;
	bool no_memory;

	device_fault_note(vmf->page);
	if (migrate_chunk(vmf->vma, start, start + (PAGE_SIZE << order), flags, fault_page, &no_memory) < 0)
		return VM_FAULT_SIGBUS;
	return no_memory ? VM_FAULT_OOM : 0;
}

static const struct dev_pagemap_ops dmirror_devmem_ops = {
	.folio_free = dmirror_devmem_free,
	.migrate_to_ram = dmirror_devmem_fault,
	.folio_split = dmirror_devmem_folio_split,
};

/* ---- eviction, removal ---- */

/*
 * dmirror_device_evict_chunk() - v7.1, lib/test_hmm.c. Fidelity: adapted: a run at a time; a huge page stays if there is no huge one for it, where the
 * kernel's test driver would crash. The device's mutex is held. Pages are found by number: locked by others, they stay.
 */
static void evict_run(unsigned int run)
{
	unsigned long src[CHUNK], dst[CHUNK] = { 0 };

	migrate_device_range(src, NR_PAGES + run * (unsigned long)CHUNK, CHUNK);
	for (unsigned long i = 0; i < CHUNK; i++) {
		struct page *spage = migrate_pfn_to_page(src[i]), *dpage;
		unsigned int order;

		if (!spage || !(src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		order = folio_order(page_folio(spage));
		dpage = alloc_system_page(NULL, 0, order);
		if (!dpage)
			continue;
		dst[i] = migrate_pfn(page_to_pfn(dpage)) | (order ? MIGRATE_PFN_COMPOUND : 0);
		for (unsigned int j = 0; j < 1u << order; j++)
			dmirror_copy(dpage + j, spage + j);
	}
	migrate_device_pages(src, dst, CHUNK);
	migrate_device_finalize(src, dst, CHUNK);
}

int dmirror_evict(unsigned int run)
{
	struct dmirror_device *mdevice = &machine->dmirror;

	mutex_lock(&mdevice->evict_mutex);
	evict_run(run % RUNS);
	mutex_unlock(&mdevice->evict_mutex);
	return 0;
}

int dmirror_evict_all(void)
{
	struct dmirror_device *mdevice = &machine->dmirror;

	mutex_lock(&mdevice->evict_mutex);
	for (unsigned int run = 0; run < RUNS; run++)
		evict_run(run);
	mutex_unlock(&mdevice->evict_mutex);
	return 0;
}

static bool dmirror_empty(struct dmirror_device *mdevice)
{
	bool empty;

	spin_lock(&mdevice->devmem_lock);
	empty = mdevice->calloc == mdevice->cfree;
	spin_unlock(&mdevice->devmem_lock);
	return empty;
}

static void dmirror_set_removing(struct dmirror_device *mdevice, bool removing)
{
	spin_lock(&mdevice->devmem_lock);
	mdevice->removing = removing;
	spin_unlock(&mdevice->devmem_lock);
}

/*
 * dmirror_device_remove_chunks() - v7.1, lib/test_hmm.c. Fidelity: adapted: gives up, and stays, if pages cannot be evicted: there may be no memory for
 * them. Nothing is given out once it has begun, so that the last page to come back is the last.
 */
int dmirror_remove(void)
{
	struct dmirror_device *mdevice = &machine->dmirror;
	int err = -EBUSY;

	mutex_lock(&mdevice->evict_mutex);
	if (machine->pgmap.dead) {
		mutex_unlock(&mdevice->evict_mutex);
		return -ENOENT;
	}
	dmirror_set_removing(mdevice, true);
	if (bug_enabled(device_owner_freed_before_pages))
		err = 0;
	for (int i = 0; i < EVICT_ROUNDS && err; i++) {
		for (unsigned int run = 0; run < RUNS; run++)
			evict_run(run);
		if (dmirror_empty(mdevice))
			err = 0;
		else
			cpu_relax();
	}
	if (!err)
		memunmap_pages(&machine->pgmap);
	else
		dmirror_set_removing(mdevice, false);
	mutex_unlock(&mdevice->evict_mutex);
	return err;
}

/* memremap_pages() - v7.1. Fidelity: adapted: the struct pages are as they were left. */
int dmirror_probe(void)
{
	struct dmirror_device *mdevice = &machine->dmirror;
	int err = -EEXIST;

	mutex_lock(&mdevice->evict_mutex);
	if (machine->pgmap.dead) {
		atomic_set(&machine->pgmap.ref, 1);
		WRITE_ONCE(machine->pgmap.dead, false);
		dmirror_set_removing(mdevice, false);
		err = 0;
	}
	mutex_unlock(&mdevice->evict_mutex);
	return err;
}

/* Boot. Nobody runs yet. */
__reboot void dmirror_boot(void)
{
	struct dmirror_device *mdevice = &machine->dmirror;

	spin_lock_init(&mdevice->devmem_lock);
	mutex_init(&mdevice->evict_mutex);
	mdevice->removing = false;
	mdevice->calloc = mdevice->cfree = 0;
	for (unsigned int i = 0; i < (mdevice->booted ? mdevice->touched : NR_DEVICE_PAGES); i++) {
		machine->memmap[NR_PAGES + i] = (struct page){ ._mapcount.counter = -1 };
		machine->content[NR_PAGES + i] = 0;
		mdevice->busy[i] = false;
	}
	mdevice->touched = 0;
	mdevice->booted = true;
	machine->pgmap.ops = &dmirror_devmem_ops;
}

/* ---- the mirror ---- */

/* dmirror_fops_open() - v7.1, lib/test_hmm.c. Fidelity: same. The caller is a user of mm. */
struct mmu_notifier_subscription *dmirror_of(struct mm_struct *mm)
{
	if (mmu_notifier_register(mm))
		return NULL;
	return access_load(&mm->notifier_subscriptions, __ATOMIC_ACQUIRE);
}

/*
 * dmirror_range_fault(), dmirror_do_fault() - v7.1, lib/test_hmm.c. Fidelity: same, one page, a few tries. Count, look, mutex, count again: with the
 * mutex held nothing can be invalidated, and if nothing has been since the first look at the count, what was seen is still so.
 */
int dmirror_fault(struct mmu_notifier_subscription *mirror, unsigned long addr, bool write)
{
	struct mm_struct *mm = mirror->mm;

	for (int i = 0; i < FAULT_TRIES; i++) {
		unsigned long seq = mmu_interval_read_begin(mirror), hmm_pfn;
		int ret;

		mmap_read_lock(mm);
		ret = hmm_range_fault(mm, addr, write, machine->pgmap.owner, &hmm_pfn);
		mmap_read_unlock(mm);
		if (ret == -EBUSY)
			continue;
		if (ret)
			return ret;
		mutex_lock(&mirror->mirror_mutex);
		if (!mmu_interval_read_retry(mirror, seq)) {
			mirror->pt[addr >> PAGE_SHIFT] =
				(hmm_pfn & ~(HMM_PFN_VALID | HMM_PFN_WRITE)) << DPT_PFN_SHIFT | DPT_VALID |
				(hmm_pfn & HMM_PFN_WRITE ? DPT_WRITE : 0);
			mutex_unlock(&mirror->mirror_mutex);
			return 0;
		}
		mutex_unlock(&mirror->mirror_mutex);
	}
	return -EBUSY;
}

/*
 * dmirror_exclusive(), dmirror_atomic_map() - v7.1, lib/test_hmm.c. Fidelity: adapted: one page, and by the sequence count, which the kernel's test driver
 * leaves out: with the folio lock alone a zap could take the entry away before the device has its own. The caller is a user of mm.
 */
int dmirror_exclusive(struct mm_struct *mm, unsigned long addr)
{
	struct mmu_notifier_subscription *mirror = dmirror_of(mm);

	if (!mirror)
		return -ENOMEM;
	for (int i = 0; i < FAULT_TRIES; i++) {
		unsigned long seq = mmu_interval_read_begin(mirror);
		struct folio *folio;
		struct page *page;
		bool stale;

		mmap_read_lock(mm);
		page = make_device_exclusive(mm, addr, machine->pgmap.owner, &folio);
		if (IS_ERR(page)) {
			mmap_read_unlock(mm);
			return (int)PTR_ERR(page);
		}
		mutex_lock(&mirror->mirror_mutex);
		stale = mmu_interval_read_retry(mirror, seq);
		if (!stale)
			mirror->pt[addr >> PAGE_SHIFT] = page_to_pfn(page) << DPT_PFN_SHIFT | DPT_VALID | DPT_WRITE |
							 DPT_ATOMIC;
		mutex_unlock(&mirror->mirror_mutex);
		folio_unlock(folio);
		folio_put(folio);
		mmap_read_unlock(mm);
		if (!stale)
			return 0;
	}
	return -EBUSY;
}
