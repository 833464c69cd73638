"""A run in several sittings, however each of them ended, leaves the values of a run in one."""

import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import h5py

from results import DEVICE, PROGRAM

SUPPORT = Path(__file__).resolve().parents[1] / "support"
NOT_COMPARED = ("started", "wall_s", "compile_s", "build_s", "real_time_factor")

# The network with everything, in space: what else an experiment can have.
REPORTS = {
    "v": {"population": "msn", "variable": "v_mV", "neurons": 20, "interval_ms": 0.5},
    "g": {"population": "da", "variable": "g_nmda_nS", "start_ms": 40, "stop_ms": 210},
    "dopamine": {"modulator": "dopamine", "region": "nac", "variable": "concentration_nM"},
    "plane": {"modulator": "dopamine", "region": "nac", "variable": "concentration_nM", "plane_um": 6,
              "interval_ms": 20},
    "D1": {"population": "msn", "receptor": "D1", "variable": "occupancy", "neurons": 9, "interval_ms": 10},
}
ASSAYS = {
    "dialysis": {"assay": "microdialysis", "modulator": "dopamine", "region": "nac", "bin_min": 0.001,
                 "lag_min": 0.0002, "baseline_bins": 1},
    "tracer": {"assay": "pet", "population": "msn", "receptor": "D1", "start_s": 0.05},
    "transporter": {"assay": "pet", "modulator": "dopamine", "region": "nac", "start_s": 0.05},
    "signal": {"assay": "signal", "series": "dopamine.nac.concentration_nM", "start_s": 0.02},
    "units": {"assay": "units", "population": "da"},
    "up": {"assay": "membrane_states", "report": "v", "split_mV": -65},
    "transients": {"assay": "transients", "modulator": "dopamine", "region": "nac", "threshold_nM": 1,
                   "sample_ms": 10},
    "slice": {"assay": "voltammetry", "modulator": "dopamine", "region": "nac", "at_s": 0.1, "pulses": 1,
              "after_s": 1, "wash_in_s": 1},
}
EVERYTHING = ("grid.json", [f"record.reports={json.dumps(REPORTS)}", f"assays={json.dumps(ASSAYS)}"])
LEARNING = ("learning.json", [])
STRUCTURE = ("structure.json", [])

# What is read of single synapses, before, at and after the ends of sittings.
SYNAPSES = ("learning.json", [
    "record.synapses=" + json.dumps({
        "tenth": {"projection": "forward", "fraction": 0.1, "every_s": 0.01},
        "ten": {"projection": "recurrent", "count": 10, "every_s": 0.1, "variables": "weight"}}),
    "record.snapshots=" + json.dumps({"projection": ["forward", "inhibition"], "at_s": [0, 0.05, 0.1, 0.2, 0.3]}),
    "assays=" + json.dumps({
        "spread": {"assay": "weight_distribution", "projection": "forward", "at_s": [0.05, 0.1, 0.2, 0.25, 0.3]},
        "of_states": {"assay": "weight_distribution", "projection": "forward", "at_s": [0.1, 0.2],
                      "variable": "eligibility"},
        "numbers": {"assay": "contacts", "projection": "recurrent", "at_s": [0.05, 0.1, 0.2, 0.25, 0.3]}})])

