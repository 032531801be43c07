/* SPDX-License-Identifier: BSD-2-Clause */
/* fanotify(7): flags and structures. */
#ifndef LIB_ABI_FANOTIFY_H
#define LIB_ABI_FANOTIFY_H

#include "lib/types.h"

enum fanotify_init_flags {
	FAN_CLOEXEC = 0x1,
	FAN_NONBLOCK = 0x2,
	FAN_CLASS_CONTENT = 0x4,
	FAN_CLASS_PRE_CONTENT = 0x8,
	FAN_CLASSES = FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT,
	FAN_UNLIMITED_QUEUE = 0x10,
	FAN_UNLIMITED_MARKS = 0x20,
	FAN_REPORT_TID = 0x100,
	FAN_REPORT_FID = 0x200,
	FAN_REPORT_DIR_FID = 0x400,
	FAN_REPORT_NAME = 0x800,
	FAN_FIDS = FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME,
};

enum fanotify_mark_flags {
	FAN_MARK_ADD = 0x1,
	FAN_MARK_REMOVE = 0x2,
	FAN_MARK_DONT_FOLLOW = 0x4,
	FAN_MARK_ONLYDIR = 0x8,
	FAN_MARK_MOUNT = 0x10,
	FAN_MARK_IGNORED_MASK = 0x20,
	FAN_MARK_IGNORED_SURV_MODIFY = 0x40,
	FAN_MARK_FLUSH = 0x80,
	FAN_MARK_FILESYSTEM = 0x100,
	FAN_MARK_KINDS = FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM,
};

/* Beyond those that inotify has, with the same numbers: fs/notify.h. */
enum fanotify_mask {
	FAN_Q_OVERFLOW = 0x4000,
	FAN_OPEN_PERM = 0x10000,
	FAN_ACCESS_PERM = 0x20000,
	FAN_OPEN_EXEC_PERM = 0x40000,
	FAN_EVENT_ON_CHILD = 0x08000000,
	FAN_ONDIR = 0x40000000,
};

enum fanotify_answer { FAN_ALLOW = 1, FAN_DENY = 2 };

struct linux_fanotify_event {
	u32 length;
	u8 version;
	u8 reserved;
	u16 head_length;
	u64 mask;
	s32 fd;
	s32 pid;
};

enum { FANOTIFY_VERSION = 3, FANOTIFY_NO_FD = -1 };

enum fanotify_info_type {
	FAN_INFO_FID = 1,
	FAN_INFO_DFID_NAME = 2,
	FAN_INFO_DFID = 3,
};

/* The handle's bytes follow as name_to_handle_at(2) gives them, then perhaps a terminated name. */
struct linux_fanotify_info {
	u8 type;
	u8 pad;
	u16 length;
	s32 fsid[2];
};

struct linux_fanotify_response {
	s32 fd;
	u32 answer;
};

#endif
