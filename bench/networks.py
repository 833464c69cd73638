"""The networks of the benchmarks, once for all simulators: plain numbers, no simulator imported.

    python3 bench/networks.py                        write bench/cases/*.json, which are checked in
    python3 bench/networks.py pd14 --scale 0.1 --drive dc --out FILE.json
    python3 bench/networks.py brunel --g 6 --eta 4 --seconds 2 --out FILE.json
    python3 bench/networks.py coba --n 40000 --synapses 1000 --out FILE.json
    python3 bench/networks.py learning --rule stdp --out FILE.json

A network is a dict: `cell` (one kind for all), `populations`, `projections`, `drive` (Poisson input from
outside). Units stand in keys; weights and their spread have the unit of the cell's input. A drawn quantity is
{"mean", "sd", "min", "max"}: normal, clipped to the range. A delay is the time from a spike to the first moment
when it can change the target's state.
"""

import argparse
import json
import math
import sys
from pathlib import Path

DT_MS = 0.1
CASES = Path(__file__).resolve().parent / "cases"


def normal(mean, sd, least, most):
    return {"mean": mean, "sd": sd, "min": least, "max": most}


def significant(value, digits=7):
    """Round, so that files are readable and do not depend on the last bits of a C library."""
    return float(f"{value:.{digits}g}") if value else 0.0


def n_synapses(network):
    """Synapses of the whole network; the expected number where pairs are drawn."""
    size = {p["name"]: p["n"] for p in network["populations"]}
    total = 0
    for p in network["projections"]:
        n_source, n_target = size[p["source"]], size[p["target"]]
        total += {"fixed_total": lambda: p["total"],
                  "fixed_indegree": lambda: p["indegree"] * n_target,
                  "fixed_probability": lambda: p["probability"] * n_source * n_target}[p["rule"]]()
    return round(total)


def n_neurons(network):
    return sum(p["n"] for p in network["populations"])


# --- cortical microcircuit (Potjans & Diesmann 2014, Cerebral Cortex 24:785) --------------------