# Contacts with contents, which spikes with amplitudes go through, and assays of them.
CONDUCTANCE = {"kind": "biexponential", "tau_rise_ms": 0.5, "tau_decay_ms": 4, "E_mV": 0}
CONTENTS = {
    "schema_version": 1, "seed": 3,
    "cells": {
        "in": {"model": "poisson_source", "parameters": {"rate_hz": 40}},
        "out": {"model": "izhikevich", "parameters": {"I0_pA": 70},
                "conductances": {"ampa": CONDUCTANCE, "cp_ampa": CONDUCTANCE,
                                 "nmda": {**CONDUCTANCE, "tau_decay_ms": 90, "mg_mM": 1}}}},
    "populations": {"in": {"cell": "in", "n_neurons": 60}, "out": {"cell": "out", "n_neurons": 100}},
    "projections": {"contacts": {
        "source": "in", "target": "out", "rule": "fixed_indegree", "indegree": 20, "receptors": {"ampa": 1},
        "weight_nS": {"distribution": "uniform", "min": 0.2, "max": 1},
        "delay_ms": {"distribution": "uniform", "min": 1, "max": 3},
        "short_term_plasticity": {"U": 0.4, "tau_recovery_ms": 200, "tau_facilitation_ms": 20},
        "long_term_plasticity": {"rule": "contact", "weight_max_nS": 2, "contents": {
            "nmda": {"receptors": {"nmda": 1}, "initial_share": 0.5}}}}},
    "assays": {
        "ratio": {"assay": "ampa_nmda_ratio", "projection": "contacts", "at_s": [0.05, 0.1, 0.2, 0.25, 0.3]},
        "pairs": {"assay": "paired_pulse_ratio", "projection": "contacts", "at_s": [0.05, 0.1, 0.2, 0.25, 0.3]}},
    "record": {"synapses": {"all": {"projection": "contacts", "fraction": 1, "every_s": 0.1}}},
    "protocol": [{"phase": "all", "ms": 300}],
}


def mesocl(*arguments, **more):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300, **more)


def run_arguments(case, out, *options):
    experiment, changes = case
    command = ["run", SUPPORT / experiment, "--out", out, "--quiet", *options]
    if DEVICE:
        command += ["--device", DEVICE]
    for change in changes:
        command += ["--set", change]
    return list(map(str, command))


def contents(directory):
    """All that a result directory holds: by file, by name, bytes and attributes."""
    values = {}
    for path in sorted(directory.rglob("*.h5")):
        with h5py.File(path) as file:
            def take(name, item):
                where = (path.relative_to(directory).as_posix(), name)
                values[where] = sorted((key, str(value)) for key, value in item.attrs.items())
                if isinstance(item, h5py.Dataset):
                    values[where] += [item.dtype.str, item.shape, item[()].tobytes()]
            take("/", file)
            file.visititems(take)
    summary = json.loads((directory / "summary.json").read_text())
    values["summary"] = {key: value for key, value in summary.items() if key not in NOT_COMPARED}
    values["experiment"] = (directory / "experiment.json").read_text()
    return values


