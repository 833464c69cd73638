"""The house has one way down: who may include what, which names are public, which are banned."""

import os
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MAY_INCLUDE = {
    "base": set(),
    "device": {"base"},
    "model": {"base"},
    "sonata": {"base"},
    "config": {"base", "model", "sonata"},
    "engine": {"base", "model", "device"},
    "protocol": {"base", "model", "device", "config", "engine"},
    "output": {"base", "model", "device", "sonata", "config", "engine"},
    "cli": {"base", "model", "device", "config", "engine", "protocol", "output"},
}
THIRD_PARTY = {  # header pattern: where it may be included
    r"cjson/|cJSON\.h": "src/config/",
    r"hdf5|H5.*\.h": "src/sonata/",
    r"CL/": "src/device/opencl.h",
    r"xxhash\.h": "src/base/",
    r"Random123/": "tests/",
}
BANNED_NAMES = {"util", "utils", "manager", "handler", "misc", "common", "helpers"}


def includes():
    """Every #include below src/ and include/: (file, header)."""
    for top in ("src", "include"):
        for file in sorted((ROOT / top).rglob("*.[ch]")):
            for line in file.read_text().splitlines():
                match = re.match(r'\s*#\s*include\s*["<]([^">]+)[">]', line)
                if match:
                    yield file.relative_to(ROOT).as_posix(), match.group(1)


class Layers(unittest.TestCase):
    def test_a_folder_includes_only_what_stands_below_it(self):
        self.assertGreater(len(list(includes())), 0)
        for file, header in includes():
            there = header.split("/")[0]
            if there not in MAY_INCLUDE:
                continue
            here = file.split("/")[1]
            with self.subTest(file=file, header=header):
                self.assertTrue(file.startswith("src/"), "a public header includes an internal one")
                self.assertTrue(there == here or there in MAY_INCLUDE[here],
                                f"{here}/ stands not above {there}/")

    def test_includes_name_the_folder(self):
        for file, header in includes():
            with self.subTest(file=file, header=header):
                self.assertNotIn("..", header.split("/"))

    def test_each_third_party_header_has_one_home(self):
        for file, header in includes():
            for pattern, home in THIRD_PARTY.items():
                if re.match(pattern, header):
                    with self.subTest(file=file, header=header):
                        self.assertTrue(file.startswith(home), f"<{header}> belongs into {home}")

    def test_files_are_named_after_a_concept(self):
        for top in ("src", "include", "kernels"):
            for file in (ROOT / top).rglob("*.*"):
                with self.subTest(file=file):
                    self.assertFalse(BANNED_NAMES & set(re.split(r"[_.]", file.name.lower())))


class Symbols(unittest.TestCase):
    def test_the_library_exports_only_what_begins_with_meso(self):
        library = Path(os.environ["MESOCL_BUILD_DIR"]) / "libmesocl.so"
        table = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                               capture_output=True, text=True).stdout
        symbols = [line.split()[-1] for line in table.splitlines()]
        self.assertIn("meso_experiment_run", symbols)
        for symbol in symbols:
            with self.subTest(symbol=symbol):
                self.assertTrue(symbol.startswith("meso_"))


if __name__ == "__main__":
    unittest.main()
