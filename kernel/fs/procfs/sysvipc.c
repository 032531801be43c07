/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: /proc/sysvipc (sysvipc(7)).
 */
#include "fs/procfs/procfs.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"

static int show_shm(const struct proc_node *node __unused, struct text *text)
{
	struct shm_snapshot segment;
	u32 index = 0;

	text_printf(text,
		    "       key      shmid perms                  size  cpid  lpid nattch   uid   "
		    "gid  cuid  cgid      atime      dtime      ctime                   rss      "
		    "            swap\n");
	while (shm_next(&index, &segment)) {
		const struct linux_shmid_ds *status = &segment.status;
		const struct linux_ipc_perm *perm = &status->perm;

		text_printf(text,
			    "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10lu %10lu %10lu "
			    "%21lu %21lu\n",
			    perm->key, segment.id, perm->mode, (unsigned long)status->segment_size,
			    (u32)status->creator, (u32)status->last,
			    (unsigned long)status->attached, perm->uid, perm->gid, perm->cuid,
			    perm->cgid, (unsigned long)status->attach_time,
			    (unsigned long)status->detach_time, (unsigned long)status->change_time,
			    (unsigned long)segment.resident, (unsigned long)segment.swapped);
	}
	return 0;
}

static int show_sem(const struct proc_node *node __unused, struct text *text)
{
	struct sem_snapshot set;
	u32 index = 0;

	text_printf(text,
		    "       key      semid perms      nsems   uid   gid  cuid  cgid      otime"
		    "      ctime\n");
	while (sem_next(&index, &set)) {
		const struct linux_ipc_perm *perm = &set.status.perm;

		text_printf(text, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10lu %10lu\n", perm->key,
			    set.id, perm->mode, (unsigned long)set.status.count, perm->uid,
			    perm->gid, perm->cuid, perm->cgid,
			    (unsigned long)set.status.operation_time,
			    (unsigned long)set.status.change_time);
	}
	return 0;
}

static int show_msg(const struct proc_node *node __unused, struct text *text)
{
	struct msg_snapshot queue;
	u32 index = 0;

	text_printf(text,
		    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid"
		    "  cuid  cgid      stime      rtime      ctime\n");
	while (msg_next(&index, &queue)) {
		const struct linux_msqid_ds *status = &queue.status;
		const struct linux_ipc_perm *perm = &status->perm;

		text_printf(
			text,
			"%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10lu %10lu %10lu\n",
			perm->key, queue.id, perm->mode, (unsigned long)status->bytes,
			(unsigned long)status->count, (u32)status->sender, (u32)status->receiver,
			perm->uid, perm->gid, perm->cuid, perm->cgid,
			(unsigned long)status->send_time, (unsigned long)status->receive_time,
			(unsigned long)status->change_time);
	}
	return 0;
}

const struct proc_entry proc_sysvipc_entries[] = {
	PROC_FILE("msg", 0444, show_msg),
	PROC_FILE("sem", 0444, show_sem),
	PROC_FILE("shm", 0444, show_shm),
	PROC_END,
};
