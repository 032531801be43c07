/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of /proc/cpuinfo for one CPU, in Linux's words. */
#include "arch/cpu.h"
#include "arch/clock.h"
#include "lib/format.h"
#include "lib/string.h"
#include "machine_internal.h"
#include "x86.h"

enum { BRAND_SIZE = 49, VENDOR_SIZE = 13, FLAGS_SIZE = 1024 };

/* Names by bit; those that Linux does not show are left out. */
static const char *const flags_1_edx[32] = {
	"fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8",     "apic", NULL,
	"sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", NULL,   "dts",
	"acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",    "pbe",
};
static const char *const flags_81_edx[32] = {
	[11] = "syscall", [20] = "nx",     [22] = "mmxext", [25] = "fxsr_opt",
	[26] = "pdpe1gb", [27] = "rdtscp", [29] = "lm",
};
static const char *const flags_1_ecx[32] = {
	"pni",    "pclmulqdq",  "dtes64", "monitor", "ds_cpl",
	"vmx",    "smx",        "est",    "tm2",     "ssse3",
	"cid",    "sdbg",       "fma",    "cx16",    "xtpr",
	"pdcm",   NULL,         "pcid",   "dca",     "sse4_1",
	"sse4_2", "x2apic",     "movbe",  "popcnt",  "tsc_deadline_timer",
	"aes",    "xsave",      NULL,     "avx",     "f16c",
	"rdrand", "hypervisor",
};
static const char *const flags_81_ecx[32] = {
	"lahf_lm", "cmp_legacy", "svm",         "extapic",       "cr8_legacy",
	"abm",     "sse4a",      "misalignsse", "3dnowprefetch",
};
static const char *const flags_7_ebx[32] = {
	[0] = "fsgsbase", [3] = "bmi1",        [5] = "avx2",     [7] = "smep",    [8] = "bmi2",
	[9] = "erms",     [10] = "invpcid",    [16] = "avx512f", [18] = "rdseed", [19] = "adx",
	[20] = "smap",    [23] = "clflushopt", [24] = "clwb",    [29] = "sha_ni",
};
static const char *const flags_7_ecx[32] = {
	[2] = "umip",        [3] = "pku",   [4] = "ospke",  [9] = "vaes",
	[10] = "vpclmulqdq", [16] = "la57", [22] = "rdpid",
};

static size_t add_flags(char *to, size_t at, const char *const names[32], u32 word)
{
	for (u32 bit = 0; bit < 32; bit++) {
		if ((word & BIT(bit)) && names[bit] != NULL)
			at += ksnprintf(to + at, FLAGS_SIZE - at, " %s", names[bit]);
	}
	return at;
}

static void flags_text(char *to)
{
	struct cpuid leaf_1 = cpuid(1, 0), leaf_7 = {0}, leaf_81 = cpuid(0x80000001, 0);
	size_t at = 0;

	if (cpuid(0, 0).eax >= 7)
		leaf_7 = cpuid(7, 0);
	to[0] = '\0';
	at = add_flags(to, at, flags_1_edx, leaf_1.edx);
	at = add_flags(to, at, flags_81_edx, leaf_81.edx);
	at = add_flags(to, at, flags_1_ecx, leaf_1.ecx);
	at = add_flags(to, at, flags_81_ecx, leaf_81.ecx);
	at = add_flags(to, at, flags_7_ebx, leaf_7.ebx);
	add_flags(to, at, flags_7_ecx, leaf_7.ecx);
}

static void put_words(char *to, const u32 *words, size_t count)
{
	memcpy(to, words, count * sizeof(u32));
	to[count * sizeof(u32)] = '\0';
}

/* The processor's own name, padded with blanks in front on some. */
static const char *brand_text(char *to)
{
	strscpy(to, "unknown", BRAND_SIZE);
	if (cpuid(0x80000000, 0).eax >= 0x80000004) {
		for (u32 i = 0; i < 3; i++) {
			struct cpuid leaf = cpuid(0x80000002 + i, 0);
			put_words(to + 16 * i, (u32[]){leaf.eax, leaf.ebx, leaf.ecx, leaf.edx}, 4);
		}
	}
	while (*to == ' ')
		to++;
	return to;
}

/* Linux numbers families and models from two fields each (Intel SDM vol. 2, CPUID). */
static u32 family(u32 signature)
{
	u32 base = signature >> 8 & 15;

	return base == 15 ? base + (signature >> 20 & 0xff) : base;
}

static u32 model(u32 signature)
{
	u32 base = signature >> 4 & 15;

	return family(signature) >= 6 ? base | (signature >> 12 & 0xf0) : base;
}

int cpu_describe(u32 cpu, char *buffer, size_t size)
{
	struct cpuid leaf_0 = cpuid(0, 0), leaf_1 = cpuid(1, 0), sizes = {.eax = 0x3024};
	char vendor[VENDOR_SIZE], brand[BRAND_SIZE], flags[FLAGS_SIZE];
	u64 khz = clock_tsc_khz();

	put_words(vendor, (u32[]){leaf_0.ebx, leaf_0.edx, leaf_0.ecx}, 3);
	if (cpuid(0x80000000, 0).eax >= 0x80000008)
		sizes = cpuid(0x80000008, 0);
	flags_text(flags);
	return snprintf(
		buffer, size,
		"processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: "
		"%s\n"
		"stepping\t: %u\ncpu MHz\t\t: %lu.%03lu\nphysical id\t: %u\nsiblings\t: 1\ncore "
		"id\t\t: 0\n"
		"cpu cores\t: 1\napicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: "
		"yes\nfpu_exception\t: yes\n"
		"cpuid level\t: %u\nwp\t\t: yes\nflags\t\t:%s\nbugs\t\t:\nbogomips\t: %lu.%02lu\n"
		"clflush size\t: %u\ncache_alignment\t: 64\n"
		"address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
		cpu, vendor, family(leaf_1.eax), model(leaf_1.eax), brand_text(brand),
		leaf_1.eax & 15, khz / 1000, khz % 1000, cpu, cpu_locals[cpu].apic_id,
		cpu_locals[cpu].apic_id, leaf_0.eax, flags, khz / 500, khz / 5 % 100,
		(leaf_1.ebx >> 8 & 0xff) * 8, sizes.eax & 0xff, sizes.eax >> 8 & 0xff);
}
