"""Assays of runs whose answer is known: spikes at given times, currents of given conductances, levels with a closed
solution, uptake with given constants."""

import json
import math
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np
from scipy.integrate import solve_ivp

from probe import write_probe
from results import Results

CELLS = {"axon": {"model": "axon"}, "probe": {"model": "probe"}}


def measure(assays, **experiment):
    """Values of each assay by quantity, the run's hash, and its time courses as (time_s, values)."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_probe(folder)
        path = folder / "experiment.json"
        record = {"spikes": True, "timeline_interval_ms": 10, **experiment.pop("record", {})}
        path.write_text(json.dumps({"schema_version": 1, "cells": CELLS, "record": record,
                                    "assays": assays, **experiment}))
        results = Results(path)
    summary = json.loads((results.directory / "summary.json").read_text())
    values = {}
    for a in summary["assays"]:
        values.setdefault(a["name"], {})[a["quantity"]] = a["value"]
    courses = {}
    with h5py.File(results.directory / "timeline.h5") as file:
        for name, group in file.get("assay", {}).items():
            for quantity, course in group.items():
                courses[name, quantity] = course["time_s"][:], course["values"][:]
    results.close()
    return values, courses, summary


def pulse(at_ms, target="cells"):
    return {"kind": "pulses", "target": target, "amplitude_pA": 100, "width_ms": 0.1, "start_ms": at_ms}


class Units(unittest.TestCase):
    def test_bursts_of_known_spikes(self):
        """Intervals 50, 70, 150 | 500 | 79 | 161 | 300: two bursts, of 4 and 2 spikes, among 8 spikes."""
        times_ms = np.cumsum([1000, 50, 70, 150, 500, 79, 161, 300])
        values, _, _ = measure(
            {"all": {"assay": "units", "population": "cells"},
             "late": {"assay": "units", "population": "cells", "start_s": 1.5, "stop_s": 3}},
            populations={"cells": {"cell": "axon", "n_neurons": 2}},
            stimuli={f"p{i}": pulse(float(t)) for i, t in enumerate(times_ms)},
            protocol=[{"phase": "all", "seconds": 4}])
        got, intervals = values["all"], np.diff(times_ms)
        self.assertAlmostEqual(got["rate_hz"], 8 / 4)
        self.assertAlmostEqual(got["cv"], intervals.std() / intervals.mean(), places=6)
        self.assertAlmostEqual(got["burst_percent"], 100 * 6 / 8)
        self.assertAlmostEqual(got["spikes_per_burst"], 3)
        self.assertAlmostEqual(got["bursts_per_10s"], 5)
        self.assertAlmostEqual(got["intraburst_hz"], 1000 * 4 / (50 + 70 + 150 + 79), places=6)
        self.assertAlmostEqual(got["active_percent"], 100)
        self.assertAlmostEqual(values["late"]["rate_hz"], 4 / 1.5)
        self.assertAlmostEqual(values["late"]["burst_percent"], 100 * 2 / 4)

    def test_no_interval_spans_a_leap(self):
        """Spikes every 70 ms, 7 on each side of a leap: two bursts, in which no interval is the leap's."""
        times_ms = np.concatenate([1535 + 70 * np.arange(7), 2015 + 70 * np.arange(7)])
        phases = [{"phase": "before", "seconds": 2}, {"phase": "after", "seconds": 2}]
        for leap_min, bursts in (0, 1), (30, 2):
            if leap_min:
                phases[1]["leap_min"] = leap_min
            values, _, _ = measure(
                {"all": {"assay": "units", "population": "cells"}},
                populations={"cells": {"cell": "axon", "n_neurons": 2}},
                stimuli={f"p{i}": pulse(float(t)) for i, t in enumerate(times_ms)}, protocol=phases)
            self.assertAlmostEqual(values["all"]["bursts_per_10s"], bursts * 10 / 4)
            self.assertAlmostEqual(values["all"]["spikes_per_burst"], 14 / bursts)


class States(unittest.TestCase):
    def test_two_states_of_known_potential(self):
        """The probe's potential is its current: a quarter of the time -60, else -80 mV; the other cell rests at -80."""
        values, _, _ = measure(
            {"one": {"assay": "membrane_states", "report": "v"},
             "none": {"assay": "membrane_states", "report": "flat"}},
            populations={"cells": {"cell": "probe", "n_neurons": 3}, "still": {"cell": "probe", "n_neurons": 1}},
            stimuli={"rest": {"kind": "current", "target": "cells", "model": "direct", "parameters": {"amplitude_pA": -80}},
                     "up": {"kind": "pulses", "target": "cells", "amplitude_pA": 20, "width_ms": 100,
                            "period_ms": 400},
                     "still": {"kind": "current", "target": "still", "model": "direct",
                               "parameters": {"amplitude_pA": -80}}},
            protocol=[{"phase": "all", "seconds": 2}],
            record={"reports": {"v": {"population": "cells", "variable": "v_mV", "start_ms": 1},
                                "flat": {"population": "still", "variable": "v_mV", "start_ms": 1}}})
        self.assertAlmostEqual(values["one"]["down_mV"], -80, places=4)
        self.assertAlmostEqual(values["one"]["up_mV"], -60, places=4)
        self.assertAlmostEqual(values["one"]["up_percent"], 25, delta=0.1)
        self.assertEqual(values["one"]["two_peaks_percent"], 100)
        self.assertEqual(values["none"]["two_peaks_percent"], 0)
        self.assertIsNone(values["none"]["up_mV"])


