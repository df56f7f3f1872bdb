# From bare Python (3.11 or newer, with its headers) and a C compiler: `make demo` and `make test`.
# Everything goes to .venv/ and build/; `make clean` removes both.

# The first of these that is new enough; name another with `make test PYTHON=/path/to/python`.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; exit; }; done; echo python3)

VENV := .venv
BIN := $(VENV)/bin
# Twice quiet: warnings of the package index are noise, errors still show.
PIP_INSTALL := -m pip -qq --disable-pip-version-check install
CORE := scope/core/CMakeLists.txt $(wildcard scope/core/*.[ch] scope/core/python/*.[ch])
CORE_TESTS := $(wildcard tests/core/*.[ch] tests/core/*.cmake tests/core/*/*.[ch] tests/core/fuzz/CMakeLists.txt tests/core/fuzz/corpus/*/*)
BROWSER_TESTS := $(wildcard tests/browser/test_*.py)

.PHONY: help demo test test-core test-model test-python test-monitoring suites equivalence routes model soak sweep chaos lint format coverage wheel-test sanitize sanitize-core sanitize-extension fuzz clean
.DELETE_ON_ERROR:

help:
	@echo "make demo        start the example shop, trace it, show its slowest request"
	@echo "make test        all tests: Python and C"
	@echo "make test-monitoring  those of the engine that needs CPython 3.12 or 3.13, part of make test"
	@echo "make suites      Starlette's and FastAPI's own tests, with and without scope around every app"
	@echo "make equivalence foreign tests with every function of a package recorded; NAMES='attrs test_generators' for some, ENGINE=monitoring"
	@echo "make routes      count the routes of foreign applications against a count by hand; NAMES='chainlit' for some"
	@echo "make lint        ruff, mypy, pyright, and the C compiler with warnings as errors"
	@echo "make sweep       kill at every step: every store, every system call, every instruction of the core"
	@echo "make chaos       fail every call of a worker and of the collector, and weigh what hostile writers cost"
	@echo "make coverage    the tests again, measured: branches of Python, lines of C"
	@echo "make model       explore the ring's interleavings and weak memory within larger bounds"
	@echo "make soak        kill writers and the collector for minutes, compare the store with what was committed"
	@echo "make sanitize    the tests of the core and of the extension under the address, undefined-behaviour and thread sanitizers"
	@echo "make fuzz        hostile bytes for the readers of the core, FUZZ_SECONDS=60 for each of them"
	@echo "make wheel-test  build a wheel, install it elsewhere, trace a server with it"
	@echo "make format      let ruff rewrite the sources"
	@echo "make clean       remove what was built"

demo: $(VENV)/.ready-example
	$(BIN)/scope demo

test: test-core test-model test-python test-monitoring

test-python: $(VENV)/.ready-test $(if $(BROWSER_TESTS),browser)
	$(BIN)/python -m pytest $(ARGS)

# The engine that has the interpreter tell of calls, by an interpreter that can: CPython 3.12 or 3.13, on the PATH or where pyenv
# keeps its own. Where PYTHON is one, test-python has tested both engines; name another with MONITORING_PYTHON=.
MONITORING_PYTHON ?= $(shell for python in python3.13 python3.12 $$HOME/.pyenv/versions/3.13.*/bin/python $$HOME/.pyenv/versions/3.12.*/bin/python; do \
	$$python -c 'import sys, venv; sys.exit(not (3, 12) <= sys.version_info < (3, 14))' 2>/dev/null && { echo $$python; exit; }; done)
# Nothing that those tests do not need; $(1) is where, $(2) are further settings of the build.
define monitoring_venv
	rm -rf $(1)
	$(MONITORING_PYTHON) -m venv $(1)/venv
	$(1)/venv/bin/python $(PIP_INSTALL) "scikit-build-core>=0.11" "cmake>=3.20" ninja coverage greenlet hypothesis pytest starlette uvicorn
	$(1)/venv/bin/python $(PIP_INSTALL) --no-build-isolation --config-settings=build-dir=$(1)/extension $(2) --editable .
	@touch $@
endef
MONITORING_TESTS := tests/unit/instrument tests/properties/test_programs.py -p no:cacheprovider -k "monitoring or test_probing"

build/monitoring/.ready: pyproject.toml $(CORE)
	$(call monitoring_venv,build/monitoring)

