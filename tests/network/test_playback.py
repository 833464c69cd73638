"""Spikes of a file, played to a population: every spike at its neuron and step, in any layout."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

from probe import watch, write_probe
from results import Results

MS, N, DT = 250, 700, 0.1  # two intervals and a half; several chunks


def playback(**keys):
    return {"kind": "playback", "file": "spikes.h5", "population": "in", "receptors": {"kick": 1},
            "weight": 1, **keys}


def write_spikes(path, times_ms, ids, unit=None, population="in", id_type="u8"):
    with h5py.File(path, "w") as file:
        group = file.create_group(f"spikes/{population}")
        times = group.create_dataset("timestamps", data=np.asarray(times_ms, "f8"))
        group.create_dataset("node_ids", data=np.asarray(ids, id_type))
        if unit:
            times.attrs["units"] = unit


def spikes(n, seed=3, last_ms=MS):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, last_ms, n), rng.integers(0, N, n)


def expected(times_ms, ids, weight=1.0, delay_ms=0.0):
    """Sum of all that came, after each step."""
    steps = np.rint((times_ms + delay_ms) / DT).astype(int)
    arrived = np.zeros((round(MS / DT) + 1, N))
    inside = steps < len(arrived)
    np.add.at(arrived, (steps[inside], ids[inside]), weight)
    return np.cumsum(arrived, axis=0)


class Playback(unittest.TestCase):
    def played(self, times, ids, stimuli=None, write=write_spikes, interval_ms=DT, **keys):
        return watch("n", stimuli or {"a": playback()}, n_neurons=N, ms=MS, interval_ms=interval_ms,
                     prepare=lambda folder: write(folder / "spikes.h5", times, ids), **keys)

    def test_each_spike_arrives_in_the_step_nearest_to_its_time(self):
        times, ids = spikes(30_000)
        seen = self.played(times, ids)
        np.testing.assert_array_equal(seen[1:], expected(times, ids)[:len(seen) - 1])

    def test_batches_of_many_steps_play_the_same(self):
        times, ids = spikes(30_000)
        seen = self.played(times, ids, interval_ms=5)
        np.testing.assert_array_equal(seen[1:], expected(times, ids)[49::50][:len(seen) - 1])

    def test_layouts_play_the_same(self):
        times, ids = spikes(30_000)
        layouts = (["--partitions", "1"], ["--partitions", "3"], ["--partitions", "16"],
                   ["--vector-width", "4"], ["--work-group-size", "16", "--vector-width", "1"])
        for options in layouts:
            for interval_ms in (0.5, 10):
                every = round(interval_ms / DT)
                with self.subTest(options=options, interval_ms=interval_ms):
                    seen = self.played(times, ids, interval_ms=interval_ms, options=options)
                    np.testing.assert_array_equal(
                        seen[1:], expected(times, ids)[every - 1::every][:len(seen) - 1])

    def test_delay_weight_start_and_stop(self):
        times, ids = spikes(5000)
        stimuli = {"a": playback(delay_ms=1.7, weight=-0.3, start_ms=20, stop_ms=151.2)}
        late = np.rint((times + 1.7) / DT)
        inside = (late >= 200) & (late < 1512)
        seen = self.played(times, ids, stimuli, interval_ms=1)
        np.testing.assert_allclose(seen[1:], expected(times[inside], ids[inside], -0.3, 1.7)
                                   [9::10][:len(seen) - 1], rtol=1e-5, atol=1e-5)

    def test_many_spikes_at_once_add_up(self):
        times = np.full(20_000, 33.3)
        ids = np.repeat([5, 699], 10_000)
        seen = self.played(times, ids, {"a": playback(weight=2.5), "b": playback(weight=100)}, interval_ms=1)
        self.assertEqual(seen[33].sum(), 0)
        self.assertEqual([seen[34][5], seen[34][699], seen[34].sum()], [1_025_000, 1_025_000, 2_050_000])

    def test_two_files_to_one_population(self):
        a, b = spikes(3000, 1), spikes(2000, 2)

        def write(path, *_):
            write_spikes(path, *a)
            write_spikes(path.with_name("b.h5"), b[0] / 1000, b[1], unit="s", population="x", id_type="i4")
        seen = self.played(None, None, {"a": playback(), "b": playback(file="b.h5", population="x", weight=10)},
                           write, interval_ms=1)
        sums = expected(*a) + expected(b[0] / 1000 * 1000, b[1], 10)
        np.testing.assert_array_equal(seen[1:], sums[9::10][:len(seen) - 1])

    def test_no_spikes_and_spikes_after_the_end(self):
        for times, ids in (([], []), ([MS + 1, 1e9, 1e300], [0, 1, 2])):
            self.assertEqual(self.played(np.array(times), np.array(ids, int), interval_ms=1).sum(), 0)

    def test_a_recorded_population_can_be_replaced_by_its_spikes(self):
        """Played with the delay of its projection, the spikes of a run arrive when those of the population did."""
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            write_probe(folder)
            experiment = {
                "schema_version": 1, "cells": {"probe": {"model": "probe"}},
                "populations": {"in": {"cell": "probe", "n_neurons": 50}, "cells": {"cell": "probe", "n_neurons": 50}},
                "projections": {"a": {"source": "in", "target": "cells", "rule": "one_to_one",
                                      "receptors": {"kick": 1}, "weight": 3, "delay_ms": 1.7}},
                "stimuli": {"a": {"kind": "current", "model": "noise", "target": "in",
                                  "parameters": {"sd_pA": 4000, "tau_ms": 0}}},
                "protocol": [{"phase": "all", "ms": 220}],
                "record": {"reports": {"seen": {"population": "cells", "variable": "n", "neurons": 50,
                                                "interval_ms": 0.1}}}}
            path = folder / "experiment.json"
            path.write_text(json.dumps(experiment))
            first = Results(path)
            shutil.copy(first.directory / "spikes.h5", folder)
            alive = first.report("seen")
            first.close()
            del experiment["projections"]
            experiment["stimuli"] = {"a": {**playback(weight=3, delay_ms=1.7), "target": "cells"}}
            path.write_text(json.dumps(experiment))
            second = Results(path)
            replayed = second.report("seen")
            second.close()
        self.assertGreater(alive[-1].min(), 30)
        np.testing.assert_array_equal(replayed, alive)


class Refused(unittest.TestCase):
    def refused(self, code, words, write):
        with self.assertRaisesRegex(AssertionError, f"exit code {code}\n.*stimuli.a.*{words}"):
            watch("n", {"a": playback()}, n_neurons=N, prepare=lambda folder: write(folder / "spikes.h5"))

    def test_files_that_are_wrong(self):
        for code, words, write in (
                (4, "No such file", lambda path: None),
                (4, "not an HDF5 file", lambda path: path.write_text("time,id")),
                (4, "no group /spikes", lambda path: h5py.File(path, "w").close()),
                (2, "there is no population 'in' in /spikes; there are: out",
                 lambda path: write_spikes(path, [1], [1], population="out")),
                (2, rf"node_ids\[1\] is {N}, but target 'cells' has {N} neurons",
                 lambda path: write_spikes(path, [1, 2], [0, N])),
                (2, r"node_ids\[0\] is 1099511627776",
                 lambda path: write_spikes(path, [1, 2], [1 << 40, 0])),
                (4, r"node_ids holds floating-point numbers",
                 lambda path: write_spikes(path, [1, 2], [0, 1], id_type="f4"))):
            with self.subTest(words=words):
                self.refused(code, words, write)


if __name__ == "__main__":
    unittest.main()
