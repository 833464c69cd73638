"""The simulators as processes, and what the machine did while one of them ran a window."""

import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import networks

BUILD = HERE.parents[1] / "build"
VENV = BUILD / "bench-venv"
WORK = BUILD / "bench"

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
DISTURBED = 0.10  # CPU time of other processes, as a part of the window
COUNTING_ERROR_S = 2 / TICKS_PER_S  # the kernel counts whole ticks


@dataclass
class Setting:
    """How a network is simulated, the same for all."""

    network: dict
    name: str
    threads: int
    presim_s: float
    window_s: float
    windows: int
    seed: int


@dataclass
class Window:
    model_s: float
    wall_s: float  # of the simulation alone, by the simulator's own clock
    real_time_factor: float
    rates_hz: dict
    spent_s: float  # between the two looks at CPU time
    own_cpu_s: float
    foreign_cpu_s: float
    disturbed: bool


class SimulatorError(Exception):
    pass


# --- processor time -----------------------------------------------------------------------------


def busy_s():
    """CPU seconds that all processes have used, the hypervisor's share (steal) with them."""
    user, nice, system, _, _, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_S


def tree_cpu_s(pid):
    """CPU seconds of a process and its running children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(map(tree_cpu_s, children))


class Watch:
    """CPU time while something runs; own_cpu_s is a function of what it has used so far."""

    def __init__(self, own_cpu_s):
        self.own_cpu_s = own_cpu_s
        self.start = time.monotonic(), busy_s(), own_cpu_s()

    def window(self, model_s, wall_s, rates_hz):
        spent = time.monotonic() - self.start[0]
        own = self.own_cpu_s() - self.start[2]
        foreign = max(0.0, busy_s() - self.start[1] - own)
        return make_window(model_s, wall_s, rates_hz, spent, own, foreign)


def make_window(model_s, wall_s, rates_hz, spent_s, own_cpu_s, foreign_cpu_s):
    return Window(model_s, wall_s, wall_s / model_s, rates_hz, spent_s, own_cpu_s, foreign_cpu_s,
                  foreign_cpu_s > DISTURBED * spent_s + COUNTING_ERROR_S)


def rates_hz(network, spikes, model_s):
    return {p["name"]: spikes[p["name"]] / p["n"] / model_s for p in network["populations"]}


# --- mesocl -------------------------------------------------------------------------------------


class Mesocl:
    """A fresh process for each window: it builds the network, then simulates."""

    def __init__(self, setting, program, device, options):
        self.setting, self.name = setting, "mesocl"
        self.experiment, self.record = (WORK / f"{setting.name}{end}" for end in (".json", ".record.json"))
        self.experiment.write_text(networks.to_text(
            networks.experiment(setting.network, setting.window_s, setting.seed)) + "\n")
        self.command = [str(program), "bench", str(self.experiment), "--json", str(self.record),
                        "--seconds", f"{setting.window_s:g}", "--warm-up", f"{setting.presim_s:g}",
                        "--repeats", "1", "--no-profile", *options]
        if device:
            self.command += ["--device", device]
        self.environment = {**os.environ, "POCL_MAX_PTHREAD_COUNT": str(setting.threads),
                            "POCL_CPU_MAX_CU_COUNT": str(setting.threads)}
        self.about = {}

    def run_window(self):
        done = subprocess.run(self.command, env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SimulatorError(f"{shlex.join(self.command)}: exit code {done.returncode}\n{done.stderr}")
        record = json.loads(self.record.read_text())
        self.about = {key: record.get(key) for key in
                      ("mesocl_version", "commit", "device", "layout", "neurons", "synapses", "spike_hash")}
        return make_window(record["model_s"], record["wall_s"], record["rates_hz"], record["wall_s"],
                           record["own_cpu_s"], record["foreign_cpu_s"])

    def close(self):
        pass


# --- peers ---------------------------------------------------------------------------------------

SCRIPTS = {"nest": "nest_networks.py", "brian2": "brian2_networks.py", "brian2-float32": "brian2_networks.py"}


def bytes_per_synapse(peer, network):
    """What building takes, seen at scale 0.1 and with NEST at full scale too; generous."""
    if peer == "nest":
        return 50
    return 150 if isinstance(network["projections"][0]["weight"], dict) else 60


def available_bytes():
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


class Peer:
    """One process, which builds the network once and simulates a window at each request."""

    def __init__(self, setting, peer):
        self.setting, self.name = setting, peer
        needed, there = (bytes_per_synapse(peer, setting.network) * networks.n_synapses(setting.network),
                         available_bytes())
        if there and needed > there:
            raise SimulatorError(f"needs about {needed / 1e9:.0f} GB of memory, {there / 1e9:.0f} GB are there")
        self.log = WORK / f"{setting.name}.{peer}.log"
        environment = {**os.environ, "OMP_NUM_THREADS": str(setting.threads)}
        with self.log.open("w") as log:
            self.process = subprocess.Popen([VENV / "bin" / "python", HERE / SCRIPTS[peer]], env=environment,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            self.about = self.ask(json.dumps({
                "network": setting.network, "threads": setting.threads, "seed": setting.seed,
                "presim_s": setting.presim_s, "window_s": setting.window_s, "windows": setting.windows,
                "float32": peer.endswith("float32"), "directory": str(WORK / f"{setting.name}.{peer}")}))
        except BaseException:
            self.close()
            raise

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            raise SimulatorError(f"ended with exit code {self.process.wait()}; see {self.log}")
        answer = json.loads(answer)
        if "error" in answer:
            raise SimulatorError(f"{answer['error']}; see {self.log}")
        return answer

    def run_window(self):
        watch = Watch(lambda: tree_cpu_s(self.process.pid))
        answer = self.ask("run")
        return watch.window(answer["model_s"], answer["wall_s"],
                            rates_hz(self.setting.network, answer["spikes"], answer["model_s"]))

    def close(self):
        """End of its input is its end."""
        try:
            self.process.stdin.close()
            self.process.wait(timeout=30)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
