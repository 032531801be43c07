/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classic BPF (the BSD Packet Filter's machine): what the programs of seccomp(2) and of sockets
 * have in common.
 *
 * The machine has an accumulator, an index register and sixteen words of memory.  A program is
 * checked before it is installed, so that running it needs no checks: it has known instructions
 * only, jumps forwards and inside, reads no word of its memory that was not written on every way
 * there, and ends with a return.  So it terminates.  What it may load is its user's to say.
 *
 * No state, so no locks.
 */
#ifndef LIB_BPF_H
#define LIB_BPF_H

#include "lib/abi/seccomp.h"
#include "lib/types.h"

/* Is it an instruction that looks at nothing but registers, memory and itself, and is well formed?
 */
bool bpf_is_plain(const struct linux_sock_filter *op);

/*
 * Do jumps end inside, is memory written before it is read, and is the last instruction a return?
 * `written` is scratch, one word for each instruction.  0 or -EINVAL.
 */
int __must_check bpf_check_flow(const struct linux_sock_filter *code, u32 length, u16 *written);

/* For bpf_run. */
u32 bpf_calculate(u16 operation, u32 a, u32 b);
bool bpf_compare(u16 operation, u32 a, u32 b);

/*
 * Runs a checked program; what it returns, 0 after a division by zero or a load that fails.
 * load(op, x, data, value) makes the user's own loads, of classes BPF_LD and BPF_LDX; false: it
 * fails.  A constant function becomes a part of the loop.
 */
static inline __attribute__((always_inline)) u32
bpf_run(const struct linux_sock_filter *code,
	bool (*load)(const struct linux_sock_filter *op, u32 x, const void *data, u32 *value),
	const void *data)
{
	u32 a = 0, x = 0, memory[BPF_MEMORY_WORDS], value;

	for (const struct linux_sock_filter *op = code;; op++) {
		u32 operand = op->code & BPF_X ? x : op->k;
		u16 operation = op->code & BPF_OPERATION;

		switch (op->code & BPF_CLASS) {
		case BPF_LD:
		case BPF_LDX:
			value = op->k;
			if ((op->code & BPF_MODE) == BPF_MEM)
				value = memory[op->k];
			else if ((op->code & BPF_MODE) != BPF_IMM && !load(op, x, data, &value))
				return 0;
			*((op->code & BPF_CLASS) == BPF_LD ? &a : &x) = value;
			break;
		case BPF_ST:
			memory[op->k] = a;
			break;
		case BPF_STX:
			memory[op->k] = x;
			break;
		case BPF_ALU:
			if ((operation == BPF_DIV || operation == BPF_MOD) && operand == 0)
				return 0;
			a = bpf_calculate(operation, a, operand);
			break;
		case BPF_JMP:
			if (operation == BPF_JA)
				op += op->k;
			else
				op += bpf_compare(operation, a, operand) ? op->jump_true
									 : op->jump_false;
			break;
		case BPF_RET:
			return op->code & BPF_A ? a : op->k;
		default:
			if (op->code & BPF_TXA)
				a = x;
			else
				x = a;
		}
	}
}

#endif
