"""Print what a drug did, as a short table of drugs, modulators and receptors: python/table.py RESULTS"""

import sys
from pathlib import Path

import h5py
import numpy as np


def read_timeline(path):
    """time_s, and {name: (values, unit)} of every other series, named by its path with dots."""
    series = {}
    with h5py.File(path, "r") as file:
        def take(name, item):
            if isinstance(item, h5py.Dataset) and name != "time_s":
                series[name.replace("/", ".")] = item[:], item.attrs["units"]
        file.visititems(take)
        return file["time_s"][:], series


def before_first_dose(time_s, series):
    """Which rows precede any drug; the first row alone when there is none."""
    drugs = [values for name, (values, _) in series.items() if name.startswith("drug.")]
    free = np.all([values == 0 for values in drugs], axis=0) if drugs else np.zeros(len(time_s), bool)
    dosed = np.flatnonzero(~free)
    n = dosed[0] if len(dosed) else len(time_s)
    return slice(0, max(n, 1))


def chosen(series):
    """Without rates and gates, which are noise at this interval, and without repeats: populations of one
    region share their receptors' occupancy."""
    seen = set()
    for name, (values, unit) in series.items():
        content = values.tobytes()
        if not name.startswith(("rate.", "gate.")) and values.any() and content not in seen:
            seen.add(content)
            yield name, values, unit


def main():
    time_s, series = read_timeline(Path(sys.argv[1]) / "timeline.h5")
    baseline = before_first_dose(time_s, series)
    rows = list(chosen(series))
    width = max((len(name) for name, _, _ in rows), default=0)
    print(f"{'':{width}}  {'unit':>4}  {'baseline':>9}  {'peak':>9}  {'at min':>6}  {'end':>9}")
    for name, values, unit in rows:
        top = np.argmax(values)
        print(f"{name:{width}}  {unit:>4}  {values[baseline].mean():9.3g}  {values[top]:9.3g}  "
              f"{time_s[top] / 60:6.1f}  {values[-1]:9.3g}")


if __name__ == "__main__":
    main()
