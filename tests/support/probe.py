"""What stimuli bring, step by step, seen by a neuron model of the test's own: its potential is the current of the
step, and `n` is the sum of all that ever came to its input `kick`. It fires at 8 nA."""

import json
import tempfile
from pathlib import Path

from results import Results

MODEL = {
    "model": "probe", "title": "Shows what comes in", "parameters": {},
    "state": {"v_mV": {"unit": "mV", "doc": "current in pA"}, "n": {"unit": "1", "doc": "sum of kicks"}},
    "inputs": {"kick": {"unit": "1", "doc": "counted"}},
}
TEXT = """
MESO_FUNCTION probe_state probe(probe_state s, probe_parameters p, probe_inputs in, float dt_ms)
{
    s.v_mV = in.current_pA;
    s.n += in.kick;
    s.spiked = in.current_pA > (real)(8.0e3f);
    return s;
}
"""


def write_probe(folder):
    (folder / "probe.json").write_text(json.dumps(MODEL))
    (folder / "probe.clh").write_text(TEXT)


def watch(variable, stimuli, n_neurons=1, ms=20.0, interval_ms=0.1, start_ms=0.0, dt_ms=0.1,
          field_step_ms=1.0, seed=1, files=None, prepare=None, **changes):
    """Of each neuron: row i is that after the steps before start_ms + i interval_ms."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_probe(folder)
        for name, text in (files or {}).items():
            (folder / name).write_text(text if isinstance(text, str) else json.dumps(text))
        if prepare:
            prepare(folder)
        experiment = folder / "experiment.json"
        experiment.write_text(json.dumps({
            "schema_version": 1, "seed": seed, "dt_ms": dt_ms, "field_step_ms": field_step_ms,
            "cells": {"probe": {"model": "probe"}},
            "populations": {"cells": {"cell": "probe", "n_neurons": n_neurons}},
            "stimuli": {name: {"target": "cells", **s} for name, s in stimuli.items()},
            "protocol": [{"phase": "all", "ms": ms}],
            "record": {"spikes": False, "timeline_interval_ms": field_step_ms, "reports": {"seen": {
                "population": "cells", "variable": variable, "neurons": n_neurons,
                "interval_ms": interval_ms, "start_ms": start_ms}}},
        }))
        results = Results(experiment, **changes)
        values = results.report("seen")
        results.close()
        return values
