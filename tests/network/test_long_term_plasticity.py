"""Weights that single synapses learn, beside an event-by-event computation in double precision that shares nothing with
the kernels but the spikes, and beside what is known of rewards that come too early, late, or too late."""

import json
import os
import subprocess
import tempfile
import unittest
from math import exp
from pathlib import Path

import numpy as np

PROGRAM = os.environ["MESOCL_LEARNED_WEIGHTS"]
DT, FIELD_STEPS = 0.1, 10
N = 100
TOLERANCE = 1e-4  # of the weight
LAYOUTS = ((1, 1, 4), (2, 1, 16), (7, 1, 1), (3, 16, 1), (2, 40, 4), (1, 3, 1))


class Learned:
    """Spikes, field quantities and weights of a run."""

    def __init__(self, experiment, times_ms, layout=(), files=()):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "experiment.json"
            path.write_text(json.dumps(experiment))
            for name, text in files:
                (Path(folder) / name).write_text(text)
            times = ",".join(map(str, times_ms))
            done = subprocess.run([PROGRAM, path, times, *map(str, layout)], capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        self.text = done.stdout
        names, *lines = done.stdout.splitlines()
        self.names, rows = names.split(), [line.split() for line in lines]
        self.spikes = np.array([row[1:] for row in rows if row[0] == "s"], int).reshape(-1, 3)
        self.field = np.array([row[2:] for row in rows if row[0] == "f"], float)
        self.edges, self.states = {t: [] for t in times_ms}, {t: [] for t in times_ms}
        for _, ms, source, target, delay, weight, *states in (row for row in rows if row[0] == "w"):
            self.edges[float(ms)].append((int(source), int(target), int(delay), float(weight)))
            self.states[float(ms)].append([float(s) for s in states])

    def times(self, population, neuron):
        """In steps: an event of step n has the time n + 1."""
        s = self.spikes
        return s[(s[:, 1] == population) & (s[:, 2] == neuron), 0] + 1


class Trace:
    def __init__(self, tau_ms, nearest):
        self.tau, self.nearest, self.value, self.time = tau_ms / DT, nearest, 0.0, 0

    def at(self, time):
        return self.value * exp(-(time - self.time) / self.tau)

    def spike(self, time):
        self.value = 1.0 if self.nearest else self.at(time) + 1
        self.time = time


class Stdp:
    """NEST's stdp_synapse: 24 random pairs with delays of 0.1 to 5.8 ms in NEST 3.10 itself differ by less than 1e-14."""

    def __init__(self, p, low, high):
        self.p, self.low, self.high = {"lambda": 0.01, "alpha": 1, "mu_plus": 1, "mu_minus": 1, **p}, low, high

    def place(self, w):
        return (w - self.low) / (self.high - self.low)

    def post(self, w, trace):
        return w + self.p["lambda"] * (self.high - self.low) * (1 - self.place(w)) ** self.p["mu_plus"] * trace

    def pre(self, w, trace):
        step = self.p["alpha"] * self.p["lambda"] * (self.high - self.low)
        return w - step * self.place(w) ** self.p["mu_minus"] * trace

    def wait(self, w, _from, _to):
        return w


class DopamineStdp:
    """dw/dt = rate c (d - b), d constant in each field step; exact in each."""

    def __init__(self, p, level):
        self.p = {"tau_c_ms": 1000, "A_plus": 1, "A_minus": 1.5, "rate_per_s": 0.001, "baseline": 0, **p}
        self.level, self.c = level, 0.0

    def post(self, w, trace):
        self.c += self.p["A_plus"] * trace
        return w

    def pre(self, w, trace):
        self.c -= self.p["A_minus"] * trace
        return w

    def wait(self, w, since, to):
        while since < to:
            end = min(to, (since // FIELD_STEPS + 1) * FIELD_STEPS)
            left = exp(-(end - since) * DT / self.p["tau_c_ms"])
            integral_s = self.c * (1 - left) * self.p["tau_c_ms"] * 1e-3
            w += self.p["rate_per_s"] * (self.level(since // FIELD_STEPS) - self.p["baseline"]) * integral_s
            self.c *= left
            since = end
        return w


class Drift:
    """dw/dt = rate d"""

    def __init__(self, rate_per_s, level):
        self.rate, self.level = rate_per_s, level

    def post(self, w, _trace):
        return w

    pre = post

    def wait(self, w, since, to):
        return w + self.rate * 1e-3 * DT * sum(self.level(step // FIELD_STEPS) for step in range(since, to))


DRIFT = (("drift.json", json.dumps({
    "model": "drift", "title": "a modulator moves the weight, whatever fires", "between": True, "modulated": True,
    "parameters": {"rate_per_s": {"unit": "1/s", "doc": "of a unit of the modulator"}}})),
         ("drift.clh", """
MESO_FUNCTION drift_state drift_pre(drift_state s, drift_parameters p, real trace) { return s; }
MESO_FUNCTION drift_state drift_post(drift_state s, drift_parameters p, real trace) { return s; }
MESO_FUNCTION drift_state drift_between(drift_state s, drift_parameters p, real modulator, real span_ms)
{
    s.weight = fma((real)(0.001f) * p.rate_per_s * span_ms, modulator, s.weight);
    return s;
}
"""))


class Homeostatic:
    """d(ln w)/dt = eta (rate - spikes of the target)"""

    def __init__(self, p):
        self.p = {"rate_hz": 5, "eta": 8e-7, **p}

    def post(self, w, _trace):
        return w * exp(-self.p["eta"])

    def pre(self, w, _trace):
        return w

    def wait(self, w, since, to):
        return w * exp(self.p["eta"] * self.p["rate_hz"] * (to - since) * DT * 1e-3)


class StdpHomeostatic(Stdp):
    def __init__(self, p, low, high):
        super().__init__(p, low, high)
        self.scaling = Homeostatic(p)

    def post(self, w, trace):
        return self.scaling.post(super().post(w, trace), trace)

    def wait(self, w, since, to):
        return self.scaling.wait(w, since, to)


POST, PRE, UPDATE = range(3)  # in this order where they come at once


def learn(rule, w, pre, post, delay, until, update, low, high, nearest=False, tau_plus=20, tau_minus=20):
    """The weight at `until`, within its limits after every event. A source's spike does not see one of the target that
    arrives at once."""
    source, target = Trace(tau_plus, nearest), Trace(tau_minus, nearest)
    events = [(int(t) + delay, POST) for t in post] + [(int(t), PRE) for t in pre]
    events += [(t, UPDATE) for t in [*range(update, until, update), until]]
    now, before = 0, 0.0  # trace of the target without a spike of this very time
    for time, kind in sorted(event for event in events if event[0] <= until):
        w = min(max(rule.wait(w, now, time), low), high)
        now = time
        if kind == PRE:
            w = rule.pre(w, before if target.time == time else target.at(time))
            source.spike(time)
        elif kind == POST:
            before = target.at(time)
            w = rule.post(w, source.at(time))
            target.spike(time)
        w = min(max(w, low), high)
    return w


def clock(pre, total_steps, update_steps, batch_steps=10):
    """What a synapse has been taken to after a run: a multiple of update_ms, or a later spike of its source."""
    sweep = (total_steps - 2 * batch_steps) // update_steps * update_steps
    return max([sweep, *(t for t in pre if t <= total_steps - batch_steps)])


# --- random trains --------------------------------------------------------------------------------------

CELLS = {
    "source": {"model": "poisson_source",
               "parameters": {"rate_hz": [float(r) for r in np.geomspace(1, 150, N)]}},
    "target": {"model": "lif_delta"}, "parrot": {"model": "parrot"},
    "releasing": {"model": "poisson_source", "parameters": {"rate_hz": 5}},
}


def trains(learning, weight=1.0, ms=2000, **keys):
    """N sources of 1 to 150 Hz, each with a synapse on a target that fires at random for its own reasons too."""
    return {
        "schema_version": 1, "seed": 11, "cells": CELLS,
        "populations": {"in": {"cell": "source", "n_neurons": N}, "out": {"cell": "target", "n_neurons": N}},
        "projections": {"p": {
            "source": "in", "target": "out", "rule": "one_to_one", "receptors": {"v_jump_mV": 1},
            "weight_mV": weight, "delay_ms": {"distribution": "uniform", "min": 1, "max": 8},
            "long_term_plasticity": learning}},
        "stimuli": {"noise": {"kind": "poisson", "target": "out", "rate_hz": 5000, "receptors": {"v_jump_mV": 1},
                              "weight_mV": 0.22}},
        "protocol": [{"phase": "all", "ms": ms}],
        "record": {"timeline_interval_ms": 1}, **keys}


def with_dopamine(experiment, compartment):
    """The same with dopamine where the targets lie; three more cells release it, at random."""
    experiment["modulators"] = {"dopamine": {"compartments": {"default": compartment}}}
    experiment["populations"]["da"] = {"cell": "releasing", "n_neurons": 3}
    return experiment


class RandomTrains(unittest.TestCase):
    def check(self, experiment, rule_of, times_ms=(305, 1005, 2000), low=0.0, high=2.0, start=1.0, files=(),
              update_ms=None, **keys):
        learning = experiment["projections"]["p"]["long_term_plasticity"]
        update = round((update_ms or learning.get("update_ms", 10)) / DT)
        run = Learned(experiment, times_ms, files=files)
        for ms in times_ms:
            self.assertEqual(len(run.edges[ms]), N)
            moved, n_post = 0, 0
            for source, target, delay, weight in run.edges[ms]:
                pre, post = run.times(0, source), run.times(1, target)
                expected = learn(rule_of(run), start, pre, post, delay, clock(pre, round(ms / DT), update), update, low,
                                 high, nearest=learning.get("pairs") == "nearest", **keys)
                self.assertLess(abs(weight - expected), TOLERANCE * start,
                                f"{ms} ms, {source}: {weight} instead of {expected}")
                moved += abs(weight - start) > 100 * TOLERANCE
                n_post += len(post)
        self.assertGreater(moved, N // 4)
        self.assertGreater(n_post, N)
        return run

    def stdp(self, pairs="all", **parameters):
        learning = {"rule": "stdp", "pairs": pairs, "weight_max_mV": 2, "parameters": parameters}
        self.check(trains(learning), lambda run: Stdp(parameters, 0, 2),
                   tau_plus=parameters.get("tau_plus_ms", 20), tau_minus=parameters.get("tau_minus_ms", 20))

    def test_additive(self):
        self.stdp(mu_plus=0, mu_minus=0)

    def test_multiplicative(self):
        self.stdp(mu_plus=1, mu_minus=1, alpha=1.1)

    def test_between_the_two(self):
        self.stdp(mu_plus=0.4, mu_minus=0.2, tau_plus_ms=16.8, tau_minus_ms=33.7)

    def test_nearest_spikes(self):
        self.stdp(pairs="nearest", mu_plus=0, mu_minus=0)

    def test_nearest_spikes_multiplicative(self):
        self.stdp(pairs="nearest", alpha=0.9)

    def test_limits_other_than_zero(self):
        parameters = {"lambda": 0.05, "mu_plus": 0, "mu_minus": 0}
        learning = {"rule": "stdp", "weight_min_mV": 0.9, "weight_max_mV": 1.2, "parameters": parameters}
        self.check(trains(learning), lambda run: Stdp(parameters, 0.9, 1.2), low=0.9, high=1.2)

    def test_a_long_time_between_updates(self):
        learning = {"rule": "stdp", "weight_max_mV": 2, "update_ms": 200}
        self.check(trains(learning), lambda run: Stdp({}, 0, 2))

    def test_dopamine_that_is_held(self):
        parameters = {"A_plus": 0.1, "A_minus": 0.15, "tau_minus_ms": 30}
        learning = {"rule": "dopamine_stdp", "weight_max_mV": 2, "modulator": "dopamine", "parameters": parameters}
        self.check(with_dopamine(trains(learning), {"tone_nM": 800}),
                   lambda run: DopamineStdp(parameters, lambda field: 800), tau_minus=30)

    def check_dopamine_that_varies(self, learning, rule_of, **keys):
        """It is exact however much dopamine varies between the events of a synapse."""
        release = {"source": "da", "release_nM": 300, "V_max_nM_per_s": 0, "K_m_nM": 100, "k_loss_per_s": 4}

        def level_of(run):
            return run.field[:, run.names.index("dopamine.default.concentration_nM")]
        learning = {"weight_max_mV": 2, "modulator": "dopamine", **learning}
        run = self.check(with_dopamine(trains(learning), release),
                         lambda run: rule_of(lambda field, level=level_of(run): level[field]), **keys)
        self.assertTrue(level_of(run).min() < 100 < 200 < level_of(run).max())

    def test_dopamine_below_and_above_a_baseline(self):
        parameters = {"A_plus": 0.1, "A_minus": 0.15, "baseline": 150, "rate_per_s": 0.02, "tau_c_ms": 300}
        for update_ms in (1, 40, 300):
            with self.subTest(update_ms=update_ms):
                self.check_dopamine_that_varies(
                    {"rule": "dopamine_stdp", "parameters": parameters, "update_ms": update_ms},
                    lambda level: DopamineStdp(parameters, level))

    def test_an_eligibility_that_is_short_beside_update_ms(self):
        """Then synapses are brought up to date after two of its time constants."""
        parameters = {"A_plus": 0.1, "A_minus": 0.15, "rate_per_s": 0.05, "tau_c_ms": 70}
        self.check_dopamine_that_varies(
            {"rule": "dopamine_stdp", "parameters": parameters, "update_ms": 1000},
            lambda level: DopamineStdp(parameters, level), update_ms=140)

    def test_the_mean_of_a_modulator(self):
        self.check_dopamine_that_varies(
            {"rule": "drift", "parameters": {"rate_per_s": 0.001}, "update_ms": 80},
            lambda level: Drift(0.001, level), files=DRIFT)

    def test_activation_of_a_receptor(self):
        parameters = {"A_plus": 0.1, "A_minus": 0.15, "rate_per_s": -5}
        learning = {"rule": "dopamine_stdp", "weight_max_mV": 2, "receptor": "D2", "parameters": parameters,
                    "update_ms": 100}
        experiment = with_dopamine(trains(learning), {"source": "da", "release_nM": 300, "V_max_nM_per_s": 0, "K_m_nM": 100, "k_loss_per_s": 4})
        experiment["receptors"] = {"D2": {"modulator": "dopamine", "K_d_nM": 50, "k_off_per_s": 20}}

        def rule(run):
            level = run.field[:, run.names.index("out.D2.activation")]
            return DopamineStdp(parameters, lambda field: level[field])
        self.check(experiment, rule)

    def test_scaling(self):
        parameters = {"eta": 0.02, "rate_hz": 20}
        learning = {"rule": "homeostatic", "weight_max_mV": 2, "parameters": parameters}
        self.check(trains(learning), lambda run: Homeostatic(parameters))

    def test_scaling_by_less_than_the_last_bit_of_a_weight(self):
        parameters = {"eta": 1e-8, "rate_hz": 1000}
        learning = {"rule": "homeostatic", "weight_max_mV": 2, "update_ms": 1, "parameters": parameters}
        run = Learned(trains(learning), (2000, ))
        for _, target, _, weight in run.edges[2000]:
            self.assertAlmostEqual(weight, 1 + 1e-8 * (2000 - len(run.times(1, target))), delta=1.6e-5)
        self.assertGreater(np.mean([edge[3] for edge in run.edges[2000]]), 1 + 1e-5)

    def test_stdp_and_scaling(self):
        parameters = {"eta": 0.01, "rate_hz": 30, "mu_plus": 0.4, "mu_minus": 0.2, "alpha": 1.1}
        learning = {"rule": "stdp_homeostatic", "weight_max_mV": 2, "parameters": parameters}
        self.check(trains(learning), lambda run: StdpHomeostatic(parameters, 0, 2))

    def test_no_dopamine_no_change(self):
        learning = {"rule": "dopamine_stdp", "weight_max_mV": 2, "modulator": "dopamine"}
        run = Learned(with_dopamine(trains(learning), {"tone_nM": 0}), (2000,))
        self.assertEqual({edge[3] for edge in run.edges[2000]}, {1.0})


class Layouts(unittest.TestCase):
    """The same bits, whatever the work looks like."""

    def check(self, experiment, layouts=LAYOUTS, ms=300):
        first = Learned(experiment, (ms,)).text
        self.assertGreater(len({line.split()[5] for line in first.splitlines() if line.startswith("w")}), N // 4)
        for layout in layouts:
            self.assertTrue(Learned(experiment, (ms,), layout).text == first, layout)

    def test_stdp(self):
        self.check(network({"rule": "stdp", "weight_max_mV": 2, "parameters": {"mu_plus": 0.3}}))

    def test_several_groups_of_delays(self):
        """A partition's part of the ring is too large for all delays at once, or not. Spikes alone are the same then:
        a row is as far as the delivery of its group."""
        experiment = network({"rule": "stdp", "weight_max_mV": 6, "parameters": {"lambda": 0.5}})
        experiment["populations"]["out"]["n_neurons"] = 6000
        static = json.loads(json.dumps(experiment))
        for name in ("p", "recurrent"):
            del static["projections"][name]["long_term_plasticity"]
        spikes = [Learned(experiment, (60,), layout).spikes for layout in ((7, 1, 16), (1, 1, 16), (1, 8, 4))]
        self.assertFalse(np.array_equal(spikes[0], Learned(static, (60,)).spikes))
        for other in spikes[1:]:
            np.testing.assert_array_equal(other, spikes[0])

    def test_dopamine_stdp(self):
        learning = {"rule": "dopamine_stdp", "weight_max_mV": 2, "modulator": "dopamine",
                    "parameters": {"rate_per_s": 0.1}}
        self.check(with_dopamine(network(learning), {"source": "da", "release_nM": 300, "V_max_nM_per_s": 0, "K_m_nM": 100, "k_loss_per_s": 4}))


def network(learning):
    """Many synapses a cell, recurrent, in two projections that learn beside one that does not."""
    experiment = trains(learning, ms=300)
    first = experiment["projections"]["p"]
    rule = {"rule": "fixed_total", "total": 1500, "weight_mV": {"distribution": "uniform", "min": 0.2, "max": 1}}
    experiment["projections"] = {
        "p": {**first, **rule}, "recurrent": {**first, **rule, "source": "out"},
        "static": {**first, **rule, "source": "out", "delay_ms": 1.5, "long_term_plasticity": None}}
    del experiment["projections"]["static"]["long_term_plasticity"]
    return experiment


class Homeostasis(unittest.TestCase):
    def rate(self, weight):
        """Of targets in the last 5 s, whose weights began so."""
        experiment = trains({"rule": "homeostatic", "weight_max_mV": 5, "parameters": {"eta": 0.02, "rate_hz": 10}},
                            ms=30000)
        experiment["projections"]["p"].update(rule="fixed_indegree", indegree=50, weight_mV=weight)
        experiment["stimuli"]["noise"]["rate_hz"] = 2000
        run = Learned(experiment, (30000, ))
        late = (run.spikes[:, 1] == 1) & (run.spikes[:, 0] >= 250000)
        return late.sum() / N / 5

    def test_targets_come_to_their_rate_from_either_side(self):
        for weight in (0.02, 2):
            self.assertAlmostEqual(self.rate(weight), 10, delta=0.5)


# --- reward ---------------------------------------------------------------------------------------------

def rewarded(reward_ms, pairing_ms=11000):
    """A source fires 10 ms before its target, once; dopamine is released once."""
    kick = {"kind": "pulses", "amplitude_pA": 100000, "width_ms": 0.1}
    return {
        "schema_version": 1, "seed": 1, "cells": {"cell": {"model": "lif_delta"}},
        "populations": {name: {"cell": "cell", "n_neurons": 1} for name in ("in", "out", "da")},
        "projections": {"p": {
            "source": "in", "target": "out", "rule": "one_to_one", "receptors": {"v_jump_mV": 1}, "weight_mV": 1,
            "delay_ms": 1, "long_term_plasticity": {
                "rule": "dopamine_stdp", "weight_max_mV": 4, "modulator": "dopamine"}}},
        "modulators": {"dopamine": {"compartments": {"default": {
            "source": "da", "release_nM": 500, "V_max_nM_per_s": 0, "K_m_nM": 100, "k_loss_per_s": 5}}}},
        "stimuli": {name: {**kick, "target": name, "start_ms": start} for name, start in
                    (("in", pairing_ms), ("out", pairing_ms + 10), ("da", reward_ms))},
        "protocol": [{"phase": "all", "ms": 25000}]}


class Reward(unittest.TestCase):
    def change(self, after_s):
        run = Learned(rewarded(11000 + 1000 * after_s), (25000,))
        self.assertEqual([len(run.times(population, 0)) for population in range(3)], [1, 1, 1])
        return run.edges[25000][0][3] - 1

    def test_before_the_pairing_it_does_nothing(self):
        self.assertLess(abs(self.change(-10)), 1e-6)

    def test_one_to_three_seconds_after_it_works(self):
        changes = [self.change(after) for after in (1, 2, 3)]
        # the target's spike arrives 11 ms after the source's; what eligibility is left at the reward, and both decays
        for after, change in zip((1, 2, 3), changes):
            self.assertAlmostEqual(change, exp(-11 / 20) * exp(0.011 - after) * 0.5 / (5 + 1), delta=0.005 * change)

    def test_ten_seconds_after_it_does_not(self):
        self.assertLess(abs(self.change(10)), 1e-5)


class RewardByContingency(unittest.TestCase):
    """The loop closed: what the two cells do brings a pulse of dopamine, and no cell releases any."""
    PULSE = {"modulator": "dopamine", "region": "default", "amount_nM": 500}

    def change(self, trigger, cue_ms=1000):
        experiment = rewarded(cue_ms)
        experiment["modulators"]["dopamine"]["compartments"]["default"] = {"tone_nM": 0, "k_loss_per_s": 5}
        experiment["contingencies"] = {"reward": {**trigger, "pulse": self.PULSE}}
        run = Learned(experiment, (25000,))
        self.assertEqual([line.split()[1] for line in run.text.splitlines() if line.startswith("t")], ["0"])
        return run.edges[25000][0][3] - 1

    def after_pairing(self, delay_s):
        return self.change({"trigger": "coincidence", "source": "in", "target": "out", "within_ms": 20,
                            "delay_s": delay_s})

    def after_cue(self, delay_s, cue_ms):
        return self.change({"trigger": "spikes", "population": "da", "spikes": 1, "within_ms": 0, "delay_s": delay_s},
                           cue_ms)

    def test_a_coincidence_is_rewarded_one_to_three_seconds_later(self):
        for delay in (1, 2, 3):
            expected = exp(-11 / 20) * exp(-delay) * 0.5 / (5 + 1)
            self.assertAlmostEqual(self.after_pairing(delay), expected, delta=0.005 * expected)

    def test_ten_seconds_later_it_is_not(self):
        self.assertLess(abs(self.after_pairing(10)), 1e-5)

    def test_a_reward_before_the_pairing_does_nothing(self):
        for cue_ms in (1000, 5000):  # the pulse comes 8 and 4 s before
            self.assertLess(abs(self.after_cue(2, cue_ms)), 1e-6)

    def test_a_reward_that_came_by_chance_works_as_well(self):
        change = self.after_cue(2, 11000)
        expected = exp(-11 / 20) * exp(0.011 - 2) * 0.5 / (5 + 1)
        self.assertAlmostEqual(change, expected, delta=0.005 * expected)


class History(unittest.TestCase):
    def test_a_target_that_fires_too_often_is_an_error_that_says_what_to_do(self):
        learning = {"rule": "stdp", "weight_max_mV": 2, "update_ms": 100}
        experiment = trains(learning, ms=500)
        experiment["populations"]["out"]["cell"] = "parrot"
        experiment["projections"]["p"].update(receptors={"spikes": 1}, weight=1)
        del experiment["projections"]["p"]["weight_mV"]
        experiment["projections"]["p"]["long_term_plasticity"] = {"rule": "stdp", "weight_max": 2, "update_ms": 100}
        experiment["stimuli"]["noise"] = {"kind": "poisson", "target": "out", "rate_hz": 4000,
                                          "receptors": {"spikes": 1}, "weight": 1}
        with self.assertRaisesRegex(AssertionError, r"projections\.p: a cell of 'out' fires too often .* update_ms "
                                                    r"than 100"):
            Learned(experiment, (500,))


if __name__ == "__main__":
    unittest.main()
