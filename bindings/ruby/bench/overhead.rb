# frozen_string_literal: true

# The cost of a call from Ruby over the same call of the C ABI, in processor time. Not a
# test: it prints.
#
#   ruby bench/overhead.rb          # after rake compile, or with the gem installed

$LOAD_PATH.unshift(File.expand_path("../lib", __dir__))
require "annoy_rs"

N = 100_000
F = 100
SEARCH_K = 1000
NATIVE = Annoy.const_get(:Native)

def now
  Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
end

# Seconds for one of `n` calls, in the best of several rounds.
def best(n, rounds = 7)
  Array.new(rounds) do
    start = now
    n.times { yield }
    (now - start) / n
  end.min
end

# Seconds for one of many searches in the library alone: a batch by one thread, all in one call.
def in_library(index, query, search_k, n = 2000)
  index.search_batch(query.pack("f*") * 10, 10, search_k: search_k, n_threads: 1)
  queries = query.pack("f*") * n
  best(1, 5) { index.search_batch(queries, 10, search_k: search_k, n_threads: 1) } / n
end

random = Random.new(0)
packed = Array.new(N * F) { random.rand - 0.5 }.pack("f*")
query = packed[0, 4 * F].unpack("f*")
packed_query = query.pack("f*")

one = Annoy::Index.new(F, metric: "euclidean")
one.add_item(0, query)
one.build(1)
# An index of one item: nearly all of a call is the call itself.
c = in_library(one, query, -1, 20_000)
puts format("a search of one item in the library: %.2f us", c * 1e6)
{ "an Array" => query, "a packed String" => packed_query }.each do |name, vector|
  puts format("  Index#search with %s: %.2f us more", name, (best(20_000) { one.search(vector, 10) } - c) * 1e6)
end
puts format("  Index#search_item: %.2f us more", (best(20_000) { one.search_item(0, 10) } - c) * 1e6)
puts format("  packing %d numbers alone: %.2f us", F, best(20_000) { query.pack("f*") } * 1e6)

index = Annoy::Index.new(F, metric: "euclidean")
puts format("adding %d rows from a packed String: %.1f ms", N, best(1, 1) { index.add_items(packed) } * 1000)
index.build(10)
compatible = Annoy::AnnoyIndex.new(n_features: F, metric: "euclidean", dtype: "float32")
compatible.add_items(packed)
compatible.build(10)
c = in_library(index, query, SEARCH_K)
{
  "Index#search with an Array" => -> { index.search(query, 10, search_k: SEARCH_K) },
  "Index#search with a packed String" => -> { index.search(packed_query, 10, search_k: SEARCH_K) },
  "AnnoyIndex#get_nns_by_vector" => -> { compatible.get_nns_by_vector(query, 10, search_k: SEARCH_K) },
  "AnnoyIndex#get_nns_by_item" => -> { compatible.get_nns_by_item(0, 10, search_k: SEARCH_K) }
}.each do |name, call|
  mine = best(3000, &call)
  puts format("search_k %d: %s: %.1f us, %+.2f us to the library's %.1f", SEARCH_K, name, mine * 1e6, (mine - c) * 1e6, c * 1e6)
end

# All of a batch of different queries, against the call of annoy.h that is in it.
rows = packed[0, 4 * F * 10_000]
spent = 0
NATIVE.singleton_class.prepend(Module.new do
  define_method(:annoy_search) do |*arguments|
    start = now
    super(*arguments).tap { spent = now - start }
  end
end)
arrays = rows.unpack("f*").each_slice(F).to_a
{ "a packed String" => rows, "Arrays" => arrays }.each do |name, queries|
  shares = Array.new(5) do
    start = now
    index.search_batch(queries, 10, search_k: SEARCH_K, n_threads: 1)
    [now - start, spent]
  end
  all, call = shares.min_by { |all, call| all - call }
  puts format("10,000 queries from %s: %.3f s, %.2f %% of it outside of the library", name, all, (all - call) / call * 100)
end
