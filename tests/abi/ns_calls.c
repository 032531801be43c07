/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces in general: unshare, setns, clone, the links in /proc/PID/ns, and the small kinds: host
 * names, System V objects, message queues, the network.
 */
#include "ns.h"

#include <mqueue.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/utsname.h>

#define NS_GET_USERNS    0xb701
#define NS_GET_PARENT    0xb702
#define NS_GET_NSTYPE    0xb703
#define NS_GET_OWNER_UID 0xb704

static const char *hostname(void)
{
	static struct utsname name;

	uname(&name);
	return name.nodename;
}

static void links(void)
{
	static const char *const names[] = {"uts", "ipc",  "pid",    "mnt",
					    "net", "user", "cgroup", "pid_for_children"};
	char path[64];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct stat status;
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		ok(ns_number(path) > 0, "/proc/self/ns/%s has a number", names[i]);
		is(stat(path, &status), 0, "and leads somewhere");
		is((long)status.st_ino, ns_number(path), "to a file with that number");
	}
	struct statfs fs;
	is(statfs("/proc/self/ns/uts", &fs), 0, "statfs on it");
	is(fs.f_type, 0x6e736673, "tells nsfs");
}

static void uts(void)
{
	int status;
	char before[65], again[65];
	int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

	snprintf(before, sizeof(before), "%s", hostname());
	if (child(&status) == 0) {
		is(unshare(CLONE_NEWUTS), 0, "a namespace of one's own for names");
		is_str(hostname(), before, "it begins as the old one");
		is(sethostname("elsewhere", 9), 0, "its name is changed");
		is_str(hostname(), "elsewhere", "and seen");
		is(ioctl(fd, NS_GET_NSTYPE), CLONE_NEWUTS, "the old one's file tells its kind");
		fails(setns(fd, CLONE_NEWIPC), EINVAL, "it is no namespace of another kind");
		is(setns(fd, CLONE_NEWUTS), 0, "back by the file");
		is_str(hostname(), before, "to the old name");
		_exit(0);
	}
	is(status, 0, "the child is done");
	snprintf(again, sizeof(again), "%s", hostname());
	is_str(again, before, "nothing has changed outside");
	fails(setns(0x7fff, 0), EBADF, "setns wants a descriptor");
	int null = open("/dev/null", O_RDONLY);
	fails(setns(null, 0), EINVAL, "of a namespace");
	close(null);
	fails(unshare(0x4), EINVAL, "unshare refuses unknown flags");
	close(fd);
}

/* Of control groups: the names differ, what is in them does not. */
static void cgroups(void)
{
	long own = ns_number("/proc/self/ns/cgroup");
	int status;

	if (child(&status) == 0) {
		int fd = open("/proc/self/ns/cgroup", O_RDONLY);
		is(unshare(CLONE_NEWCGROUP), 0, "a namespace of one's own for control groups");
		ok(ns_number("/proc/self/ns/cgroup") != own, "it has another number");
		is(ioctl(fd, NS_GET_NSTYPE), CLONE_NEWCGROUP, "the old one's file tells its kind");
		is(setns(fd, CLONE_NEWCGROUP), 0, "and leads back");
		is(ns_number("/proc/self/ns/cgroup"), own, "to its number");
		become(1000, 1000);
		fails(unshare(CLONE_NEWCGROUP), EPERM, "not everybody makes one");
		_exit(0);
	}
	is(status, 0, "the child is done");
	pid_t pid = (pid_t)ns_clone(CLONE_NEWCGROUP);
	if (pid == 0)
		_exit(ns_number("/proc/self/ns/cgroup") != own ? 0 : 1);
	is(reap(pid), 0, "clone makes one, too");
}

static void by_clone(void)
{
	long own = ns_number("/proc/self/ns/uts");
	int status;
	pid_t pid = (pid_t)ns_clone(CLONE_NEWUTS);

	if (pid == 0) {
		alarm(10);
		ok(ns_number("/proc/self/ns/uts") != own, "clone's child has another namespace");
		sethostname("clone", 5);
		_exit(0);
	}
	is(waitpid(pid, &status, 0), pid, "it is waited for");
	is(ns_number("/proc/self/ns/uts"), own, "the parent has its own");
	ok(strcmp(hostname(), "clone") != 0, "and its name");
}

