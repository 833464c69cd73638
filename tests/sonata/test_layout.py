"""Names, types, shapes and attributes of every file of a result directory."""

import json
import signal
import unittest

import h5py
import numpy

import synthetic


class RunCase(unittest.TestCase):
    """A class of tests that look at one run."""

    how = "complete"

    @classmethod
    def setUpClass(cls):
        cls.run_ = synthetic.Run(cls.how)
        cls.addClassCleanup(cls.run_.remove)

    def open(self, name):
        file = h5py.File(self.run_.path / name, "r")
        self.addCleanup(file.close)
        return file

    def assert_dataset(self, dataset, dtype, shape):
        self.assertEqual(dataset.dtype, numpy.dtype(dtype), dataset.name)
        self.assertEqual(dataset.shape, shape, dataset.name)


class Layout(RunCase):
    def test_the_run_ends_well(self):
        self.assertEqual(self.run_.code, 0)
        found = sorted(p.relative_to(self.run_.path).as_posix()
                       for p in self.run_.path.rglob("*") if p.is_file())
        self.assertEqual(found, ["experiment.json", synthetic.EDGES, "reports/dopamine_core.h5",
                                 "reports/nothing.h5", "reports/potential.h5", "spikes.h5",
                                 "summary.json", "synapses/followed.h5", "timeline.h5"])

    def test_sonata_files_say_so(self):
        for name in ("spikes.h5", synthetic.EDGES, *(f"reports/{report}.h5" for report in synthetic.REPORTS)):
            with self.subTest(name):
                attributes = self.open(name).attrs
                self.assertEqual(attributes["magic"], 0x0A7A)
                self.assertEqual(attributes["magic"].dtype, numpy.uint32)
                self.assertEqual(list(attributes["version"]), [0, 1])
                self.assertEqual(attributes["version"].dtype, numpy.uint32)
        self.assertNotIn("magic", self.open("timeline.h5").attrs)

    def test_every_file_says_where_it_comes_from(self):
        for name in ("spikes.h5", "reports/potential.h5", "timeline.h5", "synapses/followed.h5", synthetic.EDGES):
            with self.subTest(name):
                attributes = self.open(name).attrs
                self.assertRegex(attributes["mesocl_version"], r"^\d+\.\d+\.\d+$")
                self.assertEqual(attributes["seed"], 42)
                self.assertEqual(attributes["device"], "no device")
                self.assertRegex(attributes["experiment_hash"], r"^[0-9a-f]{16}$")

    def test_followed_synapses(self):
        file = self.open("synapses/followed.h5")
        self.assertEqual(file.attrs["projection"], "da_to_msn")
        for name, dtype in (("source_node_id", "<u8"), ("target_node_id", "<u8"), ("delay", "<f8")):
            self.assert_dataset(file[name], dtype, (3,))
            numpy.testing.assert_array_equal(file[name], synthetic.FOLLOWED[name])
        self.assertEqual(file["source_node_id"].attrs["node_population"], "vta_da")
        self.assertEqual(file["target_node_id"].attrs["node_population"], "not_recorded")
        times_s, values = synthetic.readings()
        self.assert_dataset(file["time_s"], "<f8", times_s.shape)
        numpy.testing.assert_array_equal(file["time_s"], times_s)
        self.assertEqual(sorted(file["values"]), ["nmda", "weight"])
        for name, unit in (("weight", "nS"), ("nmda", "of the weight")):
            self.assert_dataset(file["values"][name], "<f4", (len(times_s), 3))
            self.assertEqual(file["values"][name].attrs["units"], unit)
            numpy.testing.assert_array_equal(file["values"][name], values[name])

    def test_edges(self):
        edges, columns = self.open(synthetic.EDGES)["edges"], synthetic.edges()
        self.assertEqual(list(edges), [synthetic.EDGE_POPULATION])
        population = edges[synthetic.EDGE_POPULATION]
        self.assertEqual(sorted(population), ["0", "edge_group_id", "edge_group_index", "edge_type_id", "indices",
                                              "source_node_id", "target_node_id"])
        self.assertEqual(population.attrs["time_s"], 2.5)
        for name, nodes in (("source", "vta_da"), ("target", "not_recorded")):
            ids = population[f"{name}_node_id"]
            self.assert_dataset(ids, "<u8", (synthetic.N_EDGES,))
            self.assertEqual(ids.attrs["node_population"], nodes)
            numpy.testing.assert_array_equal(ids, columns[name])
        self.assert_dataset(population["edge_type_id"], "<i8", (synthetic.N_EDGES,))
        for name, values in (("edge_type_id", 0), ("edge_group_id", 0), ("edge_group_index", numpy.arange(50))):
            numpy.testing.assert_array_equal(population[name], numpy.broadcast_to(values, 50))
        self.assertEqual(sorted(population["0"]), ["delay", "nmda", "syn_weight"])
        for name, unit in (("delay", "ms"), ("syn_weight", "nS"), ("nmda", "of the weight")):
            self.assert_dataset(population["0"][name], "<f4", (synthetic.N_EDGES,))
            self.assertEqual(population["0"][name].attrs["units"], unit)
            numpy.testing.assert_array_equal(population["0"][name], columns[name])

    def test_indices_of_edges(self):
        """Each node's ranges of edge ids are those of its edges, as an index made otherwise says."""
        columns = synthetic.edges()
        indices = self.open(synthetic.EDGES)["edges"][synthetic.EDGE_POPULATION]["indices"]
        for direction, ids, n in (("source_to_target", columns["source"], synthetic.N_SOURCES),
                                  ("target_to_source", columns["target"], synthetic.N_TARGETS)):
            index = indices[direction]
            self.assertEqual(sorted(index), ["node_id_to_range", "node_id_to_ranges", "range_to_edge_id"])
            self.assert_dataset(index["node_id_to_ranges"], "<u8", (n, 2))
            ranges, to_edges = index["node_id_to_ranges"][:], index["range_to_edge_id"][:]
            for node in range(n):
                found = [edge for first, last in to_edges[slice(*ranges[node])] for edge in range(first, last)]
                self.assertEqual(found, list(numpy.flatnonzero(ids == node)), (direction, node))

    def test_only_recorded_populations_have_spikes(self):
        self.assertEqual(list(self.open("spikes.h5")["spikes"]), ["silent", "vta_da"])

    def test_spikes(self):
        times_ms, node_ids = synthetic.spikes()
        for name, n in (("vta_da", len(times_ms)), ("silent", 0)):
            with self.subTest(name):
                group = self.open("spikes.h5")["spikes"][name]
                self.assertEqual(sorted(group), ["node_ids", "timestamps"])
                self.assert_dataset(group["timestamps"], "<f8", (n,))
                self.assert_dataset(group["node_ids"], "<u8", (n,))
                self.assertEqual(group["timestamps"].attrs["units"], "ms")
                numpy.testing.assert_array_equal(group["timestamps"], times_ms[:n])
                numpy.testing.assert_array_equal(group["node_ids"], node_ids[:n])

    def test_sorting_is_an_enumeration(self):
        group = self.open("spikes.h5")["spikes/vta_da"]
        members = h5py.check_enum_dtype(group.attrs.get_id("sorting").dtype)
        self.assertEqual(members, {"none": 0, "by_id": 1, "by_time": 2})
        self.assertEqual(group.attrs["sorting"], members["by_time"])

    def test_reports(self):
        for name, (population, unit, node_ids, n, start, step) in synthetic.REPORTS.items():
            with self.subTest(name):
                file = self.open(f"reports/{name}.h5")
                self.assertEqual(list(file["report"]), [population])
                group = file["report"][population]
                data, mapping = group["data"], group["mapping"]
                self.assert_dataset(data, "<f4", (n, len(node_ids)))
                self.assertEqual(data.attrs["units"], unit)
                numpy.testing.assert_array_equal(data, synthetic.frames(name))
                self.assert_dataset(mapping["node_ids"], "<u8", (len(node_ids),))
                self.assertEqual(list(mapping["node_ids"]), node_ids)
                self.assertEqual(mapping["node_ids"].attrs["sorted"], 1)
                self.assertEqual(mapping["node_ids"].attrs["sorted"].dtype, numpy.uint8)
                self.assert_dataset(mapping["element_ids"], "<u4", (len(node_ids),))
                self.assert_dataset(mapping["element_pos"], "<f4", (len(node_ids),))
                self.assert_dataset(mapping["time"], "<f8", (3,))
                self.assertEqual(list(mapping["time"]), [start, start + n * step, step])
                self.assertEqual(mapping["time"].attrs["units"], "ms")

    def test_index_pointers_have_one_more_and_an_alias(self):
        mapping = self.open("reports/potential.h5")["report/vta_da/mapping"]
        self.assert_dataset(mapping["index_pointers"], "<u8", (4,))
        self.assertEqual(list(mapping["index_pointers"]), [0, 1, 2, 3])
        self.assertEqual(mapping["index_pointer"], mapping["index_pointers"])

    def test_growing_datasets_are_chunked_and_only_the_timeline_is_compressed(self):
        for name, dataset, compression in (("spikes.h5", "spikes/vta_da/timestamps", None),
                                           ("reports/potential.h5", "report/vta_da/data", None),
                                           ("timeline.h5", "time_s", "gzip")):
            with self.subTest(name):
                found = self.open(name)[dataset]
                self.assertEqual(found.compression, compression)
                self.assertIsNone(found.maxshape[0])

    def test_timeline(self):
        file = self.open("timeline.h5")
        times_s, series = synthetic.rows()
        self.assert_dataset(file["time_s"], "<f8", times_s.shape)
        numpy.testing.assert_allclose(file["time_s"], times_s, rtol=1e-15)
        for name, values in series.items():
            with self.subTest(name):
                dataset = file[name.replace(".", "/")]
                self.assert_dataset(dataset, "<f8", times_s.shape)
                self.assertEqual(dataset.attrs["units"], "Hz" if name.endswith("_hz") else "nM")
                numpy.testing.assert_array_equal(dataset, values)

    def test_triggers_and_what_followed(self):
        group = self.open("timeline.h5")["contingency"]
        self.assertEqual(sorted(group), ["never", "reward"])
        for name, trigger_s, given_s in (("reward", [1.5, 3.25], [2.75, numpy.nan]), ("never", [], [])):
            numpy.testing.assert_array_equal(group[name]["trigger_s"], trigger_s)
            numpy.testing.assert_array_equal(group[name]["given_s"], given_s)
            self.assertEqual(group[name]["given_s"].attrs["units"], "s")

    def test_summary(self):
        summary = json.loads((self.run_.path / "summary.json").read_text())
        self.assertRegex(summary.pop("started"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(summary.pop("version"), r"^\d+\.\d+\.\d+$")
        self.assertEqual(summary, {
            "title": 'Synthetic "run"', "status": "complete", "device": "no device", "seed": 42,
            "spike_hash": "00c0ffee00000001", "model_time_s": 4, "network_time_s": 4, "wall_s": 1.5,
            "compile_s": 0.5, "build_s": 0.25, "real_time_factor": None, "neurons": 35, "synapses": 70,
            "bytes_per_synapse": 8.1, "spikes": 44000, "synaptic_events": 2**20,
            "peak_device_bytes": 2**30, "assays": [],
            "contingencies": {"reward": {"triggers": 2, "given": 1}, "never": {"triggers": 0, "given": 0}},
            "rates_hz": {"vta_da": 500, "silent": 0, "not_recorded": 0.1}})

    def test_two_runs_write_the_same_bytes(self):
        other = synthetic.Run("complete")
        self.addCleanup(other.remove)
        for name in ("experiment.json", "spikes.h5", "timeline.h5", "reports/potential.h5"):
            with self.subTest(name):
                self.assertEqual((self.run_.path / name).read_bytes(),
                                 (other.path / name).read_bytes())


class Stopped(RunCase):
    how = "stopped"

    def test_the_summary_says_so(self):
        summary = json.loads((self.run_.path / "summary.json").read_text())
        self.assertEqual(summary["status"], "stopped")


class Killed(RunCase):
    how = "killed"

    def test_all_that_was_flushed_can_be_read(self):
        self.assertEqual(self.run_.code, -signal.SIGKILL)
        times_ms, node_ids = synthetic.spikes()
        group = self.open("spikes.h5")["spikes/vta_da"]
        numpy.testing.assert_array_equal(group["timestamps"], times_ms)
        numpy.testing.assert_array_equal(group["node_ids"], node_ids)
        report = self.open("reports/potential.h5")["report/vta_da"]
        numpy.testing.assert_array_equal(report["data"], synthetic.frames("potential"))
        self.assertEqual(report["mapping/time"][1], 3010)
        self.assertEqual(len(self.open("timeline.h5")["time_s"]), synthetic.N_ROWS)

    def test_there_is_no_summary(self):
        self.assertFalse((self.run_.path / "summary.json").exists())
        self.assertTrue((self.run_.path / "experiment.json").exists())


if __name__ == "__main__":
    unittest.main()
