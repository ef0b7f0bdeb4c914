// SPDX-License-Identifier: GPL-2.0-only
/*
 * gup.c - references and pins to user pages.
 */
#include <linux/gup.h>
#include <linux/mm.h>


