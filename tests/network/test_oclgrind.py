"""The whole engine under Oclgrind, a simulated device that sees every access: no race, nothing out of bounds, nothing
uninitialised, and the spikes of the test device."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

OCLGRIND = shutil.which("oclgrind")
PROGRAM = os.environ["MESOCL_PROGRAM"]
BUSY = ["tests/support/busy.json", "--set", "protocol[0].ms=12", "--set", "populations.msn.n_neurons=70",
        "--set", "projections.msn_msn.total=600", "--set",
        'protocol[0].events=[{"at_ms": 2, "drug": "mixture", "route": "iv", "dose_mg_per_kg": 400}]']
CORTEX = ["tests/support/cortex.json", "--set", "protocol[0].seconds=0.003", "--set", "populations.e.n_neurons=90",
          "--set", "populations.i.n_neurons=30", "--set", "projections.e_e.total=900", "--set", "projections.i_e.total=300"]
GRID = ["tests/support/grid.json", *BUSY[1:]]
PROCEDURAL = [word for name in ("e_e", "e_i", "i_e", "i_i", "i_self")
              for word in ("--set", f"projections.{name}.storage=procedural")]
LEARNING = ["tests/support/learning.json", "--set", "protocol[0].ms=25"]
STRUCTURE = ["tests/support/structure.json", "--set", "protocol[0].ms=50"]
CONTENTS = ["tests/support/contents.json", "--set", "protocol[0].ms=12"]
MODELS = ["tests/support/models.json"]
ON_A_CPU = ["--work-group-size", "1", "--vector-width", "16"]
ON_A_GPU = ["--work-group-size", "8", "--vector-width", "1", "--partitions", "3"]
CHECKS = ["--data-races", "--uninitialized", "--check-api"]


def is_sanitized():
    """AddressSanitizer wants to be loaded first, and so does Oclgrind."""
    return "libasan" in subprocess.run(["ldd", PROGRAM], capture_output=True, text=True).stdout


class Oclgrind(unittest.TestCase):
    def run_on(self, launcher, environment, *arguments):
        with tempfile.TemporaryDirectory() as out:
            command = [*launcher, PROGRAM, "run", *arguments, "--out", out, "--quiet"]
            run = subprocess.run(command, env=environment, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
            self.assertEqual(run.returncode, 0, run.stdout)
            with open(os.path.join(out, "summary.json"), encoding="utf-8") as file:
                return json.load(file), run.stdout

    def check(self, experiment, options):
        expected, _ = self.run_on([], os.environ, *experiment)
        self.assertGreater(expected["spikes"], 10)
        plain = {k: v for k, v in os.environ.items() if k not in ("MESOCL_TEST_DEVICE", "MESOCL_DEVICE")}
        got, messages = self.run_on([OCLGRIND, *CHECKS], plain, *experiment, *options)
        self.assertEqual(got["device"], "Oclgrind Simulator")
        self.assertEqual(got["spike_hash"], expected["spike_hash"])
        self.assertEqual(messages, "")

    def test_one_work_item_a_group_wide_vectors(self):
        self.check(BUSY, ON_A_CPU)

    def test_many_work_items_a_group_as_on_a_gpu(self):
        self.check(BUSY, ON_A_GPU)

    def test_batches_of_one_step_and_edges_made_anew(self):
        self.check(CORTEX, ON_A_CPU)
        self.check(CORTEX + PROCEDURAL, ON_A_CPU)
        self.check(CORTEX + PROCEDURAL, ON_A_GPU)

    def test_grids_of_voxels_and_receptors_in_them(self):
        self.check(GRID, ON_A_CPU)
        self.check(GRID, ON_A_GPU)

    def test_synapses_that_learn(self):
        self.check(LEARNING, ON_A_CPU)
        self.check(LEARNING, ON_A_GPU)

    def test_contacts_that_come_and_go(self):
        self.check(STRUCTURE, ON_A_CPU)
        self.check(STRUCTURE, ON_A_GPU)

    def test_synapses_with_contents(self):
        self.check(CONTENTS, ON_A_CPU)
        self.check(CONTENTS, ON_A_GPU)

    def test_every_neuron_model(self):
        self.check(MODELS, ON_A_CPU)
        self.check(MODELS, ON_A_GPU)


if __name__ == "__main__":
    if OCLGRIND is None or is_sanitized():
        print("oclgrind is not installed, or this is a sanitizer build")
        sys.exit(77)
    unittest.main()
