#!/usr/bin/env bash
# Everything a change must pass. Safe to run again; MESOCL_TEST_DEVICE chooses the device of the tests.
set -euo pipefail
cd "$(dirname "$0")"

python=build/venv/bin/python
jobs=$(nproc)
step() { printf '\n== %s\n' "$*"; }

step "packages"
scripts/install_packages.sh tests

step "Python environment (build/venv)"
if ! "$python" -m pip --version >/dev/null 2>&1; then
    rm -rf build/venv
    /usr/bin/python3 -m venv --system-site-packages build/venv
fi
if ! "$python" -c 'import libsonata' 2>/dev/null &&
   ! "$python" -m pip install --quiet --disable-pip-version-check --retries 1 libsonata; then
    echo "warning: libsonata could not be installed (no network?); its test is skipped"
fi

step "unit tests under AddressSanitizer and UndefinedBehaviorSanitizer"
cmake --preset asan "-DMESOCL_PYTHON=$PWD/$python" >/dev/null
cmake --build --preset asan --target unit_tests --parallel "$jobs"
ctest --preset asan -L '^unit$' --parallel 2

step "all tests"
cmake --preset release -DMESOCL_TESTS=ON "-DMESOCL_PYTHON=$PWD/$python" >/dev/null
cmake --build --preset release --parallel "$jobs"
ctest --preset release --parallel 2
