"""Assays of single synapses, beside closed forms, and beside NumPy on all synapses as a snapshot has them."""

import json
import math
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

from results import Results

N_IN, N_OUT = 60, 200
AMPA = {"kind": "biexponential", "tau_rise_ms": 0.5, "tau_decay_ms": 4, "E_mV": 0}
CP = {"kind": "biexponential", "tau_rise_ms": 0.8, "tau_decay_ms": 12, "E_mV": 5,
      "rectification": {"V_half_mV": 10, "slope_mV": 20, "left_open": 0.1}}
NMDA = {"kind": "biexponential", "tau_rise_ms": 4, "tau_decay_ms": 90, "E_mV": 0, "mg_mM": 1, "gain": 1.5}
GABA = {"kind": "exponential", "tau_decay_ms": 8, "E_mV": -70}
CELLS = {
    "in": {"model": "poisson_source", "parameters": {"rate_hz": 5}},
    "out": {"model": "izhikevich", "parameters": {"I0_pA": 70},
            "conductances": {"ampa": AMPA, "cp_ampa": CP, "nmda": NMDA, "gaba": GABA}},
}
POPULATIONS = {"in": {"cell": "in", "n_neurons": N_IN}, "out": {"cell": "out", "n_neurons": N_OUT}}


def shape(g, t):
    """Of a conductance after one spike, with a peak of 1."""
    rise, decay = g.get("tau_rise_ms"), g["tau_decay_ms"]
    if rise is None:
        return np.exp(-t / decay)
    at = math.log(decay / rise) * rise * decay / (decay - rise)
    return (np.exp(-t / decay) - np.exp(-t / rise)) / (math.exp(-at / decay) - math.exp(-at / rise))


def current_pA(peaks_nS, v_mV, t):
    """Outward; peaks by conductance of the cell."""
    total = 0
    for name, peak in peaks_nS.items():
        g = CELLS["out"]["conductances"][name]
        block = 1 / (1 + g["mg_mM"] / 3.57 * math.exp(-0.062 * v_mV)) if "mg_mM" in g else 1
        if "rectification" in g:
            x = g["rectification"]
            block *= x["left_open"] + (1 - x["left_open"]) / (1 + math.exp((v_mV - x["V_half_mV"]) / x["slope_mV"]))
        total = total + g.get("gain", 1) * peak * shape(g, t) * block * (v_mV - g["E_mV"])
    return total


def peak_pA(peaks_nS, v_mV):
    return np.abs(current_pA(peaks_nS, v_mV, np.arange(0, 200, 0.001))).max()


def contact(source="in", weight=0.2, indegree=20, nmda=None, cp=None, **keys):
    """A projection of glutamatergic contacts whose contents nothing changes."""
    contents = {}
    if nmda is not None:
        contents["nmda"] = {"receptors": {"nmda": 1}, **nmda}
    if cp is not None:
        contents["cp"] = {"receptors": {"cp_ampa": 1}, **cp}
    return {"source": source, "target": "out", "rule": "fixed_indegree", "indegree": indegree, "multapses": True,
            "receptors": {"ampa": 1}, "weight_nS": weight, "delay_ms": {"distribution": "uniform", "min": 1, "max": 3},
            "long_term_plasticity": {"rule": "contact", "weight_max_nS": 2, "contents": contents}, **keys}


class Measured:
    """Values by assay, quantity and time in hours; courses; edges of snapshots."""

    def __init__(self, assays, projections, options=(), **experiment):
        body = {"schema_version": 1, "seed": 3, "cells": CELLS, "populations": POPULATIONS, "projections": projections,
                "assays": assays, "protocol": [{"phase": "all", "ms": 20}], **experiment}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "experiment.json"
            path.write_text(json.dumps(body))
            results = Results(path, options)
        self.summary = json.loads((results.directory / "summary.json").read_text())
        self.values, self.times_h, self.edges, self.courses = {}, {}, {}, {}
        for a in self.summary["assays"]:
            self.values.setdefault(a["name"], {}).setdefault(a["quantity"], []).append(a["value"])
            self.times_h.setdefault(a["name"], {}).setdefault(a["quantity"], []).append(a["time_h"])
        with h5py.File(results.directory / "timeline.h5") as file:
            for name, group in file.get("assay", {}).items():
                for quantity, course in group.items():
                    self.courses[name, quantity] = {key: v[:] for key, v in course.items()}
        for file in (results.directory / "network").glob("*.h5"):
            with h5py.File(file) as f:
                (group,) = f["edges"].values()
                self.edges[file.name.removesuffix("s_edges.h5")] = {
                    "source": group["source_node_id"][:], "target": group["target_node_id"][:],
                    **{key: v[:] for key, v in group["0"].items()}}
        results.close()

    def one(self, name):
        return {quantity: value for quantity, (value,) in self.values[name].items()}


