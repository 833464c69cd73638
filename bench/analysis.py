"""Rates, irregularity and rhythm of a recorded run, and whether a benchmark network did what is published.

    python3 bench/analysis.py RESULT_DIR [--start-ms 500] [--stop-ms ...] [--check brunel-ai]

RESULT_DIR holds spikes.h5 (SONATA) and experiment.json, as `mesocl run` writes them. Exit code 1: --check failed.
"""

import argparse
import json
import sys
from pathlib import Path

import h5py
import numpy as np

BIN_MS = 0.5
SEGMENT_BINS = 256  # 128 ms: 7.8 Hz between the frequencies of a spectrum
LEAST_SPIKES = 6  # of a neuron, to say how irregular it is

# (quantity, value, most that it may be off). Brunel: runs of the published network, which gives about
# 37.7 Hz for the first (Brunel 2000, J Comput Neurosci 8:183). Microcircuit: rates in the reference
# implementation (INM-6/microcircuit-PD14-model) of Potjans & Diesmann 2014, +- 15 % or 0.15 Hz.
PD14_RATES_HZ = {"L23E": 0.903, "L23I": 2.965, "L4E": 4.414, "L4I": 5.876,
                 "L5E": 7.569, "L5I": 8.633, "L6E": 1.105, "L6I": 7.829}
CHECKS = {
    "brunel-ai": [("rate of all", 37.5, 1.5), ("CV of all", 0.42, 0.04)],
    "brunel-fast": [("rate of all", 58.7, 3.0), ("peak of all", 180.0, 10.0)],
    "pd14": [(f"rate of {name}", rate, max(0.15 * rate, 0.15)) for name, rate in PD14_RATES_HZ.items()],
}


class Spikes:
    """Of one population, or of several as one: times and neurons, sorted by time."""

    def __init__(self, times_ms, ids, n_neurons, start_ms, stop_ms):
        inside = (times_ms >= start_ms) & (times_ms < stop_ms)
        self.times_ms, self.ids, self.n_neurons = times_ms[inside], ids[inside], n_neurons
        self.start_ms, self.stop_ms = start_ms, stop_ms

    def rate_hz(self):
        return len(self.times_ms) / self.n_neurons / (self.stop_ms - self.start_ms) * 1000

    def interval_cv(self):
        """Mean over the neurons that fire often enough of sd / mean of their intervals."""
        order = np.lexsort((self.times_ms, self.ids))
        ids, times = self.ids[order], self.times_ms[order]
        trains = np.split(times, np.flatnonzero(np.diff(ids)) + 1) if len(ids) else []
        intervals = [np.diff(train) for train in trains if len(train) >= LEAST_SPIKES]
        return float(np.mean([i.std() / i.mean() for i in intervals])) if intervals else float("nan")

    def spectrum(self):
        """(Hz, power) of the population's spike count: mean over half-overlapping segments (Welch)."""
        n_bins = int((self.stop_ms - self.start_ms) / BIN_MS)
        edges = self.start_ms + BIN_MS * np.arange(n_bins + 1)
        counts = np.histogram(self.times_ms, edges)[0].astype(float)
        starts = range(0, n_bins - SEGMENT_BINS + 1, SEGMENT_BINS // 2)
        segments = np.array([counts[s:s + SEGMENT_BINS] for s in starts])
        if not len(segments):
            raise ValueError(f"a spectrum needs {SEGMENT_BINS * BIN_MS:g} ms")
        segments -= segments.mean(axis=1, keepdims=True)
        power = np.abs(np.fft.rfft(segments * np.hanning(SEGMENT_BINS), axis=1)) ** 2
        return np.fft.rfftfreq(SEGMENT_BINS, BIN_MS / 1000), power.mean(axis=0)

    def peak_hz(self, least_hz=20.0, most_hz=400.0):
        """Where the spectrum is highest, between the frequencies by a parabola through three logarithms."""
        hz, power = self.spectrum()
        inside = np.flatnonzero((hz >= least_hz) & (hz <= most_hz))
        top = inside[np.argmax(power[inside])]
        if power[top] == 0:
            return float("nan")
        left, middle, right = np.log(power[top - 1:top + 2] + 1e-12 * power[top])
        return float(hz[top] + (left - right) / (left - 2 * middle + right) / 2 * (hz[1] - hz[0]))


def read_spikes(directory, start_ms, stop_ms):
    """{population: Spikes}, and all as one under 'all'."""
    experiment = json.loads((Path(directory) / "experiment.json").read_text())
    if stop_ms is None:
        stop_ms = 1000 * json.loads((Path(directory) / "summary.json").read_text())["model_time_s"]
    if stop_ms <= start_ms:
        raise ValueError(f"nothing between {start_ms:g} and {stop_ms:g} ms")
    populations, times, ids, first = {}, [], [], 0
    with h5py.File(Path(directory) / "spikes.h5") as file:
        for name, population in experiment["populations"].items():
            n = population["n_neurons"]
            group = file["spikes"].get(name)
            t, i = (group["timestamps"][:], group["node_ids"][:]) if group else (np.array([]), np.array([], int))
            populations[name] = Spikes(t, i.astype(np.int64), n, start_ms, stop_ms)
            times.append(t)
            ids.append(i.astype(np.int64) + first)
            first += n
    everything = Spikes(np.concatenate(times), np.concatenate(ids), first, start_ms, stop_ms)
    return {**populations, "all": everything}


def quantities(populations):
    """{'rate of L4E': 4.4, ...}"""
    out = {}
    for name, spikes in populations.items():
        out[f"rate of {name}"] = spikes.rate_hz()
        out[f"CV of {name}"] = spikes.interval_cv()
        out[f"peak of {name}"] = spikes.peak_hz()
    return out


def print_table(populations, found):
    width = max(map(len, populations))
    print(f"{'':{width}}  {'rate Hz':>8}  {'CV':>6}  {'peak Hz':>8}")
    for name in populations:
        print(f"{name:{width}}  {found[f'rate of {name}']:8.3f}  {found[f'CV of {name}']:6.3f}  "
              f"{found[f'peak of {name}']:8.1f}")


def print_checks(checks, found):
    """True when all are within their bounds."""
    passed = True
    for what, value, most_off in checks:
        good = abs(found[what] - value) <= most_off  # false for nan
        print(f"{what}: {found[what]:.3f}, {value:g} +- {most_off:.2g}: {'good' if good else 'WRONG'}")
        passed = passed and good
    return passed


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", metavar="RESULT_DIR")
    parser.add_argument("--start-ms", type=float, default=500.0, help="(default: %(default)g)")
    parser.add_argument("--stop-ms", type=float, help="(default: the end)")
    parser.add_argument("--check", choices=sorted(CHECKS), help="which network it is")
    given = parser.parse_args(arguments)
    try:
        populations = read_spikes(given.directory, given.start_ms, given.stop_ms)
        found = quantities(populations)
        print_table(populations, found)
        checks = CHECKS.get(given.check, [])
        if not {name for what, _, _ in checks for name in [what.split(" of ")[1]]} <= set(populations):
            raise ValueError(f"these are not the populations of {given.check}")
        return 0 if print_checks(checks, found) else 1
    except (OSError, KeyError, ValueError) as error:
        print(f"analysis.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
