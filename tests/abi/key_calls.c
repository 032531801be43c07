/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys and keyrings: add_key(2), request_key(2), keyctl(2). */
#include "abi.h"

#include <sys/prctl.h>
#include <sys/wait.h>

enum {
	GET_KEYRING_ID,
	JOIN_SESSION,
	UPDATE,
	REVOKE,
	CHOWN,
	SETPERM,
	DESCRIBE,
	CLEAR,
	LINK,
	UNLINK,
	SEARCH,
	READ
};
enum { SET_TIMEOUT = 15, GET_SECURITY = 17, INVALIDATE = 21, CAPABILITIES = 31 };
enum {
	THREAD = -1,
	PROCESS = -2,
	SESSION = -3,
	USER = -4,
	USER_SESSION = -5,
	GROUP = -6,
	AUTHORITY = -7,
	REQUESTOR = -8
};

#define POSSESSOR_ALL 0x3f000000
#define OWNER_ALL     0x003f0000
#define OTHERS_ALL    0x0000003f

static long keyctl(int operation, long first, long second, long third, long fourth)
{
	return syscall(SYS_keyctl, operation, first, second, third, fourth);
}

static long add_key(const char *type, const char *name, const void *payload, size_t size, int ring)
{
	return syscall(SYS_add_key, type, name, payload, size, ring);
}

static long request_key(const char *type, const char *name, const char *callout, int ring)
{
	return syscall(SYS_request_key, type, name, callout, ring);
}

/* The text of KEYCTL_DESCRIBE; "" for none. */
static const char *describe(long key)
{
	static char text[8192];

	if (keyctl(DESCRIBE, key, (long)text, sizeof(text), 0) < 0)
		text[0] = '\0';
	return text;
}