class Restart(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_for(self, code, case, out, *options):
        result = mesocl(*run_arguments(case, out, *options))
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def check_same(self, one, other):
        wanted, found = contents(one), contents(other)
        self.assertEqual(sorted(map(str, wanted)), sorted(map(str, found)))
        for where, value in wanted.items():
            with self.subTest(where=where):
                self.assertEqual(value, found[where])
        self.assertGreater(wanted["summary"]["spikes"], 100)


class Sittings(Restart):
    def check_in_sittings(self, case, stops, *options):
        whole, parts = self.folder / "whole", self.folder / "parts"
        self.run_for(0, case, whole, *options)
        for i, stop_s in enumerate(stops):
            self.run_for(6, case, parts, "--stop-after-s", stop_s, *options, *(["--resume"] if i else []))
            self.assertTrue((parts / "checkpoint.h5").exists())
            summary = json.loads((parts / "summary.json").read_text())
            self.assertEqual(summary["status"], "stopped")
            self.assertAlmostEqual(summary["network_time_s"], stop_s)
        self.run_for(0, case, parts, "--resume")
        self.assertEqual([path.name for path in parts.glob("*checkpoint*")], [])
        self.check_same(whole, parts)

    def test_learning(self):
        self.check_in_sittings(LEARNING, [0.137])

    def test_learning_in_many_sittings(self):
        self.check_in_sittings(LEARNING, [0.001, 0.05, 0.051, 0.2, 0.299])

    def test_learning_in_another_layout(self):
        """The layout of the first sitting is that of all."""
        self.check_in_sittings(LEARNING, [0.137], "--partitions", 3, "--work-group-size", 4)

    def test_everything(self):
        """Grids, stores, receptors, drugs, all sorts of input; reports, assays that observe and one with a probe."""
        self.check_in_sittings(EVERYTHING, [0.013, 0.1])

    def test_everything_after_the_last_dose(self):
        self.check_in_sittings(EVERYTHING, [0.203])

    def test_readings_of_synapses(self):
        self.check_in_sittings(SYNAPSES, [0.1, 0.2, 0.25])
        names = {where[0] for where in contents(self.folder / "parts") if isinstance(where, tuple)}
        self.assertLessEqual({"synapses/tenth.h5", "network/forward_0.2s_edges.h5"}, names)

    def test_contents_of_contacts(self):
        (self.folder / "contents.json").write_text(json.dumps(CONTENTS))
        self.check_in_sittings((self.folder / "contents.json", []), [0.1, 0.201])

    def test_contacts_that_come_and_go(self):
        """Between updates, and where some delay groups have had one and others not."""
        self.check_in_sittings(STRUCTURE, [0.012, 0.022, 0.1, 0.255])

    def test_phases_leaps_and_playback(self):
        """Sittings end in a phase, and where one begins with a leap; spikes of a file go on; elimination is saturable."""
        played = self.folder / "played"
        self.run_for(0, LEARNING, played)
        changes = [
            "protocol=" + json.dumps([
                {"phase": "first", "ms": 100, "events": [
                    {"at_ms": 10, "drug": "cocaine", "route": "iv", "dose_mg_per_kg": 3, "over_ms": 60}]},
                {"phase": "later", "ms": 150, "leap_min": 30}]),
            "drugs.cocaine.V_max_elimination_mg_per_kg_per_h=5", "drugs.cocaine.K_m_elimination_nM=100",
            "stimuli.played=" + json.dumps({
                "kind": "playback", "target": "fs", "file": str(played / "spikes.h5"), "population": "in",
                "receptors": {"ampa": 1}, "weight_nS": 3, "delay_ms": 1}),
            "populations.fs.n_neurons=50"]
        for stop_s in (0.1, 0.17):
            with self.subTest(stop_s=stop_s):
                self.check_in_sittings(("busy.json", changes), [stop_s])
                shutil.rmtree(self.folder / "whole")
                shutil.rmtree(self.folder / "parts")

    def test_checkpoints_on_the_way_change_nothing(self):
        case = (EVERYTHING[0], EVERYTHING[1] + ["record.checkpoint_interval_s=0.021"])
        self.check_in_sittings(case, [0.1])
        changed = contents(self.folder / "whole")["summary"]
        self.run_for(0, EVERYTHING, self.folder / "plain")
        self.assertEqual(contents(self.folder / "plain")["summary"], changed)


class Signals(Restart):
    # 20 s are simulated in about a second, and a checkpoint is nearly always being written
    LONG = (LEARNING[0], ["protocol[0].ms=20000", "record.checkpoint_interval_s=0.1"])

    def start(self, case, out, *options):
        child = subprocess.Popen([PROGRAM, *run_arguments(case, out, *options)], stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def wait_for(self, path, child, there=True):
        while path.exists() != there and child.poll() is None:
            time.sleep(0.002)

    def test_interrupted_runs_go_on(self):
        whole, parts = self.folder / "whole", self.folder / "parts"
        case = (LEARNING[0], ["protocol[0].ms=20000"])
        self.run_for(0, case, whole)
        for number in (signal.SIGINT, signal.SIGTERM):
            child = self.start(case, parts, "--resume")
            self.wait_for(parts / "timeline.h5", child)
            self.wait_for(parts / "summary.json", child, there=False)  # of the sitting before
            time.sleep(0.1)
            child.send_signal(number)
            self.assertEqual(child.wait(timeout=60), 6, child.stderr.read())
            self.assertTrue((parts / "checkpoint.h5").exists())
        self.run_for(0, case, parts, "--resume")
        self.check_same(whole, parts)

    def test_killed_runs_go_on(self):
        whole, parts = self.folder / "whole", self.folder / "parts"
        checkpoint, chance = parts / "checkpoint.h5", random.Random(1)
        self.run_for(0, self.LONG, whole)
        for _ in range(12):
            before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
            child = self.start(self.LONG, parts, "--resume")
            while child.poll() is None and (not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before):
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.05))
            child.kill()
            self.assertEqual(child.wait(timeout=60), -signal.SIGKILL, child.stderr.read())
        self.run_for(0, self.LONG, parts, "--resume")
        self.assertEqual([path.name for path in parts.glob("*checkpoint*")], [])
        self.check_same(whole, parts)

    def test_files_in_any_state_are_brought_back(self):
        """As a machine would leave them that lost its power: all that was written since is nonsense."""
        whole, parts = self.folder / "whole", self.folder / "parts"
        case = (EVERYTHING[0], EVERYTHING[1] + ["record.checkpoint_interval_s=0.1"])
        self.run_for(0, case, whole)
        self.run_for(6, case, parts, "--stop-after-s", 0.1)
        for path in [parts / "spikes.h5", parts / "timeline.h5", *(parts / "reports").iterdir()]:
            with open(path, "r+b") as file:
                file.write(b"\xa5" * 2048)
                file.seek(0, os.SEEK_END)
                file.write(b"\x5a" * 5000)
        self.run_for(0, case, parts, "--resume")
        self.check_same(whole, parts)

    def test_a_checkpoint_after_wall_time(self):
        """Of an endless run, which is then killed."""
        parts = self.folder / "parts"
        case = (LEARNING[0], ["protocol[0].ms=1e8"])
        child = self.start(case, parts, "--checkpoint-min", "0.001")
        self.wait_for(parts / "checkpoint.h5", child)
        child.kill()
        child.wait(timeout=60)
        self.assertTrue((parts / "checkpoint.h5").exists())
        with h5py.File(parts / "checkpoint.h5") as file:
            time_s = float(file["time_s"][0])
        self.run_for(6, case, parts, "--resume", "--stop-after-s", time_s + 1)
        summary = json.loads((parts / "summary.json").read_text())
        self.assertAlmostEqual(summary["network_time_s"], time_s + 1)


