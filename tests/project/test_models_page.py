"""What docs/models.md teaches: its files, as they stand there, run and give what it says."""

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np

from results import DEVICE, PROGRAM, Results

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"
OMEGA_RAD_PER_MS, B_PER_MS = 0.25, -0.02


def write_files(directory):
    files = re.findall(r"\*\*`([\w.]+)`\*\*\n\n```\w+\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for name, text in files:
        (directory / name).write_text(text)
    return {name for name, _ in files}


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as directory:
            cls.files = write_files(Path(directory))
            cls.results = Results(Path(directory) / "resonance.json")

    @classmethod
    def tearDownClass(cls):
        cls.results.close()

    def count(self, population, n=1):
        return [len(train) for train in self.results.trains_s(population, n, 0)]

    def test_the_page_has_a_model_and_an_experiment(self):
        self.assertEqual(self.files, {"resonate_and_fire.json", "resonate_and_fire.clh", "resonance.json",
                                      "bupropion.json", "bupropion_acute.json",
                                      "forgetting.json", "forgetting.clh", "learning.json"})

    def test_ringing_has_the_frequency_and_damping_of_the_formula(self):
        y = self.results.report("ringing")[:, 0].astype(float) + 60
        t = np.arange(len(y)) * 0.1
        late = t > 12  # the pulse is over
        t, y = t[late], y[late]
        i = np.nonzero((y[:-1] < 0) & (y[1:] >= 0))[0][:8]
        crossings = t[i] - y[i] * 0.1 / (y[i + 1] - y[i])
        self.assertAlmostEqual(1000 / np.mean(np.diff(crossings)), 1000 * OMEGA_RAD_PER_MS / (2 * np.pi), delta=0.02)
        peaks = [y[a:b].max() for a, b in zip(i[:4], i[1:5])]
        ratios = np.array(peaks[1:]) / peaks[:-1]
        np.testing.assert_allclose(ratios, np.exp(2 * np.pi * B_PER_MS / OMEGA_RAD_PER_MS), rtol=0.005)

    def test_only_pulses_in_rhythm_make_it_fire(self):
        self.assertEqual(self.count("once"), [0])
        self.assertEqual(self.count("too_fast"), [0])
        self.assertGreater(self.count("in_rhythm")[0], 1)
        self.assertGreater(min(self.count("listeners", 2)), 1)


class Rule(unittest.TestCase):
    """The plasticity rule of the page."""

    def run_on(self, command, *arguments, before="", after=""):
        with tempfile.TemporaryDirectory() as directory:
            write_files(Path(directory))
            path = Path(directory) / "forgetting.clh"
            path.write_text(path.read_text().replace(before, after, 1) if before else path.read_text())
            return subprocess.run([Path(command).resolve(), *arguments], cwd=directory, capture_output=True, text=True)

    def test_it_learns_and_forgets(self):
        run = self.run_on(os.environ["MESOCL_LEARNED_WEIGHTS"], "learning.json", "305")
        lines = [line.split() for line in run.stdout.splitlines()]
        steps = [int(line[1]) for line in lines if line[:1] == ["s"]]
        (weight,) = [float(line[-1]) for line in lines if line[:1] == ["w"]]
        self.assertEqual(len(steps), 2, run.stderr)
        arrival_ms, since_ms = (steps[1] + 1) * 0.1 + 1, (steps[1] - steps[0]) * 0.1 + 1
        expected = 1 + 2 * np.exp(-since_ms / 20) * np.exp(-(300 - arrival_ms) / 200)
        self.assertAlmostEqual(weight, expected, delta=1e-5)

    def test_what_the_compiler_finds(self):
        for command in (("check",), ("run", "--out", "out", "--quiet")):
            run = self.run_on(PROGRAM, command[0], "learning.json", *command[1:], before="meso_exp(",
                              after="meso_exponential(")
            self.assertEqual(run.returncode, 2)
            self.assertRegex(run.stderr, r"mesocl: error: \./forgetting\.clh:22: .*meso_exponential")

    def test_a_function_that_does_not_fit(self):
        run = self.run_on(PROGRAM, "check", "learning.json", before="forgetting_derived d, real trace", after="real trace")
        self.assertRegex(run.stderr, r"mesocl: error: \./forgetting\.clh:\d+: conflicting types for 'forgetting_pre'; "
                                     r"expected forgetting_state forgetting_pre\(")


class Drug(unittest.TestCase):
    """The drug of the page, from a file beside the experiment."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.directory = Path(cls.temporary.name)
        write_files(cls.directory)
        cls.drug = json.loads((cls.directory / "bupropion.json").read_text())["drugs"]["bupropion"]

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def test_it_is_short(self):
        self.assertLessEqual(len((self.directory / "bupropion.json").read_text().splitlines()), 20)

    def test_it_is_described(self):
        run = subprocess.run([Path(PROGRAM).resolve(), "models", "bupropion.json"], cwd=self.directory, capture_output=True,
                             text=True)
        self.assertEqual((run.stderr, run.returncode), ("", 0))
        self.assertRegex(run.stdout, r"\nblocks\.dat\.K_i_nM +500 +nM +recalled +0\.3-0\.6 uM at DAT")
        self.assertRegex(run.stdout, r"\nV_d_L_per_kg +6 +L/kg +- +\[volume of distribution\]")

    def test_it_reaches_the_transporter(self):
        results = Results(self.directory / "bupropion_acute.json")
        self.addCleanup(results.close)
        time_s, brain_nM, occupancy = results.series("drug.bupropion.brain_nM",
                                                     "dopamine.nac_core.transporter_occupancy")
        d, minutes = self.drug, (time_s - 5.5) / 60  # rows are means over the second before
        given = 20 / d["molar_mass_g_per_mol"] / d["V_d_L_per_kg"] * 1e6 / 0.5  # nM/min, for half a minute
        k, keq, share = d["k_elimination_per_min"], d["k_brain_equilibration_per_min"], d["unbound_fraction"]

        def step(t):  # of a plasma that is filled from 0 on, and the brain that follows
            t = np.maximum(t, 0)
            return given / k * (1 - (keq * np.exp(-k * t) - k * np.exp(-keq * t)) / (keq - k))

        expected = d["brain_to_plasma"] * share * (step(minutes) - step(minutes - 0.5))
        np.testing.assert_allclose(brain_nM, expected, atol=2e-3 * expected.max())
        self.assertGreater(occupancy.max(), 0.5)
        np.testing.assert_allclose(occupancy, brain_nM / (brain_nM + d["blocks"]["dat"]["K_i_nM"]), atol=2e-3)

    def test_a_route_that_it_does_not_have(self):
        path = self.directory / "wrong.json"
        path.write_text((self.directory / "bupropion_acute.json").read_text().replace('"iv"', '"oral"'))
        run = subprocess.run([Path(PROGRAM).resolve(), "check", "wrong.json"], cwd=self.directory, capture_output=True, text=True)
        self.assertEqual(run.returncode, 2)
        self.assertIn("route: drug 'bupropion' has no route 'oral'; it has: iv, ip", run.stderr)


class Mistakes(unittest.TestCase):
    """Of a model's author: exit code 2, and a message that leads to the place."""

    def answer(self, command, file, before, after):
        with tempfile.TemporaryDirectory() as directory:
            write_files(Path(directory))
            path = Path(directory) / file
            text = path.read_text()
            self.assertIn(before, text)
            path.write_text(text.replace(before, after, 1))
            options = ["--out", "out", "--quiet"] + (["--device", DEVICE] if DEVICE else [])
            if command == "check":
                options = options[3:]
            run = subprocess.run([Path(PROGRAM).resolve(), command, "resonance.json", *options], cwd=directory,
                                 capture_output=True, text=True)
            self.assertFalse((Path(directory) / "out").exists())
        self.assertEqual(run.returncode, 2, run.stderr)
        return run.stderr[run.stderr.index("mesocl: error: "):]  # a driver may have spoken before

    def test_what_the_compiler_finds(self):
        for command in ("check", "run"):
            says = self.answer(command, "resonate_and_fire.clh", "meso_exp(", "meso_exponential(")
            self.assertRegex(says, r"^mesocl: error: \./resonate_and_fire\.clh:5: .*meso_exponential")

    def test_a_member_that_the_descriptor_does_not_have(self):
        says = self.answer("run", "resonate_and_fire.clh", "p.C_pF", "p.C_nF")
        self.assertRegex(says, r"^mesocl: error: \./resonate_and_fire\.clh:9: .*C_nF")

    def test_a_function_that_does_not_fit(self):
        says = self.answer("run", "resonate_and_fire.clh", "resonate_and_fire_derived d, resonate_and_fire_inputs in",
                           "resonate_and_fire_inputs in")
        self.assertRegex(says, r"^mesocl: error: \./resonate_and_fire\.clh:\d+: conflicting types for "
                               r"'resonate_and_fire'; expected resonate_and_fire_state resonate_and_fire\(")

    def test_a_missing_brace(self):
        says = self.answer("run", "resonate_and_fire.clh", "    return d;\n}", "    return d;\n")
        self.assertRegex(says, r"^mesocl: error: \./resonate_and_fire\.clh:")

    def test_a_missing_function(self):
        says = self.answer("check", "resonate_and_fire.clh", "resonate_and_fire_derive(", "resonate_derive(")
        self.assertRegex(says, r"^mesocl: error: \./resonate_and_fire\.clh: there is no function "
                               r"'resonate_and_fire_derive', .*: expected resonate_and_fire_derived ")

    def test_names_and_units_in_the_descriptor(self):
        says = self.answer("check", "resonate_and_fire.json", '"b_per_ms": {', '"float": {')
        self.assertIn("./resonate_and_fire.json:7: parameters.float: 'float' has a meaning in OpenCL C", says)
        says = self.answer("check", "resonate_and_fire.json", '"x_mV": { "unit": "mV", "doc": "what',
                           '"x_mV": { "unit": "V", "doc": "what')
        self.assertIn(": inputs.x_mV.unit: 'V' is not a unit of weights: nS, pA, mV or 1", says)
        says = self.answer("check", "resonate_and_fire.json", '"v_rest_mV", "doc"', '"v_rst_mV", "doc"')
        self.assertIn("did you mean 'v_rest_mV'?", says)

    def test_names_in_the_experiment(self):
        says = self.answer("check", "resonance.json", '"omega_rad_per_ms"', '"omega_per_ms"')
        self.assertRegex(says, r"resonance\.json:\d+: cells\.listener\.parameters\.omega_per_ms: unknown key|unit")
        says = self.answer("check", "resonance.json", '{ "model": "resonate_and_fire" }',
                           '{ "model": "resonate_and_fire", "initial": { "v": -60 } }')
        self.assertIn("cells.resonator.initial.v: ", says)


if __name__ == "__main__":
    unittest.main()
