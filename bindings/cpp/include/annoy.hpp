// annoy_rs for C++17 and up: approximate nearest neighbours in memory-mapped files.
//
//   annoy::index index(annoy::metric::angular, 3);
//   index.add(0, {1, 0, 0});                    // or a std::vector, std::array, C array, std::span
//   index.add(1, {0, 1, 0});
//   index.build(10);
//   for (auto [id, distance] : index.search({1, 0.1, 0}, 2)) ...
//   index.save("two.ann");
//
// A thin layer over annoy.h, which has the full story of every call. Link with libannoy_rs.
//
// Errors: a call that fails throws annoy::error. One that is given an annoy::failure as its last
// argument says there what went wrong, throws nothing of its own, and returns false or an empty
// result: `index.load("two.ann", {}, why)`. {} stands for the default of a parameter before it.
// Only std::bad_alloc is thrown then, where a call makes a vector or a copy. Either way a call that
// fails leaves the index as it was, and writes to no buffer unless annoy.h says so.
//
// Vectors: floats for most indexes, doubles for scalar::f64, for hamming words of std::uint64_t or
// a number for each bit. f16, bf16 and std::int8_t go into indexes of floats and doubles. Anything
// else is status::unsupported. Nothing is copied on the way to the library. Numbers in braces are
// floats. Distances are doubles.
//
// Functions of the caller's (log, progress, filters) run on the thread that made the call. Calls
// of theirs that would wait for that call fail with status::state. What progress or a filter throws
// comes out of the call, also where that was given a failure, with the index as before.
//
// Threads: const members run at the same time; any other waits until it has the index to itself.
// Different indexes are independent. The caller keeps moves, destruction and set_log() apart from
// all other calls, and calls that change the index from these, which are several calls of annoy.h:
// ids(), to_bytes(), and searches for more items than there are.
//
// `using namespace annoy` makes plain `index` ambiguous where <strings.h> declares a function of
// that name.
#ifndef ANNOY_RS_ANNOY_HPP
#define ANNOY_RS_ANNOY_HPP

#include "annoy/index.hpp"
#include "annoy/library.hpp"

#endif