static void refused(void)
{
	int status;

	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "an ordinary user");
		fails(unshare(CLONE_NEWUTS), EPERM, "may not make one of names");
		fails(unshare(CLONE_NEWNS), EPERM, "nor of mounts");
		fails(unshare(CLONE_NEWPID), EPERM, "nor of processes");
		fails(ns_clone(CLONE_NEWIPC), EPERM, "nor by clone");
		int fd = open("/proc/self/ns/uts", O_RDONLY);
		fails(setns(fd, 0), EPERM, "nor enter one");
		fails(sethostname("x", 1), EPERM, "nor set the name");
		_exit(0);
	}
	is(status, 0, "the child is done");
	fails(ns_clone(CLONE_NEWNS | CLONE_FS), EINVAL, "a shared working directory has one root");
	fails(ns_clone(CLONE_NEWIPC | CLONE_SYSVSEM), EINVAL, "a list to undo is in one namespace");
	fails(ns_clone(CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM), EINVAL,
	      "threads are in one");
}

static void sysv(void)
{
	int outside = semget(0x4e53, 1, IPC_CREAT | 0600), status;
	int memory = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
	char *text = shmat(memory, NULL, 0);

	ok(outside >= 0 && memory >= 0, "objects outside");
	strcpy(text, "outside");
	if (child(&status) == 0) {
		struct shmid_ds ds;
		is(unshare(CLONE_NEWIPC), 0, "a namespace of one's own for objects");
		fails(semget(0x4e53, 1, 0), ENOENT, "the key is unknown here");
		fails(shmctl(memory, IPC_STAT, &ds), EINVAL, "and the number");
		is_str(text, "outside", "attached memory stays");
		int inside = semget(0x4e53, 2, IPC_CREAT | 0600);
		ok(inside >= 0, "the key is free");
		struct sembuf up = {.sem_num = 1, .sem_op = 1, .sem_flg = SEM_UNDO};
		is(semop(inside, &up, 1), 0, "it works");
		int own = shmget(IPC_PRIVATE, 4 * PAGE, IPC_CREAT | 0600);
		char *mine = shmat(own, NULL, 0);
		ok(mine != (void *)-1, "memory of its own");
		mine[PAGE] = 1;
		/* It goes with the namespace, and so does the memory, attached as it is. */
		_exit(0);
	}
	is(status, 0, "the child is done");
	union {
		int value;
		struct semid_ds *status;
	} argument;
	struct semid_ds ds;
	argument.status = &ds;
	is(semctl(outside, 0, IPC_STAT, argument), 0, "the one outside is there");
	is((long)ds.sem_nsems, 1, "and has one semaphore");
	is(semctl(outside, 0, IPC_RMID), 0, "removed");
	shmdt(text);
	shmctl(memory, IPC_RMID, NULL);
}

static void queues(void)
{
	int status;
	mqd_t queue = mq_open("/ns_calls", O_CREAT | O_RDWR, 0600, NULL);

	ok(queue != (mqd_t)-1, "a queue outside");
	if (child(&status) == 0) {
		is(unshare(CLONE_NEWIPC), 0, "a namespace of its own");
		fails(mq_open("/ns_calls", O_RDWR), ENOENT, "has no queues");
		is(mq_send(queue, "x", 1, 0), 0, "what was open works");
		mqd_t other = mq_open("/ns_calls", O_CREAT | O_RDWR, 0600, NULL);
		ok(other != (mqd_t)-1, "the name is free");
		_exit(0);
	}
	is(status, 0, "the child is done");
	struct mq_attr attributes;
	is(mq_getattr(queue, &attributes), 0, "outside");
	is(attributes.mq_curmsgs, 1, "the message has come");
	is(mq_unlink("/ns_calls"), 0, "and the name is removed once");
	mq_close(queue);
}

static int bind_abstract(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path + 1, name);
	if (bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))) < 0)
		return -1;
	return fd;
}

