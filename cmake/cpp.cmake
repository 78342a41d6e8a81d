# The C++ headers. annoy_rs::cpp is the modern wrapper (annoy.hpp), annoy_rs::annoylib the drop-in
# for Spotify's annoylib.h. The same properties as cmake/annoy_rs-config.cmake.in gives them, but
# for one: installed, the drop-in has a directory of its own, so that it does not shadow Spotify's
# header for those who did not ask for it.
add_library(annoy_rs::cpp INTERFACE IMPORTED GLOBAL)
set_target_properties(annoy_rs::cpp PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/bindings/cpp/include"
  INTERFACE_COMPILE_FEATURES cxx_std_17
  INTERFACE_LINK_LIBRARIES annoy_rs::annoy_rs)

add_library(annoy_rs::annoylib INTERFACE IMPORTED GLOBAL)
set_target_properties(annoy_rs::annoylib PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/bindings/cpp/include"
  INTERFACE_COMPILE_FEATURES cxx_std_11
  INTERFACE_LINK_LIBRARIES annoy_rs::annoy_rs)