class Current(unittest.TestCase):
    def test_amplitude_is_that_of_the_conductances(self):
        """12 synapses of 0.5 nS each open together; tonic conductance is no part of the answer. AMPA at -70 mV is inward."""
        values, _, summary = measure(
            {"ipsc": {"assay": "evoked_current", "projection": "inhibition", "holding_mV": -50, "wash_in_s": 1},
             "half": {"assay": "evoked_current", "projection": "excitation", "holding_mV": -70, "wash_in_s": 1,
                      "share": 0.5}},
            cells={**CELLS, "target": {"model": "izhikevich", "parameters": {
                "C_pF": 60, "k_nS_per_mV": 1, "vr_mV": -60, "vt_mV": -40, "vpeak_mV": 30, "a_per_ms": 0.1, "b_nS": 0,
                "c_mV": -60, "d_pA": 50}, "conductances": {
                "gaba_a": {"kind": "exponential", "tau_decay_ms": 10, "E_mV": -70},
                "ampa": {"kind": "exponential", "tau_decay_ms": 3, "E_mV": 0},
                "leak": {"kind": "tonic", "g_nS": 5, "E_mV": -80}}}},
            populations={"cells": {"cell": "axon", "n_neurons": 12}, "targets": {"cell": "target", "n_neurons": 3}},
            projections={
                "inhibition": {"source": "cells", "target": "targets", "rule": "all_to_all",
                               "receptors": {"gaba_a": 1}, "weight_nS": 0.5, "delay_ms": 2},
                "excitation": {"source": "cells", "target": "targets", "rule": "all_to_all",
                               "receptors": {"ampa": 1}, "weight_nS": 0.2, "delay_ms": 2}},
            protocol=[{"phase": "all", "ms": 10}])
        self.assertAlmostEqual(values["ipsc"]["amplitude_pA"], 12 * 0.5 * 20, delta=0.1)
        self.assertAlmostEqual(values["ipsc"]["control_pA"], 12 * 0.5 * 20, delta=0.1)
        self.assertEqual(values["ipsc"]["change_percent"], 0)
        self.assertAlmostEqual(values["half"]["amplitude_pA"], 6 * 0.2 * -70, delta=0.1)
        self.assertEqual(summary["spikes"], 0)


DRUG = {"blocker": {"molar_mass_g_per_mol": 300, "V_d_L_per_kg": 1, "k_elimination_per_min": 0.2,
                    "k_to_brain_per_min": 0.5, "k_from_brain_per_min": 0.4, "routes": {"iv": {}},
                    "blocks": {"dat": {"K_i_nM": 300}}}}
AXONS = {"populations": {"cells": {"cell": "axon", "n_neurons": 10}}}


def compartment(**keys):
    return {"modulators": {"dopamine": {"compartments": {"region": {
        "source": "cells", "release_nM": 100, "V_max_nM_per_s": 0, "K_m_nM": 160, "transporter": "dat", **keys}}}}}


