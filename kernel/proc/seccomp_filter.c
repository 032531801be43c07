/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs of seccomp(2): classic BPF over struct seccomp_data.
 *
 * A program is checked before it is installed, so that running it needs no checks: it has known
 * instructions only, jumps forwards and inside, loads whole words of the data, reads no word of its
 * memory that was not written on every way there, and ends with a return.  So it terminates.
 */
#include "proc/seccomp.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"

/* --- Checking --- */

static bool is_known(const struct linux_sock_filter *op)
{
	switch (op->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return op->k < sizeof(struct linux_seccomp_data) && op->k % sizeof(u32) == 0;
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
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

int seccomp_check(const struct linux_sock_filter *code, u32 length)
{
	u16 last = code[length - 1].code;
	u16 *written;
	int error = 0;

	if (last != (BPF_RET | BPF_K) && last != (BPF_RET | BPF_A))
		return -EINVAL;
	for (u32 at = 0; at < length; at++)
		if (!is_known(&code[at]) || !stays_inside(&code[at], at, length))
			return -EINVAL;
	written = kmalloc(length * sizeof(*written));
	if (written == NULL)
		return -ENOMEM;
	if (!memory_is_written(code, length, written))
		error = -EINVAL;
	kfree(written);
	return error;
}

/* --- Running --- */

static u32 calculate(u16 operation, u32 a, u32 b)
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

static bool compare(u16 operation, u32 a, u32 b)
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

static u32 load(const struct linux_sock_filter *op, const struct linux_seccomp_data *data,
		const u32 *memory)
{
	u32 word;

	switch (op->code & ~BPF_CLASS) {
	case BPF_ABS:
		memcpy(&word, (const u8 *)data + op->k, sizeof(word));
		return word;
	case BPF_MEM:
		return memory[op->k];
	case BPF_LEN:
		return sizeof(*data);
	default:
		return op->k;
	}
}

u32 seccomp_run(const struct seccomp_filter *filter, const struct linux_seccomp_data *data)
{
	u32 a = 0, x = 0, memory[BPF_MEMORY_WORDS];

	for (const struct linux_sock_filter *op = filter->code;; op++) {
		u32 operand = op->code & BPF_X ? x : op->k;
		u16 operation = op->code & BPF_OPERATION;

		switch (op->code & BPF_CLASS) {
		case BPF_LD:
			a = load(op, data, memory);
			break;
		case BPF_LDX:
			x = load(op, data, memory);
			break;
		case BPF_ST:
			memory[op->k] = a;
			break;
		case BPF_STX:
			memory[op->k] = x;
			break;
		case BPF_ALU:
			/* A division by zero ends the program with the strictest answer of old. */
			if (operation == BPF_DIV && operand == 0)
				return SECCOMP_RET_KILL_THREAD;
			a = calculate(operation, a, operand);
			break;
		case BPF_JMP:
			if (operation == BPF_JA)
				op += op->k;
			else
				op += compare(operation, a, operand) ? op->jump_true
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
