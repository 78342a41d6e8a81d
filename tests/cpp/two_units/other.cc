#include "unit.h"

FloatIndex float_index(int f) { return FloatIndex(f); }

bool add(Annoy::AnnoyIndexInterface<int32_t, float>& index, int item, float x, char** error) {
  const std::vector<float> v(3, x);
  return index.add_item(item, v.data(), error);
}

std::vector<int64_t> search(const ByteIndex& index, int64_t item) {
  std::vector<int64_t> ids;
  std::vector<uint8_t> distances;
  index.get_nns_by_item(item, 5, -1, &ids, &distances);
  return ids;
}

const void* kept(FloatIndex index) {
  static FloatIndex last;
  last = index;
  return last.c_handle();
}
