// Names of files on their way into the library.
#pragma once

#include <filesystem>
#include <string>

#include "error.hpp"

namespace annoy::detail {

// Hands a path to `use`: as it is where the system's characters are bytes, else as UTF-8.
template <class Path, class Use>
bool with_path(const Path& path, on_error& why, Use use) {
  if (path.native().find(typename Path::value_type()) != Path::string_type::npos)
    return why.refuse(status::argument, "path: found a NUL character in it, expected none");
  if constexpr (std::is_same_v<typename Path::value_type, char>) {
    return use(path.c_str());
  } else {
    const auto text = path.u8string();
    return use(reinterpret_cast<const char*>(text.c_str()));
  }
}

}  // namespace annoy::detail
