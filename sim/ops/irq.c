// SPDX-License-Identifier: GPL-2.0-only
/* What an interrupt handler does to folios: it may drop the last reference, as the end of an I/O does. */
#include "ops_internal.h"
#include <linux/irqflags.h>

int op_irq_put(const u8 *args)
{
	unsigned int kind;
	struct page *page = take_ref(args[0], &kind);
	bool dropped;

	if (!page)
		return -ENOENT;
	irq_enter();
	dropped = drop_ref_in_irq(page, kind);
	irq_exit();
	if (!dropped)
		drop_ref(page, kind);
	return 0;
}
