"""The distal reward experiment with many seeds: when the rewarded synapse passes 3.9 of 4, and what the others do.

    python3 tests/validation/distal_reward.py [--program build/release/mesocl] [--seeds 10] [--jobs 2] [--out FILE.json]

Each seed is 90 simulated minutes, about four minutes of one core. The exit code is 1 when the synapse is learned with
less than 80 % of the seeds.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

EXPERIMENT = Path(__file__).with_name("distal_reward.json")
LEARNED, SHARE = 3.9, 0.8


def simulate(program, seed):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results"
        subprocess.run([program, "run", EXPERIMENT, "--out", out, "--seed", str(seed), "--quiet", "--partitions", "1"],
                       check=True)
        return json.loads((out / "summary.json").read_text())


def outcome(seed, summary):
    def values(name, quantity):
        return [(a["time_h"], a["value"]) for a in summary["assays"] if (a["name"], a["quantity"]) == (name, quantity)]
    passed = [hours * 60 for hours, weight in values("rewarded", "mean") if weight >= LEARNED]
    return {"seed": seed, "learned_min": round(passed[0], 3) if passed else None,
            "rewards": summary["contingencies"]["reward"]["given"], "weight": values("rewarded", "mean")[-1][1],
            "mean_weight": values("others", "mean")[-1][1], "rate_hz": summary["rates_hz"]["exc"],
            "spike_hash": summary["spike_hash"]}


def show(row):
    when = f"{row['learned_min']:6.1f} min" if row["learned_min"] is not None else "    never"
    print(f"seed {row['seed']:3d}  learned {when}  rewards {row['rewards']:4d}  weight at the end {row['weight']:.3f}  "
          f"mean of the others {row['mean_weight']:.3f}  rate {row['rate_hz']:.2f} Hz", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/mesocl")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    rows = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        seeds = range(1, arguments.seeds + 1)
        for seed, summary in zip(seeds, pool.map(lambda seed: simulate(arguments.program, seed), seeds)):
            rows.append(outcome(seed, summary))
            show(rows[-1])
    share = sum(row["learned_min"] is not None for row in rows) / len(rows)
    print(f"learned with {share:.0%} of {len(rows)} seeds")
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(rows, indent=2) + "\n")
    return 0 if share >= SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
