"""Synapses that a run follows, and snapshots of its projections: the same as a program sees that stops there and reads them,
whatever the layout, and nothing of the run is changed by it."""

import json
import os
import subprocess
import tempfile
import unittest
from collections import Counter
from pathlib import Path

import h5py
import numpy as np

from results import Results

LEARNED_WEIGHTS = os.environ["MESOCL_LEARNED_WEIGHTS"]
NETWORK = json.loads(Path("tests/support/followed.json").read_text())
TIMES_S = (0, 0.123, 0.2, 0.3)
LAYOUTS = ((), ("--partitions", "2", "--vector-width", "4"), ("--partitions", "3", "--work-group-size", "3"))


class Recorded:
    """What a run of the network of tests/support/followed.json wrote down."""

    def __init__(self, record, options=(), **changes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "experiment.json"
            path.write_text(json.dumps({**NETWORK, "record": record, **changes}))
            results = Results(path, options)
        self.summary = json.loads((results.directory / "summary.json").read_text())
        self.sets, self.edges = {}, {}
        for file in (results.directory / "synapses").glob("*.h5"):
            with h5py.File(file) as f:
                self.sets[file.stem] = {"time_s": f["time_s"][:], "source": f["source_node_id"][:],
                                        "target": f["target_node_id"][:], "delay": f["delay"][:],
                                        **{name: v[:] for name, v in f["values"].items()}}
        for file in (results.directory / "network").glob("*.h5"):
            with h5py.File(file) as f:
                ((name, group),) = f["edges"].items()
                self.edges[file.name] = {"population": name, "source": group["source_node_id"][:],
                                         "target": group["target_node_id"][:],
                                         **{key: v[:] for key, v in group["0"].items()}}
        results.close()


def rows(columns, *names):
    return sorted(zip(*(columns[name] for name in names)))


def read_elsewhere(times_s):
    """Edges of the first projection as another program reads them: (source, target, delay in steps, weight)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "experiment.json"
        path.write_text(json.dumps(NETWORK))
        times = ",".join(f"{1e3 * t:.15g}" for t in times_s)
        done = subprocess.run([LEARNED_WEIGHTS, path, times], capture_output=True, text=True, check=True)
    edges = {}
    for line in done.stdout.splitlines()[1:]:
        if line.startswith("w "):
            ms, source, target, delay, weight = line.split()[1:6]
            edges.setdefault(float(ms), []).append((int(source), int(target), int(delay), np.float32(weight)))
    return [sorted(edges[1e3 * t]) for t in times_s]


class Snapshots(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        record = {"snapshots": {"projection": ["forward", "inhibition"], "at_s": TIMES_S}}
        cls.run_ = Recorded(record)

    def test_what_another_program_reads(self):
        for t, edges in zip(TIMES_S[1:], read_elsewhere(TIMES_S[1:])):
            written = self.run_.edges[f"forward_{t:g}s_edges.h5"]
            steps = np.rint(written["delay"] / 0.1).astype(int)
            self.assertEqual(written["population"], "in__out__chemical")
            self.assertEqual(sorted(zip(written["source"], written["target"], steps, written["syn_weight"])), edges)

    def test_they_learn(self):
        first, last = (self.run_.edges[f"forward_{t}s_edges.h5"] for t in ("0", "0.3"))
        self.assertGreater(np.mean(first["syn_weight"] != last["syn_weight"]), 0.9)
        np.testing.assert_array_equal(first["eligibility"], 0)
        self.assertGreater(np.count_nonzero(last["eligibility"]), 400)
        for name in ("source", "target", "delay"):
            np.testing.assert_array_equal(first[name], last[name])

    def test_sorted_by_target_then_source(self):
        for edges in self.run_.edges.values():
            keys = list(zip(edges["target"], edges["source"], edges["delay"]))
            self.assertEqual(keys, sorted(keys))

    def test_synapses_that_do_not_learn(self):
        for t in TIMES_S:
            edges = self.run_.edges[f"inhibition_{t:g}s_edges.h5"]
            self.assertEqual(len(edges["source"]), 5 * 40)
            np.testing.assert_allclose(edges["syn_weight"], -1, rtol=1e-6)
            np.testing.assert_allclose(edges["delay"], 2, rtol=1e-6)
            self.assertEqual(set(Counter(edges["target"]).values()), {5})

    def test_the_end_is_the_default(self):
        edges = Recorded({"snapshots": {"projection": "forward"}}).edges
        self.assertEqual(list(edges), ["forward_0.3s_edges.h5"])
        for name, values in edges["forward_0.3s_edges.h5"].items():
            np.testing.assert_array_equal(values, self.run_.edges["forward_0.3s_edges.h5"][name])


class Followed(unittest.TestCase):
    RECORD = {
        "synapses": {
            "all": {"projection": "forward", "every_s": 0.041, "start_s": 0.036, "stop_s": 0.25},
            "tenth": {"projection": "forward", "fraction": 0.1, "every_s": 0.1},
            "ten": {"projection": "recurrent", "count": 10, "every_s": 0.1, "variables": "weight"},
            "some_cells": {"projection": "forward", "sources": [3, 5, 11], "targets": 20, "every_s": 0.3,
                           "variables": ["eligibility", "weight"]},
            "many": {"projection": "recurrent", "count": 100000, "every_s": 0.3},
        },
        "snapshots": {"projection": ["forward", "recurrent"], "at_s": [0, 0.077, 0.1, 0.2, 0.241, 0.3]},
    }

    @classmethod
    def setUpClass(cls):
        cls.runs = [Recorded(cls.RECORD, options) for options in LAYOUTS]
        cls.sets, cls.edges = cls.runs[0].sets, cls.runs[0].edges

    def test_when(self):
        np.testing.assert_allclose(self.sets["all"]["time_s"], 0.036 + 0.041 * np.arange(6), rtol=1e-12)
        np.testing.assert_allclose(self.sets["tenth"]["time_s"], [0, 0.1, 0.2, 0.3])
        np.testing.assert_allclose(self.sets["some_cells"]["time_s"], [0, 0.3])

    def test_the_values_are_those_of_snapshots(self):
        for name, projection in (("all", "forward"), ("tenth", "forward"), ("ten", "recurrent"), ("many", "recurrent")):
            s = self.sets[name]
            variables = [v for v in ("weight", "eligibility") if v in s]
            compared = 0
            for k, t in enumerate(s["time_s"]):
                edges = self.edges.get(f"{projection}_{t:.6g}s_edges.h5")
                if edges is None:
                    continue
                every = Counter(zip(edges["source"], edges["target"], edges["delay"], edges["syn_weight"],
                                    *(edges[v] for v in variables[1:])))
                mine = Counter(zip(s["source"], s["target"], s["delay"].astype(np.float32),
                                   *(s[v][k] for v in variables)))
                self.assertEqual(mine - every, Counter(), (name, t))
                compared += 1
            self.assertGreaterEqual(compared, 2)

    def test_how_many(self):
        n = {name: len(s["source"]) for name, s in self.sets.items()}
        self.assertEqual((n["all"], n["ten"], n["many"]), (500, 10, 320))
        self.assertLess(abs(n["tenth"] - 50), 4 * np.sqrt(500 * 0.1 * 0.9))

    def test_whose(self):
        some, every = self.sets["some_cells"], self.sets["all"]
        expected = [(s, t, d) for s, t, d in rows(every, "source", "target", "delay") if s in (3, 5, 11) and t < 20]
        self.assertEqual(rows(some, "source", "target", "delay"), expected)
        self.assertGreater(len(expected), 5)

    def test_only_the_variables_asked_for(self):
        keys = {"time_s", "source", "target", "delay"}
        self.assertEqual(set(self.sets["ten"]), keys | {"weight"})
        self.assertEqual(set(self.sets["all"]), keys | {"weight", "eligibility"})

    def test_in_order(self):
        for s in self.sets.values():
            keys = list(zip(s["source"], s["target"], s["delay"]))
            self.assertEqual(keys, sorted(keys))

    def test_the_layout_does_not_matter(self):
        for other in self.runs[1:]:
            self.assertEqual(other.summary["spike_hash"], self.runs[0].summary["spike_hash"])
            for name, s in self.sets.items():
                for key, values in s.items():
                    np.testing.assert_array_equal(other.sets[name][key], values, f"{name} {key}")

    def test_nothing_is_disturbed(self):
        self.assertEqual(Recorded({}).summary["spike_hash"], self.runs[0].summary["spike_hash"])

    def test_the_choice_depends_on_the_seed(self):
        """Synapses of an all-to-all projection are the same for any seed; those that are followed are not."""
        chosen = []
        for seed in 1, 1, 2:
            r = Recorded({"synapses": {"s": {"projection": "p", "count": 30, "every_s": 0.3}}}, seed=seed, projections={
                "p": {"source": "in", "target": "out", "rule": "all_to_all", "receptors": {"v_jump_mV": 1},
                      "weight_mV": 0.01, "delay_ms": 1}})
            chosen.append(rows(r.sets["s"], "source", "target"))
        self.assertEqual(chosen[0], chosen[1])
        self.assertNotEqual(chosen[0], chosen[2])
        self.assertGreater(len({s for s, _ in chosen[0]}), 15)  # not the first ones of a list


class Multapses(unittest.TestCase):
    def test_each_keeps_its_column(self):
        """Few sources with 60 synapses on each target at one delay: whatever they learn, none takes another's place. Weights of
        a synapse move in small steps, so that a swap would be a jump."""
        record = {"synapses": {"s": {"projection": "forward", "every_s": 0.001}}}
        forward = {**NETWORK["projections"]["forward"], "rule": "fixed_total", "total": 480, "delay_ms": 1}
        del forward["long_term_plasticity"]
        forward["long_term_plasticity"] = {
            "rule": "stdp", "weight_max_mV": 5, "parameters": {"lambda": 0.0005, "mu_plus": 0, "mu_minus": 0}}
        cells = {"in": {"cell": "poisson", "n_neurons": 4}, "out": {"cell": "lif", "n_neurons": 2},
                 "da": {"cell": "poisson", "n_neurons": 5}}
        s = Recorded(record, projections={"forward": forward}, populations=cells).sets["s"]
        self.assertEqual(len(s["source"]), 480)
        steps = np.abs(np.diff(s["weight"], axis=0))
        self.assertGreater(steps.max(), 0)
        self.assertLess(steps.max(), 0.05)
        self.assertGreater(np.ptp(s["weight"][-1]), 2)


if __name__ == "__main__":
    unittest.main()
