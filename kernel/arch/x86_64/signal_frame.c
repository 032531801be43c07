/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal frames: what a handler finds on its stack and sigreturn takes back, as Linux lays it out
 * on x86-64.
 *
 *	higher	the interrupted program's stack, and its red zone of 128 bytes
 *		vector state in FXSAVE or XSAVE format, aligned to 64; XSAVE's is followed by MAGIC2
 *		struct signal_frame: return address, ucontext, siginfo; 8 off the alignment to 16,
 *		as after a call
 *	lower	the handler's own frame
 *
 * The vector state names its size and components in bytes that the hardware leaves alone
 * (FX_SOFTWARE), so that programs and sigreturn know what is there.  It is in the task's save area
 * only while switched out; here it goes from the registers to the program's memory and back.
 *
 * Everything read back is the program's to forge: flags are filtered, the segments are set, the
 * address is made canonical, and the hardware checks the vector state while loading it, its faults
 * being fixed up.
 */
#include "arch/context.h"
#include "arch/usercopy.h"
#include "lib/abi/signal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "machine_internal.h"
#include "x86.h"

enum {
	RED_ZONE = 128,
	UC_HAS_XSAVE = 1,
	UC_STACK_SEGMENT = 2,
	UC_STRICT_STACK_SEGMENT = 4,
	MAGIC2_SIZE = 4,
};
#define KEY_RIGHTS_VALID BIT(32)

struct signal_registers {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	u16 cs, gs, fs, ss;
	u64 error, trap_number, old_mask, cr2;
	u64 vector_state;
	u64 key_rights; /* reserved by Linux, which has them in the vector state */
	u64 reserved[7];
};
_Static_assert(sizeof(struct signal_registers) == 256, "Linux's struct sigcontext");

struct signal_context {
	u64 flags, link;
	u64 alt_stack;
	s32 alt_flags;
	u32 padding;
	u64 alt_size;
	struct signal_registers registers;
	u64 mask;
};
_Static_assert(sizeof(struct signal_context) == 304, "Linux's struct ucontext");

struct signal_frame {
	u64 return_address;
	struct signal_context context;
	struct siginfo siginfo;
	u64 zeros[(SIGINFO_SIZE - sizeof(struct siginfo)) / sizeof(u64)];
};

static bool is_user_range(vaddr_t address, size_t size)
{
	return address < USER_TOP && size <= USER_TOP - address;
}

/* Saves the current vector state in the program's memory.  The hardware leaves software's bytes and
 * most of XSAVE's header alone, so these go there first. */
static int push_vector_state(vaddr_t address)
{
	size_t end = cpu_features.xsave ? FX_END + XSAVE_HEADER_SIZE : FX_END;

	if (arch_copy_to_user(address + FX_SOFTWARE, vector_fresh + FX_SOFTWARE,
			      end - FX_SOFTWARE) != 0)
		return -EFAULT;
	if (user_vector_save(address, cpu_features.xsave_mask, cpu_features.xsave) != 0)
		return -EFAULT;
	if (cpu_features.xsave &&
	    arch_put_user_u32(address + cpu_features.xsave_size, FX_MAGIC2) != 0)
		return -EFAULT;
	return 0;
}

/* With every field named, nothing is cleared first. */
static void fill_frame(struct signal_frame *to, const struct trap_frame *frame,
		       const struct signal_delivery *delivery, vaddr_t vector_state)
{
	/* Before the rest, which a call in its middle would keep out of registers. */
	u64 key_rights = KEY_RIGHTS_VALID | key_rights_read();

	to->return_address = delivery->restorer;
	to->context = (struct signal_context){
		.flags = UC_STACK_SEGMENT | UC_STRICT_STACK_SEGMENT |
			 (cpu_features.xsave ? UC_HAS_XSAVE : 0),
		.link = 0,
		.alt_stack = delivery->alt_stack,
		.alt_flags = delivery->alt_flags,
		.padding = 0,
		.alt_size = delivery->alt_size,
		.registers =
			{
				.r8 = frame->r8,
				.r9 = frame->r9,
				.r10 = frame->r10,
				.r11 = frame->r11,
				.r12 = frame->r12,
				.r13 = frame->r13,
				.r14 = frame->r14,
				.r15 = frame->r15,
				.rdi = frame->rdi,
				.rsi = frame->rsi,
				.rbp = frame->rbp,
				.rbx = frame->rbx,
				.rdx = frame->rdx,
				.rax = frame->rax,
				.rcx = frame->rcx,
				.rsp = frame->rsp,
				.rip = frame->rip,
				.rflags = frame->rflags,
				.cs = (u16)frame->cs,
				.gs = 0,
				.fs = 0,
				.ss = (u16)frame->ss,
				.error = delivery->error_code,
				.trap_number = (u64)delivery->trap_number,
				.old_mask = delivery->mask,
				.cr2 = delivery->fault_address,
				.vector_state = vector_state,
				.key_rights = key_rights,
				.reserved = {0, 0, 0, 0, 0, 0, 0},
			},
		.mask = delivery->mask,
	};
	to->siginfo = *delivery->siginfo;
	memset(to->zeros, 0, sizeof(to->zeros));
}

