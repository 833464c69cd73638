"""What the peers have in common: a process that builds one network and simulates a window whenever it
is told to, so that the windows of two simulators can alternate in time.

It reads one line of JSON from standard input, {"network", "threads", "seed", "presim_s", "window_s",
"windows", "directory"}, and answers with a line once the network stands and has run for presim_s. Then
each line on standard input is a window. Import this module before the simulator: what simulators print
goes to standard error from then on.
"""

import json
import os
import sys
import time

import numpy as np

# NEST prints while it is imported, so this comes first.
replies = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def serve(build):
    """build(request) gives (what to say of the simulator, a function that runs a window). That function
    gives wall seconds, or None to be timed here, and the spikes of each population in the window."""
    def reply(**members):
        replies.write(json.dumps(members) + "\n")
        replies.flush()

    request = json.loads(sys.stdin.readline())
    start = time.perf_counter()
    try:
        about, run_window = build(request)
    except Exception as error:  # of whatever kind: the other side is to know, not to wait
        reply(error=f"{type(error).__name__}: {error}".strip())
        raise
    reply(build_s=time.perf_counter() - start, **about)
    for _ in sys.stdin:
        start = time.perf_counter()
        wall_s, spikes = run_window()
        if wall_s is None:
            wall_s = time.perf_counter() - start
        reply(wall_s=wall_s, model_s=request["window_s"], spikes=spikes)


def draw(value, n, rng):
    """n values of a number, {"min", "max"}, or {"mean", "sd", "min", "max"}."""
    if not isinstance(value, dict):
        return np.full(n, float(value))
    if "sd" not in value:
        return rng.uniform(value["min"], value["max"], n)
    return np.clip(rng.normal(value["mean"], value["sd"], n), value["min"], value["max"])
