"""Every kernel text is clean OpenCL C 1.2 at every vector width."""

import json
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

KERNELS = Path(__file__).resolve().parents[2] / "kernels"
CLANG = shutil.which("clang")
WIDTHS = (1, 4, 8, 16)
OPTIONS = ["-x", "cl", "-cl-std=CL1.2", "-Xclang", "-finclude-default-header", "-fsyntax-only",
           "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]
# Functions that OpenCL lets differ by some ulp.
BANNED = re.compile(r"(native|half)_\w+|mad|mix|(exp|log)(2|10|m1|1p)?|pown?|powr|r?sqrt|cbrt|"
                    r"hypot|a?(sin|cos|tan)h?(pi)?|erfc?|[lt]gamma|fmod|remainder|length|"
                    r"distance|normalize")


def structs(descriptor):
    """The types that mesocl generates from the descriptor of a neuron model, current or rule."""
    model = json.loads(descriptor.read_text())
    name = model["model"]
    role = descriptor.parent.name
    current = role == "currents"
    def members(key):
        return "".join(f"real {quantity};\n" for quantity in model.get(key, {})) or "real none;\n"
    random = "meso_words random;" if model.get("random") else ""
    inputs = members("inputs") if model.get("inputs") else ""
    own = "ulong since, whole_s; float rest_s;" if current else f"real current_pA; {inputs}"
    state = {"currents": "real I_pA;", "rules": "real weight;"}.get(role, "truth spiked;")
    limits = "real weight_min, weight_max;" if role == "rules" else ""
    return (f"typedef struct {{ {members('parameters')} {limits} }} {name}_parameters;\n"
            f"typedef struct {{ {members('derived')} }} {name}_derived;\n"
            f"typedef struct {{ {own} ulong step; {random} }} {name}_inputs;\n"
            f"typedef struct {{ {members('state')} {state} }} {name}_state;\n")


BELOW = ("layout.clh", "groups.clh", "plasticity.clh", "edges.clh")
FIELDS = ("receptors.clh", "terminals.clh", "grids.clh", "signals.clh")


def includes(*names):
    return "".join(f'#include "{name}"\n' for name in names)


def lint(text, width):
    """What clang says about a text that follows the dialect and its libraries."""
    source = includes("mesocl.clh", "math.clh", "rng.clh") + text
    command = [CLANG, *OPTIONS, f"-DMESO_WIDTH={width}", f"-I{KERNELS}", "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True).stderr


class KernelTexts(unittest.TestCase):
    def test_the_dialect_and_its_libraries(self):
        for width in WIDTHS:
            with self.subTest(width=width):
                self.assertEqual(lint("", width), "")

    def test_the_neuron_models_and_currents(self):
        for descriptor in sorted([*KERNELS.glob("neurons/*.json"), *KERNELS.glob("currents/*.json")]):
            folder = descriptor.parent.name
            text = structs(descriptor) + f'#include "{folder}/{descriptor.stem}.clh"\n'
            for width in WIDTHS:
                with self.subTest(model=descriptor.stem, width=width):
                    self.assertEqual(lint(text, width), "")

    def test_the_rules_of_plasticity(self):
        for descriptor in sorted(KERNELS.glob("rules/*.json")):
            text = structs(descriptor) + f'#include "rules/{descriptor.stem}.clh"\n'
            for width in WIDTHS:
                with self.subTest(rule=descriptor.stem, width=width):
                    self.assertEqual(lint(text, width), "")

    def test_the_kernels_of_one_neuron_or_synapse_per_item(self):
        for path in sorted(KERNELS.glob("*.cl")):
            if path.name not in ("network.cl", "grids.cl", "learning.cl", "contacts.cl"):
                with self.subTest(kernel=path.name):
                    self.assertEqual(lint(includes(*BELOW, *FIELDS, path.name), 1), "")

    def test_the_kernels_of_voxels(self):
        for width in WIDTHS:
            with self.subTest(width=width):
                for options in ("", "#define MESO_SERIAL\n"):
                    text = includes(*BELOW, "receptors.clh", "voxels.clh", "vesicles.clh", "cells.clh",
                                    "grids.cl")
                    self.assertEqual(lint(options + text, width), "")

    def test_the_network_but_for_what_is_generated(self):
        generated = ("void chunk_advance(const batch_context *b, const chunk_entry *c,\n"
                     "                   const population_entry *q);\n")
        text = includes(*BELOW, "neurons.clh") + generated + includes("schedule.clh", "synapses.clh", "network.cl")
        for width in WIDTHS:
            for options in ("", "#define MESO_SERIAL\n", "#define MESO_MAKES_EDGES\n#define MESO_PLASTIC\n"):
                with self.subTest(width=width, options=options):
                    self.assertEqual(lint(options + text, width), "")

    def test_learning_but_for_what_is_generated(self):
        generated = ("#define MESO_RULE_STATES 2u\n"
                     "typedef struct { real weight, states[2]; } learned_synapse;\n"
                     "typedef struct { real p; } rule_numbers;\n"
                     "rule_numbers rule_load(uint rule, __global const float *K, float dt_ms);\n"
                     "learned_synapse rule_apply(uint rule, int event, const rule_numbers *n, learned_synapse x,\n"
                     "                           real value, real span_ms, meso_words random);\n"
                     "uint rule_waits(uint rule);\nuint rule_is_random(uint rule);\n"
                     "uint rule_contents(uint rule);\nuint rule_hears(uint rule);\n"
                     "uint rule_turns(uint rule);\nuint rule_states(uint rule);\n"
                     "uint rule_weighs(uint rule);\nuint rule_is_modulated(uint rule);\n"
                     "learned_synapse rule_turnover(uint rule, const rule_numbers *n, learned_synapse x,\n"
                     "                              real signal, meso_words random, real span_s);\n")
        text = includes(*BELOW, "synapses.clh", "pending.clh") + generated
        for options in ("", "#define MESO_SERIAL\n"):
            for width in WIDTHS:
                files = ["histories.clh", "passages.clh", "learning.cl"]
                files += ["contacts.cl", "degrees.cl"] if width == 1 else []
                with self.subTest(options=options, width=width):
                    self.assertEqual(lint(options + text + includes(*files), width), "")

    def test_every_model_has_its_pair_of_files(self):
        for folder in ("neurons", "currents", "rules"):
            names = {suffix: {p.stem for p in KERNELS.glob(f"{folder}/*.{suffix}")}
                     for suffix in ("json", "clh")}
            self.assertEqual(names["json"], names["clh"])
            self.assertTrue(names["json"])

    def test_no_library_function_whose_bits_depend_on_the_device(self):
        for path in sorted(KERNELS.rglob("*.cl*")):
            code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
            calls = set(re.findall(r"\b([a-z_0-9]+)\s*\(", code))
            self.assertEqual({c for c in calls if BANNED.fullmatch(c)}, set(), path.name)


if __name__ == "__main__":
    if CLANG is None:
        print("clang is not installed")
        sys.exit(77)
    unittest.main()
