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
#include <linux/pgtable.h>
#include <linux/swapops.h>

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
 * Entries of one folio are a run of slots in one cluster, aligned to its size; the cluster's lock covers table and counts. The folio
 * lock covers PG_swapcache and ->swap. What keeps a slot: a count, or a folio in the cache; what keeps the device: a slot in use that
 * cannot go (its folio is locked, or its entry's table), or get_swap_device().
 */
/* ->swap, under the folio lock. Its page's number beside a slot's: frame scanners look at the word. */
#define folio_swap_entry(folio) ((swp_entry_t){ assert_read((folio)->swap.val) })
#define folio_set_swap_entry(folio, entry) plain_write_racy((folio)->swap.val, (entry).val)
/* The slot of one page of a locked folio in the cache. (Its number is not the entry's lowest bits: do not add to .val.) */
#define folio_page_swap(folio, page) \
	swp_entry(swp_offset(folio_swap_entry(folio)) + folio_page_idx(folio, page))
int folio_alloc_swap(struct folio *folio);  /* into the cache, with nr references more; -ENOMEM: no slots; locked */
int folio_dup_swap(struct folio *folio, struct page *subpage); /* one entry more, of each page if NULL; locked */
void folio_put_swap(struct folio *folio, struct page *subpage); /* one less; the slots stay the cache's; locked */
bool folio_free_swap(struct folio *folio);  /* out of the cache, if no entry is left; locked */
void free_swap_cache(struct folio *folio);  /* the same, if it can be locked */
int swap_dup_entry_direct(swp_entry_t entry); /* fork; -ENOMEM: swap_retry_table_alloc() without locks, and again */
int swap_retry_table_alloc(swp_entry_t entry, gfp_t gfp);
void swap_put_entries_direct(swp_entry_t entry, int nr); /* zap */
int swap_pte_batch(pte_t *start_ptep, int max_nr, pte_t pte); /* so many entries name the next slots; their lock is held */
struct folio *swap_cache_get_folio(swp_entry_t entry);  /* with a reference; lockless; look again under the lock */
bool swap_cache_has_folio(swp_entry_t entry);
bool folio_matches_swap_entry(struct folio *folio, swp_entry_t entry); /* locked */
bool swap_entry_swapped(struct swap_info_struct *si, swp_entry_t entry); /* its count is not zero */
/*
 * The folio for a slot that is swapped out: the one in the cache, or a new one, locked, charged to mm, to be read by
 * swap_read_folio(). NULL: no memory, or nobody's slot any more.
 */
struct folio *swap_cache_alloc_folio(swp_entry_t entry, gfp_t gfp, struct mm_struct *mm, bool *new_page_allocated);
struct folio *swapin_folio(swp_entry_t entry, struct folio *folio); /* new and charged; what is in the cache now, NULL: raced */
struct folio *swapin_readahead(swp_entry_t entry, gfp_t gfp, struct vm_fault *vmf);
void __swap_cache_add_folio(struct swap_cluster_info *ci, struct folio *folio, swp_entry_t entry);
void swap_cache_del_folio(struct folio *folio);
void __swap_cluster_free_entries(struct swap_info_struct *si, struct swap_cluster_info *ci, unsigned int ci_start,
				 unsigned int nr_pages);
struct swap_cluster_info *swap_cluster_lock(struct swap_info_struct *si, unsigned long offset);
struct swap_cluster_info *swap_cluster_get_and_lock(struct folio *folio);
struct swap_cluster_info *swap_cluster_get_and_lock_irq(struct folio *folio);
void swap_cluster_unlock(struct swap_cluster_info *ci);
void swap_cluster_unlock_irq(struct swap_cluster_info *ci);
void __swap_cache_del_folio(struct swap_cluster_info *ci, struct folio *folio, swp_entry_t entry, void *shadow);
/* The slots from new->swap on lead to new; old and new are locked and flagged, new->swap is set. */
void __swap_cache_replace_folio(struct swap_cluster_info *ci, struct folio *old, struct folio *new);
unsigned long swap_table_get(struct swap_info_struct *si, unsigned long offset); /* one word, lockless */
struct swap_info_struct *get_swap_device(swp_entry_t entry); /* NULL: swapoff came first */
void put_swap_device(struct swap_info_struct *si);
bool vm_swap_full(void);
#define mem_cgroup_swap_full(folio) ((void)(folio), vm_swap_full())
/* Locked and in the cache, and unlocked afterwards; written under PG_writeback. 0. */
int swap_writeout(struct folio *folio);
void swap_read_folio(struct folio *folio); /* locked, new in the cache; unlocked afterwards */
int swapoff(void);
int swapon(bool synchronous);
/* shmem.c */
int shmem_unuse(void); /* everything of shared memory back from swap; 0, -ENOMEM */
int shmem_writeout(struct folio *folio, struct list_head *folio_list); /* unlocked afterwards; AOP_WRITEPAGE_ACTIVATE: still locked */
#define AOP_WRITEPAGE_ACTIVATE 0x80000
/* memory_swap.c: the entry in vmf->orig_pte is not present, whatever its kind. mmap_lock or the VMA's lock is held. */
vm_fault_t do_swap_page(struct vm_fault *vmf);
/* vmscan.c: isolated folios, of any node; what is not reclaimed goes back to the LRU. */
unsigned int reclaim_pages(struct list_head *folio_list);
/* kswapd: one pass over the node's LRU. Returns pages. */
unsigned long shrink_lruvec(int nid, unsigned long nr_to_scan);
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

/* swap.c: puts a batch of references, and once in the batch's life drains the CPU's own batches, which may have references to what goes. */
void __folio_batch_release(struct folio_batch *fbatch);
void folio_batch_remove_exceptionals(struct folio_batch *fbatch);
static inline void folio_batch_release(struct folio_batch *fbatch)
{
	if (folio_batch_count(fbatch))
		__folio_batch_release(fbatch);
}

#endif
