/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V semaphores: operations that are done all at once, waiting, undoing, removal.
 *
 * Other programs may use sets at the same time: nothing here counts them all.
 */
#include "abi.h"

#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int set(int id, int number, int value)
{
	return semctl(id, number, SETVAL, (union semun){.val = value});
}

static int get(int id, int number)
{
	return semctl(id, number, GETVAL);
}

static int one(int id, int number, int change, int flags)
{
	struct sembuf operation = {(unsigned short)number, (short)change, (short)flags};

	return semop(id, &operation, 1);
}

static void fresh_set(void)
{
	struct semid_ds status;
	time_t before = stamp_now();
	int id = semget(IPC_PRIVATE, 3, 0640);
	unsigned short values[3] = {5, 6, 32767};

	ok(id >= 0, "a set");
	is(semctl(id, 0, IPC_STAT, (union semun){.buf = &status}), 0, "its status");
	ok(status.sem_nsems == 3 && status.sem_perm.mode == 0640 && status.sem_otime == 0 &&
		   status.sem_ctime >= before && status.sem_perm.uid == geteuid(),
	   "as it was made");
	ok(get(id, 0) == 0 && get(id, 2) == 0, "all are 0");
	is(set(id, 1, 7), 0, "set one");
	is(get(id, 1), 7, "read");
	is(semctl(id, 1, GETPID), getpid(), "by whom");
	is(semctl(id, 2, GETPID), 0, "nobody");
	is(semctl(id, 0, SETALL, (union semun){.array = values}), 0, "set all");
	memset(values, 0, sizeof(values));
	is(semctl(id, 0, GETALL, (union semun){.array = values}), 0, "read all");
	ok(values[0] == 5 && values[1] == 6 && values[2] == 32767, "as set");
	fails(set(id, 0, 32768), ERANGE, "too large");
	fails(set(id, 0, -1), ERANGE, "below 0");
	fails(set(id, 3, 0), EINVAL, "no such semaphore");
	fails(get(id, -1), EINVAL, "nor that");
	values[0] = 40000;
	fails(semctl(id, 0, SETALL, (union semun){.array = values}), ERANGE, "one too large");
	fails(semctl(id, 0, SETALL, (union semun){.array = BAD_POINTER}), EFAULT, "a bad pointer");
	fails(semctl(id, 0, GETALL, (union semun){.array = BAD_POINTER}), EFAULT, "a bad pointer");
	fails(semctl(id, 0, 99), EINVAL, "an unknown command");
	status.sem_perm.mode = 0600;
	is(semctl(id, 0, IPC_SET, (union semun){.buf = &status}), 0, "IPC_SET");
	semctl(id, 0, IPC_STAT, (union semun){.buf = &status});
	is(status.sem_perm.mode, 0600, "its mode");
	is(semctl(id, 0, IPC_RMID), 0, "removed");
	errno = 0;
	ok(get(id, 0) == -1 && (errno == EINVAL || errno == EIDRM), "gone");
}

static void keys(void)
{
	key_t key = 0x5e3a0000 + getpid();
	int id, status;

	fails(semget(key, 1, 0), ENOENT, "nothing there");
	fails(semget(key, 0, IPC_CREAT), EINVAL, "none is too few");
	fails(semget(key, -1, IPC_CREAT), EINVAL, "fewer");
	fails(semget(key, 1000000, IPC_CREAT), EINVAL, "too many");
	id = semget(key, 2, IPC_CREAT | 0600);
	ok(id >= 0, "made");
	is(semget(key, 0, 0), id, "found");
	is(semget(key, 2, IPC_CREAT | 0600), id, "again");
	fails(semget(key, 3, 0), EINVAL, "not that large");
	fails(semget(key, 2, IPC_CREAT | IPC_EXCL), EEXIST, "not new");
	if (child(&status) == 0) {
		become(1000, 1000);
		fails(semget(key, 2, 0600), EACCES, "not ours");
		fails(one(id, 0, 1, 0), EACCES, "not to be changed");
		fails(one(id, 0, 0, 0), EACCES, "nor looked at");
		fails(get(id, 0), EACCES, "nor read");
		fails(semctl(id, 0, IPC_RMID), EPERM, "nor removed");
		exit(0);
	}
	semctl(id, 0, IPC_RMID);
}

