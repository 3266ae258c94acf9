/* kit_image.S: the guest kernel's ELF file, embedded. */
/* SPDX-License-Identifier: Apache-2.0 */
	.section .rodata
	.balign 4096
	.globl kit_image, kit_image_end
	.hidden kit_image, kit_image_end
kit_image:
	.incbin KIT_ELF
kit_image_end:
	.section .note.GNU-stack, "", @progbits