static void network(void)
{
	int status, fd = bind_abstract("ns_calls");

	ok(fd >= 0, "an abstract name");
	fails(bind_abstract("ns_calls"), EADDRINUSE, "is taken");
	if (child(&status) == 0) {
		is(unshare(CLONE_NEWNET), 0, "a network of its own");
		ok(bind_abstract("ns_calls") >= 0, "has names of its own");
		_exit(0);
	}
	is(status, 0, "the child is done");
	close(fd);
}

/* A name keeps a namespace. */
static void kept(void)
{
	int status;

	scratch();
	is(put_file("kept", "", 0, 0600), 0, "a file to mount on");
	if (child(&status) == 0) {
		is(unshare(CLONE_NEWNS | CLONE_NEWUTS), 0, "mounts and names of its own");
		is(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0, "that tell nobody");
		is(sethostname("kept", 4), 0, "a name");
		is(mount("/proc/self/ns/uts", "kept", NULL, MS_BIND, NULL), 0,
		   "the namespace is mounted on a file");
		is(unshare(CLONE_NEWUTS), 0, "and left");
		sethostname("left", 4);
		int fd = open("kept", O_RDONLY);
		is(setns(fd, CLONE_NEWUTS), 0, "the file leads back");
		is_str(hostname(), "kept", "to its name");
		close(fd);
		is(umount("kept"), 0, "the mount goes");
		fails(mount("/proc/self/ns/mnt", "kept", NULL, MS_BIND, NULL), EINVAL,
		      "a namespace of mounts is not mounted in itself");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

static void ioctls(void)
{
	int uts_fd = open("/proc/self/ns/uts", O_RDONLY), status;
	int user_fd = open("/proc/self/ns/user", O_RDONLY);

	fails(ioctl(uts_fd, NS_GET_PARENT), EINVAL, "names have no parents");
	fails(ioctl(uts_fd, NS_GET_OWNER_UID, &status), EINVAL, "nor an owner by number");
	fails(ioctl(uts_fd, 0xb7ff), ENOTTY, "an unknown request");
	is(ioctl(user_fd, NS_GET_NSTYPE), CLONE_NEWUSER, "the user's kind");
	int owner = ioctl(uts_fd, NS_GET_USERNS);
	struct stat one, other;
	ok(owner >= 0 && fstat(owner, &one) == 0 && fstat(user_fd, &other) == 0 &&
		   one.st_ino == other.st_ino,
	   "the owner of our names is our user namespace");
	if (child(&status) == 0) {
		uid_t uid = 77;
		is(unshare(CLONE_NEWUSER), 0, "a user namespace");
		int mine = open("/proc/self/ns/user", O_RDONLY);
		is(ioctl(mine, NS_GET_OWNER_UID, &uid), 0, "has an owner");
		is(uid, 65534, "who has no number here");
		fails(ioctl(mine, NS_GET_PARENT), EPERM, "its parent is not ours to see");
		_exit(0);
	}
	is(status, 0, "the child is done");
	close(owner);
	close(uts_fd);
	close(user_fd);
}

/* All of a process's at once, by its descriptor. */
static void by_pidfd(void)
{
	int ready[2], go[2], status;
	char byte;

	if (pipe(ready) || pipe(go))
		return;
	pid_t pid = (pid_t)ns_clone(CLONE_NEWUTS | CLONE_NEWIPC);
	if (pid == 0) {
		alarm(10);
		sethostname("there", 5);
		(void)!write(ready[1], "", 1);
		(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	(void)!read(ready[0], &byte, 1);
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	ok(fd >= 0, "a descriptor of a process");
	fails(setns(fd, 0), EINVAL, "setns wants to know what of it");
	if (child(&status) == 0) {
		is(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC), 0, "two of its namespaces");
		is_str(hostname(), "there", "its name");
		char path[64];
		snprintf(path, sizeof(path), "/proc/%d/ns/ipc", pid);
		is(ns_number("/proc/self/ns/ipc"), ns_number(path), "its objects");
		_exit(0);
	}
	is(status, 0, "the child is done");
	(void)!write(go[1], "", 1);
	waitpid(pid, &status, 0);
	close(fd);
}

int main(void)
{
	links();
	uts();
	cgroups();
	by_clone();
	refused();
	sysv();
	queues();
	network();
	kept();
	ioctls();
	by_pidfd();
	return done();
}
