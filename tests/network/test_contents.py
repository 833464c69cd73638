"""Contents of learned synapses beside closed forms and an event-by-event computation in double precision: what a spike adds
to which conductance of a clamped cell, what short-term plasticity and receptors on terminals leave of it, what contents
are at the start; and the rectification of a conductance."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from math import exp
from pathlib import Path

import numpy as np
from scipy import stats

from results import Results

LEARNED_WEIGHTS = os.environ["MESOCL_LEARNED_WEIGHTS"]
SUPPORT = Path(__file__).resolve().parent.parent / "support"
DT, MS = 0.1, 400
TAU_AMPA, TAU_NMDA, TAU_CP = 5.0, 100.0, 4.0
RECTIFICATION = {"V_half_mV": -10, "slope_mV": 15, "left_open": 0.1}
CONDUCTANCES = {
    "AMPA": {"kind": "exponential", "tau_decay_ms": TAU_AMPA, "E_mV": 0},
    "NMDA": {"kind": "exponential", "tau_decay_ms": TAU_NMDA, "E_mV": 0, "mg_mM": 1},
    "CP_AMPA": {"kind": "exponential", "tau_decay_ms": TAU_CP, "E_mV": 5, "rectification": RECTIFICATION},
}
FADING = {
    "model": "fading", "title": "A content that time takes away, whatever fires", "spikes": False, "between": True,
    "parameters": {"tau_ms": {"unit": "ms", "min": 1, "doc": "in which it goes"}},
    "state": {"nmda": {"unit": "of the weight", "content": True, "doc": "goes"}}}
FADES = """MESO_FUNCTION fading_state fading_between(fading_state s, fading_parameters p, real modulator, real span_ms)
{
    s.nmda *= meso_exp(-span_ms * meso_reciprocal(p.tau_ms));
    return s;
}
"""
HOLDING = [-70.0, -40.0, 0.0, 20.0, 40.0]


def magnesium(v):
    return 1 / (1 + 1 / 3.57 * np.exp(-0.062 * v))


def open_share(v, half=-10.0, slope=15.0, left=0.1):
    return left + (1 - left) / (1 + np.exp((v - half) / slope))


def experiment(contact, learning, spikes_ms=(20, 60, 75, 90, 180), holding=HOLDING, **keys):
    """One source, made to fire at set times, with a contact on each of several clamped cells."""
    kick = {"kind": "pulses", "target": "in", "amplitude_pA": 100000, "width_ms": DT}
    return {
        "schema_version": 1, "seed": 5,
        "cells": {"source": {"model": "lif_delta", "parameters": {"t_ref_ms": 1}},
                  "clamp": {"model": "voltage_clamp", "conductances": CONDUCTANCES}},
        "populations": {"in": {"cell": "source", "n_neurons": 1},
                        "out": {"cell": "clamp", "n_neurons": len(holding), "parameters": {"holding_mV": holding}}},
        "projections": {"p": {
            "source": "in", "target": "out", "rule": "all_to_all", "receptors": {"AMPA": 1}, "weight_nS": 1,
            "delay_ms": 2.3, **contact,
            "long_term_plasticity": {"rule": "contact", "weight_max_nS": 4, **learning}}},
        "stimuli": {f"kick{i}": {**kick, "start_ms": ms} for i, ms in enumerate(spikes_ms)},
        "protocol": [{"phase": "all", "ms": MS}],
        "record": {"timeline_interval_ms": 1, "reports": {
            name: {"population": "out", "variable": name, "interval_ms": DT}
            for name in ("I_pA", "g_AMPA_nS", "g_NMDA_nS", "g_CP_AMPA_nS")}}, **keys}


class Run:
    def __init__(self, description, n_spikes=5, options=()):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("unsilencing.json", "unsilencing.clh"):
                shutil.copy(SUPPORT / name, folder)
            (Path(folder) / "fading.json").write_text(json.dumps(FADING))
            (Path(folder) / "fading.clh").write_text(FADES)
            path = Path(folder) / "experiment.json"
            path.write_text(json.dumps(description))
            results = Results(path, options)
        self.current = results.report("I_pA").astype(float)
        (train,) = results.trains_s("in", 1, 0)
        self.steps = np.rint(train * 1000 / DT).astype(int)
        self.series = results.series
        self.results = results
        assert len(self.steps) == n_spikes, self.steps

    def conductance(self, name):
        return self.results.report(f"g_{name}_nS").astype(float)

    def close(self):
        self.results.close()


def decaying(steps, amounts, tau, delay_ms=2.3):
    """Conductance in each step: a spike's time is the end of its step, and it arrives a delay later."""
    t = np.arange(int(MS / DT))
    g = np.zeros(len(t))
    for step, amount in zip(steps, amounts):
        arrival = step + round(delay_ms / DT)
        g[arrival:] += amount * np.exp(-(t[arrival:] - arrival) * DT / tau)
    return g