class Ratio(unittest.TestCase):
    """Of cells whose contacts are known from a snapshot."""

    @classmethod
    def setUpClass(cls):
        drawn = {"distribution": "lognormal", "mean": 0.2, "sd": 0.1}
        fixed = {"source": "in", "target": "out", "rule": "fixed_probability", "probability": 0.2,
                 "receptors": {"ampa": 1, "nmda": 0.25, "gaba": 3}, "weight_nS": drawn, "delay_ms": 2}
        every = {"assay": "ampa_nmda_ratio", "projection": "drawn", "cells": N_OUT}
        m = Measured(
            {"fixed": {"assay": "ampa_nmda_ratio", "projection": "fixed"},
             "drawn": every,
             "low": {**every, "ampa_mV": -70},
             "late": {**every, "nmda_at_ms": 50},
             "blocked": {**every, "cp_blocked": True},
             "both": {**every, "projection": ["drawn", "fixed"]},
             "blocked_by_name": {**every, "cp": "cp_ampa", "cp_blocked": True},
             "named": {**every, "ampa": "ampa", "nmda": "nmda", "cp": "cp_ampa"},
             "half": {**every, "projection": "fixed", "share": 0.5},
             "few": {**every, "cells": 20}},
            {"drawn": contact(weight=drawn, nmda={"initial_nS": {"distribution": "uniform", "min": 0.05, "max": 0.3}},
                              cp={"initial_share": 0.5}), "fixed": fixed},
            record={"snapshots": {"projection": ["drawn", "fixed"]}})
        cls.m, cls.edges = m, {name: m.edges[f"{name}_0.02"] for name in ("drawn", "fixed")}

    def sums(self, name, variable):
        e = self.edges[name]
        return np.bincount(e["target"].astype(int), e[variable].astype(float), N_OUT)

    def expect(self, name, ampa, nmda, delta=2e-5):
        """Of lists over cells; the two currents of the assay and their ratio."""
        got, ampa, nmda = self.m.one(name), np.array(ampa), np.array(nmda)
        self.assertEqual(got["cells"], len(ampa))
        for quantity, expected in (("ampa_pA", ampa.mean()), ("nmda_pA", nmda.mean()), ("ratio", (ampa / nmda).mean()),
                                   ("ratio_sem", (ampa / nmda).std(ddof=1) / math.sqrt(len(ampa)))):
            self.assertAlmostEqual(got[quantity] / expected, 1, delta=delta, msg=f"{name} {quantity}")

    def test_one_weight_for_both(self):
        """The weights cancel: AMPA of gain 1 over NMDA of gain 1.5 and factor 0.25, unblocked in part at +40 mV."""
        got = self.m.one("fixed")
        unblocked = 1 / (1 + math.exp(-0.062 * 40) / 3.57)
        self.assertAlmostEqual(got["ratio"], 1 / (0.25 * 1.5 * unblocked), places=5)
        self.assertLess(got["ratio_sem"], 1e-6)
        self.assertEqual(got["cells"], 50)

    def currents(self, v_mV, cp=1.0, receptors=("ampa", "cp_ampa")):
        w, c = self.sums("drawn", "syn_weight"), self.sums("drawn", "cp")
        return [peak_pA({name: g for name, g in (("ampa", a), ("cp_ampa", cp * b)) if name in receptors}, v_mV)
                for a, b in zip(w, c)]

    def nmda(self):
        return [peak_pA({"nmda": g}, 40) for g in self.sums("drawn", "nmda")]

    def test_contents_of_their_own(self):
        self.expect("drawn", self.currents(40), self.nmda())

    def test_at_another_potential(self):
        self.expect("low", self.currents(-70), self.nmda())

    def test_late_current(self):
        late = [abs(current_pA({"ampa": a, "cp_ampa": c, "nmda": n}, 40, 50.0)) for a, c, n in
                zip(self.sums("drawn", "syn_weight"), self.sums("drawn", "cp"), self.sums("drawn", "nmda"))]
        self.expect("late", self.currents(40), late)

    def test_receptors_without_glua2(self):
        """They rectify: a blocker takes more away at -70 than at +40 mV."""
        whole, half = ([np.mean(self.currents(v, cp)) for v in (-70, 40)] for cp in (1, 0))
        self.assertGreater(1 - half[0] / whole[0], 2 * (1 - half[1] / whole[1]))
        self.expect("blocked", self.currents(40, cp=0), self.nmda())
        self.expect("blocked_by_name", self.currents(40, cp=0), self.nmda())

    def test_conductances_by_name(self):
        self.expect("named", self.currents(40, receptors=("ampa",)), self.nmda())

    def test_two_pathways(self):
        """A cell's current is the sum over both; what opens towards -70 mV is blocked."""
        f = self.sums("fixed", "syn_weight")
        ampa = [peak_pA({"ampa": a + x, "cp_ampa": c}, 40)
                for a, c, x in zip(self.sums("drawn", "syn_weight"), self.sums("drawn", "cp"), f)]
        nmda = [peak_pA({"nmda": n + 0.25 * x}, 40) for n, x in zip(self.sums("drawn", "nmda"), f)]
        self.expect("both", ampa, nmda)

    def test_a_share_of_the_axons(self):
        """Half of the axons bring about half of the current, and the same ratio."""
        got = self.m.one("half")
        whole = np.mean([peak_pA({"ampa": x}, 40) for x in self.sums("fixed", "syn_weight")])
        self.assertLess(abs(got["ampa_pA"] / whole - 0.5), 4 * 0.5 / math.sqrt(N_IN))
        self.assertAlmostEqual(got["ratio"], self.m.one("fixed")["ratio"], places=5)

    def test_some_of_the_cells(self):
        """Twenty of 200: their mean is that of all within its error, and not that of the first."""
        got, ampa = self.m.one("few"), np.array(self.currents(40))
        self.assertEqual(got["cells"], 20)
        self.assertLess(abs(got["ampa_pA"] - ampa.mean()), 4 * ampa.std() / math.sqrt(20))
        self.assertNotAlmostEqual(got["ampa_pA"], ampa[:20].mean(), places=3)