static void operations(void)
{
	int id = semget(IPC_PRIVATE, 2, 0600);
	struct sembuf many[600] = {{0, 0, 0}};

	is(one(id, 0, 3, 0), 0, "add");
	is(get(id, 0), 3, "added");
	is(one(id, 0, -2, 0), 0, "take");
	fails(one(id, 0, -2, IPC_NOWAIT), EAGAIN, "not that much");
	fails(one(id, 0, 0, IPC_NOWAIT), EAGAIN, "not 0");
	is(one(id, 1, 0, IPC_NOWAIT), 0, "0");
	fails(one(id, 0, 32767, 0), ERANGE, "too much");
	fails(one(id, 2, 1, 0), EFBIG, "no such semaphore");
	fails(semop(id, many, 0), EINVAL, "no operation");
	fails(semop(id, many, 600), E2BIG, "too many");
	fails(semop(id, BAD_POINTER, 1), EFAULT, "a bad pointer");
	fails(semop(-1, many, 1), EINVAL, "no set");
	struct sembuf both[2] = {{0, -1, 0}, {1, -1, IPC_NOWAIT}};
	fails(semop(id, both, 2), EAGAIN, "both or none");
	ok(get(id, 0) == 1 && get(id, 1) == 0, "none");
	struct sembuf twice[3] = {{1, 2, 0}, {1, -1, 0}, {0, -1, 0}};
	is(semop(id, twice, 3), 0, "one after the other");
	ok(get(id, 0) == 0 && get(id, 1) == 1, "done");
	struct timespec wait = {0, 30000000}, wrong = {0, -1};
	struct sembuf take = {0, -1, 0};
	long start = now_ms();
	fails(semtimedop(id, &take, 1, &wait), EAGAIN, "waits no longer");
	ok(now_ms() - start >= 29, "than that");
	fails(semtimedop(id, &take, 1, &wrong), EINVAL, "no time");
	fails(semtimedop(id, &take, 1, BAD_POINTER), EFAULT, "a bad time");
	semctl(id, 0, IPC_RMID);
}

static void waiting(void)
{
	int id = semget(IPC_PRIVATE, 2, 0600);
	volatile int *shared = shared_ints();
	pid_t first = spawn();

	if (first == 0) {
		struct sembuf both[2] = {{0, -2, 0}, {1, -1, 0}};
		int result = semop(id, both, 2);
		shared[0] = 1;
		exit(result);
	}
	wait_until(semctl(id, 0, GETNCNT) == 1);
	is(semctl(id, 0, GETNCNT), 1, "one waits for the first");
	is(semctl(id, 1, GETNCNT), 0, "not yet for the second");
	is(one(id, 0, 2, 0), 0, "add to the first");
	wait_until(semctl(id, 1, GETNCNT) == 1);
	ok(semctl(id, 1, GETNCNT) == 1 && semctl(id, 0, GETNCNT) == 0, "now for the second");
	is(shared[0], 0, "it has not gone on");
	is(one(id, 1, 1, 0), 0, "add to the second");
	is(reap(first), 0, "it goes on");
	ok(get(id, 0) == 0 && get(id, 1) == 0, "with both");
	set(id, 0, 1);
	pid_t zero = spawn();
	if (zero == 0)
		exit(one(id, 0, 0, 0));
	wait_until(semctl(id, 0, GETZCNT) == 1);
	is(semctl(id, 0, GETZCNT), 1, "one waits for 0");
	is(set(id, 0, 0), 0, "0");
	is(reap(zero), 0, "it goes on");
	pid_t removed = spawn();
	if (removed == 0)
		exit(one(id, 0, -1, 0) == -1 && errno == EIDRM ? 0 : 1);
	wait_until(semctl(id, 0, GETNCNT) == 1);
	semctl(id, 0, IPC_RMID);
	is(reap(removed), 0, "who waits learns of the removal");
}

static void on_signal(int signal)
{
	(void)signal;
}

static void interrupted(void)
{
	int id = semget(IPC_PRIVATE, 1, 0600), status;

	if (child(&status) == 0) {
		struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
		struct itimerspec soon = {.it_value = {0, 20000000}};
		timer_t timer;

		sigaction(SIGUSR1, &action, NULL);
		struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
		timer_create(CLOCK_MONOTONIC, &event, &timer);
		timer_settime(timer, 0, &soon, NULL);
		exit(one(id, 0, -1, 0) == -1 && errno == EINTR ? 0 : 1);
	}
	is(status, 0, "a signal ends the wait, even with SA_RESTART");
	is(semctl(id, 0, GETNCNT), 0, "nobody waits");
	semctl(id, 0, IPC_RMID);
}

static void *take_with_undo(void *argument)
{
	one(*(int *)argument, 0, -1, SEM_UNDO);
	return NULL;
}

