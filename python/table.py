"""What a drug did, as a short table: levels, occupancies and rates before the first dose, and means
over a minute at their peak and at the end.

    python3 python/table.py RESULT_DIR
"""

import sys
from pathlib import Path

import h5py
import numpy as np

WINDOW_S = 60.0


def read_timeline(path):
    """time_s, and {name: (values, unit)} of every other series, named by its path with dots."""
    series = {}
    with h5py.File(path, "r") as file:
        def take(name, item):
            if isinstance(item, h5py.Dataset) and name != "time_s":
                series[name.replace("/", ".")] = item[:], item.attrs["units"]
        file.visititems(take)
        return file["time_s"][:], series


def first_dosed_row(series):
    """The first row with a drug in it; None in a run without drugs."""
    drugs = [values > 0 for name, (values, _) in series.items() if name.startswith("drug.")]
    dosed = np.flatnonzero(np.any(drugs, axis=0)) if drugs else []
    return int(dosed[0]) if len(dosed) else None


def rows_of(series):
    """[(name, values, unit)] without what is zero throughout. Equal series (cells of a region share
    receptors, regions may share a concentration) stand in one row, the others named below it."""
    rows = {}
    for name, (values, unit) in series.items():
        if values.any() and not name.startswith("gate."):
            rows.setdefault((values.tobytes(), unit), ([], values))[0].append(name)
    return [(names, values, unit) for (_, unit), (names, values) in rows.items()]


def minute_means(values, n):
    """Means of all runs of n rows; the one that starts at row i is at i."""
    return np.convolve(values, np.ones(n) / n, "valid")


def print_means(rows, width):
    print(f"{'':{width}}  {'unit':>4}  {'mean':>9}")
    for names, values, unit in rows:
        print(f"{names[0]:{width}}  {unit:>4}  {values.mean():9.3g}")
        print_same(names)


def print_same(names):
    for name in names[1:]:
        print(f"  same: {name}")


def print_effects(time_s, rows, dose, width):
    """Rates have no peak of their own: they are taken when the drug is highest in the brain."""
    row_s = time_s[1] - time_s[0] if len(time_s) > 1 else time_s[0]
    n = int(np.clip(round(WINDOW_S / row_s), 1, len(time_s) - dose))
    dose_s = time_s[dose] - row_s
    brain = [values for names, values, _ in rows if names[0].endswith(".brain_nM")]
    drug_peak = int(np.argmax(minute_means(brain[0][dose:], n))) if brain else None
    print(f"{'':{width}}  {'unit':>4}  {'baseline':>9}  {'peak':>9}  {'after min':>9}  {'end':>9}")
    for names, values, unit in rows:
        after = minute_means(values[dose:], n)
        peak = drug_peak if names[0].startswith("rate.") and brain else int(np.argmax(after))
        middle_s = time_s[dose + peak] - row_s + n * row_s / 2
        before = f"{values[:dose].mean():9.3g}" if dose > 0 else f"{'-':>9}"
        print(f"{names[0]:{width}}  {unit:>4}  {before}  {after[peak]:9.3g}  "
              f"{(middle_s - dose_s) / 60:9.1f}  {after[-1]:9.3g}")
        print_same(names)
    print("\nPeak and end: means over a minute; its middle in minutes after the first dose.\n"
          "Rates: at the peak of the drug in the brain.")


def main():
    if len(sys.argv) != 2:
        print("usage: table.py RESULT_DIR", file=sys.stderr)
        return 2
    try:
        time_s, series = read_timeline(Path(sys.argv[1]) / "timeline.h5")
    except OSError as error:
        print(f"table.py: {error}", file=sys.stderr)
        return 1
    rows = rows_of(series)
    width = max((len(names[0]) for names, _, _ in rows), default=0)
    dose = first_dosed_row(series)
    if dose is None:
        print_means(rows, width)
    else:
        print_effects(time_s, rows, dose, width)
    return 0


if __name__ == "__main__":
    sys.exit(main())