class Contents(unittest.TestCase):
    def run_clamped(self, *arguments, options=(), n_spikes=5, **keys):
        run = Run(experiment(*arguments, **keys), n_spikes, options)
        self.addCleanup(run.close)
        return run

    def assertCurrent(self, run, ampa, nmda, cp, holding=HOLDING):
        """Amounts of the spikes that arrive. Row k of a report is what the step before it left."""
        v = np.array(holding)
        expected = (np.outer(decaying(run.steps, ampa, TAU_AMPA), v) +
                    np.outer(decaying(run.steps, nmda, TAU_NMDA), magnesium(v) * v) +
                    np.outer(decaying(run.steps, cp, TAU_CP), open_share(v) * (v - 5)))
        got = run.current[1:]
        error = np.abs(got - expected[:len(got)]).max(axis=0)
        scale = np.abs(expected).max()
        self.assertGreater(scale, 1)
        self.assertLess(error.max() / scale, 1e-5, f"{error} of {scale} pA")

    def test_weight_and_contents_open_their_own_conductances(self):
        run = self.run_clamped({}, {"contents": {
            "nmda": {"receptors": {"NMDA": 1}, "initial_nS": 0.4},
            "cp": {"receptors": {"CP_AMPA": 3}, "initial_nS": 0.2}}})
        self.assertCurrent(run, [1.0] * 5, [0.4] * 5, [0.6] * 5)

    def test_a_content_may_be_a_share_of_the_weight(self):
        run = self.run_clamped({"weight_nS": 2}, {"contents": {
            "nmda": {"receptors": {"NMDA": 1}, "initial_share": 0.25}}})
        self.assertCurrent(run, [2.0] * 5, [0.5] * 5, [0.0] * 5)

    def test_a_content_that_is_not_named_feeds_nothing(self):
        run = self.run_clamped({}, {})
        self.assertCurrent(run, [1.0] * 5, [0.0] * 5, [0.0] * 5)

    def test_several_contents_into_the_conductance_of_the_weight(self):
        run = self.run_clamped({}, {"contents": {
            "nmda": {"receptors": {"AMPA": 1, "NMDA": 0.5}, "initial_nS": 0.4},
            "cp": {"receptors": {"AMPA": 1}, "initial_nS": 0.3}}})
        self.assertCurrent(run, [1.7] * 5, [0.2] * 5, [0.0] * 5)

    def test_a_silent_synapse(self):
        """No AMPA current at all; NMDA receptors show themselves at +40 mV, and hardly at -70 mV."""
        run = self.run_clamped({"weight_nS": 0}, {"contents": {
            "nmda": {"receptors": {"NMDA": 1}, "initial_nS": 0.4}}})
        self.assertCurrent(run, [0.0] * 5, [0.4] * 5, [0.0] * 5)
        self.assertEqual(np.abs(run.conductance("AMPA")).max(), 0)
        at_rest, depolarised = np.abs(run.current[:, HOLDING.index(-70)]).max(), run.current[:, HOLDING.index(40)].max()
        self.assertLess(at_rest, 0.1 * depolarised)
        self.assertGreater(depolarised, 10)

    def test_a_silent_synapse_without_nmda_receptors_is_none(self):
        run = self.run_clamped({"weight_nS": 0}, {})
        self.assertEqual(np.abs(run.current).max(), 0)

    # --- amplitudes ------------------------------------------------------------------------------------

    SHORT_TERM = {"U": 0.4, "tau_recovery_ms": 120, "tau_facilitation_ms": 60}

    def released(self, steps, U=0.4, tau_recovery=120, tau_facilitation=60):
        """Tsodyks, Uziel & Markram 2000, spike by spike."""
        x, u, before = 1.0, U, None
        for step in steps:
            if before is not None:
                h = (step - before) * DT
                x = 1 + (x * (1 - u) - 1) * exp(-h / tau_recovery)
                u = U + u * (1 - U) * exp(-h / tau_facilitation)
            before = step
            yield x * u

    def test_short_term_plasticity_acts_on_weight_and_contents(self):
        run = self.run_clamped({"short_term_plasticity": self.SHORT_TERM}, {"contents": {
            "nmda": {"receptors": {"NMDA": 1}, "initial_nS": 0.4},
            "cp": {"receptors": {"CP_AMPA": 1}, "initial_nS": 0.3}}})
        released = np.array(list(self.released(run.steps)))
        self.assertGreater(np.ptp(released), 0.1)
        self.assert_amplitudes(run, released, 1.0, 0.4, 0.3)

    def assert_amplitudes(self, run, amplitudes, ampa, nmda, cp):
        """Amplitudes are rounded to 1 / 65536."""
        for name, tau, amount in (("AMPA", TAU_AMPA, ampa), ("NMDA", TAU_NMDA, nmda), ("CP_AMPA", TAU_CP, cp)):
            g = run.conductance(name)[1:, 0]
            # the state is what the step before left, decayed over that step
            expected = decaying(run.steps, np.asarray(amplitudes) * amount, tau)[:len(g)] * exp(-DT / tau)
            self.assertLess(np.abs(g - expected).max(), 3e-5 * np.max(amount) + 1e-9, name)

    def test_short_term_plasticity_of_weights_that_change(self):
        """A rule under which each spike of the source adds to the content. It is delivered as the spike leaves it."""
        run = self.run_clamped(
            {"short_term_plasticity": self.SHORT_TERM},
            {"rule": "unsilencing", "weight_max_nS": 2, "parameters": {"gain": 0, "growth": 0.45},
             "contents": {"nmda": {"receptors": {"NMDA": 1}, "initial_nS": 0.3}}})
        content = np.minimum(0.3 + 0.45 * np.arange(1, 6), 2)
        self.assertEqual(content[-1], 2)
        self.assert_amplitudes(run, list(self.released(run.steps)), 1.0, content, 0.0)

    def test_a_content_that_time_changes_but_no_spike(self):
        run = self.run_clamped({}, {"rule": "fading", "update_ms": 7, "parameters": {"tau_ms": 150}, "contents": {
            "nmda": {"receptors": {"NMDA": 1}, "initial_nS": 0.5}}})
        self.assert_amplitudes(run, [1.0] * 5, 1.0, 0.5 * np.exp(-run.steps * DT / 150), 0.0)

    def test_receptors_on_the_terminals_act_on_weight_and_contents(self):
        tone, K_d = 60, 40
        factor = 1 - 0.5 * tone / (tone + K_d)
        own = {"presynaptic": [{"receptor": "D2", "scale": -0.5}]}
        contents = {"contents": {"nmda": {"receptors": {"NMDA": 1}, "initial_nS": 0.4}}}
        there = {"modulators": {"dopamine": {"compartments": {"default": {"tone_nM": tone}}}},
                 "receptors": {"D2": {"modulator": "dopamine", "K_d_nM": K_d, "k_off_per_s": 2}}}
        run = self.run_clamped(own, contents, **there)
        self.assert_amplitudes(run, [factor] * 5, 1.0, 0.4, 0.0)
        run = self.run_clamped({**own, "short_term_plasticity": self.SHORT_TERM}, contents, **there)
        self.assert_amplitudes(run, list(self.released(run.steps, U=0.4 * factor)), 1.0, 0.4, 0.0)


