/* SPDX-License-Identifier: BSD-2-Clause */
/* What proc/session.c and proc/session_job.c share.  All under process_tree_lock. */
#ifndef PROC_SESSION_INTERNAL_H
#define PROC_SESSION_INTERNAL_H

#include "proc/session.h"

struct session *session_get_locked(struct session *session);
void session_put_locked(struct session *session);
struct process_group *process_group_get_locked(struct process_group *group);
void process_group_put_locked(struct process_group *group);
void session_clear_foreground_locked(struct session *session);

#endif
