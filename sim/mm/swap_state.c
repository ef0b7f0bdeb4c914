// SPDX-License-Identifier: GPL-2.0-only
/*
 * swap_state.c - the swap cache and its device.
 */
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>


void swap_boot(void) { }
int folio_alloc_swap(struct folio *folio) { (void)folio; return -ENOMEM; }
int folio_dup_swap(struct folio *folio, struct page *subpage) { (void)folio; (void)subpage; return -ENOMEM; }
void folio_put_swap(struct folio *folio, struct page *subpage) { (void)folio; (void)subpage; }
bool folio_free_swap(struct folio *folio) { (void)folio; return false; }
void free_swap_cache(struct folio *folio) { (void)folio; }
int swap_dup_entry_direct(swp_entry_t entry) { (void)entry; return -ENOMEM; }
void swap_put_entries_direct(swp_entry_t entry, int nr) { (void)entry; (void)nr; }
struct folio *swap_cache_get_folio(swp_entry_t entry) { (void)entry; return NULL; }
bool swap_cache_has_folio(swp_entry_t e) { (void)e; return false; }
void swap_cache_del_folio(struct folio *folio) { (void)folio; }
struct swap_cluster_info *swap_cluster_get_and_lock(struct folio *folio) { (void)folio; return NULL; }
struct swap_cluster_info *swap_cluster_get_and_lock_irq(struct folio *folio) { (void)folio; return NULL; }
void swap_cluster_unlock(struct swap_cluster_info *ci) { (void)ci; }
void swap_cluster_unlock_irq(struct swap_cluster_info *ci) { (void)ci; }
void __swap_cache_del_folio(struct swap_cluster_info *ci, struct folio *f, swp_entry_t e, void *s) { (void)ci; (void)f; (void)e; (void)s; }
void __swap_cache_replace_folio(struct swap_cluster_info *ci, struct folio *o, struct folio *n) { (void)ci; (void)o; (void)n; }
struct swap_info_struct *get_swap_device(swp_entry_t entry) { (void)entry; return NULL; }
void put_swap_device(struct swap_info_struct *si) { (void)si; }
