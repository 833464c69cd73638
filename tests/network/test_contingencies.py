"""What follows from spikes, beside the spikes that were written and an independent reading of the conditions; and that
neither the layout of the work nor where intervals end can be seen."""

import json
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

from results import Results

TONE = {"tone_nM": 0, "V_max_nM_per_s": 4000, "K_m_nM": 200}


def experiment(contingencies, ms=3000, rates_hz=(20, 30), n=1, compartment=TONE, dt_ms=0.5):
    """Two populations of Poisson cells, and dopamine that nothing else releases."""
    return {
        "schema_version": 1, "seed": 5, "dt_ms": dt_ms,
        "cells": {f"cell_{k}": {"model": "poisson_source", "parameters": {"rate_hz": rate}}
                  for k, rate in enumerate(rates_hz)},
        "populations": {name: {"cell": f"cell_{k}", "n_neurons": n} for k, name in enumerate(("a", "b"))},
        "modulators": {"dopamine": {"compartments": {"default": dict(compartment)}}},
        "contingencies": contingencies,
        "protocol": [{"phase": "all", "ms": ms}], "record": {"timeline_interval_ms": 1}}


def pulse(amount_nM):
    return {"modulator": "dopamine", "region": "default", "amount_nM": amount_nM}


def uniform(low, high):
    return {"distribution": "uniform", "min": low, "max": high}


class Run(Results):
    def __init__(self, description, options=(), **changes):
        """Of a description, or of the file of one, with changes."""
        with tempfile.TemporaryDirectory() as folder:
            path = description
            if isinstance(description, dict):
                path = Path(folder) / "experiment.json"
                path.write_text(json.dumps(description))
            super().__init__(path, options, **changes)
        self.summary = json.loads((self.directory / "summary.json").read_text())

    def triggers(self, name):
        """Times of triggers, and of what followed, in ms."""
        with h5py.File(self.directory / "timeline.h5") as file:
            group = file[f"contingency/{name}"]
            return group["trigger_s"][:] * 1000, group["given_s"][:] * 1000

    def dopamine(self):
        return self.series("dopamine.default.concentration_nM")[1]

    def spikes(self, population):
        """Times in ms and neurons, in order."""
        with h5py.File(self.directory / "spikes.h5") as file:
            group = file[f"spikes/{population}"]
            times, ids = group["timestamps"][:], group["node_ids"][:]
        order = np.lexsort((ids, times))
        return times[order], ids[order]


def run(self, *arguments, **keys):
    finished = Run(*arguments, **keys)
    self.addCleanup(finished.close)
    return finished


class Pulses(unittest.TestCase):
    def test_a_pulse_is_a_release_with_an_axonal_delay(self):
        """Bit for bit, from delays that let the host look once in a hundred field steps to those that make it look at
        each. `tone_nM` 0 with a clearance is a compartment of which nothing else is left."""
        for delay_ms in (1, 2, 7, 60, 199, 450):
            description = experiment({"reward": {"trigger": "spikes", "population": "a", "spikes": 1, "within_ms": 0,
                                                 "delay_s": delay_ms / 1000, "pulse": pulse(100)}})
            description["modulators"]["released"] = {"compartments": {"default": {
                "source": "a", "release_nM": 100, "axonal_delay_ms": delay_ms, "V_max_nM_per_s": 4000, "K_m_nM": 200}}}
            finished = run(self, description)
            _, released = finished.series("released.default.concentration_nM")
            self.assertGreater(released.max(), 100)
            np.testing.assert_array_equal(finished.dopamine(), released, str(delay_ms))

    def test_a_tone_comes_back(self):
        """After pulses by first order; the tone that uptake and a constant release make is 30 nM all the time."""
        description = experiment(
            {"reward": {"trigger": "spikes", "population": "a", "spikes": 1, "within_ms": 0, "timeout_s": 0.3,
                        "delay_s": uniform(0.1, 0.4), "pulse": pulse(500)}},
            compartment={"tone_nM": 30, "k_loss_per_s": 5})
        finished = run(self, description)
        _, given = finished.triggers("reward")
        dopamine, expected = finished.dopamine(), np.full(3000, 30.0)
        for at in given[~np.isnan(given)]:
            k = np.arange(3000) - round(at)
            expected += np.where(k >= 0, 500 * np.exp(-0.005 * (k + 0.5)), 0)  # half a field step of decay in the first
        self.assertGreater(dopamine.max(), 400)
        np.testing.assert_allclose(dopamine, expected, rtol=2e-5)
        description["contingencies"]["reward"]["start_s"] = 2.999
        description["modulators"]["dopamine"]["compartments"]["default"].update(V_max_nM_per_s=4000, K_m_nM=200)
        np.testing.assert_allclose(run(self, description).dopamine(), 30, rtol=1e-6)


