/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks and sums of classic BPF: see bpf.h. */
#include "lib/bpf.h"

#include "lib/errno.h"
#include "lib/string.h"

/* --- Checking --- */

bool bpf_is_plain(const struct linux_sock_filter *op)
{
	switch (op->code) {
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
	case BPF_ALU | BPF_NEG:
	case BPF_ALU | BPF_ADD | BPF_K:
	case BPF_ALU | BPF_ADD | BPF_X:
	case BPF_ALU | BPF_SUB | BPF_K:
	case BPF_ALU | BPF_SUB | BPF_X:
	case BPF_ALU | BPF_MUL | BPF_K:
	case BPF_ALU | BPF_MUL | BPF_X:
	case BPF_ALU | BPF_AND | BPF_K:
	case BPF_ALU | BPF_AND | BPF_X:
	case BPF_ALU | BPF_OR | BPF_K:
	case BPF_ALU | BPF_OR | BPF_X:
	case BPF_ALU | BPF_XOR | BPF_K:
	case BPF_ALU | BPF_XOR | BPF_X:
	case BPF_ALU | BPF_DIV | BPF_X:
	case BPF_ALU | BPF_LSH | BPF_X:
	case BPF_ALU | BPF_RSH | BPF_X:
	case BPF_JMP | BPF_JA:
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JEQ | BPF_X:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_X:
	case BPF_JMP | BPF_JSET | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_X:
		return true;
	case BPF_ALU | BPF_DIV | BPF_K:
		return op->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return op->k < 32;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return op->k < BPF_MEMORY_WORDS;
	default:
		return false;
	}
}

/* Do its jumps end inside? */
static bool stays_inside(const struct linux_sock_filter *op, u32 at, u32 length)
{
	u32 rest = length - at - 1;

	if ((op->code & BPF_CLASS) != BPF_JMP)
		return true;
	if (op->code == (BPF_JMP | BPF_JA))
		return op->k < rest;
	return op->jump_true < rest && op->jump_false < rest;
}

/* `written[i]`: the words that are written on every way to instruction i, as far as was seen. */
static bool memory_is_written(const struct linux_sock_filter *code, u32 length, u16 *written)
{
	u16 now = 0;

	memset(written, 0xff, length * sizeof(*written));
	for (u32 at = 0; at < length; at++) {
		const struct linux_sock_filter *op = &code[at];

		now &= written[at];
		switch (op->code) {
		case BPF_ST:
		case BPF_STX:
			now |= (u16)(1u << op->k);
			break;
		case BPF_LD | BPF_MEM:
		case BPF_LDX | BPF_MEM:
			if (!(now & 1u << op->k))
				return false;
			break;
		case BPF_JMP | BPF_JA:
			written[at + 1 + op->k] &= now;
			now = 0xffff;
			break;
		default:
			if ((op->code & BPF_CLASS) != BPF_JMP)
				break;
			written[at + 1 + op->jump_true] &= now;
			written[at + 1 + op->jump_false] &= now;
			now = 0xffff;
		}
	}
	return true;
}

int bpf_check_flow(const struct linux_sock_filter *code, u32 length, u16 *written)
{
	u16 last = code[length - 1].code;

	if (last != (BPF_RET | BPF_K) && last != (BPF_RET | BPF_A))
		return -EINVAL;
	for (u32 at = 0; at < length; at++)
		if (!stays_inside(&code[at], at, length))
			return -EINVAL;
	return memory_is_written(code, length, written) ? 0 : -EINVAL;
}

/* --- Running --- */

u32 bpf_calculate(u16 operation, u32 a, u32 b)
{
	switch (operation) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	case BPF_MOD:
		return a % b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default:
		return -a;
	}
}

bool bpf_compare(u16 operation, u32 a, u32 b)
{
	switch (operation) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default:
		return (a & b) != 0;
	}
}
