/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * void fiber_swap(void **save_sp, void *load_sp)
 *
 * Pushes the registers that the System V ABI makes the callee keep, then goes on where load_sp was saved. The
 * x87/SSE control words are left alone: nothing simulated changes them. A new stack is laid out by
 * fiber_stack_init() in the same order.
 */
#if defined(__x86_64__)
	.text
	.globl fiber_swap
	.type fiber_swap, @function
	.p2align 4
fiber_swap:
	endbr64
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size fiber_swap, .-fiber_swap

	/* First entry: r12 holds the argument of fiber_entry(). */
	.globl fiber_start
	.type fiber_start, @function
fiber_start:
	endbr64
	xorl %ebp, %ebp
	movq %r12, %rdi
	call fiber_entry
	ud2
	.size fiber_start, .-fiber_start
#endif
	.section .note.GNU-stack, "", @progbits
