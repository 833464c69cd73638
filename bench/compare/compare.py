#!/usr/bin/env python3
"""mesocl beside NEST and Brian2: the same networks and threads, in turns, in one sitting.

    python3 bench/compare/compare.py --quick
    python3 bench/compare/compare.py --cases pd14-poisson,pd14-dc --scale 0.1 --repeats 5

bench/README.md says what is compared and how to read it. Exit code 1: rates differ, so speeds do not count.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from simulators import HERE, SCRIPTS, VENV, WORK, Mesocl, Peer, Setting, SimulatorError, networks

# name: network, its options, seconds before the windows, seconds of a window
CASES = {
    "pd14-poisson": ("pd14", {"drive": "poisson"}, 0.5, 1.0),
    "pd14-dc": ("pd14", {"drive": "dc"}, 0.5, 1.0),
    "coba-4000x80": ("coba", {"n": 4000, "synapses": 80}, 0.5, 2.0),
    "coba-40000x80": ("coba", {"n": 40000, "synapses": 80}, 0.5, 0.5),
    "coba-40000x1000": ("coba", {"n": 40000, "synapses": 1000}, 0.5, 0.5),
    "brunel-ai": ("brunel", {"g": 5.0, "eta": 2.0}, 0.5, 0.5),
    "brunel-fast": ("brunel", {"g": 6.0, "eta": 4.0}, 0.5, 0.5),
    "learning-static": ("learning", {"rule": "static"}, 0.3, 1.0),
    "learning-stdp": ("learning", {"rule": "stdp", "update_ms": 100.0}, 0.3, 1.0),
    "learning-dopamine": ("learning", {"rule": "dopamine_stdp", "deliver_ms": 1.5}, 0.1, 0.1),
    "learning-dopamine-coarse": ("learning", {"rule": "dopamine_stdp"}, 0.5, 1.5),
}
QUICK = {"cases": "pd14-poisson,pd14-dc,coba-4000x80", "scale": 0.05, "repeats": 2, "seconds": 0.5}


# --- the peers' environment -----------------------------------------------------------------------


def install_peers():
    """build/bench-venv, as requirements.txt says; at once when it is there already."""
    wanted = (HERE / "requirements.txt").read_text()
    stamp = VENV / "installed.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not (3, 11) <= sys.version_info < (3, 14):
        raise SimulatorError(f"the peers' wheels are for Python 3.11 to 3.13, this is {platform.python_version()}; "
                             f"run compare.py with another one")
    say(f"installing the peers into {VENV}")
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    subprocess.run([VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                    "-r", HERE / "requirements.txt"], check=True)
    stamp.write_text(wanted)


# --- windows in turns -------------------------------------------------------------------------------


def say(text):
    print(text, file=sys.stderr, flush=True)


def take_turns(mesocl, peer, repeats):
    """[(window of mesocl, window of the peer)]"""
    pairs = []
    for i in range(repeats):
        pair = mesocl.run_window(), peer.run_window()
        say(f"  {i + 1}: mesocl {describe(pair[0])}, {peer.name} {describe(pair[1])}")
        pairs.append(pair)
    return pairs


def describe(window):
    disturbed = f" (disturbed: {window.foreign_cpu_s:.2f} s)" if window.disturbed else ""
    return f"{window.real_time_factor:.3g}{disturbed}"


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratios(pairs):
    """Wall time of the peer over that of mesocl, of quiet pairs when there are any."""
    quiet = [p for p in pairs if not (p[0].disturbed or p[1].disturbed)]
    used = quiet or pairs
    return {"ratio": spread([theirs.real_time_factor / ours.real_time_factor for ours, theirs in used]),
            "mesocl_real_time_factor": spread([ours.real_time_factor for ours, _ in used]),
            "peer_real_time_factor": spread([theirs.real_time_factor for _, theirs in used]),
            "quiet_pairs": len(quiet), "pairs": len(pairs)}


# --- rates -----------------------------------------------------------------------------------------


def tolerance(network):
    """(part, Hz) by which rates of two simulators may differ, whichever is wider. Between seeds and in
    windows of a second small networks scatter more; self-sustained ones too, and methods of integration
    differ there."""
    if network["name"] == "pd14":
        return (0.15, 0.15) if networks.n_neurons(network) > 38000 else (0.25, 0.5)
    return {"brunel": (0.05, 0.0), "coba": (0.15, 0.0), "learning": (0.15, 0.15)}[network["name"]]


def mean_rates(windows):
    return {name: statistics.fmean(w.rates_hz[name] for w in windows) for name in windows[0].rates_hz}


def compare_rates(network, ours, theirs):
    """[a line for each population whose rates differ]"""
    part, least = tolerance(network)
    return [f"{name}: mesocl {ours[name]:.3g} Hz, peer {theirs[name]:.3g} Hz" for name in theirs
            if abs(ours[name] - theirs[name]) > max(part * theirs[name], least)]


# --- a case ----------------------------------------------------------------------------------------


def make_setting(case, given):
    name, options, presim_s, window_s = CASES[case]
    if name == "pd14":
        options = {**options, "scale": given.scale}
        case += f"-{given.scale:g}"
    return Setting(networks.NETWORKS[name](**options), case, given.threads, presim_s,
                   given.seconds or window_s, given.repeats, given.seed)


def run_pair(setting, peer_name, given):
    say(f"{setting.name}, mesocl and {peer_name}: building")
    peer = Peer(setting, peer_name)
    try:
        mesocl = Mesocl(setting, given.mesocl, given.device, given.option)
        pairs = take_turns(mesocl, peer, setting.windows)
    finally:
        peer.close()
    ours, theirs = (mean_rates([pair[side] for pair in pairs]) for side in (0, 1))
    return {"case": setting.name, "peer": peer_name, "threads": setting.threads, "presim_s": setting.presim_s,
            "window_s": setting.window_s, "seed": setting.seed,
            "neurons": networks.n_neurons(setting.network), "synapses": networks.n_synapses(setting.network),
            "about_peer": peer.about, "about_mesocl": mesocl.about, **ratios(pairs),
            "rates_hz": {"mesocl": ours, "peer": theirs},
            "rates_differ": compare_rates(setting.network, ours, theirs),
            "windows": [{"mesocl": asdict(a), "peer": asdict(b)} for a, b in pairs]}


def run_cases(given):
    results = []
    for case in given.cases.split(","):
        setting = make_setting(case, given)
        for peer in given.peers.split(","):
            try:
                results.append(run_pair(setting, peer, given))
            except SimulatorError as error:
                say(f"{setting.name}, {peer}: not compared: {error}")
                results.append({"case": setting.name, "peer": peer, "error": str(error)})
    return results


# --- what is told -----------------------------------------------------------------------------------


def of(spread_):
    return f"{spread_['median']:.3g} ({spread_['min']:.3g}..{spread_['max']:.3g})"


def print_table(results):
    rows = [("case", "peer", "mesocl", "peer's", "ratio", "quiet", "rates")]
    for r in results:
        if "error" in r:
            rows.append((r["case"], r["peer"], "-", "-", "-", "-", "not compared"))
            continue
        rows.append((r["case"], f"{r['about_peer']['simulator']} {r['about_peer']['version']}",
                     of(r["mesocl_real_time_factor"]), of(r["peer_real_time_factor"]),
                     of(r["ratio"]) + ("" if r["quiet_pairs"] else " disturbed"),
                     f"{r['quiet_pairs']} of {r['pairs']}", "differ" if r["rates_differ"] else "agree"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print("\nReal-time factors (wall s per model s): median (min..max). Ratio: peer over mesocl, pair by pair.\n"
          "Quiet: pairs without disturbance by other processes; where there are none the ratio is that of all, and "
          "worth little.")


def machine():
    model = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    return {"processor": model[0] if model else platform.machine(), "cores": os.cpu_count(),
            "system": platform.platform()}


def read_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="pd14-poisson,pd14-dc,coba-4000x80",
                        help=f"comma-separated, of: {', '.join(CASES)} (default: %(default)s)")
    parser.add_argument("--peers", default="nest,brian2",
                        help=f"comma-separated, of: {', '.join(SCRIPTS)} (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="(default: all cores)")
    parser.add_argument("--repeats", type=int, default=3, help="windows of each (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="of pd14 (default: 1)")
    parser.add_argument("--seconds", type=float, help="model time of a window (default: by case)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write everything here")
    parser.add_argument("--quick", action="store_true", help=f"small networks, short windows: {QUICK}")
    parser.add_argument("--mesocl", type=Path, default=HERE.parents[1] / "build" / "release" / "mesocl",
                        help="the program (default: build/release/mesocl)")
    parser.add_argument("--device", help="mesocl's device")
    parser.add_argument("--option", action="append", default=[], help="another option for mesocl bench")
    if "--quick" in arguments:
        parser.set_defaults(**QUICK)
    given = parser.parse_args(arguments)
    for value, allowed, what in ((given.cases, CASES, "case"), (given.peers, SCRIPTS, "peer")):
        for name in value.split(","):
            if name not in allowed:
                parser.error(f"no {what} '{name}': {', '.join(allowed)}")
    for name in ("threads", "repeats"):
        if getattr(given, name) < 1:
            parser.error(f"--{name} is at least 1")
    if not given.mesocl.exists():
        parser.error(f"{given.mesocl} is not there: cmake --preset release && cmake --build --preset release")
    return given


def main(arguments):
    given = read_arguments(arguments)
    try:
        install_peers()
    except (SimulatorError, subprocess.CalledProcessError) as error:
        say(f"compare.py: the peers could not be installed: {error}")
        return 2
    WORK.mkdir(parents=True, exist_ok=True)
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    results = run_cases(given)
    if given.json:
        given.json.write_text(json.dumps({"started": started, "machine": machine(), "results": results},
                                         indent=2) + "\n")
    print_table(results)
    differing = [(r, line) for r in results for line in r.get("rates_differ", [])]
    for r, line in differing:
        print(f"RATES DIFFER, the ratio does not count: {r['case']}, {r['peer']}, {line}")
    return 1 if differing or any("error" in r for r in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
