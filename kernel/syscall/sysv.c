/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls on System V semaphores and message queues: thin functions on ipc/sem.h, ipc/msg.h.
 */
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "lib/errno.h"
#include "lib/sync.h"
#include "proc/time.h"
#include "syscall/table.h"

long sys_semget(int key, int count, int flags)
{
	return sem_get(key, count, flags);
}

long sys_semop(int id, vaddr_t operations, u32 count)
{
	return sem_operate(id, operations, count, NO_DEADLINE);
}

long sys_semtimedop(int id, vaddr_t operations, u32 count, vaddr_t timeout)
{
	nsec_t deadline = NO_DEADLINE, time;

	if (timeout != 0) {
		int error = timespec_from_user(&time, timeout);
		if (error == 0)
			error = time_deadline(CLOCK_MONOTONIC, time, false, &deadline);
		if (error != 0)
			return error;
	}
	return sem_operate(id, operations, count, deadline);
}

long sys_semctl(int id, int number, int command, vaddr_t argument)
{
	return sem_control(id, number, command, argument);
}

long sys_msgget(int key, int flags)
{
	return msg_get(key, flags);
}

long sys_msgsnd(int id, vaddr_t message, size_t size, int flags)
{
	return msg_send(id, message, size, flags);
}

long sys_msgrcv(int id, vaddr_t message, size_t size, s64 type, int flags)
{
	return msg_receive(id, message, size, type, flags);
}

long sys_msgctl(int id, int command, vaddr_t buffer)
{
	return msg_control(id, command, buffer);
}