class Refusals(Restart):
    def refused(self, code, pattern, case, out, *options):
        result = mesocl(*run_arguments(case, out, *options))
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertRegex(result.stderr, pattern)

    def stopped(self, case=LEARNING):
        self.run_for(6, case, self.folder / "out", "--stop-after-s", 0.1)
        return self.folder / "out"

    def test_another_experiment(self):
        out = self.stopped()
        before = (out / "checkpoint.h5").read_bytes(), (out / "spikes.h5").read_bytes()
        for change in ("seed=8", "record.timeline_interval_ms=10", "protocol[0].ms=400"):
            self.refused(4, "another experiment", (LEARNING[0], [change]), out, "--resume")
        self.assertEqual(before, ((out / "checkpoint.h5").read_bytes(), (out / "spikes.h5").read_bytes()))

    def test_another_model(self):
        """The experiment's text is the same, but not that of the model which it names."""
        for suffix in ("json", "clh"):
            shutil.copy(SUPPORT.parents[1] / f"kernels/neurons/lif_delta.{suffix}", self.folder / f"mine.{suffix}")
        for name in ("json", "clh"):
            path = self.folder / f"mine.{name}"
            path.write_text(path.read_text().replace("lif_delta", "mine"))
        experiment = json.loads((SUPPORT / "learning.json").read_text())
        experiment["cells"]["lif"]["model"] = "mine"
        (self.folder / "mine_experiment.json").write_text(json.dumps(experiment))
        case = (self.folder / "mine_experiment.json", [])
        out = self.stopped(case)
        model = self.folder / "mine.clh"
        model.write_text(model.read_text() + "/* changed */\n")
        self.refused(4, "another experiment", case, out, "--resume")

    def test_another_layout(self):
        self.refused(4, "--partitions", LEARNING, self.stopped(), "--resume", "--partitions", 7)

    def test_another_version(self):
        out = self.stopped()
        with h5py.File(out / "checkpoint.h5", "r+") as file:
            file["mesocl_version"][0] = ord("9")
        self.refused(4, r"was written by mesocl 9\.", LEARNING, out, "--resume")

    def test_a_damaged_checkpoint(self):
        out = self.stopped()
        spikes = (out / "spikes.h5").read_bytes()
        with h5py.File(out / "checkpoint.h5", "r+") as file:
            block = file["state/device/state"]
            block[17] = block[17] ^ 1
        self.refused(4, "is damaged", LEARNING, out, "--resume")
        self.assertEqual((out / "spikes.h5").read_bytes(), spikes)
        (out / "checkpoint.h5").write_bytes(b"not HDF5")
        self.refused(4, "checkpoint.h5", LEARNING, out, "--resume")

    def test_a_missing_block(self):
        out = self.stopped()
        with h5py.File(out / "checkpoint.h5", "r+") as file:
            del file["state/device/row states"]
        self.refused(4, "there is no dataset /state/device/row states", LEARNING, out, "--resume")

    def test_missing_results(self):
        out = self.stopped()
        (out / "spikes.h5").unlink()
        self.refused(4, "spikes.h5", LEARNING, out, "--resume")

    def test_somebody_elses_directory(self):
        (self.folder / "out").mkdir()
        (self.folder / "out/letter.txt").write_text("Dear")
        self.refused(4, "neither a checkpoint nor a run", LEARNING, self.folder / "out", "--resume")

    def test_force_and_resume(self):
        self.refused(2, "--force and --resume", LEARNING, self.folder / "out", "--resume", "--force")


