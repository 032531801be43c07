/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control lists: what may be set, mode and list as one, who may do what (against a model of
 * acl(5)), and what new files get.
 */
#include "abi.h"

#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define ACCESS  "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"
enum { OWNER = 1, USER = 2, OWN_GROUP = 4, GROUP = 8, MASK = 16, OTHER = 32 };
enum { ENTRIES_MAX = 12, VALUE_MAX = 4 + ENTRIES_MAX * 8 };
#define NO_ID UINT32_MAX

struct entry {
	uint16_t tag, permissions;
	uint32_t id;
};

struct list {
	uint32_t unused, version; /* the value begins here */
	struct entry entries[ENTRIES_MAX];
};

static struct list list;
static int count;

static void start(void)
{
	count = 0;
	list.version = 2;
}

static void add(int tag, int permissions, uint32_t id)
{
	list.entries[count++] = (struct entry){(uint16_t)tag, (uint16_t)permissions, id};
}

static size_t value_size(void)
{
	return 4 + (size_t)count * sizeof(struct entry);
}

/* "u7 u1000:6 g5 g2000:4 m7 o1": the list. */
static void make(const char *text)
{
	start();
	while (*text) {
		static const char letters[] = "ugmo";
		static const int plain[] = {OWNER, OWN_GROUP, MASK, OTHER};
		const char *end;
		int tag = plain[strchr(letters, *text) - letters];
		uint32_t number = (uint32_t)strtoul(text + 1, (char **)&end, 10);

		if (*end == ':') {
			uint32_t permissions = (uint32_t)strtoul(end + 1, (char **)&end, 10);

			add(tag == OWNER ? USER : GROUP, (int)permissions, number);
		} else {
			add(tag, (int)number, NO_ID);
		}
		text = *end == ' ' ? end + 1 : end;
	}
}

static int put(const char *path, const char *name, const char *text)
{
	make(text);
	return setxattr(path, name, &list.version, value_size(), 0);
}

/* The list of a file, as make() has it; "-": it has none. */
static const char *got(const char *path, const char *name)
{
	static char text[400];
	struct list found;
	ssize_t size = getxattr(path, name, &found.version, VALUE_MAX);
	int at = 0;

	if (size < 0)
		return errno == ENODATA ? "-" : strerror(errno);
	text[0] = '\0';
	if (found.version != 2)
		return "another version";
	for (int i = 0; i < (size - 4) / 8; i++) {
		const struct entry *entry = &found.entries[i];
		char letter = entry->tag <= USER    ? 'u'
			      : entry->tag <= GROUP ? 'g'
			      : entry->tag == MASK  ? 'm'
						    : 'o';

		at += entry->tag == USER || entry->tag == GROUP
			      ? sprintf(text + at, "%s%c%u:%u", i ? " " : "", letter, entry->id,
					entry->permissions)
			      : sprintf(text + at, "%s%c%u", i ? " " : "", letter,
					entry->permissions);
	}
	return text;
}

static int mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

static bool is_listed(const char *path, const char *name)
{
	char names[1000];
	ssize_t size = listxattr(path, names, sizeof(names));

	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1)
		if (strcmp(names + at, name) == 0)
			return true;
	return false;
}

/* --- Setting --- */