class Silent(unittest.TestCase):
    """A quarter of all contacts has NMDA receptors alone; an eighth has none but CP-AMPA receptors beside them."""

    N_TRIALS = 500

    @classmethod
    def setUpClass(cls):
        nmda = {"initial_nS": 0.3}
        stp = {"short_term_plasticity": {"U": 0.4, "tau_recovery_ms": 100, "tau_facilitation_ms": 10}}
        assay = {"assay": "silent_synapses", "projection": ["silent", "cp", "mature"], "cells": N_OUT,
                 "trials": cls.N_TRIALS, "noise_pA": 1, "threshold_pA": 4}
        cls.projections = {
            "silent": contact(weight=0, indegree=4, nmda=nmda, **stp),
            "cp": contact(weight=0, indegree=2, nmda=nmda, cp={"initial_nS": 0.2}, **stp),
            "mature": contact(weight=0.2, indegree=10, nmda=nmda, cp={"initial_nS": 0}, **stp)}
        cls.assays = {
            "one": assay, "blocked": {**assay, "cp_blocked": True}, "four": {**assay, "contacts": 4},
            "again": {**assay, "contacts": 4}, "given": {**assay, "release_probability": 0.7, "contacts": 2},
            "mature": {**assay, "projection": "mature"}, "silent": {**assay, "projection": "silent"},
            "deaf": {**assay, "threshold_pA": 100}, "blind": {**assay, "threshold_pA": 0, "noise_pA": 0}}
        cls.m = Measured(cls.assays, cls.projections)

    def check(self, name, silent, p, contacts):
        """Cells reach so many of 16 contacts, drawn without replacement; the rest is the failures' own scatter."""
        got = self.m.one(name)
        self.assertEqual(got["cells"], N_OUT)
        spread = math.sqrt(silent * (1 - silent) / contacts * (16 - contacts) / 15)
        failed = (1 - p) ** contacts
        # of the estimate in one cell: both rates' errors
        noise = math.sqrt(2 * (1 - failed) / failed / self.N_TRIALS) / abs(math.log(failed))
        error = math.hypot(spread, noise) / math.sqrt(N_OUT)
        self.assertLess(abs(got["silent_percent"] / 100 - silent), 4 * error, name)
        self.assertAlmostEqual(got["silent_sem"] / 100 / error, 1, delta=0.25, msg=name)
        self.assertAlmostEqual(got["failures_high_percent"] / 100, failed,
                               delta=4 * math.sqrt(failed * (1 - failed) / self.N_TRIALS / N_OUT))

    def test_the_share_is_recovered(self):
        self.check("one", 4 / 16, 0.4, 1)
        self.check("four", 4 / 16, 0.4, 4)
        self.check("given", 4 / 16, 0.7, 2)

    def test_a_blocker_of_receptors_without_glua2_makes_more_of_them_silent(self):
        self.check("blocked", 6 / 16, 0.4, 1)

    def test_all_or_none(self):
        self.assertLess(abs(self.m.one("mature")["silent_percent"]), 1)
        # now and then noise lifts what a magnesium block leaves at -70 mV above the threshold
        seen = 0.4 * math.erfc((4 - peak_pA({"nmda": 0.3}, -70)) / math.sqrt(2)) / 2
        expected = 100 * (1 - math.log(1 - seen) / math.log(0.6))
        self.assertAlmostEqual(self.m.one("silent")["silent_percent"], expected, delta=0.1)
        self.assertLess(expected, 99.8)
        self.assertAlmostEqual(self.m.one("mature")["failures_low_percent"], 60, delta=0.5)

    def test_nothing_to_measure(self):
        """With a threshold above all responses, or below none, no cell counts."""
        for name in "deaf", "blind":
            self.assertEqual(self.m.one(name)["cells"], 0)
            self.assertIsNone(self.m.one(name)["silent_percent"])

    def test_draws_are_an_assays_own(self):
        self.assertNotEqual(self.m.one("four"), self.m.one("again"))

    def test_the_layout_does_not_matter_and_nothing_is_disturbed(self):
        few = {name: self.assays[name] for name in ("one", "four")}
        other = Measured(few, self.projections, ("--partitions", "3", "--vector-width", "4"))
        self.assertEqual(other.values, {name: self.m.values[name] for name in few})
        self.assertEqual(Measured({}, self.projections).summary["spike_hash"], self.m.summary["spike_hash"])