static void special_keyrings(void)
{
	char text[64];
	int status;

	if (child(&status) == 0) {
		fails(keyctl(GET_KEYRING_ID, THREAD, 0, 0, 0), ENOKEY,
		      "a thread begins without a keyring");
		long thread = keyctl(GET_KEYRING_ID, THREAD, 1, 0, 0);
		ok(thread > 0, "and gets one");
		is(keyctl(GET_KEYRING_ID, THREAD, 0, 0, 0), thread, "which it keeps");
		fails(keyctl(GET_KEYRING_ID, PROCESS, 0, 0, 0), ENOKEY, "so does a process");
		long process = keyctl(GET_KEYRING_ID, PROCESS, 1, 0, 0);
		ok(process > 0 && process != thread, "it gets one of its own");
		snprintf(text, sizeof(text), "keyring;%d;%d;3f010000;_pid", getuid(), getgid());
		is_str(describe(process), text, "with all rights for possessors");
		long session = keyctl(JOIN_SESSION, 0, 0, 0, 0);
		ok(session > 0, "a new session");
		is(keyctl(GET_KEYRING_ID, SESSION, 0, 0, 0), session, "is the session then");
		snprintf(text, sizeof(text), "keyring;%d;%d;3f030000;_ses", getuid(), getgid());
		is_str(describe(session), text, "the owner may see and read it");
		long user = keyctl(GET_KEYRING_ID, USER, 0, 0, 0);
		snprintf(text, sizeof(text), "keyring;%d;%d;1f3f0000;_uid.%d", getuid(), 65534,
			 getuid());
		is_str(describe(user), text, "a user has a keyring");
		long user_session = keyctl(GET_KEYRING_ID, USER_SESSION, 0, 0, 0);
		ok(user_session > 0 && user_session != user, "and one for sessions");
		ok(keyctl(SEARCH, USER_SESSION, (long)"keyring", (long)(strrchr(text, ';') + 1),
			  0) == user,
		   "which holds it");
		fails(keyctl(GET_KEYRING_ID, GROUP, 0, 0, 0), EINVAL, "groups have none");
		fails(keyctl(GET_KEYRING_ID, AUTHORITY, 0, 0, 0), ENOKEY, "no authority");
		fails(keyctl(GET_KEYRING_ID, REQUESTOR, 0, 0, 0), ENOKEY, "no requestor");
		fails(keyctl(GET_KEYRING_ID, -9, 0, 0, 0), EINVAL, "no such keyring");
		fails(keyctl(GET_KEYRING_ID, 0, 0, 0, 0), EINVAL, "key 0");
		fails(keyctl(GET_KEYRING_ID, 1, 0, 0, 0), ENOKEY, "a number that no key has");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void contents(void)
{
	char buffer[64];
	int numbers[8], status;

	if (child(&status) == 0) {
		long session = keyctl(JOIN_SESSION, 0, 0, 0, 0);
		long key = add_key("user", "abi:one", "secret", 6, SESSION);
		ok(key > 0, "a key is added");
		snprintf(buffer, sizeof(buffer), "user;%d;%d;3f010000;abi:one", getuid(), getgid());
		is_str(describe(key), buffer, "its owner sees it, possessors have all rights");
		is(keyctl(DESCRIBE, key, 0, 0, 0), strlen(buffer) + 1,
		   "the length of the description");
		memset(buffer, 'x', sizeof(buffer));
		is(keyctl(DESCRIBE, key, (long)buffer, 4, 0), strlen(describe(key)) + 1,
		   "too short a buffer");
		is(buffer[0], 'x', "is not written to");
		is(keyctl(READ, key, 0, 0, 0), 6, "six bytes are in it");
		is(keyctl(READ, key, (long)buffer, sizeof(buffer), 0), 6, "they are read");
		ok(memcmp(buffer, "secretx", 7) == 0, "as they were given");
		memset(buffer, 'x', sizeof(buffer));
		is(keyctl(READ, key, (long)buffer, 3, 0), 6, "a buffer that is too short");
		is(buffer[0], 'x', "gets nothing");
		is(add_key("user", "abi:one", "other", 5, SESSION), key,
		   "the same name again: the same key");
		is(keyctl(READ, key, (long)buffer, sizeof(buffer), 0), 5, "with a new payload");
		is(keyctl(UPDATE, key, (long)"third one", 9, 0), 0, "update");
		is(keyctl(READ, key, (long)buffer, sizeof(buffer), 0), 9, "changes it too");
		ok(memcmp(buffer, "third one", 9) == 0, "to what was given");
		long logon = add_key("logon", "abi:two", "hidden", 6, SESSION);
		ok(logon > 0, "a logon key");
		fails(keyctl(READ, logon, (long)buffer, sizeof(buffer), 0), EOPNOTSUPP,
		      "is never read");
		ok(strstr(describe(logon), ";3d010000;abi:two") != NULL, "nobody has the right to");
		long ring = add_key("keyring", "abi:ring", NULL, 0, SESSION);
		is(keyctl(READ, session, (long)numbers, sizeof(numbers), 0), 12,
		   "three keys are in the session");
		ok((numbers[0] == key || numbers[1] == key || numbers[2] == key) &&
			   (numbers[0] == ring || numbers[1] == ring || numbers[2] == ring),
		   "these");
		fails(keyctl(READ, key, (long)BAD_POINTER, 64, 0), EFAULT, "a bad buffer");
		fails(keyctl(DESCRIBE, key, (long)BAD_POINTER, 64, 0), EFAULT,
		      "a bad buffer for the description");
		long label = keyctl(GET_SECURITY, key, (long)buffer, sizeof(buffer), 0);
		is(label, strlen(buffer) + 1, "a label of some length");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void rings(void)
{
	char name[32];
	int status;

	if (child(&status) == 0) {
		keyctl(JOIN_SESSION, 0, 0, 0, 0);
		long outer = add_key("keyring", "abi:outer", NULL, 0, SESSION);
		long inner = add_key("keyring", "abi:inner", NULL, 0, outer);
		long key = add_key("user", "abi:deep", "x", 1, inner);
		is(keyctl(SEARCH, SESSION, (long)"user", (long)"abi:deep", 0), key,
		   "a key in keyrings is found");
		is(request_key("user", "abi:deep", NULL, 0), key, "also by a request");
		fails(request_key("keyring", "abi:deep", NULL, 0), ENOKEY,
		      "but not as another type");
		fails(request_key("user", "abi:nothing", NULL, 0), ENOKEY, "nor by another name");
		fails(keyctl(SEARCH, SESSION, (long)"user", (long)"abi:nothing", 0), ENOKEY,
		      "a search says so as well");
		fails(keyctl(SEARCH, SESSION, (long)"nonsense", (long)"abi:deep", 0), ENOKEY,
		      "no such type");
		fails(keyctl(SEARCH, key, (long)"user", (long)"abi:deep", 0), ENOTDIR,
		      "no keyring");
		is(keyctl(SEARCH, SESSION, (long)"user", (long)"abi:deep", outer), key,
		   "a search links what it finds");
		is(keyctl(UNLINK, key, outer, 0, 0), 0, "from where it is taken");
		fails(keyctl(UNLINK, key, outer, 0, 0), ENOENT, "once");
		fails(keyctl(UNLINK, key, key, 0, 0), ENOTDIR, "out of no keyring");
		fails(keyctl(LINK, outer, inner, 0, 0), EDEADLK, "no circles");
		fails(keyctl(LINK, outer, outer, 0, 0), EDEADLK, "not even of one");
		fails(keyctl(LINK, outer, key, 0, 0), ENOTDIR, "a key holds no keyring");
		is(keyctl(LINK, key, outer, 0, 0), 0, "link");
		is(keyctl(READ, outer, 0, 0, 0), 8, "two are in it");
		is(keyctl(CLEAR, outer, 0, 0, 0), 0, "clear");
		is(keyctl(READ, outer, 0, 0, 0), 0, "none is");
		wait_until(keyctl(DESCRIBE, key, 0, 0, 0) < 0);
		fails(keyctl(DESCRIBE, key, 0, 0, 0), ENOKEY, "and so the key is gone");
		fails(keyctl(CLEAR, add_key("user", "abi:k", "x", 1, SESSION), 0, 0, 0), ENOTDIR,
		      "a key has nothing to clear");
		long ring = outer;
		for (int depth = 0; depth < 6; depth++) {
			snprintf(name, sizeof(name), "abi:depth%d", depth);
			ring = add_key("keyring", name, NULL, 0, (int)ring);
		}
		key = add_key("user", "abi:six", "x", 1, (int)ring);
		is(keyctl(SEARCH, outer, (long)"user", (long)"abi:six", 0), key,
		   "six keyrings deep");
		ring = add_key("keyring", "abi:depth6", NULL, 0, (int)ring);
		add_key("user", "abi:seven", "x", 1, (int)ring);
		fails(keyctl(SEARCH, outer, (long)"user", (long)"abi:seven", 0), ENOKEY,
		      "seven are too deep");
		long other = add_key("keyring", "abi:other", NULL, 0, SESSION);
		fails(keyctl(LINK, outer, other, 0, 0), ELOOP,
		      "so deep a keyring cannot be linked");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void endings(void)
{
	char text[16];
	int status;

	if (child(&status) == 0) {
		keyctl(JOIN_SESSION, 0, 0, 0, 0);
		long key = add_key("user", "abi:one", "x", 1, SESSION);
		is(keyctl(REVOKE, key, 0, 0, 0), 0, "a key is revoked");
		fails(keyctl(READ, key, (long)text, sizeof(text), 0), EKEYREVOKED,
		      "it is not read");
		fails(keyctl(UPDATE, key, (long)"x", 1, 0), EKEYREVOKED, "nor changed");
		fails(request_key("user", "abi:one", NULL, 0), EKEYREVOKED, "nor found");
		long next = add_key("user", "abi:one", "x", 1, SESSION);
		ok(next > 0 && next != key, "a new one takes its place");
		is(keyctl(SET_TIMEOUT, next, 1, 0, 0), 0, "a time limit");
		wait_until(keyctl(READ, next, (long)text, sizeof(text), 0) < 0);
		fails(keyctl(READ, next, (long)text, sizeof(text), 0), EKEYEXPIRED,
		      "after which it has expired");
		fails(keyctl(SEARCH, SESSION, (long)"user", (long)"abi:one", 0), EKEYEXPIRED,
		      "and is not found");
		fails(request_key("user", "abi:one", NULL, 0), ENOKEY, "nor given on request");
		long last = add_key("user", "abi:three", "x", 1, SESSION);
		is(keyctl(INVALIDATE, last, 0, 0, 0), 0, "a key is invalidated");
		fails(keyctl(DESCRIBE, last, 0, 0, 0), ENOKEY, "and is gone");
		long ring = add_key("keyring", "abi:ring", NULL, 0, SESSION);
		add_key("user", "abi:four", "x", 1, (int)ring);
		is(keyctl(REVOKE, ring, 0, 0, 0), 0, "a keyring is revoked");
		fails(add_key("user", "abi:five", "x", 1, (int)ring), EKEYREVOKED,
		      "it takes no keys");
		fails(request_key("user", "abi:four", NULL, 0), ENOKEY, "and has none");
		is(keyctl(REVOKE, SESSION, 0, 0, 0), 0, "the session's end");
		fails(add_key("user", "abi:six", "x", 1, SESSION), EKEYREVOKED,
		      "leaves no session");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void children(void)
{
	char text[16];
	int status, inner;

	if (child(&status) == 0) {
		long session = keyctl(JOIN_SESSION, 0, 0, 0, 0);
		long in_session = add_key("user", "abi:session", "x", 1, SESSION);
		long in_process = add_key("user", "abi:process", "x", 1, PROCESS);
		long in_thread = add_key("user", "abi:thread", "x", 1, THREAD);
		is(request_key("user", "abi:process", NULL, 0), in_process,
		   "a process finds its own");
		is(request_key("user", "abi:thread", NULL, 0), in_thread, "and a thread");
		if (child(&inner) == 0) {
			is(keyctl(GET_KEYRING_ID, SESSION, 0, 0, 0), session,
			   "a child is in the session");
			is(request_key("user", "abi:session", NULL, 0), in_session,
			   "and finds its keys");
			fails(request_key("user", "abi:process", NULL, 0), ENOKEY,
			      "but not its parent's");
			fails(keyctl(GET_KEYRING_ID, PROCESS, 0, 0, 0), ENOKEY,
			      "it has no process keyring");
			fails(keyctl(GET_KEYRING_ID, THREAD, 0, 0, 0), ENOKEY,
			      "and no thread keyring");
			fails(keyctl(READ, in_process, (long)text, sizeof(text), 0), EACCES,
			      "by number it may not read");
			ok(keyctl(DESCRIBE, in_process, 0, 0, 0) > 0,
			   "but see it: they have one owner");
			_exit(0);
		}
		is(inner, EXITED(0), "the child's child ends");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void rights(void)
{
	char text[64];
	int status;

	if (child(&status) == 0) {
		keyctl(JOIN_SESSION, 0, 0, 0, 0);
		long key = add_key("user", "abi:rights", "x", 1, SESSION);
		fails(keyctl(SETPERM, key, 0x40, 0, 0), EINVAL, "there is no such right");
		is(keyctl(SETPERM, key, POSSESSOR_ALL & ~0x04000000, 0, 0), 0,
		   "a key that nobody writes");
		fails(keyctl(UPDATE, key, (long)"y", 1, 0), EACCES, "is not updated");
		fails(add_key("user", "abi:rights", "y", 1, SESSION), EACCES,
		      "nor added once more");
		is(keyctl(SETPERM, key, POSSESSOR_ALL & ~0x08000000, 0, 0), 0,
		   "that nobody searches");
		fails(keyctl(READ, key, (long)text, sizeof(text), 0), EACCES, "is not possessed");
		long next = add_key("user", "abi:next", "x", 1, SESSION);
		is(keyctl(SETPERM, next, POSSESSOR_ALL & ~0x01000000, 0, 0), 0,
		   "that nobody views");
		fails(keyctl(DESCRIBE, next, 0, 0, 0), EACCES, "is not described");
		is(keyctl(SETPERM, next, POSSESSOR_ALL & ~0x10000000, 0, 0), 0,
		   "that nobody links");
		fails(keyctl(LINK, next, PROCESS, 0, 0), EACCES, "stays where it is");
		is(keyctl(SETPERM, next, POSSESSOR_ALL & ~0x20000000, 0, 0), 0,
		   "whose rights nobody sets");
		fails(keyctl(SETPERM, next, POSSESSOR_ALL, 0, 0), EACCES, "keeps them");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	if (getuid() != 0) {
		skip(6, "changing users takes root");
		return;
	}
	if (child(&status) == 0) {
		keyctl(JOIN_SESSION, 0, 0, 0, 0);
		long key = add_key("user", "abi:given", "x", 1, SESSION);
		is(keyctl(CHOWN, key, -1, 12345, 0), 0, "a key gets a group");
		is(keyctl(CHOWN, key, 12345, -1, 0), 0, "and an owner");
		ok(strstr(describe(key), "user;12345;12345;") != NULL, "which is shown");
		is(keyctl(SETPERM, key, POSSESSOR_ALL | OTHERS_ALL, 0, 0), 0,
		   "root changes the rights of anybody's");
		if (setgid(1234) != 0 || setuid(1234) != 0)
			_exit(1);
		fails(keyctl(CHOWN, key, 1234, -1, 0), EACCES, "others do not give keys away");
		fails(keyctl(SETPERM, key, POSSESSOR_ALL, 0, 0), EACCES, "nor change their rights");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void names_and_arguments(void)
{
	static char long_name[5000];
	unsigned char bits[8];
	int status;

	memset(long_name, 'a', sizeof(long_name) - 1);
	if (child(&status) == 0) {
		keyctl(JOIN_SESSION, 0, 0, 0, 0);
		fails(add_key("nonsense", "abi:x", "x", 1, SESSION), ENODEV, "no such type");
		fails(add_key(".user", "abi:x", "x", 1, SESSION), EPERM, "a type of the kernel's");
		fails(add_key("", "abi:x", "x", 1, SESSION), EINVAL, "a type without a name");
		fails(add_key(long_name, "abi:x", "x", 1, SESSION), EINVAL, "too long a name");
		fails(add_key("user", long_name, "x", 1, SESSION), EINVAL,
		      "too long a description");
		fails(add_key("user", "", "x", 1, SESSION), EINVAL, "an empty one");
		fails(add_key("keyring", ".abi", NULL, 0, SESSION), EPERM,
		      "a keyring of the kernel's");
		fails(add_key("keyring", "abi:x", "x", 1, SESSION), EINVAL,
		      "a keyring has no payload");
		fails(add_key("user", "abi:x", NULL, 0, SESSION), EINVAL, "a key has one");
		fails(add_key("user", "abi:x", "x", 1 << 20, SESSION), EINVAL,
		      "of less than a mebibyte");
		fails(add_key("logon", "abi", "x", 1, SESSION), EINVAL,
		      "a logon key names its service");
		fails(add_key("user", "abi:x", BAD_POINTER, 1, SESSION), EFAULT, "a bad payload");
		fails(add_key(BAD_POINTER, "abi:x", "x", 1, SESSION), EFAULT, "a bad type");
		fails(add_key("user", BAD_POINTER, "x", 1, SESSION), EFAULT, "a bad description");
		fails(add_key("user", "abi:x", "x", 1, 1), ENOKEY, "no such keyring");
		long key = add_key("user", "abi:x", "x", 1, SESSION);
		fails(add_key("user", "abi:y", "x", 1, (int)key), ENOTDIR, "a key is no keyring");
		fails(request_key(BAD_POINTER, "abi:x", NULL, 0), EFAULT,
		      "a bad type in a request");
		fails(request_key("user", BAD_POINTER, NULL, 0), EFAULT, "a bad description");
		fails(request_key(".user", "abi:x", NULL, 0), EPERM, "the kernel's types");
		fails(request_key("user", long_name, NULL, 0), EINVAL, "too long a description");
		fails(request_key("user", "abi:x", NULL, -20), EINVAL, "no such keyring");
		fails(request_key("user", "abi:x", NULL, 1), ENOKEY, "nor this one");
		fails(keyctl(SEARCH, SESSION, (long)"user", (long)"abi:x", -20), EINVAL,
		      "nor for a search");
		long closed = add_key("keyring", "abi:closed", NULL, 0, SESSION);
		keyctl(SETPERM, closed, POSSESSOR_ALL & ~0x04000000, 0, 0);
		for (int i = 0; i < 3; i++)
			fails(request_key("user", "abi:x", NULL, (int)closed), EACCES,
			      "a keyring that is not written");
		is(keyctl(READ, closed, 0, 0, 0), 0, "and that stays");
		is(request_key("user", "abi:x", NULL, PROCESS), key,
		   "a request links what it finds");
		is(keyctl(READ, PROCESS, 0, 0, 0), 4, "to the keyring that it names");
		fails(keyctl(UPDATE, SESSION, 0, 0, 0), EOPNOTSUPP, "a keyring has no update");
		fails(keyctl(UPDATE, key, (long)long_name, 4097, 0), EINVAL, "more than a page");
		fails(keyctl(JOIN_SESSION, (long)".abi", 0, 0, 0), EPERM,
		      "a session of the kernel's");
		fails(keyctl(JOIN_SESSION, (long)long_name, 0, 0, 0), EINVAL,
		      "too long a name for one");
		fails(keyctl(9999, 0, 0, 0, 0), EOPNOTSUPP, "no such operation");
		ok(keyctl(CAPABILITIES, (long)bits, sizeof(bits), 0, 0) >= 1 && bits[0] & 1,
		   "what there is can be asked");
		is(bits[7], 0, "and what is not known is zero");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void sessions(void)
{
	char name[32];
	int status, inner;

	snprintf(name, sizeof(name), "abi-session-%d", getpid());
	if (child(&status) == 0) {
		long session = keyctl(JOIN_SESSION, (long)name, 0, 0, 0);
		ok(session > 0, "a session with a name");
		is(keyctl(SETPERM, session, POSSESSOR_ALL | OWNER_ALL, 0, 0), 0,
		   "others may search it");
		is(keyctl(JOIN_SESSION, (long)name, 0, 0, 0), 0, "it is there already");
		if (child(&inner) == 0) {
			ok(keyctl(JOIN_SESSION, 0, 0, 0, 0) != session, "a child leaves it");
			is(keyctl(JOIN_SESSION, (long)name, 0, 0, 0), session,
			   "and joins it by its name");
			_exit(0);
		}
		is(inner, EXITED(0), "the child's child ends");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

/* 0: there is no such setting. */
static unsigned long setting(const char *name)
{
	unsigned long limit = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/sys/kernel/keys/%s", name);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%lu", &limit) != 1)
		limit = 0;
	fclose(file);
	return limit;
}

static void settings(void)
{
	static const char *const names[] = {"maxkeys", "maxbytes", "root_maxkeys", "root_maxbytes"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ok(setting(names[i]) > 0, "%s is a number", names[i]);
}

/* Nobody has more than the limit: by keys, and by bytes. */
static void quota(void)
{
	static char payload[8192];
	char name[32];
	int status;

	if (getuid() != 0 || setting("maxkeys") != 200 || setting("maxbytes") != 20000) {
		skip(4, "root takes another user's place, whose limits are the usual ones");
		return;
	}
	if (child(&status) == 0) {
		if (setgid(23456) != 0 || setuid(23456) != 0)
			_exit(1);
		keyctl(JOIN_SESSION, 0, 0, 0, 0);
		int big = 0, small = 0;
		for (; big < 100; big++) {
			snprintf(name, sizeof(name), "abi:big%d", big);
			if (add_key("user", name, payload, sizeof(payload), SESSION) < 0)
				break;
		}
		ok(errno == EDQUOT && big == 2, "20,000 bytes: %d keys of 8 KiB", big);
		keyctl(CLEAR, SESSION, 0, 0, 0);
		wait_until(add_key("user", "abi:again", payload, sizeof(payload), SESSION) > 0);
		ok(request_key("user", "abi:again", NULL, 0) > 0, "what is gone is not counted");
		for (; small < 1000; small++) {
			snprintf(name, sizeof(name), "abi:%d", small);
			if (add_key("user", name, "x", 1, SESSION) < 0)
				break;
		}
		ok(errno == EDQUOT && small > 100 && small <= 200, "at most 200 keys: %d", small);
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

int main(void)
{
	if (keyctl(GET_KEYRING_ID, SESSION, 0, 0, 0) < 0 && (errno == ENOSYS || errno == EPERM)) {
		skip(1, "this kernel keeps no keys, or keeps them from us");
		return done();
	}
	special_keyrings();
	contents();
	rings();
	endings();
	children();
	rights();
	names_and_arguments();
	sessions();
	settings();
	quota();
	return done();
}