test-monitoring: $(if $(MONITORING_PYTHON),build/monitoring/.ready)
ifeq ($(MONITORING_PYTHON),)
	@echo "NOT TESTED: the engine of sys.monitoring. No CPython 3.12 or 3.13 was found; name one: make test MONITORING_PYTHON=/path/to/python3.13"
else
	build/monitoring/venv/bin/python -P -m pytest $(MONITORING_TESTS)
endif

test-core: build/core/.tested

test-model: build/model/.tested

model: $(VENV)/.made
	$(BIN)/python tests/core/model/suite.py build/model --large

soak: $(VENV)/.ready-test
	$(BIN)/python -m load_tests.soak $(ARGS)

suites: $(VENV)/.ready-test
	$(BIN)/python -m tests.third_party.run starlette fastapi

chaos: $(VENV)/.ready-test
	$(BIN)/python -m tests.processes.chaos.run

# By the other engine with ENGINE=monitoring, and then by an interpreter that has it.
EQUIVALENT := $(if $(filter monitoring,$(ENGINE)),build/monitoring/venv/bin,$(BIN))

equivalence: $(if $(filter monitoring,$(ENGINE)),build/monitoring/.ready,$(VENV)/.ready-test)
	$(EQUIVALENT)/python -m tests.third_party.probed $(NAMES) $(if $(LEVEL),--level $(LEVEL)) $(if $(ENGINE),--engine $(ENGINE))

routes: $(VENV)/.ready-test
	$(BIN)/python -m tests.third_party.routes $(NAMES)

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(CMAKE_CORE) -B build/lint -DSCOPE_TESTS=ON -DSCOPE_FUZZ=ON -DCMAKE_COMPILE_WARNING_AS_ERROR=ON -DPython_EXECUTABLE=$(abspath $(BIN))/python
	$(BIN)/cmake --build build/lint

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

wheel-test: $(VENV)/.ready-test
	$(BIN)/python -m tests.wheel.run

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# --- the environment -------------------------------------------------------------------------------------------------

$(VENV)/.made:
	@.ci/check-tools $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) "scikit-build-core>=0.11" "cmake>=3.20" ninja
	@touch $@

# The development install: Python runs from the checkout, the extension is rebuilt (only what changed) when a C source is
# newer. Without isolation, or each rebuild would start by downloading the build tools.
$(VENV)/.ready-%: $(VENV)/.made pyproject.toml $(CORE)
	$(BIN)/python $(PIP_INSTALL) --no-build-isolation --config-settings=build-dir=build/extension --editable ".[$*]"
	@touch $@

