# reclaimd: `make` builds, `make help` lists the targets.
VERSION := 0.1.0

PKG_CONFIG ?= pkg-config
PYTHON ?= python3
INSTALL ?= install
JOBS ?= $(shell nproc)

prefix ?= /usr/local
exec_prefix ?= $(prefix)
bindir ?= $(exec_prefix)/bin
datadir ?= $(prefix)/share
libdir ?= $(prefix)/lib
mandir ?= $(datadir)/man
sysconfdir ?= /etc
pkgdatadir := $(datadir)/reclaimd
systemdsystemunitdir ?= $(shell $(PKG_CONFIG) --variable=systemdsystemunitdir systemd 2>/dev/null || echo $(libdir)/systemd/system)
systemduserunitdir ?= $(shell $(PKG_CONFIG) --variable=systemduserunitdir systemd 2>/dev/null || echo $(libdir)/systemd/user)
catalogdir ?= $(shell $(PKG_CONFIG) --variable=catalogdir systemd 2>/dev/null || echo $(libdir)/systemd/catalog)
O ?= build

LIBS := libcurl json-c libsystemd inih smartcols sqlite3
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null)

WARN := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wvla -Wundef -Wwrite-strings -Wpointer-arith -Wswitch-enum \
	-Wcast-qual -Wconversion -Wnull-dereference -Wdate-time
ifeq ($(DEV),1)
WARN += -Werror
endif

# What Debian builds with (dpkg-buildflags), so that a plain `make` is as hard as the package.
CFLAGS ?= -O2 -g -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
LDFLAGS ?= -Wl,-z,relro -Wl,-z,now
ifeq ($(SAN),1)
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-U_FORTIFY_SOURCE
O := $O/san
endif

OUR_CFLAGS := -std=gnu17 -D_GNU_SOURCE -DSD_JOURNAL_SUPPRESS_LOCATION \
	-DRECLAIMD_VERSION='"$(VERSION)"' -DRECLAIMD_SYSCONFDIR='"$(sysconfdir)"' \
	-DRECLAIMD_PKGDATADIR='"$(pkgdatadir)"' -Iagent -fPIE $(WARN) -MMD -MP $(SAN_FLAGS) $(PKG_CFLAGS)
OUR_LDFLAGS := -pie -Wl,--as-needed $(SAN_FLAGS)

Q := $(if $(filter 1,$V),,@)

