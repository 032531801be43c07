/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What strace and gdb look at: threads, a child, a few system calls, and a crash on demand.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, ROUNDS = 3 };

static volatile int counter;
static int table[THREADS + 1];
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

__attribute__((noinline)) static int add(int left, int right)
{
	counter++;
	return left + right;
}

static void *work(void *argument)
{
	int number = *(int *)argument;

	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&turn);
		table[number] = add(table[number], number);
		pthread_mutex_unlock(&turn);
	}
	return NULL;
}

__attribute__((noinline)) static int run_child(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

__attribute__((noinline)) static void crash(char *where)
{
	*where = 1;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	int numbers[THREADS] = {1, 2, 3};

	if (argc > 1 && strcmp(argv[1], "crash") == 0)
		crash((char *)16);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, &numbers[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	close(open("/nowhere", O_RDONLY));
	printf("%d %d %d %d %d\n", table[1], table[2], table[3], counter, run_child());
	return 0;
}
