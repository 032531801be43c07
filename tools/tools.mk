# SPDX-License-Identifier: BSD-2-Clause
#
# Setting up, running and checking; included by the top Makefile.

RUN_CPUS    ?= 2
RUN_MEMORY  ?= 256M
RUN_MACHINE ?= q35
RUN_APPEND  ?=
QEMU        ?= qemu-system-x86_64

# Another kernel may be named for comparison: make run RUN_KERNEL=build/linux/vmlinuz
RUN_KERNEL ?= $(KERNEL)
INITRAMFS  := $(BUILD)/initramfs.cpio

.PHONY: initramfs launch-init

setup:
	@tools/setup

initramfs: $(INITRAMFS)

# Programs of our own, each made of a folder's files.
USER_PROGRAMS := $(BUILD)/user/cow $(BUILD)/user/memtop

.PHONY: user-programs
user-programs: $(USER_PROGRAMS)

$(BUILD)/user/cow: $(wildcard user/cow/*.[ch])
$(BUILD)/user/memtop: $(wildcard user/memtop/*.[ch])
$(USER_PROGRAMS):
	@mkdir -p $(@D)
	musl-gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -s -o $@ $(filter %.c,$^)

# Small and quick to write: made anew whenever one of its files or tools is younger.
$(INITRAMFS): $(shell find tools/initramfs tools/image -type f -not -name '*.pyc') tools/mkinitramfs $(USER_PROGRAMS) | setup
	@mkdir -p $(@D)
	tools/mkinitramfs -o $@ --root tools/initramfs --busybox $(foreach p,$(USER_PROGRAMS),--file $(p)=/usr/bin/$(notdir $(p)))

QEMU_RUN = $(QEMU) -machine $(RUN_MACHINE) -cpu max -smp $(RUN_CPUS) -m $(RUN_MEMORY) -no-reboot \
	-nodefaults -display none -serial mon:stdio \
	-kernel $(RUN_KERNEL) -initrd $(INITRAMFS) -append "console=ttyS0 panic=-1 $(RUN_APPEND)"

$(BUILD)/linux/vmlinuz:
	tools/fetch-linux

.PHONY: linux-if-possible
linux-if-possible:
	@tools/fetch-linux --try

run: setup $(RUN_KERNEL) $(INITRAMFS)
	$(QEMU_RUN)

# Debian's programs on a disk of their own, which keeps what is written to it.
DEBIAN_DISK   := $(BUILD)/debian/disk.img
DEBIAN_MEMORY ?= 1G

.PHONY: debian-root debian-root-if-possible debian-switch run-debian
debian-root: | setup
	@tools/debian-root

debian-root-if-possible:
	@tools/debian-root --try

debian-switch: $(BUILD)/debian/switch.cpio

$(BUILD)/debian/switch.cpio: tools/debian-switch | setup
	@mkdir -p $(@D)
	tools/mkinitramfs -o $@ --busybox --file tools/debian-switch=/init

run-debian: setup $(RUN_KERNEL) $(BUILD)/debian/switch.cpio debian-root
	@[ -f $(DEBIAN_DISK) ] || cp --sparse=always $(BUILD)/debian/root.img $(DEBIAN_DISK)
	@echo 'Log in as root; there is no password.  poweroff ends the machine.'
	$(QEMU) -machine $(RUN_MACHINE) -cpu max -smp $(RUN_CPUS) -m $(DEBIAN_MEMORY) -no-reboot -nodefaults -display none \
		-serial mon:stdio -drive file=$(DEBIAN_DISK),format=raw,if=virtio -kernel $(RUN_KERNEL) \
		-initrd $(BUILD)/debian/switch.cpio -append "console=ttyS0 panic=-1 $(RUN_APPEND)"

debug: setup
	@$(MAKE) --no-print-directory DEBUG=1 RUN_APPEND="nokaslr $(RUN_APPEND)" debug-machine

.PHONY: debug-machine
debug-machine: $(RUN_KERNEL) $(INITRAMFS)
	@echo 'The machine waits.  In another terminal: gdb $(RUN_KERNEL) -ex "target remote :1234"'
	$(QEMU_RUN) -s -S

test: setup
	@MAKE="$(MAKE)" tests/run $(if $(RING),--ring $(RING)) $(if $(T),--test $(T))

# Which lines of the memory manager the tests on the host run.
.PHONY: coverage
coverage: setup
	@MAKE="$(MAKE)" tests/coverage --at-least 90

# Hours of random operations, longer enumerations, concurrent tests again and again: NIGHT=0.01 for a hundredth of it.
.PHONY: nightly
nightly: setup
	@MAKE="$(MAKE)" tests/run --ring nightly $(if $(T),--test '$(T)')

lint: setup
	@tools/lint

# The first program of a machine that the launcher starts.
LAUNCH_SOURCES := $(wildcard user/launch/*.c)
LAUNCH_INIT    := $(BUILD)/user/launch-init

launch-init: $(LAUNCH_INIT)

$(LAUNCH_INIT): $(LAUNCH_SOURCES) $(wildcard user/launch/*.h)
	@mkdir -p $(@D)
	musl-gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -s -o $@ $(LAUNCH_SOURCES)
