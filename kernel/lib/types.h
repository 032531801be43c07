/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words that every file uses: integer types with a meaning, and the handful of macros without
 * which C is unpleasant.  Types say what a number is; sizes are in bytes unless a name ends in
 * _pages.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __KERNEL__
/* <limits.h> would bring the host's limits along. */
#define INT_MAX   __INT_MAX__
#define INT_MIN   (-INT_MAX - 1)
#define UINT_MAX  (INT_MAX * 2U + 1U)
#define LONG_MAX  __LONG_MAX__
#define LONG_MIN  (-LONG_MAX - 1L)
#define ULONG_MAX (LONG_MAX * 2UL + 1UL)
#else
#include <limits.h>
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef uintptr_t phys_t;  /* a physical address */
typedef uintptr_t vaddr_t; /* a virtual address, the kernel's or a program's */
typedef uintptr_t pfn_t;   /* a frame's number: physical address >> PAGE_SHIFT */
typedef u64 nsec_t;        /* nanoseconds */

#ifdef __KERNEL__
typedef long ssize_t;
typedef long off_t; /* a file offset; signed, as in the system-call interface */
typedef int pid_t;
typedef u32 uid_t;
typedef u32 gid_t;
typedef u32 mode_t;
typedef u64 dev_t; /* Linux's kernel encoding: see fs/device.h */
typedef u64 ino_t;
typedef s64 time_t;
typedef int clockid_t;
#else
#include <sys/types.h>
#endif

#define PAGE_SHIFT 12
#define PAGE_SIZE  ((uintptr_t)1 << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define KIB ((uintptr_t)1 << 10)
#define MIB ((uintptr_t)1 << 20)
#define GIB ((uintptr_t)1 << 30)

#define NSEC_PER_USEC ((nsec_t)1000)
#define NSEC_PER_MSEC ((nsec_t)1000000)
#define NSEC_PER_SEC  ((nsec_t)1000000000)

#define BIT(n)               ((u64)1 << (n))
#define ARRAY_SIZE(a)        (sizeof(a) / sizeof((a)[0]))
#define ALIGN_DOWN(x, align) ((x) & ~((__typeof__(x))(align)-1))
#define ALIGN_UP(x, align)   ALIGN_DOWN((x) + (__typeof__(x))(align)-1, align)
#define IS_ALIGNED(x, align) (((x) & ((__typeof__(x))(align)-1)) == 0)
#define DIV_ROUND_UP(n, d)   (((n) + (d)-1) / (d))
#define CLAMP(x, low, high)  MIN(MAX(x, low), high)

/* Each argument is evaluated once. */
#define MIN(a, b)                                  \
	({                                         \
		__typeof__(a) min_a_ = (a);        \
		__typeof__(b) min_b_ = (b);        \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})
#define MAX(a, b)                                  \
	({                                         \
		__typeof__(a) max_a_ = (a);        \
		__typeof__(b) max_b_ = (b);        \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define __must_check __attribute__((warn_unused_result))
#define __unused     __attribute__((unused))
#define __noinline   __attribute__((noinline))
#define __packed     __attribute__((packed))
#define __cacheline  __attribute__((aligned(64)))
#define __section(s) __attribute__((section(s)))
#ifndef __noreturn
#define __noreturn __attribute__((noreturn))
#endif
#define __printf(text, first) __attribute__((format(printf, text, first)))

/* One load or store that the compiler neither tears, repeats nor drops: for words that other CPUs
 * change. */
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* Marks a pointer into a program's memory: never dereferenced, only handed to mm/usercopy.h. */
#ifdef __CHECKER__
#define __user __attribute__((noderef, address_space(1)))
#else
#define __user
#endif

/* Pointers that carry an error: for functions that return an object or say why not. */
#define MAX_ERRNO 4095
static inline void *ERR_PTR(long error)
{
	return (void *)error;
}
static inline long PTR_ERR(const void *pointer)
{
	return (long)pointer;
}
static inline bool IS_ERR(const void *pointer)
{
	return (uintptr_t)pointer >= (uintptr_t)-MAX_ERRNO;
}

#endif
