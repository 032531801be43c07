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
#include "machine_internal.h"
#include "user_window.h"
#include "x86.h"

enum {
	RED_ZONE = 128,
	UC_HAS_XSAVE = 1,
	UC_STACK_SEGMENT = 2,
	UC_STRICT_STACK_SEGMENT = 4,
	MAGIC2_SIZE = 4,
};
#define KEY_RIGHTS_VALID BIT(32)
#define SEGMENTS         (SEGMENT_USER_CODE | (u64)SEGMENT_USER_DATA << 48)

struct signal_registers {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	u64 segments; /* 16 bits each: CS, GS, FS, SS */
	u64 error, trap_number, old_mask, cr2;
	u64 vector_state;
	u64 key_rights; /* reserved by Linux, which has them in the vector state */
	u64 reserved[7];
};
_Static_assert(sizeof(struct signal_registers) == 256, "Linux's struct sigcontext");

struct signal_context {
	u64 flags, link;
	u64 alt_stack;
	u64 alt_flags; /* the upper half is padding */
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
	/* Without XSAVE: no magic number, no more to be said. */
	if (!cpu_features.xsave)
		return arch_put_user_u64(address + FX_SOFTWARE, 0) != 0
			       ? -EFAULT
			       : user_vector_save(address, 0, false);
	if (arch_copy_to_user(address + FX_SOFTWARE, vector_fresh + FX_SOFTWARE,
			      FX_END + XSAVE_HEADER_SIZE - FX_SOFTWARE) != 0)
		return -EFAULT;
	if (user_vector_save(address, cpu_features.xsave_mask, true) != 0)
		return -EFAULT;
	return arch_put_user_u32(address + cpu_features.xsave_size, FX_MAGIC2);
}

/* The context alone; what Linux has reserved in it keeps what was there. */
static int push_context(struct signal_frame *to, const struct trap_frame *frame,
			const struct signal_delivery *delivery, vaddr_t vector_state)
{
	struct signal_context *context = &to->context;
	struct signal_registers *registers = &context->registers;
	u64 key_rights = KEY_RIGHTS_VALID | key_rights_read();

	user_window_open();
	user_window_put(&to->return_address, delivery->action->restorer, fault);
	user_window_put(&context->flags,
			UC_STACK_SEGMENT | UC_STRICT_STACK_SEGMENT |
				(cpu_features.xsave ? UC_HAS_XSAVE : 0),
			fault);
	user_window_put(&context->link, 0, fault);
	user_window_put(&context->alt_stack, delivery->alt_stack->sp, fault);
	user_window_put(&context->alt_flags, (u32)delivery->alt_stack->flags, fault);
	user_window_put(&context->alt_size, delivery->alt_stack->size, fault);
	user_window_put(&registers->r8, frame->r8, fault);
	user_window_put(&registers->r9, frame->r9, fault);
	user_window_put(&registers->r10, frame->r10, fault);
	user_window_put(&registers->r11, frame->r11, fault);
	user_window_put(&registers->r12, frame->r12, fault);
	user_window_put(&registers->r13, frame->r13, fault);
	user_window_put(&registers->r14, frame->r14, fault);
	user_window_put(&registers->r15, frame->r15, fault);
	user_window_put(&registers->rdi, frame->rdi, fault);
	user_window_put(&registers->rsi, frame->rsi, fault);
	user_window_put(&registers->rbp, frame->rbp, fault);
	user_window_put(&registers->rbx, frame->rbx, fault);
	user_window_put(&registers->rdx, frame->rdx, fault);
	user_window_put(&registers->rax, frame->rax, fault);
	user_window_put(&registers->rcx, frame->rcx, fault);
	user_window_put(&registers->rsp, frame->rsp, fault);
	user_window_put(&registers->rip, frame->rip, fault);
	user_window_put(&registers->rflags, frame->rflags, fault);
	user_window_put(&registers->segments, SEGMENTS, fault);
	user_window_put(&registers->error, delivery->trap->error_code, fault);
	user_window_put(&registers->trap_number, delivery->trap->number, fault);
	user_window_put(&registers->old_mask, delivery->mask, fault);
	user_window_put(&registers->cr2, delivery->trap->address, fault);
	user_window_put(&registers->vector_state, vector_state, fault);
	user_window_put(&registers->key_rights, key_rights, fault);
	user_window_put(&context->mask, delivery->mask, fault);
	user_window_close();
	return 0;
fault:
	user_window_close();
	return -EFAULT;
}

static int push_siginfo(struct signal_frame *to, const struct siginfo *siginfo)
{
	if (arch_copy_to_user((vaddr_t)&to->siginfo, siginfo, sizeof(*siginfo)) != 0)
		return -EFAULT;
	return arch_clear_user((vaddr_t)to->zeros, sizeof(to->zeros)) != 0 ? -EFAULT : 0;
}

int arch_signal_push(struct trap_frame *frame, const struct signal_delivery *delivery)
{
	const struct linux_sigaction *action = delivery->action;
	size_t vector_bytes = cpu_features.xsave_size + (cpu_features.xsave ? MAGIC2_SIZE : 0);
	vaddr_t top = delivery->stack_top != 0 ? delivery->stack_top : frame->rsp - RED_ZONE;
	vaddr_t vector_state = ALIGN_DOWN(top - vector_bytes, 64);
	vaddr_t address = ALIGN_DOWN(vector_state - sizeof(struct signal_frame), 16) - 8;
	struct signal_frame *to = (struct signal_frame *)address;

	if (address > top || !is_user_range(address, top - address))
		return -EFAULT;
	if (push_vector_state(vector_state) != 0 ||
	    push_context(to, frame, delivery, vector_state) != 0)
		return -EFAULT;
	if ((action->flags & SA_SIGINFO) && push_siginfo(to, delivery->siginfo) != 0)
		return -EFAULT;

	vector_reset();
	key_rights_reset();
	frame->rdi = (u64)delivery->siginfo->signo;
	frame->rsi = (vaddr_t)&to->siginfo;
	frame->rdx = (vaddr_t)&to->context;
	frame->rax = 0;
	frame->rsp = address;
	frame->cs = SEGMENT_USER_CODE;
	frame->ss = SEGMENT_USER_DATA;
	frame->rflags &= ~(u64)(RFLAGS_DF | RFLAGS_TF | RFLAGS_RF);
	trap_set_ip(frame, action->handler);
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

/* Everything but the vector state, whose address it returns in *vector_state.  After -EFAULT `to` is
 * undefined, but harmless. */
static int pop_context(struct trap_frame *to, const struct signal_context *context,
		       struct signal_return *result, vaddr_t *vector_state)
{
	const struct signal_registers *from = &context->registers;
	u64 ip, flags, alt_flags, key_rights;

	user_window_open();
	user_window_get(to->r8, &from->r8, fault);
	user_window_get(to->r9, &from->r9, fault);
	user_window_get(to->r10, &from->r10, fault);
	user_window_get(to->r11, &from->r11, fault);
	user_window_get(to->r12, &from->r12, fault);
	user_window_get(to->r13, &from->r13, fault);
	user_window_get(to->r14, &from->r14, fault);
	user_window_get(to->r15, &from->r15, fault);
	user_window_get(to->rdi, &from->rdi, fault);
	user_window_get(to->rsi, &from->rsi, fault);
	user_window_get(to->rbp, &from->rbp, fault);
	user_window_get(to->rbx, &from->rbx, fault);
	user_window_get(to->rdx, &from->rdx, fault);
	user_window_get(to->rax, &from->rax, fault);
	user_window_get(to->rcx, &from->rcx, fault);
	user_window_get(to->rsp, &from->rsp, fault);
	user_window_get(ip, &from->rip, fault);
	user_window_get(flags, &from->rflags, fault);
	user_window_get(*vector_state, &from->vector_state, fault);
	user_window_get(key_rights, &from->key_rights, fault);
	user_window_get(result->mask, &context->mask, fault);
	user_window_get(result->alt_stack.sp, &context->alt_stack, fault);
	user_window_get(result->alt_stack.size, &context->alt_size, fault);
	user_window_get(alt_flags, &context->alt_flags, fault);
	user_window_close();
	result->alt_stack.flags = (s32)alt_flags;
	to->rflags = (flags & RFLAGS_USER) | RFLAGS_FIXED | RFLAGS_IF;
	to->cs = SEGMENT_USER_CODE;
	to->ss = SEGMENT_USER_DATA;
	trap_set_ip(to, ip);
	trap_clear_syscall(to);
	if (key_rights & KEY_RIGHTS_VALID)
		key_rights_write((u32)key_rights);
	else
		key_rights_reset();
	return 0;
fault:
	user_window_close();
	return -EFAULT;
}

int arch_signal_pop(struct trap_frame *frame, struct signal_return *result)
{
	/* The handler's return has taken the return address off. */
	const struct signal_context *context = (const struct signal_context *)frame->rsp;
	const struct signal_frame *whole = container_of(context, struct signal_frame, context);
	vaddr_t vector_state;

	if (!is_user_range((vaddr_t)whole, sizeof(*whole)) ||
	    pop_context(frame, context, result, &vector_state) != 0)
		return -EFAULT;
	return restore_vector_state(vector_state);
}
