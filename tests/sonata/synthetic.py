"""Result directories for the tests of this folder: what write_synthetic left, and should leave.

The formulas are those of tests/support/synthetic_run.h.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy

N_STEPS = 40000
DT_MS = 0.1
REPORTS = {  # name: population, unit, node ids, frames, start, interval
    "potential": ("vta_da", "mV", [1, 4, 9], 3000, 10.0, 1.0),
    "dopamine_core": ("dopamine_nac_core", "nM", [0], 5000, 0.0, 0.5),
    "nothing": ("vta_da", "mV", [1, 4, 9], 0, 9000.0, 1.0),
}
SERIES = ["drug.cocaine.plasma_nM", "drug.cocaine.brain_nM", "dopamine.nac_core.concentration_nM",
          "rate.vta_da_hz"]
N_ROWS = 1500
FOLLOWED = {"source_node_id": [0, 4, 4], "target_node_id": [0, 0, 7], "delay": [1.0, 1.5, 2.0]}
N_READINGS = 1500
EDGES = "network/da_to_msn_2.5s_edges.h5"
EDGE_POPULATION = "vta_da__not_recorded__chemical"
N_EDGES, N_SOURCES, N_TARGETS = 50, 20, 10


def spikes():
    """Times in ms and node ids of vta_da."""
    step = numpy.arange(N_STEPS)
    return (step + 1) * DT_MS, step * 7 % 20


def frames(name):
    """Data [n_frames, n_elements] of a report."""
    _, _, node_ids, n_frames, _, _ = REPORTS[name]
    values = numpy.arange(n_frames * len(node_ids), dtype=numpy.float32) * 0.25 - 70
    return values.reshape(n_frames, len(node_ids))


def rows():
    """Times in s and {series: values}."""
    row = numpy.arange(N_ROWS)
    return 0.1 * (row + 1), {name: 1000.0 * s + row for s, name in enumerate(SERIES)}


def readings():
    """Times in s and {variable: [reading, synapse]}."""
    values = 10 * numpy.arange(N_READINGS)[:, None] + numpy.arange(6, dtype=numpy.float32)
    values[9:, [1, 4]] = numpy.nan
    return 0.5 * numpy.arange(N_READINGS), {"weight": values[:, :3], "nmda": values[:, 3:]}


def edges():
    """Columns of the edges."""
    i = numpy.arange(N_EDGES)
    return {"source": numpy.array([0, 4, 4, 12, 16])[i % 5], "target": i // 5, "delay": 1 + 0.25 * (i % 7),
            "syn_weight": 0.5 * i, "nmda": 100.0 + i}


class Run:
    """A synthetic run in a temporary directory; `how` is complete, stopped or killed."""

    def __init__(self, how):
        self._temporary = tempfile.TemporaryDirectory(prefix="mesocl_test_sonata_")
        self.path = Path(self._temporary.name) / "run"
        program = os.environ["MESOCL_WRITE_SYNTHETIC"]
        self.code = subprocess.run([program, self.path, how]).returncode

    def remove(self):
        self._temporary.cleanup()