class Beginnings(Restart):
    def test_resume_begins_where_there_is_nothing(self):
        self.run_for(0, LEARNING, self.folder / "a")
        self.run_for(0, LEARNING, self.folder / "b", "--resume")
        self.check_same(self.folder / "a", self.folder / "b")

    def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(self):
        self.run_for(0, LEARNING, self.folder / "a")
        self.run_for(6, LEARNING, self.folder / "b", "--stop-after-s", 0.1)
        (self.folder / "b/checkpoint.h5").unlink()
        self.run_for(0, LEARNING, self.folder / "b", "--resume")
        self.check_same(self.folder / "a", self.folder / "b")

    def test_nothing_is_done_twice(self):
        self.run_for(0, LEARNING, self.folder / "a")
        before = (self.folder / "a/summary.json").read_text()
        self.run_for(0, LEARNING, self.folder / "a", "--resume")
        self.assertEqual((self.folder / "a/summary.json").read_text(), before)

    def test_force_begins_again(self):
        self.run_for(6, LEARNING, self.folder / "a", "--stop-after-s", 0.1)
        self.run_for(0, LEARNING, self.folder / "a", "--force")
        self.assertFalse((self.folder / "a/checkpoint.h5").exists())

    def test_info_says_where_a_run_would_go_on(self):
        self.run_for(6, LEARNING, self.folder / "a", "--stop-after-s", 0.1)
        self.assertRegex(mesocl("info", self.folder / "a").stdout, r"--resume goes on from +0\.1 s simulated\n")

    def test_the_message_of_a_stop_says_how_to_go_on(self):
        arguments = [a for a in run_arguments(LEARNING, self.folder / "a", "--stop-after-s", 0.1) if a != "--quiet"]
        self.assertRegex(mesocl(*arguments).stderr, r"stopped at 100 ms of model time; --resume goes on from there")
        i = arguments.index("--stop-after-s")
        result = mesocl(*arguments[:i], *arguments[i + 2:], "--resume")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"(?m)^goes on at 100 ms$")


if __name__ == "__main__":
    unittest.main()
