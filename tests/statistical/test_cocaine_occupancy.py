"""Cocaine i.v. in the closed loop: occupancy of the transporter, and dopamine that rises and returns."""

import json
import unittest
from pathlib import Path

from results import Results

COCAINE = Path(__file__).resolve().parents[2] / "configs" / "cocaine_acute.json"
BASELINE_MIN = 1
# 0.3 and 0.6 mg/kg in humans by body surface (rat x 6.2); Volkow et al. 1997: 60-77 % of the
# transporters are occupied.
LOW, HIGH = 1.86, 3.72
# A thinner forebrain for speed: in-degrees, and with them the rates, stay.
SIZES = {**{f"populations.nac_{nucleus}_{cell}.n_neurons": 64
            for nucleus in ("core", "shell") for cell in ("d1", "d2")},
         "populations.pfc_pyr.n_neurons": 160, "populations.pfc_pv.n_neurons": 40}


def run(dose_mg_per_kg, minutes):
    protocol = [
        {"phase": "baseline", "minutes": BASELINE_MIN},
        {"phase": "cocaine", "minutes": minutes,
         "events": [{"at_min": 0, "drug": "cocaine", "route": "iv",
                     "dose_mg_per_kg": dose_mg_per_kg}]},
    ]
    return Results(COCAINE, protocol=json.dumps(protocol), **SIZES)


def occupancy(results):
    """Occupancy that the run reports, and what the brain level says it is."""
    merged = json.loads((results.directory / "experiment.json").read_text())
    K_i_nM = merged["drugs"]["cocaine"]["blocks"]["dat"]["K_i_nM"]
    time_s, brain_nM = results.series("drug.cocaine.brain_nM")
    _, theta = results.series("dopamine.nac_core.transporter_occupancy")
    return time_s / 60 - BASELINE_MIN, theta, brain_nM / (brain_nM + K_i_nM)


class Cocaine(unittest.TestCase):
    def dopamine_relative(self, results, from_min, to_min):
        """Mean dopamine of the core in a window after the dose, relative to the baseline."""
        time_s, core_nM = results.series("dopamine.nac_core.concentration_nM")
        time_min = time_s / 60 - BASELINE_MIN
        before = core_nM[(time_min > 0.1 - BASELINE_MIN) & (time_min < 0)].mean()
        return core_nM[(time_min >= from_min) & (time_min < to_min)].mean() / before

    def check_peak(self, results):
        time_min, theta, expected = occupancy(results)
        # rows are means over a second, in which the level moves by up to 2 % of the peak
        self.assertLess(abs(theta - expected).max(), 2e-3)
        self.assertGreaterEqual(theta.max(), 0.60)
        self.assertLessEqual(theta.max(), 0.77)
        # Pan et al. 1991: the brain peaks at 2.76 min
        self.assertAlmostEqual(time_min[theta.argmax()], 2.76, delta=0.1)

    def test_high_dose(self):
        results = run(HIGH, minutes=5)
        self.addCleanup(results.close)
        self.check_peak(results)
        rise = self.dopamine_relative(results, 2.5, 5)
        self.assertGreater(rise, 1.9)
        self.assertLess(rise, 2.8)

    def test_low_dose_wears_off(self):
        results = run(LOW, minutes=20)
        self.addCleanup(results.close)
        self.check_peak(results)
        peak = self.dopamine_relative(results, 2, 6)
        self.assertGreater(peak, 1.5)
        self.assertLess(self.dopamine_relative(results, 18, 20), 1 + (peak - 1) * 0.4)


if __name__ == "__main__":
    unittest.main()
