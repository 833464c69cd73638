"""Mechanisms of drugs, from an experiment to its time line, against the same equations solved by SciPy.

No cell fires: drug levels are the only drive. Rates are from the literature's range, times are short."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

from results import Results

SECONDS = 60
PER_MIN = 1 / 60
K_IN, K_OUT, K_E = 3 * PER_MIN, 2 * PER_MIN, 1 * PER_MIN  # plasma and brain, 1/s
V_MAX, K_M, K_LOSS, REST = 1500.0, 160.0, 0.04, 65.0
STORES = {"release_fraction": 0.05, "tau_ready_s": 2, "reserve_nM": 20000, "cytosol_nM": 50, "K_vmat_nM": 200,
          "k_leak_per_s": 0.0001, "k_emptying_per_s": 0.02, "reverse_share": 0.3, "K_reverse_nM": 50}
RELEASER = {"K_i_nM": 600, "K_vesicle_nM": 1000, "K_reverse_nM": 500}
PEAK_NM = 5000  # of plasma, right after the dose


def experiment(drug, **sections):
    """A silent population in one region with dopamine, and one intravenous dose at 1 s."""
    return {
        "schema_version": 1,
        "cells": {"quiet": {"model": "lif_cond", "conductances": {
            "leak": {"kind": "tonic", "E_mV": -70, "g_nS": 1, "gain": 0}}, **sections.pop("cell", {})}},
        "populations": {"axons": {"cell": "quiet", "region": "nac", "n_neurons": 4}},
        "modulators": {"dopamine": {"compartments": {"nac": {
            "source": "axons", "release_nM": 200, "V_max_nM_per_s": V_MAX, "K_m_nM": K_M,
            "k_loss_per_s": K_LOSS, "transporter": "dat", "initial_nM": REST,
            **sections.pop("compartment", {})}}}, **sections.pop("modulators", {})},
        "drugs": {"drug": {
            "molar_mass_g_per_mol": 1000, "V_d_L_per_kg": 1, "k_elimination_per_min": 1,
            "k_to_brain_per_min": 3, "k_from_brain_per_min": 2, "routes": {"iv": {}}, **drug}},
        "protocol": [{"phase": "all", "seconds": SECONDS, "events": [
            {"at_s": 1, "drug": "drug", "route": "iv", "dose_mg_per_kg": PEAK_NM * 1e-3}]}],
        "record": {"timeline_interval_ms": 100},
        **sections,
    }


def solve(right_side, start, t_s):
    """Plasma and brain, then what `right_side(brain, y)` says; at the times, averaged as the time line does."""
    def whole(t, y):
        plasma, brain = y[:2]
        return np.concatenate([[K_OUT * brain - (K_IN + K_E) * plasma, K_IN * plasma - K_OUT * brain],
                               right_side(brain, y[2:])])
    before = solve_ivp(whole, (0, 1), [0, 0, *start], method="LSODA", rtol=1e-9, atol=1e-12, dense_output=True)
    begin = before.y[:, -1] + [PEAK_NM, *[0] * (len(start) + 1)]
    after = solve_ivp(whole, (1, SECONDS), begin, method="LSODA", rtol=1e-9, atol=1e-12, dense_output=True)
    def at(times):
        return np.where(times < 1, before.sol(np.minimum(times, 1)), after.sol(np.maximum(times, 1)))
    parts = (np.arange(20) + 0.5) / 20 * 0.1
    return np.mean([at(t_s - 0.1 + part) for part in parts], axis=0)[1:]


class Mechanisms(unittest.TestCase):
    def run_series(self, model, *names):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "experiment.json"
            path.write_text(json.dumps(model))
            results = Results(path)
            try:
                return results.series(*names)
            finally:
                results.close()

    def assertFollows(self, got, expected, what, tolerance=2e-3):
        scale = np.abs(expected).max()
        error = np.abs(got - expected).max() / scale
        self.assertLess(error, tolerance, f"{what}: {error:.2g} of {scale:.4g}")
        self.assertGreater(np.ptp(expected) / scale, 0.01, f"{what} does not move")

    def test_three_ligands_of_a_receptor_that_wanes(self):
        k_d, k_r, k_i, k_e, reserve = 4 * PER_MIN, 0.4 * PER_MIN, 0.7 * PER_MIN, 0.3 * PER_MIN, 5
        model = experiment(
            {"binds": {"MOR": {"K_i_nM": 40, "efficacy": 0.4, "k_off_per_s": 0.3, "internalisation": 0.1}}},
            modulators={"enkephalin": {"compartments": {"nac": {"tone_nM": 2}}}},
            receptors={"MOR": {
                "modulator": "enkephalin", "K_d_nM": 5, "k_off_per_s": 2, "reserve": reserve,
                "k_desensitisation_per_min": 4, "k_resensitisation_per_min": 0.4,
                "k_internalisation_per_min": 0.7, "k_recycling_per_min": 0.3}},
            cell={"effects": [{"receptor": "MOR", "on": "leak", "add": 1}]})
        model["drugs"]["antagonist"] = {**model["drugs"]["drug"],
                                        "binds": {"MOR": {"K_i_nM": 900, "efficacy": 0, "k_off_per_s": 20}}}
        model["protocol"][0]["events"].append({"at_s": 1, "drug": "antagonist", "route": "iv",
                                               "dose_mg_per_kg": PEAK_NM * 1e-3})
        t, occupancy, activation, surface = self.run_series(
            model, *(f"axons.MOR.{name}" for name in ("occupancy", "activation", "surface")))

        def right_side(brain, y):
            enkephalin, drug, antagonist, desensitised, internal = y
            free = 1 - enkephalin - drug - antagonist
            s = 1 - desensitised - internal
            waning = k_d * (enkephalin + 0.4 * drug) * s
            inward = k_i * (enkephalin + 0.1 * drug) * desensitised
            return [2 / 5 * 2 * free - 2 * enkephalin, 0.3 / 40 * brain * free - 0.3 * drug,
                    20 / 900 * brain * free - 20 * antagonist,
                    waning - k_r * desensitised - inward, inward - k_e * internal]
        _, e, d, a, desensitised, internal = solve(right_side, [2 / 7, 0, 0, 0, 0], t)
        s = 1 - desensitised - internal
        x = s * (e + 0.4 * d)
        self.assertFollows(occupancy, e + d + a, "occupancy")
        self.assertFollows(surface, s, "surface")
        self.assertFollows(activation, (1 + reserve) * x / (1 + reserve * x), "activation", 4e-3)

    def test_a_nicotinic_channel(self):
        model = experiment(
            {"binds": {"nAChR": {"K_i_nM": 5, "efficacy": 1, "EC50_nM": 10000, "desensitises_nM": 61}}},
            modulators={"acetylcholine": {"compartments": {"nac": {"tone_nM": 1000}}}},
            receptors={"nAChR": {
                "kind": "channel", "modulator": "acetylcholine", "K_d_nM": 30000, "hill": 1.05,
                "desensitisation_hill": 0.5, "tau_half_ratio": 1.8, "tau_hill": 3}},
            cell={"effects": [{"receptor": "nAChR", "on": "leak", "add": 1}]})
        t, activation, surface = self.run_series(model, "axons.nAChR.activation", "axons.nAChR.surface")

        def right_side(brain, y):
            x = (1 / 30 + brain / 10000) ** 1.05
            gone = np.sqrt(brain / 61) / (1 + np.sqrt(brain / 61))
            tau = 0.5 + 600 / (1 + (brain / 61 / 1.8) ** 3)
            return [(x / (1 + x) - y[0]) / 0.005, (gone - y[1]) / tau]
        open_at_rest = (1 / 30) ** 1.05 / (1 + (1 / 30) ** 1.05)
        _, opened, desensitised = solve(right_side, [open_at_rest, 0], t)
        self.assertFollows(surface, 1 - desensitised, "surface")
        self.assertFollows(activation, opened * (1 - desensitised), "activation", 5e-3)

    def releaser_experiment(self, **sections):
        return experiment({"releases": {"dat": RELEASER}}, compartment={
            "terminals": STORES, "enzymes": {"mao": {"k_per_s": 0.2, "place": "cytosol"}}}, **sections)

    def test_a_releaser_and_the_stores(self):
        t, c, ready, reserve, cytosol = self.run_series(
            self.releaser_experiment(), *(f"dopamine.nac.{name}" for name in (
                "concentration_nM", "ready_vesicles", "reserve_vesicles", "cytosol_nM")))
        lost = K_LOSS * REST
        released = V_MAX * REST / (K_M + REST) + lost
        ready_share = 1 / (1 + 0.05 * 2 * released / 200)
        full = 200 / 0.05 / ready_share
        v_vmat = (1e-4 * 20000 + released) * 250 / 50
        synthesis = lost + 0.2 * 50

        def right_side(a, y):
            c, r, reserve, cytosol = y
            uptake = V_MAX * c / (K_M * (1 + a / 600) + c)
            refill = (full * reserve / 20000 - r) / 2
            leak = (1e-4 + 0.02 * a / (a + 1000)) * reserve
            vmat = v_vmat * cytosol / (200 * (1 + a / 1000) + cytosol)
            reverse = 0.3 * V_MAX * a / (a + 500) * cytosol / (50 + cytosol)
            return [reverse - uptake - K_LOSS * c, refill, vmat - refill - leak,
                    uptake + leak + synthesis - vmat - reverse - 0.2 * cytosol]
        _, *expected = solve(right_side, [REST, ready_share * full, 20000, 50], t)
        self.assertFollows(c[5:], expected[0][5:], "outside", 5e-3)
        self.assertFollows(ready, expected[1] / (ready_share * full), "ready")
        self.assertFollows(reserve, expected[2] / 20000, "reserve")
        self.assertFollows(cytosol, expected[3], "cytosol", 5e-3)

    def test_without_transporters_vesicles_empty_and_nothing_comes_out(self):
        names = [f"dopamine.nac.{name}" for name in ("concentration_nM", "reserve_vesicles", "reverse_transport_nM")]
        knocked_out = {"targets": {"dat": {"kind": "transporter", "density": 0}}}
        _, c, reserve, reverse = self.run_series(self.releaser_experiment(**knocked_out), *names)
        model = self.releaser_experiment(**knocked_out)
        model["protocol"][0]["events"] = []
        _, c_without, reserve_without, _ = self.run_series(model, *names)
        np.testing.assert_array_equal(c, c_without)
        self.assertEqual(reverse.max(), 0)
        self.assertLess(reserve[-1], reserve_without[-1] - 0.03)

    def test_an_enzyme_and_its_inhibitor(self):
        model = experiment({"inhibits": {"comt": {"K_i_nM": 300}}}, compartment={
            "V_max_nM_per_s": 0, "enzymes": {"comt": {"k_per_s": 0.3}}})
        t, c = self.run_series(model, "dopamine.nac.concentration_nM")
        _, expected = solve(lambda brain, y: [-(K_LOSS + 0.3 / (1 + brain / 300)) * y[0]], [REST], t)
        self.assertFollows(c, expected, "concentration")

    def conductance(self, receptor_scale, plasticity, drug=True):
        """Peaks of the conductance that a train of spikes at 20 Hz opens, from long after the dose on."""
        model = experiment(
            {"binds": {"MOR": {"K_i_nM": 0.05, "efficacy": 0.4, "k_off_per_s": 10}}}, receptors={"MOR": {"reserve": 5}})
        model["cells"]["relay"] = {"model": "izhikevich", "parameters": {
            "C_pF": 1, "k_nS_per_mV": 1, "vr_mV": -60, "vt_mV": -40, "vpeak_mV": 30, "a_per_ms": 1, "b_nS": 0, "c_mV": -60,
            "d_pA": 0, "I0_pA": 0}}
        model["cells"]["target"] = {"model": "lif_cond", "conductances": {
            "gaba_a": {"kind": "exponential", "tau_decay_ms": 2, "E_mV": -70}}}
        for name in ("relay", "target"):
            model["populations"][name] = {"cell": name, "region": "nac", "n_neurons": 1}
        model["stimuli"] = {"train": {"kind": "pulses", "target": "relay", "amplitude_pA": 300, "start_ms": 1000,
                                      "width_ms": 0.1, "period_ms": 50}}
        model["projections"] = {"synapse": {
            "source": "relay", "target": "target", "rule": "one_to_one", "receptors": {"gaba_a": 1}, "weight_nS": 2,
            "delay_ms": 1, **plasticity}}
        if receptor_scale:
            model["projections"]["synapse"]["presynaptic"] = [{"receptor": "MOR", "scale": receptor_scale}]
        model["protocol"][0].update(seconds=3)
        model["protocol"][0]["events"] = model["protocol"][0]["events"] if drug else []
        model["protocol"][0]["events"] = [{**event, "at_s": 0} for event in model["protocol"][0]["events"]]
        model["record"]["reports"] = {"g": {"population": "target", "variable": "g_gaba_a_nS", "interval_ms": 0.1}}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "experiment.json"
            path.write_text(json.dumps(model))
            results = Results(path)
            g = results.report("g")[:, 0].astype(float)
            results.close()
        peaks = g[1:-1][(g[1:-1] > g[:-2]) & (g[1:-1] >= g[2:]) & (g[1:-1] > 0.01)]
        self.assertEqual(len(peaks), 40)
        return peaks

    def test_a_receptor_on_terminals_takes_from_the_weight(self):
        """Morphine at RMTg terminals: 0.8 of the full effect, 46 % less (Matsui et al. 2014)."""
        plain = self.conductance(None, {})
        np.testing.assert_allclose(self.conductance(-0.575, {}) / plain, 0.54, atol=2e-4)
        np.testing.assert_array_equal(self.conductance(-0.575, {}, drug=False), plain)

    def test_a_receptor_on_terminals_takes_from_U(self):
        """u and x by hand, with the smaller U; what it spares at the first spike is there at later ones."""
        U, tau_recovery, tau_facilitation = 0.5, 800, 100
        keys = {"U": U, "tau_recovery_ms": tau_recovery, "tau_facilitation_ms": tau_facilitation}
        for scale, factor in ((-0.575, 0.54), (0.5, 1.4)):
            x, u, amplitudes = 1, 0, []
            for i in range(40):
                if i > 0:
                    x = 1 + (x * (1 - u) - 1) * np.exp(-50 / tau_recovery)
                u = U * factor + u * (1 - U * factor) * np.exp(-50 / tau_facilitation)
                amplitudes.append(x * u)
            got = self.conductance(scale, {"short_term_plasticity": keys}) / self.conductance(None, {})
            np.testing.assert_allclose(got, amplitudes, atol=5e-4)


if __name__ == "__main__":
    unittest.main()
