from annoy_rs import Index

with Index(3, metric="angular") as index:
    index.add_items([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    index.set_labels(["east", "north", "north-east"])
    index.build(10)
    index.build_graph()
    index.save("three.ann")
with Index.open("three.ann") as index:
    ids, distances = index.search([1, 0.1, 0], 2)
    print(*ids, "%.3f" % distances[0])
