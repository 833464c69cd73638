"""Print what a drug did, as a short table of the slow variables: python/table.py RESULTS"""

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


def main():
    directory = Path(sys.argv[1])
    time_s, series = read_timeline(directory / "timeline.h5")
    baseline = before_first_dose(time_s, series)
    width = max(map(len, series))
    print(f"{'':{width}}  {'unit':>8}  {'baseline':>10}  {'peak':>10}  {'at min':>7}  {'end':>10}")
    for name, (values, unit) in series.items():
        top = np.argmax(values)
        print(f"{name:{width}}  {unit:>8}  {values[baseline].mean():10.4g}  {values[top]:10.4g}  "
              f"{time_s[top] / 60:7.1f}  {values[-1]:10.4g}")


if __name__ == "__main__":
    main()
