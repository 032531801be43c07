/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V message queues: order, types, limits, waiting, removal.
 *
 * Other programs may use queues at the same time: nothing here counts them all.
 */
#include "abi.h"

#include <limits.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

struct letter {
	long type;
	char text[10000];
};

static struct letter letter;

static int put(int id, long type, const char *text)
{
	letter.type = type;
	strcpy(letter.text, text);
	return msgsnd(id, &letter, strlen(text) + 1, IPC_NOWAIT);
}

/* The text that arrives, or "-". */
static const char *take(int id, long type, int flags)
{
	memset(&letter, 0, sizeof(letter));
	return msgrcv(id, &letter, 100, type, flags | IPC_NOWAIT) < 0 ? "-" : letter.text;
}

static void fresh_queue(void)
{
	struct msqid_ds status;
	time_t before = stamp_now();
	int id = msgget(IPC_PRIVATE, 0640);

	ok(id >= 0, "a queue");
	is(msgctl(id, IPC_STAT, &status), 0, "its status");
	ok(status.msg_perm.mode == 0640 && status.msg_qnum == 0 && status.msg_qbytes == 16384 &&
		   status.msg_stime == 0 && status.msg_rtime == 0 && status.msg_lspid == 0 &&
		   status.msg_ctime >= before,
	   "as it was made");
	is(put(id, 1, "hello"), 0, "sent");
	msgctl(id, IPC_STAT, &status);
	ok(status.msg_qnum == 1 && status.msg_cbytes == 6 && status.msg_lspid == getpid() &&
		   status.msg_stime >= before,
	   "counted");
	is(msgrcv(id, &letter, 100, 0, 0), 6, "received");
	is_str(letter.text, "hello", "the text");
	msgctl(id, IPC_STAT, &status);
	ok(status.msg_qnum == 0 && status.msg_cbytes == 0 && status.msg_lrpid == getpid(),
	   "counted");
	status.msg_perm.mode = 0600;
	status.msg_qbytes = 100;
	is(msgctl(id, IPC_SET, &status), 0, "IPC_SET");
	msgctl(id, IPC_STAT, &status);
	ok(status.msg_perm.mode == 0600 && status.msg_qbytes == 100, "set");
	is(msgctl(id, IPC_RMID, NULL), 0, "removed");
	errno = 0;
	ok(put(id, 1, "x") == -1 && (errno == EINVAL || errno == EIDRM), "gone");
}

static void keys(void)
{
	key_t key = 0x3e550000 + getpid();
	int status;

	fails(msgget(key, 0), ENOENT, "nothing there");
	int id = msgget(key, IPC_CREAT | 0600);
	is(msgget(key, 0), id, "found");
	fails(msgget(key, IPC_CREAT | IPC_EXCL), EEXIST, "not new");
	if (child(&status) == 0) {
		struct msqid_ds limits;
		msgctl(id, IPC_STAT, &limits);
		become(1000, 1000);
		fails(msgget(key, 0600), EACCES, "not ours");
		fails(put(id, 1, "x"), EACCES, "not to be sent to");
		fails(msgrcv(id, &letter, 10, 0, IPC_NOWAIT), EACCES, "nor received from");
		fails(msgctl(id, IPC_STAT, &limits), EACCES, "nor looked at");
		fails(msgctl(id, IPC_RMID, NULL), EPERM, "nor removed");
		int own = msgget(IPC_PRIVATE, 0600);
		msgctl(own, IPC_STAT, &limits);
		limits.msg_qbytes = 1 << 20;
		fails(msgctl(own, IPC_SET, &limits), EPERM, "more bytes take a right");
		msgctl(own, IPC_RMID, NULL);
		exit(0);
	}
	msgctl(id, IPC_RMID, NULL);
}

