/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/memcontrol.h - which cgroup a folio is charged to, and so whose split queue it is on. */
#ifndef _LINUX_MEMCONTROL_H
#define _LINUX_MEMCONTROL_H

#include <linux/gfp_types.h>
#include <linux/mm_types.h>

bool mem_cgroup_disabled(void);
/* The caller holds a reference and the folio lock, or knows that nobody else can change it. NULL: none, or disabled. */
struct mem_cgroup *folio_memcg(struct folio *folio);
bool folio_memcg_charged(struct folio *folio);
struct mem_cgroup *parent_mem_cgroup(struct mem_cgroup *memcg);
/* False for NULL. The queue's lock, or RCU, is held. */
bool memcg_is_dying(struct mem_cgroup *memcg);
/* 0 or -ENOMEM. */
int mem_cgroup_charge(struct folio *folio, struct mm_struct *mm, gfp_t gfp);
void mem_cgroup_uncharge(struct folio *folio);
/* Old and new are locked, new is not charged; old has been unqueued, and keeps nothing. */
void mem_cgroup_migrate(struct folio *old, struct folio *new);
/* The folio becomes a swap entry: frozen. */
void mem_cgroup_swapout(struct folio *folio, swp_entry_t entry);
/* The parts of a split folio share its charge; the count of references on the cgroup is not modelled. */
void folio_split_memcg_refs(struct folio *folio, unsigned int old_order, unsigned int new_order);

#endif
