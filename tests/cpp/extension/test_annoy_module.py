"""Annoy's own Python extension, annoymodule.cc of the PyPI package unchanged, compiled
with our annoylib.h.

    test_annoy_module.py DIR

DIR holds the package `over_rs` with that extension. Where the real annoy 1.17.3 is installed too,
both have to give the same answers on the same files; set REQUIRE_ANNOY=1 to fail where it is not.
"""
import os
import random
import sys
import tempfile
import threading
import unittest
import warnings

sys.path.insert(0, sys.argv.pop(1))
from over_rs import AnnoyIndex  # noqa: E402

try:
    from annoy import AnnoyIndex as RealIndex
except ImportError:
    RealIndex = None
    if os.environ.get("REQUIRE_ANNOY"):
        raise

try:
    import numpy
except ImportError:
    numpy = None

METRICS = ["angular", "euclidean", "manhattan", "dot", "hamming"]
F = 20


def vector(i, metric):
    """Small whole numbers, whose distances are exact; angular ones need not be, so
    theirs are any."""
    r = random.Random(i)
    if metric == "hamming":
        return [r.randrange(2) for _ in range(F)]
    if metric == "angular":
        return [r.uniform(-1, 1) for _ in range(F)]
    return [r.randrange(-20, 21) for _ in range(F)]


def built(metric, n=200, trees=6, cls=AnnoyIndex, **kwargs):
    index = cls(F, metric)
    for i in range(n):
        index.add_item(i, vector(i, metric))
    index.build(trees, **kwargs)
    return index


class Files(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.dir.name, "x.ann")

    def tearDown(self):
        self.dir.cleanup()


