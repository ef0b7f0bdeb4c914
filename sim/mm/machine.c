// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.c - boot: the memory map, the nodes, the cgroups. Not a kernel file; stands for mm_init.c.
 *
 * A reboot re-initialises what the last execution touched: pages below each zone's untouched mark, and the small
 * rest as a whole.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mmzone.h>
#include <linux/rmap.h>
#include <string.h>

__reboot size_t machine_size(void)
{
	return sizeof(struct machine_state);
}

static __reboot void pages_reset(unsigned int first, unsigned int end)
{
	memset(&machine->memmap[first], 0, (end - first) * sizeof(struct page));
	memset(&machine->content[first], 0, (end - first) * sizeof(u64));
	for (unsigned int pfn = first; pfn < end; pfn++)
		machine->memmap[pfn]._mapcount.counter = -1;
}

static void list_boot(struct list_head *list)
{
	list->next = list->prev = list;
}

static void queue_boot(struct deferred_split *queue)
{
	spin_lock_init(&queue->split_queue_lock);
	list_boot(&queue->split_queue);
	queue->split_queue_len = 0;
}

static __reboot void node_boot(int nid)
{
	struct pglist_data *node = &machine->nodes[nid];
	struct zone *zone = &node->zone;
	unsigned int start = (unsigned int)nid * NODE_PAGES;

	if (!zone->end) /* the first boot of this process */
		zone->untouched = (u16)(start + NODE_PAGES);
	pages_reset(start, zone->untouched);
	spin_lock_init(&zone->lock);
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		zone->free_head[order] = -1;
	zone->untouched = (u16)start;
	zone->end = (u16)(start + NODE_PAGES);
	zone->nr_free = NODE_PAGES;
	spin_lock_init(&node->lruvec.lru_lock);
	list_boot(&node->lruvec.list);
	queue_boot(&node->deferred_split_queue);
	list_lru_one_init(&node->deferred_split_lru);
	memset(node->vm_stat, 0, sizeof(node->vm_stat));
}

/* The block of pfn 0 holds the zero page and is nobody's. */
static void reserve_zero_page(void)
{
	struct zone *zone = &machine->nodes[0].zone;

	zone->untouched = HPAGE_PMD_NR;
	zone->nr_free -= HPAGE_PMD_NR;
	machine->memmap[ZERO_PFN].flags = BIT(PG_reserved);
	machine->memmap[ZERO_PFN]._refcount.counter = 1;
}

void machine_boot(const struct machine_config *config)
{
	machine->config = *config;
	for (int nid = 0; nid < NR_NODES; nid++)
		node_boot(nid);
	reserve_zero_page();
	cgroups_boot(config->memcgs);
	memset(machine->mthp_stat, 0, sizeof(machine->mthp_stat));
	memset(machine->userfault_waits, 0, sizeof(machine->userfault_waits));
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		machine->lru_add[cpu].nr = machine->lru_lazyfree[cpu].nr = machine->lru_deactivate[cpu].nr =
			machine->mlock_batch[cpu].nr = 0;
	mutex_init(&machine->lru_drain_lock);
	machine->lru_drain_gen = 0;
	mutex_init(&machine->mf_mutex);
	machine->hw_memory_failure = false;
	memset(machine->mf_kept, 0, sizeof(machine->mf_kept));
	spin_lock_init(&machine->mmlist_lock);
	memset(machine->mms, 0, sizeof(machine->mms));
	memset(machine->refs, 0, sizeof(machine->refs));
	memset(machine->refs_pinned, 0, sizeof(machine->refs_pinned));
	machine->mm_ids.counter = 0;
	list_boot(&machine->mmlist);
	machine->huge_zero_folio = NULL;
	machine->huge_zero_pfn = ~0ul;
	machine->huge_zero_refcount.counter = 0;
	spin_lock_init(&machine->huge_zero_lock);
	tlb_boot();
	files_boot();
	folio_wait_boot();
	swap_boot();
	device_boot();
	kmem_cache_init(&machine->mm_cache, "mm_struct", sizeof(struct mm_struct), 0);
	kmem_cache_init(&machine->vma_cache, "vm_area_struct", sizeof(struct vm_area_struct), SLAB_TYPESAFE_BY_RCU);
	kmem_cache_init(&machine->anon_vma_cache, "anon_vma", sizeof(struct anon_vma), SLAB_TYPESAFE_BY_RCU);
	kmem_cache_init(&machine->anon_vma_chain_cache, "anon_vma_chain", sizeof(struct anon_vma_chain), 0);
	kmem_cache_init(&machine->ptdesc_cache, "page table", sizeof(struct ptdesc), 0);
	kmem_cache_init(&machine->swap_table_cache, "swap table", sizeof(struct swap_table), 0);
	kmem_cache_init(&machine->swap_extend_table_cache, "swap extend table", sizeof(struct swap_extend_table), 0);
	kmem_cache_init(&machine->mmu_notifier_cache, "mmu_notifier", sizeof(struct mmu_notifier_subscription), 0);
	kmem_cache_init(&machine->radix_tree_node_cache, "radix_tree_node", 64, 0);
}
