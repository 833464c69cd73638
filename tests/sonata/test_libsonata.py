"""libsonata, the reader of record, opens spikes and reports and returns what was written."""

import sys
import unittest

import numpy

import synthetic

try:
    import libsonata
except ImportError:
    print("libsonata is not installed", file=sys.stderr)
    sys.exit(77)


class Libsonata(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.run_ = synthetic.Run("complete")
        cls.addClassCleanup(cls.run_.remove)

    def path(self, name):
        return str(self.run_.path / name)

    def test_spikes(self):
        reader = libsonata.SpikeReader(self.path("spikes.h5"))
        self.assertEqual(sorted(reader.get_population_names()), ["silent", "vta_da"])
        times_ms, node_ids = synthetic.spikes()
        population = reader["vta_da"]
        self.assertEqual(population.sorting, "by_time")
        self.assertEqual(population.time_units, "ms")
        read = numpy.array(population.get())
        numpy.testing.assert_array_equal(read[:, 0], node_ids)
        numpy.testing.assert_array_equal(read[:, 1], times_ms)

    def test_a_part_of_the_spikes(self):
        times_ms, node_ids = synthetic.spikes()
        chosen = (node_ids == 3) & (times_ms >= 100.0) & (times_ms <= 200.0)
        population = libsonata.SpikeReader(self.path("spikes.h5"))["vta_da"]
        read = population.get(node_ids=[3], tstart=100.0, tstop=200.0)
        numpy.testing.assert_array_equal([time for _, time in read], times_ms[chosen])

    def test_a_population_without_spikes(self):
        self.assertEqual(len(libsonata.SpikeReader(self.path("spikes.h5"))["silent"].get()), 0)

    def test_reports(self):
        for name, (population, unit, node_ids, n, start, step) in synthetic.REPORTS.items():
            with self.subTest(name):
                reader = libsonata.ElementReportReader(self.path(f"reports/{name}.h5"))
                self.assertEqual(reader.get_population_names(), [population])
                report = reader[population]
                self.assertEqual(report.times, (start, start + n * step, step))
                self.assertEqual((report.time_units, report.data_units), ("ms", unit))
                self.assertTrue(report.sorted)
                self.assertEqual(list(report.get_node_ids()), node_ids)
                if n == 0:
                    continue
                read = report.get()
                self.assertEqual([list(pair) for pair in read.ids], [[i, 0] for i in node_ids])
                self.assertEqual(len(read.times), n)
                numpy.testing.assert_allclose(read.times, start + step * numpy.arange(n))
                numpy.testing.assert_array_equal(read.data, synthetic.frames(name))

    def test_a_part_of_a_report(self):
        report = libsonata.ElementReportReader(self.path("reports/potential.h5"))["vta_da"]
        read = report.get(node_ids=[4], tstart=100.0, tstop=104.0)
        numpy.testing.assert_array_equal(read.data[:, 0], synthetic.frames("potential")[90:95, 1])

    def test_edges(self):
        storage, columns = libsonata.EdgeStorage(self.path(synthetic.EDGES)), synthetic.edges()
        self.assertEqual(storage.population_names, {synthetic.EDGE_POPULATION})
        edges = storage.open_population(synthetic.EDGE_POPULATION)
        self.assertEqual((edges.source, edges.target, edges.size), ("vta_da", "not_recorded", synthetic.N_EDGES))
        every = edges.select_all()
        numpy.testing.assert_array_equal(edges.source_nodes(every), columns["source"])
        numpy.testing.assert_array_equal(edges.target_nodes(every), columns["target"])
        self.assertEqual(edges.attribute_names, {"delay", "nmda", "syn_weight"})
        for name in edges.attribute_names:
            numpy.testing.assert_array_equal(edges.get_attribute(name, every), columns[name])

    def test_edges_of_a_node(self):
        columns = synthetic.edges()
        edges = libsonata.EdgeStorage(self.path(synthetic.EDGES)).open_population(synthetic.EDGE_POPULATION)
        for look_up, ids, n in ((edges.efferent_edges, columns["source"], synthetic.N_SOURCES),
                                (edges.afferent_edges, columns["target"], synthetic.N_TARGETS)):
            for node in range(n):
                self.assertEqual(list(look_up([node]).flatten()), list(numpy.flatnonzero(ids == node)))
        self.assertEqual(list(edges.connecting_edges([4], [3]).flatten()), [16, 17])


if __name__ == "__main__":
    unittest.main()