class Construction(unittest.TestCase):
    def test_positional_and_keywords(self):
        self.assertEqual(AnnoyIndex(7, "dot").f, 7)
        self.assertEqual(AnnoyIndex(f=8, metric="hamming").f, 8)
        self.assertIn("Compiled", AnnoyIndex.__doc__)

    def test_metric_left_out_warns(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.assertEqual(AnnoyIndex(3).f, 3)
        self.assertEqual([w.category for w in caught], [FutureWarning])

    def test_no_such_metric(self):
        with self.assertRaisesRegex(ValueError, "No such metric"):
            AnnoyIndex(3, "cosine")

    def test_subclass(self):
        class Mine(AnnoyIndex):
            pass

        mine = Mine(3, "angular")
        mine.add_item(0, [1, 2, 3])
        self.assertEqual(mine.get_n_items(), 1)

    def test_wrong_arguments(self):
        with self.assertRaises(TypeError):
            AnnoyIndex()
        with self.assertRaises(TypeError):
            AnnoyIndex("three", "angular")


class Calls(Files):
    def test_every_metric(self):
        for metric in METRICS:
            with self.subTest(metric):
                index = AnnoyIndex(F, metric)
                self.assertEqual((index.get_n_items(), index.get_n_trees()), (0, 0))
                self.assertEqual(index.get_nns_by_vector(vector(0, metric), 3), [])
                for i in range(100):
                    self.assertIsNone(index.add_item(i, vector(i, metric)))
                self.assertIsNone(index.add_item(i=100, vector=vector(100, metric)))
                self.assertEqual((index.get_n_items(), index.get_n_trees()), (101, 0))
                self.assertEqual(index.get_nns_by_item(0, 3), [])
                self.assertIsNone(index.set_seed(7))
                self.assertIs(index.verbose(0), True)
                self.assertIs(index.build(n_trees=4, n_jobs=2), True)
                self.assertEqual(index.get_n_trees(), 4)
                for got, given in zip(index.get_item_vector(100), vector(100, metric)):
                    self.assertAlmostEqual(got, given, places=6)
                self.assertEqual(index.get_distance(2, 3), index.get_distance(3, 2))

                ids = index.get_nns_by_item(5, 10)
                self.assertEqual(len(ids), 10)
                everything, distances = index.get_nns_by_item(i=5, n=1000, search_k=10**6, include_distances=True)
                self.assertEqual(sorted(everything), list(range(101)))
                self.assertEqual(distances, sorted(distances, reverse=metric == "dot"))
                for i, distance in zip(everything, distances):
                    self.assertAlmostEqual(distance, index.get_distance(5, i), places=4)
                if metric != "dot":
                    self.assertEqual((everything[0], distances[0]), (5, 0))
                query = vector(5, metric)
                self.assertEqual(index.get_nns_by_vector(query, 1000, 10**6, True), (everything, distances))
                self.assertEqual(index.get_nns_by_vector(vector=query, n=3, search_k=-1), index.get_nns_by_item(5, 3))
                self.assertEqual(index.get_nns_by_item(5, -1, -5), everything)
                self.assertEqual(index.get_nns_by_item(5, 0), [])
                self.assertEqual(index.get_nns_by_item(5, 3, 0, True), ([], []))

                self.assertIs(index.unbuild(), True)
                self.assertEqual(index.get_n_trees(), 0)
                index.add_item(101, vector(101, metric))
                self.assertIs(index.build(3), True)
                self.assertIs(index.save(fn=self.path, prefault=True), True)
                other = AnnoyIndex(F, metric)
                self.assertIs(other.load(fn=self.path, prefault=False), True)
                self.assertEqual((other.get_n_items(), other.get_n_trees()), (102, 3))
                self.assertEqual(other.get_nns_by_item(5, 10), index.get_nns_by_item(5, 10))
                self.assertIs(other.unload(), True)
                self.assertEqual(other.get_n_items(), 0)

    def test_on_disk_build(self):
        for metric in METRICS:
            with self.subTest(metric):
                index = AnnoyIndex(F, metric)
                self.assertIs(index.on_disk_build(fn=self.path), True)
                for i in range(150):
                    index.add_item(i, vector(i, metric))
                index.build(5)
                other = AnnoyIndex(F, metric)
                other.load(self.path)
                self.assertEqual(other.get_nns_by_item(1, 20), index.get_nns_by_item(1, 20))
                self.assertEqual(other.get_nns_by_item(1, 20), built(metric, 150, 5).get_nns_by_item(1, 20))

    def test_index_errors(self):
        index = built("euclidean")
        for call in [
            lambda: index.get_nns_by_item(-1, 3),
            lambda: index.get_nns_by_item(200, 3),
            lambda: index.get_item_vector(-1),
            lambda: index.get_item_vector(200),
            lambda: index.get_distance(0, 200),
            lambda: index.get_distance(-1, 0),
            lambda: index.add_item(-1, vector(0, "euclidean")),
            lambda: index.get_nns_by_vector([1, 2], 3),
            lambda: AnnoyIndex(3, "angular").add_item(0, [1, 2, 3, 4]),
        ]:
            with self.assertRaises(IndexError):
                call()
        with self.assertRaises(TypeError):
            index.get_nns_by_vector(["a"] * F, 3)

    def test_errors_of_files(self):
        index = AnnoyIndex(F, "angular")
        with self.assertRaisesRegex(OSError, "no-such.ann"):
            index.load("no-such.ann")
        with self.assertRaises(OSError):
            built("angular").save(os.path.join(self.dir.name, "none", "x.ann"))
        with self.assertRaises(OSError):
            AnnoyIndex(F, "angular").on_disk_build(os.path.join(self.dir.name, "none", "x.ann"))
        with self.assertRaises(OSError):
            index.save(self.path)  # not built
        with open(self.path, "wb") as file:
            file.write(b"not an index")
        with self.assertRaises(OSError):
            index.load(self.path)

    def test_errors_of_states(self):
        index = built("angular")
        for call in [lambda: index.build(2), lambda: index.add_item(0, vector(0, "angular"))]:
            with self.assertRaisesRegex(Exception, "index is built"):
                call()
        index.save(self.path)
        for call in [lambda: index.build(2), index.unbuild, lambda: index.add_item(0, vector(0, "angular"))]:
            with self.assertRaisesRegex(Exception, "loaded"):
                call()
        self.assertEqual(len(index.get_nns_by_item(0, 10)), 10)

    def test_same_seed_same_file(self):
        files = []
        for seed, jobs in [(3, 1), (3, 4), (4, 1)]:
            index = AnnoyIndex(F, "dot")
            index.set_seed(seed)
            for i in range(150):
                index.add_item(i, vector(i, "dot"))
            index.build(5, n_jobs=jobs)
            index.save(self.path)
            with open(self.path, "rb") as file:
                files.append(file.read())
        self.assertEqual(files[0], files[1])
        self.assertNotEqual(files[0], files[2])

    def test_holes_and_any_order(self):
        index = AnnoyIndex(2, "manhattan")
        for i in [9, 3, 0]:
            index.add_item(i, [i, 0])
        index.build(5)
        self.assertEqual(index.get_n_items(), 10)
        self.assertEqual(index.get_nns_by_item(3, 10), [3, 0, 9])
        self.assertEqual(index.get_item_vector(5), [0, 0])

    @unittest.skipIf(numpy is None, "needs numpy")
    def test_numpy(self):
        index = AnnoyIndex(4, "euclidean")
        for i in range(30):
            index.add_item(i, numpy.full(4, i, dtype=numpy.float32))
        index.build(5)
        self.assertEqual(index.get_nns_by_vector(numpy.array([7.1, 7, 7, 7]), 3, 1000), [7, 8, 6])

    def test_threads(self):
        index = built("euclidean")
        expected = [index.get_nns_by_item(i, 10) for i in range(200)]
        wrong = []

        def ask():
            for i in range(200):
                if index.get_nns_by_item(i, 10) != expected[i]:
                    wrong.append(i)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


@unittest.skipIf(RealIndex is None, "needs annoy 1.17.3")
class WithRealAnnoy(Files):
    def test_same_answers_on_the_same_files(self):
        for writer in (RealIndex, AnnoyIndex):
            for metric in METRICS:
                with self.subTest(metric, writer=writer):
                    built(metric, 300, 8, cls=writer).save(self.path)
                    real, ours = RealIndex(F, metric), AnnoyIndex(F, metric)
                    real.load(self.path)
                    ours.load(self.path)
                    self.assertEqual(ours.get_n_items(), real.get_n_items())
                    self.assertEqual(ours.get_n_trees(), real.get_n_trees())
                    for i in range(0, 300, 23):
                        self.assertEqual(ours.get_item_vector(i), real.get_item_vector(i))
                        self.assertAlmostEqual(ours.get_distance(i, 7), real.get_distance(i, 7), places=4)
                        for n, search_k in [(10, -1), (10, 1), (10, 60), (40, 500), (500, -1), (5, -3), (-1, -1), (3, 0)]:
                            for name, about in [("get_nns_by_item", i), ("get_nns_by_vector", vector(900 + i, metric))]:
                                mine = getattr(ours, name)(about, n, search_k, True)
                                theirs = getattr(real, name)(about, n, search_k, True)
                                self.assertEqual(mine[0], theirs[0], (name, i, n, search_k))
                                for a, b in zip(mine[1], theirs[1]):
                                    self.assertAlmostEqual(a, b, places=3)

    def test_same_names(self):
        self.assertEqual(dir(AnnoyIndex), dir(RealIndex))
        for name in dir(RealIndex):
            if not name.startswith("_"):
                self.assertEqual(type(getattr(AnnoyIndex, name)), type(getattr(RealIndex, name)))


if __name__ == "__main__":
    unittest.main()
