# Makefile: the one makefile. Outputs only under build/<flavour>/ and
# build/guest/; sources by wildcard; `make help` lists the targets.
# SPDX-License-Identifier: Apache-2.0

MAKEFLAGS += -rR
.DELETE_ON_ERROR:
.SUFFIXES:

FLAVOUR ?= debug
FLAV.debug   := -Og
FLAV.release := -O2 -D_FORTIFY_SOURCE=2 -flto=auto
FLAV.asan    := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FLAV.tsan    := -O1 -fno-omit-frame-pointer -fsanitize=thread
FLAV.cov     := -O0 --coverage
FLAV.fuzz    := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined
FLAV.analyze := -O2 -fanalyzer
FLAVOURS     := debug release asan tsan cov fuzz analyze

ifeq ($(filter $(FLAVOUR),$(FLAVOURS)),)
$(error FLAVOUR '$(FLAVOUR)': one of $(FLAVOURS))
endif

VERSION := 0.1.0
B       := build/$(FLAVOUR)
G       := build/guest
PREFIX  ?= /usr/local

CC := gcc
ifeq ($(FLAVOUR),fuzz)
CC := clang
endif
MUSL_CC := musl-gcc

WARN := -Wall -Wextra -Wshadow -Wvla -Wundef -Wwrite-strings -Wcast-qual \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wformat=2 \
	-Wimplicit-fallthrough -Wswitch-enum
ifdef CI
WARN += -Werror
endif

FLAV_CFLAGS  := $(FLAV.$(FLAVOUR))
CPPFLAGS_ALL  = -Imonitor -I. -D_GNU_SOURCE -DMAYFLY_VERSION='"$(VERSION)"' $(CPPFLAGS)
CFLAGS_ALL    = -std=gnu17 -g $(WARN) $(FLAV_CFLAGS) -fstack-protector-strong \
	-fPIE -fvisibility=hidden -fno-common -pthread $(CFLAGS)
# One static file starts in half the time of a dynamic one (docs/adr/0003).
STATIC_PIE   := $(if $(filter debug release analyze,$(FLAVOUR)),-static-pie,-pie)
LDFLAGS_ALL   = $(FLAV_CFLAGS) $(STATIC_PIE) -pthread -Wl,-z,relro,-z,now,-z,noexecstack $(LDFLAGS)
LIBS         := -l:liburing.a -l:libjansson.a -l:libhttp_parser.a

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

