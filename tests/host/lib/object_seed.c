/* SPDX-License-Identifier: BSD-2-Clause */
/* Compiled, an object file with something of each kind: a first input of the fuzzer. */
int needed_elsewhere(const char *text);
extern int foreign;
static int counter = 3;
static int zeros[5];
const char *const names[] = {"one", "two"};

int init_module(void);

int init_module(void)
{
	counter += foreign;
	zeros[counter & 3]++;
	return needed_elsewhere(names[counter & 1]);
}
