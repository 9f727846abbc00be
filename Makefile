# reclaimd: `make` builds, `make help` lists the targets.
VERSION := 0.1.0

prefix ?= /usr/local
O ?= build
PKG_CONFIG ?= pkg-config
PYTHON ?= python3

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
	-DRECLAIMD_VERSION='"$(VERSION)"' -Iagent -fPIE $(WARN) -MMD -MP $(SAN_FLAGS) $(PKG_CFLAGS)
OUR_LDFLAGS := -pie -Wl,--as-needed $(SAN_FLAGS)

Q := $(if $(filter 1,$V),,@)

SOURCES := $(wildcard agent/*/*.c)
OBJECTS := $(SOURCES:%.c=$O/%.o)
UNIT_TESTS := $(patsubst tests/unit/%.c,$O/tests/unit/%,$(wildcard tests/unit/test_*.c))

.PHONY: all
all: $O/reclaimd

$O/reclaimd: $O/agent/main.o $O/libreclaimd.a
	$(Q)$(CC) $(OUR_LDFLAGS) $(LDFLAGS) $(CFLAGS) -o $@ $^ $(PKG_LIBS)

$O/libreclaimd.a: $(OBJECTS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$O/%.o: %.c Makefile
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$O/tests/unit/%.o: OUR_CFLAGS += -Itests/unit -UNDEBUG
$O/tests/unit/%: $O/tests/unit/%.o $O/libreclaimd.a
	$(Q)$(CC) $(OUR_LDFLAGS) $(LDFLAGS) $(CFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

.PHONY: unit-tests
unit-tests: $(UNIT_TESTS)

.PHONY: clean
clean:
	rm -rf $O/agent $O/tests $O/libreclaimd.a $O/reclaimd $O/san

-include $(OBJECTS:.o=.d) $O/agent/main.d $(UNIT_TESTS:=.d)
.SECONDARY:
