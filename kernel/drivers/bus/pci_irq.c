/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of PCI devices: MSI-X, MSI, or the shared lines of old.
 *
 * Which line a device's pin leads to stands in a register that the firmware has filled in: an ISA
 * number, as both of QEMU's PC chip sets route them.  Devices on one line form a list; the line's
 * handler asks all of them.  lines_lock guards the lists and is held while they are asked, with
 * interrupts off.
 */
#include "arch/irq.h"
#include "drivers/bus/mmio.h"
#include "drivers/bus/pci_internal.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "mm/kmalloc.h"

enum {
	MSIX_CONTROL = 2,
	MSIX_TABLE = 4,
	MSIX_SIZE_MASK = 0x7ff,
	MSIX_ENABLE = 1 << 15,
	MSIX_MASK_ALL = 1 << 14,
	MSIX_BAR_MASK = 7,
	ENTRY_SIZE = 16,
	ENTRY_DATA = 8,
	ENTRY_CONTROL = 12,
	ENTRY_MASKED = 1,
	MSI_CONTROL = 2,
	MSI_ADDRESS = 4,
	MSI_ENABLE = 1 << 0,
	MSI_COUNT_MASK = 7 << 4,
	MSI_64 = 1 << 7,
	LINES = 16,
};

static spinlock_t lines_lock = SPINLOCK_INIT;
static struct list_head line_devices[LINES];

/* --- Lines --- */

static void line_interrupt(void *argument)
{
	struct list_head *head = argument;
	struct pci_device *device;
	unsigned long flags = spin_lock_irqsave(&lines_lock);

	list_for_each_entry (device, head, line_link)
		if (device->vectors[0].used)
			device->vectors[0].handler(device->vectors[0].argument);
	spin_unlock_irqrestore(&lines_lock, flags);
}

static int line_join(struct pci_device *device)
{
	u8 line = pci_read8(device, PCI_INTERRUPT_LINE);
	struct list_head *head = &line_devices[line % LINES];
	unsigned long flags;
	int error = 0;

	if (head->next == NULL)
		list_init(head);
	if (list_empty(head))
		error = irq_register(line, IRQ_LEVEL, line_interrupt, head);
	if (error != 0)
		return error;
	flags = spin_lock_irqsave(&lines_lock);
	list_add_tail(&device->line_link, head);
	spin_unlock_irqrestore(&lines_lock, flags);
	return 0;
}

static void line_leave(struct pci_device *device)
{
	struct list_head *head = &line_devices[pci_read8(device, PCI_INTERRUPT_LINE) % LINES];
	unsigned long flags = spin_lock_irqsave(&lines_lock);
	bool last;

	list_remove(&device->line_link);
	last = list_empty(head);
	spin_unlock_irqrestore(&lines_lock, flags);
	if (last)
		irq_unregister(pci_read8(device, PCI_INTERRUPT_LINE));
}

static bool has_line(const struct pci_device *device)
{
	u8 line = pci_read8(device, PCI_INTERRUPT_LINE);

	return pci_read8(device, PCI_INTERRUPT_PIN) != 0 && line != 0 && line < LINES;
}

/* --- Messages --- */

static void mask_entry(struct pci_device *device, u32 index, bool masked)
{
	mmio_write32(device->msix_table, index * ENTRY_SIZE + ENTRY_CONTROL,
		     masked ? ENTRY_MASKED : 0);
}

/* The table's size, or 0 when it is not where it says to be. */
static u32 open_msix(struct pci_device *device)
{
	u32 at = pci_find_capability(device, PCI_CAPABILITY_MSIX, 0), size, table;

	if (at == 0 || at + MSIX_TABLE + 4 > 0x100)
		return 0;
	size = (pci_read16(device, at + MSIX_CONTROL) & MSIX_SIZE_MASK) + 1u;
	table = pci_read32(device, at + MSIX_TABLE);
	device->msix_table = pci_map(device, table & MSIX_BAR_MASK, table & ~(u32)MSIX_BAR_MASK,
				     (u64)size * ENTRY_SIZE);
	if (device->msix_table == NULL)
		return 0;
	device->msi = (u8)at;
	return size;
}