# --- sources -----------------------------------------------------------------
# main and the commands stay out of the library, so that tests link the rest.
CLI_SRC  := $(sort $(wildcard monitor/cli/main.c monitor/cli/cmd_*.c))
LIB_SRC  := $(sort $(filter-out $(CLI_SRC),$(wildcard monitor/*/*.c)) \
	$(wildcard virtio/*.c jail/*.c snapshot/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
SUP_SRC  := $(sort $(wildcard tests/support/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
THR_SRC  := $(sort $(wildcard tests/thread/*.c))

LIB_OBJ  := $(LIB_SRC:%.c=$(B)/%.o)
CLI_OBJ  := $(CLI_SRC:%.c=$(B)/%.o) $(B)/kit_image.o
UNIT_OBJ := $(UNIT_SRC:%.c=$(B)/%.o)
SUP_OBJ  := $(SUP_SRC:%.c=$(B)/%.o)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)
THR_BIN  := $(THR_SRC:tests/thread/%.c=$(B)/thread/%)
ALL_OBJ  := $(LIB_OBJ) $(CLI_OBJ) $(UNIT_OBJ) $(SUP_OBJ) \
	$(FUZZ_SRC:%.c=$(B)/%.o) $(THR_SRC:%.c=$(B)/%.o)

.PHONY: all release help
all: $(B)/mayfly guests ## build mayfly and the guests (FLAVOUR=debug)

release: ## build/release/mayfly
	$(Q)$(MAKE) --no-print-directory FLAVOUR=release all

$(B)/mayfly: $(CLI_OBJ) $(B)/libmayfly.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(CLI_OBJ) $(B)/libmayfly.a $(LIBS)

$(B)/libmayfly.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(if $(filter release,$(FLAVOUR)),gcc-ar,ar) rcs $@ $(LIB_OBJ)

# LTO drops the section-registered tests of Criterion without a word.
$(B)/tests/%.o: FLAV_CFLAGS := $(filter-out -flto%,$(FLAV_CFLAGS))

$(B)/%.o: %.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# The guest kernel travels inside the mayfly binary.
$(B)/kit_image.o: monitor/cli/kit_image.S $(G)/kit.elf
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -DKIT_ELF='"$(G)/kit.elf"' -fPIE -c $< -o $@

-include $(ALL_OBJ:.o=.d)

# --- guests ------------------------------------------------------------------
# Ring-3 guest kernel: no libc, no red zone (a handler may share the stack),
# its own flags whatever the flavour.
KIT_SRC := $(sort $(wildcard guest-kit/boot/*.[cS] guest-kit/kernel/*.[cS] \
	guest-kit/drivers/*.[cS] guest-kit/fs/*.[cS] guest-kit/linux/*.[cS] \
	guest-kit/net/*.[cS] guest-kit/lib/*.[cS]))
KIT_OBJ := $(addprefix $(G)/,$(addsuffix .o,$(basename $(KIT_SRC))))
KIT_CFLAGS := -std=gnu17 -Os -g $(WARN) -Iguest-kit -Iguest-kit/include \
	-ffreestanding -fpie -fvisibility=hidden -mgeneral-regs-only -mno-red-zone \
	-fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none \
	-fno-tree-loop-distribute-patterns -ffunction-sections -fdata-sections
KIT_LINK := gcc -nostdlib -static -no-pie -Wl,-T,guest-kit/boot/kit.ld \
	-Wl,--build-id=none -Wl,--gc-sections -Wl,-z,noexecstack \
	-Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments

$(G)/kit.elf: $(KIT_OBJ) guest-kit/boot/kit.ld
	$(call say,LD,$@)
	$(Q)$(KIT_LINK) -o $@ $(KIT_OBJ)

$(G)/guest-kit/%.o: guest-kit/%.c Makefile
	$(call say,KITCC,$@)
	@mkdir -p $(@D)
	$(Q)gcc $(KIT_CFLAGS) -MMD -MP -c $< -o $@

$(G)/guest-kit/%.o: guest-kit/%.S Makefile
	$(call say,KITAS,$@)
	@mkdir -p $(@D)
	$(Q)gcc $(KIT_CFLAGS) -MMD -MP -c $< -o $@

-include $(KIT_OBJ:.o=.d)

# The kit as a library: all but its main and the Linux layer, with the public
# functions; and a compiler that knows how to use it
API_SRC := $(sort $(wildcard guest-kit/api/*.c))
API_OBJ := $(API_SRC:%.c=$(G)/%.o)
API_LIB := $(G)/lib/libmayfly-kit.a $(G)/lib/kit.ld
MAYFLY_CC := guest-kit/api/mayfly-cc

$(G)/lib/libmayfly-kit.a: $(API_OBJ) $(KIT_OBJ)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar qcs $@ $(API_OBJ) \
		$(filter-out $(G)/guest-kit/kernel/main.o,$(KIT_OBJ))

$(G)/lib/kit.ld: guest-kit/boot/kit.ld guest-kit/api/kit-ld.sed
	@mkdir -p $(@D)
	$(Q)sed -f guest-kit/api/kit-ld.sed $< >$@

-include $(API_OBJ:.o=.d)

# Tests and examples of the library
API_TEST_SRC := $(sort $(wildcard tests/kit/api_*.c))
API_EX_SRC   := $(sort $(wildcard examples/api/*.c))
API_BIN := $(API_TEST_SRC:tests/kit/%.c=$(G)/tests/guests/%) \
	$(API_EX_SRC:examples/api/%.c=$(G)/examples/%)
API_CC = @mkdir -p $(@D) && $(MAYFLY_CC) -g $(WARN) -MMD -MP -MT $@ -MF $(G)/lib/$(@F).d -o $@ $<

$(G)/tests/guests/api_%: tests/kit/api_%.c $(API_LIB) $(MAYFLY_CC)
	$(call say,MFCC,$@)
	$(API_CC)

$(API_EX_SRC:examples/api/%.c=$(G)/examples/%): $(G)/examples/%: examples/api/%.c $(API_LIB) $(MAYFLY_CC)
	$(call say,MFCC,$@)
	$(API_CC)

-include $(patsubst %,$(G)/lib/%.d,$(notdir $(API_BIN)))

# Tests that are linked with the kit instead of running on it
LINKED_SRC := $(sort $(wildcard tests/kit/linked_*.c))
LINKED_BIN := $(LINKED_SRC:tests/kit/%.c=$(G)/tests/guests/%)
LINKED_OBJ := $(filter-out $(G)/guest-kit/kernel/main.o,$(KIT_OBJ))

$(G)/tests/kit/%.o: tests/kit/%.c Makefile
	$(call say,KITCC,$@)
	@mkdir -p $(@D)
	$(Q)gcc $(KIT_CFLAGS) -MMD -MP -c $< -o $@

$(G)/tests/guests/linked_%: $(G)/tests/kit/linked_%.o $(KIT_OBJ) guest-kit/boot/kit.ld
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(KIT_LINK) -o $@ $< $(LINKED_OBJ)

-include $(LINKED_SRC:%.c=$(G)/%.d)

# Examples of the same kind: programs that are their machine's kernel
KIT_EX_SRC := $(sort $(wildcard examples/kit/*.c))
KIT_EX_BIN := $(KIT_EX_SRC:examples/kit/%.c=$(G)/examples/%)

$(G)/examples/kit/%.o: examples/kit/%.c Makefile
	$(call say,KITCC,$@)
	@mkdir -p $(@D)
	$(Q)gcc $(KIT_CFLAGS) -MMD -MP -c $< -o $@

$(KIT_EX_BIN): $(G)/examples/%: $(G)/examples/kit/%.o $(KIT_OBJ) guest-kit/boot/kit.ld
	$(call say,LD,$@)
	$(Q)$(KIT_LINK) -o $@ $< $(LINKED_OBJ)

-include $(KIT_EX_SRC:%.c=$(G)/%.d)

# The guest program of bench-io, of that kind too
IO_SRC := $(sort $(wildcard bench/guest/*.c))
IO_OBJ := $(IO_SRC:%.c=$(G)/%.o)

$(G)/bench/guest/%.o: bench/guest/%.c Makefile
	$(call say,KITCC,$@)
	@mkdir -p $(@D)
	$(Q)gcc $(KIT_CFLAGS) -I. -MMD -MP -c $< -o $@

$(G)/bench/io: $(IO_OBJ) $(KIT_OBJ) guest-kit/boot/kit.ld
	$(call say,LD,$@)
	$(Q)$(KIT_LINK) -o $@ $(IO_OBJ) $(LINKED_OBJ)

-include $(IO_OBJ:.o=.d)

# Programs that run inside: musl-static, one page of C each.
GUEST_SRC := $(sort $(wildcard tests/guests/*.c examples/*.c))
GUEST_BIN := $(addprefix $(G)/,$(basename $(GUEST_SRC)))
EXAMPLE_FLAGS := -s
GUEST_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -static -Iguest-kit/include -Itests/guests

# Helpers of the integration tests run on the host, or in the SVM lane's.
HELPER_BIN := $(addprefix $(G)/,$(basename $(sort $(wildcard tests/integ/helpers/*.c))))

# The libc test programs, each with both libraries
ABI_SRC := $(sort $(wildcard tests/abi/*.c))
ABI_BIN := $(foreach l,musl glibc,$(ABI_SRC:tests/abi/%.c=$(G)/tests/abi/$l/%))
ABI_CFLAGS := -std=gnu17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -static -pthread

$(G)/tests/abi/musl/%: tests/abi/%.c $(wildcard tests/abi/*.h) Makefile
	$(call say,MUSL,$@)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(ABI_CFLAGS) -o $@ $<

$(G)/tests/abi/glibc/%: tests/abi/%.c $(wildcard tests/abi/*.h) Makefile
	$(call say,GLIBC,$@)
	@mkdir -p $(@D)
	$(Q)gcc $(ABI_CFLAGS) -o $@ $<

.PHONY: guests
guests: $(GUEST_BIN) $(ABI_BIN) $(HELPER_BIN) $(LINKED_BIN) $(API_BIN) $(KIT_EX_BIN) $(G)/bench/io

$(G)/tests/guests/%: tests/guests/%.c Makefile $(wildcard tests/guests/*.h)
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(GUEST_CFLAGS) -o $@ $<

$(G)/tests/integ/helpers/%: tests/integ/helpers/%.c Makefile
	$(call say,HELPER,$@)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) -std=gnu17 -O2 -g -Wall -Wextra -static -o $@ $<

$(G)/examples/%: examples/%.c Makefile
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(GUEST_CFLAGS) $(EXAMPLE_FLAGS) -o $@ $<

# To be looked at with a debugger: docs/DEBUGGING.md
$(G)/examples/crash: EXAMPLE_FLAGS := -O0 -fno-omit-frame-pointer

# --- tests -------------------------------------------------------------------
.PHONY: setup demo test check unit replay threads integ svm asan tsan cov
setup: ## install what building and testing needs (Debian 12, apt)
	$(Q)tests/setup.sh

demo: setup ## everything: install, build, boot the examples, show a timeline
	$(Q)$(MAKE) --no-print-directory release
	$(Q)examples/demo.sh build/release/mayfly

test: setup ## everything: install, build, every test lane
	$(Q)tests/run.sh

check: unit replay threads ## the lanes that need no KVM

unit: $(B)/tests/unit-tests ## unit tests (Criterion)
	$(Q)tests/unit/run.sh $(B)/tests/unit-tests

# Parts of the guest kernel on the host: with RAM at an address a process has.
KIT_HOST     := page buddy kmem store vm vm_area vm_fault pt io timer wait
KIT_HOST_OBJ := $(KIT_HOST:%=$(B)/kit/kernel/%.o) $(B)/kit/lib/format.o \
	$(B)/tests/unit/kit_shim.o
KIT_HOST_CPP := -iquote guest-kit -iquote guest-kit/include -DKIT_ON_HOST \
	-DKIT_PHYS_BASE=0x200000000000ull

$(B)/tests/unit/test_kit_memory.o $(B)/tests/unit/test_kit_timer.o \
$(B)/tests/unit/kit_shim.o: CPPFLAGS_ALL += $(KIT_HOST_CPP)
$(B)/kit/%.o: FLAV_CFLAGS := $(filter-out -flto%,$(FLAV_CFLAGS))
$(B)/kit/%.o: guest-kit/%.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT_HOST_CPP) $(CFLAGS_ALL) -MMD -MP -c $< -o $@
-include $(KIT_HOST_OBJ:.o=.d)

$(B)/tests/unit-tests: $(UNIT_OBJ) $(SUP_OBJ) $(KIT_HOST_OBJ) $(B)/libmayfly.a
	$(call say,LD,$@)
	$(Q)$(CC) $(filter-out -static-pie -flto%,$(LDFLAGS_ALL)) -pie -o $@ \
		$(UNIT_OBJ) $(SUP_OBJ) $(KIT_HOST_OBJ) $(B)/libmayfly.a \
		-lcriterion $(LIBS)

threads: $(THR_BIN) ## thread tests: plain programs, for TSan
	$(Q)tests/thread/run.sh $(THR_BIN)

$(B)/thread/%: $(B)/tests/thread/%.o $(B)/libmayfly.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -static-pie -flto%,$(LDFLAGS_ALL)) -pie -o $@ $^ $(LIBS)

integ: all ## integration tests on /dev/kvm
	$(Q)tests/integ/run.sh $(B)/mayfly $(G)

svm: all ## the same in QEMU's software-emulated AMD-V, and stock Linux guests
	$(Q)tests/svm/run.sh $(B)/mayfly $(G)

asan: ## unit, replay and integration tests under ASan and UBSan
	$(Q)$(MAKE) --no-print-directory FLAVOUR=asan unit replay integ

tsan: ## thread tests and integration tests under TSan
	$(Q)$(MAKE) --no-print-directory FLAVOUR=tsan threads integ

cov: ## line coverage of the unit tests, build/cov/coverage.txt
	$(Q)tests/coverage.sh

# --- fuzzing -----------------------------------------------------------------
.PHONY: fuzz fuzz-smoke
FUZZ_SECONDS ?= 600
fuzz: ## every fuzz target for FUZZ_SECONDS (clang, libFuzzer)
	$(Q)$(MAKE) --no-print-directory FLAVOUR=fuzz fuzz-bins
	$(Q)tests/fuzz/run.sh build/fuzz/fuzz $(FUZZ_SECONDS)

fuzz-smoke: ## every fuzz target for 5 seconds
	$(Q)$(MAKE) --no-print-directory FUZZ_SECONDS=5 fuzz

.PHONY: fuzz-bins
fuzz-bins: $(FUZZ_BIN)

ifeq ($(FLAVOUR),fuzz)
FUZZ_MAIN := -fsanitize=fuzzer
else
FUZZ_MAIN := $(B)/tests/fuzz/replay_main.o
$(FUZZ_BIN): $(B)/tests/fuzz/replay_main.o
endif

$(B)/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(SUP_OBJ) $(B)/libmayfly.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -static-pie -flto%,$(LDFLAGS_ALL)) -pie -o $@ \
		$(FUZZ_MAIN) $< $(SUP_OBJ) $(B)/libmayfly.a $(LIBS)

replay: $(FUZZ_BIN) ## every corpus file through its fuzz target
	$(Q)tests/fuzz/replay.sh $(B)/fuzz

# --- quality -----------------------------------------------------------------
.PHONY: lint format analyze bench-boot bench-guest bench-idle bench-io stats install clean
lint: ## layers, headers, format, clang-tidy, shell
	$(Q)tests/lint/lint.sh

format: ## clang-format everything in place
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format -i

analyze: ## gcc -fanalyzer over the monitor
	$(Q)$(MAKE) --no-print-directory FLAVOUR=analyze CI=1 build/analyze/libmayfly.a

bench-boot: release ## boot time, memory per VM, teardown; peers beside it
	$(Q)bench/boot.sh build/release/mayfly $(G)

bench-io: release ## what devices do; QEMU and the bare host beside them
	$(Q)bench/io.sh build/release/mayfly $(G)

bench-idle: release ## memory of idle machines with every device
	$(Q)bench/idle.sh build/release/mayfly $(G)

bench-guest: release ## what programs get from the kit; the host beside it
	$(Q)bench/guest.sh build/release/mayfly $(G)

stats: ## numbers that drift: lines, tests, sizes
	$(Q)tests/stats.sh

install: release $(API_LIB) ## DESTDIR= PREFIX=
	install -D -m 755 build/release/mayfly $(DESTDIR)$(PREFIX)/bin/mayfly
	install -D -m 755 $(MAYFLY_CC) $(DESTDIR)$(PREFIX)/bin/mayfly-cc
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/mayfly $(API_LIB)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/include/mayfly guest-kit/api/mayfly.h guest-kit/api/solo5.h
	install -D -m 644 docs/mayfly.1 $(DESTDIR)$(PREFIX)/share/man/man1/mayfly.1

clean: ## remove build/
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16
	@echo "  FLAVOUR=$$(echo $(FLAVOURS) | tr ' ' '|')  V=1 shows commands"
