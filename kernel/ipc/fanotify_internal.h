/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of fanotify: fanotify.c has groups and marks, fanotify_queue.c the events. */
#ifndef IPC_FANOTIFY_INTERNAL_H
#define IPC_FANOTIFY_INTERNAL_H

#include "fs/handle.h"
#include "fs/notify.h"
#include "ipc/fanotify.h"
#include "lib/abi/fanotify.h"

enum { FANOTIFY_PERMISSIONS = FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM };

/* What a program has opened by fanotify_init(2). */
struct fan_group {
	u32 refs;              /* atomic: the file, marks on inodes, and who asks for permission */
	u32 flags, open_flags; /* const */
	bool privileged;       /* const: made with CAP_SYS_ADMIN */
	u64 order;             /* const: groups are asked in this order; no two alike */
	const struct credentials *user; /* const; counted: who pays */
	struct list_head all;           /* marks_lock */
	struct list_head marks;         /* marks_lock */
	u32 mark_count;                 /* marks_lock */
	mutex_t change;                 /* one change of marks at a time */

	spinlock_t lock;         /* after marks_lock */
	struct list_head events; /* lock: to be read */
	struct list_head asked;  /* lock: permissions that were read and not answered */
	u32 count;               /* lock: of events */
	bool overflowed;         /* lock: events were lost, which is to be told last */
	bool closed;             /* lock: all is permitted */
	wait_queue_t readers, askers;
};

struct fan_event {
	struct list_head link; /* the group's lock; empty: neither in the queue nor asked */
	u32 refs;              /* the group's lock: its list, and who waits */
	u32 mask;              /* lock while in the queue */
	pid_t pid;
	struct path path; /* referenced, or no mount */
	s32 fd;           /* asked: by which the answer names it */
	u32 answer;       /* lock: 0: none yet */
	u32 info_length;
	u8 info[]; /* the records behind the head */
};

static inline bool fan_reports_ids(const struct fan_group *group)
{
	return group->flags & FAN_FIDS;
}

void fan_group_put(struct fan_group *group);

/* --- fanotify_queue.c --- */

void fan_queue_init(struct fan_group *group);
/* Adds an event, or joins it with one like it.  marks_lock may be held.  fsid: of the file system,
 * for groups that report ids. */
void fan_queue(struct fan_group *group, const struct notify_facts *facts, u32 mask,
	       const s32 *fsid);
/* Asks whoever reads the group, and waits: 0, -EPERM, or -ERESTARTSYS when current is killed. */
int fan_ask(struct fan_group *group, const struct notify_facts *facts, u32 mask);
/* The file is closed: permits all, and drops what nobody will read. */
void fan_queue_close(struct fan_group *group);
ssize_t fan_read(struct file *file, struct io_cursor *cursor, off_t *position);
ssize_t fan_write(struct file *file, struct io_cursor *cursor, off_t *position);
u32 fan_poll(struct file *file, struct poll_table *table);
/* FIONREAD. */
u32 fan_bytes(struct fan_group *group);

#endif
