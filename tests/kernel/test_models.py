"""Every built-in model, run by the program, against an integration that shares nothing with it.

Each cell gets a step of current and the spikes of two recorded sources. Linear models are held against the
matrix exponential of their equations, in double precision and on the same grid; the others against SciPy's
solve_ivp with a relative tolerance of 1e-10. The izhikevich models have tests of their own in
test_neuron_models.c, but for that of 2003, which is held against the published program.
"""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from results import DEVICE, PROGRAM, Results

DT_MS = 0.1
DURATION_MS = 400
STEP_MS = (50, 250)  # of the current
DELAY_MS = 1.5
N_STEPS = round(DURATION_MS / DT_MS)


def conductance(tau_ms, E_mV):
    return {"kind": "exponential", "tau_decay_ms": tau_ms, "E_mV": E_mV}


# population: (model, parameters, conductances, ports of excitation and inhibition, weight key, weights, step in pA);
# the weights are small multiples of powers of two, so that no unit of the input rings rounds them
CELLS = {
    "lif_exp": ("lif_exp", {}, {}, ("I_syn_pA", "I_syn_pA"), "weight_pA", (896, -704), 480),
    "lif_exp_equal": ("lif_exp", {"tau_syn_ms": 10, "t_ref_ms": 0}, {}, ("I_syn_pA", "I_syn_pA"), "weight_pA",
                      (120, -60), 400),
    "lif_exp_close": ("lif_exp", {"tau_syn_ms": 9.99, "v_reset_mV": -60}, {}, ("I_syn_pA", "I_syn_pA"), "weight_pA",
                      (120, -60), 400),
    "lif_exp_ei": ("lif_exp_ei", {"tau_syn_in_ms": 7, "I_e_pA": 100}, {}, ("I_ex_pA", "I_in_pA"), "weight_pA",
                   (256, -96), 300),
    "lif_alpha": ("lif_alpha", {"tau_syn_ex_ms": 0.7, "tau_syn_in_ms": 10}, {}, ("I_ex_pA", "I_in_pA"), "weight_pA",
                  (512, -60), 420),
    "lif_delta": ("lif_delta", {"t_ref_ms": 1.5}, {}, ("v_jump_mV", "v_jump_mV"), "weight_mV", (6, -3), 240),
    "lif_cond": ("lif_cond", {}, {"e": conductance(5, 0), "i": conductance(10, -80)}, ("e", "i"), "weight_nS",
                 (4, 3), 110),
    "adex": ("adex", {}, {"e": conductance(5, 0), "i": conductance(10, -80)}, ("e", "i"), "weight_nS", (8, 6), 800),
    "hodgkin_huxley": ("hodgkin_huxley", {}, {"e": conductance(5, 0), "i": conductance(10, -80)}, ("e", "i"),
                       "weight_nS", (6, 5), 150),
}
CELLS["adex_current"] = ("adex", {}, CELLS["adex"][2], ("e", "i"), "weight_nS", (0, 0), 900)
CELLS["hodgkin_huxley_current"] = ("hodgkin_huxley", {"E_L_mV": -67}, CELLS["adex"][2], ("e", "i"), "weight_nS", (0, 0), 250)



def experiment():
    cells = {"exc": {"model": "poisson_source", "parameters": {"rate_hz": 60}},
             "inh": {"model": "poisson_source", "parameters": {"rate_hz": 40}}}
    populations = {name: {"cell": name, "n_neurons": 1} for name in cells}
    projections, stimuli, reports = {}, {}, {}
    for name, (model, parameters, conductances, ports, key, weights, step_pA) in CELLS.items():
        cells[name] = {"model": model, "parameters": parameters, "conductances": conductances}
        populations[name] = {"cell": name, "n_neurons": 1}
        for source, port, weight in zip(("exc", "inh"), ports, weights):
            projections[f"{source}_{name}"] = {
                "source": source, "target": name, "rule": "all_to_all", "receptors": {port: 1}, key: weight,
                "delay_ms": DELAY_MS}
        stimuli[f"step_{name}"] = {"kind": "pulses", "target": name, "amplitude_pA": step_pA,
                                   "start_ms": STEP_MS[0], "width_ms": STEP_MS[1] - STEP_MS[0]}
        reports[name] = {"population": name, "variable": "v_mV", "interval_ms": DT_MS}
    return {"schema_version": 1, "seed": 4, "dt_ms": DT_MS, "cells": cells, "populations": populations,
            "projections": projections, "stimuli": stimuli, "protocol": [{"phase": "all", "ms": DURATION_MS}],
            "record": {"reports": reports}}