class Levels(unittest.TestCase):
    def test_dialysis_of_a_decay(self):
        """c = 100 exp(-t / 300 s) through a lag of 60 s, in bins of 30 s; the first half is the baseline."""
        k, lag_s, bin_s = 1 / 300, 60, 30
        values, courses, _ = measure(
            {"dialysis": {"assay": "microdialysis", "modulator": "dopamine", "region": "region", "bin_min": 0.5,
                          "lag_min": 1, "baseline_stop_s": 150}},
            **AXONS, **compartment(k_loss_per_s=k, initial_nM=100), field_step_ms=100, dt_ms=1,
            record={"timeline_interval_ms": 1000}, protocol=[{"phase": "all", "seconds": 300}])
        t = np.arange(0, 300, 0.01)
        c, weight = 100 * np.exp(-k * t), -np.expm1(-t / lag_s)
        # the probe's answer to what came so far, over that to a constant level: its start has no history
        y = (100 / lag_s * (np.exp(-k * t) - np.exp(-t / lag_s)) / (1 / lag_s - k))[1:] / weight[1:]
        y = np.concatenate([[c[0]], y])
        bins = y.reshape(-1, round(bin_s / 0.01)).mean(axis=1)
        time_s, percent = courses["dialysis", "percent"]
        np.testing.assert_allclose(time_s, np.arange(10) * 30 + 15)
        np.testing.assert_allclose(percent, 100 * bins / bins[2:5].mean(), rtol=2e-3)
        self.assertAlmostEqual(values["dialysis"]["baseline_nM"], bins[2:5].mean(), delta=0.2)
        self.assertAlmostEqual(values["dialysis"]["last_percent"], percent[-1])

    def test_leaps_move_drug_levels_on_and_baths_hold_them(self):
        def level(t_min, dose=1.0):  # two compartments, from an independent solution
            rates = np.array([[-0.7, 0.4], [0.5, -0.4]])
            solution = solve_ivp(lambda _, x: rates @ x, (0, t_min), [dose / 300 * 1e6, 0], rtol=1e-10, atol=1e-9)
            return solution.y[1, -1]
        window = {"assay": "signal", "series": "drug.blocker.brain_nM"}
        pet = {"assay": "pet", "modulator": "dopamine", "region": "region"}
        values, _, summary = measure(
            {"early": {**window, "phase": "early"}, "late": {**window, "phase": "late"},
             "theta": {**pet, "phase": "late"}, "bath": {**pet, "phase": "bath"}},
            **AXONS, **compartment(V_max_nM_per_s=1000), drugs=DRUG, field_step_ms=10, dt_ms=0.5,
            protocol=[{"phase": "dose", "ms": 10, "events": [{"at_ms": 0, "drug": "blocker", "route": "iv",
                                                              "dose_mg_per_kg": 1}]},
                      {"phase": "early", "ms": 10, "leap_min": 5}, {"phase": "late", "ms": 10, "leap_min": 7.5},
                      {"phase": "bath", "ms": 100, "bath_nM": {"blocker": 900}}])
        self.assertAlmostEqual(values["early"]["mean"], level(5 + 0.01 / 60), delta=0.05)
        self.assertAlmostEqual(values["late"]["mean"], level(12.5 + 0.02 / 60), delta=0.05)
        self.assertAlmostEqual(values["theta"]["occupancy_percent"],
                               100 * values["late"]["mean"] / (values["late"]["mean"] + 300), delta=0.01)
        self.assertAlmostEqual(values["bath"]["occupancy_percent"], 75, delta=0.01)
        self.assertAlmostEqual(summary["model_time_s"], 12.5 * 60 + 0.13, places=6)
        self.assertAlmostEqual(summary["network_time_s"], 0.13, places=6)

    def test_transients_of_known_size(self):
        """Three releases of 100 nM that decay with 1 s, through an electrode of 0.3 s: peak of the two-exponential rise."""
        tau, decay = 0.3, 1.0
        peak_t = math.log(decay / tau) / (1 / tau - 1 / decay)
        peak = 100 * decay / (decay - tau) * (math.exp(-peak_t / decay) - math.exp(-peak_t / tau))
        values, _, _ = measure(
            {"seen": {"assay": "transients", "modulator": "dopamine", "region": "region"},
             "trace": {"assay": "signal", "series": "dopamine.region.concentration_nM", "start_s": 19,
                       "stop_s": 27, "baseline_stop_s": 20}},
            **AXONS, **compartment(k_loss_per_s=1 / decay),
            stimuli={f"p{t}": pulse(1000.0 * t) for t in (20, 40, 60)},
            record={"timeline_interval_ms": 1}, protocol=[{"phase": "all", "seconds": 70}])
        self.assertAlmostEqual(values["seen"]["per_min"], 3, delta=1e-6)
        self.assertAlmostEqual(values["seen"]["size_nM"], peak, delta=0.6)
        self.assertAlmostEqual(values["trace"]["peak"], 100, delta=1)
        self.assertAlmostEqual(values["trace"]["half_decay_s"], math.log(2) * decay, delta=0.02)

    def test_pet_of_a_receptor(self):
        """A constant level of K_d: half is bound. The drug-free part had none. A tracer sees twice the number as twice."""
        for density in 1, 2, 0:
            with self.subTest(density=density):
                self.check_pet_of_a_receptor(density)

    def check_pet_of_a_receptor(self, density):
        values, _, _ = measure(
            {"scan": {"assay": "pet", "population": "reader", "receptor": "R", "start_s": 1.5, "baseline_stop_s": 1}},
            cells={**CELLS, "reader": {"model": "axon", "effects": [{"receptor": "R", "on": "threshold_pA", "add": 1}]}},
            populations={"cells": {"cell": "axon", "n_neurons": 10},
                         "reader": {"cell": "reader", "region": "region", "n_neurons": 1}},
            **compartment(), receptors={"R": {"modulator": "dopamine", "K_d_nM": 100, "k_off_per_s": 50,
                                              "density": density}},
            stimuli={"p": pulse(1000.0)}, protocol=[{"phase": "all", "seconds": 2}])
        self.assertAlmostEqual(values["scan"]["occupancy_percent"], 50, delta=0.01)
        self.assertAlmostEqual(values["scan"]["availability_percent"], 50 * density, delta=0.02)
        if density > 0:
            self.assertAlmostEqual(values["scan"]["displacement_percent"], 50, delta=0.5)


