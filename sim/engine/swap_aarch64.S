/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * void fiber_swap(void **save_sp, void *load_sp)
 *
 * Keeps x19-x30 and d8-d15, as AAPCS64 asks of a callee. fiber_stack_init() lays out a new stack in the same
 * order: x19 holds fiber_entry()'s argument, x30 the address of fiber_start.
 */
#if defined(__aarch64__)
	.text
	.globl fiber_swap
	.type fiber_swap, %function
	.p2align 4
fiber_swap:
	sub sp, sp, #160
	stp x19, x20, [sp, #0]
	stp x21, x22, [sp, #16]
	stp x23, x24, [sp, #32]
	stp x25, x26, [sp, #48]
	stp x27, x28, [sp, #64]
	stp x29, x30, [sp, #80]
	stp d8, d9, [sp, #96]
	stp d10, d11, [sp, #112]
	stp d12, d13, [sp, #128]
	stp d14, d15, [sp, #144]
	mov x9, sp
	str x9, [x0]
	mov sp, x1
	ldp x19, x20, [sp, #0]
	ldp x21, x22, [sp, #16]
	ldp x23, x24, [sp, #32]
	ldp x25, x26, [sp, #48]
	ldp x27, x28, [sp, #64]
	ldp x29, x30, [sp, #80]
	ldp d8, d9, [sp, #96]
	ldp d10, d11, [sp, #112]
	ldp d12, d13, [sp, #128]
	ldp d14, d15, [sp, #144]
	add sp, sp, #160
	ret
	.size fiber_swap, .-fiber_swap

	.globl fiber_start
	.type fiber_start, %function
fiber_start:
	mov x29, xzr
	mov x0, x19
	bl fiber_entry
	brk #1
	.size fiber_start, .-fiber_start
#endif
	.section .note.GNU-stack, "", %progbits
