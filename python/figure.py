"""One figure of one experiment: rasters before and at the peak of the drug, rates, drug level,
transporter block, dopamine and receptors against time.

    python3 python/figure.py RESULT_DIR [-o figure.png]
"""

import argparse
import bisect
import json
import sys
from pathlib import Path

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

# Okabe & Ito 2008: told apart by colour-blind readers; their yellow is too pale on white.
# Published ranges that the transporter panel shows: (drug, route): lowest, highest, text.
PUBLISHED_BLOCK = {
    ("cocaine", "iv"): (0.60, 0.77, "PET in humans (Volkow 1997)"),
}
PALETTE = ["#D55E00", "#E69F00", "#0072B2", "#000000", "#009E73", "#56B4E9", "#CC79A7"]
GREY, LIGHT = "#595959", "#BFBFBF"
RASTER_S = 3.0
SEARCH_S = 60.0  # around the drug's peak and before the dose, for windows with the usual gates
RASTER_ROWS = (15, 40)  # of a population: small nuclei stay visible, large ones are thinned
LOWEST_RATE_HZ = 0.05  # of the logarithmic axis
SETTLE_S = 20.0  # of the first phase, not counted as baseline
N_BINS, SMOOTH_BINS = 160, 7  # time bins of the slow panels, and those that a running mean spans
WORDS = {word.lower(): word for word in
         "NAc VTA PFC VP LHb RMTg DA GABA D1 D2 PV FSI CIN DAT SERT NET".split()}
WORDS.update(pyr="pyramidal", iv="i.v.", ip="i.p.")

plt.rcParams.update({
    "font.family": "DejaVu Sans", "font.size": 12, "axes.labelsize": 12, "axes.titlesize": 13,
    "xtick.labelsize": 11, "ytick.labelsize": 11, "axes.spines.top": False,
    "axes.spines.right": False, "axes.linewidth": 1.0, "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round", "savefig.dpi": 160,
})


def words(name):
    """A name of the experiment as people write it: nac_core -> NAc core."""
    return " ".join(WORDS.get(part, part) for part in name.split("_"))


# --- the result directory -------------------------------------------------------------------------


