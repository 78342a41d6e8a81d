# frozen_string_literal: true

# Nearest words, among the 20,000 most frequent of English. From the root of the repository: ruby
# bindings/ruby/example.rb

require "annoy"

words = File.read("examples/data/glove-20k-words.txt").split
# 16-bit floats: sign, exponent and fraction go where a float32 has them; its exponents are
# biased by 112 more.
halves = File.binread("examples/data/glove-20k-50d.f16").unpack("v*")
floats = halves.map { |half| (half & 0x8000) << 16 | (half & 0x7fff) << 13 }.pack("L*").unpack("f*")
vectors = floats.map { |number| number * 2.0**112 }.each_slice(50)

index = Annoy::Index.new(50, metric: "angular")
index.add_items(vectors)
index.set_labels(words)
index.build(10)                           # trees, as Annoy has them
index.build_auto                          # a graph or a scan over them, whichever is faster
index.save("/tmp/words.ann")
Annoy.open("/tmp/words.ann") do |opened|  # metric, f and labels are in the file
  ids, distances = opened.search_item(opened.find_label("king"), 5)
  p opened.labels(ids)                    # ["king", "prince", "queen", ...
end