static void mode_and_list(void)
{
	put_file("f", "x", 1, 0640);
	is_str(got("f", ACCESS), "-", "no list at first");
	ok(!is_listed("f", ACCESS), "nor a name");
	is(put("f", ACCESS, "u6 u1000:7 g4 m7 o0"), 0, "a list");
	is_str(got("f", ACCESS), "u6 u1000:7 g4 m7 o0", "is there");
	ok(is_listed("f", ACCESS), "and has a name");
	is(mode_of("f"), 0670, "the group's bits are the mask");
	is(getxattr("f", ACCESS, NULL, 0), 4 + 5 * 8, "its size");
	fails(getxattr("f", ACCESS, &list, 43), ERANGE, "no room");
	is(chmod("f", 0751), 0, "chmod");
	is_str(got("f", ACCESS), "u7 u1000:7 g4 m5 o1", "changes owner, mask and others");
	is(put("f", ACCESS, "u7 g5 g5:1 g6:2 m3 o2"), 0, "another");
	is_str(got("f", ACCESS), "u7 g5 g5:1 g6:2 m3 o2", "replaces it");
	is(put("f", ACCESS, "u6 g5 m4 o0"), 0, "a mask without users");
	is_str(got("f", ACCESS), "u6 g5 m4 o0", "is a list");
	is(put("f", ACCESS, "u6 g2 o1"), 0, "one that says what a mode says");
	is_str(got("f", ACCESS), "-", "is none");
	is(mode_of("f"), 0621, "but a mode");
	is(put("f", ACCESS, "u7 u0:1 g5 m4 o0"), 0, "a list");
	is(removexattr("f", ACCESS), 0, "goes");
	is_str(got("f", ACCESS), "-", "and has gone");
	is(mode_of("f"), 0740, "the mode stays");
	is(removexattr("f", ACCESS), 0, "once more");
	is(put("f", ACCESS, "u7 u0:1 g5 m4 o0"), 0, "a list");
	make("");
	is(setxattr("f", ACCESS, &list.version, 4, 0), 0, "without entries");
	is_str(got("f", ACCESS), "-", "it goes");
	is(chmod("f", 0644), 0, "chmod of one without");
	is(put("f", ACCESS, "u7 u0:1 g5 m4 o0"), 0, "a list");
	is(chown("f", 5, 6), 0, "chown");
	is_str(got("f", ACCESS), "u7 u0:1 g5 m4 o0", "leaves it");
	is(truncate("f", 100), 0, "truncate");
	is(rename("f", "g"), 0, "rename");
	is_str(got("g", ACCESS), "u7 u0:1 g5 m4 o0", "leave it");
	unlink("g");
}

static void refused(void)
{
	static const char *const bad[] = {
		"u7 g5",
		"u7 o5",
		"g5 o5",
		"u7 u7 g5 o5",
		"u7 g5 o5 o5",
		"u7 g5 g5 o5",
		"u7 u5:7 g5 o0",
		"u7 g5 g5:1 o0",
		"u7 g5 m3 m3 o0",
		"u8 g5 o0",
		"u7 g5 m9 o0",
		"u7 u5:8 g5 m1 o0",
		"g5 u7 o0",
		"u7 g5 o0 m7",
		"u5:7 u7 g5 m7 o0",
		"u7 g5:1 g5 m7 o0",
		"u7 u4294967295:1 g5 m7 o0",
		"u7 g5 g4294967295:1 m7 o0",
	};
	int status;

	put_file("f", "x", 1, 0640);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fails(put("f", ACCESS, bad[i]), EINVAL, "%s", bad[i]);
		fails(put(".", DEFAULT, bad[i]), EINVAL, "%s", bad[i]);
	}
	make("u7 u5:1 g5 m7 o0");
	list.entries[1].tag = 64;
	fails(setxattr("f", ACCESS, &list.version, value_size(), 0), EINVAL,
	      "an entry of an unknown kind");
	make("u7 g5 m7 o0");
	fails(setxattr("f", ACCESS, &list.version, value_size() - 1, 0), EINVAL, "half an entry");
	fails(setxattr("f", ACCESS, &list.version, 3, 0), EINVAL, "half a version");
	list.version = 1;
	fails(setxattr("f", ACCESS, &list.version, value_size(), 0), EOPNOTSUPP, "another version");
	fails(put("f", DEFAULT, "u7 g5 o5"), EACCES, "a default list is for directories");
	is(removexattr("f", DEFAULT), 0, "which a file has not");
	is_str(got("f", DEFAULT), "-", "nor is there one");
	is_str(got("f", ACCESS), "-", "nothing was changed");
	is(mode_of("f"), 0640, "nor the mode");
	is(symlink("f", "l"), 0, "a link");
	make("u7 u5:1 g5 m7 o0");
	fails(lsetxattr("l", ACCESS, &list.version, value_size(), 0), EOPNOTSUPP, "it has none");
	fails(lgetxattr("l", ACCESS, &list.version, VALUE_MAX), EOPNOTSUPP,
	      "nor is there one to see");
	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "somebody");
		fails(put("f", ACCESS, "u7 u5:1 g5 m7 o7"), EPERM, "of another's file");
		fails(removexattr("f", ACCESS), EPERM, "neither away");
		is_str(got("f", ACCESS), "-", "but anybody may look");
		_exit(0);
	}
	is(put("f", ACCESS, "u7 u5:1 g5 m7 o0"), 0, "a list");
	is(chmod("f", 02770), 0, "set-group-id");
	is(chown("f", 1000, 7), 0, "another's");
	is(chmod("f", 02770), 0, "set-group-id");
	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "the owner");
		is(put("f", ACCESS, "u7 u6:1 g5 m7 o0"), 0, "who is not in the group");
		is(mode_of("f"), 0770, "loses the bit");
		_exit(0);
	}
	unlink("f");
	unlink("l");
}

