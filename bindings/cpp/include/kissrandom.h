// Drop-in for Annoy's kissrandom.h: the two KISS generators, same names, same streams.
//
// annoy_rs itself does not draw from them: of a generator, AnnoyIndex takes the default seed and
// the seed's type.
//
// KISS is G. Marsaglia's: a linear congruential generator, an xorshift and a multiply-with-carry,
// added up; published in "KISS" (1999, 32 bits) and "64-bit KISS RNGs" (2009).
#ifndef ANNOY_KISSRANDOM_H
#define ANNOY_KISSRANDOM_H

#include <stddef.h>
#include <stdint.h>

namespace Annoy {

// 32 bits. The seed must not be 0.
struct Kiss32Random {
  typedef uint32_t seed_type;
  static const uint32_t default_seed = 123456789;

  uint32_t x;  // congruential
  uint32_t y;  // xorshift
  uint32_t z;  // multiply-with-carry
  uint32_t c;  // its carry

  Kiss32Random(uint32_t seed = default_seed) : x(seed), y(362436000u), z(521288629u), c(7654321u) {}

  uint32_t kiss() {
    x = x * 69069u + 12345u;

    y ^= y << 13;
    y ^= y >> 17;
    y ^= y << 5;

    const uint64_t product = UINT64_C(698769069) * z + c;
    z = static_cast<uint32_t>(product);
    c = static_cast<uint32_t>(product >> 32);

    return x + y + z;
  }
  // 0 or 1.
  int flip() { return static_cast<int>(kiss() & 1u); }
  // 0 to n - 1.
  size_t index(size_t n) { return kiss() % n; }
  void set_seed(uint32_t seed) { x = seed; }
};

// 64 bits. The seed must not be 0.
struct Kiss64Random {
  typedef uint64_t seed_type;
  static const uint64_t default_seed = 1234567890987654321ULL;

  uint64_t x;  // multiply-with-carry
  uint64_t y;  // xorshift
  uint64_t z;  // congruential
  uint64_t c;  // carry of x

  Kiss64Random(uint64_t seed = default_seed)
      : x(seed), y(362436362436362436ULL), z(1066149217761810ULL), c(123456123456123456ULL) {}

  uint64_t kiss() {
    z = z * 6906969069ULL + 1234567ULL;

    y ^= y << 13;
    y ^= y >> 17;
    y ^= y << 43;

    // x * (2^58 + 1) + c, the low half to x, the high half to c.
    const uint64_t low = (x << 58) + c;
    c = x >> 6;
    x += low;
    c += x < low ? 1u : 0u;

    return x + y + z;
  }
  // 0 or 1.
  int flip() { return static_cast<int>(kiss() & 1u); }
  // 0 to n - 1.
  size_t index(size_t n) { return static_cast<size_t>(kiss() % n); }
  void set_seed(uint64_t seed) { x = seed; }
};

}  // namespace Annoy

#endif  // ANNOY_KISSRANDOM_H