class Run:
    """Results of an experiment given as a dictionary."""

    def __init__(self, document, **changes):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "experiment.json"
            path.write_text(json.dumps(document))
            results = Results(path, **changes)
        with h5py.File(results.directory / "spikes.h5") as file:
            self.spikes_ms = {name: group["timestamps"][:] for name, group in file["spikes"].items()}
            self.ids = {name: group["node_ids"][:].astype(int) for name, group in file["spikes"].items()}
        reports = results.directory / "reports"
        self.reports = {path.stem: results.report(path.stem) for path in reports.glob("*.h5")}
        results.close()

    def steps(self, name):
        """Steps at whose ends the cells of a population fire, counted from 1."""
        return np.rint(self.spikes_ms[name] / DT_MS).astype(int)


def defaults(model):
    text = (Path(__file__).resolve().parents[2] / "kernels" / "neurons" / f"{model}.json").read_text()
    return {name: p["default"] for name, p in json.loads(text)["parameters"].items()}



# --- references: arrays of v at the start of each step, and the steps at whose ends the cell fires ----------------

def linear(p, matrix, kicks, current, input_at_end=False):
    """x' = matrix x + current e_0 / C, v = E_L + x[0]; kicks[step] is added to x when spikes arrive."""
    n = len(matrix)
    augmented = np.zeros((n + 1, n + 1))
    augmented[:n, :n] = matrix
    augmented[0, n] = 1 / p["C_pF"]
    propagator = expm(augmented * DT_MS)
    x, held, held_steps = np.zeros(n), 0, round(p["t_ref_ms"] / DT_MS)
    v, fired = np.empty(N_STEPS), []
    threshold, reset = p["v_threshold_mV"] - p["E_L_mV"], p["v_reset_mV"] - p["E_L_mV"]
    for step in range(N_STEPS):
        v[step] = x[0]
        if not input_at_end:
            x = x + kicks[step]
        moved = (propagator @ np.append(x, current[step] + p["I_e_pA"]))[:n]
        if input_at_end:
            moved = moved + kicks[step]
        if held > 0:
            held -= 1
            moved[0] = x[0]
        x = moved
        if x[0] >= threshold:
            x[0], held = reset, held_steps
            fired.append(step + 1)
    return v + p["E_L_mV"], np.array(fired)


def advance(f, x, threshold):
    """x after a step of dx/dt = f(t, x), and when x[0] rises through the threshold in it, if it does."""
    def rises(t, y):
        return y[0] - threshold

    rises.direction = 1
    solution = solve_ivp(f, (0, DT_MS), x, rtol=1e-10, atol=1e-10, events=rises)
    return solution.y[:, -1], solution.t_events[0]


