"""Benchmarks: the networks are the published ones, their files are what is compared, and the analysis finds
what was put into spikes."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench" / "compare")]

import analysis
import compare
import networks
import simulators

PROGRAM = os.environ.get("MESOCL_PROGRAM", "mesocl")


class Networks(unittest.TestCase):
    def test_the_microcircuit_has_the_published_size(self):
        network = networks.pd14()
        self.assertEqual(networks.n_neurons(network), 77169)
        self.assertEqual(networks.n_synapses(network), 298880968)

    def test_a_tenth_has_the_size_of_the_reference_implementation(self):
        network = networks.pd14(0.1)
        self.assertEqual(networks.n_neurons(network), 7717)
        self.assertAlmostEqual(networks.n_synapses(network) / (0.01 * 298880968), 1, places=5)

    def test_currents_of_a_tenth_are_those_of_the_reference_implementation(self):
        currents = [p["I_e_pA"] for p in networks.pd14(0.1, "dc")["populations"]]
        expected = [272.6, 325.2, 402.1, 397.0, 349.2, 356.5, 406.4, 404.9]
        np.testing.assert_allclose(currents, expected, atol=0.06)

    def test_full_scale_needs_no_current_with_poisson_drive(self):
        self.assertEqual([p["I_e_pA"] for p in networks.pd14()["populations"]], [0.0] * 8)

    def test_the_weight_makes_a_psp_of_the_asked_height(self):
        tau_m, tau_syn, c_pf, dt = 10.0, 0.5, 250.0, 1e-4
        current = networks.psc_of_psp(0.15, c_pf, tau_m, tau_syn) * np.exp(-np.arange(0, 10, dt) / tau_syn)
        v, highest = 0.0, 0.0
        for i_pa in current:
            v += dt * (-v / tau_m + i_pa / c_pf)
            highest = max(highest, v)
        self.assertAlmostEqual(highest, 0.15, places=4)

    def test_a_network_is_brought_to_threshold_by_an_eta_of_one(self):
        for drive in networks.brunel(5, 1)["drive"]:
            mean_mv = drive["n_inputs"] * drive["rate_each_hz"] * drive["weight"] * 20e-3
            self.assertAlmostEqual(mean_mv, 20.0)


class Cases(unittest.TestCase):
    def test_the_files_are_what_networks_py_writes(self):
        written = networks.case_files()
        self.assertEqual({p.name for p in networks.CASES.glob("*.json")} & set(written), set(written))
        for name, text in written.items():
            with self.subTest(name):
                self.assertEqual((networks.CASES / name).read_text(), text,
                                 "run python3 bench/networks.py")

    def test_mesocl_accepts_them(self):
        for name in networks.case_files():
            with self.subTest(name):
                done = subprocess.run([PROGRAM, "check", networks.CASES / name], capture_output=True, text=True)
                self.assertIn(done.returncode, (0, 3), done.stderr)  # 3: too large for the device here

    def test_text_is_the_json_of_its_value(self):
        value = networks.experiment(networks.pd14(0.2, "dc"), 1.5, seed=3)
        self.assertEqual(json.loads(networks.to_text(value)), value)


def window(real_time_factor, disturbed=False, rates_hz=None):
    return simulators.Window(1.0, real_time_factor, real_time_factor, rates_hz or {}, real_time_factor,
                             0.0, 0.0, disturbed)


class Comparison(unittest.TestCase):
    def test_ratios_are_taken_pair_by_pair(self):
        found = compare.ratios([(window(1), window(4)), (window(2), window(4)), (window(2), window(6))])
        self.assertEqual(found["ratio"], {"median": 3, "min": 2, "max": 4})

    def test_disturbed_windows_do_not_count_beside_quiet_ones(self):
        found = compare.ratios([(window(1), window(4)), (window(1, disturbed=True), window(40))])
        self.assertEqual(found["ratio"], {"median": 4, "min": 4, "max": 4})
        self.assertEqual((found["quiet_pairs"], found["pairs"]), (1, 2))

    def test_windows_alternate(self):
        order = []

        class Simulator:
            def __init__(self, name):
                self.name = name

            def run_window(self):
                order.append(self.name)
                return window(1)

        with mock.patch.object(compare, "say"):
            compare.take_turns(Simulator("mesocl"), Simulator("peer"), 3)
        self.assertEqual(order, ["mesocl", "peer"] * 3)

    def test_rates_that_differ_are_named(self):
        network = networks.pd14()
        theirs = {"L23E": 0.9, "L4E": 4.4}
        self.assertEqual(compare.compare_rates(network, {"L23E": 1.04, "L4E": 4.9}, theirs), [])
        (line,) = compare.compare_rates(network, {"L23E": 1.04, "L4E": 5.2}, theirs)
        self.assertIn("L4E", line)

    def test_time_of_other_processes_disturbs(self):
        busy = iter([10.0, 11.5])
        clock = iter([0.0, 1.0])
        with mock.patch.object(simulators, "busy_s", lambda: next(busy)), \
                mock.patch.object(simulators.time, "monotonic", lambda: next(clock)):
            own = iter([1.0, 2.0])
            seen = simulators.Watch(lambda: next(own)).window(1.0, 1.0, {})
        self.assertAlmostEqual(seen.foreign_cpu_s, 0.5)
        self.assertTrue(seen.disturbed)


class Analysis(unittest.TestCase):
    """Spikes with known statistics: gamma renewal processes, and Poisson ones with a common rhythm."""

    N_NEURONS, SECONDS = 200, 10

    def setUp(self):
        self.rng = np.random.default_rng(12)
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def write(self, **populations):
        """populations: (times_ms, ids) by name"""
        directory = Path(self.directory.name)
        sizes = {name: {"n_neurons": self.N_NEURONS} for name in populations}
        (directory / "experiment.json").write_text(json.dumps({"populations": sizes}))
        (directory / "summary.json").write_text(json.dumps({"model_time_s": self.SECONDS}))
        with h5py.File(directory / "spikes.h5", "w") as file:
            for name, (times, ids) in populations.items():
                order = np.argsort(times, kind="stable")
                file[f"spikes/{name}/timestamps"], file[f"spikes/{name}/node_ids"] = times[order], ids[order]
        return analysis.read_spikes(directory, 500.0, None)

    def gamma_spikes(self, rate_hz, shape):
        """Intervals with CV 1 / sqrt(shape)."""
        mean_ms = 1000 / rate_hz
        intervals = self.rng.gamma(shape, mean_ms / shape, (self.N_NEURONS, 4 * self.SECONDS * rate_hz))
        times = intervals.cumsum(axis=1)
        ids = np.repeat(np.arange(self.N_NEURONS), times.shape[1]).reshape(times.shape)
        inside = times < self.SECONDS * 1000
        return times[inside], ids[inside]

    def rhythmic_spikes(self, rate_hz, rhythm_hz, depth):
        n = self.rng.poisson(self.N_NEURONS * self.SECONDS * rate_hz * 2)
        times = self.rng.uniform(0, self.SECONDS * 1000, n)
        keep = self.rng.uniform(0, 2, n) < 1 + depth * np.sin(2 * np.pi * rhythm_hz * times / 1000)
        return times[keep], self.rng.integers(0, self.N_NEURONS, keep.sum())

    def test_rate_and_irregularity_of_renewal_processes(self):
        spikes = self.write(regular=self.gamma_spikes(20, 16), irregular=self.gamma_spikes(10, 4))
        self.assertAlmostEqual(spikes["regular"].rate_hz(), 20, delta=0.2)
        self.assertAlmostEqual(spikes["regular"].interval_cv(), 0.25, delta=0.01)
        self.assertAlmostEqual(spikes["irregular"].rate_hz(), 10, delta=0.2)
        self.assertAlmostEqual(spikes["irregular"].interval_cv(), 0.5, delta=0.02)
        self.assertAlmostEqual(spikes["all"].rate_hz(), 15, delta=0.2)

    def test_the_peak_of_the_spectrum_is_the_rhythm(self):
        for rhythm_hz in (57.0, 181.0):
            spikes = self.write(cells=self.rhythmic_spikes(20, rhythm_hz, 0.3))
            self.assertAlmostEqual(spikes["cells"].peak_hz(), rhythm_hz, delta=1.5)

    def test_silence_has_neither_irregularity_nor_peak(self):
        silent = self.write(cells=(np.array([]), np.array([], int)))["cells"]
        self.assertEqual(silent.rate_hz(), 0)
        self.assertTrue(np.isnan(silent.interval_cv()))
        self.assertTrue(np.isnan(silent.peak_hz()))

    def test_a_check_fails_on_other_rates(self):
        with mock.patch("builtins.print"):
            for rate_hz, shape, good in ((37.5, 5.6, True), (30, 5.6, False), (37.5, 1, False)):
                found = analysis.quantities(self.write(cells=self.gamma_spikes(int(rate_hz), shape)))
                self.assertEqual(analysis.print_checks(analysis.CHECKS["brunel-ai"], found), good)


if __name__ == "__main__":
    unittest.main()