int arch_signal_push(struct trap_frame *frame, const struct signal_delivery *delivery)
{
	size_t vector_bytes = cpu_features.xsave_size + (cpu_features.xsave ? MAGIC2_SIZE : 0);
	vaddr_t top = delivery->stack_top != 0 ? delivery->stack_top : frame->rsp - RED_ZONE;
	vaddr_t vector_state = ALIGN_DOWN(top - vector_bytes, 64);
	vaddr_t address = ALIGN_DOWN(vector_state - sizeof(struct signal_frame), 16) - 8;
	struct signal_frame built;

	if (address > top || !is_user_range(address, top - address))
		return -EFAULT;
	if (push_vector_state(vector_state) != 0)
		return -EFAULT;
	fill_frame(&built, frame, delivery, vector_state);
	if (arch_copy_to_user(address, &built, sizeof(built)) != 0)
		return -EFAULT;

	vector_reset();
	key_rights_reset();
	frame->rdi = (u64)delivery->signal;
	frame->rsi = address + offsetof(struct signal_frame, siginfo);
	frame->rdx = address + offsetof(struct signal_frame, context);
	frame->rax = 0;
	frame->rsp = address;
	frame->cs = SEGMENT_USER_CODE;
	frame->ss = SEGMENT_USER_DATA;
	frame->rflags &= ~(u64)(RFLAGS_DF | RFLAGS_TF | RFLAGS_RF);
	trap_set_ip(frame, delivery->handler);
	trap_clear_syscall(frame);
	return 0;
}

/* How the program's vector state is to be loaded: all that it names, or only the first 512 bytes if
 * it does not say. */
static int pop_vector_state(vaddr_t address)
{
	u32 magic1, magic2, size;
	u64 features;

	if (!is_user_range(address, cpu_features.xsave_size + MAGIC2_SIZE))
		return -EFAULT;
	if (!cpu_features.xsave)
		return user_vector_restore(address, 0, false);
	if (arch_get_user_u32(&magic1, address + FX_SOFTWARE) != 0 ||
	    arch_get_user_u64(&features, address + FX_SOFTWARE_FEATURES) != 0 ||
	    arch_get_user_u32(&size, address + FX_SOFTWARE_SIZE) != 0)
		return -EFAULT;
	if (magic1 != FX_MAGIC1 || size > cpu_features.xsave_size)
		return user_vector_restore(address, 0, false);
	if (arch_get_user_u32(&magic2, address + size) != 0)
		return -EFAULT;
	if (magic2 != FX_MAGIC2)
		return user_vector_restore(address, 0, false);
	return user_vector_restore(address, features & cpu_features.xsave_mask, true);
}

static int restore_vector_state(vaddr_t address)
{
	int result;

	vector_reset();
	if (address == 0)
		return 0;
	result = pop_vector_state(address);
	if (result != 0)
		vector_reset();
	return result;
}

static void restore_registers(struct trap_frame *to, const struct signal_registers *from)
{
	to->r8 = from->r8;
	to->r9 = from->r9;
	to->r10 = from->r10;
	to->r11 = from->r11;
	to->r12 = from->r12;
	to->r13 = from->r13;
	to->r14 = from->r14;
	to->r15 = from->r15;
	to->rdi = from->rdi;
	to->rsi = from->rsi;
	to->rbp = from->rbp;
	to->rbx = from->rbx;
	to->rdx = from->rdx;
	to->rax = from->rax;
	to->rcx = from->rcx;
	to->rsp = from->rsp;
	to->rflags = (from->rflags & RFLAGS_USER) | RFLAGS_FIXED | RFLAGS_IF;
	to->cs = SEGMENT_USER_CODE;
	to->ss = SEGMENT_USER_DATA;
	trap_set_ip(to, from->rip);
	trap_clear_syscall(to);
}

int arch_signal_pop(struct trap_frame *frame, struct signal_return *result)
{
	/* The handler's return has taken the return address off. */
	vaddr_t address = frame->rsp - offsetof(struct signal_frame, context);
	struct signal_context context;

	if (!is_user_range(address, sizeof(struct signal_frame)) ||
	    arch_copy_from_user(&context, frame->rsp, sizeof(context)) != 0)
		return -EFAULT;
	if (restore_vector_state(context.registers.vector_state) != 0)
		return -EFAULT;
	if (context.registers.key_rights & KEY_RIGHTS_VALID)
		key_rights_write((u32)context.registers.key_rights);
	else
		key_rights_reset();
	restore_registers(frame, &context.registers);
	*result = (struct signal_return){
		.mask = context.mask,
		.alt_stack = context.alt_stack,
		.alt_size = context.alt_size,
		.alt_flags = context.alt_flags,
	};
	return 0;
}