class Miniatures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        mini = {"assay": "mepsc", "projection": ["silent", "mature"], "cells": N_OUT, "rate_hz": 0.05, "record_s": 200}
        cls.m = Measured(
            {"clean": {**mini, "noise_pA": 0}, "noisy": {**mini, "noise_pA": 1, "quantal_cv": 0.2},
             "high": {**mini, "noise_pA": 0, "threshold_pA": 14.5}},
            {"silent": contact(weight=0, indegree=5, nmda={"initial_nS": 0.3}), "mature": contact(weight=0.2, indegree=15)})

    def check_frequency(self, name, expected_hz):
        got = self.m.one(name)
        error = math.sqrt(expected_hz / 200 / N_OUT)
        self.assertLess(abs(got["frequency_hz"] - expected_hz), 4 * error)
        self.assertAlmostEqual(got["frequency_sem"] / error, 1, delta=0.25)
        self.assertEqual(got["cells"], N_OUT)

    def test_every_functional_contact_is_seen(self):
        self.check_frequency("clean", 15 * 0.05)
        got = self.m.one("clean")
        self.assertAlmostEqual(got["amplitude_pA"], 70 * 0.2, delta=2e-5)
        self.assertAlmostEqual(got["amplitude_cv"], 0, places=5)

    def test_noise_and_quantal_variation(self):
        self.check_frequency("noisy", 15 * 0.05)
        got, sd = self.m.one("noisy"), math.hypot(0.2 * 14, 1)
        n = 15 * 0.05 * 200
        self.assertLess(abs(got["amplitude_pA"] - 14), 4 * sd / math.sqrt(n * N_OUT) + 0.02)
        self.assertAlmostEqual(got["amplitude_cv"], sd / 14, delta=0.01)

    def test_what_is_below_the_threshold_is_not_seen(self):
        self.assertEqual(self.m.one("high")["frequency_hz"], 0)
        self.assertIsNone(self.m.one("high")["amplitude_pA"])


