/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 16: at quiescence a swap slot's count is the number of swap entries that name it, in the page tables of every mm and in shared
 * memory's page cache; a slot's word leads to a folio exactly if that folio is in the swap cache with that slot; a slot is in use
 * if it is counted or cached; and who has swap entries is on swapoff's list. At the end no slot is in use.
 */
#include "oracle_internal.h"
#include <linux/swapops.h>
#include <linux/xarray.h>
#include <string.h>

static bool wrong(const char *invariant, const char *when, unsigned slot, long is, long should)
{
	engine_report(VERDICT_BAD_STATE, invariant, when, NULL, "slot %u: %ld, and should be %ld", slot, is, should);
	return false;
}

/* NULL: the device is not there. */
static const struct swap_cluster_info *cluster_of(unsigned slot)
{
	const struct swap_cluster_info *clusters = machine->swap_info.cluster_info;

	return clusters ? &clusters[slot / SWAPFILE_CLUSTER] : NULL;
}

static unsigned long word_of(unsigned slot)
{
	const struct swap_cluster_info *ci = cluster_of(slot);
	const struct swap_table *table = ci ? ci->table : NULL;

	return table ? (unsigned long)table->entries[slot % SWAPFILE_CLUSTER].counter : 0;
}

static long count_of(unsigned slot)
{
	const struct swap_cluster_info *ci = cluster_of(slot);
	const struct swap_extend_table *extend = ci ? ci->extend_table : NULL;
	int count = swp_tb_get_count(word_of(slot));

	return count == SWP_TB_COUNT_MAX && extend ? (long)extend->count[slot % SWAPFILE_CLUSTER] : count;
}

/* True: the mm has swap entries. */
static bool count_mm(u16 *entries, const struct mm_struct *mm)
{
	bool any = false;

	for (unsigned i = 0; i < PTRS_PER_PMD; i++) {
		const struct ptdesc *table;

		if (!pmd_is_table(mm->pmds[i]))
			continue;
		table = pmd_ptdesc(mm->pmds[i]);
		for (unsigned j = 0; j < PTRS_PER_PTE; j++) {
			softleaf_t entry = softleaf_from_pte(table->ptes[j]);

			if (!softleaf_is_swap(entry))
				continue;
			any = true;
			if (swp_offset(entry) < NR_SWAP_SLOTS)
				entries[swp_offset(entry)]++;
		}
	}
	return any;
}

/* A value is the first slot of a run: the slots behind it in the cache are its siblings. */
static void count_shmem(u16 *entries, const struct address_space *mapping)
{
	for (unsigned i = 0; i < FILE_PAGES; i++) {
		unsigned long v = (unsigned long)mapping->i_pages.slots[i];
		unsigned first = i;

		if ((v & 3) == 2) {
			first = (unsigned)(v >> 2);
			v = (unsigned long)mapping->i_pages.slots[first];
		}
		if (xa_is_value((void *)v) && xa_to_value((void *)v) + i - first < NR_SWAP_SLOTS)
			entries[xa_to_value((void *)v) + i - first]++;
	}
}

/* On the list that swapoff goes through: linked alone says little, for two mms may be linked with each other only. */
static bool on_mmlist(const struct mm_struct *mm)
{
	const struct list_head *p = machine->mmlist.next;

	for (unsigned i = 0; i < NR_MMS && p && p != &machine->mmlist; i++, p = p->next)
		if (p == &mm->mmlist)
			return true;
	return false;
}

static bool check_slot(unsigned slot, long entries)
{
	unsigned long word = word_of(slot);
	u32 pfn, head;

	if (count_of(slot) != entries)
		return wrong("swap count", "quiescence", slot, count_of(slot), entries);
	if (!swp_tb_is_folio(word)) {
		if (word && !entries)
			return wrong("slot in use without a user", "quiescence", slot, (long)word, 0);
		return true;
	}
	/* in the table of a large folio's slots stands the head, for all of them */
	pfn = (u32)swp_tb_to_pfn(word);
	head = pfn < NR_PAGES ? oracle_head_of(pfn) : pfn;
	if (pfn >= NR_PAGES || head != pfn || !oracle.pages[pfn].allocated || !oracle_in_swapcache(oracle_folio(pfn)))
		return wrong("slot leads to a folio that is not in the swap cache", "quiescence", slot, pfn, 0);
	if (swp_offset(oracle_folio(pfn)->swap) != (slot & ~((1u << oracle_order(oracle_folio(pfn))) - 1)))
		return wrong("slot leads to a folio that has another", "quiescence", slot, pfn, 0);
	return true;
}

static bool check_clusters(void)
{
	long inuse = 0;

	for (unsigned i = 0; i < NR_SWAP_CLUSTERS && machine->swap_info.cluster_info; i++) {
		const struct swap_cluster_info *ci = &machine->swap_info.cluster_info[i];
		long used = 0;

		for (unsigned j = 0; j < SWAPFILE_CLUSTER; j++)
			used += word_of(i * SWAPFILE_CLUSTER + j) != 0;
		if (ci->count != used || (!used && ci->table))
			return wrong("slots in use in a cluster", "quiescence", i, ci->count, used);
		inuse += used;
	}
	if (machine->swap_info.inuse_pages.counter != inuse)
		return wrong("slots in use", "quiescence", 0, machine->swap_info.inuse_pages.counter, inuse);
	return true;
}

/* A folio in the cache has all its slots. */
static bool check_folio(u32 head)
{
	const struct folio *folio = oracle_folio(head);
	unsigned long first = swp_offset(folio->swap);

	if (!oracle_in_swapcache(folio))
		return true;
	for (unsigned long i = 0; i < 1ul << oracle_order(folio); i++)
		if (first + i >= NR_SWAP_SLOTS || !swp_tb_is_folio(word_of((unsigned)(first + i))) ||
		    swp_tb_to_pfn(word_of((unsigned)(first + i))) != head)
			return wrong("folio in the swap cache without its slot", "quiescence", (unsigned)(first + i), 0, head);
	return true;
}

bool swap_slot_quiescent(void)
{
	u16 entries[NR_SWAP_SLOTS];

	memset(entries, 0, sizeof(entries));
	for (unsigned i = 0; i < NR_MMS; i++) {
		const struct mm_struct *mm = machine->mms[i];

		if (mm && count_mm(entries, mm) && !on_mmlist(mm))
			return wrong("address space that swapoff does not find", "quiescence", i, 0, 1);
	}
	for (unsigned i = 0; i < NR_FILES; i++)
		if (machine->inodes[i].shmem)
			count_shmem(entries, &machine->mappings[i]);
	for (unsigned slot = 0; slot < NR_SWAP_SLOTS; slot++)
		if (!check_slot(slot, entries[slot]))
			return false;
	for_each_touched_pfn(pfn)
		if (pfn < NR_PAGES && oracle.pages[pfn].allocated && oracle_head_of(pfn) == pfn && !check_folio(pfn))
			return false;
	return check_clusters();
}

bool swap_slot_end(void)
{
	long inuse = machine->swap_info.inuse_pages.counter;

	return !inuse || wrong("swap slot leaked", "teardown", 0, inuse, 0);
}
