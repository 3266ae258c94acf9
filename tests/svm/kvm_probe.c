/* kvm_probe.c: does the KVM of this machine run anything? Sixteen bytes of
 * real-mode guest write a letter to a port and halt. For the SVM lane, which
 * must know whether its own ground holds before it blames mayfly. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define RAM_LEN   4096u
#define GUEST_GPA 0x1000u
#define PORT      0x3f8

static int die(const char *what)
{
	perror(what);
	return 1;
}

int main(void)
{
	/* mov dx, PORT; mov al, '!'; out dx, al; hlt */
	static const unsigned char code[] = { 0xba, PORT & 0xff, PORT >> 8,
					      0xb0, '!',         0xee,
					      0xf4 };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
	int vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
	int len = vcpu < 0 ? -1 : ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_userspace_memory_region slot = { 0 };
	struct kvm_regs regs = { .rip = GUEST_GPA, .rflags = 2 };
	struct kvm_sregs sregs;
	struct kvm_run *run;
	void *ram;

	if (len < 0)
		return die("open /dev/kvm and create a VM");
	ram = mmap(NULL, RAM_LEN, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	run = mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu,
		   0);
	if (ram == MAP_FAILED || run == MAP_FAILED)
		return die("mmap");
	memcpy(ram, code, sizeof(code));
	slot.guest_phys_addr = GUEST_GPA;
	slot.memory_size = RAM_LEN;
	slot.userspace_addr = (unsigned long)ram;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) ||
	    ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return die("set up the VM");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) ||
	    ioctl(vcpu, KVM_SET_REGS, &regs) || ioctl(vcpu, KVM_RUN, 0))
		return die("run the vCPU");
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT) {
		printf("exit reason %u\n", run->exit_reason);
		return 1;
	}
	return 0;
}
