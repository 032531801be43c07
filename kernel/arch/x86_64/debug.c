/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers of stopped programs, single steps, and debug registers.
 *
 * A program's breakpoints lie in its arch_task and are in the CPU's debug registers only while it
 * runs; `debugged` of the CPU says whose they are, so that the exception can leave the status
 * there.  Addresses are in the user half, so nothing that the kernel executes or keeps for itself
 * can hit; what the kernel copies from or to a watched place does, and is passed over.
 */
#include "arch/debug.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "machine_internal.h"
#include "x86.h"

enum {
	REGSET_XSTATE = 0x202, /* NT_X86_XSTATE */
	FLOAT_SIZE = 512,
	XSTATE_HEADER = 512, /* what is there: 64 bytes, of which the first word counts */
	XSTATE_HEADER_SIZE = 64,
	MXCSR_OFFSET = 24,
	MXCSR_VALID = 0xffff,
	AUDIT_ARCH_X86_64 = (int)0xc000003e,
};

/* struct user_regs_struct: the frame's registers in its order, then these. */
struct user_registers {
	struct trap_frame frame;
	u64 fs_base, gs_base, ds, es, fs, gs;
};
_Static_assert(sizeof(struct user_registers) == 216, "Linux's layout");

/* Where the parts of struct user lie. */
enum { USER_DEBUG_REGISTERS = 848, USER_SIZE = 912 };

enum {
	DR_ADDRESSES = 4,
	DR_STATUS = 6,
	DR_CONTROL = 7,
	DR6_HITS = 0xf,
	DR6_STEP = 1 << 14,
	DR6_CLEAR = (int)0xffff0ff0,
	DR7_ENABLES = 0xff,
	DR7_FIXED = 1 << 10,
	DR7_KEPT = (int)0xffff03ff,
};

void arch_step(struct trap_frame *frame, bool wanted)
{
	if (wanted)
		frame->rflags |= RFLAGS_TF;
	else
		frame->rflags &= ~(u64)RFLAGS_TF;
}

u32 arch_audit_number(void)
{
	return (u32)AUDIT_ARCH_X86_64;
}

long arch_syscall_number(const struct trap_frame *frame)
{
	return (s32)frame->orig_rax;
}

/* --- General registers --- */

static void get_general(const struct arch_task *arch, const struct trap_frame *frame,
			struct user_registers *to)
{
	*to = (struct user_registers){
		.frame = *frame,
		.fs_base = arch->fs_base,
		.gs_base = arch->gs_base,
	};
}

/* What a program cannot do with its own registers a debugger cannot do either. */
static int set_general(struct arch_task *arch, struct trap_frame *frame,
		       const struct user_registers *from)
{
	if (from->fs_base >= USER_TOP || from->gs_base >= USER_TOP)
		return -EIO;
	u64 kept = frame->rflags & ~(u64)(RFLAGS_USER | RFLAGS_TF);
	*frame = from->frame;
	frame->cs = SEGMENT_USER_CODE;
	frame->ss = SEGMENT_USER_DATA;
	frame->rflags =
		(from->frame.rflags & (RFLAGS_USER | RFLAGS_TF)) | kept | RFLAGS_FIXED | RFLAGS_IF;
	frame->orig_rax = (u64)(s64)(s32)from->frame.orig_rax;
	trap_set_ip(frame, from->frame.rip);
	arch->fs_base = from->fs_base;
	arch->gs_base = from->gs_base;
	return 0;
}

/* --- Vector state --- */

static u32 mxcsr_of(const void *state)
{
	return *(const u32 *)((const char *)state + MXCSR_OFFSET);
}

static void get_vector(const struct arch_task *arch, void *to, size_t size)
{
	memcpy(to, arch->vector_state, size);
	if (size > FLOAT_SIZE)
		*(u64 *)((char *)to + FX_SOFTWARE) = cpu_features.xsave_mask;
}

/* XRSTOR faults on reserved bits, so they are refused here. */
static bool is_valid_xstate(const char *state, size_t size)
{
	const u64 *header = (const u64 *)(state + XSTATE_HEADER);

	if (size < XSTATE_HEADER + XSTATE_HEADER_SIZE || header[0] & ~cpu_features.xsave_mask)
		return false;
	for (size_t i = 1; i < XSTATE_HEADER_SIZE / sizeof(u64); i++)
		if (header[i] != 0)
			return false;
	return true;
}

/* Also the bytes that are left to software are our own. */
static int set_vector(struct arch_task *arch, const char *from, size_t size)
{
	char software[FLOAT_SIZE - FX_SOFTWARE];
	char *state = arch->vector_state;

	if (size < FLOAT_SIZE || mxcsr_of(from) & ~(u32)MXCSR_VALID)
		return -EINVAL;
	if (size > FLOAT_SIZE && !is_valid_xstate(from, size))
		return -EINVAL;
	memcpy(software, state + FX_SOFTWARE, sizeof(software));
	memcpy(state, from, size);
	memcpy(state + FX_SOFTWARE, software, sizeof(software));
	/* x87 and SSE state that were in their initial configuration are not any more. */
	if (size == FLOAT_SIZE && cpu_features.xsave)
		*(u64 *)(state + XSTATE_HEADER) |= 3;
	return 0;
}

/* --- Sets --- */

size_t arch_regset_size(u32 type)
{
	switch (type) {
	case REGSET_GENERAL:
		return sizeof(struct user_registers);
	case REGSET_FLOAT:
		return FLOAT_SIZE;
	case REGSET_XSTATE:
		return cpu_features.xsave ? cpu_features.xsave_size : 0;
	default:
		return 0;
	}
}

