# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
SHELL := /bin/bash
BUILD := build
JOBS := $(shell nproc)
# Many tests wait for a program more than they compute.
TEST_JOBS := $(shell echo $$((2 * $(JOBS))))
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES := $(shell sed 's/\#.*//' deploy/debian-packages)

.PHONY: help deps build program demo test test-all asan tsan fuzz bench install package clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

# Tests start servers of their own: what Debian would start for good is turned off again.
deps:  ## install the Debian packages that are missing (apt; sudo where not root)
	@missing=$$(for p in $(PACKAGES); do \
	  dpkg-query -W -f '$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  echo "installing" $$missing; \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing >/dev/null && \
	  for server in openssh-server:ssh postgresql:postgresql nginx-light:nginx; do \
	    [ -d /run/systemd/system ] && echo "$$missing" | grep -qx $${server%:*} || continue; \
	    $(SUDO) systemctl -q disable --now $${server#*:}; \
	  done; \
	fi

CCACHE = $(shell command -v ccache >/dev/null && echo -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

$(BUILD)/build.ninja: deps
	@cmake -S . -B $(BUILD) -G Ninja $(CCACHE) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }; rm -f $(BUILD).log

program: $(BUILD)/build.ninja  ## build the program only: build/metalwright
	@ninja -C $(BUILD) -j $(JOBS) metalwright

build: $(BUILD)/build.ninja  ## build the program and the tests
	@ninja -C $(BUILD) -j $(JOBS)

demo: program  ## run the main job on examples/homelab and show it converging
	@examples/demo.sh $(BUILD)/metalwright

CTEST = ctest --test-dir $(BUILD) -j $(TEST_JOBS) --output-on-failure --no-tests=error
FAILED = { status=$$?; cd $(1)/Testing/Temporary; \
  $(CURDIR)/tests/failures.awk LastTestsFailed.log LastTest.log; exit $$status; }

test: build  ## build and run the tests that CI runs
	@$(CTEST) -LE slow || $(call FAILED,$(BUILD))

test-all: build  ## all tests, the long ones too
	@$(CTEST) || $(call FAILED,$(BUILD))

asan tsan fuzz: PACKAGES += clang libclang-rt-14-dev
# Lets ccache keep what was compiled with precompiled headers.
asan tsan: export CCACHE_SLOPPINESS = pch_defines,time_macros

asan: deps  ## the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake --preset asan $(CCACHE) >/dev/null && cmake --build --preset asan -j $(JOBS) && \
	{ ctest --preset asan -j $(JOBS) || $(call FAILED,build-asan); }

tsan: deps  ## the unit tests under ThreadSanitizer
	@cmake --preset tsan $(CCACHE) >/dev/null && cmake --build --preset tsan -j $(JOBS) && \
	{ ctest --preset tsan -j $(JOBS) || $(call FAILED,build-tsan); }

bench: PACKAGES += curl libbenchmark-dev nginx-light python3-jinja2 wrk
bench: $(BUILD)/build.ninja  ## measure speed and memory against other programs; takes minutes
	@cmake -S . -B $(BUILD) >/dev/null && ninja -C $(BUILD) -j $(JOBS) metalwright bench && \
	bench/run.py --build $(BUILD) && bench/netbox_bench.py --build $(BUILD) && \
	bench/bmc_bench.py --build $(BUILD) && bench/routeros_bench.py --build $(BUILD) && \
	bench/service_bench.py --build $(BUILD)

PREFIX := /usr/local
install: program  ## install beneath PREFIX (/usr/local), or DESTDIR/PREFIX
	@cmake -S . -B $(BUILD) -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null && \
	ninja -C $(BUILD) -j $(JOBS) metalwright texts && cmake --install $(BUILD) --strip

package: program  ## build the Debian package: build/metalwright_VERSION_ARCHITECTURE.deb
	@cmake -S . -B $(BUILD) -DCMAKE_INSTALL_PREFIX=/usr >/dev/null && \
	ninja -C $(BUILD) -j $(JOBS) metalwright texts && cd $(BUILD) && cpack --config CPackConfig.cmake

FUZZ_SECONDS := 60
fuzz: deps  ## run each fuzzer for FUZZ_SECONDS (60)
	@cmake --preset fuzz >/dev/null && cmake --build --preset fuzz
	@for f in build-fuzz/tests/fuzz/fuzz_*; do [ -x $$f -a -f $$f ] || continue; name=$${f##*/fuzz_}; \
	  echo "fuzzing $$name for $(FUZZ_SECONDS) s"; mkdir -p build-fuzz/found/$$name; \
	  $$f -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -timeout=10 -verbosity=0 -print_final_stats=1 \
	    -artifact_prefix=build-fuzz/found/$$name- build-fuzz/found/$$name tests/fuzz/corpus/$$name \
	    || exit 1; done

clean:  ## remove everything that was built
	@rm -rf $(BUILD) build-*
