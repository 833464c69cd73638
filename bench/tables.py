#!/usr/bin/env python3
"""The records of one folder as the tables of docs/performance.md: python3 bench/tables.py bench/results/cpu-2core"""

import json
import sys
from pathlib import Path


def spread(value, digits=3):
    low, high = value["min"], value["max"]
    return f"{value['median']:.{digits}g} ({low:.{digits}g} to {high:.{digits}g})"


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |")


def heading(*cells):
    row(*cells)
    row(*("---" for _ in cells))


def name_of(record):
    chosen = [f"{k} {v}" for k, v in record["parameters"].items()
              if k in ("scale", "drive", "neurons", "in_degree", "size") and v is not None]
    grids = ["with grids"] if record["parameters"].get("grids") else []
    return " ".join([record["case"], *chosen, *grids])


def networks(records):
    heading("case", "T_wall/T_model", "ns per event, all", "ns per neuron-step, all", "bytes a synapse", "build s", "spike hash")
    for r in records:
        row(name_of(r), spread(r["real_time_factor"]), spread(r["ns_per_event"]), spread(r["ns_per_neuron_step"]),
            f"{r['bytes_per_synapse']:.2f}", f"{r['build_s']:.2g}", r["spike_hash"])
    print()


def figures(record):
    heading("cost of", "median (range)", "unit")
    for f in record["figures"]:
        row(f["name"], spread(f), f["unit"])
    print()


def comparisons(records):
    heading("case", "peer", "threads", "mesocl", "peer's", "ratio", "quiet pairs")
    for record in records:
        for r in record["results"]:
            about = r["about_peer"]
            row(r["case"], f"{about['simulator']} {about['version']}", r["threads"], spread(r["mesocl_real_time_factor"]),
                spread(r["peer_real_time_factor"]), spread(r["ratio"]), f"{r['quiet_pairs']} of {r['pairs']}")
    print()


def main():
    records = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(Path(sys.argv[1]).glob("*.json"))]
    if not records:
        sys.exit(f"{sys.argv[1]}: no records")
    networks([r for r in records if "real_time_factor" in r and "figures" not in r])
    for r in records:
        if "figures" in r:
            figures(r)
    comparisons([r for r in records if "results" in r])


if __name__ == "__main__":
    main()
