# SPDX-License-Identifier: BSD-2-Clause
#
# The same static programs on Debian's Linux and on Cowslip: make bench.  BENCH="--quick --only Cowslip" hands options to
# bench/run.

BENCH_OUT := $(BUILD)/bench
BENCH_PROGRAMS := bench parallel forks latency disks login

.PHONY: bench
bench: setup kernel $(BENCH_PROGRAMS:%=$(BENCH_OUT)/%.cpio) $(BENCH_OUT)/shell.cpio $(BENCH_OUT)/firmware \
		$(BUILD)/linux/vmlinuz $(if $(findstring --login,$(BENCH)),$(if $(DEBIAN_ROOT),,debian-root))
	@bench/run $(BENCH)

BENCH_SHARED := bench/common.c bench/bench.h
BENCH_CC := musl-gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -s

$(BENCH_OUT)/bench: $(filter-out $(BENCH_PROGRAMS:%=bench/%.c),$(wildcard bench/*.c)) bench/bench.c $(BENCH_SHARED)
$(BENCH_OUT)/parallel: bench/parallel.c $(BENCH_SHARED)
$(BENCH_OUT)/forks: bench/forks.c $(BENCH_SHARED)
$(BENCH_OUT)/latency: bench/latency.c $(BENCH_SHARED)
$(BENCH_OUT)/disks: bench/disks.c $(BENCH_SHARED)
$(BENCH_OUT)/login: bench/login.c

$(BENCH_PROGRAMS:%=$(BENCH_OUT)/%):
	@mkdir -p $(@D)
	$(BENCH_CC) -o $@ $(filter %.c,$^) -lpthread

# What the disk has at first, and what is unpacked on it.
$(BENCH_OUT)/disk.pages: bench/disk_pages
	@mkdir -p $(@D)
	bench/disk_pages $@ 384

$(BENCH_OUT)/source.tar: tools/fetch-source
	@mkdir -p $(@D)
	tools/fetch-source lua5.4 $(BUILD)/sources/lua-5.4.4
	tar -C $(BUILD)/sources -cf $@ --owner=0 --group=0 lua-5.4.4

$(BENCH_OUT)/disks.cpio: $(BENCH_OUT)/disks $(BENCH_OUT)/disk.pages $(BENCH_OUT)/source.tar $(BUILD)/linux/vmlinuz
	tools/mkinitramfs -o $@ --file $<=/init --file $(BENCH_OUT)/disk.pages=/image --file $(BENCH_OUT)/source.tar=/source.tar \
		--file /bin/busybox=/busybox --file $(BUILD)/linux/modules/brd.ko=/brd.ko

# Goes on to the root on the disk, where /run has the program.
$(BENCH_OUT)/login.cpio: $(BENCH_OUT)/login bench/login_init $(BUILD)/linux/vmlinuz
	tools/mkinitramfs -o $@ --busybox --file bench/login_init=/init --file $<=/login --dir /modules \
		$(foreach m,$(notdir $(filter-out %/brd.ko,$(wildcard $(BUILD)/linux/modules/*.ko))),--file $(BUILD)/linux/modules/$m=/modules/$m)

$(filter-out $(BENCH_OUT)/disks.cpio $(BENCH_OUT)/login.cpio,$(BENCH_PROGRAMS:%=$(BENCH_OUT)/%.cpio)): %.cpio: %
	tools/mkinitramfs -o $@ --file $<=/init

# Comes to a shell, says so, and switches the machine off.
$(BENCH_OUT)/shell.cpio: bench/shell_init tools/mkinitramfs
	@mkdir -p $(@D)
	tools/mkinitramfs -o $@ --busybox --file $<=/init

$(BENCH_OUT)/firmware: bench/firmware.S
	@mkdir -p $(@D)
	gcc -m32 -nostdlib -static -no-pie -Wl,--build-id=none,-Ttext=0x100000,-e,start -o $@ $<