class Voltammetry(unittest.TestCase):
    def fit(self, **keys):
        assay = {"assay": "voltammetry", "modulator": "dopamine", "region": "region", "pulses": 12}
        return measure(
            {"control": {**assay, "at_s": 0}, "drug": {**assay, "wash_in_s": 5}}, **AXONS, **compartment(**keys),
            drugs=DRUG, stimuli={"p": pulse(10.0)},
            protocol=[{"phase": "control", "ms": 100}, {"phase": "drug", "ms": 100, "bath_nM": {"blocker": 600}}])

    def test_constants_are_recovered(self):
        for V_max, K_m in ((3800, 220), (1500, 160)):
            with self.subTest(V_max=V_max):
                values, _, summary = self.fit(V_max_nM_per_s=V_max, K_m_nM=K_m)
                for name, factor in (("control", 1), ("drug", 3)):
                    self.assertAlmostEqual(values[name]["V_max_uM_per_s"] * 1000 / V_max, 1, delta=0.02)
                    self.assertAlmostEqual(values[name]["K_m_nM"] / K_m / factor, 1, delta=0.02)
                self.assertEqual(summary["spikes"], 10)  # the probe's are none of the run's

    def test_loss_of_the_compartment_is_known_to_the_fit(self):
        values, _, _ = self.fit(V_max_nM_per_s=800, K_m_nM=200, k_loss_per_s=0.8,
                                enzymes={"comt": {"k_per_s": 0.4}})
        self.assertAlmostEqual(values["control"]["V_max_uM_per_s"] * 1000 / 800, 1, delta=0.03)
        self.assertAlmostEqual(values["control"]["K_m_nM"] / 200, 1, delta=0.05)

    def test_nothing_is_fitted_where_nothing_is_taken_up(self):
        values, _, _ = self.fit(V_max_nM_per_s=0, K_m_nM=160, k_loss_per_s=1)
        self.assertIsNone(values["control"]["V_max_uM_per_s"])
        self.assertIsNone(values["control"]["K_m_nM"])
        self.assertGreater(values["control"]["peak_nM"], 100)

    def test_signal_is_that_of_the_equations(self):
        """Twelve releases of 100 nM at 60 Hz, uptake, and the electrode, solved by SciPy."""
        _, courses, _ = self.fit(V_max_nM_per_s=1500, K_m_nM=160)
        time_s, seen = courses["control", "signal_at_0_s"]
        state, expected, last = [0.0, 0.0], [], 0.0
        releases = [i * 0.0167 for i in range(12)]
        for t in sorted({*time_s, *releases}):
            if t > last:
                state = solve_ivp(lambda _, x: [-1500 * x[0] / (160 + x[0]), (x[0] - x[1]) / 0.3], (last, t), state,
                                  rtol=1e-8, atol=1e-6).y[:, -1]
                last = t
            if t in time_s:
                expected.append(state[1])
            if t in releases:
                state = [state[0] + 100, state[1]]
        np.testing.assert_allclose(seen, expected[:len(seen)], atol=0.01 * max(expected))


class Bystander(unittest.TestCase):
    def test_assays_leave_the_run_as_it_is(self):
        def run(assays):
            return measure(assays, seed=3,
                           populations={"cells": {"cell": "noise", "n_neurons": 50}},
                           cells={**CELLS, "noise": {"model": "poisson_source", "parameters": {"rate_hz": 20}}},
                           **compartment(V_max_nM_per_s=500), drugs=DRUG, protocol=[{"phase": "all", "seconds": 2}])[2]
        with_assays = run({"u": {"assay": "units", "population": "cells"},
                           "d": {"assay": "microdialysis", "modulator": "dopamine", "region": "region"},
                           "v": {"assay": "voltammetry", "modulator": "dopamine", "region": "region", "at_s": 1},
                           "p": {"assay": "pet", "modulator": "dopamine", "region": "region"}})
        without = run({})
        self.assertGreater(without["spikes"], 1000)
        self.assertEqual(with_assays["spike_hash"], without["spike_hash"])
        self.assertEqual(without["assays"], [])


if __name__ == "__main__":
    unittest.main()