class PairedPulses(unittest.TestCase):
    STP = {"depressing": (0.5, 300, 0), "facilitating": (0.15, 50, 400)}

    @staticmethod
    def shares(U, recovery, facilitation, interval, factor=1):
        U = min(1, U * factor)
        x = 1 - U * math.exp(-interval / recovery)
        u = U + U * (1 - U) * (math.exp(-interval / facilitation) if facilitation else 0)
        return U, x * u

    @classmethod
    def setUpClass(cls):
        projections = {name: contact(short_term_plasticity={"U": U, "tau_recovery_ms": r, "tau_facilitation_ms": f})
                       for name, (U, r, f) in cls.STP.items()}
        projections["plain"] = {"source": "in", "target": "out", "rule": "fixed_indegree", "indegree": 20,
                                "receptors": {"ampa": 1}, "weight_nS": 0.2, "delay_ms": 2}
        projections["held"] = {**projections["facilitating"], "presynaptic": [{"receptor": "B", "scale": -0.6}]}
        cls.m = Measured(
            {**{name: {"assay": "paired_pulse_ratio", "projection": name} for name in projections},
             "short": {"assay": "paired_pulse_ratio", "projection": "depressing", "interval_ms": 10},
             "all": {"assay": "paired_pulse_ratio", "projection": ["depressing", "facilitating", "plain"]}},
            projections,
            modulators={"tone": {"compartments": {"default": {"tone_nM": 100}}}},
            receptors={"B": {"modulator": "tone", "K_d_nM": 100, "k_off_per_s": 100}},
            record={"timeline_interval_ms": 10}, protocol=[{"phase": "all", "ms": 200}])

    def test_closed_form(self):
        for name, p in self.STP.items():
            first, second = self.shares(*p, 50)
            self.assertAlmostEqual(self.m.one(name)["ratio"], second / first, places=6)
            self.assertAlmostEqual(self.m.one(name)["first_pA"], 20 * 0.2 * 70 * first, delta=1e-4)
        first, second = self.shares(*self.STP["depressing"], 10)
        self.assertAlmostEqual(self.m.one("short")["ratio"], second / first, places=6)
        self.assertAlmostEqual(self.m.one("plain")["ratio"], 1, places=12)

    def test_pathways_together(self):
        shares = [self.shares(*p, 50) for p in self.STP.values()] + [(1, 1)]
        first, second = np.sum(shares, axis=0)
        self.assertAlmostEqual(self.m.one("all")["ratio"], second / first, places=6)

    def test_receptors_on_the_terminals(self):
        """Half of them are bound: release falls to 70 %."""
        first, second = self.shares(*self.STP["facilitating"], 50, factor=0.7)
        self.assertAlmostEqual(self.m.one("held")["ratio"], second / first, delta=1e-3)