class Solved:
    """dx/dt = slope(x, current) with synapses, by solve_ivp: v at the start of each step, and when it reached
    the threshold. A model that resets (`reset` is a function of x) is reset when the program's cell was, so that
    each of its intervals is compared alone."""

    def __init__(self, slope, x0, conductances, kicks, current, threshold, reset=None, held_steps=0, fired=()):
        self.slope, self.threshold = slope, threshold
        self.tau = np.array([c["tau_decay_ms"] for c in conductances.values()])
        self.E = np.array([c["E_mV"] for c in conductances.values()])
        self.v, self.times_ms = np.empty(N_STEPS), []
        x, g, held, waits, fired = np.array(x0, float), np.zeros(len(self.tau)), 0, False, set(fired)
        for step in range(N_STEPS):
            self.v[step] = x[0]
            g = g + kicks[step]
            if held > 0:
                held, x[1:] = held - 1, self.step(x, g, current[step], True)[0][1:]
            elif not waits:
                x, crossings = self.step(x, g, current[step])
                self.times_ms += [step * DT_MS + t for t in crossings]
                waits = reset is not None and len(crossings) > 0
            g = g * np.exp(-DT_MS / self.tau)
            if reset is not None and step + 1 in fired:
                if not waits:
                    self.times_ms.append(self.next_ms(step + 1, x, g, current))
                x, held, waits = reset(x), held_steps, False

    def step(self, x, g, injected_pA, is_held=False):
        def f(t, y):
            dy = self.slope(y, np.sum(g * np.exp(-t / self.tau) * (self.E - y[0])) + injected_pA)
            return np.append(0, dy[1:]) if is_held else dy
        if is_held:
            return advance(f, x, np.inf)
        with np.errstate(over="ignore"):
            return advance(f, x, self.threshold)

    def next_ms(self, step, x, g, current):
        """Of a cell that the program had fire too early."""
        for later in range(step, min(step + 10, N_STEPS)):
            x, crossings = self.step(x, g, current[later])
            if len(crossings) > 0:
                return later * DT_MS + crossings[0]
        return np.inf


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.results = Run(experiment())
        delay = round(DELAY_MS / DT_MS)
        cls.arrivals = [cls.results.steps(source) + delay for source in ("exc", "inh")]

    def setting(self, name, n, rows):
        """Parameters, what arriving spikes add to the n variables (one row for each source), and the current."""
        model, changes, conductances, _, _, weights, step_pA = CELLS[name]
        kicks = np.zeros((N_STEPS, n))
        for steps, row, weight in zip(self.arrivals, rows, weights):
            for step in steps[steps < N_STEPS]:
                kicks[step, row] += weight
        current = np.zeros(N_STEPS)
        current[round(STEP_MS[0] / DT_MS):round(STEP_MS[1] / DT_MS)] = step_pA
        return {**defaults(model), **changes}, conductances, kicks, current

    def assert_exact(self, name, reference):
        v, fired = reference
        got = self.results.reports[name][:, 0]
        self.assertGreater(len(fired), 4)
        np.testing.assert_array_equal(self.results.steps(name), fired)
        scale = np.maximum(np.abs(v), np.max(np.abs(v)) / 2)
        self.assertLess(np.max(np.abs(got - v) / scale), 1e-6)

    # --- linear models: the same spikes, the potential to 1e-6 ---

    def exponential(self, name, taus, rows=(1, 2)):
        n = 1 + len(taus)
        p, _, kicks, current = self.setting(name, n, rows)
        matrix = np.diag([-1 / p["tau_m_ms"]] + [-1 / p[tau] for tau in taus])
        matrix[0, 1:] = 1 / p["C_pF"]
        self.assert_exact(name, linear(p, matrix, kicks, current))

    def test_lif_exp(self):
        self.exponential("lif_exp", ["tau_syn_ms"], (1, 1))

    def test_lif_exp_with_equal_time_constants(self):
        self.exponential("lif_exp_equal", ["tau_syn_ms"], (1, 1))

    def test_lif_exp_with_nearly_equal_time_constants(self):
        self.exponential("lif_exp_close", ["tau_syn_ms"], (1, 1))

    def test_lif_exp_ei(self):
        self.exponential("lif_exp_ei", ["tau_syn_ex_ms", "tau_syn_in_ms"])

    def test_lif_alpha(self):
        p, _, kicks, current = self.setting("lif_alpha", 5, (2, 4))
        kicks[:, 2] *= np.e / p["tau_syn_ex_ms"]
        kicks[:, 4] *= np.e / p["tau_syn_in_ms"]
        ex, inh = -1 / p["tau_syn_ex_ms"], -1 / p["tau_syn_in_ms"]
        matrix = np.diag([-1 / p["tau_m_ms"], ex, ex, inh, inh])
        matrix[0, [1, 3]] = 1 / p["C_pF"]
        matrix[1, 2] = matrix[3, 4] = 1
        self.assert_exact("lif_alpha", linear(p, matrix, kicks, current))

    def test_lif_delta(self):
        p, _, kicks, current = self.setting("lif_delta", 1, (0, 0))
        matrix = np.array([[-1 / p["tau_m_ms"]]])
        self.assert_exact("lif_delta", linear(p, matrix, kicks, current, input_at_end=True))

    # --- the others: spike times within the tolerance, and the potential up to the first spike ---
    # A synaptic current has the potential of the start of its step for the whole step, which is an error of
    # first order in dt; without synapses what is left is the model's own.

    def assert_close(self, name, reference, spike_ms, v_mV, resets=True):
        """Spike times, which start anew after each reset; without resets the first and the intervals."""
        got_ms = self.results.spikes_ms[name]
        got = self.results.reports[name][:, 0]
        expected_ms = np.ceil(np.array(reference.times_ms) / DT_MS - 1e-6) * DT_MS
        self.assertGreater(len(expected_ms), 4)
        self.assertEqual(len(got_ms), len(expected_ms))
        n = round(expected_ms[0] / DT_MS) - 20
        off_ms = np.max(np.abs(got_ms - expected_ms)) if resets else max(
            abs(got_ms[0] - expected_ms[0]), *np.abs(np.diff(got_ms) - np.diff(expected_ms)))
        off_mV = np.max(np.abs(got - reference.v)[:n])
        print(f"{name}: {len(got_ms)} spikes, within {off_ms:.3g} ms; {off_mV:.3g} mV before the first")
        self.assertLess(off_ms, spike_ms)  # all of them multiples of a step
        self.assertLess(off_mV, v_mV)

    def test_lif_cond(self):
        p, conductances, kicks, current = self.setting("lif_cond", 2, (0, 1))

        def slope(x, I):
            return np.array([(p["g_L_nS"] * (p["E_L_mV"] - x[0]) + I) / p["C_pF"]])

        self.assert_close("lif_cond",
                          Solved(slope, [p["E_L_mV"]], conductances, kicks, current, p["v_threshold_mV"],
                                 lambda x: np.array([p["v_reset_mV"]]), round(p["t_ref_ms"] / DT_MS),
                                 self.results.steps("lif_cond")), 0.35, 0.1)

    def adex(self, name, spike_ms, v_mV):
        p, conductances, kicks, current = self.setting(name, 2, (0, 1))

        def slope(x, I):
            v, w = x
            spike = p["g_L_nS"] * p["delta_T_mV"] * np.exp(min((v - p["v_T_mV"]) / p["delta_T_mV"], 36))
            return np.array([(p["g_L_nS"] * (p["E_L_mV"] - v) + spike - w + I) / p["C_pF"],
                             (p["a_nS"] * (v - p["E_L_mV"]) - w) / p["tau_w_ms"]])

        self.assert_close(name,
                          Solved(slope, [p["E_L_mV"], 0], conductances, kicks, current, p["v_peak_mV"],
                                 lambda x: np.array([p["v_reset_mV"], x[1] + p["b_pA"]]), 0,
                                 self.results.steps(name)), spike_ms, v_mV)

    def test_adex(self):
        self.adex("adex_current", 0.15, 0.01)

    def test_adex_with_synapses(self):
        self.adex("adex", 0.45, 0.2)

    def hodgkin_huxley(self, name, spike_ms, v_mV):
        p, conductances, kicks, current = self.setting(name, 2, (0, 1))
        text = (Path(__file__).resolve().parents[2] / "kernels" / "neurons" / "hodgkin_huxley.json").read_text()
        gates = [json.loads(text)["state"][gate]["initial"] for gate in "mhn"]

        def slope(x, I):
            v, m, h, n = x
            u = v - p["v_T_mV"]
            rates = [(0.32 * (13 - u) / np.expm1((13 - u) / 4), 0.28 * (u - 40) / np.expm1((u - 40) / 5)),
                     (0.128 * np.exp((17 - u) / 18), 4 / (1 + np.exp((40 - u) / 5))),
                     (0.032 * (15 - u) / np.expm1((15 - u) / 5), 0.5 * np.exp((10 - u) / 40))]
            dv = (p["g_L_nS"] * (p["E_L_mV"] - v) + p["g_Na_nS"] * m**3 * h * (p["E_Na_mV"] - v) +
                  p["g_K_nS"] * n**4 * (p["E_K_mV"] - v) + I) / p["C_pF"]
            return np.array([dv] + [a * (1 - g) - b * g for (a, b), g in zip(rates, (m, h, n))])

        self.assert_close(name,
                          Solved(slope, [p["E_L_mV"], *gates], conductances, kicks, current, p["v_spike_mV"]), spike_ms, v_mV, resets=False)

    def test_hodgkin_huxley(self):
        self.hodgkin_huxley("hodgkin_huxley_current", 0.25, 0.01)

    def test_hodgkin_huxley_with_synapses(self):
        self.hodgkin_huxley("hodgkin_huxley", 0.45, 0.1)


