#!/usr/bin/env python3
"""mesocl beside a process that keeps one core busy: batches side by side against plain launches, in turns.

    python3 bench/busy.py --case pd14 --case-arguments "--scale 0.1 --drive dc" --repeats 5

Groups that wait for each other must not make a machine that others use much slower than launches do.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCHEDULES = ("launch", "side-by-side")


def window(arguments, schedule):
    """Wall over model time of one window, and whether the spikes are the same is up to the caller."""
    with tempfile.NamedTemporaryFile(suffix=".json") as record:
        command = [arguments.mesocl, "bench", arguments.case, *arguments.case_arguments.split(), "--no-profile",
                   "--seconds", str(arguments.seconds), "--warm-up", str(arguments.warm_up), "--repeats", "1",
                   "--schedule", schedule, "--json", record.name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        result = json.load(open(record.name, encoding="utf-8"))
    return result["windows"][0]["wall_s"] / result["windows"][0]["model_s"], result["spike_hash"]


def in_turns(arguments):
    factors, hashes = {s: [] for s in SCHEDULES}, set()
    for _ in range(arguments.repeats):
        for schedule in SCHEDULES:
            factor, spike_hash = window(arguments, schedule)
            factors[schedule].append(factor)
            hashes.add(spike_hash)
    if len(hashes) != 1:
        sys.exit(f"the spikes differ: {hashes}")
    return factors


def report(title, factors):
    ratios = [b / a for a, b in zip(factors["launch"], factors["side-by-side"])]
    print(f"{title:<12}", *(f"{s} {statistics.median(f):.3f} ({min(f):.3f} to {max(f):.3f})" for s, f in factors.items()),
          f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})", sep="  ")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mesocl", default=str(ROOT / "build/release/mesocl"))
    parser.add_argument("--case", default="pd14")
    parser.add_argument("--case-arguments", default="--scale 0.1 --drive dc", help="as for mesocl bench")
    parser.add_argument("--seconds", type=float, default=2, help="model time of a window")
    parser.add_argument("--warm-up", type=float, default=0.5)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    report("alone", in_turns(arguments))
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            report("beside one", in_turns(arguments))
        finally:
            busy.kill()


if __name__ == "__main__":
    main()
