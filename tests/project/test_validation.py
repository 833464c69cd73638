"""The table of targets is sound, and docs/validation.md is of this table."""

import json
import os
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "validation"
PAGE = (ROOT / "docs" / "validation.md").read_text()
TABLE = json.loads((FOLDER / "targets.json").read_text())
WANTED = """A6 A7 A8 A10 A11 A12 A13 A14 A15 A16 B1 B4 B5 B6 B8 B10 B11 B12 B13 C1 C2 C3 C4 C5 C7 C9 C10 C11 C12 D1 D3 D4
    D5 D6 D7 D8 D9 D10 D12 D13 D15 D16 D17 D19 D20 D24 D25 E1 E2 E3 E4 E6 E8 E9 E11""".split()


def gate(target):
    low, high = target.get("min"), target.get("max")
    if low == 1 and high == 1:
        return "holds"
    if low is None and high is None:
        return "none"
    if high is None:
        return f"at least {low:g}"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"


class Table(unittest.TestCase):
    def test_every_finding_has_a_row(self):
        groups = {t["id"].split(".")[0] for t in TABLE["targets"]}
        self.assertEqual([id for id in WANTED if id not in groups], [])

    def test_names_are_unique_and_experiments_exist(self):
        ids = [t["id"] for t in TABLE["targets"]]
        self.assertEqual(len(ids), len(set(ids)))
        for name, run in TABLE["runs"].items():
            self.assertTrue((FOLDER / run["experiment"]).is_file(), name)

    def test_every_run_is_used_and_every_measure_has_its_run(self):
        used = {word.split(".")[0] for t in TABLE["targets"]
                for word in re.findall(r"[A-Za-z_]\w*\.[\w.]+", t.get("measure", ""))}
        self.assertEqual(used, set(TABLE["runs"]))

    def test_what_noise_moves_has_seeds(self):
        """A run of the circuit, or of single vesicles, with one seed is an anecdote."""
        noisy = ("rest", "food", "cocaine", "morphine", "methadone", "fentanyl", "nicotine", "ethanol", "haloperidol", "grid",
                 "transients")
        for t in TABLE["targets"]:
            runs = {word.split(".")[0] for word in re.findall(r"[A-Za-z_]\w*\.\w+\.\w+", t.get("measure", ""))
                    if ".n." not in word and ".indegree." not in word}
            if any(run.split("_")[0] in noisy for run in runs - {"cocaine_low", "cocaine_high"}):
                with self.subTest(t["id"]):
                    self.assertGreaterEqual(t.get("seeds", 1), 3)

    def test_receptors_of_the_sets_are_those_of_the_parts(self):
        receptors = json.loads((FOLDER / "occupancy.json").read_text())["receptors"]
        parts = ROOT / "configs" / "parts" / "receptors"
        for name, r in receptors.items():
            kind, part = name.split("_")
            of_part = json.loads((parts / f"{part}.json").read_text())["receptors"][kind]
            with self.subTest(name):
                self.assertEqual([r["K_d_nM"], r["k_off_per_s"]], [of_part["K_d_nM"], of_part["k_off_per_s"]])

    def test_the_program_has_the_table(self):
        listed = subprocess.run([os.environ["MESOCL_PROGRAM"], "validate", "--list"], check=True, capture_output=True,
                                text=True).stdout
        self.assertEqual([line.split()[0] for line in listed.splitlines() if not line.startswith(" ")],
                         [t["id"] for t in TABLE["targets"]])


class Page(unittest.TestCase):
    def test_rows_are_those_of_the_table(self):
        rows = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in PAGE.splitlines() if line.startswith("| ")][1:]
        self.assertEqual([row[0] for row in rows], [t["id"] for t in TABLE["targets"]])
        for row, t in zip(rows, TABLE["targets"]):
            with self.subTest(t["id"]):
                self.assertEqual([row[1], row[3], row[4], row[6], row[7]],
                                 [t["finding"], t["published"], gate(t), t["status"], t["source"]])
                verdict, calibrated = re.fullmatch(r"([a-z ]+?)( \(calibrated\))?", row[5].strip("*")).groups()
                self.assertIn(verdict, ("not measured",) if "not_measured" in t else ("pass", "miss", "warn", "pending"))
                self.assertEqual(calibrated is not None, t.get("calibrated", False))

    def test_misses_are_explained(self):
        """A miss that nobody has looked into is no result yet."""
        for line in PAGE.splitlines():
            if "**miss**" in line:
                id = line.strip("| ").split(" | ")[0]
                with self.subTest(id):
                    self.assertRegex(PAGE, rf"\* \*\*{re.escape(id)}\*\* \(miss( \(calibrated\))?\): ")

    def test_it_says_when_and_how(self):
        self.assertRegex(PAGE, r"\n    mesocl validate .*--markdown docs/validation.md\n")
        self.assertRegex(PAGE, r"\n\d{4}-\d\d-\d\d, version [\d.]+, .*: \d+ of \d+ pass")


if __name__ == "__main__":
    unittest.main()
