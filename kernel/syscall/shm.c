/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls on System V shared memory: thin functions on ipc/shm.h. */
#include "ipc/shm.h"
#include "syscall/table.h"

long sys_shmget(int key, size_t size, int flags)
{
	return shm_get(key, size, flags);
}

long sys_shmat(int id, vaddr_t address, int flags)
{
	return shm_attach(id, address, flags);
}

long sys_shmdt(vaddr_t address)
{
	return shm_detach(address);
}

long sys_shmctl(int id, int command, vaddr_t buffer)
{
	return shm_control(id, command, buffer);
}
