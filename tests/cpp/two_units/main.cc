// Two source files that include the header and use the same instantiations link to one program.
#include "unit.h"

#include "../check.h"

TEST(indexes_pass_between_the_files) {
  FloatIndex floats = float_index(3);
  char* error = nullptr;
  CHECK(add(floats, 0, 1, &error) && add(floats, 1, 2, &error) && !error);
  CHECK(!add(floats, -5, 1, &error) && error && strstr(error, "-5"));
  free(error);
  CHECK(kept(floats) == floats.c_handle() && floats.get_n_items() == 2);

  ByteIndex bytes(2);
  for (int i = 0; i < 9; i++) {
    const uint8_t v[2] = {static_cast<uint8_t>(i), 0};
    CHECK(bytes.add_item(i, v));
  }
  CHECK(bytes.build(3));
  const std::vector<int64_t> ids = search(bytes, 4);
  CHECK(ids.size() == 5 && ids[0] == 4);
}

int main() {
  RUN(indexes_pass_between_the_files);
  return check::report();
}
