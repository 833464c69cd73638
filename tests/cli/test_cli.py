"""The program as people use it: what it prints, where, and with which exit code."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

CLANG = shutil.which("clang")
PROGRAM = os.environ.get("MESOCL_PROGRAM", "mesocl")
DEVICE = os.environ.get("MESOCL_TEST_DEVICE")
TINY = str(Path(__file__).resolve().parents[1] / "support" / "tiny.json")
FOREVER = ["--set", 'protocol=[{"phase":"long","hours":10}]']


def environment(**more):
    result = dict(os.environ, **more)
    if DEVICE:
        result["MESOCL_DEVICE"] = DEVICE
    for name in ("MESOCL_PROGRESS", "MESOCL_LOG"):
        if name not in more:
            result.pop(name, None)
    return result


def mesocl(*arguments, cwd=None, **more):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=120,
                          cwd=cwd, env=environment(**more))


class Usage(unittest.TestCase):
    def expect_usage_error(self, arguments, message, help_page):
        result = mesocl(*arguments)
        self.assertEqual(result.stderr, f"mesocl: error: {message}\nsee: mesocl help{help_page}\n")
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.returncode, 2)

    def test_mistakes_say_what_is_meant_and_where_to_look(self):
        for arguments, message, help_page in [
            ([], "a command is needed", ""),
            (["rnu"], 'unknown command "rnu"; did you mean "run"?', ""),
            (["xyzzyplugh"], 'unknown command "xyzzyplugh"', ""),
            (["help", "chekc"], 'unknown command "chekc"; did you mean "check"?', ""),
            (["run"], "mesocl run needs EXPERIMENT.json", " run"),
            (["run", "a.json", "b.json"],
             'mesocl run takes one EXPERIMENT.json; "b.json" is too much', " run"),
            (["run", "--fors", TINY], "unknown option --fors; did you mean --force?", " run"),
            (["run", "--devcie=0", TINY], "unknown option --devcie=0; did you mean --device?",
             " run"),
            (["run", "-o", "x", TINY], "unknown option -o; options have names, as --out", " run"),
            (["run", TINY, "--out"], "option --out needs a value", " run"),
            (["run", "--force=yes", TINY], "option --force takes no value", " run"),
            (["run", TINY, "--seed", "-3"], '--seed: "-3" is not a whole number', " run"),
            (["run", TINY, "--set", "seed"], '--set: "seed" is not path=value', " run"),
            (["run", TINY, "--partitions", "two"],
             '--partitions: "two" is not a whole number from 1 to 4294967295', " run"),
            (["run", TINY, "--work-group-size", "0"],
             '--work-group-size: "0" is not a whole number from 1 to 4294967295', " run"),
            (["run", TINY, "--vector-width", "3"], "--vector-width: 3 is not 1, 4, 8 or 16",
             " run"),
            (["check", "--out", "x", TINY], "unknown option --out", " check"),
            (["devices", "now"], 'mesocl devices takes no "now"', " devices"),
            (["models", "--c-header"], "--c-header needs the NAME of a model", " models"),
            (["info"], "mesocl info needs DIR", " info"),
        ]:
            with self.subTest(arguments=arguments):
                self.expect_usage_error(arguments, message, help_page)

    def test_version_is_one_line(self):
        result = mesocl("--version")
        self.assertRegex(result.stdout, r"^mesocl \d+\.\d+\.\d+\n$")
        self.assertEqual((result.stderr, result.returncode), ("", 0))

    def test_help_names_every_command(self):
        page = mesocl("help")
        self.assertEqual((page.stderr, page.returncode), ("", 0))
        self.assertEqual(mesocl("--help").stdout, page.stdout)
        for command in ("run", "check", "bench", "devices", "models", "schema", "info"):
            self.assertIn(f"\n  {command} ", page.stdout)
            own = mesocl("help", command)
            self.assertEqual((own.stderr, own.returncode), ("", 0))
            self.assertTrue(own.stdout.startswith(f"usage: mesocl {command}"))
            self.assertEqual(mesocl(command, "--help").stdout, own.stdout)

    def test_help_of_run_names_every_option(self):
        page = mesocl("run", "--help").stdout
        for option in ("out DIR", "device SEL", "seed N", "set PATH=VALUE", "force", "quiet",
                       "profile", "work-group-size N", "vector-width N", "partitions N",
                       "no-cache", "dump-kernels DIR"):
            self.assertIn(f"\n  --{option} ", page)

    def test_output_that_cannot_be_written_is_a_file_error(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([PROGRAM, "schema"], stdout=full, stderr=subprocess.PIPE,
                                    text=True, timeout=60)
        self.assertEqual(result.returncode, 4)
        self.assertIn("mesocl: error: standard output", result.stderr)


class Lists(unittest.TestCase):
    def test_devices_are_listed_with_their_limits(self):
        result = mesocl("devices")
        self.assertEqual((result.stderr, result.returncode), ("", 0))
        self.assertRegex(result.stdout, r"(?m)^0: \S")
        self.assertIn("one buffer at most", result.stdout)

    def test_without_a_driver_devices_say_what_to_install(self):
        with tempfile.TemporaryDirectory() as empty:
            result = mesocl("devices", OCL_ICD_VENDORS=empty)
            self.assertEqual(result.returncode, 0)
            self.assertIn("no OpenCL device\n", result.stdout)
            self.assertIn("pocl-opencl-icd", result.stdout)
            result = mesocl("run", TINY, "--out", empty + "/out", OCL_ICD_VENDORS=empty)
            self.assertEqual(result.returncode, 3)
            self.assertIn("pocl-opencl-icd", result.stderr)
            self.assertFalse(os.path.exists(empty + "/out"))
            result = mesocl("check", TINY, OCL_ICD_VENDORS=empty)
            self.assertEqual(result.returncode, 0)
            self.assertIn("is valid; without an OpenCL device", result.stdout)

    def test_unknown_device_lists_those_that_are_there(self):
        with tempfile.TemporaryDirectory() as folder:
            result = mesocl("run", TINY, "--out", folder + "/out", "--device", "abacus")
            self.assertEqual(result.returncode, 2)
            self.assertIn('no device matches "abacus"; the devices are:\n  0: ', result.stderr)
            self.assertFalse(os.path.exists(folder + "/out"))

    def test_models_are_listed_and_described(self):
        result = mesocl("models")
        self.assertEqual((result.stderr, result.returncode), ("", 0))
        names = [line.split()[0] for line in result.stdout.splitlines() if "  drug: " not in line and "  assay: " not in line]
        self.assertIn("izhikevich", names)
        self.assertIn("noise", names)
        self.assertIn("dopamine_stdp", names)
        for name in names:
            one = mesocl("models", name)
            self.assertEqual(one.returncode, 0)
            if name not in ("direct", "sine", "uniform", "stdp"):
                self.assertIn("\nstate ", one.stdout)
            published = name not in ("parrot", "axon", "voltage_clamp", "direct", "sine") and not name.endswith("_source")
            self.assertEqual("\nsource: " in one.stdout, published)

    def test_inputs_and_derived_numbers_of_a_model(self):
        one = mesocl("models", "lif_exp").stdout
        self.assertRegex(one, r"\ninput of spikes .*\nI_syn_pA +pA +jump of the synaptic current")
        self.assertRegex(one, r"\nderived .*\nleak +1 +share")

    def test_model_as_c_structs(self):
        result = mesocl("models", "izhikevich", "--c-header")
        self.assertEqual((result.stderr, result.returncode), ("", 0))
        self.assertIn("izhikevich_parameters;", result.stdout)
        self.assertIn("izhikevich_state;", result.stdout)
        self.assertIn("vpeak_mV;", result.stdout)

    def test_unknown_model_is_not_found(self):
        result = mesocl("models", "izhikevitch")
        self.assertEqual((result.stdout, result.returncode), ("", 2))
        self.assertIn("did you mean 'izhikevich'?", result.stderr)
        self.assertIn("did you mean 'naloxone'?", mesocl("models", "naloxon").stderr)

    def test_assays_are_listed_and_described(self):
        names = [line.split()[0] for line in mesocl("models").stdout.splitlines() if "  assay: " in line]
        self.assertEqual(len(names), 14)
        for name in names:
            one = mesocl("models", name)
            self.assertEqual((one.stderr, one.returncode), ("", 0))
            self.assertTrue(one.stdout.startswith(name + ": "))
        self.assertRegex(mesocl("models", "units").stdout, r"\nburst_start_ms +ms +80 +a burst begins")
        self.assertIn("did you mean 'units'?", mesocl("models", "unit").stderr)

    def test_drugs_are_listed_and_described(self):
        names = [line.split()[0] for line in mesocl("models").stdout.splitlines() if "  drug: " in line]
        self.assertEqual(names, ["amphetamine", "buprenorphine", "cocaine", "ethanol", "fentanyl", "haloperidol", "heroin",
                                 "methadone", "methamphetamine", "methylphenidate", "morphine", "naloxone", "naltrexone",
                                 "nicotine"])
        for name in names:
            one = mesocl("models", name)
            self.assertEqual((one.stderr, one.returncode), ("", 0))
            self.assertTrue(one.stdout.startswith(name + ": "))

    def test_a_drug_has_value_unit_status_and_source_of_every_number(self):
        one = mesocl("models", "cocaine").stdout
        self.assertRegex(one, r"\nk_elimination_per_min +0\.468 +1/min +verified +Pan, Menacherry & Justice 1991 \[rate out")
        self.assertRegex(one, r"\nroutes\.ip\.k_absorption_per_min +0\.05 +1/min +proposed +the brain peaks")
        self.assertRegex(one, r"\nblocks\.dat\.K_i_nM +460 +nM +proposed +within the verified")
        self.assertRegex(one, r"\nspecies\.human\.V_d_L_per_kg +1\.96 +L/kg +verified +1\.96")
        self.assertRegex(one, r"\nunbound_fraction +1 +proposed ")

    def test_a_drug_is_shown_with_its_metabolites(self):
        one = mesocl("models", "heroin").stdout
        self.assertRegex(one, r"\nmetabolites\.mam6\.k_per_min +0\.9793 +1/min +proposed ")
        self.assertRegex(one, r"\n\nmorphine: Morphine HCl\n")

    def test_schema_is_json_schema(self):
        result = mesocl("schema")
        self.assertEqual((result.stderr, result.returncode), ("", 0))
        schema = json.loads(result.stdout)
        self.assertIn("draft-07", schema["$schema"])
        self.assertIn("populations", schema["properties"])


class Check(unittest.TestCase):
    def test_check_counts_neurons_synapses_and_bytes(self):
        result = mesocl("check", TINY)
        self.assertEqual((result.stderr, result.returncode), ("", 0))
        for word in ("is valid", "da", "msn_to_da", "total", "one buffer at most"):
            self.assertIn(word, result.stdout)

    def test_check_shows_how_synapses_are_kept(self):
        for storage in ("compact", "wide", "procedural"):
            result = mesocl("check", TINY, "--set", "projections.msn_to_da.rule=fixed_probability", "--set",
                            "projections.msn_to_da.indegree=null", "--set",
                            "projections.msn_to_da.probability=0.2", "--set",
                            f"projections.msn_to_da.storage={storage}")
            self.assertEqual((result.stderr, result.returncode), ("", 0))
            self.assertRegex(result.stdout, rf"(?m)^projection msn_to_da .* {storage}$")

    def test_missing_experiment_is_a_file_error(self):
        result = mesocl("check", "no/such/file.json")
        self.assertEqual((result.stdout, result.returncode), ("", 4))
        self.assertRegex(result.stderr, r"^mesocl: error: .*no/such/file\.json.*\n$")

    def test_bad_value_is_bad_input(self):
        result = mesocl("check", TINY, "--set", "populations.da.n_neurons=0")
        self.assertEqual((result.stdout, result.returncode), ("", 2))
        self.assertIn("populations.da.n_neurons", result.stderr)


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_tiny(self, *arguments, **more):
        return mesocl("run", TINY, *arguments, cwd=self.folder, **more)

    def summary(self, directory="results/tiny"):
        return json.loads((self.folder / directory / "summary.json").read_text())

    def test_run_writes_files_and_speaks_on_stderr_only(self):
        result = self.run_tiny()
        self.assertEqual((result.stdout, result.returncode), ("", 0), result.stderr)
        summary = self.summary()
        self.assertIn(summary["spike_hash"], result.stderr)
        self.assertIn("results           results/tiny\n", result.stderr)
        self.assertRegex(result.stderr, r"(?m)^da +12 +\d+\.\d+ Hz$")
        self.assertNotIn("\033", result.stderr)
        self.assertNotIn("\r", result.stderr)
        info = mesocl("info", str(self.folder / "results/tiny"))
        self.assertEqual((info.stderr, info.returncode), ("", 0))
        self.assertIn("spikes.h5", info.stdout)

    def test_quiet_run_says_nothing(self):
        result = self.run_tiny("--quiet")
        self.assertEqual((result.stdout, result.stderr, result.returncode), ("", "", 0))

    def test_results_are_replaced_only_by_force(self):
        self.assertEqual(self.run_tiny("--quiet", "--out", "mine").returncode, 0)
        before = self.summary("mine")
        result = self.run_tiny("--out", "mine", "--seed", "8")
        self.assertEqual((result.stdout, result.returncode), ("", 4))
        self.assertRegex(result.stderr, "^mesocl: error: .*mine")
        self.assertIn("--force", result.stderr)
        self.assertEqual(self.summary("mine"), before)
        result = self.run_tiny("--quiet", "--out", "mine", "--seed", "8", "--force")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.summary("mine")["seed"], 8)
        self.assertNotEqual(self.summary("mine")["spike_hash"], before["spike_hash"])

    def test_seed_is_short_for_set(self):
        self.assertEqual(self.run_tiny("--quiet", "--out", "a", "--seed", "5").returncode, 0)
        self.assertEqual(self.run_tiny("--quiet", "--out", "b", "--set", "seed=5").returncode, 0)
        self.assertEqual(self.summary("a")["spike_hash"], self.summary("b")["spike_hash"])

    def test_layout_options_do_not_change_spikes(self):
        hashes = set()
        for i, options in enumerate([[], ["--work-group-size", "16"], ["--vector-width", "1"],
                                     ["--partitions", "2"], ["--no-cache"]]):
            result = self.run_tiny("--quiet", "--out", str(i), *options)
            self.assertEqual(result.returncode, 0, result.stderr)
            hashes.add(self.summary(str(i))["spike_hash"])
        self.assertEqual(len(hashes), 1)

    def test_dumped_kernels_are_what_was_compiled(self):
        result = self.run_tiny("--quiet", "--dump-kernels", "kernels")
        self.assertEqual((result.stderr, result.returncode), ("", 0))
        dumped = {path.stem: path for path in (self.folder / "kernels").iterdir()}
        self.assertLessEqual({"network", "field", "connect"}, set(dumped))
        for name, path in dumped.items():
            with self.subTest(name):
                options = re.match(r"/\* options: (.*) \*/\n", path.read_text())
                self.assertIn("-DMESO_WIDTH=", options[1])
                if CLANG:
                    again = subprocess.run(
                        [CLANG, "-x", "cl", "-cl-std=CL1.2", "-fsyntax-only", "-Xclang",
                         "-finclude-default-header", *options[1].split(), path],
                        capture_output=True, text=True)
                    self.assertEqual(again.returncode, 0, again.stderr)

    def test_kernels_are_not_dumped_where_that_is_impossible(self):
        result = self.run_tiny("--quiet", "--dump-kernels", "no/such/folder")
        self.assertEqual(result.returncode, 4)
        self.assertRegex(result.stderr, r"^mesocl: error: no/such/folder/\w+\.cl: No such file")

    def test_profile_names_kernels(self):
        result = self.run_tiny("--profile", "--quiet")
        self.assertEqual((result.stdout, result.returncode), ("", 0))
        self.assertRegex(result.stderr, r"(?m)^profile +launches +total +share +each$")
        self.assertRegex(result.stderr, r"(?m)^read +\d+ +\d+\.\d+ s +\d+\.\d%")
        self.assertGreater(len(result.stderr.splitlines()), 6)

    def test_plain_progress_is_lines(self):
        result = self.run_tiny(MESOCL_PROGRESS="1")
        self.assertEqual((result.stdout, result.returncode), ("", 0))
        self.assertRegex(result.stderr,
                         r"(?m)^cocaine 400 ms/400 ms 100%  wall .*brain cocaine \d+ nM")
        self.assertRegex(result.stderr, r"(?m)^time +400 ms of model in .*, after .* to build$")
        self.assertNotIn("\033", result.stderr)

    def test_progress_line_on_a_terminal(self):
        for more, colour in (({"TERM": "xterm", "NO_COLOR": ""}, True),
                             ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
            with self.subTest(colour=colour):
                text, code = self.run_on_terminal(["--force"], **more)
                self.assertEqual(code, 0)
                self.assertIn("100%", text)
                self.assertEqual("\033[1m" in text, colour)

    def run_on_terminal(self, arguments, **more):
        ours, theirs = pty.openpty()
        child = subprocess.Popen([PROGRAM, "run", TINY, *arguments], stderr=theirs, cwd=self.folder,
                                 stdout=subprocess.DEVNULL, env=environment(**more))
        os.close(theirs)
        text = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end was closed
                break
            if not piece:
                break
            text += piece
        os.close(ours)
        return text.decode(), child.wait(timeout=60)

    def interrupt(self, number):
        """Start an endless run, wait until it advances, send the signal."""
        child = subprocess.Popen([PROGRAM, "run", TINY, *FOREVER], cwd=self.folder, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=environment(MESOCL_PROGRESS="1"))
        self.addCleanup(child.kill)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            ready, _, _ = select.select([child.stderr], [], [], 1)
            if ready and child.stderr.readline().startswith("long "):
                break
        child.send_signal(number)
        stdout, stderr = child.communicate(timeout=60)
        return child.returncode, stdout, stderr

    def test_interrupted_run_leaves_readable_files(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number.name):
                code, stdout, stderr = self.interrupt(number)
                self.assertEqual((code, stdout), (6, ""), stderr)
                self.assertRegex(stderr, r"mesocl: stopped at .* of model time; --resume goes on from there; "
                                         r"results so far are in results/tiny\n$")
                summary = self.summary()
                self.assertGreater(summary["model_time_s"], 0)
                info = mesocl("info", str(self.folder / "results/tiny"))
                self.assertEqual(info.returncode, 0, info.stderr)
                result = self.run_tiny("--force", "--quiet")
                self.assertEqual(result.returncode, 0, result.stderr)
                for file in sorted((self.folder / "results/tiny").rglob("*"), reverse=True):
                    file.rmdir() if file.is_dir() else file.unlink()


if __name__ == "__main__":
    unittest.main()
