"""Poisson stimuli: counts of every step against the Poisson distribution, and rates that change."""

import unittest

import numpy as np
from scipy import stats

from probe import watch


def poisson(**keys):
    return {"kind": "poisson", "receptors": {"kick": 1}, "weight": 1, **keys}


def counts(stimuli, **keys):
    """Events of each step (row) and neuron."""
    return np.diff(watch("n", stimuli, **keys), axis=0)


def chi_square(seen, mean):
    """p of the counts 0, 1, ... under the Poisson distribution, classes of at least 10 together."""
    n, top = seen.size, int(seen.max()) + 1
    observed = np.bincount(seen.astype(int).ravel(), minlength=top + 1).astype(float)
    expected = n * stats.poisson.pmf(np.arange(top + 1), mean)
    expected[top] = n * stats.poisson.sf(top - 1, mean)
    while len(expected) > 2 and expected[-1] < 10:
        expected[-2] += expected[-1]
        observed[-2] += observed[-1]
        expected, observed = expected[:-1], observed[:-1]
    while len(expected) > 2 and expected[0] < 10:
        expected[1] += expected[0]
        observed[1] += observed[0]
        expected, observed = expected[1:], observed[1:]
    return stats.chisquare(observed, expected * n / expected.sum()).pvalue


class Rates(unittest.TestCase):
    def test_counts_of_a_step_have_the_poisson_distribution(self):
        for rate_hz in (20, 800, 10_000, 33_333, 80_000):
            seen = counts({"a": poisson(rate_hz=rate_hz)}, n_neurons=3000)
            with self.subTest(rate_hz=rate_hz):
                mean = rate_hz * 1e-4
                self.assertAlmostEqual(seen.mean(), mean, delta=4 * (mean / seen.size) ** 0.5)
                self.assertGreater(chi_square(seen, mean), 0.001)

    def test_steps_and_neurons_are_independent(self):
        seen = counts({"a": poisson(rate_hz=10_000)}, n_neurons=3000) - 1
        room = 4 / seen.size ** 0.5
        self.assertLess(abs((seen[1:] * seen[:-1]).mean()), room)
        self.assertLess(abs((seen[2:] * seen[:-2]).mean()), room)
        self.assertLess(abs((seen[:, 1:] * seen[:, :-1]).mean()), room)

    def test_rate_0_has_no_events(self):
        self.assertEqual(counts({"a": poisson(rate_hz=0)}, n_neurons=100).sum(), 0)

    def test_more_than_the_limit_is_refused(self):
        with self.assertRaisesRegex(AssertionError, "exit code 2\n.*is above 80000 Hz"):
            counts({"a": poisson(rate_hz=80_001)})


class Pieces(unittest.TestCase):
    RATES = [(4, 10_000), (6, 0), (9, 500), (17, 80_000)]

    def seen(self, rates=RATES, **keys):
        pieces = [{"from_ms": t, "rate_hz": r} for t, r in rates]
        return counts({"a": poisson(rates_hz=pieces, **keys)}, n_neurons=3000, ms=21)

    def test_each_rate_holds_from_its_time_to_the_next(self):
        seen = self.seen()
        for (begin, rate_hz), end in zip([(0, 0), *self.RATES], (4, 6, 9, 17, 20)):
            piece, mean = seen[10 * begin:10 * end], rate_hz * 1e-4
            with self.subTest(begin=begin):
                self.assertEqual(len(piece), 10 * (end - begin))
                self.assertAlmostEqual(piece.mean(), mean, delta=4 * (mean / piece.size) ** 0.5)
                if rate_hz > 0:
                    self.assertGreater(chi_square(piece, mean), 0.001)

    def test_start_and_stop_hold_too(self):
        seen = self.seen(start_ms=5, stop_ms=18)
        self.assertEqual(seen[:50].sum(), 0)
        self.assertGreater(seen[50:60].sum(), 0)
        self.assertGreater(seen[170:180].sum(), 0)
        self.assertEqual(seen[180:].sum(), 0)

    def test_one_piece_is_a_constant_rate(self):
        constant = counts({"a": poisson(rate_hz=800)}, n_neurons=3000, ms=21)
        np.testing.assert_array_equal(self.seen([(0, 800)]), constant)

    def test_two_stimuli_have_pieces_of_their_own(self):
        both = counts({"a": poisson(rates_hz=[{"from_ms": 0, "rate_hz": 8000}, {"from_ms": 10, "rate_hz": 0}]),
                       "b": poisson(rates_hz=[{"from_ms": 10, "rate_hz": 2000}])}, n_neurons=3000)
        for part, mean in ((both[:100], 0.8), (both[100:], 0.2)):
            self.assertAlmostEqual(part.mean(), mean, delta=4 * (mean / part.size) ** 0.5)


if __name__ == "__main__":
    unittest.main()
