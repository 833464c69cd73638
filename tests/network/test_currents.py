"""Currents that stimuli inject, step by step."""

import unittest

import numpy as np
from scipy import stats

from probe import watch


def currents(stimuli, **keys):
    return watch("v_mV", stimuli, **keys)


def current(model, **keys):
    times = {key: keys.pop(key) for key in ("start_ms", "stop_ms") if key in keys}
    return {"kind": "current", "model": model, "parameters": keys, **times}


class Direct(unittest.TestCase):
    def test_it_flows_from_start_to_stop_and_adds_up(self):
        seen = currents({"a": current("direct", amplitude_pA=10, start_ms=3, stop_ms=5.5),
                         "b": current("direct", amplitude_pA=-2.5, start_ms=4.2)})[1:, 0]
        step = np.arange(len(seen))
        expected = 10.0 * ((step >= 30) & (step < 55)) - 2.5 * (step >= 42)
        np.testing.assert_array_equal(seen, expected)

    def test_an_amplitude_for_each_neuron(self):
        amplitudes = [0.0, 12.5, -3.0, 7.25, 100.0]
        seen = currents({"a": current("direct", amplitude_pA=amplitudes)}, n_neurons=5)
        np.testing.assert_array_equal(seen[-1], amplitudes)

    def test_a_drawn_amplitude_is_that_of_its_distribution(self):
        spread = {"distribution": "normal", "mean": 5, "sd": 2}
        seen = currents({"a": current("direct", amplitude_pA=spread)}, n_neurons=2000)[-1]
        self.assertGreater(stats.kstest(seen, "norm", (5, 2)).pvalue, 0.001)


class Sine(unittest.TestCase):
    def test_it_is_a_sine_of_the_time_since_the_experiment_began(self):
        keys = dict(amplitude_pA=100, offset_pA=20, phase_deg=[0, 30, -90, 180, 0, 0],
                    frequency_hz=[10, 7.3, 40, 0.5, 0, 333.25])
        seen = currents({"a": current("sine", start_ms=1.5, **keys)}, n_neurons=6, ms=300)[1:]
        t = np.arange(len(seen))[:, None] * 1e-4
        f = np.float32(keys["frequency_hz"]).astype(float)
        expected = 20 + 100 * np.sin(2 * np.pi * f * t + np.deg2rad(keys["phase_deg"]))
        expected[:15] = 0
        np.testing.assert_allclose(seen, expected, atol=5e-3)

    def test_its_phase_does_not_drift(self):
        """An hour of model time, in steps that are no round number of seconds."""
        f, hour_ms = np.array([10.0, 3.125, 0.7]), 51429 * 70
        seen = currents({"a": current("sine", amplitude_pA=1, frequency_hz=list(f))}, n_neurons=3,
                        dt_ms=0.7, field_step_ms=70, ms=hour_ms, start_ms=hour_ms - 7000,
                        interval_ms=70)
        f = np.float32(f).astype(float)
        step = round((hour_ms - 7000) / 0.7) - 1 + 100 * np.arange(len(seen))
        expected = np.sin(2 * np.pi * np.outer(step * 0.7e-3, f))
        np.testing.assert_allclose(seen, expected, atol=2e-5)


