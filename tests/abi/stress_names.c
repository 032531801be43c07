/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths that are walked while the names on them change: whatever is looked up is there, is gone, or
 * is what has taken its place, and never anything else.
 */
#include "abi.h"

#include <pthread.h>
#include <sys/mount.h>

enum { ROUNDS = 1500, WALKERS = 2, EXCHANGE = 2 /* RENAME_EXCHANGE */ };

#define LONG_NAME "a-name-that-does-not-fit-into-the-few-bytes-that-are-kept-beside-it"

static volatile bool over;
static ino_t first_file, second_file;

static ino_t inode_of(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 ? info.st_ino : 0;
}

static ino_t make(const char *path)
{
	close(open(path, O_WRONLY | O_CREAT, 0600));
	return inode_of(path);
}

struct play {
	const char *what;
	void (*change)(int round);
	bool (*look)(void); /* whether all is as it may be */
};

static void *walks(void *arg)
{
	const struct play *play = arg;
	long wrong = 0;

	while (!over)
		wrong += !play->look();
	return (void *)wrong;
}

/* In a child, so that its working directory and what it mounts are its own, and an alarm ends it.
 */
static void run(const struct play *play)
{
	int st = -1;

	if (child(&st) == 0) {
		pthread_t walkers[WALKERS];
		long wrong = 0;

		alarm(60);
		for (int i = 0; i < WALKERS; i++)
			if (pthread_create(&walkers[i], NULL, walks, (void *)play) != 0)
				_exit(1);
		for (int i = 0; i < ROUNDS; i++)
			play->change(i);
		over = true;
		for (int i = 0; i < WALKERS; i++) {
			void *found;

			pthread_join(walkers[i], &found);
			wrong += (long)found;
		}
		_exit(wrong != 0);
	}
	is(st, EXITED(0), "%s", play->what);
}

/* --- A directory moves, a file beside it does not --- */

static void moves_there_and_back(int round)
{
	if (round % 2 == 0)
		rename("tree/short", "tree/" LONG_NAME);
	else
		rename("tree/" LONG_NAME, "tree/short");
}

static bool is_here_or_there(void)
{
	ino_t here = inode_of("tree/short/deeper/file"),
	      there = inode_of("tree/" LONG_NAME "/deeper/file");

	return (here == 0 || here == first_file) && (there == 0 || there == first_file) &&
	       inode_of("tree/still/file") == second_file;
}

/* --- Two files with names of both kinds change places --- */

static void changes_places(int round)
{
	(void)round;
	syscall(SYS_renameat2, AT_FDCWD, "tree/x", AT_FDCWD, "tree/still/" LONG_NAME, EXCHANGE);
}

static bool either_is_there(void)
{
	ino_t one = inode_of("tree/x"), other = inode_of("tree/still/" LONG_NAME);

	return (one == first_file || one == second_file) &&
	       (other == first_file || other == second_file);
}

/* --- Files come and go --- */

static void comes_and_goes(int round)
{
	char name[64];

	snprintf(name, sizeof(name), "tree/many/%s%d", round % 3 == 0 ? LONG_NAME : "f", round % 7);
	mkdir("tree/many", 0700);
	close(open(name, O_WRONLY | O_CREAT, 0640));
	unlink(name);
	rmdir("tree/many");
}

static bool is_empty_or_gone(void)
{
	struct stat info;

	for (int i = 0; i < 7; i++) {
		char name[64];

		snprintf(name, sizeof(name), "tree/many/f%d", i);
		if (stat(name, &info) == 0) {
			if (!S_ISREG(info.st_mode) || (info.st_mode & 0777) != 0640 ||
			    info.st_size != 0)
				return false;
		} else if (errno != ENOENT) {
			return false;
		}
		int fd = open(name, O_RDONLY);
		if (fd >= 0)
			close(fd);
	}
	return inode_of("tree/still/file") == second_file;
}

/* --- Something is mounted on the way --- */

static void mounts_and_unmounts(int round)
{
	(void)round;
	if (mount("none", "tree/mounted", "tmpfs", 0, NULL) == 0) {
		close(open("tree/mounted/above", O_WRONLY | O_CREAT, 0600));
		umount2("tree/mounted", MNT_DETACH);
	}
}

static bool is_above_or_below(void)
{
	struct stat info;

	if (stat("tree/mounted/above", &info) < 0 && errno != ENOENT)
		return false;
	ino_t below = inode_of("tree/mounted/below");
	return below == 0 || below == first_file;
}

/* --- The working directory changes --- */

static void goes_elsewhere(int round)
{
	chdir(round % 2 == 0 ? "still" : "..");
}

static bool is_in_both(void)
{
	ino_t inode = inode_of("same");

	return inode == first_file || inode == second_file;
}

int main(void)
{
	scratch();
	umask(0);
	mkdir("tree", 0755);
	mkdir("tree/short", 0755);
	mkdir("tree/short/deeper", 0755);
	mkdir("tree/still", 0755);
	mkdir("tree/mounted", 0755);

	first_file = make("tree/short/deeper/file");
	second_file = make("tree/still/file");
	run(&(struct play){"a directory is renamed", moves_there_and_back, is_here_or_there});
	run(&(struct play){"files come and go", comes_and_goes, is_empty_or_gone});

	first_file = make("tree/x");
	second_file = make("tree/still/" LONG_NAME);
	run(&(struct play){"two names are exchanged", changes_places, either_is_there});

	first_file = make("tree/mounted/below");
	run(&(struct play){"a file system is mounted and unmounted", mounts_and_unmounts,
			   is_above_or_below});

	first_file = make("tree/same");
	second_file = make("tree/still/same");
	chdir("tree");
	run(&(struct play){"the working directory changes", goes_elsewhere, is_in_both});
	return done();
}
