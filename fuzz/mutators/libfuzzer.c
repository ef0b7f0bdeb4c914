/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libfuzzer.c - the structure-aware mutator as libFuzzer calls it. LLVMFuzzerMutate() is not asked:
 * what it does depends on the engine's state, and our output on data, size and seed alone.
 */
#include "mutators.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return mutate_bytes(data, size, max, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max, unsigned seed)
{
	return mutate_cross_bytes(a, a_size, b, b_size, out, max, seed);
}