class Rectification(unittest.TestCase):
    """A tonic conductance at many potentials, beside the same expression in double precision."""

    def current(self, g_nS=10.0, **rectification):
        v = np.concatenate([np.linspace(-200, 200, 81), [-10.0, 0.0]])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "experiment.json"
            tonic = {"kind": "tonic", "g_nS": g_nS, "E_mV": 5}
            if rectification:
                tonic["rectification"] = rectification
            path.write_text(json.dumps({
                "schema_version": 1, "cells": {"clamp": {"model": "voltage_clamp", "conductances": {"cp": tonic}}},
                "populations": {"c": {"cell": "clamp", "n_neurons": len(v),
                                      "parameters": {"holding_mV": v.tolist()}}},
                "protocol": [{"phase": "all", "ms": 2}],
                "record": {"reports": {"I": {"population": "c", "variable": "I_pA", "interval_ms": 1}}}}))
            results = Results(path)
            current = results.report("I")[1].astype(float)
            results.close()
        return v, current / g_nS

    def check(self, half, slope, left):
        v, got = self.current(V_half_mV=half, slope_mV=slope, left_open=left)
        expected = open_share(v, half, slope, left) * (v - 5)
        np.testing.assert_allclose(got, expected, rtol=3e-6, atol=1e-9)

    def test_shares_of_a_conductance(self):
        self.check(-10.0, 15.0, 0.1)
        self.check(20.0, 8.0, 0.0)
        self.check(-35.0, 60.0, 0.5)

    def test_steep_blocks_far_from_their_half(self):
        v, got = self.current(V_half_mV=0, slope_mV=0.5, left_open=0)
        np.testing.assert_allclose(got[v < -30], v[v < -30] - 5, rtol=1e-6)
        self.assertLess(np.abs(got[v > 40]).max(), 1e-20)

    def test_none(self):
        v, got = self.current()
        np.testing.assert_allclose(got, v - 5, rtol=1e-6, atol=1e-9)

    def test_rectification_index(self):
        """The current at +40 mV over that at -70 mV, beside the linear one: well below half."""
        v, got = self.current(**RECTIFICATION)
        index = abs((got[v == 40] / (40 - 5)) / (got[v == -70] / (-70 - 5)))
        self.assertLess(index, 0.2)


