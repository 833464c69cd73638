"""Drug levels of whole schedules, against SciPy: the equations of docs/models.md, written down a second time."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

LEVELS = os.environ.get("MESOCL_DRUG_LEVELS", "drug_levels")
PARTS = Path(__file__).resolve().parents[2] / "configs" / "parts"
STEP_MS = 100
SECONDS = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600}
ROUTES = ("iv", "ip", "sc", "oral", "inhaled")

# a source that a reader can find: author and year, journal with volume and page, an identifier; or none is needed
TRACEABLE = r"[A-Z][a-z]+( et al\.)? (19|20)\d\d|DOI |PMC\d|\d+:\d+|th edition|by definition|sum formula|half of \(C"

TWO = {"molar_mass_g_per_mol": 300, "V_d_L_per_kg": 1.5, "k_elimination_per_min": 0.05,
       "k_to_peripheral_per_min": 0.08, "k_from_peripheral_per_min": 0.02,
       "k_to_brain_per_min": 0.2, "k_from_brain_per_min": 0.1, "unbound_fraction": 0.3,
       "routes": {"iv": {}, "ip": {"bioavailability": 0.6, "k_absorption_per_min": 0.1},
                  "sc": {"bioavailability": 0.9, "k_absorption_per_min": 0.03},
                  "oral": {"bioavailability": 0.2, "k_absorption_per_min": 0.01},
                  "inhaled": {"bioavailability": 0.7, "k_absorption_per_min": 2}}}
FOLLOWS = {"molar_mass_g_per_mol": 200, "V_d_L_per_kg": 4, "k_elimination_per_min": 0.02, "brain_to_plasma": 7,
           "k_brain_equilibration_per_min": 0.4, "unbound_fraction": 0.1, "routes": TWO["routes"]}
AT_ONCE = {"molar_mass_g_per_mol": 250, "V_d_L_per_kg": 2, "k_elimination_per_min": 0.01, "brain_to_plasma": 3}
SATURABLE = {"molar_mass_g_per_mol": 46.07, "V_d_L_per_kg": 0.68, "V_max_elimination_mg_per_kg_per_h": 300,
             "K_m_elimination_nM": 2e6, "brain_to_plasma": 1, "k_brain_equilibration_per_min": 0.2,
             "routes": TWO["routes"]}


def experiment(drugs, phases, extends=()):
    return {"schema_version": 1, "dt_ms": 1, "field_step_ms": STEP_MS, "extends": list(extends),
            "cells": {"cell": {"model": "parrot"}}, "populations": {"nobody": {"cell": "cell", "n_neurons": 1}},
            "drugs": drugs, "protocol": phases}


def levels(description, every=10):
    """time_s, {drug: [time, (plasma, brain, body)]} as the program has them."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "experiment.json"
        path.write_text(json.dumps(description))
        done = subprocess.run([LEVELS, path, str(every)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    table = np.array([line.split() for line in done.stdout.splitlines()], dtype=float)
    return table[:, 0], table[:, 1:].reshape(len(table), -1, 3)


# --- the same, written down again -------------------------------------------------------------------


class Body:
    """States of each drug: plasma, periphery, brain and a depot a route, whether it uses them or not."""

    PLASMA, PERIPHERY, BRAIN, DEPOT, WIDTH = 0, 1, 2, 3, 3 + len(ROUTES)

    def __init__(self, drugs):
        self.drugs, self.names = drugs, list(drugs)
        self.A = np.zeros((self.WIDTH * len(drugs),) * 2)
        for i, d in enumerate(drugs.values()):
            self.fill(i * self.WIDTH, d)

    def fill(self, o, d):
        A, p, t, b = self.A, o + self.PLASMA, o + self.PERIPHERY, o + self.BRAIN
        A[p, p] -= d.get("k_elimination_per_min", 0)
        for source, target, k in ((p, t, d.get("k_to_peripheral_per_min", 0)), (t, p, d.get("k_from_peripheral_per_min", 0)),
                                  (p, b, d.get("k_to_brain_per_min", 0)), (b, p, d.get("k_from_brain_per_min", 0))):
            A[target, source] += k
            A[source, source] -= k
        if "k_brain_equilibration_per_min" in d:
            A[b, p] += d["k_brain_equilibration_per_min"] * d["brain_to_plasma"]
            A[b, b] -= d["k_brain_equilibration_per_min"]
        for r, route in enumerate(ROUTES):
            k = d.get("routes", {}).get(route, {}).get("k_absorption_per_min", 0)
            A[o + self.DEPOT + r, o + self.DEPOT + r] -= k
            A[p, o + self.DEPOT + r] += k
        for name, m in d.get("metabolites", {}).items():
            child = self.names.index(name)
            ratio = d["V_d_L_per_kg"] / self.drugs[name]["V_d_L_per_kg"]
            A[p, p] -= m["k_per_min"]
            A[child * self.WIDTH, p] += m["k_per_min"] * m.get("yield", 1) * ratio

    def slope(self, x, u):
        dx = self.A @ x + u
        for i, d in enumerate(self.drugs.values()):
            if "V_max_elimination_mg_per_kg_per_h" in d:
                P = x[i * self.WIDTH]
                V = self.nM(d, d["V_max_elimination_mg_per_kg_per_h"]) / 60
                dx[i * self.WIDTH] -= V * P / (d["K_m_elimination_nM"] + P)
        return dx

    @staticmethod
    def nM(d, mg_per_kg):
        return mg_per_kg / d["molar_mass_g_per_mol"] / d["V_d_L_per_kg"] * 1e6

    def entry(self, event):
        i = self.names.index(event["drug"])
        d, route = self.drugs[event["drug"]], event["route"]
        share = d["routes"][route].get("bioavailability", 1)
        at = i * self.WIDTH + (self.PLASMA if route == "iv" else self.DEPOT + ROUTES.index(route))
        return at, share * self.nM(d, 1)

    def read(self, x):
        out = []
        for i, d in enumerate(self.drugs.values()):
            part = x[i * self.WIDTH:(i + 1) * self.WIDTH]
            brain = part[self.BRAIN]
            if "brain_to_plasma" in d and "k_brain_equilibration_per_min" not in d:
                brain = d["brain_to_plasma"] * part[self.PLASMA]
            out.append((part[self.PLASMA], brain * d.get("unbound_fraction", 1)))
        return out


def time_of(event, word):
    return next((event[f"{word}_{unit}"] * s for unit, s in SECONDS.items() if f"{word}_{unit}" in event), None)


def schedule(body, phases):
    """Boluses (time, state, nM), infusions (from, to, state, nM/min), duration."""
    boluses, infusions, start = [], [], 0
    for phase in phases:
        length = phase["minutes"] * 60
        for e in phase.get("events", ()):
            at, per_mg = body.entry(e)
            first = start + time_of(e, "at")
            if "rate_mg_per_kg_per_h" in e:
                until = start + (time_of(e, "until") or length)
                infusions.append((first, until, at, e["rate_mg_per_kg_per_h"] / 60 * per_mg))
                continue
            dose = e["dose_mg_per_kg"]
            for k in range(e.get("count", 1)):
                when = first + k * (time_of(e, "every") or 0)
                over = time_of(e, "over")
                if over:
                    infusions.append((when, when + over, at, dose * per_mg / over * 60))
                else:
                    boluses.append((when, at, dose * per_mg))
                dose = dose * e.get("dose_factor", 1) + e.get("dose_increment_mg_per_kg", 0)
        start += length
    return boluses, infusions, start


def reference(drugs, phases, times_s):
    body = Body(drugs)
    boluses, infusions, end = schedule(body, phases)
    breaks = sorted({0, end, *(b[0] for b in boluses), *(i[0] for i in infusions), *(i[1] for i in infusions)})
    x, out = np.zeros(len(body.A)), {}
    for a, b in zip(breaks, breaks[1:]):
        if a >= end:
            break
        for when, at, nM in boluses:
            x[at] += nM * (when == a)
        u = np.zeros(len(x))
        for start, stop, at, rate in infusions:
            u[at] += rate * (start <= a < stop)
        inside = times_s[(times_s >= a - 1e-9) & (times_s < b - 1e-9)] / 60
        solution = solve_ivp(lambda t, x: body.slope(x, u), (a / 60, b / 60), x, "DOP853", rtol=1e-12, atol=1e-9,
                             t_eval=np.append(np.maximum(inside, a / 60), b / 60))
        for t, column in zip(inside, solution.y.T):
            out[t] = body.read(column)
        x = solution.y[:, -1]
    return np.array([out[t] for t in times_s / 60])


def walked(phases):
    """The same without leaps: each is a phase of its own, and what goes on meanwhile ends later."""
    for i, phase in enumerate(phases):
        if "leap_min" in phase:
            yield {"minutes": phase["leap_min"]}
        events = [dict(e) for e in phase.get("events", ())]
        for e in events:
            passed = phase["minutes"]
            for later in phases[i + 1:] if "until_min" in e else ():
                e["until_min"] += later.get("leap_min", 0) if e["until_min"] > passed else 0
                passed += later["minutes"] + later.get("leap_min", 0)
        yield dict(phase, events=events)


# --- comparisons -----------------------------------------------------------------------------------


class Schedules(unittest.TestCase):
    def compare(self, drugs, phases, relative=1e-7, every=10):
        times_s, found = levels(experiment(drugs, phases), every)
        expected = reference(drugs, list(walked(phases)), times_s)
        self.assertGreater(expected.max(), 1)
        scale = expected.max(axis=0)
        worst = abs(found[:, :, :2] - expected) / np.where(scale > 0, scale, 1)
        self.assertLess(worst.max(), relative)

    def one(self, drug, **event):
        self.compare({"it": drug}, [{"phase": "all", "minutes": 60, "events": [{"drug": "it", **event}]}])

    def test_every_route(self):
        for drug in (TWO, FOLLOWS, SATURABLE):
            for route in ROUTES:
                with self.subTest(route=route, drug=drug["molar_mass_g_per_mol"]):
                    self.one(drug, at_min=2, route=route, dose_mg_per_kg=3)

    def test_a_dose_that_is_infused(self):
        self.one(TWO, at_s=30, route="iv", dose_mg_per_kg=3, over_min=5)
        self.one(SATURABLE, at_s=30, route="iv", dose_mg_per_kg=800, over_min=20)

    def test_repeats_that_rise(self):
        self.one(TWO, at_min=1, route="iv", dose_mg_per_kg=0.5, every_min=4, count=10, dose_factor=1.3)
        self.one(FOLLOWS, at_min=1, route="ip", dose_mg_per_kg=4, every_s=330, count=6, dose_increment_mg_per_kg=-0.7)
        self.one(TWO, at_min=1, route="iv", dose_mg_per_kg=0.5, every_min=4, count=5, over_s=40)

    def test_repeats_of_what_is_saturated(self):
        self.one(SATURABLE, at_min=0, route="ip", dose_mg_per_kg=700, every_min=12, count=4)

    def test_a_minipump_over_phases(self):
        self.compare({"it": TWO}, [{"phase": "before", "minutes": 10},
                                   {"phase": "pump", "minutes": 20, "events": [
                                       {"at_min": 5, "drug": "it", "route": "sc", "rate_mg_per_kg_per_h": 2, "until_min": 45},
                                       {"at_min": 7, "drug": "it", "route": "iv", "rate_mg_per_kg_per_h": 1}]},
                                   {"phase": "on", "minutes": 40}])

    def test_leaps_of_minutes_and_days(self):
        parent = dict(TWO, metabolites={"it": {"k_per_min": 0.3, "yield": 0.8}})
        for last in (TWO, FOLLOWS, SATURABLE):
            with self.subTest(drug=last["molar_mass_g_per_mol"]):
                self.compare({"it": last, "parent": parent, "alone": FOLLOWS}, [
                    {"phase": "doses", "minutes": 3, "events": [
                        {"at_min": 1, "drug": "it", "route": "ip", "dose_mg_per_kg": 800},
                        {"at_min": 2, "drug": "parent", "route": "oral", "dose_mg_per_kg": 40},
                        {"at_min": 1, "drug": "alone", "route": "sc", "rate_mg_per_kg_per_h": 2, "until_min": 7}]},
                    {"phase": "soon", "leap_min": 11.25, "minutes": 3},
                    {"phase": "at once", "leap_min": 0.5, "minutes": 3, "events": [
                        {"at_min": 0, "drug": "it", "route": "iv", "dose_mg_per_kg": 800}]},
                    {"phase": "later", "leap_min": 90, "minutes": 1},
                    {"phase": "days later", "leap_min": 5000, "minutes": 1}])

    def test_chains_of_metabolites(self):
        parent = dict(TWO, metabolites={"middle": {"k_per_min": 0.3, "yield": 0.8}})
        middle = dict(FOLLOWS, metabolites={"last": {"k_per_min": 0.1}})
        for last in (AT_ONCE, SATURABLE):
            drugs = {"last": last, "alone": FOLLOWS, "parent": parent, "middle": middle}
            events = [{"at_min": 0, "drug": "parent", "route": "iv", "dose_mg_per_kg": 2},
                      {"at_min": 9, "drug": "middle", "route": "sc", "dose_mg_per_kg": 2},
                      {"at_min": 20, "drug": "alone", "route": "oral", "dose_mg_per_kg": 2}]
            self.compare(drugs, [{"phase": "all", "minutes": 90, "events": events}])

    def test_a_linear_body_is_the_exponential_of_its_rates(self):
        times_s, found = levels(experiment({"it": TWO}, [{"phase": "all", "minutes": 200, "events": [
            {"at_s": 0, "drug": "it", "route": "oral", "dose_mg_per_kg": 3}]}]), every=6000)
        body = Body({"it": TWO})
        x = np.zeros(Body.WIDTH)
        x[Body.DEPOT + ROUTES.index("oral")] = 0.2 * Body.nM(TWO, 3)
        expected = np.array([body.read(expm(body.A * t / 60) @ x) for t in times_s])
        np.testing.assert_allclose(found[1:, :, :2], expected[1:], rtol=1e-9)


class Library(unittest.TestCase):
    """The drugs of configs/parts/drugs, as they are shipped."""

    PARTS = sorted((PARTS / "drugs").glob("*.json"))

    def run_drug(self, name, route, mg_per_kg, minutes, species=None):
        """time_min, {drug: [time, (plasma, brain, body)]}"""
        parts = [str(PARTS / "drugs" / f"{name}.json")]
        if species:
            parts.append(str(PARTS / "species" / f"{species}.json"))
        phases = [{"phase": "all", "minutes": minutes, "events": [
            {"at_min": 0, "drug": name, "route": route, "dose_mg_per_kg": mg_per_kg}]}]
        time_s, found = levels(experiment({}, phases, parts))
        names = ["morphine", "heroin", "mam6"] if name == "heroin" else [name]
        return time_s / 60, {drug: found[:, i] for i, drug in enumerate(names)}

    def test_there_are_fourteen(self):
        self.assertEqual(len(self.PARTS), 14)

    def numbers(self, value, key=""):
        if isinstance(value, dict):
            for name, inner in value.items():
                if not name.startswith("_"):
                    yield from self.numbers(inner, f"{key}.{name}" if key else name)
        elif isinstance(value, (int, float)):
            yield key

    def statuses(self, drug):
        """Status of every number; those of species stand within the species."""
        for key in self.numbers({k: v for k, v in drug.items() if k != "species"}):
            yield key, drug["_status"]
        for species in drug.get("species", {}).values():
            for key in self.numbers(species):
                yield key, species["_status"]

    def test_every_number_has_a_status(self):
        for path in self.PARTS:
            for name, drug in json.loads(path.read_text())["drugs"].items():
                self.assertGreater(len(drug["_source"]), 10)
                for key, written in self.statuses(drug):
                    with self.subTest(drug=name, key=key):
                        parts = key.split(".")
                        status = next((written[start] for n in range(len(parts), 0, -1)
                                       if (start := ".".join(parts[:n])) in written), "")
                        self.assertRegex(status, r"^(verified|recalled|proposed): .{3,}")
                        if "verified" in status:
                            self.assertRegex(status, TRACEABLE)

    def test_no_status_is_left_over(self):
        for path in self.PARTS:
            for name, drug in json.loads(path.read_text())["drugs"].items():
                keys = list(self.numbers(drug))
                for written in drug["_status"]:
                    self.assertTrue(any(k == written or k.startswith(written + ".") for k in keys), f"{name} {written}")

    def test_every_route_brings_it_to_the_brain_and_it_leaves(self):
        for path in self.PARTS:
            name = path.stem
            drug = json.loads(path.read_text())["drugs"][name]
            for species in (None, "rat", "mouse", "human"):
                routes = {**drug["routes"], **drug.get("species", {}).get(species, {}).get("routes", {})}
                for route in routes:
                    with self.subTest(drug=name, route=route, species=species):
                        _, found = self.run_drug(name, route, 1, 30, species)
                        self.assertGreater(found[name][:, 1].max(), 0)
                        self.assertLess(found[name][-1, 2], found[name][0, 2])

    def test_the_rat_has_the_numbers_as_they_stand(self):
        for name in ("cocaine", "heroin", "ethanol"):
            _, plain = self.run_drug(name, "iv", 1, 30)
            _, rat = self.run_drug(name, "iv", 1, 30, "rat")
            np.testing.assert_array_equal(rat[name], plain[name])

    def test_other_species_scale_the_rates_of_drugs_without_numbers_for_them(self):
        time_min, plain = self.run_drug("fentanyl", "sc", 1, 180)
        mouse_min, mouse = self.run_drug("fentanyl", "sc", 1, 120, "mouse")
        scaled = np.interp(time_min, mouse_min * 1.861, mouse["fentanyl"][:, 1])
        np.testing.assert_allclose(scaled, plain["fentanyl"][:, 1], rtol=0, atol=1e-3 * scaled.max())

    def test_cocaine_in_the_brain(self):
        time_min, found = self.run_drug("cocaine", "iv", 1, 60)
        brain = found["cocaine"][:, 1]
        self.assertAlmostEqual(time_min[brain.argmax()], 2.76, delta=0.05)
        fall = np.log(brain[-601] / brain[-1])
        self.assertAlmostEqual(10 * np.log(2) / fall, 6.42, delta=0.1)

    def test_cocaine_in_humans_occupies_the_transporter(self):
        K_i = json.loads((PARTS / "drugs/cocaine.json").read_text())["drugs"]["cocaine"]["blocks"]["dat"]["K_i_nM"]
        for dose in (0.3, 0.6):  # Volkow et al. 1997: 60-77 %
            _, found = self.run_drug("cocaine", "iv", dose, 30, "human")
            brain = found["cocaine"][:, 1].max()
            self.assertGreaterEqual(brain / (brain + K_i), 0.60)
            self.assertLessEqual(brain / (brain + K_i), 0.77)

    def test_heroin_becomes_6_mam_becomes_morphine(self):
        """Gottas et al. 2013, rats, i.v."""
        time_min, found = self.run_drug("heroin", "iv", 1, 240)
        mam6, morphine = found["mam6"], found["morphine"]

        def peak_min(levels):
            return time_min[levels.argmax()]

        self.assertAlmostEqual(peak_min(mam6[:, 0]), 2.0, delta=0.2)
        self.assertAlmostEqual(peak_min(mam6[:, 1]), 4.3, delta=0.2)
        self.assertAlmostEqual(peak_min(morphine[:, 0]), 12.6, delta=0.5)
        self.assertAlmostEqual(peak_min(morphine[:, 1]), 21.3, delta=0.5)
        self.assertAlmostEqual(morphine[:, 1].max() / mam6[:, 1].max(), 1 / 6, delta=0.01)
        self.assertGreaterEqual(time_min[(morphine[:, 1] > mam6[:, 1]).argmax()], 30)
        heroin = found["heroin"]
        self.assertLess(heroin[time_min >= 18, 0].max(), 1e-3 * heroin[:, 0].max())
        self.assertLess(heroin[time_min >= 10, 1].max(), 0.01 * heroin[:, 1].max())

    def test_morphine_stays_for_hours(self):
        time_min, found = self.run_drug("morphine", "sc", 5, 1500)
        fall = np.log(found["morphine"][-36001, 1] / found["morphine"][-1, 1])
        self.assertAlmostEqual(10 * np.log(2) / fall, 5, delta=0.5)  # J Pharmacol Exp Ther 1979;208:228
        self.assertGreater(found["morphine"][time_min >= 24 * 60, 0].max(), 1)  # nM levels for a day

    def test_ethanol_falls_along_a_line(self):
        time_min, found = self.run_drug("ethanol", "ip", 1000, 120)
        mM = found["ethanol"][:, 1] * 1e-6
        self.assertAlmostEqual(mM.max(), 30, delta=2)
        fall = (mM[time_min.searchsorted(60)] - mM[time_min.searchsorted(90)]) * 2  # an hour's
        self.assertAlmostEqual(fall * 4.607, 42.2, delta=3)  # mg/dL/h; Kelly, Bonthius & West 1987


if __name__ == "__main__":
    unittest.main()