static void undoing(void)
{
	int id = semget(IPC_PRIVATE, 2, 0600), status;

	set(id, 0, 3);
	if (child(&status) == 0) {
		one(id, 0, -2, SEM_UNDO);
		one(id, 1, 4, SEM_UNDO);
		is(get(id, 0), 1, "taken");
		exit(0);
	}
	ok(get(id, 0) == 3 && get(id, 1) == 0, "given back at the end");
	if (child(&status) == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, take_with_undo, &id);
		pthread_join(thread, NULL);
		is(get(id, 0), 2, "a thread's end gives nothing back");
		exit(0);
	}
	is(get(id, 0), 3, "the process's does");
	if (child(&status) == 0) {
		one(id, 0, -1, SEM_UNDO);
		if (fork() == 0)
			_exit(0);
		wait(NULL);
		is(get(id, 0), 2, "a child does not share it");
		set(id, 0, 10);
		exit(0);
	}
	is(get(id, 0), 10, "setting the value forgets it");
	if (child(&status) == 0) {
		one(id, 0, 5, SEM_UNDO);
		one(id, 0, -14, 0);
		exit(0);
	}
	is(get(id, 0), 0, "not below 0");
	pid_t waiter = spawn();
	if (waiter == 0)
		exit(one(id, 1, -1, 0));
	wait_until(semctl(id, 1, GETNCNT) == 1);
	set(id, 0, 1);
	one(id, 1, 0, 0);
	set(id, 1, 0);
	if (child(&status) == 0) {
		struct sembuf back[2] = {{1, 1, 0}, {1, -1, SEM_UNDO}};
		semop(id, back, 2);
		exit(0);
	}
	is(reap(waiter), 0, "what is given back serves who waits");
	fails((set(id, 0, 32767), one(id, 0, -32767, SEM_UNDO) | one(id, 0, 1, 0) |
					  one(id, 0, -1, SEM_UNDO) | one(id, 0, 1, 0) |
					  one(id, 0, -1, SEM_UNDO)),
	      ERANGE, "too much to undo");
	semctl(id, 0, IPC_RMID);
}

static void information(void)
{
	struct seminfo info = {0};
	struct semid_ds status;
	int id = semget(IPC_PRIVATE, 2, 0600), highest;
	char text[8192], line[64];

	highest = semctl(0, 0, IPC_INFO, (union semun){.info = &info});
	ok(highest >= 0 && info.semvmx == 32767 && info.semmsl == 32000 && info.semopm == 500 &&
		   info.semmni == 32000 && info.semmns == 1024000000,
	   "the limits are Linux's");
	is(semctl(0, 0, SEM_INFO, (union semun){.info = &info}), highest, "the use");
	ok(info.semusz >= 1 && info.semaem >= 2, "counts ours");
	bool found = false;
	for (int i = 0; i <= highest; i++)
		found |= semctl(i, 0, SEM_STAT, (union semun){.buf = &status}) == id;
	ok(found, "SEM_STAT finds it");
	found = false;
	for (int i = 0; i <= highest; i++)
		found |= semctl(i, 0, SEM_STAT_ANY, (union semun){.buf = &status}) == id;
	ok(found, "SEM_STAT_ANY, too");
	get_file("/proc/sysvipc/sem", text, sizeof(text));
	ok(strncmp(text, "       key      semid perms      nsems", 38) == 0, "sysvipc's head");
	sprintf(line, "%10d %10d  %4o %10u", 0, id, 0600, 2);
	ok(strstr(text, line) != NULL, "and our line");
	get_file("/proc/sys/kernel/sem", text, sizeof(text));
	is_str(text, "32000\t1024000000\t500\t32000\n", "the setting");
	semctl(id, 0, IPC_RMID);
}

#define ROUNDS 500

/* A count that only one at a time may touch. */
static void mutual_exclusion(void)
{
	int id = semget(IPC_PRIVATE, 1, 0600);
	volatile int *shared = shared_ints();
	pid_t children[4];

	set(id, 0, 1);
	for (int i = 0; i < 4; i++) {
		children[i] = spawn();
		if (children[i] == 0) {
			for (int round = 0; round < ROUNDS; round++) {
				one(id, 0, -1, SEM_UNDO);
				int count = shared[0];
				if (round % 16 == 0)
					sched_yield();
				shared[0] = count + 1;
				one(id, 0, 1, SEM_UNDO);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		is(reap(children[i]), 0, "a worker");
	is(shared[0], 4 * ROUNDS, "nobody was overtaken");
	is(get(id, 0), 1, "free in the end");
	semctl(id, 0, IPC_RMID);
}

int main(void)
{
	fresh_set();
	keys();
	operations();
	waiting();
	interrupted();
	undoing();
	information();
	mutual_exclusion();
	return done();
}