# An environment of its own in $(1), so that nobody else meets an instrumented extension: one built with the option $(3). It
# borrows what .venv has installed; $(2) is further code that runs when its Python starts.
define borrowing_venv
	rm -rf $(1)
	$(BIN)/python -m venv $(1)/venv
	@site=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	printf '%s\n$(2)\n' "$$site" \
		> $$($(1)/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/borrowed.pth
	$(1)/venv/bin/python $(PIP_INSTALL) --no-build-isolation --no-deps \
		--editable . --config-settings=cmake.define.$(3) --config-settings=build-dir=$(1)/extension
	@touch $@
endef

# --- the core's own tests: no Python in them -------------------------------------------------------------------------

CMAKE_CORE = $(BIN)/cmake --log-level=WARNING -S scope/core -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja
CMAKE_CORE_TESTS = $(CMAKE_CORE) -DSCOPE_EXTENSION=OFF -DSCOPE_TESTS=ON
CTEST = $(BIN)/ctest --output-on-failure --no-tests=ignore

build/core/.tested: $(VENV)/.made $(CORE) $(CORE_TESTS)
	$(CMAKE_CORE_TESTS) -B build/core -DSCOPE_FUZZ=ON
	$(BIN)/cmake --build build/core
	$(CTEST) --test-dir build/core
	@touch $@

# Everything that the short forms in the tests try a part of; the collector's with an extension that counts its stores, too.
SWEPT := build/sweep

$(SWEPT)/venv/.ready: $(VENV)/.ready-dev
	$(call borrowing_venv,$(SWEPT),,SCOPE_COUNTED=ON)

sweep: $(SWEPT)/venv/.ready
	$(CMAKE_CORE_TESTS) -B build/core
	$(BIN)/cmake --build build/core
	@set -e; for part in crash_collector crash_lane crash_segment crash_write test_step; do build/core/$$part --all || test $$? = 77; done
	build/core/step_extension $(abspath $(BIN))/python $(abspath tests/core/step/emit.py) || test $$? = 77
	$(SWEPT)/venv/bin/python -m tests.processes.sweep

# With the memory laid out as the thread sanitizer expects it, where that may be asked for.
FIXED_LAYOUT := $(shell setarch -R true 2>/dev/null && echo setarch -R)

build/model/.tested: $(VENV)/.made $(CORE) $(wildcard tests/core/model/*.* tests/core/model/mutants/*)
	$(BIN)/python tests/core/model/suite.py build/model
	@touch $@

sanitize: sanitize-core sanitize-extension

sanitize-core: $(VENV)/.made
	$(CMAKE_CORE_TESTS) -B build/sanitize/memory -DSCOPE_SANITIZE=address,undefined
	$(CMAKE_CORE_TESTS) -B build/sanitize/threads -DSCOPE_SANITIZE=thread
	$(BIN)/cmake --build build/sanitize/memory
	$(BIN)/cmake --build build/sanitize/threads
	$(CTEST) --test-dir build/sanitize/memory
	$(FIXED_LAYOUT) $(CTEST) --test-dir build/sanitize/threads

# The interpreter keeps what it allocates until it ends, so leaks are not looked for. The linker resolves the runtime that
# must be loaded before everything else.
SANITIZED := build/sanitize/extension
comma := ,
ASAN_RUNTIME = $(shell $${CC:-cc} -print-file-name=$(if $(findstring clang,$(shell $${CC:-cc} --version 2>&1)),libclang_rt.asan-$(shell uname -m).so,libasan.so))

$(SANITIZED)/venv/.ready: $(VENV)/.ready-dev
	$(call borrowing_venv,$(SANITIZED),,SCOPE_SANITIZE=address$(comma)undefined)

sanitize-extension: $(SANITIZED)/venv/.ready
	ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD=$(ASAN_RUNTIME) \
		$(SANITIZED)/venv/bin/python -m pytest -p no:cacheprovider tests/unit/core tests/unit/wire

# For so long each; with clang's libFuzzer where there is one, else with a driver of our own.
FUZZ_SECONDS := 60
FUZZ_CC = $(if $(shell command -v clang),clang,$${CC:-cc})

fuzz: $(VENV)/.made
	CC="$(FUZZ_CC)" $(CMAKE_CORE) -DSCOPE_EXTENSION=OFF -DSCOPE_FUZZ=ON -B build/fuzz
	$(BIN)/cmake --build build/fuzz
	tests/core/fuzz/run build/fuzz/fuzz $(FUZZ_SECONDS)

# --- coverage --------------------------------------------------------------------------------------------------------

MEASURED := build/coverage
GCOV = $(if $(findstring clang,$(shell $${CC:-cc} --version 2>&1)),llvm-cov gcov,gcov)

$(MEASURED)/venv/.ready: $(VENV)/.ready-dev
	$(call borrowing_venv,$(MEASURED),import coverage; coverage.process_startup(),SCOPE_COVERAGE=ON)

$(MEASURED)/monitoring/.ready: pyproject.toml $(CORE)
	$(call monitoring_venv,$(MEASURED)/monitoring,--config-settings=cmake.define.SCOPE_COVERAGE=ON)

coverage: $(MEASURED)/venv/.ready $(if $(MONITORING_PYTHON),$(MEASURED)/monitoring/.ready)
	find $(MEASURED) -name '*.gcda' -delete
	rm -f .coverage .coverage.*
	$(CMAKE_CORE_TESTS) -B $(MEASURED)/core -DSCOPE_COVERAGE=ON
	$(BIN)/cmake --build $(MEASURED)/core
	$(CTEST) --test-dir $(MEASURED)/core
	@# tests/processes judge time, memory and file sizes, which measuring distorts: they run in make test.
	$(MEASURED)/venv/bin/python -m coverage run -m pytest --ignore=tests/processes $(ARGS)
	$(if $(MONITORING_PYTHON),$(MEASURED)/monitoring/venv/bin/python -P -m coverage run -m pytest $(MONITORING_TESTS))
	$(BIN)/coverage combine --quiet
	@# Two interpreters compile some functions from different lines.
	$(BIN)/gcovr --gcov-executable "$(GCOV)" --root . --filter scope/core/ --merge-mode-functions=separate --fail-under-line 90 $(MEASURED)
	$(BIN)/coverage report
