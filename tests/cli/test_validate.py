"""`mesocl validate`: a table of our own with a row for every verdict, what is written, and what is refused."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from results import DEVICE, PROGRAM

EXPERIMENT = {
    "schema_version": 1,
    "cells": {"axon": {"model": "axon"}, "poisson": {"model": "poisson_source", "parameters": {"rate_hz": 20}}},
    "populations": {"cells": {"cell": "axon", "n_neurons": 4}, "noise": {"cell": "poisson", "n_neurons": 100}},
    "modulators": {"dopamine": {"compartments": {"default": {"tone_nM": 0, "k_loss_per_s": 5}}}},
    "contingencies": {"press": {"trigger": "spikes", "population": "cells", "spikes": 4, "within_ms": 0, "delay_s": 0.1,
                                "pulse": {"modulator": "dopamine", "region": "default", "amount_nM": 1}}},
    "stimuli": {"train": {"kind": "pulses", "target": "cells", "amplitude_pA": 1, "width_ms": 0.1, "period_ms": 100}},
    "protocol": [{"phase": "all", "seconds": 2}],
    "record": {"spikes": False},
    "assays": {"cells": {"assay": "units", "population": "cells"}, "noise": {"assay": "units", "population": "noise"}},
}
LEARNING = {
    "schema_version": 1, "dt_ms": 0.5,
    "cells": {"axon": {"model": "poisson_source", "parameters": {"rate_hz": 50}}, "lif": {"model": "lif_delta"}},
    "populations": {"axons": {"cell": "axon", "n_neurons": 4}, "driven": {"cell": "lif", "n_neurons": 1}},
    "projections": {"p": {
        "source": "axons", "target": "driven", "rule": "all_to_all", "receptors": {"v_jump_mV": 1}, "weight_mV": 20,
        "delay_ms": 1, "long_term_plasticity": {"rule": "stdp", "weight_max_mV": 40}}},
    "protocol": [{"phase": "all", "ms": 200}],
    "assays": {"weights": {"assay": "weight_distribution", "projection": "p", "at_s": [0, 0.05, 0.1, 0.2]}},
}
RUNS = {"ten": {"experiment": "e.json"},
        "five": {"experiment": "e.json", "set": "stimuli.train.period_ms=200"},
        "later": {"experiment": "not_there.json"}, "learning": {"experiment": "l.json"}}


def target(id, measure, status="V", **keys):
    if measure is not None:
        keys["measure"] = measure
    return {"id": id, "finding": f"of {id}", "published": "10 | 11", "source": "by hand", "status": status, **keys}


ROWS = [
    target("T1.rate", "ten.cells.rate_hz", min=9.9, max=10.1, unit="Hz", note="exact"),
    target("T1.half", "ten.cells.rate_hz / five.cells.rate_hz", min=1.9, max=2.1),
    target("T2", "ten.cells.rate_hz", min=11, unit="Hz"),
    target("T3", "ten.cells.rate_hz", status="R", max=9, unit="Hz"),
    target("T4", "later.cells.rate_hz", min=1, pending="an experiment"),
    target("T5", "later.cells.rate_hz", min=1),
    target("T6", "ten.cells.rate_hz < five.cells.rate_hz", min=1, max=1, status="V-dir"),
    target("T7", "ten.n.cells + ten.cells.active_percent", min=104, max=104),
    target("T8", "ten.noise.rate_hz", min=18, max=22, unit="Hz", seeds=3),
    target("T9", "ten.cells.cv", max=1),
    target("T10", "five.cells.intraburst_hz", max=1e9),
    target("T11", "ten.cells.rate_hz", min=9.9, max=10.1, calibrated=True),
    target("T12", None, not_measured="no such cell"),
    target("T13", "ten.noise.rate_hz / (ten.noise.rate_hz - 15)", max=1e9, seeds=3),
    target("T14", "ten.noise.rate_hz / (ten.noise.rate_hz - 15)", max=1e9, seeds=3, of_means=True),
    target("T15", "ten.given.press", min=19, max=19),
    target("T16", "learning.weights.mean.highest > learning.weights.mean", min=1, max=1),
]
VERDICTS = {"T1.rate": "pass", "T1.half": "pass", "T2": "miss", "T3": "warn", "T4": "pending", "T5": "error",
            "T6": "miss", "T7": "pass", "T8": "pass", "T9": "pass", "T10": "miss", "T11": "pass",
            "T12": "not measured", "T13": "pass", "T14": "pass", "T15": "pass",
            "T16": "pass"}


def validate(*words, cwd):
    device = ["--device", DEVICE] if DEVICE else []
    return subprocess.run([Path(PROGRAM).resolve(), "validate", *words, *device], cwd=cwd, capture_output=True, text=True,
                          timeout=300)


class Validate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name)
        (cls.folder / "e.json").write_text(json.dumps(EXPERIMENT))
        (cls.folder / "l.json").write_text(json.dumps(LEARNING))
        cls.write_table(ROWS)
        cls.done = validate("--table", "t.json", "--json", "out.json", "--markdown", "out.md", cwd=cls.folder)
        cls.found = {t["id"]: t for t in json.loads((cls.folder / "out.json").read_text())["targets"]}

    @classmethod
    def write_table(cls, rows, name="t.json", runs=RUNS):
        (cls.folder / name).write_text(json.dumps({"runs": runs, "targets": rows}))

    def test_misses_are_results_and_no_failure(self):
        done = validate("--table", "t.json", "T1", "T2", "T3", "T4", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_errors_fail_after_all_rows_are_written(self):
        self.assertEqual(self.done.returncode, 1, self.done.stderr)
        self.assertEqual({id: t["verdict"] for id, t in self.found.items()}, VERDICTS)
        self.assertIn("9 of 16 pass, 3 miss, 1 warn, 1 pending, 1 not measured, 1 error; of those calibrated on their number, "
                      "1 of 1 pass", self.done.stdout)

    def test_values_stand_beside_the_published_ones(self):
        self.assertAlmostEqual(self.found["T1.rate"]["simulated"], 10)
        self.assertAlmostEqual(self.found["T1.half"]["simulated"], 2)
        self.assertEqual(self.found["T2"]["min"], 11)
        self.assertIsNone(self.found["T2"]["max"])
        self.assertEqual(self.found["T6"]["simulated"], 0)
        self.assertIsNone(self.found["T5"]["simulated"])
        self.assertIn("not_there.json", self.found["T5"]["message"])
        self.assertEqual(self.found["T4"]["message"], "an experiment")

    def test_seeds_differ_and_their_mean_counts(self):
        singles = []
        for seed in (1, 2, 3):
            self.write_table([target("S", "ten.noise.rate_hz", min=0)], "s.json",
                             {"ten": {"experiment": "e.json", "set": "seed=1"}})
            (self.folder / "one.json").write_text(json.dumps({**EXPERIMENT, "seed": seed}))
            out = self.folder / f"r{seed}"
            subprocess.run([PROGRAM if os.path.isabs(PROGRAM) else Path(PROGRAM).resolve(), "run", self.folder / "one.json",
                            "--out", out, "--quiet"], check=True)
            singles.append(json.loads((out / "summary.json").read_text())["rates_hz"]["noise"])
        self.assertEqual(len(set(singles)), 3)
        mean = sum(singles) / 3
        self.assertAlmostEqual(self.found["T8"]["simulated"], mean, places=6)
        self.assertAlmostEqual(self.found["T13"]["simulated"], sum(x / (x - 15) for x in singles) / 3, places=6)
        self.assertAlmostEqual(self.found["T14"]["simulated"], mean / (mean - 15), places=6)
        self.assertIsNone(self.found["T14"]["sd"])

    def test_page_shows_misses(self):
        page = (self.folder / "out.md").read_text()
        self.assertIn("mesocl validate --table t.json --json out.json --markdown out.md", page)
        rows = {line.split(" | ")[0].strip("| "): line for line in page.splitlines() if line.startswith("| T")}
        self.assertEqual(set(rows), set(VERDICTS))
        self.assertIn("**miss**", rows["T2"])
        self.assertIn(r"10 \| 11", rows["T2"])
        self.assertIn("| no |", rows["T6"])
        self.assertIn("| 10 Hz |", rows["T1.rate"])
        self.assertIn("* **T1.rate** (pass): exact", page)
        self.assertIn("* **T4** (pending): an experiment", page)
        self.assertIn("| pass (calibrated) |", rows["T11"])
        self.assertIn("| - | 10 \\| 11 | none | not measured |", rows["T12"])
        self.assertIn("* **T12** (not measured): no such cell", page)
        self.assertEqual([self.found[id]["calibrated"] for id in ("T1.rate", "T11")], [False, True])

    def test_targets_are_chosen_by_name_or_group(self):
        done = validate("--table", "t.json", "--list", "T1", "T10", cwd=self.folder)
        self.assertEqual(done.returncode, 0)
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines() if not line.startswith(" ")],
                         ["T1.rate", "T1.half", "T10"])
        done = validate("--table", "t.json", "T7", cwd=self.folder)
        self.assertIn("1 of 1 pass", done.stdout)

    def refused(self, message, *words):
        done = validate(*words, cwd=self.folder)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(message, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_mistakes_are_refused(self):
        self.refused('unknown target "T1.rat"; did you mean "T1.rate"?', "--table", "t.json", "T1.rat")
        self.write_table([target("A", "ten.x.y")], "bad.json")
        self.refused("a gate that can be missed", "--table", "bad.json")
        for row in target("A", None, min=1), target("A", "ten.x.y", min=1, not_measured="both"):
            self.write_table([row], "bad.json")
            self.refused("expected measure, or not_measured and the reason", "--table", "bad.json")
        self.write_table([target("A", "ten.x.y", min=2, max=1)], "bad.json")
        self.refused("2 is above max, 1", "--table", "bad.json")
        self.write_table([{**target("A", "ten.x.y", min=1), "sources": "x"}], "bad.json")
        self.refused("unknown key; did you mean 'source'?", "--table", "bad.json")
        self.write_table([target("A", "ten.x.y", status="verified", min=1)], "bad.json")
        self.refused("unknown status 'verified'", "--table", "bad.json")

    def test_a_misspelt_measure_is_an_error_of_its_row(self):
        self.write_table([target("A", "ten.cells.rate", min=1), target("B", "tenn.cells.rate_hz", min=1),
                          target("C", "ten.cells.rate_hz +", min=1)], "bad.json")
        done = validate("--table", "bad.json", cwd=self.folder)
        self.assertIn("did you mean 'cells.rate_hz'?", done.stdout)
        self.assertIn("the table has no run of 'tenn.cells.rate_hz'", done.stdout)
        self.assertIn("expected a number or a name", done.stdout)
        self.assertIn("0 of 3 pass, 3 error", done.stdout)
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
