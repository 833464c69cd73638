"""A benchmark network in NEST: see worker.py for how it is spoken to, networks.py for the network."""

from worker import draw, serve

import nest
import numpy as np

DOPAMINE_HZ, DOPAMINE_TAU_MS = 20.0, 200.0  # as in networks.py, which this process does not see

MODELS = {"current_exponential": "iaf_psc_exp", "delta": "iaf_psc_delta", "conductance": "iaf_cond_exp"}
# Connections that NEST can have of one synapse model in one thread: 27 bits, less the special values.
MOST_CONNECTIONS = 2**27 - 2


def cell_parameters(cell):
    p = {"C_m": cell["C_pF"], "E_L": cell["E_L_mV"], "V_th": cell["v_threshold_mV"],
         "V_reset": cell["v_reset_mV"], "t_ref": cell["t_ref_ms"]}
    if cell["kind"] == "conductance":
        return {**p, "g_L": cell["g_L_nS"], "E_ex": cell["E_ex_mV"], "E_in": cell["E_in_mV"],
                "tau_syn_ex": cell["tau_ex_ms"], "tau_syn_in": cell["tau_in_ms"]}
    p["tau_m"] = cell["tau_m_ms"]
    if cell["kind"] == "current_exponential":
        p["tau_syn_ex"] = p["tau_syn_in"] = cell["tau_syn_ms"]
    return p


def distribution(value):
    if not isinstance(value, dict):
        return value
    drawn = nest.random.normal(mean=value["mean"], std=value["sd"])
    return nest.math.min(nest.math.max(drawn, value["min"]), value["max"])


def signed(weight, port):
    """NEST knows an inhibitory conductance by the negative weight."""
    return -weight if port == "in" else weight


def create_populations(network, rng):
    populations = {}
    for p in network["populations"]:
        cells = nest.Create(MODELS[network["cell"]["kind"]], p["n"],
                            {**cell_parameters(network["cell"]), "I_e": p["I_e_pA"]})
        cells.V_m = draw(p["v_mV"], p["n"], rng)
        populations[p["name"]] = cells
    return populations


def connection_rule(p):
    return {"fixed_total": lambda: {"rule": "fixed_total_number", "N": p["total"]},
            "fixed_indegree": lambda: {"rule": "fixed_indegree", "indegree": p["indegree"]},
            "fixed_probability": lambda: {"rule": "pairwise_bernoulli", "p": p["probability"]},
            }[p["rule"]]()


def expected_synapses(p, populations):
    n_target = len(populations[p["target"]])
    return {"fixed_total": lambda: p["total"], "fixed_indegree": lambda: p["indegree"] * n_target,
            "fixed_probability": lambda: p["probability"] * len(populations[p["source"]]) * n_target,
            }[p["rule"]]()


def learning_model(learning, interval_ms):
    """Rules as in networks.py, so slow that weights stay; a source of dopamine for all synapses."""
    if learning["rule"] == "stdp":
        nest.CopyModel("stdp_synapse", "learning_synapse", {"lambda": 1e-6, "Wmax": learning["most"]})
        return
    source = nest.Create("poisson_generator", params={"rate": DOPAMINE_HZ})
    relay = nest.Create("parrot_neuron")
    transmitter = nest.Create("volume_transmitter", params={"deliver_interval": max(1, round(interval_ms / 1.5))})
    nest.Connect(source, relay)
    nest.Connect(relay, transmitter)
    nest.CopyModel("stdp_dopamine_synapse", "learning_synapse",
                   {"volume_transmitter": transmitter, "A_plus": 1e-6, "A_minus": 1.5e-6, "Wmax": learning["most"],
                    "tau_n": DOPAMINE_TAU_MS})


def connect_learning(network, populations):
    learns = [p for p in network["projections"] if "learning" in p]
    if learns:
        learning_model(learns[0]["learning"], learns[0]["learning"]["deliver_ms"])
    for p in learns:
        nest.Connect(populations[p["source"]], populations[p["target"]],
                     {**connection_rule(p), "allow_autapses": True, "allow_multapses": True},
                     {"synapse_model": "learning_synapse", "delay": p["delay_ms"], "weight": p["weight"]})


def connect(network, populations, threads):
    """Copies of static_synapse, as many as the limit of connections asks for; they change nothing else."""
    room, n_copies, model = 0, 0, None
    for p in network["projections"]:
        if "learning" in p:
            continue
        n = expected_synapses(p, populations)
        if n > 0.9 * MOST_CONNECTIONS * threads:
            raise ValueError(f"{p['source']} to {p['target']} has more connections than {threads} threads can")
        if n > room:
            model = f"static_synapse_{n_copies}"
            nest.CopyModel("static_synapse", model)
            room, n_copies = 0.9 * MOST_CONNECTIONS * threads, n_copies + 1
        room -= n
        nest.Connect(populations[p["source"]], populations[p["target"]],
                     {**connection_rule(p), "allow_autapses": True, "allow_multapses": True},
                     {"synapse_model": model, "delay": distribution(p["delay_ms"]),
                      "weight": distribution(signed(p["weight"], p.get("port")))})


def connect_drive(network, populations):
    for d in network["drive"]:
        generator = nest.Create("poisson_generator", params={"rate": d["n_inputs"] * d["rate_each_hz"]})
        if "stop_ms" in d:
            generator.stop = d["stop_ms"]
        nest.Connect(generator, populations[d["target"]],
                     syn_spec={"weight": signed(d["weight"], d.get("port")), "delay": 1.5})


def build(request):
    network = request["network"]
    nest.verbosity = nest.VerbosityLevel.WARNING
    nest.ResetKernel()
    nest.set(resolution=0.1, local_num_threads=request["threads"], rng_seed=request["seed"],
             print_time=False)
    rng = np.random.default_rng(request["seed"])
    populations = create_populations(network, rng)
    connect(network, populations, request["threads"])
    connect_learning(network, populations)
    n_synapses = nest.GetKernelStatus("num_connections")
    connect_drive(network, populations)
    recorders = {}
    for name, cells in populations.items():
        recorders[name] = nest.Create("spike_recorder")
        nest.Connect(cells, recorders[name])
    nest.Prepare()
    nest.Run(request["presim_s"] * 1000)
    seen = {name: r.n_events for name, r in recorders.items()}

    def run_window():
        start = nest.GetKernelStatus("time_simulate")
        nest.Run(request["window_s"] * 1000)
        wall_s = nest.GetKernelStatus("time_simulate") - start
        spikes = {name: r.n_events - seen[name] for name, r in recorders.items()}
        seen.update({name: r.n_events for name, r in recorders.items()})
        return wall_s, spikes

    return {"simulator": "NEST", "version": nest.__version__, "precision": "float64",
            "synapses": n_synapses}, run_window


serve(build)