class Result:
    """Experiment, summary, slow series and spikes of a result directory."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.experiment = json.loads((self.directory / "experiment.json").read_text())
        summary = self.directory / "summary.json"  # written at the end
        self.summary = json.loads(summary.read_text()) if summary.exists() else None
        self.populations = {name: population
                            for name, population in self.experiment["populations"].items()
                            if not name.startswith("_")}  # comments
        self.regions = list(dict.fromkeys(p["region"] for p in self.populations.values()))
        with h5py.File(self.directory / "timeline.h5", "r") as file:
            self.time_s = file["time_s"][:]
            self.series = {}
            file.visititems(self._take_series)
        self.doses = list(self._doses())

    def _take_series(self, name, item):
        if isinstance(item, h5py.Dataset) and name != "time_s":
            self.series[name.replace("/", ".")] = item[:]

    def _doses(self):
        """(time in s, (drug, route), text) of every dose."""
        start_s = 0.0
        for phase in self.experiment.get("protocol", []):
            for event in phase.get("events", []):
                text = f"{event['drug']}\n{event['dose_mg_per_kg']:g} mg/kg {words(event['route'])}"
                yield start_s + seconds(event, "at_"), (event["drug"], event["route"]), text
            start_s += seconds(phase)

    def matching(self, *pattern):
        """{parts of the name that a None stands for: values} of the series that fit the pattern."""
        found = {}
        for name, values in self.series.items():
            parts = name.split(".")
            if len(parts) == len(pattern) and all(p in (None, q) for p, q in zip(pattern, parts)):
                found[tuple(q for p, q in zip(pattern, parts) if p is None)] = values
        return found

    def spikes(self, population, start_s, stop_s):
        """Times in s and node ids in a window; reads only the window."""
        with h5py.File(self.directory / "spikes.h5", "r") as file:
            group = file["spikes"].get(population)
            if group is None:
                return numpy.empty(0), numpy.empty(0, int)
            times = group["timestamps"]
            first = bisect.bisect_left(times, 1e3 * start_s)
            last = bisect.bisect_left(times, 1e3 * stop_s, first)
            return times[first:last] / 1e3, group["node_ids"][first:last].astype(int)


def seconds(item, prefix=""):
    """The duration or time that an item gives in one of several units."""
    units = {"ms": 1e-3, "s": 1, "seconds": 1, "min": 60, "minutes": 60, "h": 3600, "hours": 3600,
             "days": 86400}
    for unit, factor in units.items():
        if item.get(prefix + unit) is not None:
            return item[prefix + unit] * factor
    return 0.0


# --- what the panels share ------------------------------------------------------------------------


class View:
    """Colours, time axis and windows that the panels have in common."""

    def __init__(self, result):
        self.result = result
        # Regions with a modulator are in many panels: they take the colours that differ most.
        first = sorted(region for _, region in result.matching(None, None, "concentration_nM"))
        regions = dict.fromkeys(first + result.regions)
        self.colour = {region: PALETTE[i % len(PALETTE)] for i, region in enumerate(regions)}
        time_s = result.time_s
        self.first_dose_s = min((dose[0] for dose in result.doses), default=None)
        end = self.first_dose_s if self.first_dose_s else 0.25 * time_s[-1]
        self.baseline = (time_s > min(SETTLE_S, 0.2 * end)) & (time_s <= end)
        if not self.baseline.any():
            self.baseline[0] = True
        edges = numpy.linspace(0, len(time_s), min(N_BINS, len(time_s)) + 1).astype(int)
        dose_rows = numpy.searchsorted(time_s, [dose[0] for dose in result.doses], "right")
        self.edges = numpy.union1d(edges, dose_rows)  # no bin lies across a dose
        self.dose_bins = numpy.searchsorted(self.edges, dose_rows)
        self.minutes = self.binned(time_s) / 60
        self.windows = self._windows(end)

    def binned(self, values):
        """Means over the time bins."""
        return numpy.add.reduceat(values, self.edges[:-1]) / numpy.diff(self.edges)

    def smooth(self, binned):
        """Running mean that does not reach across a dose."""
        return numpy.concatenate([running_mean(part, SMOOTH_BINS)
                                  for part in numpy.split(binned, self.dose_bins) if len(part)])

    def _windows(self, baseline_end_s):
        """(title, start in s) of the two rasters."""
        last_s = self.result.time_s[-1]
        before = max(0.0, min(baseline_end_s, last_s) - 5 * RASTER_S)
        brain = self.result.matching("drug", None, "brain_nM")
        if self.first_dose_s is None or not brain or max(map(numpy.max, brain.values())) <= 0:
            return [("Early", before), ("Late", max(0.0, last_s - RASTER_S))]
        (drug,), level = max(brain.items(), key=lambda item: item[1].max())
        peak_s = self.result.time_s[numpy.argmax(level)]
        peak = min(max(peak_s - RASTER_S / 2, 0.0), max(0.0, last_s - RASTER_S))
        before, peak = self._comparable(before, peak)
        return [("Baseline", before), (f"{drug.capitalize()} peak", peak)]

    def gate(self):
        """(label, mean of all gates of outside input in each row), or None."""
        gates = self.result.matching("gate", None)
        if not gates:
            return None
        return "gated input", numpy.mean(list(gates.values()), axis=0)

    def _comparable(self, before, peak):
        """Starts near the given ones where afferents are up as long as usual, and as long in both:
        what differs between the rasters is then not the phase of a slow oscillation."""
        gate, time_s = self.gate(), self.result.time_s
        if gate is None or len(time_s) < 2 or time_s[1] - time_s[0] > RASTER_S:
            return before, peak
        _, up = gate
        row_s = time_s[1] - time_s[0]
        n = max(1, round(RASTER_S / row_s))
        starts = time_s[: len(time_s) - n + 1] - row_s
        parts = numpy.lib.stride_tricks.sliding_window_view(up, n)
        usual, share, uneven = up.mean(), parts.mean(axis=1), parts.std(axis=1)
        early = numpy.flatnonzero((starts + RASTER_S <= self.first_dose_s)
                                  & (starts > self.first_dose_s - SEARCH_S) & (starts >= 0))
        late = numpy.flatnonzero((abs(starts - peak) <= SEARCH_S) & (starts >= self.first_dose_s))
        if not len(early) or not len(late):
            return before, peak
        a, b = share[early][:, None], share[late][None, :]
        far = abs(starts[early] - before)[:, None] + abs(starts[late] - peak)[None, :]
        shape = abs(uneven[early][:, None] - uneven[late][None, :])
        cost = abs(a - usual) + abs(b - usual) + abs(a - b) + shape + 1e-4 * far / SEARCH_S
        i, j = numpy.unravel_index(numpy.argmin(cost), cost.shape)
        return starts[early[i]], starts[late[j]]

    def mark(self, axes):
        """Vertical lines where drugs were given."""
        for time_s, _, _ in self.result.doses:
            axes.axvline(time_s / 60, color=GREY, linewidth=1.2, linestyle=(0, (3, 2)), zorder=0)


def label_ends(axes, x, labels, size=11, gap=1.15):
    """Write (y, text, colour) at the right ends of lines, moved apart where they would overlap."""
    if not labels:
        return
    figure = axes.figure
    figure.canvas.draw()
    height = gap * size / 72 * figure.dpi
    box = axes.get_window_extent()
    labels = sorted(labels, key=lambda label: label[0])
    wanted = numpy.array([axes.transData.transform((x, y))[1] for y, _, _ in labels])
    placed = spread(wanted, height, box.y0, box.y1)
    for (_, text, colour), at, to in zip(labels, wanted, placed):
        at, to = (at - box.y0) / box.height, (to - box.y0) / box.height
        step = 14 / 72 * figure.dpi / box.width
        axes.plot([1, 1 + 0.2 * step, 1 + 0.8 * step], [at, at, to], color=colour, linewidth=0.8,
                  transform=axes.transAxes, clip_on=False)
        axes.text(1 + step, to, text, color=colour, fontsize=size, transform=axes.transAxes,
                  va="center", ha="left")


def spread(wanted, distance, low, high):
    """Ascending places as near to the wanted ones as may be, at least `distance` apart."""
    placed = wanted.copy()
    for _ in range(300):
        for i in range(len(placed) - 1):
            overlap = max(0.0, distance - (placed[i + 1] - placed[i]))
            placed[i : i + 2] += -overlap / 2, overlap / 2
        placed = numpy.clip(placed, low, high)
    for i in range(1, len(placed)):  # what is left to do when there is little room
        placed[i] = max(placed[i], placed[i - 1] + distance)
    return placed - max(0.0, placed[-1] - high) / 2


def percent(axes, label):
    axes.set_ylabel(label)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}"))


def plot_noisy(axes, view, values, colour):
    """A series pale, and its running mean on top. Returns the last value of the mean."""
    binned = view.binned(values)
    smooth = view.smooth(binned)
    axes.plot(view.minutes, binned, color=colour, linewidth=0.8, alpha=0.35)
    axes.plot(view.minutes, smooth, color=colour)
    return smooth[-1]


def without_repeats(curves):
    """[(regions, values)] of (region, values), each curve once with all regions that share it."""
    found = []
    for region, values in curves:
        for regions, other in found:
            if numpy.allclose(values, other, rtol=1e-3):
                regions.append(region)
                break
        else:
            found.append(([region], values))
    return found


def joint_name(regions):
    """nac_core and nac_shell -> NAc; pfc and vta -> PFC, VTA."""
    stems = {region.split("_")[0] for region in regions}
    if len(regions) > 1 and len(stems) == 1:
        return words(stems.pop())
    return ", ".join(words(region) for region in regions)


def running_mean(values, width):
    """Over `width` neighbours, fewer at the ends."""
    sums = numpy.concatenate([[0], numpy.cumsum(values)])
    middle = numpy.arange(len(values))
    first = numpy.maximum(middle - width // 2, 0)
    last = numpy.minimum(middle + width // 2 + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)


# --- rasters --------------------------------------------------------------------------------------


def raster_layout(view):
    """[(population, first row, rows)] from top to bottom, and the number of rows."""
    layout, row, above = [], 0, None
    for name, population in view.result.populations.items():
        if above is not None:
            row += 5 if population["region"] == above else 12
        rows = int(numpy.clip(population["n_neurons"], *RASTER_ROWS))
        layout.append((name, row, rows))
        row += rows
        above = population["region"]
    return layout, row


def draw_gate(axes, view, start_s, named):
    """A strip above the rasters, as high as the share of each row in the up state."""
    gate = view.gate()
    if gate is None:
        return
    label, up = gate
    time_s = view.result.time_s
    row_s = time_s[1] - time_s[0] if len(time_s) > 1 else time_s[0]
    rows = numpy.flatnonzero((time_s > start_s) & (time_s - row_s < start_s + RASTER_S))
    box = axes.get_position()
    strip = axes.figure.add_axes((box.x0, box.y1 + 0.004, box.width, 0.018))
    strip.bar(time_s[rows] - row_s - start_s, up[rows], width=row_s, align="edge", color=GREY)
    strip.set(xlim=(0, RASTER_S), ylim=(0, 1), xticks=[], yticks=[])
    for side in ("left", "bottom", "top", "right"):
        strip.spines[side].set(visible=True, color=LIGHT, linewidth=0.8)
    if named:
        strip.text(-0.03, 0.5, label, transform=strip.transAxes, ha="right", va="center",
                   fontsize=8.5, color=GREY)


def draw_raster(axes, view, title, start_s, named):
    layout, n_rows = raster_layout(view)
    for name, first, rows in layout:
        population = view.result.populations[name]
        colour = view.colour[population["region"]]
        times, ids = view.result.spikes(name, start_s, start_s + RASTER_S)
        shown = min(population["n_neurons"], RASTER_ROWS[1])
        cells = numpy.linspace(0, population["n_neurons"] - 1, shown).round().astype(int)
        place = numpy.searchsorted(cells, ids)
        keep = cells[numpy.minimum(place, shown - 1)] == ids
        axes.plot(times[keep] - start_s, first + (place[keep] + 0.5) * rows / shown,
                  linestyle="none", marker="|", markersize=max(2.4, 480 * rows / shown / n_rows),
                  markeredgewidth=1.1, color=colour)
        if named:
            axes.text(-0.03, first + rows / 2, words(name), transform=axes.get_yaxis_transform(),
                      ha="right", va="center", fontsize=11, color=colour)
    axes.set(xlim=(0, RASTER_S), ylim=(n_rows + 2, -3), yticks=[])
    pad = 6 if view.gate() is None else 24
    axes.set_title(f"{title}, {start_s / 60:.1f} min", loc="left", pad=pad)
    draw_gate(axes, view, start_s, named)
    axes.set_xticks(range(int(RASTER_S) + 1))
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("time (s)", labelpad=2)


# --- slow panels: each returns what writes its labels, or None when there is nothing to draw ------


def draw_rates(axes, view):
    labels = []
    for name, population in view.result.populations.items():
        rate = view.result.series.get(f"rate.{name}_hz")
        if rate is None:
            continue
        colour = view.colour[population["region"]]
        smooth = numpy.maximum(view.smooth(view.binned(rate)), LOWEST_RATE_HZ)
        axes.plot(view.minutes, smooth, color=colour, linewidth=1.7)
        labels.append((smooth[-1], words(name), colour))
    if not labels:
        return None
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("rate (Hz)")
    return lambda: label_ends(axes, view.minutes[-1], labels, size=10, gap=1.1)


def draw_drug(axes, view):
    labels = []
    levels = view.result.matching("drug", None, None)
    top = max((values.max() for values in levels.values()), default=0)
    if top <= 0:
        return None
    factor, unit = (1e-3, "µM") if top >= 1000 else (1, "nM")
    drugs = list(dict.fromkeys(drug for drug, _ in levels))
    for (drug, place), values in levels.items():
        place = place.rsplit("_", 1)[0]
        colour = {"plasma": LIGHT, "brain": "black"}.get(place, GREY)
        values = factor * view.binned(values)
        axes.plot(view.minutes, values, color=colour)
        text = place if len(drugs) == 1 else f"{drug}, {place}"
        labels.append((values[-1], text, GREY if place == "plasma" else colour))
    axes.set_ylabel(f"{drugs[0] if len(drugs) == 1 else 'drug'} ({unit})")
    axes.set_ylim(0, None)
    return lambda: label_ends(axes, view.minutes[-1], labels)


def shown_modulators(result):
    """Those that a transporter takes up; all where there is none. (The others fill a figure and say little of a drug.)"""
    modulators = result.experiment.get("modulators", {})
    taken_up = [name for name, modulator in modulators.items()
                if any(c.get("transporter") for c in modulator.get("compartments", {}).values())]
    return taken_up or list(modulators)


def of_modulators(result, quantity):
    shown = shown_modulators(result)
    return {key: values for key, values in result.matching(None, None, quantity).items() if key[0] in shown}


def draw_transporter(axes, view):
    occupancy = of_modulators(view.result, "transporter_occupancy")
    if not occupancy or max(values.max() for values in occupancy.values()) <= 0:
        return None
    by_region = {region: values for (_, region), values in occupancy.items()}
    first = next(iter(by_region.values()))
    if all(numpy.allclose(values, first, atol=1e-3) for values in by_region.values()):
        by_region = {None: first}  # the same everywhere
    for region, values in by_region.items():
        axes.plot(view.minutes, view.binned(values), color=view.colour.get(region, "black"))
    for low, high, text in {PUBLISHED_BLOCK[given] for _, given, _ in view.result.doses
                            if given in PUBLISHED_BLOCK}:
        axes.axhspan(low, high, color=LIGHT, alpha=0.45, linewidth=0, zorder=0)
        axes.text(0.985, high + 0.03, text, transform=axes.get_yaxis_transform(), ha="right",
                  va="bottom", fontsize=10.5, color=GREY)
    percent(axes, f"{transporter_name(view.result)}\nblocked (%)")
    axes.set_ylim(0, 1)
    return lambda: None


def transporter_name(result):
    """Of all compartments."""
    names = {compartment.get("transporter", "")
             for modulator in result.experiment.get("modulators", {}).values()
             for compartment in modulator.get("compartments", {}).values()} - {""}
    return ", ".join(words(name) for name in sorted(names)) or "transporter"


def draw_modulator(axes, view):
    labels, modulators = [], {}
    for (modulator, region), values in of_modulators(view.result, "concentration_nM").items():
        modulators.setdefault(words(modulator), []).append((region, values))
    for curves in modulators.values():
        for regions, values in without_repeats(curves):
            level_nM = values[view.baseline].mean()
            if not level_nM > 0:
                continue
            colour = view.colour.get(regions[0], GREY)
            end = plot_noisy(axes, view, values / level_nM, colour)
            labels.append((end, f"{joint_name(regions)} ({level_nM:.0f} nM)", colour))
    if not labels:
        return None
    axes.axhline(1, color=LIGHT, linewidth=1, zorder=0)
    axes.text(0.985, 0.03, "100 % is the level in brackets", transform=axes.transAxes, ha="right",
              va="bottom", fontsize=10.5, color=GREY)
    percent(axes, f"{' and '.join(modulators)}\n(% of baseline)")
    axes.set_ylim(0, None)
    return lambda: label_ends(axes, view.minutes[-1], labels)


def draw_receptors(axes, view):
    labels, receptors = [], {}
    shown, bound = shown_modulators(view.result), view.result.experiment.get("receptors", {})
    for (population, receptor), values in view.result.matching(None, None, "occupancy").items():
        if bound.get(receptor, {}).get("modulator") not in shown:
            continue
        region = view.result.populations.get(population, {}).get("region", "")
        curves = receptors.setdefault(receptor, {})
        curves.setdefault(region, values)  # the same for all cells of a region
    for receptor, curves in receptors.items():
        for regions, values in without_repeats(curves.items()):
            colour = view.colour.get(regions[0], GREY)
            end = plot_noisy(axes, view, values, colour)
            labels.append((end, f"{words(receptor)} {joint_name(regions)}", colour))
    if not labels:
        return None
    percent(axes, "receptors\nbound (%)")
    axes.set_ylim(0, 1)
    return lambda: label_ends(axes, view.minutes[-1], labels)


# --- the figure -----------------------------------------------------------------------------------


def caption(result):
    """What was run, in one line; empty when the run has not ended."""
    s = result.summary
    if not s:
        return "the run has not ended"
    synapses = f"{s['synapses']:,}"
    if s["synapses"] >= 1e6:
        synapses = f"{s['synapses'] / 1e6:.2g} million"
    wall = f"{s['wall_s']:.0f} s" if s["wall_s"] < 120 else f"{s['wall_s'] / 60:.0f} min"
    return (f"{s['neurons']:,} neurons, {synapses} synapses, {s['model_time_s'] / 60:.3g} min "
            f"simulated in {wall} on {s['device']}")


def draw_slow(figure, view, painters, left, bottom, width, height):
    """The panels that the run has data for, one below the other, over one time axis."""
    stack = []
    for paint in painters:
        axes = figure.add_axes((left, bottom, width, height))
        write_labels = paint(axes, view)
        if write_labels is None:
            axes.remove()
        else:
            stack.append((axes, write_labels))
    gap = 0.022
    share = (height + gap) / max(len(stack), 1)
    for i, (axes, write_labels) in enumerate(stack):
        axes.set_position((left, bottom + height - (i + 1) * share + gap, width, share - gap))
        axes.set_xlim(0, view.result.time_s[-1] / 60)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
        axes.yaxis.set_label_coords(-0.17 * 0.24 / width, 0.5)
        view.mark(axes)
        write_labels()
        if i < len(stack) - 1:
            axes.tick_params(labelbottom=False)
        else:
            axes.set_xlabel("time (min)", labelpad=2)
    return [axes for axes, _ in stack]


def draw(result):
    view = View(result)
    figure = plt.figure(figsize=(16, 9))
    figure.suptitle(result.experiment.get("title") or result.directory.name, x=0.02, y=0.975,
                    ha="left", fontsize=19, weight="bold")
    figure.text(0.02, 0.915, caption(result), fontsize=12, color=GREY)
    height = 0.455 if view.gate() is None else 0.43  # of the rasters, with room for the strip
    for i, (title, start_s) in enumerate(view.windows):
        axes = figure.add_axes((0.105 + 0.195 * i, 0.40, 0.175, height))
        draw_raster(axes, view, title, start_s, named=i == 0)
    draw_slow(figure, view, [draw_rates], 0.105, 0.075, 0.37, 0.235)
    slow = draw_slow(figure, view, [draw_drug, draw_transporter, draw_modulator, draw_receptors],
                     0.65, 0.075, 0.23, 0.78)
    for time_s, _, text in result.doses if slow else []:
        slow[0].annotate(text, (time_s / 60, 1), xycoords=slow[0].get_xaxis_transform(),
                         xytext=(0, 4), textcoords="offset points", ha="center", va="bottom",
                         fontsize=11, color=GREY)
    return figure


def main():
    parser = argparse.ArgumentParser(description="One figure of one experiment.")
    parser.add_argument("result", metavar="RESULT_DIR")
    parser.add_argument("-o", "--output", help="default: RESULT_DIR/figure.png")
    arguments = parser.parse_args()
    output = arguments.output or Path(arguments.result) / "figure.png"
    try:
        draw(Result(arguments.result)).savefig(output)
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"figure.py: {arguments.result}: {error}")


if __name__ == "__main__":
    main()
