# kit-ld.sed: boot/kit.ld becomes the linker script of mayfly-cc. The kit's own
# data stay where the processor's tables want them; the program's, of any size,
# go behind, into a segment of their own.
# SPDX-License-Identifier: Apache-2.0
s/\*(\.data \.data\.\*)/*libmayfly-kit.a:(.data .data.*)/
s/\*(\.bss \.bss\.\[!0\]\*)/*libmayfly-kit.a:(.bss .bss.[!0]*)/
/^	data PT_LOAD/a\
	program PT_LOAD FLAGS(6);
/^	kit_image_end = /i\
	.program : AT(ADDR(.program) - PHYS_BASE) { *(.data .data.*) } :program\
	.program.bss : AT(ADDR(.program.bss) - PHYS_BASE) {\
		*(.bss .bss.*)\
		*(COMMON)\
	} :program\
	. = ALIGN(4096);
