"""The spikes of a run do not depend on how many threads the device has."""

import json
import os
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["MESOCL_PROGRAM"]
EXPERIMENT = "tests/support/busy.json"


def spike_hash(**environment):
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([PROGRAM, "run", EXPERIMENT, "--out", out, "--quiet"], check=True,
                       env={**os.environ, **environment})
        with open(os.path.join(out, "summary.json"), encoding="utf-8") as file:
            return json.load(file)["spike_hash"]


class Threads(unittest.TestCase):
    def test_one_two_and_four_threads(self):
        """PoCL takes its number of threads from the environment; other devices ignore it."""
        hashes = {spike_hash(POCL_MAX_PTHREAD_COUNT=n) for n in ("1", "2", "4")}
        self.assertEqual(len(hashes), 1)

    def test_without_the_program_cache(self):
        self.assertEqual(spike_hash(MESOCL_NO_CACHE="1"), spike_hash())


if __name__ == "__main__":
    unittest.main()
