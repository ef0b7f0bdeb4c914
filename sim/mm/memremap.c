// SPDX-License-Identifier: GPL-2.0-only
/*
 * memremap.c - device memory: its pages and their life.
 */
#include <linux/mm.h>
#include <linux/memremap.h>


void device_boot(void) { }
void free_zone_device_folio(struct folio *folio) { (void)folio; }
void zone_device_folio_init(struct folio *folio, struct dev_pagemap *pgmap, unsigned int order) { (void)folio; (void)pgmap; (void)order; }
