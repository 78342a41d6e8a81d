// Recall against search_k: how many of the true nearest neighbours a search finds, and
// how long it takes.
//
//   precision [DATA_DIR] [N_TREES]
//
// Builds N_TREES trees (20) over 20,000 English words with their GloVe vectors (examples/data) and
// asks for the 10 nearest of 500 words, with more and more candidates looked at.
#include <annoy.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#ifndef ANNOY_RS_DATA_DIR
#define ANNOY_RS_DATA_DIR "examples/data"
#endif

namespace {

constexpr std::size_t F = 50;          // numbers per vector
constexpr std::size_t K = 10;          // neighbours asked for
constexpr std::int64_t QUERIES = 500;

// An IEEE 754 16-bit float: 1 bit of sign, 5 of exponent, 10 of fraction. The data
// has no infinities.
float half_to_float(unsigned half) {
  const int exponent = static_cast<int>(half >> 10 & 31);
  const float fraction = static_cast<float>(half & 1023) / 1024;
  const float value = exponent ? std::ldexp(1 + fraction, exponent - 15) : std::ldexp(fraction, -14);
  return half & 0x8000 ? -value : value;
}

// All vectors, one right behind the other.
std::vector<float> read_vectors(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  if (bytes.empty() || bytes.size() % (2 * F) != 0)
    throw std::runtime_error(file.string() + ": not there, or not rows of 50 16-bit floats; name its directory");
  std::vector<float> numbers(bytes.size() / 2);
  for (std::size_t i = 0; i < numbers.size(); i++)
    numbers[i] = half_to_float(static_cast<unsigned char>(bytes[2 * i]) |
                               static_cast<unsigned>(static_cast<unsigned char>(bytes[2 * i + 1])) << 8);
  return numbers;
}

double milliseconds() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void run(const std::filesystem::path& data, int n_trees) {
  const std::vector<float> vectors = read_vectors(data / "glove-20k-50d.f16");

  annoy::index index(annoy::metric::angular, F);
  index.add({vectors, F});
  double start = milliseconds();
  index.build(n_trees);
  std::printf("%lld words, %lld trees built in %.0f ms\n\n", static_cast<long long>(index.n_items()),
              static_cast<long long>(index.n_trees()), milliseconds() - start);

  // Words spread over all frequencies. With as many candidates as the trees hold, every word is
  // looked at: the truth.
  const std::int64_t everything = index.n_items() * index.n_trees();
  const std::int64_t step = index.n_items() / QUERIES;
  std::vector<std::vector<annoy::neighbor>> truth;
  start = milliseconds();
  for (std::int64_t q = 0; q < QUERIES; q++) truth.push_back(index.search_item(q * step, K, {everything}));
  const double exact = (milliseconds() - start) / static_cast<double>(QUERIES);

  std::printf("%10s  %9s  %12s\n", "search_k", "recall@10", "ms per query");
  std::vector<std::int64_t> ids(K);
  for (std::int64_t search_k = 10; search_k < everything; search_k *= 10) {
    std::vector<std::int64_t> found;  // K places for each query, -1 where nothing was found
    start = milliseconds();
    for (std::int64_t q = 0; q < QUERIES; q++) {
      const std::size_t n = index.search_item_into(q * step, K, ids, annoy::span<float>(), {search_k});
      std::fill(ids.begin() + static_cast<std::ptrdiff_t>(n), ids.end(), -1);
      found.insert(found.end(), ids.begin(), ids.end());
    }
    const double each = (milliseconds() - start) / static_cast<double>(QUERIES);
    std::size_t hits = 0;
    for (std::size_t q = 0; q < truth.size(); q++)
      for (const annoy::neighbor& wanted : truth[q])
        for (std::size_t i = 0; i < K; i++) hits += found[q * K + i] == wanted.id;
    std::printf("%10lld  %9.3f  %12.4f\n", static_cast<long long>(search_k),
                static_cast<double>(hits) / static_cast<double>(truth.size() * K), each);
  }
  std::printf("%10s  %9.3f  %12.4f\n", "everything", 1.0, exact);
}

}  // namespace

int main(int argc, char** argv) try {
  run(argc > 1 ? argv[1] : ANNOY_RS_DATA_DIR, argc > 2 ? std::atoi(argv[2]) : 20);
} catch (const std::exception& wrong) {
  std::fprintf(stderr, "precision: %s\n", wrong.what());
  return 1;
}
