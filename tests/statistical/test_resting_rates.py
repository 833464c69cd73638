"""The circuit at rest (XS, one minute): firing in the published bands, in the closed loop."""

import json
import unittest
from pathlib import Path

import numpy as np

from results import Results, bursts, mean_cv, mean_rate_hz

BASELINE = Path(__file__).resolve().parents[2] / "configs" / "baseline.json"
START_S = 2  # after the transient of the initial state

# Hz. Dopamine: Marinelli & White 2000; VTA GABA: Steffensen 1998; cortex: Durstewitz 2000.
BANDS = {
    "vta_da": (3.8, 5.9), "vta_gaba": (14, 24), "rmtg": (10, 15), "vp": (5, 10), "lhb": (5, 10),
    "nac_core_d1": (0.5, 3), "nac_core_d2": (0.5, 3), "nac_core_fsi": (10, 20),
    "nac_shell_d1": (0.5, 3), "nac_shell_d2": (0.5, 3), "nac_shell_fsi": (10, 20),
    "pfc_pyr": (1, 5), "pfc_pv": (10, 20),
}


def two_peaks(v_mV):
    """Whether the histogram has a down and an up peak, apart by a valley of at most 80 % of the lower."""
    counts, edges = np.histogram(v_mV, bins=np.arange(-92, -42, 2))
    down, up = edges[:-1] < -70, edges[:-1] >= -70
    low = int(np.argmax(np.where(down, counts, 0)))
    high = int(np.argmax(np.where(up, counts, 0)))
    return counts[low:high + 1].min() <= 0.8 * min(counts[low], counts[high])


class RestingRates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.results = Results(BASELINE)
        cls.addClassCleanup(cls.results.close)
        merged = json.loads((cls.results.directory / "experiment.json").read_text())
        cls.n_neurons = {name: p["n_neurons"] for name, p in merged["populations"].items()}
        cls.duration_s = merged["protocol"][0]["seconds"] - START_S

    def trains(self, population):
        return self.results.trains_s(population, self.n_neurons[population], START_S)

    def assertWithin(self, value, band):
        self.assertGreaterEqual(value, band[0])
        self.assertLessEqual(value, band[1])

    def test_rates(self):
        for population, band in BANDS.items():
            with self.subTest(population):
                self.assertWithin(mean_rate_hz(self.trains(population), self.duration_s), band)

    def test_dopamine_cells_burst(self):
        trains = self.trains("vta_da")
        sizes = [size for train in trains for size in bursts(train)]
        share = 100 * sum(sizes) / sum(map(len, trains))
        self.assertWithin(share, (30, 57))
        self.assertWithin(np.mean(sizes), (2.6, 3.6))

    def test_vta_gaba_cells_fire_evenly(self):
        self.assertLess(mean_cv(self.trains("vta_gaba")), 0.8)

    def test_spiny_neurons_have_up_and_down_states(self):
        """O'Donnell & Grace 1995: down -77, up -63 mV; two peaks in at least 40 % of the cells."""
        for name in ("nac_core_d1_v", "nac_core_d2_v"):
            v_mV = self.results.report(name)
            below_threshold = v_mV[v_mV < -45]
            with self.subTest(name):
                self.assertGreaterEqual(np.mean([two_peaks(cell) for cell in v_mV.T]), 0.4)
                self.assertWithin(below_threshold[below_threshold < -70].mean(), (-82, -72))
                self.assertWithin(below_threshold[below_threshold >= -70].mean(), (-68, -58))

    def test_tonic_dopamine(self):
        """5-60 nM between models for the accumbens at 4 Hz; here the cells fire a little faster."""
        time_s, core, prefrontal = self.results.series("dopamine.nac_core.concentration_nM",
                                                       "dopamine.pfc.concentration_nM")
        self.assertWithin(core[time_s > START_S].mean(), (45, 85))
        self.assertWithin(prefrontal[time_s > START_S].mean(), (2, 12))


if __name__ == "__main__":
    unittest.main()