class Noise(unittest.TestCase):
    N = 4000

    def noise(self, tau_ms, mean=3.0, sd=20.0, **keys):
        return currents({"a": current("noise", mean_pA=mean, sd_pA=sd, tau_ms=tau_ms)},
                        n_neurons=self.N, **{"ms": 30, "interval_ms": 1, **keys})[1:]

    def test_it_is_stationary_from_its_first_step(self):
        seen = self.noise(tau_ms=50)
        self.assertGreater(stats.kstest(seen[0], "norm", (3, 20)).pvalue, 0.001)
        self.assertGreater(stats.kstest(seen[-1], "norm", (3, 20)).pvalue, 0.001)

    def test_it_is_correlated_as_an_exponential(self):
        for tau_ms in (0.3, 5, 50):
            deviation = self.noise(tau_ms) - 3
            for lag in (1, 4, 16):
                pairs = deviation[:1], deviation[lag:lag + 1]
                correlation = np.mean(pairs[0] * pairs[1]) / 400
                self.assertAlmostEqual(correlation, np.exp(-lag / tau_ms), delta=4 / self.N ** 0.5)

    def test_without_correlation_time_every_step_is_drawn_anew(self):
        seen = self.noise(tau_ms=0, ms=3, interval_ms=0.1)
        self.assertGreater(stats.kstest(seen.ravel(), "norm", (3, 20)).pvalue, 0.001)
        self.assertAlmostEqual(np.corrcoef(seen[:-1].ravel(), seen[1:].ravel())[0, 1], 0,
                               delta=4 / seen.size ** 0.5)

    def test_neurons_and_stimuli_have_their_own(self):
        seen = currents({name: current("noise", sd_pA=20, tau_ms=5, start_ms=start)
                         for name, start in (("a", 0), ("b", 10))},
                        n_neurons=self.N, interval_ms=1)
        first, both = seen[10], seen[11]
        self.assertAlmostEqual(np.corrcoef(first[:-1], first[1:])[0, 1], 0, delta=4 / self.N ** 0.5)
        self.assertAlmostEqual(both.var(), 800, delta=4 * 800 * (2 / self.N) ** 0.5)

    def test_without_deviation_it_is_its_mean(self):
        np.testing.assert_array_equal(self.noise(5, mean=7, sd=0, ms=5), 7)

    def test_it_is_the_same_in_any_layout(self):
        values = self.noise(5, ms=10)
        np.testing.assert_array_equal(values[9:10], self.noise(5, ms=10, interval_ms=10)[:1])


class Uniform(unittest.TestCase):
    def test_every_step_and_neuron_draws_anew_between_the_limits(self):
        seen = currents({"a": current("uniform", low_pA=-2.5, high_pA=6)}, n_neurons=4000, ms=3)[1:]
        self.assertGreater(stats.kstest(seen.ravel(), "uniform", (-2.5, 8.5)).pvalue, 0.001)
        self.assertTrue(-2.5 < seen.min() < -2.49 and 5.99 < seen.max() < 6)
        for one, other in ((seen[:-1], seen[1:]), (seen[:, :-1], seen[:, 1:])):
            self.assertAlmostEqual(np.corrcoef(one.ravel(), other.ravel())[0, 1], 0, delta=4 / seen.size ** 0.5)


class Own(unittest.TestCase):
    RAMP = {"model": "ramp", "title": "Rises in every step", "parameters": {
        "start_pA": {"unit": "pA", "doc": "at first", "min": -1000, "max": 1000},
        "slope_pA": {"unit": "pA", "doc": "per step", "default": 1, "min": 0, "max": 10}},
        "state": {"level_pA": {"unit": "pA", "doc": "now", "initial": "start_pA"}}}
    TEXT = """
    MESO_FUNCTION ramp_state ramp(ramp_state s, ramp_parameters p, ramp_inputs in, float dt_ms)
    {
        s.I_pA = s.level_pA;
        s.level_pA += p.slope_pA;
        return s;
    }
    """

    def test_a_current_beside_the_experiment_remembers_its_state(self):
        seen = currents({"a": current("ramp", start_pA=[4, 5, 6], start_ms=0.5),
                         "b": current("direct", amplitude_pA=100)}, n_neurons=3,
                        files={"ramp.json": self.RAMP, "ramp.clh": self.TEXT})[1:]
        step = np.arange(len(seen))[:, None]
        expected = 100.0 + np.where(step >= 5, [4, 5, 6] + step - 5, 0)
        np.testing.assert_array_equal(seen, expected)

    def test_a_mistake_in_it_has_its_place(self):
        with self.assertRaisesRegex(AssertionError, r"exit code 2\n(.*\n)*.*ramp\.clh:4: "):
            currents({"a": current("ramp", start_pA=1)},
                     files={"ramp.json": self.RAMP, "ramp.clh": self.TEXT.replace("s.level", "s.lev", 1)})


if __name__ == "__main__":
    unittest.main()