class Initial(unittest.TestCase):
    N = 4000

    def states(self, contents, weight=None, layout=(), seed=1):
        description = {
            "schema_version": 1, "seed": seed, "cells": {"cell": {"model": "lif_delta", "conductances": CONDUCTANCES}},
            "populations": {"a": {"cell": "cell", "n_neurons": 100}, "b": {"cell": "cell", "n_neurons": 80}},
            "projections": {"p": {
                "source": "a", "target": "b", "rule": "fixed_indegree", "indegree": self.N // 80, "receptors": {"AMPA": 1},
                "weight_nS": weight or {"distribution": "uniform", "min": 0, "max": 2}, "delay_ms": 1,
                "long_term_plasticity": {"rule": "contact", "weight_max_nS": 2, "contents": contents}}},
            "protocol": [{"phase": "all", "ms": 5}]}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "experiment.json"
            path.write_text(json.dumps(description))
            done = subprocess.run([LEARNED_WEIGHTS, path, "0", *map(str, layout)], capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        rows = [line.split()[5:] for line in done.stdout.splitlines() if line.startswith("w")]
        self.assertEqual(len(rows), self.N)
        return np.array(rows, float).T, done.stdout

    DRAWN = {"nmda": {"receptors": {"NMDA": 1}, "initial_nS": {"distribution": "lognormal", "mean": 0.4, "sd": 0.2}},
             "cp": {"receptors": {"CP_AMPA": 1}, "initial_nS": {"distribution": "uniform", "min": 0.1, "max": 0.3}}}

    def test_contents_are_drawn_independently_of_the_weight_and_of_each_other(self):
        (weight, nmda, cp), _ = self.states(self.DRAWN)
        sigma = np.sqrt(np.log(1 + 0.25))
        self.assertGreater(stats.kstest(nmda, stats.lognorm(sigma, scale=0.4 * exp(-sigma ** 2 / 2)).cdf).pvalue, 1e-3)
        self.assertGreater(stats.kstest(cp, stats.uniform(0.1, 0.2).cdf).pvalue, 1e-3)
        for a, b in ((weight, nmda), (weight, cp), (nmda, cp)):
            self.assertLess(abs(stats.spearmanr(a, b).statistic), 4 / np.sqrt(self.N))

    def test_limits_hold_for_contents_too(self):
        (_, nmda, cp), _ = self.states({
            "nmda": {"receptors": {"NMDA": 1}, "initial_nS": {"distribution": "normal", "mean": 1, "sd": 2}},
            "cp": {"receptors": {"CP_AMPA": 1}, "initial_share": 3}})
        self.assertEqual((nmda.min(), nmda.max()), (0, 2))
        self.assertEqual((cp.min() >= 0, cp.max()), (True, 2))

    def test_a_share_of_the_weight(self):
        (weight, nmda, cp), _ = self.states({"nmda": {"receptors": {"NMDA": 1}, "initial_share": 0.7}})
        np.testing.assert_allclose(nmda, 0.7 * weight, rtol=1e-6)
        self.assertEqual(np.abs(cp).max(), 0)

    def test_the_same_in_any_layout_and_not_for_another_seed(self):
        values, first = self.states(self.DRAWN)
        for layout in ((1, 1, 16), (3, 8, 1), (7, 1, 4)):
            self.assertTrue(self.states(self.DRAWN, layout=layout)[1] == first, layout)
        self.assertLess(abs(stats.spearmanr(values[1], self.states(self.DRAWN, seed=2)[0][1]).statistic), 0.1)


if __name__ == "__main__":
    unittest.main()