static void start_msix(struct pci_device *device, u32 size)
{
	u16 control = pci_read16(device, device->msi + MSIX_CONTROL);

	pci_write16(device, device->msi + MSIX_CONTROL, control | MSIX_ENABLE | MSIX_MASK_ALL);
	for (u32 i = 0; i < size; i++)
		mask_entry(device, i, true);
	pci_write16(device, device->msi + MSIX_CONTROL,
		    (control | MSIX_ENABLE) & (u16)~MSIX_MASK_ALL);
}

static void set_message(struct pci_device *device, u32 index, const struct irq_message *message)
{
	u32 at = index * ENTRY_SIZE, data;
	u16 control;

	if (device->irq_mode == PCI_IRQ_MSIX) {
		mmio_write64(device->msix_table, at, message->address);
		mmio_write32(device->msix_table, at + ENTRY_DATA, message->data);
		mask_entry(device, index, false);
		return;
	}
	control = pci_read16(device, device->msi + MSI_CONTROL);
	pci_write32(device, device->msi + MSI_ADDRESS, (u32)message->address);
	data = device->msi + MSI_ADDRESS + 4;
	if (control & MSI_64) {
		pci_write32(device, data, (u32)(message->address >> 32));
		data += 4;
	}
	pci_write16(device, data, (u16)message->data);
	pci_write16(device, device->msi + MSI_CONTROL,
		    (control & (u16)~MSI_COUNT_MASK) | MSI_ENABLE);
}

static void allow_line(struct pci_device *device, bool allowed)
{
	u16 command = pci_read16(device, PCI_COMMAND);

	pci_write16(device, PCI_COMMAND,
		    allowed ? command & (u16)~PCI_COMMAND_NO_INTX : command | PCI_COMMAND_NO_INTX);
}

int pci_irq_setup(struct pci_device *device, u32 wanted)
{
	u32 count = 1, table = open_msix(device);
	enum pci_irq_mode mode = PCI_IRQ_LINE;

	if (table > 0) {
		mode = PCI_IRQ_MSIX;
		count = CLAMP(wanted, 1u, table);
	} else if ((device->msi = (u8)pci_find_capability(device, PCI_CAPABILITY_MSI, 0)) != 0 &&
		   device->msi + MSI_ADDRESS + 10 <= 0x100) {
		mode = PCI_IRQ_MSI;
	} else if (!has_line(device)) {
		return -ENODEV;
	}
	device->vectors = kcalloc(count, sizeof(*device->vectors));
	if (device->vectors == NULL)
		return -ENOMEM;
	device->vector_count = count;
	device->irq_mode = mode;
	allow_line(device, mode == PCI_IRQ_LINE);
	if (mode == PCI_IRQ_MSIX)
		start_msix(device, table);
	return (int)count;
}

int pci_irq_register(struct pci_device *device, u32 index, u32 cpu, void (*handler)(void *argument),
		     void *argument)
{
	struct pci_vector *vector = &device->vectors[index];
	int error;

	if (device->irq_mode == PCI_IRQ_NONE || index >= device->vector_count)
		return -EINVAL;
	if (vector->used)
		return -EBUSY;
	vector->handler = handler;
	vector->argument = argument;
	if (device->irq_mode == PCI_IRQ_LINE) {
		vector->used = true;
		error = line_join(device);
	} else {
		error = irq_message_register(cpu, handler, argument, &vector->message);
		if (error == 0)
			set_message(device, index, &vector->message);
	}
	vector->used = error == 0;
	return error;
}

void pci_irq_release(struct pci_device *device)
{
	for (u32 i = 0; i < device->vector_count; i++) {
		if (!device->vectors[i].used)
			continue;
		if (device->irq_mode == PCI_IRQ_LINE)
			line_leave(device);
		else if (device->irq_mode == PCI_IRQ_MSIX)
			mask_entry(device, i, true);
		if (device->irq_mode != PCI_IRQ_LINE)
			irq_message_unregister(&device->vectors[i].message);
	}
	if (device->irq_mode == PCI_IRQ_MSIX)
		pci_write16(device, device->msi + MSIX_CONTROL,
			    pci_read16(device, device->msi + MSIX_CONTROL) & (u16)~MSIX_ENABLE);
	else if (device->irq_mode == PCI_IRQ_MSI)
		pci_write16(device, device->msi + MSI_CONTROL,
			    pci_read16(device, device->msi + MSI_CONTROL) & (u16)~MSI_ENABLE);
	kfree(device->vectors);
	device->vectors = NULL;
	device->vector_count = 0;
	device->irq_mode = PCI_IRQ_NONE;
}
