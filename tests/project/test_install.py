"""An installed mesocl can be found by CMake and by pkg-config, and its headers stand alone."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

PROGRAM = """
#include <mesocl/mesocl.h>
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    char *schema = NULL;
    meso_status status = meso_experiment_schema(&schema, NULL);
    printf("%s %s %s\\n", MESO_VERSION, meso_status_name(status), schema ? "schema" : "nothing");
    free(schema);
    return meso_status_exit_code(status);
}
"""
CMAKE_PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(consumer C)
find_package(mesocl 0.1 REQUIRED)
add_executable(consumer consumer.c)
target_link_libraries(consumer PRIVATE mesocl::mesocl)
"""


def run(*command, **options):
    result = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, **options)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}:\n{result.stdout}")
    return result.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cmake = os.environ["MESOCL_CMAKE"]
        cls.temporary = tempfile.TemporaryDirectory()
        cls.work = Path(cls.temporary.name)
        cls.prefix = cls.work / "prefix"
        run(cls.cmake, "--install", os.environ["MESOCL_BUILD_DIR"], "--prefix", cls.prefix)
        (cls.work / "consumer.c").write_text(PROGRAM)
        (cls.work / "CMakeLists.txt").write_text(CMAKE_PROJECT)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def library_dir(self):
        return next(self.prefix.rglob("libmesocl.so")).parent

    def check_consumer(self, program):
        environment = dict(os.environ, LD_LIBRARY_PATH=str(self.library_dir()))
        output = run(program, env=environment).split()
        self.assertEqual(output[1:], ["MESO_OK", "schema"])

    def test_a_cmake_project_finds_the_package(self):
        build = self.work / "cmake-build"
        run(self.cmake, "-S", self.work, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run(self.cmake, "--build", build)
        self.check_consumer(build / "consumer")

    def test_pkg_config_gives_the_flags(self):
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.library_dir() / "pkgconfig"))
        flags = run("pkg-config", "--cflags", "--libs", "mesocl", env=environment).split()
        program = self.work / "consumer-pkg-config"
        run("cc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", self.work / "consumer.c",
            "-o", program, *flags)
        self.check_consumer(program)

    def test_the_installed_program_starts(self):
        self.assertIn("mesocl", run(self.prefix / "bin" / "mesocl", "--version"))

    def test_the_installed_program_brings_its_experiments(self):
        program = self.prefix / "bin" / "mesocl"
        self.assertIn("L6I_to_L6E", run(program, "bench", "pd14", "--print-experiment", cwd=self.work))
        self.assertIn("is valid", run(program, "check", "builtin:configs/cocaine_acute.json", cwd=self.work))

    def test_every_installed_header_compiles_alone_in_c_and_cxx(self):
        headers = sorted((self.prefix / "include" / "mesocl").glob("*.h"))
        self.assertGreater(len(headers), 5)
        for header in headers:
            for compiler, language in (("cc", "c"), ("c++", "c++")):
                with self.subTest(header=header.name, language=language):
                    run(compiler, "-x", language, "-fsyntax-only", "-Wall", "-Werror",
                        f"-I{self.prefix / 'include'}", "-include", f"mesocl/{header.name}",
                        "/dev/null")


if __name__ == "__main__":
    unittest.main()
