/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/percpu.h - per-CPU data is an array with an element for each lane; no points, only its CPU touches it. */
#ifndef _LINUX_PERCPU_H
#define _LINUX_PERCPU_H

#include <foliofuzz/kernel.h>

#define NR_CPUS KERN_CPUS
#define smp_processor_id() engine_cpu()
#define this_cpu_ptr(array) (&(array)[smp_processor_id()])
#define per_cpu_ptr(array, cpu) (&(array)[cpu])

#endif
