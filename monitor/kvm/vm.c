/* vm.c: see vm.h. Linux Documentation/virt/kvm/api.rst. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "kvm/x86_ioapic.h"
#include "mem/gmem.h"

/* Three pages that only Intel's KVM uses, out of every guest's way. */
#define TSS_ADDR      0xfffbd000ul
#define IDENTITY_ADDR 0xfffbc000ull

int kvm_open(struct err *err)
{
	AUTO_FD fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, -ENOENT,
			       "/dev/kvm does not exist: load the kvm_intel or "
			       "kvm_amd module, or enable virtualisation in "
			       "the firmware or the outer machine");
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return err_set(err, -errno,
			       "no permission to open /dev/kvm: join the group "
			       "that owns it (usually: usermod -aG kvm USER, "
			       "then log in again)");
	if (fd < 0)
		return err_set(err, -errno, "open /dev/kvm");
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return err_set(err, -ENOTSUP,
			       "/dev/kvm: API version %d, this needs %d",
			       version, KVM_API_VERSION);
	return take_fd(&fd);
}

static int add_slots(const struct vm *vm, const struct gmem *mem,
		     struct err *err)
{
	for (unsigned i = 0; i < mem->n_regions; i++) {
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = mem->region[i].base,
			.memory_size = mem->region[i].len,
			.userspace_addr = (uintptr_t)mem->region[i].host,
		};

		if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot))
			return err_set(
				err, -errno,
				"KVM memory slot %u: %llu bytes at "
				"0x%llx",
				i, (unsigned long long)slot.memory_size,
				(unsigned long long)slot.guest_phys_addr);
	}
	return 0;
}

static int add_irqchip(const struct vm *vm, const struct vm_config *cfg,
		       struct err *err)
{
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args = { IOAPIC_N_PINS },
	};
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	if (cfg->irqchip == VM_IRQCHIP_SPLIT) {
		if (ioctl(vm->fd, KVM_ENABLE_CAP, &split))
			return err_set(err, -errno, "KVM split irqchip");
		return 0;
	}
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return err_set(err, -errno, "KVM irqchip");
	if (cfg->pit && ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		return err_set(err, -errno, "KVM PIT");
	return 0;
}

int vm_init(struct vm *vm, int kvm_fd, const struct vm_config *cfg,
	    const struct gmem *mem, struct err *err)
{
	uint64_t identity = IDENTITY_ADDR;
	int r, len;

	*vm = (struct vm){ .fd = -1, .irqchip = cfg->irqchip };
	len = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (len < (int)sizeof(struct kvm_run))
		return err_set(err, -ENOTSUP, "KVM vCPU page of %d bytes", len);
	vm->run_len = (size_t)len;
	vm->has_tsc_deadline = ioctl(kvm_fd, KVM_CHECK_EXTENSION,
				     KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	vm->has_xcrs = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_XCRS) > 0;
	do
		vm->fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	while (vm->fd < 0 && errno == EINTR);
	if (vm->fd < 0) {
		r = err_set(err, -errno, "KVM create VM");
		goto fail;
	}
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity))
		log_debug("kvm", "identity map address refused: errno %d",
			  errno);
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDR))
		log_debug("kvm", "TSS address refused: errno %d", errno);
	r = add_slots(vm, mem, err);
	if (!r)
		r = add_irqchip(vm, cfg, err);
	if (r)
		goto fail;
	return 0;
fail:
	vm_fini(vm);
	return r;
}

void vm_fini(struct vm *vm)
{
	if (vm->fd >= 0)
		(void)close(vm->fd);
	vm->fd = -1;
}

int vm_signal_msi(const struct vm *vm, uint64_t address, uint32_t data)
{
	struct kvm_msi msi = {
		.address_lo = (uint32_t)address,
		.address_hi = (uint32_t)(address >> 32),
		.data = data,
	};

	/* 0: no CPU took it (masked local APIC); that is the guest's choice */
	return ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) < 0 ? -errno : 0;
}

int vm_irq_pulse(const struct vm *vm, unsigned gsi)
{
	for (unsigned level = 2; level-- > 0;) {
		struct kvm_irq_level irq = { .irq = gsi, .level = level };

		if (ioctl(vm->fd, KVM_IRQ_LINE, &irq))
			return -errno;
	}
	return 0;
}