SOURCES := $(wildcard agent/*/*.c)
OBJECTS := $(SOURCES:%.c=$O/%.o)
UNIT_TESTS := $(patsubst tests/unit/%.c,$O/tests/unit/%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst %.c,$O/%,$(wildcard tests/fuzz/fuzz_*.c))
# Without the fuzzer's engine a fuzzer replays its corpus: a unit test more.
UNIT_TESTS += $(FUZZERS:$O/tests/fuzz/%=$O/tests/unit/test_%)
UNIT_SHARED := $(patsubst %.c,$O/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))

# The template for a second engine is the same unit with the instance's name.
UNITS := reclaimd.service reclaimd.timer reclaimd@.service reclaimd@.timer \
	reclaimd-watch.service reclaimd-watch@.service
USER_UNITS := reclaimd.service reclaimd.timer reclaimd-watch.service
BUILT_UNITS := $(UNITS:%=$O/systemd/%) $(USER_UNITS:%=$O/systemd/user/%)

.PHONY: all
all: $O/reclaimd $(BUILT_UNITS)

.PHONY: help
help:
	@sed -n 's/^## //p' Makefile

$O/reclaimd: $O/agent/main.o $O/libreclaimd.a
	$(Q)$(CC) $(OUR_LDFLAGS) $(LDFLAGS) $(CFLAGS) -o $@ $^ $(PKG_LIBS)

$O/libreclaimd.a: $(OBJECTS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$O/%.o: %.c Makefile
	$(if $(PKG_LIBS),,$(error $(PKG_CONFIG) does not find $(LIBS): `make deps-build` installs, as root, or names what building needs))
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$O/tests/unit/%.o: OUR_CFLAGS += -Itests/unit -UNDEBUG
$O/tests/unit/test_%: $O/tests/unit/test_%.o $(UNIT_SHARED) $O/libreclaimd.a
	$(Q)$(CC) $(OUR_LDFLAGS) $(LDFLAGS) $(CFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

$O/tests/unit/test_fuzz_%: $O/tests/fuzz/fuzz_%.o $O/libreclaimd.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(OUR_LDFLAGS) $(LDFLAGS) $(CFLAGS) -o $@ $^ $(PKG_LIBS)
$O/tests/fuzz/fuzz_%: $O/tests/fuzz/fuzz_%.o $O/libreclaimd.a
	$(Q)$(CC) -fsanitize=fuzzer $(OUR_LDFLAGS) $(LDFLAGS) $(CFLAGS) -o $@ $^ $(PKG_LIBS)

# Written into units and program; other places on the command line, and these are made anew.
PLACES := $(bindir) $(sysconfdir) $(pkgdatadir)
$O/places: FORCE
	$(Q)mkdir -p $(@D) && { echo '$(PLACES)' | cmp -s - $@ || echo '$(PLACES)' >$@; }
.PHONY: FORCE
FORCE:
$O/agent/conf/conf.o: $O/places

EXPAND = $(Q)mkdir -p $(@D) && sed -e '/^@sandbox@$$/{r systemd/sandbox.in' -e 'd}' \
	-e 's|@bindir@|$(bindir)|g' -e 's|@unit@|$1|g' -e 's|@instance@|$2|g' -e 's|@of@|$3|g' $< >$@

$O/systemd/reclaimd.%: systemd/reclaimd.%.in systemd/sandbox.in $O/places Makefile
	$(call EXPAND,reclaimd,,)
$O/systemd/reclaimd@.%: systemd/reclaimd.%.in systemd/sandbox.in $O/places Makefile
	$(call EXPAND,reclaimd@%i, --instance %i, (%i))
$O/systemd/reclaimd-watch.%: systemd/reclaimd-watch.%.in systemd/sandbox.in $O/places Makefile
	$(call EXPAND,reclaimd-watch,,)
$O/systemd/reclaimd-watch@.%: systemd/reclaimd-watch.%.in systemd/sandbox.in $O/places Makefile
	$(call EXPAND,reclaimd-watch@%i, --instance %i, (%i))
$O/systemd/user/reclaimd-watch.service: systemd/reclaimd-watch-user.service.in $O/places Makefile
	$(call EXPAND,reclaimd-watch,,)
$O/systemd/user/reclaimd.service: systemd/reclaimd-user.service.in $O/places Makefile
	$(call EXPAND,reclaimd,,)
$O/systemd/user/reclaimd.timer: systemd/reclaimd.timer.in $O/places Makefile
	$(call EXPAND,reclaimd,,)

## make install      copies files to DESTDIR and prefix, nothing else
# A row per place: folder and files. Install and uninstall both read it.
define INSTALLED
$(bindir) 755 $O/reclaimd
$(systemdsystemunitdir) 644 $(UNITS:%=$O/systemd/%)
$(systemduserunitdir) 644 $(USER_UNITS:%=$O/systemd/user/%)
$(catalogdir) 644 $(wildcard config/reclaimd.catalog)
$(pkgdatadir)/policies 644 $(wildcard policies/*.ini)
$(pkgdatadir) 644 $(wildcard config/reclaimd.conf)
$(mandir)/man8 644 $(wildcard agent/man/*.8)
$(mandir)/man5 644 $(wildcard agent/man/*.5)
endef
export INSTALLED

.PHONY: install uninstall
install: all
	@printf '%s\n' "$$INSTALLED" | while read -r folder mode files; do \
		for file in $$files; do \
			$(INSTALL) -D -m "$$mode" "$$file" "$(DESTDIR)$$folder/$${file##*/}" || exit 1; \
		done; \
	done
	$(INSTALL) -d -m 755 "$(DESTDIR)$(sysconfdir)/reclaimd/policies.d"

## make uninstall    removes what install copied; settings and state stay
uninstall:
	@printf '%s\n' "$$INSTALLED" | while read -r folder mode files; do \
		for file in $$files; do rm -f "$(DESTDIR)$$folder/$${file##*/}"; done; \
	done
	-rmdir "$(DESTDIR)$(pkgdatadir)/policies" "$(DESTDIR)$(pkgdatadir)"

.PHONY: unit-tests
unit-tests: $(UNIT_TESTS)

RUN_TESTS = RECLAIMD=$(abspath $O)/reclaimd RECLAIMD_BUILD=$(abspath $O) $(PYTHON) tests/run

## make check        tests that need no root, no network and no engine
.PHONY: check
check: all unit-tests bench-helpers
	$(RUN_TESTS) unit check