/* --- Asking --- */

struct person {
	uid_t uid;
	gid_t gid, other;
};

static bool is_in(const struct person *who, uint32_t gid)
{
	return who->gid == gid || who->other == gid;
}

/* acl(5), "access check algorithm". */
static bool may(const struct person *who, uid_t owner, gid_t group, int want)
{
	int mask = 7, i;
	bool in_group = false;

	for (i = 0; i < count; i++)
		if (list.entries[i].tag == MASK)
			mask = list.entries[i].permissions;
	for (i = 0; i < count; i++) {
		const struct entry *entry = &list.entries[i];

		if (entry->tag == OWNER && who->uid == owner)
			return (entry->permissions & want) == want;
		if (entry->tag == USER && who->uid == entry->id)
			return (entry->permissions & mask & want) == want;
		if ((entry->tag == OWN_GROUP && is_in(who, group)) ||
		    (entry->tag == GROUP && is_in(who, entry->id))) {
			in_group = true;
			if ((entry->permissions & mask & want) == want)
				return true;
		}
		if (entry->tag == OTHER)
			return !in_group && (entry->permissions & want) == want;
	}
	return false;
}

static uint32_t state = 12345;

static int pick(int below)
{
	state = state * 1103515245 + 12345;
	return (int)(state >> 16) % below;
}

/* Not all bits of the mask off: then the mode decides on Linux, and others are others. */
static void random_list(void)
{
	start();
	add(OWNER, pick(8), NO_ID);
	for (int i = pick(3), id = 1000; i > 0; i--, id++)
		add(USER, pick(8), (uint32_t)(id += pick(2)));
	add(OWN_GROUP, pick(8), NO_ID);
	for (int i = pick(3), id = 2000; i > 0; i--, id++)
		add(GROUP, pick(8), (uint32_t)(id += pick(2)));
	add(MASK, 1 + pick(7), NO_ID);
	add(OTHER, pick(8), NO_ID);
}

static void somebody_asks(const struct person *who)
{
	int differ = 0, opened = 0;

	if (syscall(SYS_setgroups, 1, &who->other) ||
	    syscall(SYS_setresgid, who->gid, who->gid, who->gid) ||
	    syscall(SYS_setresuid, who->uid, who->uid, who->uid))
		_exit(99);
	for (int want = 1; want < 8; want++)
		differ += (access("d", want) == 0) != may(who, 1002, 2002, want);
	for (int mode = 0; mode < 3; mode++) {
		int fd = open("f", mode), want = mode == 0 ? 4 : mode == 1 ? 2 : 6;

		opened += (fd >= 0) != may(who, 1002, 2002, want);
		if (fd >= 0)
			close(fd);
	}
	/* Looking up in a directory, of what is known already and what is not. */
	opened += (access("d/known", F_OK) == 0) != may(who, 1002, 2002, 1);
	opened += (access("d/unknown", F_OK) != 0 && errno == ENOENT) != may(who, 1002, 2002, 1);
	_exit(differ * 16 + opened);
}

static void who_may(void)
{
	static const struct person people[] = {
		{1000, 2000, 2001}, {1001, 2003, 2002}, {1002, 2002, 2002}, {1002, 9, 9},
		{1005, 2002, 2000}, {1005, 9, 2001},    {1005, 9, 9},       {1003, 2000, 2002},
	};
	int wrong = 0, status;

	put_file("f", "x", 1, 0600);
	mkdir("d", 0700);
	put_file("d/known", "x", 1, 0666);
	is(chown("f", 1002, 2002) | chown("d", 1002, 2002), 0, "an owner");
	for (int round = 0; round < 40; round++) {
		random_list();
		wrong += setxattr("f", ACCESS, &list.version, value_size(), 0) != 0;
		wrong += setxattr("d", ACCESS, &list.version, value_size(), 0) != 0;
		for (size_t i = 0; i < sizeof(people) / sizeof(*people); i++) {
			pid_t pid = spawn();

			if (pid == 0)
				somebody_asks(&people[i]);
			status = reap(pid);
			if (status != 0) {
				note("round %d, person %zu: %x, list %s", round, i, status,
				     got("d", ACCESS));
				wrong++;
			}
		}
	}
	is(wrong, 0, "everybody may what the model says");
	is(put("f", ACCESS, "u0 u0:0 g0 m6 o0"), 0, "nothing for anybody");
	is(access("f", R_OK | W_OK), 0, "the superuser may");
	fails(access("f", X_OK), EACCES, "but execute");
	is(put("f", ACCESS, "u0 u5:1 g0 m7 o0"), 0, "for one");
	is(access("f", X_OK), 0, "who may execute may");
}

/* A directory that the mode opens to all, but the list not to one. */
static void walking(void)
{
	int status;

	mkdir("open", 0755);
	mkdir("open/below", 0755);
	put_file("open/below/f", "x", 1, 0644);
	is(access("open/below/f", R_OK), 0, "it is there");
	is(put("open", ACCESS, "u7 u1000:0 g5 m5 o5"), 0, "not for user 1000");
	is(mode_of("open"), 0755, "by the mode for all");
	for (uid_t uid = 1000; uid < 1002; uid++)
		if (child(&status) == 0) {
			struct stat st;

			is(become(uid, uid), 0, "user %d", (int)uid);
			for (int i = 0; i < 3; i++)
				is(stat("open/below/f", &st) == 0 ? 0 : errno,
				   uid == 1000 ? EACCES : 0, "a walk");
			is(open("open/below/f", O_RDONLY) >= 0, uid != 1000, "an open");
			is(chdir("open") == 0, uid != 1000, "chdir");
			_exit(0);
		}
	is(removexattr("open", ACCESS), 0, "without the list");
	if (child(&status) == 0) {
		struct stat st;

		is(become(1000, 1000), 0, "user 1000");
		is(stat("open/below/f", &st), 0, "may");
		_exit(0);
	}
}

/* Walks go on while a list comes and goes: each sees one state or the other. */
static void walking_meanwhile(void)
{
	volatile int *stop = shared_ints();
	pid_t walkers[2];

	mkdir("busy", 0755);
	mkdir("busy/below", 0755);
	put_file("busy/below/f", "x", 1, 0644);
	for (int i = 0; i < 2; i++) {
		walkers[i] = spawn();
		if (walkers[i] != 0)
			continue;
		if (become((uid_t)(1000 + i), 9) != 0)
			_exit(1);
		while (!*stop)
			if (access("busy/below/f", F_OK) != 0 && (i == 1 || errno != EACCES))
				_exit(2);
		_exit(0);
	}
	for (int i = 0; i < 400; i++) {
		put("busy", ACCESS,
		    i % 3 == 2 ? "u7 u1000:0 u1001:7 g0 m7 o5" : "u7 u1000:0 g5 m5 o5");
		if (i % 2)
			removexattr("busy", ACCESS);
		chmod("busy", 0755);
	}
	*stop = 1;
	is(reap(walkers[0]), 0, "one who may at times");
	is(reap(walkers[1]), 0, "one who always may");
}

