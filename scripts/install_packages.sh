#!/usr/bin/env bash
# Install the Debian or Ubuntu packages that are missing; nothing, quickly, when all are there.
#
#     scripts/install_packages.sh          what building, running and the figure need
#     scripts/install_packages.sh tests    and what the tests need
set -euo pipefail

packages=(build-essential cmake pkg-config
          ocl-icd-opencl-dev opencl-headers pocl-opencl-icd
          libcjson-dev libhdf5-dev libxxhash-dev librandom123-dev
          python3 python3-venv python3-numpy python3-h5py python3-matplotlib)
optional=() # used when the distribution has them
if [ "${1:-}" = tests ]; then
    packages+=(libcmocka-dev python3-jsonschema python3-scipy)
    optional+=(oclgrind)
fi

say() { printf 'packages: %s\n' "$*" >&2; }
installed() { [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null) == ?i* ]]; }
available() { [[ $(apt-cache policy "$1" 2>/dev/null) == *'Candidate: '[0-9]* ]]; }

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is not Debian or Ubuntu, so nothing is installed. What is needed, by its Debian names:"
    say "${packages[*]} ${optional[*]}"
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
done
optional_missing=()
for package in "${optional[@]}"; do
    installed "$package" || optional_missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || [ ${#optional_missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
    # Without a terminal sudo cannot ask for the password.
    if ! command -v sudo >/dev/null || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
        if [ ${#missing[@]} -eq 0 ]; then
            say "${optional_missing[*]} could not be installed without root; its tests are skipped"
            exit 0
        fi
        say "some packages are missing and this is neither root nor a user with sudo. Run as root:"
        say "  apt-get update && apt-get install --no-install-recommends ${missing[*]}"
        exit 1
    fi
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >>"$log" 2>&1; }

give_up() {
    tail -n 5 "$log" >&2
    say "$1"
    say "Is there a network? By hand (as root):"
    say "  apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    exit 1
}

if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    apt update || give_up "apt-get update failed."
    apt install -y --no-install-recommends "${missing[@]}" || give_up "apt-get install failed."
fi
for package in "${optional_missing[@]}"; do
    if available "$package" && apt install -y --no-install-recommends "$package"; then
        say "installed $package"
    else
        say "$package could not be installed; its tests are skipped"
    fi
done