PD14_POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
PD14_N = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)  # their Table 5
PD14_INPUTS = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)  # from outside, each 8 spikes/s
PD14_PROBABILITY = (  # [target][source]
    (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0),
    (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
    (0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0),
    (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
    (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0),
    (0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0),
    (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
    (0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443))
# Start near the resting state, which shortens the burst at the beginning: the "optimized" start of
# NEST's implementation of the model (mean, sd; mV).
PD14_V_MV = ((-68.28, 5.36), (-63.16, 4.57), (-63.33, 4.74), (-63.45, 4.94),
             (-63.11, 4.94), (-61.66, 4.55), (-66.72, 5.46), (-61.43, 4.48))
# Rates at full scale that the current for a smaller network is computed from. They are those of NEST's
# implementation up to 3.8; with later ones the DC-driven network of scale 0.1 falls silent.
PD14_RATES_HZ = (0.971, 2.868, 4.746, 5.396, 8.142, 9.078, 0.991, 7.523)
PD14_PSP_MV, PD14_G, PD14_BACKGROUND_HZ = 0.15, 4.0, 8.0
PD14_C_PF, PD14_TAU_M_MS, PD14_TAU_SYN_MS = 250.0, 10.0, 0.5


def psc_of_psp(psp_mv, c_pf, tau_m_ms, tau_syn_ms):
    """Jump in pA of an exponential current whose potential has its peak at psp_mv."""
    peak_ms = math.log(tau_m_ms / tau_syn_ms) * tau_m_ms * tau_syn_ms / (tau_m_ms - tau_syn_ms)
    per_pa = (tau_m_ms * tau_syn_ms / (tau_m_ms - tau_syn_ms) / c_pf *
              (math.exp(-peak_ms / tau_m_ms) - math.exp(-peak_ms / tau_syn_ms)))
    return psp_mv / per_pa


def pd14_weight_pa(target, source):
    weight = psc_of_psp(PD14_PSP_MV, PD14_C_PF, PD14_TAU_M_MS, PD14_TAU_SYN_MS)
    if source % 2:
        return -PD14_G * weight
    return 2 * weight if (target, source) == (0, 2) else weight


def pd14_full_synapses(target, source):
    """Synapses of a pair of populations so that a pair of cells is connected with the probability,
    when the sources and targets are drawn independently."""
    pairs = PD14_N[target] * PD14_N[source]
    return math.log(1 - PD14_PROBABILITY[target][source]) / math.log((pairs - 1) / pairs)


def pd14_current_pa(target, scale, drive):
    """Constant current: the mean input from outside for drive dc, and what the mean of the input has lost
    because fewer inputs stand with weights that keep its variance (van Albada et al. 2015)."""
    charge = PD14_TAU_SYN_MS / 1000  # per pA of weight and spike/s, in pA
    outside = PD14_INPUTS[target] * PD14_BACKGROUND_HZ * pd14_weight_pa(0, 0)
    inside = sum(pd14_full_synapses(target, s) / PD14_N[target] * PD14_RATES_HZ[s] *
                 pd14_weight_pa(target, s) for s in range(8))
    lost = 1 - math.sqrt(scale)
    return charge * (outside + lost * inside if drive == "dc" else lost * (outside + inside))


def pd14_projection(target, source, scale):
    total = round(pd14_full_synapses(target, source) * scale * scale)
    mean = pd14_weight_pa(target, source) / math.sqrt(scale)
    sd, (least, most) = abs(mean) / 10, sorted((mean / 2, mean * 1.5))
    delay, delay_sd = (0.75, 0.375) if source % 2 else (1.5, 0.75)
    return {"source": PD14_POPULATIONS[source], "target": PD14_POPULATIONS[target],
            "rule": "fixed_total", "total": total,
            "weight": normal(*map(significant, (mean, sd, least, most))),
            "delay_ms": normal(delay, delay_sd, DT_MS, delay + 4 * delay_sd)}


def pd14(scale=1.0, drive="poisson"):
    """drive: poisson, or dc for a constant current in its place. scale < 1: fewer cells and inputs, larger
    weights, and a current that keeps the mean input."""
    if drive not in ("poisson", "dc"):
        raise ValueError(f"drive is poisson or dc, not {drive}")
    if not 0 < scale <= 1:
        raise ValueError(f"scale is above 0 and at most 1, not {scale}")
    populations = [{"name": name, "n": round(PD14_N[i] * scale),
                    "v_mV": normal(*PD14_V_MV[i], -200.0, 200.0),
                    "I_e_pA": significant(pd14_current_pa(i, scale, drive))}
                   for i, name in enumerate(PD14_POPULATIONS)]
    projections = [pd14_projection(t, s, scale) for t in range(8) for s in range(8)]
    weight = significant(pd14_weight_pa(0, 0) / math.sqrt(scale))
    inputs = [{"target": name, "n_inputs": round(PD14_INPUTS[i] * scale),
               "rate_each_hz": PD14_BACKGROUND_HZ, "weight": weight}
              for i, name in enumerate(PD14_POPULATIONS)]
    return {"name": "pd14", "title": f"Cortical microcircuit, scale {scale:g}, {drive} drive",
            "source": "Potjans & Diesmann 2014, Cerebral Cortex 24:785",
            "cell": {"kind": "current_exponential", "C_pF": PD14_C_PF, "tau_m_ms": PD14_TAU_M_MS,
                     "tau_syn_ms": PD14_TAU_SYN_MS, "E_L_mV": -65.0, "v_threshold_mV": -50.0,
                     "v_reset_mV": -65.0, "t_ref_ms": 2.0},
            "populations": populations, "projections": [p for p in projections if p["total"] > 0],
            "drive": inputs if drive == "poisson" else []}


# --- sparse random network (Brunel 2000, Journal of Computational Neuroscience 8:183) -------------

def brunel(g=5.0, eta=2.0, n=12500):
    """Model A: eta is the input from outside in units of what brings a cell to the threshold without the
    network. g 5, eta 2: asynchronous irregular; g 6, eta 4: fast oscillation."""
    n_e, n_i = n * 4 // 5, n // 5
    epsilon, j_mv, tau_ms, threshold_mv, reset_mv = 0.1, 0.1, 20.0, 20.0, 10.0
    inputs_e, inputs_i = round(epsilon * n_e), round(epsilon * n_i)
    threshold_hz = threshold_mv / (j_mv * inputs_e * tau_ms / 1000)
    projections = [{"source": source, "target": target, "rule": "fixed_indegree", "indegree": indegree,
                    "weight": weight, "delay_ms": 1.5}
                   for source, indegree, weight in (("E", inputs_e, j_mv), ("I", inputs_i, -g * j_mv))
                   for target in ("E", "I")]
    return {"name": "brunel", "title": f"Sparse random network, g {g:g}, eta {eta:g}",
            "source": "Brunel 2000, Journal of Computational Neuroscience 8:183, model A",
            "cell": {"kind": "delta", "C_pF": 250.0, "tau_m_ms": tau_ms, "E_L_mV": 0.0,
                     "v_threshold_mV": threshold_mv, "v_reset_mV": reset_mv, "t_ref_ms": 2.0},
            "populations": [{"name": name, "n": size, "I_e_pA": 0.0,
                             "v_mV": {"min": 0.0, "max": threshold_mv}}
                            for name, size in (("E", n_e), ("I", n_i))],
            "projections": projections,
            "drive": [{"target": name, "n_inputs": inputs_e, "rate_each_hz": eta * threshold_hz,
                       "weight": j_mv} for name in ("E", "I")]}


# --- self-sustained network (Vogels & Abbott 2005, Journal of Neuroscience 25:10786) ---------------

KICK_MS, KICK_INPUTS, KICK_HZ = 50.0, 100, 20.0


def coba(n=4000, synapses=80):
    """Conductances. Without input from outside: for the first 50 ms events set it going, then it sustains
    itself. With 1,000 synapses weights are x 0.08, and 500 pA keep it asynchronous."""
    many = synapses > 80
    factor, current_pa = (80 / synapses, 500.0) if many else (1.0, 0.0)
    weights = {"E": significant(6 * factor), "I": significant(67 * factor)}
    return {"name": "coba", "title": f"Self-sustained network, {n} x {synapses}",
            "source": "Vogels & Abbott 2005, Journal of Neuroscience 25:10786",
            "cell": {"kind": "conductance", "C_pF": 200.0, "g_L_nS": 10.0, "E_L_mV": -60.0,
                     "v_threshold_mV": -50.0, "v_reset_mV": -60.0, "t_ref_ms": 5.0,
                     "E_ex_mV": 0.0, "E_in_mV": -80.0, "tau_ex_ms": 5.0, "tau_in_ms": 10.0},
            "populations": [{"name": name, "n": size, "I_e_pA": current_pa,
                             "v_mV": {"min": -60.0, "max": -50.0}}
                            for name, size in (("E", n * 4 // 5), ("I", n // 5))],
            "projections": [{"source": source, "target": target, "rule": "fixed_probability",
                             "probability": synapses / n, "weight": weights[source], "delay_ms": 0.8,
                             "port": "ex" if source == "E" else "in"}
                            for source in ("E", "I") for target in ("E", "I")],
            "drive": [] if many else
                     [{"target": name, "n_inputs": KICK_INPUTS, "rate_each_hz": KICK_HZ,
                       "weight": weights["E"], "port": "ex", "stop_ms": KICK_MS}
                      for name in ("E", "I")]}


# --- synapses that learn, or the same that do not -------------------------------------------------------

LEARNING_RULES = ("static", "stdp", "dopamine_stdp")
DOPAMINE_HZ, DOPAMINE_TAU_MS = 20.0, 200.0


def learning(rule="dopamine_stdp", update_ms=150.0, deliver_ms=150.0, scale=1.0):
    """8,000 + 2,000 cells of the microcircuit with 1,000 inputs that learn and 250 inhibitory ones each. Rates of
    learning are so small that the weights, and so the spikes per second, stay as they are: what is measured is the
    work. update_ms: mesocl's; deliver_ms: the time between deliveries of dopamine in NEST. Either says how often all
    synapses are brought up to date, not how exact they are. scale: of cells and inputs."""
    if rule not in LEARNING_RULES:
        raise ValueError(f"rule is {', '.join(LEARNING_RULES)}, not {rule}")
    weight = significant(psc_of_psp(PD14_PSP_MV, PD14_C_PF, PD14_TAU_M_MS, PD14_TAU_SYN_MS))
    learns = {} if rule == "static" else {"learning": {"rule": rule, "update_ms": update_ms, "deliver_ms": deliver_ms, "most": 3 * weight}}
    projections = [{"source": source, "target": target, "rule": "fixed_indegree", "indegree": round(n * scale),
                    "weight": w, "delay_ms": 1.5, **(learns if source == "E" else {})}
                   for source, n, w in (("E", 1000, weight), ("I", 250, -5 * weight)) for target in ("E", "I")]
    return {"name": "learning", "title": f"Synapses that learn: {rule}",
            "source": "this project; cells of Potjans & Diesmann 2014, rule of Izhikevich 2007",
            "cell": {"kind": "current_exponential", "C_pF": PD14_C_PF, "tau_m_ms": PD14_TAU_M_MS,
                     "tau_syn_ms": PD14_TAU_SYN_MS, "E_L_mV": -65.0, "v_threshold_mV": -50.0,
                     "v_reset_mV": -65.0, "t_ref_ms": 2.0},
            "populations": [{"name": name, "n": round(n * scale), "I_e_pA": 0.0, "v_mV": normal(-60.0, 5.0, -200.0, 200.0)}
                            for name, n in (("E", 8000), ("I", 2000))],
            "projections": projections,
            "drive": [{"target": name, "n_inputs": 1, "rate_each_hz": 7000.0, "weight": weight} for name in ("E", "I")],
            "dopamine": rule == "dopamine_stdp"}


NETWORKS = {"pd14": pd14, "brunel": brunel, "coba": coba, "learning": learning}


# --- as experiments of mesocl ------------------------------------------------------------------

MODELS = {"current_exponential": "lif_exp", "delta": "lif_delta", "conductance": "lif_cond"}
PORTS = {"current_exponential": "I_syn_pA", "delta": "v_jump_mV"}
WEIGHT_KEYS = {"current_exponential": "weight_pA", "delta": "weight_mV", "conductance": "weight_nS"}


def drawn(value):
    if not isinstance(value, dict):
        return value
    return {"distribution": "normal" if "sd" in value else "uniform", **value}


def experiment_cell(cell):
    parameters = {key: value for key, value in cell.items()
                  if key != "kind" and not key.endswith(("_ex_mV", "_in_mV", "_ex_ms", "_in_ms"))}
    out = {"model": MODELS[cell["kind"]], "parameters": parameters}
    if cell["kind"] == "conductance":
        out["conductances"] = {
            port: {"kind": "exponential", "tau_decay_ms": cell[f"tau_{port}_ms"],
                   "E_mV": cell[f"E_{port}_mV"]} for port in ("ex", "in")}
    return out


def experiment_synapse(kind, synapse):
    """The keys that a projection and a Poisson stimulus have in common."""
    return {"receptors": {synapse.get("port") or PORTS[kind]: 1},
            WEIGHT_KEYS[kind]: drawn(synapse["weight"])}


def experiment_delay(kind, delay_ms):
    """lif_delta notices a jump one step after the spike has arrived; NEST's iaf_psc_delta, which sets
    the meaning of the delay here, in the same step."""
    return significant(delay_ms - DT_MS) if kind == "delta" else drawn(delay_ms)


def experiment_learning(learning):
    slow = {"stdp": {"lambda": 1e-6}, "dopamine_stdp": {"rate_per_s": 1e-9}}[learning["rule"]]
    dopamine = {"modulator": "dopamine"} if learning["rule"] == "dopamine_stdp" else {}
    return {"long_term_plasticity": {"rule": learning["rule"], **dopamine, "weight_min_pA": 0.0,
                                     "weight_max_pA": learning["most"], "update_ms": learning["update_ms"],
                                     "parameters": slow}}


def experiment_dopamine():
    """One source of dopamine, 20/s; what a spike adds decays with 200 ms, as in NEST's synapse."""
    return {"cells": {"source": {"model": "poisson_source", "parameters": {"rate_hz": DOPAMINE_HZ}}},
            "populations": {"DA": {"cell": "source", "n_neurons": 1}},
            "modulators": {"dopamine": {"compartments": {"default": {
                "source": "DA", "release_nM": 5.0, "V_max_nM_per_s": 0.0, "K_m_nM": 1.0,
                "k_loss_per_s": 1000 / DOPAMINE_TAU_MS}}}}}


def experiment_projection(kind, projection):
    rule = {key: projection[key] for key in ("source", "target", "rule", "total", "indegree", "probability")
            if key in projection}
    return {**rule, "autapses": True, **experiment_synapse(kind, projection),
            "delay_ms": experiment_delay(kind, projection["delay_ms"]),
            **(experiment_learning(projection["learning"]) if "learning" in projection else {})}


def experiment_stimulus(kind, drive):
    stop = {"stop_ms": drive["stop_ms"]} if "stop_ms" in drive else {}
    return {"kind": "poisson", "target": drive["target"],
            "rate_hz": drive["n_inputs"] * drive["rate_each_hz"], **stop,
            **experiment_synapse(kind, drive)}


def experiment(network, seconds, seed=1):
    """The network as an experiment file of mesocl."""
    kind = network["cell"]["kind"]
    populations = {p["name"]: {"cell": "cell", "n_neurons": p["n"],
                               "parameters": {"I_e_pA": p["I_e_pA"]},
                               "initial": {"v_mV": drawn(p["v_mV"])}}
                   for p in network["populations"]}
    dopamine = experiment_dopamine() if network.get("dopamine") else {}
    return {"schema_version": 1, "title": network["title"], "_source": network["source"],
            "_written_by": "bench/networks.py", "seed": seed, "dt_ms": DT_MS,
            "cells": {"cell": experiment_cell(network["cell"]), **dopamine.get("cells", {})},
            "populations": {**populations, **dopamine.get("populations", {})},
            **({"modulators": dopamine["modulators"]} if dopamine else {}),
            "projections": {f"{p['source']}_to_{p['target']}": experiment_projection(kind, p)
                            for p in network["projections"]},
            "stimuli": {f"drive_{d['target']}": experiment_stimulus(kind, d) for d in network["drive"]},
            "protocol": [{"phase": "run", "seconds": seconds}],
            "record": {"spikes": True, "timeline_interval_ms": 100,
                       **({"largest_rate_hz": 500} if kind == "delta" else {})}}  # 1 / t_ref: any regime


def to_text(value, depth=0):
    """JSON with one line for each population, projection and stimulus."""
    if not isinstance(value, dict) or depth == 2:
        return json.dumps(value)
    indent = "  " * (depth + 1)
    members = (f"{indent}{json.dumps(key)}: {to_text(member, depth + 1)}"
               for key, member in value.items())
    return "{\n" + ",\n".join(members) + "\n" + "  " * depth + "}" if value else "{}"


def case_files():
    """{file name: text} of bench/cases/."""
    networks = ((pd14(), 1), (brunel(), 2), (coba(), 2))
    return {f"{n['name']}.json": to_text(experiment(n, seconds)) + "\n" for n, seconds in networks}


# --- command line -------------------------------------------------------------------------------

def read_arguments(arguments):
    parser = argparse.ArgumentParser(description="Write benchmark networks as experiments of mesocl.")
    parser.add_argument("network", nargs="?", choices=sorted(NETWORKS),
                        help="default: all, with their defaults, into bench/cases/")
    parser.add_argument("--out", help="file to write; default: standard output")
    parser.add_argument("--seconds", type=float, default=1.0, help="model time (default 1)")
    parser.add_argument("--seed", type=int, default=1)
    options = {"pd14": (("scale", float), ("drive", str)), "brunel": (("g", float), ("eta", float)),
               "coba": (("n", int), ("synapses", int)), "learning": (("rule", str), ("update_ms", float))}
    for network, keys in options.items():
        for key, kind in keys:
            parser.add_argument(f"--{key}", type=kind, help=f"of {network}")
    given = parser.parse_args(arguments)
    chosen = {}
    for network, keys in options.items():
        for key, _ in keys:
            if getattr(given, key) is not None:
                if network != given.network:
                    parser.error(f"--{key} belongs to {network}")
                chosen[key] = getattr(given, key)
    return given, chosen


def main(arguments):
    given, chosen = read_arguments(arguments)
    if given.network is None:
        for name, text in case_files().items():
            (CASES / name).write_text(text)
        return 0
    try:
        network = NETWORKS[given.network](**chosen)
    except ValueError as error:
        print(f"networks.py: {error}", file=sys.stderr)
        return 2
    text = to_text(experiment(network, given.seconds, given.seed)) + "\n"
    if given.out:
        Path(given.out).write_text(text)
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