def small_experiment(cells, ms, **sections):
    """One population for each cell, (n_neurons, cell)."""
    return {"schema_version": 1, "seed": 9, "cells": {name: cell for name, (_, cell) in cells.items()},
            "populations": {name: {"cell": name, "n_neurons": n} for name, (n, _) in cells.items()},
            "protocol": [{"phase": "all", "ms": ms}], **sections}


class Izhikevich2003(unittest.TestCase):
    def test_spikes_of_the_published_program(self):
        """1 ms steps, and no longer than a rounding error takes to move a spike: so long a step is chaotic."""
        drive = np.full(350, 5.0)
        drive[300:] = 12
        v, u, expected = -65.0, -13.0, []
        for t in range(350):
            if v >= 30:
                expected.append(t)  # a spike at the end of the step before
                v, u = -65, u + 8
            v += 0.5 * (0.04 * v**2 + 5 * v + 140 - u + drive[t])
            v += 0.5 * (0.04 * v**2 + 5 * v + 140 - u + drive[t])
            u += 0.02 * (0.2 * v - u)
        got = Run(small_experiment(
            {"cell": (1, {"model": "izhikevich_2003", "parameters": {"I_e": 5}})}, 350, dt_ms=1,
            stimuli={"step": {"kind": "pulses", "target": "cell", "amplitude_pA": 7, "start_ms": 300,
                              "width_ms": 50}}))
        self.assertEqual(len(expected), 5)
        np.testing.assert_array_equal(np.rint(got.spikes_ms["cell"]), expected)

    def test_a_spike_drives_for_one_step(self):
        got = Run(small_experiment(
            {"source": (1, {"model": "poisson_source", "parameters": {"rate_hz": 20}}),
             "cell": (1, {"model": "izhikevich_2003", "parameters": {"a": 0, "b": 0}, "initial": {"u": 0, "v_mV": -70}})},
            200, projections={"p": {"source": "source", "target": "cell", "rule": "all_to_all",
                                    "receptors": {"I": 1}, "weight": -20, "delay_ms": 2}},
            record={"reports": {"v": {"population": "cell", "variable": "v_mV", "interval_ms": DT_MS}}}))
        v, expected, arrivals = -70.0, [], set(got.steps("source") + 20)
        for step in range(2000):
            expected.append(v)
            for _ in range(2):
                v += 0.05 * (0.04 * v**2 + 5 * v + 140 + (-20 if step in arrivals else 0))
        self.assertGreater(len(arrivals), 1)
        np.testing.assert_allclose(got.reports["v"][:, 0], expected, atol=1e-3)


