"""The checked-in schema is the program's, and every shipped configuration is valid under it."""
import json
import os
import pathlib
import subprocess
import sys

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs"
GOOD = ROOT / "tests" / "config" / "circuit.json"

# Each spoils the circuit in a way that an editor with the schema should underline.
SPOILED = {
    "unknown key": lambda e: e["populations"]["pfc_pyr"].update(n_neuron=3),
    "wrong type": lambda e: e["populations"]["pfc_pyr"].update(n_neurons="3"),
    "fraction": lambda e: e["populations"]["pfc_pyr"].update(n_neurons=3.5),
    "below minimum": lambda e: e["populations"]["pfc_pyr"].update(n_neurons=0),
    "at open minimum": lambda e: e["receptors"]["D1"].update(K_d_nM=0),
    "unknown choice": lambda e: e["projections"]["pfc_to_core"].update(rule="ring"),
    "key of another rule": lambda e: e["projections"]["pfc_to_core"].update(sigma_um=3),
    "required by the rule": lambda e: e["projections"]["pfc_to_core"].pop("indegree"),
    "required": lambda e: e["populations"]["pfc_pyr"].pop("n_neurons"),
    "two durations": lambda e: e["protocol"][0].update(minutes=1),
    "distribution without sd": lambda e: e["projections"]["pfc_to_core"].update(
        weight_nS={"distribution": "normal", "mean": 1}),
    "bad name": lambda e: e["record"]["reports"].update({"../x": {"variable": "v_mV"}}),
    "version": lambda e: e.update(schema_version=2),
    "no version": lambda e: e.pop("schema_version"),
}


def mesocl_schema():
    program = os.environ["MESOCL_PROGRAM"]
    return subprocess.run([program, "schema"], capture_output=True, text=True, check=True,
                          timeout=60).stdout


def merge(base, patch):
    """What the program does with `extends`, written a second time."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    merged = dict(base)
    for key, value in patch.items():
        if value is None and not key.startswith("_"):
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def load_merged(path):
    own = json.loads(path.read_text())
    parents = own.pop("extends", [])
    merged = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        merged = merge(merged, load_merged(path.parent / parent))
    return merge(merged, own)


def strip_nulls(value):
    if isinstance(value, dict):
        return {key: strip_nulls(item) for key, item in value.items() if item is not None}
    return value


def errors_of(validator, experiment, partial=False):
    """Messages; a part of an experiment need not be complete."""
    for error in validator.iter_errors(experiment):
        if not (partial and error.validator == "required"):
            yield f"{error.json_path}: {error.message}"


def problems():
    text = mesocl_schema()
    if text.rstrip() != (CONFIGS / "schema.json").read_text().rstrip():
        yield "configs/schema.json is not what `mesocl schema` prints: write it anew"
    schema = json.loads(text)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)

    experiments = sorted(CONFIGS.glob("*.json"))
    for path in [GOOD, *experiments]:
        if path.name != "schema.json":
            yield from (f"{path.name}: {e}" for e in errors_of(validator, load_merged(path)))
    for path in sorted(CONFIGS.glob("*/**/*.json")):
        part = strip_nulls(json.loads(path.read_text()))
        yield from (f"{path.relative_to(CONFIGS)}: {e}" for e in errors_of(validator, part, True))

    for name, spoil in SPOILED.items():
        experiment = json.loads(GOOD.read_text())
        spoil(experiment)
        if validator.is_valid(experiment):
            yield f"the schema accepts: {name}"


def main():
    found = list(problems())
    print("\n".join(found) or "the schema holds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
