#!/usr/bin/env bash
# From a fresh clone to spikes, dopamine and a picture. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")"

results=results/cocaine_acute
python=/usr/bin/python3 # the distribution's, which has h5py and matplotlib
step() { printf '\n== %s\n' "$*" >&2; }

step "packages"
scripts/install_packages.sh

step "build (build/release)"
cmake --preset release >/dev/null
cmake --build --preset release --target mesocl libmesocl --parallel "$(nproc)"

step "experiment: configs/cocaine_acute.json"
[ -t 2 ] || export MESOCL_PROGRESS=1 # no terminal: plain lines now and then
build/release/mesocl run configs/cocaine_acute.json --out "$results" --force

step "what the drug did (baseline: mean before the first dose)"
"$python" python/table.py "$results"

step "figure"
"$python" python/figure.py "$results"

cat >&2 <<TEXT

results  $results (what it holds: build/release/mesocl info $results)
figure   $results/figure.png
TEXT
