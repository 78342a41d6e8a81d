# The programs both consumers make: C and C++17, each with the shared and with the static
# library, and one for each of the C++ headers. They see nothing but the targets and what CMake
# knows of their version.
enable_testing()
foreach(language c cpp)
  foreach(kind annoy_rs static)
    set(name "consumer_${language}_${kind}")
    add_executable(${name} "${CMAKE_CURRENT_LIST_DIR}/consumer.${language}")
    target_link_libraries(${name} PRIVATE annoy_rs::${kind})
    target_compile_definitions(${name} PRIVATE "EXPECTED_VERSION=\"${ANNOY_RS_EXPECTED_VERSION}\"")
    set_target_properties(${name} PROPERTIES
      C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
      CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
    add_test(NAME ${name} COMMAND ${name})
  endforeach()
endforeach()
foreach(kind cpp annoylib)
  set(name "consumer_${kind}")
  add_executable(${name} "${CMAKE_CURRENT_LIST_DIR}/${name}.cpp")
  target_link_libraries(${name} PRIVATE annoy_rs::${kind})
  add_test(NAME ${name} COMMAND ${name})
endforeach()
