"""Functions and models give the host's bits under Oclgrind too, a simulated OpenCL device."""

import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

OCLGRIND = shutil.which("oclgrind")
PROGRAM = Path(os.environ.get("MESOCL_BUILD_DIR", "build")) / "tests" / "kernel_test_math_device"


def is_sanitized(program):
    """AddressSanitizer wants to be loaded first, and so does Oclgrind."""
    return "libasan" in subprocess.run(["ldd", program], capture_output=True, text=True).stdout


class Oclgrind(unittest.TestCase):
    def test_device_functions_and_models(self):
        environment = {k: v for k, v in os.environ.items()
                       if k not in ("MESOCL_TEST_DEVICE", "MESOCL_DEVICE")}
        run = subprocess.run([OCLGRIND, PROGRAM], env=environment, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertIn("Oclgrind Simulator", run.stdout)


if __name__ == "__main__":
    if OCLGRIND is None or is_sanitized(PROGRAM):
        print("oclgrind is not installed, or this is a sanitizer build")
        sys.exit(77)
    unittest.main()
