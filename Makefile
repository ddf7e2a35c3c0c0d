# The front door; thin over CMake presets. `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help deps build demo test asan tsan tsan-gateway bench fuzz format lint package clean
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 10

deps: ## install what is missing, from Debian packages
	@scripts/install-dependencies.sh

build: deps ## the release build, in build/release
	@cmake --preset release >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
	@rm -f build-configure.log
	@cmake --build --preset release -j $(JOBS)

demo: deps ## publish this repository's history as signed messages, and show who is believed
	@cmake --preset release >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
	@rm -f build-configure.log
	@cmake --build --preset release -j $(JOBS) --target weft altering_relay commit_counter
	@scripts/demo.sh build/release

test: build ## build and run every test
	@ctest --preset release -j $(JOBS)

asan: deps ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake --preset asan && cmake --build --preset asan -j $(JOBS) && ctest --preset asan -j $(JOBS)

tsan: deps ## all tests that need no libzmq under ThreadSanitizer
	@cmake --preset tsan && cmake --build --preset tsan -j $(JOBS) && ctest --preset tsan -j $(JOBS)

tsan-gateway: deps ## the tests that start gateways under ThreadSanitizer
	@cmake --preset tsan && cmake --build --preset tsan-gateway -j $(JOBS)
	@ctest --preset tsan-gateway -j $(JOBS)

bench: ## the benchmarks, beside raw libzmq and NATS; figures and ratios on stdout
	@scripts/install-dependencies.sh --with-benchmarks
	@cmake --preset bench && cmake --build --preset bench -j $(JOBS) && tests/bench/run.sh build/release

fuzz: ## every decoder of foreign bytes under libFuzzer, FUZZ_SECONDS each (60), with clang
	@scripts/install-dependencies.sh --with-fuzzing
	@cmake --preset fuzz && cmake --build --preset fuzz -j $(JOBS)
	@tests/fuzz/run.sh build/fuzz $(FUZZ_SECONDS)

format: ## clang-format every source file in place
	@git ls-files '*.hpp' '*.cpp' | xargs clang-format -i

lint: deps ## clang-format in check mode, then clang-tidy over the libraries
	@git ls-files '*.hpp' '*.cpp' | xargs clang-format --dry-run --Werror
	@cmake --preset dev -B build/lint -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
	@git ls-files 'config/*.cpp' 'signing/*.cpp' 'fabric/*.cpp' 'reliability/*.cpp' \
		'tools/*.cpp' | xargs -P $(JOBS) -n 4 \
		clang-tidy -p build/lint --quiet --extra-arg=-Wno-unknown-warning-option

package: build ## a Debian package of the program, the libraries and the headers
	@cd build/release && cpack -G DEB

clean: ## remove every build
	@rm -rf build
