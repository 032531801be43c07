/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks as the machine sees them: making, switching, and turning them into programs.
 *
 * The kernel itself uses no vector registers, so they hold the running program's state at all
 * times; a switch saves and restores it eagerly, which is one instruction each way and needs no
 * trap or ownership.  See <machine/context.h> for where the state lies.
 */
#include "arch/context.h"
#include "arch/debug.h"
#include "arch/usercopy.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "machine_internal.h"
#include "x86.h"

enum {
	FX_CONTROL_WORD = 0,
	FX_MXCSR = 24,
	X87_DEFAULT = 0x37f,
	MXCSR_DEFAULT = 0x1f80,
	ARCH_SET_GS = 0x1001,
	ARCH_SET_FS = 0x1002,
	ARCH_GET_FS = 0x1003,
	ARCH_GET_GS = 0x1004,
};

/* What context_switch pops, and where it returns to. */
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp;
	u64 rip;
};

/*
 * Protection keys (Intel SDM vol. 3, 4.6.2).  PKRU is not among the components that XSAVE saves
 * here, for it would more than double their size: it is read and written by itself.  Of the keys
 * that a fresh program has it may only use the first, which all its memory has.
 */
enum { KEYS = 16, KEY_RIGHTS_FRESH = 0x55555554 };

u32 key_rights_read(void)
{
	u32 rights, high;

	if (!cpu_features.pku)
		return 0;
	__asm__ volatile("rdpkru" : "=a"(rights), "=d"(high) : "c"(0));
	return rights;
}

void key_rights_write(u32 rights)
{
	if (cpu_features.pku)
		__asm__ volatile("wrpkru" : : "a"(rights), "c"(0), "d"(0) : "memory");
}

void key_rights_reset(void)
{
	key_rights_write(KEY_RIGHTS_FRESH);
}

u32 arch_key_count(void)
{
	return cpu_features.pku ? KEYS : 0;
}

void arch_key_set_rights(u32 key, u32 rights)
{
	unsigned long flags = irq_save();

	key_rights_write((key_rights_read() & ~(3u << (2 * key))) | rights << (2 * key));
	irq_restore(flags);
}

u8 vector_fresh[VECTOR_STATE_LIMIT] __attribute__((aligned(64)));

static void *vector_area(void *stack)
{
	return (char *)stack + KERNEL_STACK_SIZE - cpu_features.vector_size;
}

struct trap_frame *arch_user_frame(void *stack)
{
	return (struct trap_frame *)vector_area(stack) - 1;
}

void vector_save(void *area)
{
	if (cpu_features.xsave)
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(area), "a"(UINT_MAX), "d"(UINT_MAX)
				 : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static void vector_restore(const void *area)
{
	if (cpu_features.xsave)
		__asm__ volatile("xrstor64 (%0)"
				 :
				 : "r"(area), "a"(UINT_MAX), "d"(UINT_MAX)
				 : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

/* What the hardware does not write when it saves: software's bytes and, with XSAVE, most of the
 * header. */
static void vector_area_init(void *area)
{
	size_t end = cpu_features.xsave ? FX_END + XSAVE_HEADER_SIZE : FX_END;

	memcpy((char *)area + FX_SOFTWARE, vector_fresh + FX_SOFTWARE, end - FX_SOFTWARE);
}

/* With XSAVE, the empty header makes every component start afresh. */
void vector_init(void)
{
	*(u16 *)(vector_fresh + FX_CONTROL_WORD) = X87_DEFAULT;
	*(u32 *)(vector_fresh + FX_MXCSR) = MXCSR_DEFAULT;
	if (cpu_features.xsave) {
		*(u32 *)(vector_fresh + FX_SOFTWARE) = FX_MAGIC1;
		*(u32 *)(vector_fresh + FX_SOFTWARE + 4) = cpu_features.xsave_size + sizeof(u32);
		*(u64 *)(vector_fresh + FX_SOFTWARE_FEATURES) = cpu_features.xsave_mask;
		*(u32 *)(vector_fresh + FX_SOFTWARE_SIZE) = cpu_features.xsave_size;
	}
}

void vector_reset(void)
{
	vector_restore(vector_fresh);
}

static u64 user_fs_base(const struct arch_task *arch)
{
	u64 base;

	if (!cpu_features.fsgsbase)
		return arch->fs_base;
	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static u64 user_gs_base(const struct arch_task *arch)
{
	return cpu_features.fsgsbase ? msr_read(MSR_KERNEL_GS_BASE) : arch->gs_base;
}

void arch_regset_capture(struct arch_task *arch)
{
	unsigned long flags = irq_save();

	vector_save(arch->vector_state);
	arch->fs_base = user_fs_base(arch);
	arch->gs_base = user_gs_base(arch);
	irq_restore(flags);
}

static void load_bases(const struct arch_task *arch)
{
	if (cpu_features.fsgsbase)
		__asm__ volatile("wrfsbase %0" : : "r"(arch->fs_base));
	else
		msr_write(MSR_FS_BASE, arch->fs_base);
	msr_write(MSR_KERNEL_GS_BASE, arch->gs_base);
}

void arch_task_init_kernel(struct arch_task *arch, void *stack, void (*entry)(void *),
			   void *argument)
{
	struct trap_frame *frame = arch_user_frame(stack);
	/* 8 bytes more align the stack at kernel_thread_begin. */
	struct switch_frame *start = (struct switch_frame *)((char *)frame - 8) - 1;

	memset(frame, 0, sizeof(*frame));
	*start = (struct switch_frame){
		.r12 = (u64)entry,
		.r13 = (u64)argument,
		.rip = (u64)kernel_thread_begin,
	};
	*arch = (struct arch_task){.sp = (u64)start, .kernel_sp = (u64)(frame + 1)};
}

int arch_task_init_fork(struct arch_task *arch, void *stack, const struct arch_task *from,
			const struct trap_frame *parent, vaddr_t user_sp, bool set_tls, vaddr_t tls)
{
	struct trap_frame *frame = arch_user_frame(stack);
	struct switch_frame *start = (struct switch_frame *)frame - 1;
	void *area = vector_area(stack);
	unsigned long flags;

	*frame = *parent;
	frame->rax = 0;
	frame->rflags &= ~(u64)RFLAGS_TF;
	if (user_sp != 0)
		frame->rsp = user_sp;
	*start = (struct switch_frame){.rip = (u64)fork_begin};

	vector_area_init(area);
	flags = irq_save();
	/* The registers hold the state of the last program here, whoever forks. */
	vector_save(area);
	*arch = (struct arch_task){
		.sp = (u64)start,
		.kernel_sp = (u64)(frame + 1),
		.vector_state = area,
		.fs_base = set_tls ? tls : user_fs_base(from),
		.gs_base = user_gs_base(from),
		.key_rights = key_rights_read(),
	};
	irq_restore(flags);
	return 0;
}

void arch_task_release(struct arch_task *arch)
{
	arch->vector_state = NULL;
}

/* Between two tasks, the first of which may have changed its rights by itself. */
static void switch_key_rights(struct arch_task *from, const struct arch_task *to)
{
	u32 rights = key_rights_read();

	from->key_rights = rights;
	if (to->vector_state != NULL && to->key_rights != rights)
		key_rights_write(to->key_rights);
}

struct task *arch_switch(struct task *from, struct arch_task *from_arch, void *to_stack __unused,
			 struct task *to, struct arch_task *to_arch)
{
	struct cpu_local *cpu = this_cpu();

	if (from_arch->vector_state != NULL) {
		vector_save(from_arch->vector_state);
		from_arch->fs_base = user_fs_base(from_arch);
		from_arch->gs_base = user_gs_base(from_arch);
	}
	if (to_arch->vector_state != NULL) {
		vector_restore(to_arch->vector_state);
		load_bases(to_arch);
	}
	if (cpu_features.pku)
		switch_key_rights(from_arch, to_arch);
	if (unlikely(from_arch->debug.control | to_arch->debug.control))
		debug_load(to_arch);
	cpu->head.task = to;
	cpu->head.kernel_sp = to_arch->kernel_sp;
	cpu->tss.rsp[0] = to_arch->kernel_sp;
	return context_switch(&from_arch->sp, to_arch->sp, from);
}

void arch_exec(struct arch_task *arch, struct trap_frame *frame, vaddr_t ip, vaddr_t sp)
{
	unsigned long flags;

	memset(frame, 0, sizeof(*frame));
	frame->orig_rax = (u64)-1;
	frame->cs = SEGMENT_USER_CODE;
	frame->ss = SEGMENT_USER_DATA;
	frame->rflags = RFLAGS_FIXED | RFLAGS_IF;
	frame->rsp = sp;
	trap_set_ip(frame, ip);

	flags = irq_save();
	arch->vector_state = frame + 1;
	arch->fs_base = 0;
	arch->gs_base = 0;
	load_bases(arch);
	arch_debug_clear(arch);
	if (this_cpu()->debugged != NULL)
		debug_load(arch);
	/* The old program's state must not show up in the new one's signal frames. */
	vector_area_init(arch->vector_state);
	vector_reset();
	key_rights_reset();
	irq_restore(flags);
}

/*
 * The bases stay in the lower half: a program could otherwise aim the kernel's GS-relative
 * accesses, should one ever run with the program's base.
 */
long arch_prctl(struct arch_task *arch, int option, vaddr_t address)
{
	unsigned long flags = irq_save();
	long result = 0;

	switch (option) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (address >= USER_TOP) {
			result = -EPERM;
			break;
		}
		arch->fs_base = option == ARCH_SET_FS ? address : user_fs_base(arch);
		arch->gs_base = option == ARCH_SET_GS ? address : user_gs_base(arch);
		load_bases(arch);
		break;
	case ARCH_GET_FS:
	case ARCH_GET_GS: {
		u64 base = option == ARCH_GET_FS ? user_fs_base(arch) : user_gs_base(arch);
		irq_restore(flags);
		return arch_put_user_u64(address, base);
	}
	default:
		result = -EINVAL;
	}
	irq_restore(flags);
	return result;
}
