"""Run an experiment with the program under test, and read what it wrote."""

import os
import subprocess
import tempfile
from pathlib import Path

import h5py
import numpy as np

PROGRAM = os.environ.get("MESOCL_PROGRAM", "mesocl")
DEVICE = os.environ.get("MESOCL_TEST_DEVICE")


class Results:
    """A finished run in a directory of its own, gone with close()."""

    def __init__(self, experiment, options=(), **changes):
        self.temporary = tempfile.TemporaryDirectory()
        self.directory = Path(self.temporary.name) / "results"
        command = [PROGRAM, "run", str(experiment), "--out", str(self.directory), "--quiet", *options]
        if DEVICE:
            command += ["--device", DEVICE]
        for path, value in changes.items():
            command += ["--set", f"{path}={value}"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            self.close()
            raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")

    def close(self):
        self.temporary.cleanup()

    def series(self, *names):
        """time_s, then the named series of the time line."""
        with h5py.File(self.directory / "timeline.h5") as file:
            return tuple(file[name.replace(".", "/")][:] for name in ("time_s", *names))

    def report(self, name):
        """[frame, element]"""
        with h5py.File(self.directory / "reports" / f"{name}.h5") as file:
            (population,) = file["report"].values()
            return population["data"][:]

    def trains_s(self, population, n_neurons, start_s):
        """Spike times of each neuron from start_s on."""
        with h5py.File(self.directory / "spikes.h5") as file:
            times = file[f"spikes/{population}/timestamps"][:] / 1000
            ids = file[f"spikes/{population}/node_ids"][:]
        late = times >= start_s
        times, ids = times[late], ids[late]
        order = np.lexsort((times, ids))
        return np.split(times[order], np.searchsorted(ids[order], np.arange(1, n_neurons)))


def mean_rate_hz(trains, duration_s):
    return sum(map(len, trains)) / len(trains) / duration_s


def mean_cv(trains):
    """Coefficient of variation of the intervals, over the neurons with at least five of them."""
    intervals = [np.diff(train) for train in trains if len(train) > 5]
    return float(np.mean([i.std() / i.mean() for i in intervals]))


def bursts(train):
    """Spikes in each burst: it starts at an interval < 80 ms and ends before one > 160 ms
    (Grace & Bunney 1984)."""
    sizes, size = [], 0
    for interval in np.diff(train):
        if size > 0 and interval <= 0.160:
            size += 1
        else:
            if size > 0:
                sizes.append(size)
            size = 2 if interval < 0.080 else 0
    return sizes + [size] if size > 0 else sizes