class Coincidences(unittest.TestCase):
    def check(self, **keys):
        within = 6
        description = experiment(
            {"reward": {"trigger": "coincidence", "source": "a", "source_neuron": 2, "target": "b", "target_neuron": 1,
                        "within_ms": within, "delay_s": uniform(0.05, 0.25), "pulse": pulse(10), **keys}},
            ms=20000, n=3)
        finished = run(self, description)
        source, target = (times[ids == neuron] for (times, ids), neuron in
                          ((finished.spikes("a"), 2), (finished.spikes("b"), 1)))
        met = []
        for t in target:
            before = source[source < t]
            if not keys.get("start_s", 0) * 1000 < t <= keys.get("stop_s", 1e9) * 1000:
                continue
            if met and t < met[-1] + keys.get("timeout_s", 0) * 1000 or len(met) == keys.get("at_most", -1):
                continue
            if len(before) and t - before[-1] <= within:
                met.append(t)
        triggers, given = finished.triggers("reward")
        np.testing.assert_allclose(triggers, met, atol=1e-9)
        self.assertEqual(finished.summary["contingencies"],
                         {"reward": {"triggers": len(met), "given": int(np.sum(~np.isnan(given)))}})
        return triggers, given, set(source) & set(target)

    def test_all_of_them_and_their_delays(self):
        triggers, given, together = self.check()
        self.assertGreater(len(triggers), 50)
        self.assertGreater(len(together), 5)  # at the same time: that is none
        reached = ~np.isnan(given)
        self.assertTrue((triggers[~reached] > 20000 - 251).all())
        begun = np.ceil(triggers[reached] - 1e-9)  # end of the field step of the spike
        delays = given[reached] - begun
        np.testing.assert_allclose(delays, delays.round(), atol=1e-6)
        self.assertTrue(50 <= delays.min() < 70 and 230 < delays.max() <= 250)
        self.assertAlmostEqual(delays.mean(), 150, delta=4 * 58 / len(delays) ** 0.5)

    def test_a_window_a_timeout_and_a_largest_number(self):
        self.assertGreater(len(self.check(timeout_s=0.9)[0]), 5)
        self.assertGreater(len(self.check(start_s=3, stop_s=9.5)[0]), 5)
        self.assertEqual(len(self.check(at_most=7)[0]), 7)


class Counts(unittest.TestCase):
    def check(self, neurons, spikes, within_ms, timeout_s=0):
        description = experiment(
            {"press": {"trigger": "spikes", "population": "b", "neurons": neurons, "spikes": spikes,
                       "within_ms": within_ms, "timeout_s": timeout_s, "delay_s": 0.3, "pulse": pulse(10)}},
            ms=8000, n=5)
        finished = run(self, description)
        times, ids = finished.spikes("b")
        counted, met = [], []
        for t in times[np.isin(ids, neurons)]:
            if met and t < met[-1] + timeout_s * 1000:
                continue
            counted = [*counted, t][-spikes:]
            if len(counted) == spikes and counted[-1] - counted[0] <= within_ms:
                met.append(t)
                counted = []
        triggers, given = finished.triggers("press")
        self.assertGreater(len(met), 10)
        np.testing.assert_allclose(triggers, met, atol=1e-9)
        reached = ~np.isnan(given)
        np.testing.assert_allclose(given[reached], np.ceil(triggers[reached] - 1e-9) + 300, atol=1e-6)

    def test_so_many_spikes_in_a_window(self):
        self.check([0, 1, 4], 4, 25)
        self.check([3], 2, 10)

    def test_what_comes_in_a_timeout_does_not_count(self):
        self.check([0, 1, 2, 3, 4], 6, 40, timeout_s=0.2)


DRUG = {"molar_mass_g_per_mol": 300, "V_d_L_per_kg": 2, "k_elimination_per_min": 4, "k_to_brain_per_min": 30,
        "k_from_brain_per_min": 20, "routes": {"iv": {}}}


class Doses(unittest.TestCase):
    def test_self_administration_is_the_same_doses_given(self):
        """Infusions and doses of a contingency beside a protocol that gives them when they were given."""
        for over in ({}, {"over_s": 0.4}):
            dose = {"drug": "drug", "route": "iv", "dose_mg_per_kg": 0.5, **over}
            description = experiment({"press": {"trigger": "spikes", "population": "a", "spikes": 5, "within_ms": 400,
                                                "timeout_s": 0.3, "delay_s": uniform(0.2, 0.6), "dose": dose}}, ms=8000)
            description["drugs"] = {"drug": DRUG}
            taken = run(self, description)
            _, given = taken.triggers("press")
            self.assertGreater(len(given), 8)
            del description["contingencies"]
            description["protocol"][0]["events"] = [{"at_ms": round(ms), **dose} for ms in given if ms < 8000]
            given = run(self, description)
            for place in ("plasma", "brain"):
                levels = [finished.series(f"drug.drug.{place}_nM")[1] for finished in (taken, given)]
                self.assertGreater(levels[0].max(), 100)
                np.testing.assert_allclose(*levels, rtol=1e-12)


class Layouts(unittest.TestCase):
    """tests/support/learning.json: what its cells fire brings dopamine, which changes what they fire."""

    def outcome(self, options=(), **changes):
        finished = run(self, "tests/support/learning.json", options, **changes)
        self.assertGreater(finished.summary["contingencies"]["reward"]["given"], 5)
        return finished.summary["spike_hash"], *(tuple(np.nan_to_num(times, nan=-1)) for times in finished.triggers("reward"))

    def test_the_loop_is_closed_and_no_layout_shows(self):
        first = self.outcome()
        without = run(self, "tests/support/learning.json", contingencies="null")
        self.assertNotEqual(without.summary["spike_hash"], first[0])
        for options in (["--partitions", "1"], ["--partitions", "3", "--work-group-size", "8", "--vector-width", "1"]):
            self.assertEqual(self.outcome(options), first)

    def test_where_intervals_end_does_not_show(self):
        for least in (0.002, 0.03, 0.12):
            delay = {"contingencies.reward.delay_s": json.dumps(uniform(least, 0.15))}
            cut = [{"phase": str(k), "ms": ms} for k, ms in enumerate((1, 59, 7, 13, 120, 99, 1))]
            self.assertEqual(self.outcome(**delay, protocol=json.dumps(cut)), self.outcome(**delay))


if __name__ == "__main__":
    unittest.main()
