"""Directions of the acute actions of drugs in the closed loop (XS), and what is left of them when their target is gone.

Each run is compared with one that is the same but for the dose, in the last 15 of 25 s. Concentrations are held: the
drugs here hardly leave, so that a test does not depend on pharmacokinetics."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np

from results import Results

CIRCUIT = Path(__file__).resolve().parents[2] / "configs" / "circuits" / "xs.json"
DOSE_S, FROM_S, END_S = 5, 10, 25

# what it does, and the free concentration in nM
DRUGS = {
    "amphetamine": ({"releases": {"dat": {"K_i_nM": 600, "K_vesicle_nM": 1000, "K_reverse_nM": 500}}}, 1000),
    "morphine": ({"binds": {"MOR": {"K_i_nM": 1.2, "efficacy": 0.4, "k_off_per_s": 0.5}}}, 100),
    "naloxone": ({"binds": {"MOR": {"K_i_nM": 1.5, "efficacy": 0, "k_off_per_s": 0.5}}}, 5000),
    "haloperidol": ({"binds": {"D2": {"K_i_nM": 1.5, "efficacy": 0, "k_off_per_s": 0.5}}}, 30),
    "cocaine": ({"blocks": {"dat": {"K_i_nM": 460}, "net": {"K_i_nM": 460}}}, 700),
}
DAT, MOR = "targets.dat.density", "targets.MOR.density"
AUTORECEPTOR = "receptors.D2_terminal.density"
cache = {}


def experiment(doses):
    """`doses`: (drug, seconds)"""
    kinetics = {"molar_mass_g_per_mol": 1000, "V_d_L_per_kg": 1, "k_elimination_per_min": 1e-6,
                "k_to_brain_per_min": 500, "k_from_brain_per_min": 500, "routes": {"iv": {}}}
    return {
        "schema_version": 1, "extends": str(CIRCUIT), "seed": 3,
        "drugs": {"cocaine": None, **{name: {**kinetics, **action} for name, (action, _) in DRUGS.items()}},
        "protocol": [{"phase": "all", "seconds": END_S, "events": [
            {"at_s": at_s, "drug": drug, "route": "iv", "dose_mg_per_kg": 2e-3 * DRUGS[drug][1]}
            for drug, at_s in doses]}],
        "record": {"spikes": False, "timeline_interval_ms": 500},
    }


class Means(dict):
    """Means of series after the doses, and `spike_hash`."""


def run(*drugs, **changes):
    key = (drugs, *sorted(changes.items()))
    if key not in cache:
        doses = [(drug, DOSE_S - len(drugs) + 1 + i) for i, drug in enumerate(drugs)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "experiment.json"
            path.write_text(json.dumps(experiment(doses)))
            results = Results(path, **changes)
        names = ["dopamine.nac_core.concentration_nM", "dopamine.nac_core.reserve_vesicles",
                 "rate.vta_da_hz", "rate.vta_gaba_hz", "rate.rmtg_hz"]
        time_s, *series = results.series(*names)
        late = time_s > FROM_S
        cache[key] = Means({name: float(np.mean(values[late])) for name, values in zip(names, series)})
        cache[key].spike_hash = json.loads((results.directory / "summary.json").read_text())["spike_hash"]
        results.close()
    return cache[key]


class KnockOuts(unittest.TestCase):
    def assertRatio(self, name, treated, untreated, low, high):
        ratio = treated[name] / untreated[name]
        self.assertTrue(low <= ratio <= high, f"{name}: {treated[name]:.3g} / {untreated[name]:.3g} = {ratio:.3g}")

    def test_amphetamine_needs_the_transporter(self):
        """Jones et al. 1998: tenfold in the wild type; none without DAT, though vesicles empty."""
        self.assertRatio("dopamine.nac_core.concentration_nM", run("amphetamine"), run(), 5, 30)
        treated, untreated = run("amphetamine", **{DAT: 0}), run(**{DAT: 0})
        self.assertRatio("dopamine.nac_core.concentration_nM", treated, untreated, 0.7, 1.05)
        self.assertLess(treated["dopamine.nac_core.reserve_vesicles"],
                        untreated["dopamine.nac_core.reserve_vesicles"] - 0.001)

    def test_cocaine_needs_the_transporter(self):
        self.assertRatio("dopamine.nac_core.concentration_nM", run("cocaine"), run(), 1.5, 4)
        self.assertRatio("dopamine.nac_core.concentration_nM", run("cocaine", **{DAT: 0}), run(**{DAT: 0}),
                         0.9, 1.1)

    def test_morphine_disinhibits_dopamine_cells(self):
        """Johnson & North 1992: by the inhibitory cells, which fall silent."""
        for name in ("rate.vta_gaba_hz", "rate.rmtg_hz"):
            self.assertRatio(name, run("morphine"), run(), 0, 0.6)
        self.assertRatio("rate.vta_da_hz", run("morphine"), run(), 1.2, 2.5)
        self.assertRatio("dopamine.nac_core.concentration_nM", run("morphine"), run(), 1.2, 3)

    def test_morphine_does_nothing_without_its_receptor(self):
        self.assertEqual(run("morphine", **{MOR: 0}).spike_hash, run(**{MOR: 0}).spike_hash)
        self.assertNotEqual(run("morphine").spike_hash, run().spike_hash)

    def test_naloxone_before_morphine(self):
        for name in ("rate.vta_da_hz", "rate.vta_gaba_hz", "dopamine.nac_core.concentration_nM"):
            self.assertRatio(name, run("naloxone", "morphine"), run(), 0.85, 1.15)

    def test_haloperidol_raises_firing_and_dopamine(self):
        self.assertRatio("rate.vta_da_hz", run("haloperidol"), run(), 1.01, 2)
        self.assertRatio("dopamine.nac_core.concentration_nM", run("haloperidol"), run(), 1.3, 4)

    def test_without_the_autoreceptor_release_is_not_held_back(self):
        self.assertRatio("dopamine.nac_core.concentration_nM", run(**{AUTORECEPTOR: 0}), run(), 1.5, 8)


if __name__ == "__main__":
    unittest.main()
