/* user.c: checked copies. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/user.h"

#include "kernel/vm.h"
#include "lib/string.h"
#include "linux/errno.h"

int user_read(void *dst, uint64_t gva, uint64_t len)
{
	if (!vm_user_ok(gva, len, VM_READ))
		return -LINUX_EFAULT;
	memcpy(dst, user_ptr(gva), len);
	return 0;
}

int user_write(uint64_t gva, const void *src, uint64_t len)
{
	if (!vm_user_ok(gva, len, VM_WRITE))
		return -LINUX_EFAULT;
	memcpy(user_ptr(gva), src, len);
	return 0;
}

int user_zero(uint64_t gva, uint64_t len)
{
	if (!vm_user_ok(gva, len, VM_WRITE))
		return -LINUX_EFAULT;
	memset(user_ptr(gva), 0, len);
	return 0;
}

int64_t user_string(char *buf, uint64_t room, uint64_t gva)
{
	int64_t len = vm_user_strlen(gva, room - 1);

	if (len >= 0)
		memcpy(buf, user_ptr(gva), (uint64_t)len + 1);
	return len;
}
