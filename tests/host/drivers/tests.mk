# SPDX-License-Identifier: BSD-2-Clause
#
# Tests of what of kernel/drivers runs anywhere.

# Virtqueues of both kinds, with a simulated device, honest or not.
HOST_TESTS += drivers_virtio
drivers_virtio_SOURCES := tests/host/drivers/virtio.c tests/host/drivers/virtio_device.c \
	$(addprefix kernel/drivers/bus/virtio_,queue.c split.c packed.c)