class Sources(unittest.TestCase):
    N, SECONDS = 400, 5

    def run_source(self, model, **parameters):
        got = Run(small_experiment({"source": (self.N, {"model": model, "parameters": parameters})},
                                   self.SECONDS * 1000))
        return got.steps("source"), got.ids["source"]

    def assert_mean(self, count, expected, sigma):
        self.assertLess(abs(count - expected), 4 * sigma)

    def test_poisson_source(self):
        steps, ids = self.run_source("poisson_source", rate_hz=40)
        mean = 40 * self.N * self.SECONDS
        self.assert_mean(len(steps), mean, np.sqrt(mean))
        counts = np.bincount(ids, minlength=self.N)  # of each cell: a Poisson number
        self.assert_mean(np.var(counts) / np.mean(counts), 1, np.sqrt(2 / self.N))
        together = np.bincount((steps - 1) // 100)  # of all cells, in bins of 10 ms: no cell knows of another
        self.assert_mean(np.var(together) / np.mean(together), 1, np.sqrt(2 / len(together)))
        order = np.lexsort((steps, ids))
        gaps = np.diff(steps[order])[np.diff(ids[order]) == 0]
        self.assert_mean(np.std(gaps) / np.mean(gaps), 1, 0.01)
        self.assertEqual(gaps.min(), 1)

    def test_a_low_rate_keeps_its_digits(self):
        steps, _ = self.run_source("poisson_source", rate_hz=0.05)
        self.assert_mean(len(steps), 100, 10)

    def test_inhomogeneous_poisson_source(self):
        steps, _ = self.run_source("inhomogeneous_poisson_source", rate_hz=40, depth=0.6, f_hz=7, phase_rad=0.5)
        mean = 40 * self.N * self.SECONDS
        self.assert_mean(len(steps), mean, np.sqrt(mean))
        angles = 2 * np.pi * 7 * (steps - 1) * DT_MS / 1000 + 0.5
        wave = np.mean(np.exp(1j * angles))  # of a rate 1 + depth sin(angle): i depth / 2
        self.assertLess(abs(wave - 0.3j), 4 / np.sqrt(len(steps)))


class Parrot(unittest.TestCase):
    def test_each_spike_is_repeated(self):
        got = Run(small_experiment(
            {"source": (30, {"model": "poisson_source", "parameters": {"rate_hz": 100}}),
             "parrot": (1, {"model": "parrot"})}, 500,
            projections={"p": {"source": "source", "target": "parrot", "rule": "all_to_all",
                               "receptors": {"spikes": 1}, "weight": 1, "delay_ms": 1}}))
        waiting, expected = 0, []
        arriving = np.bincount(got.steps("source") + 10, minlength=6000)
        for step in range(5000):
            waiting += arriving[step]
            if waiting > 0:
                waiting -= 1
                expected.append(step + 1)
        self.assertGreater(arriving.max(), 1)
        np.testing.assert_array_equal(got.steps("parrot"), expected)


class ValuesOfEachNeuron(unittest.TestCase):
    def test_lists_of_parameters_and_state(self):
        """Rest is where a cell is with its constant current; 37 cells do not fill their last vector."""
        n = 37
        start = [-70 + 0.25 * i for i in range(n)]
        current = [float(i) for i in range(n)]
        cell = {"model": "lif_exp", "initial": {"v_mV": start}}
        got = Run(small_experiment({"cell": (n, cell)}, 300, record={"reports": {
            "v": {"population": "cell", "variable": "v_mV", "interval_ms": DT_MS}}}),
                  **{"populations.cell.parameters": json.dumps({"I_e_pA": current})})
        np.testing.assert_array_equal(got.reports["v"][0], start)
        np.testing.assert_allclose(got.reports["v"][-1], -65 + 0.04 * np.array(current), rtol=0,
                                   atol=5e-4)  # where a step is less than half a digit of v


class Modulated(unittest.TestCase):
    def test_derived_numbers_follow_a_parameter_that_receptors_change(self):
        """A bound receptor slows the membrane, and so raises its resistance and rest."""
        cell = {"model": "lif_exp", "parameters": {"I_e_pA": 200}, "effects": [
            {"receptor": "D1", "on": "tau_m_ms", "scale": 0.5}]}
        got = Run(small_experiment(
            {"axon": (1, {"model": "poisson_source", "parameters": {"rate_hz": 0}}), "cell": (3, cell)}, 2000,
            receptors={"D1": {"modulator": "dopamine", "K_d_nM": 100, "k_off_per_s": 10}},
            modulators={"dopamine": {"compartments": {"default": {
                "source": "axon", "release_nM": 1, "axonal_delay_ms": 1, "V_max_nM_per_s": 0, "K_m_nM": 100,
                "k_loss_per_s": 0, "initial_nM": 100}}}},
            record={"reports": {
                "v": {"population": "cell", "variable": "v_mV", "interval_ms": 1},
                "bound": {"population": "cell", "receptor": "D1", "variable": "occupancy", "interval_ms": 1}}}))
        bound = got.reports["bound"][-1, 0]
        self.assertAlmostEqual(bound, 0.5, delta=0.01)
        np.testing.assert_allclose(got.reports["v"][-1], -65 + 10 * (1 + 0.5 * bound) / 250 * 200, rtol=0, atol=2e-3)


class SameBits(unittest.TestCase):
    """What is derived once and what is derived for each vector, and every width, give the same spikes."""

    @staticmethod
    def hashed(document, *options):
        with tempfile.TemporaryDirectory() as directory:
            path, out = Path(directory) / "experiment.json", Path(directory) / "out"
            path.write_text(json.dumps(document))
            device = ["--device", DEVICE] if DEVICE else []
            subprocess.run([PROGRAM, "run", path, "--out", out, "--quiet", *device, *options], check=True)
            summary = json.loads((out / "summary.json").read_text())
            return summary["spike_hash"], summary["spikes"]

    def test_derived_numbers(self):
        plain = experiment()
        varied = experiment()
        for name, (model, changes, *_) in CELLS.items():
            for parameter, value in {**defaults(model), **changes}.items():
                varied["cells"][name]["parameters"][parameter] = {"distribution": "uniform", "min": value,
                                                                  "max": value}
        expected = self.hashed(plain)
        self.assertGreater(expected[1], 50)
        self.assertEqual(self.hashed(varied), expected)
        for width in "1", "4", "8":
            self.assertEqual(self.hashed(plain, "--vector-width", width), expected)
        self.assertEqual(self.hashed(varied, "--vector-width", "1", "--work-group-size", "4"), expected)


if __name__ == "__main__":
    unittest.main()
