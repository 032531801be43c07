# SPDX-License-Identifier: BSD-2-Clause
#
# The abi ring: programs that assert what Linux does. One source file is one program; the order below is
# the order in which they run, the most basic first.
#
#   make abi             builds the programs and the runner
#   make abi-host        runs them on this machine's Linux, as root, in namespaces of their own
#   make abi-initramfs   makes $(BUILD)/abi/initramfs.cpio, with the runner as /init
#   make abi-boot KERNEL=FILE   boots a kernel in QEMU with that initramfs
#
# ABI="PATTERN PATTERN" chooses programs for abi-host and abi-boot.

BUILD ?= build
ABI_DIR := tests/abi
ABI_OUT := $(BUILD)/abi

ABI_PROGRAMS := \
	start_basics start_vectors mem_brk mem_map mem_protect mem_cow mem_remap mem_files mem_efault \
	mem_shrink mem_peer mem_pkey mem_advice mem_lock mem_seals mem_policy mem_frames \
	mem_smaps mem_pagemap mem_compact mem_commit mem_swap mem_reclaim mem_shmswap mem_knobs \
	userfault userfault_events userfault_files huge_pages hugetlb hugetlb_shared hugetlb_1g \
	fork_ranges fork_threads fork_files fork_pins fork_random \
	proc_fork proc_wait proc_exec proc_exec_files proc_clone \
	proc_groups proc_creds proc_limits proc_sched proc_times sched_realtime sched_deadline proc_share proc_more proc_rseq proc_acct old_calls \
	sig_basics sig_info sig_faults sig_restart cpu_state \
	thread_basics futex_calls futex_pi \
	file_open file_rw file_random file_names file_stat file_acls file_dirs file_at file_fcntl file_leases file_append file_advice file_async file_blocks file_handles errors_paths errors_calls \
	pipe_calls pipe_splice poll_calls event_files inotify_calls fanotify_calls \
	ipc_shm ipc_sem ipc_msg ipc_mqueue key_calls \
	ns_calls ns_pid ns_user ns_mount mount_files uring_calls uring_more aio_calls \
	pidfd_calls seccomp_calls seccomp_notify landlock_calls ptrace_calls ptrace_events core_dumps time_calls time_vdso proc_files \
	overlay_calls overlay_files overlay_matrix overlay_random tmpfs_calls \
	unix_calls unix_stream unix_packet unix_rights unix_hostile packet_calls inet_calls inet_stream inet_stress inet_udp inet_raw netlink_calls netlink_links netlink_stress \
	dev_files module_calls tty_lines tty_modes tty_jobs \
	stress_parallel stress_races stress_names ptrace_races hostile_greed hostile_programs hostile_calls

# Programs that are also linked dynamically against glibc: the loader, TLS and the C library's own ways.
ABI_GLIBC_PROGRAMS := start_vectors proc_exec sig_faults thread_basics stress_parallel

# And as static position-independent programs.
ABI_PIE_PROGRAMS := start_vectors proc_exec mem_brk

ABI_CFLAGS := -std=gnu11 -O2 -s -Wall -Wextra -Werror -Wno-format-truncation -mno-red-zone \
	-fno-strict-aliasing -D_GNU_SOURCE
ABI_SAY = $(if $(filter 1,$(V)),,@echo "  CC   $@";)
ABI_MUSL_CC := musl-gcc
ABI_HOST_CC := gcc

ABI_MUSL_BINARIES := $(addprefix $(ABI_OUT)/root/abi/,$(ABI_PROGRAMS))
ABI_GLIBC_BINARIES := $(patsubst %,$(ABI_OUT)/root/abi/glibc_%,$(ABI_GLIBC_PROGRAMS))
ABI_PIE_BINARIES := $(patsubst %,$(ABI_OUT)/root/abi/pie_%,$(ABI_PIE_PROGRAMS))
ABI_BINARIES := $(ABI_MUSL_BINARIES) $(ABI_GLIBC_BINARIES) $(ABI_PIE_BINARIES)

.PHONY: abi abi-host abi-initramfs abi-boot
abi: $(ABI_BINARIES) $(ABI_OUT)/root/init $(ABI_OUT)/root/abi/order