## make test         every test; as root it installs what they need, else it skips what needs root
.PHONY: test
test: deps-test
	$(MAKE) -j$(JOBS) all unit-tests bench-helpers
	$(RUN_TESTS) unit check real boot

## make fuzz         FUZZ_SECONDS (60) of each fuzzer; needs clang; finds lie in build/fuzz/found
FUZZ_SECONDS ?= 60
.PHONY: fuzz fuzzers
fuzzers: $(FUZZERS)
fuzz:
	$(MAKE) CC=clang O=$O/fuzz fuzzers SAN_FLAGS='-fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=all -U_FORTIFY_SOURCE -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION'
	@for fuzzer in $(FUZZERS:$O/tests/fuzz/fuzz_%=%); do \
		mkdir -p $O/fuzz/corpus/$$fuzzer $O/fuzz/found && \
		$O/fuzz/tests/fuzz/fuzz_$$fuzzer -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 \
			-print_final_stats=1 -verbosity=0 -artifact_prefix=$O/fuzz/found/$$fuzzer- \
			$O/fuzz/corpus/$$fuzzer tests/fuzz/corpus/$$fuzzer || exit 1; \
	done

## make test-engines  one world on every engine that can be had; the first time takes a while
.PHONY: test-engines
test-engines: deps-test
	$(MAKE) -j$(JOBS) all
	RECLAIMD_TEST_ENGINES=all V=1 $(RUN_TESTS) real test_engines test_same test_quadlet

## make test-package  the Debian package, built, installed, upgraded and purged on a new machine; some minutes, as root
.PHONY: test-package
test-package: deps-test
	$(RUN_TESTS) package

## make demo         a throw-away Docker Engine full of a believable mess, cleaned before your eyes
.PHONY: demo
demo: deps-demo
	$(MAKE) -j$(JOBS) all
	$(PYTHON) tests/demo.py

BENCH_HELPERS := $(patsubst %.c,$O/%,$(wildcard tests/bench/*.c))
$O/tests/bench/%: $O/tests/bench/%.o $O/libreclaimd.a
	$(Q)$(CC) $(OUR_LDFLAGS) $(LDFLAGS) $(CFLAGS) -o $@ $^ $(PKG_LIBS)

## make bench        what it costs against the engine's own commands; some minutes, as root
.PHONY: bench bench-helpers
bench-helpers: $(BENCH_HELPERS)
bench: deps-bench
	$(MAKE) -j$(JOBS) all bench-helpers
	RECLAIMD=$(abspath $O)/reclaimd RECLAIMD_BUILD=$(abspath $O) $(PYTHON) tests/bench/bench.py

## make documents    writes what the tables of settings and keys say into man page and example
.PHONY: documents
documents: $O/tests/unit/test_documents
	RECLAIMD_WRITE_DOCUMENTS=1 $O/tests/unit/test_documents

## make deps-build   the Debian packages that building needs; deps-demo, deps-test, deps-bench: those of the others
.PHONY: deps-build deps-demo deps-test deps-bench
deps-build deps-demo deps-test deps-bench:
	tests/deps $(@:deps-%=%)

## make checks       format, layers, warnings and static analysis
.PHONY: checks format format-check layers analyse
checks: format-check layers analyse
	$(MAKE) -j$(JOBS) DEV=1 O=build/dev all unit-tests

C_FILES = $(wildcard agent/*.c agent/*/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch] tests/bench/*.c)
format:
	$(Q)clang-format -i $(C_FILES)
format-check:
	$(Q)clang-format --dry-run -Werror $(C_FILES)
layers:
	$(Q)tests/layers
analyse:
	$(Q)cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -Iagent \
		--library=tests/cppcheck.cfg \
		--enable=warning,performance,portability --suppress=missingIncludeSystem \
		--suppress=internalAstError --suppress=normalCheckLevelMaxBranches agent
	$(Q)shellcheck --severity=warning tests/layers tests/deps .ci/run

.PHONY: clean
clean:
	rm -rf $O/agent $O/tests $O/libreclaimd.a $O/reclaimd $O/san

-include $(OBJECTS:.o=.d) $O/agent/main.d $(UNIT_TESTS:=.d) $(FUZZERS:=.d) $(UNIT_SHARED:.o=.d) \
	$(BENCH_HELPERS:=.d)
.SECONDARY:
