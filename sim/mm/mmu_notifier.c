// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmu_notifier.c - telling the device.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>


void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range) { (void)range; }
void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range) { (void)range; }