void arch_regset_get(const struct arch_task *arch, const struct trap_frame *frame, u32 type,
		     void *buffer)
{
	if (type == REGSET_GENERAL)
		get_general(arch, frame, buffer);
	else
		get_vector(arch, buffer, arch_regset_size(type));
}

int arch_regset_set(struct arch_task *arch, struct trap_frame *frame, u32 type, const void *buffer,
		    size_t size)
{
	struct user_registers registers;

	if (type != REGSET_GENERAL)
		return size == arch_regset_size(type) ? set_vector(arch, buffer, size) : -EINVAL;
	get_general(arch, frame, &registers);
	memcpy(&registers, buffer, MIN(size, sizeof(registers)));
	return set_general(arch, frame, &registers);
}

/* --- struct user and debug registers --- */

static u64 get_debug(const struct arch_task *arch, u64 number)
{
	if (number < DR_ADDRESSES)
		return arch->debug.address[number];
	if (number == DR_STATUS)
		return arch->debug.status;
	return number == DR_CONTROL ? arch->debug.control : 0;
}

/* A breakpoint on instructions has length 1; those on I/O are not for programs. */
static bool is_valid_control(u64 control)
{
	for (unsigned i = 0; i < DR_ADDRESSES; i++) {
		u64 kind = control >> (16 + 4 * i) & 3, length = control >> (18 + 4 * i) & 3;
		bool enabled = control >> (2 * i) & 3;
		if (enabled && (kind == 2 || (kind == 0 && length != 0)))
			return false;
	}
	return true;
}

static int set_debug(struct arch_task *arch, u64 number, u64 value)
{
	if (number < DR_ADDRESSES) {
		if (value >= USER_TOP)
			return -EINVAL;
		arch->debug.address[number] = value;
	} else if (number == DR_STATUS) {
		arch->debug.status = value & (DR6_HITS | DR6_STEP);
	} else if (number == DR_CONTROL) {
		if (!is_valid_control(value))
			return -EINVAL;
		arch->debug.control = value & (u32)DR7_KEPT;
	} else {
		return -EIO;
	}
	return 0;
}

int arch_user_word_get(const struct arch_task *arch, const struct trap_frame *frame, u64 offset,
		       u64 *value)
{
	struct user_registers registers;

	if (offset % sizeof(u64) != 0 || offset >= USER_SIZE)
		return -EIO;
	*value = 0;
	if (offset < sizeof(registers)) {
		get_general(arch, frame, &registers);
		*value = ((u64 *)&registers)[offset / sizeof(u64)];
	} else if (offset >= USER_DEBUG_REGISTERS) {
		*value = get_debug(arch, (offset - USER_DEBUG_REGISTERS) / sizeof(u64));
	}
	return 0;
}

int arch_user_word_set(struct arch_task *arch, struct trap_frame *frame, u64 offset, u64 value)
{
	struct user_registers registers;

	if (offset % sizeof(u64) != 0 || offset >= USER_SIZE)
		return -EIO;
	if (offset >= USER_DEBUG_REGISTERS)
		return set_debug(arch, (offset - USER_DEBUG_REGISTERS) / sizeof(u64), value);
	if (offset >= sizeof(registers))
		return -EIO;
	get_general(arch, frame, &registers);
	((u64 *)&registers)[offset / sizeof(u64)] = value;
	return set_general(arch, frame, &registers);
}

void arch_debug_clear(struct arch_task *arch)
{
	memset(&arch->debug, 0, sizeof(arch->debug));
}

/* --- The CPU's registers --- */

static u64 dr6_read(void)
{
	u64 value;
	__asm__ volatile("movq %%dr6, %0" : "=r"(value));
	return value;
}

static void dr6_write(u64 value)
{
	__asm__ volatile("movq %0, %%dr6" : : "r"(value));
}

static void dr7_write(u64 value)
{
	__asm__ volatile("movq %0, %%dr7" : : "r"(value));
}

void debug_load(struct arch_task *arch)
{
	const struct arch_debug *debug = &arch->debug;

	this_cpu()->debugged = NULL;
	dr7_write(DR7_FIXED);
	if (!(debug->control & DR7_ENABLES))
		return;
	__asm__ volatile("movq %0, %%dr0" : : "r"(debug->address[0]));
	__asm__ volatile("movq %0, %%dr1" : : "r"(debug->address[1]));
	__asm__ volatile("movq %0, %%dr2" : : "r"(debug->address[2]));
	__asm__ volatile("movq %0, %%dr3" : : "r"(debug->address[3]));
	this_cpu()->debugged = arch;
	dr7_write(debug->control | DR7_FIXED);
}

/* Was it a breakpoint on the instruction that was about to be executed?  Then it is executed now.
 */
static bool hit_instruction(u64 hits, u64 control)
{
	for (unsigned i = 0; i < DR_ADDRESSES; i++)
		if (hits & BIT(i) && !(control >> (16 + 4 * i) & 3))
			return true;
	return false;
}

bool debug_settle(struct trap_frame *frame)
{
	u64 status = dr6_read();
	struct arch_task *arch = this_cpu()->debugged;

	dr6_write((u32)DR6_CLEAR);
	if (arch != NULL) {
		arch->debug.status = status & (DR6_HITS | DR6_STEP);
		if (hit_instruction(status & DR6_HITS, arch->debug.control))
			frame->rflags |= RFLAGS_RF;
	}
	return !(status & DR6_STEP) && status & DR6_HITS;
}

void debug_pass_over(void)
{
	dr6_write((u32)DR6_CLEAR);
}