$(ABI_MUSL_BINARIES): $(ABI_OUT)/root/abi/%: $(ABI_DIR)/%.c $(ABI_OUT)/abi-musl.o $(wildcard $(ABI_DIR)/*.h)
	@mkdir -p $(@D)
	$(ABI_SAY)$(ABI_MUSL_CC) $(ABI_CFLAGS) -static -o $@ $< $(ABI_OUT)/abi-musl.o -lpthread

$(ABI_GLIBC_BINARIES): $(ABI_OUT)/root/abi/glibc_%: $(ABI_DIR)/%.c $(ABI_OUT)/abi-glibc.o $(ABI_DIR)/abi.h
	@mkdir -p $(@D)
	$(ABI_SAY)$(ABI_HOST_CC) $(ABI_CFLAGS) -fPIE -pie -o $@ $< $(ABI_OUT)/abi-glibc.o -lpthread

$(ABI_PIE_BINARIES): $(ABI_OUT)/root/abi/pie_%: $(ABI_DIR)/%.c $(ABI_OUT)/abi-glibc.o $(ABI_DIR)/abi.h
	@mkdir -p $(@D)
	$(ABI_SAY)$(ABI_HOST_CC) $(ABI_CFLAGS) -fPIE -static-pie -o $@ $< $(ABI_OUT)/abi-glibc.o -lpthread

$(ABI_OUT)/abi-musl.o: $(ABI_DIR)/abi.c $(ABI_DIR)/abi.h
	@mkdir -p $(@D)
	$(ABI_SAY)$(ABI_MUSL_CC) $(ABI_CFLAGS) -c -o $@ $<

$(ABI_OUT)/abi-glibc.o: $(ABI_DIR)/abi.c $(ABI_DIR)/abi.h
	@mkdir -p $(@D)
	$(ABI_SAY)$(ABI_HOST_CC) $(ABI_CFLAGS) -fPIE -c -o $@ $<

$(ABI_OUT)/root/init: $(ABI_DIR)/runner.c
	@mkdir -p $(@D)
	$(ABI_SAY)$(ABI_MUSL_CC) $(ABI_CFLAGS) -static -o $@ $<

$(ABI_OUT)/root/abi/order: $(ABI_DIR)/abi.mk
	@mkdir -p $(@D)
	@printf '%s\n' $(ABI_PROGRAMS) $(addprefix glibc_,$(ABI_GLIBC_PROGRAMS)) \
		$(addprefix pie_,$(ABI_PIE_PROGRAMS)) >$@

abi-host: abi
	@$(ABI_OUT)/root/init $(ABI_OUT)/root/abi $(foreach p,$(ABI),'$(p)')

# The glibc programs' libraries and their loader go along under the names that the loader looks for.
$(ABI_OUT)/initramfs.cpio: $(ABI_BINARIES) $(ABI_OUT)/root/init $(ABI_OUT)/root/abi/order
	@mkdir -p $(addprefix $(ABI_OUT)/root/,proc dev tmp sys bin etc)
	@for library in $$(ldd $(ABI_GLIBC_BINARIES) /dev/null 2>/dev/null | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do \
		mkdir -p "$(ABI_OUT)/root$$(dirname "$$library")"; \
		cp -L "$$library" "$(ABI_OUT)/root$$library"; done
	@cd $(ABI_OUT)/root && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0 >../initramfs.cpio

abi-initramfs: $(ABI_OUT)/initramfs.cpio

comma := ,
empty :=
space := $(empty) $(empty)
KERNEL ?= $(BUILD)/x86_64/cowslip
ABI_APPEND = console=ttyS0 quiet panic=-1 $(if $(ABI),abi=$(subst $(space),$(comma),$(strip $(ABI))))
abi-boot: $(ABI_OUT)/initramfs.cpio
	@timeout $(or $(ABI_TIMEOUT),600) qemu-system-x86_64 -accel tcg -cpu max,la57=off -m 512M -smp 2 \
		-nographic -no-reboot -kernel $(KERNEL) -initrd $(ABI_OUT)/initramfs.cpio \
		-append "$(ABI_APPEND)" </dev/null