class Distributions(unittest.TestCase):
    """Of a network that learns, at several times."""

    NETWORK = json.loads(Path("tests/support/followed.json").read_text())

    @classmethod
    def setUpClass(cls):
        weights = {"assay": "weight_distribution", "projection": "forward", "at_s": [0, 0.1, 0.3]}
        cls.m = Measured(
            {"w": weights, "e": {**weights, "variable": "eligibility"},
             "zero": {**weights, "zero_below": 1.5, "bins": 7},
             "n": {"assay": "contacts", "projection": ["forward", "recurrent"], "at_s": 0.1},
             "one": {"assay": "contacts", "projection": "recurrent"}},
            cls.NETWORK["projections"],
            **{k: v for k, v in cls.NETWORK.items() if k not in ("schema_version", "title", "seed", "projections", "record")},
            record={"snapshots": {"projection": ["forward", "recurrent"], "at_s": [0, 0.1, 0.3]}})

    def test_numbers(self):
        for name, variable in (("w", "syn_weight"), ("e", "eligibility"), ("zero", "syn_weight")):
            for k, t in enumerate(("0", "0.1", "0.3")):
                x = self.m.edges[f"forward_{t}"][variable].astype(float)
                got = {quantity: values[k] for quantity, values in self.m.values[name].items()}
                expected = {"mean": x.mean(), "sd": x.std(ddof=1), "least": x.min(), "largest": x.max(),
                            "median": np.median(x), "synapses": len(x),
                            "zero_percent": 100 * np.mean(np.abs(x) <= (1.5 if name == "zero" else 0)),
                            **{f"q{q:02}": np.quantile(x, q / 100) for q in (5, 25, 75, 95)}}
                self.assertEqual(set(got), set(expected))
                for quantity, value in expected.items():
                    self.assertAlmostEqual(got[quantity], value, delta=1e-6 * max(1, abs(value)), msg=(name, t, quantity))

    def test_histograms(self):
        for name, n_bins in (("w", 50), ("zero", 7)):
            h = self.m.courses[name, "histogram"]
            np.testing.assert_allclose(h["edges"], np.linspace(0, 5, n_bins + 1))
            np.testing.assert_allclose(h["time_s"], [0, 0.1, 0.3])
            for k, t in enumerate(("0", "0.1", "0.3")):
                counts, _ = np.histogram(self.m.edges[f"forward_{t}"]["syn_weight"].astype(float), h["edges"])
                np.testing.assert_array_equal(h["values"][k], counts)

    def test_courses(self):
        for quantity, values in self.m.values["w"].items():
            course = self.m.courses["w", quantity]
            np.testing.assert_allclose(course["values"], values)
            np.testing.assert_allclose(course["time_s"], [0, 0.1, 0.3])

    def test_contacts(self):
        n = sum(np.bincount(self.m.edges[f"{name}_0.1"]["target"].astype(int), minlength=40) for name in ("forward", "recurrent"))
        self.assertEqual(self.m.one("n"), {"mean": n.mean(), "sd": self.m.one("n")["sd"], "least": n.min(),
                                           "most": n.max(), "total": n.sum()})
        self.assertAlmostEqual(self.m.one("n")["sd"], n.std(ddof=1))
        self.assertEqual(self.m.one("one"), {"mean": 8, "sd": 0, "least": 8, "most": 8, "total": 320})


class Moments(unittest.TestCase):
    def test_in_phases_and_across_leaps(self):
        """Phases of 1 s, the second a day after the first, the third two days after the second."""
        look = {"assay": "contacts", "projection": "p"}
        phases = [{"phase": "a", "seconds": 1}, {"phase": "b", "seconds": 1, "leap_min": 1440},
                  {"phase": "c", "seconds": 1, "leap_min": 2880}]
        m = Measured({"end": look, "end_b": {**look, "phase": "b"}, "in_b": {**look, "phase": "b", "at_s": [0, 0.5, 1]},
                      "second": {**look, "at_s": 1}, "daily": {**look, "every_h": 24},
                      "often": {**look, "every_h": 0.5 / 3600, "phase": "c"}},
                     {"p": contact(indegree=2)}, protocol=phases)
        day, s = 24, 1 / 3600
        expected = {"end": [3 * day + 3 * s], "end_b": [day + 2 * s], "in_b": [day + s, day + 1.5 * s, day + 2 * s],
                    "second": [day + s], "daily": [0, day + s, 3 * day + 2 * s],
                    "often": [3 * day + (2 + k / 2) * s for k in range(3)]}
        for name, times_h in expected.items():
            np.testing.assert_allclose(m.times_h[name]["total"], times_h, rtol=1e-9, err_msg=name)


if __name__ == "__main__":
    unittest.main()
