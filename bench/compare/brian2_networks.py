"""A benchmark network in Brian2, as a C++ program with OpenMP: see worker.py for how it is spoken to,
networks.py for the network. The program waits for a line before each window and answers with the window's
wall time and spikes; this script stands between it and the other side."""

import json
import shutil
import subprocess
from pathlib import Path

from worker import draw, serve

import brian2 as b
import numpy as np

EQUATIONS = {
    "current_exponential": ("""
        dv/dt = (E_L - v) / tau_m + (I_syn + I_e) / C : volt (unless refractory)
        dI_syn/dt = -I_syn / tau_syn : amp""", "exact"),
    "delta": ("dv/dt = (E_L - v) / tau_m : volt (unless refractory)", "exact"),
    "conductance": ("""
        dv/dt = (g_L * (E_L - v) + g_ex * (E_ex - v) + g_in * (E_in - v) + I_e) / C : volt (unless refractory)
        dg_ex/dt = -g_ex / tau_ex : siemens
        dg_in/dt = -g_in / tau_in : siemens""", "exponential_euler"),
}
INPUTS = {"current_exponential": "I_syn", "delta": "v"}
UNITS = {"current_exponential": b.pA, "delta": b.mV, "conductance": b.nS}
DT_MS = 0.1


def input_of(network, synapse):
    return INPUTS.get(network["cell"]["kind"]) or f"g_{synapse['port']}"


def constants(cell):
    """What the equations name; units are in the keys."""
    units = {"pF": b.pF, "nS": b.nS, "ms": b.ms, "mV": b.mV}
    return {key.rsplit("_", 1)[0]: value * units[key.rsplit("_", 1)[1]]
            for key, value in cell.items() if key != "kind"}


def create_cells(network, rng):
    """One group for all populations; (group, {population: (first, end)})."""
    equations, method = EQUATIONS[network["cell"]["kind"]]
    n = sum(p["n"] for p in network["populations"])
    cells = b.NeuronGroup(n, equations + "\nI_e : amp (constant)\nn_spikes : integer", method=method,
                          threshold="v >= v_threshold", reset="v = v_reset; n_spikes += 1",
                          refractory=network["cell"]["t_ref_ms"] * b.ms,
                          namespace=constants(network["cell"]), name="cells")
    ranges, v_mv, current_pa, first = {}, [], [], 0
    for p in network["populations"]:
        ranges[p["name"]] = (first, first + p["n"])
        v_mv.append(draw(p["v_mV"], p["n"], rng))
        current_pa.append(np.full(p["n"], p["I_e_pA"]))
        first += p["n"]
    cells.v = np.concatenate(v_mv) * b.mV
    cells.I_e = np.concatenate(current_pa) * b.pA
    return cells, ranges


# --- synapses ---------------------------------------------------------------------------------


def draw_pairs(p, ranges, rng):
    (s0, s1), (t0, t1) = ranges[p["source"]], ranges[p["target"]]
    n_target = t1 - t0
    if p["rule"] == "fixed_indegree":
        return (rng.integers(s0, s1, n_target * p["indegree"], dtype=np.int32),
                np.repeat(np.arange(t0, t1, dtype=np.int32), p["indegree"]))
    return (rng.integers(s0, s1, p["total"], dtype=np.int32),
            rng.integers(t0, t1, p["total"], dtype=np.int32))


def effective_delay_ms(network, delay_ms):
    """After a jump of the potential Brian2 tests for the threshold in the next step, NEST in the same."""
    return delay_ms - DT_MS if network["cell"]["kind"] == "delta" else delay_ms


def connect_alike(network, cells, ranges, projections, rng):
    """Projections of one source with one weight and delay: one number for all their synapses."""
    first = projections[0]
    s0, s1 = ranges[first["source"]]
    weight = first["weight"] * UNITS[network["cell"]["kind"]]
    delay = effective_delay_ms(network, first["delay_ms"]) * b.ms
    source = cells[s0:s1]
    synapses = b.Synapses(source, cells, on_pre=f"{input_of(network, first)}_post += weight", delay=delay,
                          namespace={"weight": weight}, name=f"synapses_of_{first['source']}")
    if first["rule"] == "fixed_probability":
        synapses.connect(p=first["probability"])
        return synapses
    pairs = [draw_pairs(p, ranges, rng) for p in projections]
    synapses.connect(i=np.concatenate([i for i, _ in pairs]) - s0,
                     j=np.concatenate([j for _, j in pairs]))
    return synapses


