require "annoy_rs"

index = Annoy::Index.new(3, metric: "angular")
index.add_items([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
index.set_labels(%w[east north north-east])
index.build(10)
index.build_graph
index.save("three.ann")
Annoy.open("three.ann") do |opened|
  ids, distances = opened.search([1, 0.1, 0], 2)
  puts format("%d %d %.3f", *ids, distances[0])
end
