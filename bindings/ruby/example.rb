# frozen_string_literal: true

# Nearest words, among the 20,000 most frequent of English. From the root of the repository: ruby bindings/ruby/example.rb

# Numbers of a file of 16-bit floats.
def read_f16(path)
  File.binread(path).unpack("v*").map do |half|
    # Sign, exponent and fraction where a float32 has them; its exponents are biased by 112 more.
    bits = (half & 0x8000) << 16 | (half & 0x7fff) << 13
    [bits].pack("L").unpack1("f") * 2.0**112
  end
end

require "annoy"

words = File.read("examples/data/glove-20k-words.txt").split
index = Annoy::Index.new(50, metric: "angular")
index.add_items(read_f16("examples/data/glove-20k-50d.f16").each_slice(50))
index.set_labels(words)
index.build(10)
index.save("words.ann")
Annoy.open("words.ann") do |opened|       # metric, f and labels are in the file
  ids, distances = opened.search_item(opened.find_label("king"), 5, search_k: 5000)
  p opened.labels(ids)                    # ["king", "prince", "queen", ...
end