def connect_drawn(network, cells, ranges, rng):
    """All projections in one: a weight and a delay for each synapse."""
    i, j, weights, delays = [], [], [], []
    for p in network["projections"]:
        sources, targets = draw_pairs(p, ranges, rng)
        i.append(sources)
        j.append(targets)
        weights.append(draw(p["weight"], len(sources), rng))
        delays.append(draw(p["delay_ms"], len(sources), rng))
    synapses = b.Synapses(cells, cells, f"w : {'amp' if network['cell']['kind'] != 'delta' else 'volt'}",
                          on_pre=f"{input_of(network, network['projections'][0])}_post += w",
                          name="synapses")
    synapses.connect(i=np.concatenate(i), j=np.concatenate(j))
    synapses.w = np.concatenate(weights) * UNITS[network["cell"]["kind"]]
    synapses.delay = np.concatenate(delays) * b.ms
    return synapses


def connect(network, cells, ranges, rng):
    if isinstance(network["projections"][0]["weight"], dict):
        return [connect_drawn(network, cells, ranges, rng)]
    by_source = [[p for p in network["projections"] if p["source"] == name] for name in ranges]
    return [connect_alike(network, cells, ranges, alike, rng) for alike in by_source]


def connect_drive(network, cells, ranges):
    inputs = []
    for d in network["drive"]:
        first, end = ranges[d["target"]]
        inputs.append(b.PoissonInput(cells[first:end], input_of(network, d), d["n_inputs"],
                                     d["rate_each_hz"] * b.Hz,
                                     weight=d["weight"] * UNITS[network["cell"]["kind"]]))
    return inputs


# --- the program --------------------------------------------------------------------------------


def answer_code(cells, ranges):
    """C++ that tells the wall time of the run before and the spikes of each population since the last."""
    array = b.get_device().get_array_name(cells.variables["n_spikes"])
    counts = "\n".join(f'std::cout << (last ? ", " : "") << "\\"{name}\\": " << count_spikes({first}, {end}); '
                       f'last = true;' for name, (first, end) in ranges.items())
    return f"""{{
        auto count_spikes = [&](int first, int end) {{
            long n = 0;
            for (int i = first; i < end; i++) {{ n += {array}[i]; {array}[i] = 0; }}
            return n;
        }};
        bool last = false;
        std::cout << "{{\\"wall_s\\": " << Network::_last_run_time << ", \\"spikes\\": {{";
        {counts}
        std::cout << "}}}}" << std::endl;
    }}"""


def add_runs(network, request, everything, inputs, answer):
    """The time before (the first part with input from outside, if it has an end), then the windows: the
    program answers after each and waits before each."""
    device = b.get_device()
    stop_s = max((d.get("stop_ms", 0) for d in network["drive"]), default=0) / 1000
    if stop_s:
        everything.run(stop_s * b.second)
        for poisson_input in inputs:
            poisson_input.active = False
    everything.run((request["presim_s"] - stop_s) * b.second)
    device.insert_code("main", answer)
    for _ in range(request["windows"]):
        device.insert_code("main", "{ std::string line; if (!std::getline(std::cin, line)) return 0; }")
        everything.run(request["window_s"] * b.second)
        device.insert_code("main", answer)


def build_program(request):
    network = request["network"]
    b.set_device("cpp_standalone", build_on_run=False)
    b.prefs.devices.cpp_standalone.openmp_threads = request["threads"] if request["threads"] > 1 else 0
    if request["float32"]:
        b.prefs.core.default_float_dtype = np.float32
    b.defaultclock.dt = DT_MS * b.ms
    b.seed(request["seed"])
    rng = np.random.default_rng(request["seed"])
    cells, ranges = create_cells(network, rng)
    inputs = connect_drive(network, cells, ranges)
    everything = b.Network(cells, connect(network, cells, ranges, rng), inputs)
    add_runs(network, request, everything, inputs, answer_code(cells, ranges))
    b.get_device().build(directory=request["directory"], compile=True, run=False)


def build(request):
    directory = Path(request["directory"])
    shutil.rmtree(directory, ignore_errors=True)
    build_program(request)
    (directory / "results").mkdir(exist_ok=True)
    program = subprocess.Popen(["./main"], cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)

    def read_answer():
        line = program.stdout.readline()
        if not line:
            raise RuntimeError(f"the program ended with exit code {program.wait()}")
        answer = json.loads(line)
        return answer["wall_s"], answer["spikes"]

    def run_window():
        program.stdin.write("\n")
        program.stdin.flush()
        return read_answer()

    read_answer()
    name = "Brian2 float32" if request["float32"] else "Brian2"
    return {"simulator": name, "version": b.__version__,
            "precision": "float32" if request["float32"] else "float64"}, run_window


serve(build)