static void types(void)
{
	int id = msgget(IPC_PRIVATE, 0600);

	put(id, 5, "five");
	put(id, 3, "three");
	put(id, 4, "four");
	put(id, 3, "three again");
	is_str(take(id, 4, 0), "four", "that type");
	is_str(take(id, 9, 0), "-", "no such type");
	is(errno, ENOMSG, "errno");
	is_str(take(id, 5, MSG_EXCEPT), "three", "any other");
	is_str(take(id, -4, 0), "three again", "the lowest up to 4");
	is_str(take(id, -4, 0), "-", "none is left");
	is_str(take(id, LONG_MIN, 0), "five", "the lowest of all");
	put(id, 2, "first");
	put(id, 1, "second");
	is_str(take(id, 0, 0), "first", "the oldest");
	is_str(take(id, 0, 0), "second", "and the next");
	put(id, 1, "a");
	put(id, 2, "b");
	memset(&letter, 0, sizeof(letter));
	is(msgrcv(id, &letter, 100, 1, MSG_COPY | IPC_NOWAIT), 2, "a copy of the second");
	ok(letter.type == 2 && letter.text[0] == 'b', "is it");
	fails(msgrcv(id, &letter, 100, 2, MSG_COPY | IPC_NOWAIT), ENOMSG, "there is no third");
	fails(msgrcv(id, &letter, 100, 0, MSG_COPY), EINVAL, "copies do not wait");
	fails(msgrcv(id, &letter, 100, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL,
	      "nor except");
	is_str(take(id, 0, 0), "a", "both are still there");
	msgctl(id, IPC_RMID, NULL);
}

static void sizes(void)
{
	int id = msgget(IPC_PRIVATE, 0600);

	fails(put(id, 0, "x"), EINVAL, "no type");
	fails(put(id, -1, "x"), EINVAL, "nor that");
	letter.type = 1;
	fails(msgsnd(id, &letter, 8193, 0), EINVAL, "too large");
	fails(msgsnd(id, &letter, (size_t)-1, 0), EINVAL, "far too large");
	fails(msgsnd(-1, &letter, 1, 0), EINVAL, "no queue");
	fails(msgsnd(id, BAD_POINTER, 1, 0), EFAULT, "a bad message");
	is(msgsnd(id, &letter, 8192, IPC_NOWAIT), 0, "the largest");
	is(msgsnd(id, &letter, 8192, IPC_NOWAIT), 0, "twice");
	fails(msgsnd(id, &letter, 1, IPC_NOWAIT), EAGAIN, "full");
	is(msgsnd(id, &letter, 0, IPC_NOWAIT), 0, "nothing fits");
	fails(msgrcv(id, &letter, 10, 0, IPC_NOWAIT), E2BIG, "does not fit");
	is(msgrcv(id, &letter, 10, 0, IPC_NOWAIT | MSG_NOERROR), 10, "the rest is lost");
	fails(msgrcv(id, &letter, (size_t)-1, 0, 0), EINVAL, "a size below 0");
	is(msgrcv(id, &letter, 8192, 0, IPC_NOWAIT), 8192, "all of it");
	fails(msgrcv(id, BAD_POINTER, 8192, 0, IPC_NOWAIT), EFAULT, "a bad buffer");
	fails(msgrcv(id, &letter, 10, 0, IPC_NOWAIT), ENOMSG, "lost it");
	fails(msgctl(id, 99, NULL), EINVAL, "an unknown command");
	msgctl(id, IPC_RMID, NULL);
}

static void on_signal(int signal)
{
	(void)signal;
}

static void waiting(void)
{
	int id = msgget(IPC_PRIVATE, 0600), status;
	pid_t receiver = spawn();

	if (receiver == 0)
		exit(msgrcv(id, &letter, 100, 2, 0) == 2 && letter.text[0] == 'b' ? 0 : 1);
	sleep_ms(20);
	put(id, 1, "a");
	sleep_ms(20);
	put(id, 2, "b");
	is(reap(receiver), 0, "a receiver waits for its type");
	letter.type = 7;
	msgsnd(id, &letter, 8192, 0);
	pid_t sender = spawn();
	if (sender == 0)
		exit(msgsnd(id, &letter, 8192, 0) == 0 ? 0 : 1);
	sleep_ms(20);
	is_str(take(id, 1, 0), "a", "makes room");
	is(reap(sender), 0, "a sender waits for room");
	if (child(&status) == 0) {
		struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
		sigaction(SIGALRM, &action, NULL);
		ualarm(20000, 0);
		exit(msgrcv(id, &letter, 100, 9, 0) == -1 && errno == EINTR ? 0 : 1);
	}
	is(status, 0, "a signal ends the wait, even with SA_RESTART");
	pid_t waiters[2];
	for (int i = 0; i < 2; i++) {
		waiters[i] = spawn();
		if (waiters[i] == 0) {
			long result =
				i ? msgrcv(id, &letter, 100, 9, 0) : msgsnd(id, &letter, 8192, 0);
			exit(result == -1 && errno == EIDRM ? 0 : 1);
		}
	}
	sleep_ms(30);
	msgctl(id, IPC_RMID, NULL);
	is(reap(waiters[0]), 0, "a sender learns of the removal");
	is(reap(waiters[1]), 0, "a receiver, too");
}

static void information(void)
{
	struct msginfo info = {0};
	struct msqid_ds status;
	int id = msgget(IPC_PRIVATE, 0600), highest;
	char text[8192], line[64];

	put(id, 1, "abc");
	highest = msgctl(0, IPC_INFO, (void *)&info);
	ok(highest >= 0 && info.msgmax == 8192 && info.msgmnb == 16384 && info.msgmni >= 1000,
	   "the limits are Linux's");
	is(msgctl(0, MSG_INFO, (void *)&info), highest, "the use");
	ok(info.msgpool >= 1 && info.msgmap >= 1 && info.msgtql >= 4, "counts ours");
	bool found = false;
	for (int i = 0; i <= highest; i++)
		found |= msgctl(i, MSG_STAT, &status) == id &&
			 msgctl(i, MSG_STAT_ANY, &status) == id;
	ok(found, "MSG_STAT finds it");
	get_file("/proc/sysvipc/msg", text, sizeof(text));
	ok(strncmp(text, "       key      msqid perms      cbytes       qnum", 50) == 0,
	   "sysvipc's head");
	sprintf(line, "%10d %10d  %4o  %10u %10u %5u", 0, id, 0600, 4, 1, getpid());
	ok(strstr(text, line) != NULL, "and our line");
	get_file("/proc/sys/kernel/msgmax", text, sizeof(text));
	is_str(text, "8192\n", "the setting");
	msgctl(id, IPC_RMID, NULL);
}

#define LETTERS 1000

/* Several send, several receive: each letter arrives once. */
static void crowd(void)
{
	int id = msgget(IPC_PRIVATE, 0600);
	volatile int *sum = shared_ints();
	pid_t children[4];

	for (int i = 0; i < 4; i++) {
		children[i] = spawn();
		if (children[i] != 0)
			continue;
		struct {
			long type;
			int number;
		} m = {1, 0};
		for (int n = 1; n <= LETTERS; n++) {
			m.number = n;
			if (i < 2)
				msgsnd(id, &m, sizeof(int), 0);
			else if (msgrcv(id, &m, sizeof(int), 0, 0) == sizeof(int))
				__atomic_add_fetch(&sum[0], m.number, __ATOMIC_RELAXED);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		is(reap(children[i]), 0, "one of the crowd");
	is(sum[0], LETTERS * (LETTERS + 1), "each arrived once");
	msgctl(id, IPC_RMID, NULL);
}

int main(void)
{
	fresh_queue();
	keys();
	types();
	sizes();
	waiting();
	information();
	crowd();
	return done();
}
