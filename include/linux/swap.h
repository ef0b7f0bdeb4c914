/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/swap.h - the LRU. A folio gets on it through a batch of its CPU, which holds a reference until it is
 * drained; the LRU itself holds none.
 */
#ifndef _LINUX_SWAP_H
#define _LINUX_SWAP_H

#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/mmzone.h>

void folio_add_lru(struct folio *folio);
/* Of a locked VMA: the unevictable list, by the CPU's mlock batch. */
void folio_add_lru_vma(struct folio *folio, struct vm_area_struct *vma);
/* Anonymous and clean from here on: reclaim may drop it. By a batch of the CPU. */
void folio_mark_lazyfree(struct folio *folio);
void folio_deactivate(struct folio *folio);
void lru_add_drain(void);
/* Every CPU's batch; waits until each CPU can be preempted. */
void lru_add_drain_all(void);
/* True: off the LRU, and the caller has another reference. */
bool folio_isolate_lru(struct folio *folio);
void folio_putback_lru(struct folio *folio);

/*
 * ---- the swap cache and its device: swap_state.c, swapfile.c, page_io.c ----
 * Entries of one folio are a run of slots in one cluster; the cluster's lock covers table and counts. The folio lock covers
 * PG_swapcache and ->swap.
 */
int folio_alloc_swap(struct folio *folio);  /* into the cache, with nr references more; -ENOMEM: no slots */
int folio_dup_swap(struct folio *folio, struct page *subpage); /* one entry more, of each page if NULL */
void folio_put_swap(struct folio *folio, struct page *subpage);
bool folio_free_swap(struct folio *folio);  /* out of the cache, if no entry is left; locked */
void free_swap_cache(struct folio *folio);  /* the same, if it can be locked */
int swap_dup_entry_direct(swp_entry_t entry); /* fork */
void swap_put_entries_direct(swp_entry_t entry, int nr); /* zap */
struct folio *swap_cache_get_folio(swp_entry_t entry);  /* with a reference; lockless; look again under the lock */
bool swap_cache_has_folio(swp_entry_t entry);
void swap_cache_del_folio(struct folio *folio);
struct swap_cluster_info *swap_cluster_get_and_lock(struct folio *folio);
struct swap_cluster_info *swap_cluster_get_and_lock_irq(struct folio *folio);
void swap_cluster_unlock(struct swap_cluster_info *ci);
void swap_cluster_unlock_irq(struct swap_cluster_info *ci);
void __swap_cache_del_folio(struct swap_cluster_info *ci, struct folio *folio, swp_entry_t entry, void *shadow);
void __swap_cache_replace_folio(struct swap_cluster_info *ci, struct folio *old, struct folio *new);
struct swap_info_struct *get_swap_device(swp_entry_t entry); /* NULL: swapoff came first */
void put_swap_device(struct swap_info_struct *si);
/* memory_swap.c: the entry in vmf->orig_pte is not present, whatever its kind. mmap_lock or the VMA's lock is held. */
vm_fault_t do_swap_page(struct vm_fault *vmf);
/* vmscan.c: reclaims what it can of the list; the rest stays on it. Returns pages. */
unsigned int shrink_folio_list(struct list_head *folio_list, int nid);
unsigned int reclaim_pages(struct list_head *folio_list);
/* mlock.c, under the page table's lock and after the map count has changed. */
void mlock_vma_folio(struct folio *folio, struct vm_area_struct *vma);
void mlock_drain_local(void);
void munlock_vma_folio(struct folio *folio, struct vm_area_struct *vma);
void mlock_new_folio(struct folio *folio);
void mlock_drain_local(void);
void mlock_folio_batch(struct folio_batch *fbatch);
/* mlock(2), munlock(2): splits VMAs at the edges. Takes mmap_lock. -ENOMEM: holes, or too many VMAs. */
int do_mlock(struct mm_struct *mm, unsigned long start, unsigned long len, bool lock);
/* Not in the kernel: what a slot of the mlock batch points to. */
#define mlock_batch_folio(entry) ((struct folio *)((unsigned long)(entry) & ~3ul))
struct lruvec *folio_lruvec_lock(struct folio *folio);
struct lruvec *folio_lruvec_lock_irqsave(struct folio *folio, unsigned long *flags);
void lruvec_unlock(struct lruvec *lruvec);

#endif
