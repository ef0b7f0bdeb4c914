/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/memcontrol.h - which cgroup a folio is charged to, and so whose split queue it is on. */
#ifndef _LINUX_MEMCONTROL_H
#define _LINUX_MEMCONTROL_H

#include <linux/gfp_types.h>
#include <linux/mm_types.h>

struct folio_batch;

bool mem_cgroup_disabled(void);
bool mem_cgroup_is_root(struct mem_cgroup *memcg);
/*
 * The caller holds a reference and the folio lock, or knows that nobody else can change it. NULL: none, or disabled. From v7.1
 * on the cgroup may go at any time: under RCU.
 */
struct mem_cgroup *folio_memcg(struct folio *folio);
bool folio_memcg_charged(struct folio *folio);
struct mem_cgroup *parent_mem_cgroup(struct mem_cgroup *memcg);
/* False for NULL. The queue's lock, or RCU, is held. */
bool memcg_is_dying(struct mem_cgroup *memcg);
bool mem_cgroup_online(struct mem_cgroup *memcg);
/* 0 or -ENOMEM. */
int mem_cgroup_charge(struct folio *folio, struct mm_struct *mm, gfp_t gfp);
void mem_cgroup_uncharge(struct folio *folio);
void mem_cgroup_uncharge_folios(struct folio_batch *folios);
/* Old and new are locked, new is not charged; old has been unqueued, and keeps nothing. */
void mem_cgroup_migrate(struct folio *old, struct folio *new);
/* Old and new are locked; the new folio takes the old one's place in a file, and is charged besides it. */
/* The folio becomes a swap entry: frozen. */
void mem_cgroup_swapout(struct folio *folio, swp_entry_t entry);
/* The parts of a split folio share its charge; the caller copies memcg_data. */
void folio_split_memcg_refs(struct folio *folio, unsigned int old_order, unsigned int new_order);

/* ---- cgroup.c: cgroups come and go, and address spaces between them ---- */
void css_get_many(struct mem_cgroup *memcg, int nr);
#define css_get(memcg) css_get_many(memcg, 1)
/* False: its last reference has gone. RCU is held, or the number's slot may not change. */
bool css_tryget(struct mem_cgroup *memcg);
void css_put(struct mem_cgroup *memcg);
/* The online cgroup of that number, or the nearest ancestor of its place; with a reference. NULL: disabled. */
struct mem_cgroup *mem_cgroup_get_online(unsigned int id);
/* The online cgroup of that number, with a reference; NULL: none. */
struct mem_cgroup *mem_cgroup_tryget_id(unsigned int id);
int cgroup_mkdir(unsigned int id); /* -EEXIST, -ENOENT: no parent, -ENOMEM */
/* Its address spaces move to the parent. -ENOENT, -EBUSY: dying already, or has children. May sleep. */
int cgroup_rmdir(unsigned int id);
/* With its charges, in releases that move them. mm is pinned; may sleep. */
int cgroup_attach_mm(struct mm_struct *mm, unsigned int id);
void cgroups_boot(unsigned int memcgs);

/* memcontrol.c, for cgroup.c */
int mem_cgroup_css_alloc(struct mem_cgroup *memcg, bool boot);
void mem_cgroup_css_offline(struct mem_cgroup *memcg);
void mem_cgroup_free(struct mem_cgroup *memcg);
/* v6.8, v6.12: the charges of what mm maps. */
void mem_cgroup_move_charge(struct mm_struct *mm, struct mem_cgroup *from, struct mem_cgroup *to);
struct list_lru_memcg;
void list_lru_memcg_free_rcu(struct list_lru_memcg *mlru);

#endif
