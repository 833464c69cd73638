"""mesocl bench: what it runs, what it says about it, and the sizes of the scaled networks."""

import importlib.util
import json
import math
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("MESOCL_PROGRAM", "mesocl")
DEVICE = os.environ.get("MESOCL_TEST_DEVICE")
TINY = str(ROOT / "tests" / "support" / "tiny.json")
SHORT = ["--seconds", "0.05", "--warm-up", "0.05", "--repeats", "2"]
SUMS = ("model_s", "wall_s", "spikes", "synaptic_events", "launches", "own_cpu_s", "foreign_cpu_s")

specification = importlib.util.spec_from_file_location("networks", ROOT / "bench" / "networks.py")
networks = importlib.util.module_from_spec(specification)
specification.loader.exec_module(networks)


def bench(*arguments):
    environment = dict(os.environ)
    if DEVICE:
        environment["MESOCL_DEVICE"] = DEVICE
    return subprocess.run([PROGRAM, "bench", *map(str, arguments)], capture_output=True, text=True,
                          timeout=300, env=environment)


def experiment(*arguments):
    result = bench(*arguments, "--print-experiment")
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return json.loads(result.stdout)


def record(*arguments):
    """The record, and what was printed beside it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.json"
        result = bench(*arguments, "--json", path)
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        return json.loads(path.read_text()), result.stdout


class Cases(unittest.TestCase):
    def test_without_a_case_they_are_listed(self):
        result = bench()
        self.assertEqual((result.stderr, result.returncode), ("", 0))
        names = [line.split()[0] for line in result.stdout.splitlines()]
        self.assertEqual(names, ["pd14", "brunel", "coba", "circuit", "microbenchmarks"])

    def test_mistakes_say_what_is_meant(self):
        for arguments, message in [
            (["pd41"], 'there is no case "pd41"; did you mean "pd14"?'),
            (["pd14", "--scale", "2"], "--scale: pd14 has scales up to 1"),
            (["pd14", "--scale", "0"], '--scale: "0" is not a number from 1e-06 to 1e+06'),
            (["pd14", "--drive", "ac"], '--drive: "ac" is not poisson or dc'),
            (["coba", "--g", "4"], "coba takes no --g"),
            (["coba", "--in-degree", "90"], "--in-degree 90: the case is published for 80 and 1000"),
            (["coba", "--neurons", "79"], "79 neurons are too few for an in-degree of 80"),
            (["circuit", "--size", "xl"], '--size: "xl" is not xs, s, m or l'),
            ([TINY, "--scale", "2"], f"{TINY} takes no --scale"),
            (["circuit", "--warm-up", "0.1005", "--repeats", "2", "--seconds", "0.0995"],
             "--warm-up: 0.1005 s is not a multiple of field_step_ms, 1 ms"),
            (["circuit", "--set", 'protocol=[{"phase":"a","ms":100}]'], "it cannot be --set"),
            (["no/such/file.json"], "no/such/file.json: No such file"),
        ]:
            with self.subTest(arguments=arguments):
                result = bench(*arguments)
                self.assertEqual(result.stdout, "")
                self.assertIn(f"mesocl: error: {message}" if "cannot" not in message else message,
                              result.stderr)
                self.assertIn(result.returncode, (2, 4))


class Scaling(unittest.TestCase):
    """Against bench/networks.py, from which the files at full scale come and which scales by itself."""

    def assert_network(self, ours, network):
        theirs = networks.experiment(network, 1)
        self.assertEqual(set(ours["populations"]), set(theirs["populations"]))
        self.assertEqual(set(ours["projections"]), set(theirs["projections"]))
        self.assertEqual(set(ours["stimuli"]), set(theirs["stimuli"]))
        for kind in ("populations", "projections", "stimuli"):
            for name, expected in theirs[kind].items():
                self.assert_close(ours[kind][name], expected, f"{kind}.{name}")

    def assert_close(self, ours, expected, path):
        """Ours come from the file, whose numbers have seven digits; currents are a difference of larger ones."""
        tolerance = {"total": 1, "I_e_pA": 0.001}
        for key, value in expected.items():
            with self.subTest(f"{path}.{key}"):
                if isinstance(value, dict):
                    self.assert_close(ours[key], value, f"{path}.{key}")
                elif isinstance(value, (int, float)) and not isinstance(value, bool):
                    self.assertAlmostEqual(ours[key], value,
                                           delta=tolerance.get(key, 1e-6 * abs(value) + 1e-9))
                else:
                    self.assertEqual(ours[key], value)

    def test_the_microcircuit_of_a_tenth(self):
        for drive in ("poisson", "dc"):
            self.assert_network(experiment("pd14", "--scale", "0.1", "--drive", drive),
                                networks.pd14(0.1, drive))

    def test_the_microcircuit_as_published(self):
        self.assert_network(experiment("pd14"), networks.pd14())
        self.assert_network(experiment("pd14", "--drive", "dc"), networks.pd14(1, "dc"))

    def test_currents_of_a_tenth_are_those_that_other_simulators_were_given(self):
        """van Albada et al. 2015 with the full-scale rates of the reference implementation in NEST 3.8."""
        populations = experiment("pd14", "--scale", "0.1", "--drive", "dc")["populations"]
        expected = (272.6, 325.2, 402.1, 397.0, 349.2, 356.5, 406.4, 404.9)
        for (name, population), current in zip(populations.items(), expected, strict=True):
            with self.subTest(name):
                self.assertAlmostEqual(population["parameters"]["I_e_pA"], current, delta=0.06)

    def test_the_sparse_random_network(self):
        self.assert_network(experiment("brunel"), networks.brunel())
        self.assert_network(experiment("brunel", "--g", "6", "--eta", "4"), networks.brunel(6, 4))

    def test_the_self_sustained_network(self):
        self.assert_network(experiment("coba"), networks.coba())
        self.assert_network(experiment("coba", "--neurons", "40000"), networks.coba(40000))
        self.assert_network(experiment("coba", "--scale", "10", "--in-degree", "1000"),
                            networks.coba(40000, 1000))

    def test_the_circuit_has_its_size(self):
        ours = experiment("circuit", "--size", "s")
        expected = json.loads((ROOT / "configs" / "circuits" / "s.json").read_text())
        for name, population in expected["populations"].items():
            self.assertEqual(ours["populations"][name]["n_neurons"], population["n_neurons"])

    def test_an_experiment_keeps_all_but_its_protocol(self):
        ours = experiment(TINY, *SHORT, "--seed", "3")
        expected = json.loads(Path(TINY).read_text())
        self.assertEqual(set(ours["populations"]), set(expected["populations"]))
        self.assertEqual(ours["seed"], 3)
        self.assertEqual([phase["seconds"] for phase in ours["protocol"]], [0.05, 0.05, 0.05, 0.05])


class Records(unittest.TestCase):
    def check(self, r, n_windows, seconds):
        self.assertRegex(r["mesocl_version"], r"^\d+\.\d+\.\d+$")
        self.assertRegex(r["started"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        for key in ("experiment_hash", "spike_hash"):
            self.assertRegex(r[key], r"^[0-9a-f]{16}$")
        for key in ("name", "vendor", "driver", "platform"):
            self.assertTrue(r["device"][key])
        self.assertGreater(r["device"]["compute_units"], 0)
        self.assertIn(r["layout"]["storage"], ("compact", "wide", "procedural", "mixed"))
        for key in ("partitions", "vector_width", "work_group_size", "batch_steps"):
            self.assertGreater(r["layout"][key], 0)
        self.assertEqual(len(r["windows"]), n_windows)
        for window in r["windows"]:
            self.assertEqual(window["model_s"], seconds)
            self.assertGreater(window["wall_s"], 0)
            self.assertGreater(window["own_cpu_s"], 0)
            self.assertGreaterEqual(window["foreign_cpu_s"], 0)
            self.assertGreaterEqual(window["launches"], 1)
        for key in SUMS:
            self.assertAlmostEqual(r[key], sum(window[key] for window in r["windows"]))
        self.check_derived(r)

    def check_derived(self, r):
        walls = sorted(window["wall_s"] / window["model_s"] for window in r["windows"])
        factor = r["real_time_factor"]
        self.assertAlmostEqual(factor["min"], walls[0])
        self.assertAlmostEqual(factor["max"], walls[-1])
        self.assertLessEqual(factor["min"], factor["median"])
        self.assertLessEqual(factor["median"], factor["max"])
        self.assertAlmostEqual(r["events_per_s"] / (r["synaptic_events"] / r["wall_s"]), 1)
        steps = r["windows"][0]["model_s"] * 1000 / r["dt_ms"]
        self.assertAlmostEqual(r["ns_per_neuron_step"]["min"] / (walls[0] * r["windows"][0]["model_s"] *
                                                                 1e9 / r["neurons"] / steps), 1)
        self.assertGreater(r["compile_s"], 0)
        self.assertGreater(r["build_s"], 0)
        self.assertGreater(r["bytes_per_synapse"], 0)
        self.assertGreater(r["bytes_per_neuron"], 0)
        self.assertGreater(r["peak_device_bytes"], r["bytes_per_synapse"] * r["synapses"] / 2)

    def rates_match(self, r, sizes):
        spikes = sum(rate * sizes[name] for name, rate in r["rates_hz"].items()) * r["model_s"]
        self.assertAlmostEqual(spikes, r["spikes"], delta=1e-6 * r["spikes"] + 1e-6)

    def test_the_circuit_with_dopamine_in_space(self):
        text = subprocess.run([PROGRAM, "bench", "circuit", "--grids", "--print-experiment"], capture_output=True, text=True,
                              check=True).stdout
        compartments = json.loads(text)["modulators"]["dopamine"]["compartments"]
        self.assertEqual({name for name, c in compartments.items() if "grid" in c}, {"nac_core", "nac_shell"})

    def test_the_circuit(self):
        r, table = record("circuit", "--seconds", "0.13", "--warm-up", "0.05", "--repeats", "3",
                          "--seed", "5")
        self.check(r, 3, 0.13)
        sizes = {name: p["n_neurons"] for name, p in experiment("circuit")["populations"].items()}
        self.assertEqual(r["neurons"], sum(sizes.values()))
        self.rates_match(r, sizes)
        self.assertEqual(r["parameters"], {"size": "xs", "grids": False, "warm_up_s": 0.05, "seconds": 0.13, "repeats": 3,
                                           "fresh": False, "set": ["seed=5"]})
        self.assertEqual(r["seed"], 5)
        self.assertIn(r["spike_hash"], table)
        self.assertEqual(len(re.findall(r"(?m)^ +\d+ +130 ms ", table)), 3)

    def test_each_kernel_has_its_time(self):
        r, table = record("circuit", *SHORT)
        self.assertEqual(r["profile"]["model_s"], 0.05)
        kernels = {k["name"]: k for k in r["profile"]["kernels"]}
        self.assertIn("network_advance", kernels)
        for name, kernel in kernels.items():
            self.assertGreater(kernel["launches"], 0)
            self.assertGreaterEqual(kernel["total_s"], 0)
            self.assertIn(f"\n{name} ", table)
        launches = sum(k["launches"] for name, k in kernels.items() if name not in ("read", "write", "fill"))
        self.assertEqual(launches, r["windows"][0]["launches"])

    def test_the_self_sustained_network(self):
        r, _ = record("coba", *SHORT, "--no-profile")
        self.check(r, 2, 0.05)
        self.assertNotIn("profile", r)
        self.assertEqual(r["neurons"], 4000)
        self.assertAlmostEqual(r["synapses"], 320000, delta=4 * math.sqrt(320000))
        self.assertGreater(min(window["synaptic_events"] for window in r["windows"]), 1000)
        self.assertLessEqual(r["ns_per_event"]["min"], 1e9 / r["events_per_s"])
        self.assertLessEqual(1e9 / r["events_per_s"], r["ns_per_event"]["max"])

    def test_the_microcircuit_fires_as_published(self):
        """Rates at scale 0.1 of NEST, GeNN and Brian2 differ by up to a fifth; a broken network by far more."""
        r, _ = record("pd14", "--scale", "0.1", "--drive", "dc", "--seconds", "0.5", "--warm-up", "0.5",
                      "--repeats", "1", "--no-profile")
        self.assertEqual(r["parameters"]["scale"], 0.1)
        self.assertEqual(r["parameters"]["drive"], "dc")
        expected = {"L23I": 2.6, "L4E": 3.6, "L4I": 5.95, "L5E": 7.4, "L5I": 6.4, "L6I": 6.8}
        for name, rate in expected.items():
            with self.subTest(name):
                self.assertAlmostEqual(r["rates_hz"][name] / rate, 1, delta=0.25)

    def test_windows_of_fresh_simulations_have_the_same_spikes(self):
        r, _ = record("coba", "--neurons", "500", *SHORT, "--fresh", "--no-profile")
        self.check(r, 2, 0.05)
        self.assertEqual(len(r["builds"]), 2)
        self.assertEqual(r["windows"][0]["spikes"], r["windows"][1]["spikes"])
        again, _ = record("coba", "--neurons", "500", *SHORT, "--fresh", "--no-profile")
        self.assertEqual(again["spike_hash"], r["spike_hash"])
        self.assertEqual(again["experiment_hash"], r["experiment_hash"])
        other, _ = record("coba", "--neurons", "500", *SHORT, "--fresh", "--no-profile", "--seed", "2")
        self.assertNotEqual(other["spike_hash"], r["spike_hash"])
        self.assertNotEqual(other["experiment_hash"], r["experiment_hash"])

    def test_layout_options_change_the_layout_alone(self):
        r, _ = record("coba", "--neurons", "500", *SHORT, "--no-profile")
        changed, _ = record("coba", "--neurons", "500", *SHORT, "--no-profile", "--partitions", "1",
                            "--vector-width", "4")
        self.assertEqual(changed["layout"]["vector_width"], 4)
        self.assertEqual(changed["layout"]["partitions"], 1)
        self.assertEqual(changed["spike_hash"], r["spike_hash"])

    def test_an_experiment_can_be_timed(self):
        r, _ = record(TINY, *SHORT, "--no-profile")
        self.check(r, 2, 0.05)
        self.assertEqual(r["case"], TINY)

    def test_without_a_warm_up_the_first_window_starts_at_once(self):
        r, _ = record("coba", "--neurons", "500", "--seconds", "0.05", "--warm-up", "0", "--repeats", "1",
                      "--no-profile")
        self.check(r, 1, 0.05)

    def test_a_record_that_cannot_be_written_is_a_file_error(self):
        result = bench(TINY, *SHORT, "--no-profile", "--json", "/no/such/folder/record.json")
        self.assertEqual((result.stdout, result.returncode), ("", 4))
        self.assertIn("/no/such/folder/record.json: No such file", result.stderr)

    def test_the_microbenchmarks(self):
        r, table = record("microbenchmarks", "--scale", "0.05", "--seconds", "0.05", "--warm-up", "0.02",
                          "--repeats", "3")
        figures = {f["name"]: f for f in r["figures"]}
        self.assertEqual(figures["delivery"]["unit"], "ns per synaptic event")
        self.assertEqual(figures["random numbers"]["unit"], "ns per word")
        self.assertEqual(figures["launch"]["unit"], "us")
        for name in ("lif_exp", "lif_cond", "adex", "izhikevich"):
            self.assertEqual(figures[f"update, {name}"]["unit"], "ns per neuron-step")
        for name, figure in figures.items():
            with self.subTest(name):
                self.assertLessEqual(figure["min"], figure["median"])
                self.assertLessEqual(figure["median"], figure["max"])
                self.assertIn(name, table)
        self.assertGreater(figures["launch"]["min"], 0)


if __name__ == "__main__":
    unittest.main()
