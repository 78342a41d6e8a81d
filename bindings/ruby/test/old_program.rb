# frozen_string_literal: true

# A program as they are written for the gem annoy-rb. What it prints is behind the end.

require 'annoy'

f = 3
t = Annoy::AnnoyIndex.new(n_features: f, metric: 'euclidean')
t.seed(42)
t.verbose(false)

100.times do |i|
  v = Array.new(f) { |j| i * (j + 1) }
  raise 'not added' unless t.add_item(i, v)
end

p t.build(10, n_jobs: -1)
p t.n_items, t.n_trees
p t.save('old_program.ann')

u = Annoy::AnnoyIndex.new(n_features: f, metric: 'euclidean')
p u.load('old_program.ann')
p u.get_nns_by_item(0, 5, search_k: 10_000)
ids, distances = u.get_nns_by_vector([10, 20.0, 30], 3, search_k: 10_000, include_distances: true)
p ids, distances.map { |d| d.round(3) }
p u.get_item(7), u.get_distance(1, 2).round(6)
p u.unload, u.n_items

begin
  u.load('no such file.ann')
rescue RuntimeError
  puts 'RuntimeError'
end
begin
  t.get_nns_by_vector([1], 3)
rescue ArgumentError
  puts 'ArgumentError'
end
File.delete('old_program.ann')

h = Annoy::AnnoyIndex.new(n_features: 1, metric: 'hamming')
[0b0000, 0b0001, 0b0111].each_with_index { |bits, i| h.add_item(i, [bits]) }
h.build(3)
p h.dtype, h.get_nns_by_vector([0b0011], 3, include_distances: true), h.get_distance(0, 2), h.get_item(2)

d = Annoy::AnnoyIndex.new(n_features: 2, metric: 'dot', dtype: 'float32')
d.on_disk_build('old_program_on_disk.ann')
[[1, 0], [0, 1], [2, 2]].each_with_index { |v, i| d.add_item(i, v) }
d.build(5)
p d.get_nns_by_vector([1, 0], 1, include_distances: true)
File.delete('old_program_on_disk.ann')
__END__
true
100
10
true
true
[0, 1, 2, 3, 4]
[10, 9, 11]
[0.0, 3.742, 3.742]
[7.0, 14.0, 21.0]
3.741657
nil
0
RuntimeError
ArgumentError
"uint64"
[[1, 2, 0], [1, 1, 2]]
3
[7]
[[2], [2.0]]