/* --- Inheriting --- */

static void inheriting(void)
{
	char path[64];
	struct stat st;
	int fd;

	mkdir("top", 0755);
	umask(077);
	is(put("top", DEFAULT, "u7 u1000:6 g5 m7 o1"), 0, "a default list");
	is(mode_of("top"), 0755, "the mode stays");
	is_str(got("top", ACCESS), "-", "there is no other");
	ok(is_listed("top", DEFAULT), "it has a name");
	fd = open("top/f", O_CREAT | O_RDWR, 0666);
	ok(fd >= 0, "a file");
	is_str(got("top/f", ACCESS), "u6 u1000:6 g5 m6 o0",
	       "inherits, less what was not asked for");
	is_str(got("top/f", DEFAULT), "-", "it has no default");
	is(mode_of("top/f"), 0660, "umask does not count");
	close(fd);
	is(mkdir("top/d", 0777), 0, "a directory");
	is_str(got("top/d", ACCESS), "u7 u1000:6 g5 m7 o1", "inherits");
	is_str(got("top/d", DEFAULT), "u7 u1000:6 g5 m7 o1", "both");
	is(mode_of("top/d"), 0771, "its mode");
	is(mkdir("top/d/e", 0700), 0, "one in it");
	is_str(got("top/d/e", ACCESS), "u7 u1000:6 g5 m0 o0", "less");
	is_str(got("top/d/e", DEFAULT), "u7 u1000:6 g5 m7 o1", "the same default");
	is(mkfifo("top/p", 0640), 0, "a fifo");
	is_str(got("top/p", ACCESS), "u6 u1000:6 g5 m4 o0", "inherits");
	is(mknod("top/n", S_IFREG | 0604, 0), 0, "mknod");
	is_str(got("top/n", ACCESS), "u6 u1000:6 g5 m0 o0", "inherits");
	is(symlink("f", "top/l"), 0, "a link");
	is(lstat("top/l", &st) == 0 ? (int)st.st_mode : -1, S_IFLNK | 0777, "does not");
	is(put_file("top/old", "x", 1, 0666), 0, "a file");
	is(put("top", DEFAULT, "u6 g4 o4"), 0, "a default that a mode could be");
	is_str(got("top", DEFAULT), "u6 g4 o4", "stays");
	fd = open("top/g", O_CREAT | O_RDWR, 0777);
	is_str(got("top/g", ACCESS), "-", "gives a mode alone");
	is(mode_of("top/g"), 0644, "without umask");
	close(fd);
	is_str(got("top/old", ACCESS), "u6 u1000:6 g5 m6 o6", "what was there stays");
	is(put("top", DEFAULT, "u7 u1000:6 g5 m7 o1"), 0, "a default list");
	fd = open("top", O_TMPFILE | O_RDWR, 0666);
	if (fd >= 0) {
		sprintf(path, "/proc/self/fd/%d", fd);
		is_str(got(path, ACCESS), "u6 u1000:6 g5 m6 o0", "a file without a name inherits");
		close(fd);
	} else {
		skip(1, "no files without names");
	}
	is(removexattr("top", DEFAULT), 0, "without");
	ok(!is_listed("top", DEFAULT), "nor the name");
	fd = open("top/h", O_CREAT | O_RDWR, 0666);
	is(mode_of("top/h"), 0600, "umask counts");
	close(fd);
	umask(022);
}

int main(void)
{
	scratch();
	chmod(".", 0755);
	put_file("try", "x", 1, 0644);
	if (put("try", ACCESS, "u6 u1000:7 g4 m7 o0") != 0 && errno == EOPNOTSUPP) {
		skip(1, "this file system has no access control lists");
		return done();
	}
	mode_and_list();
	refused();
	who_may();
	walking();
	walking_meanwhile();
	inheriting();
	return done();
}
