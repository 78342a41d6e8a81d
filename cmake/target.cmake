# The system that cargo is to build for: that of the C compiler, which links what it makes.

# annoy_rs_target(RESULT HOST): cargo's name of it, empty where cargo builds for its own; and the
# name of cargo's own.
function(annoy_rs_target RESULT HOST)
  set(${RESULT} "${ANNOY_RS_CARGO_TARGET}" PARENT_SCOPE)
  set(${HOST} "" PARENT_SCOPE)
  if(ANNOY_RS_CARGO_TARGET)
    return()
  endif()
  set(_of)
  if(CMAKE_C_COMPILER_TARGET)
    set(_of "--target=${CMAKE_C_COMPILER_TARGET}")
  endif()
  execute_process(COMMAND "${CMAKE_C_COMPILER}" ${_of} -dumpmachine
    OUTPUT_VARIABLE _machine OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND "${ANNOY_RS_CARGO}" version --verbose OUTPUT_VARIABLE _version ERROR_QUIET)
  string(REGEX MATCH "host: *([^\n]+)" _host "${_version}")
  set(_host "${CMAKE_MATCH_1}")
  set(${HOST} "${_host}" PARENT_SCOPE)
  if(NOT _machine OR NOT _host)
    return()
  endif()
  # Debian's musl-gcc is gcc with other headers, and calls itself what gcc does. They name no
  # library; glibc's do.
  file(WRITE "${PROJECT_BINARY_DIR}/library.c" "#include <features.h>\nannoy_rs_glibc=__GLIBC__\n")
  execute_process(COMMAND "${CMAKE_C_COMPILER}" ${_of} -E -P "${PROJECT_BINARY_DIR}/library.c"
    OUTPUT_VARIABLE _library ERROR_QUIET)
  if(_library MATCHES "annoy_rs_glibc= *__GLIBC__" AND _machine MATCHES "linux-gnu$")
    string(REGEX REPLACE "gnu$" "musl" _machine "${_machine}")
  endif()
  # Processor and C library, which gcc and rustc do not call alike.
  foreach(_system _machine _host)
    string(REGEX MATCH "^[^-]+" _processor "${${_system}}")
    string(REGEX REPLACE "^i[3-6]86$" "i686" _processor "${_processor}")
    string(REGEX REPLACE "^arm.*" "arm" _processor "${_processor}")
    string(REGEX REPLACE "^riscv64.*" "riscv64gc" _processor "${_processor}")
    set(_library gnu)
    if(${_system} MATCHES "musl")
      set(_library musl)
    endif()
    set(_of${_system} "${_processor}-unknown-linux-${_library}")
    set(_processor${_system} "${_processor}")
  endforeach()
  if(_of_machine STREQUAL _of_host)
    return()
  endif()
  set(_known aarch64 x86_64 i686 riscv64gc powerpc64le s390x)
  if(NOT _processor_machine IN_LIST _known OR NOT _machine MATCHES "linux")
    message(FATAL_ERROR "annoy_rs: the C compiler is for ${_machine}, cargo for ${_host}. Name the system as rustc does "
                        "(`rustc --print target-list`) with -DANNOY_RS_CARGO_TARGET=.")
  endif()
  message(STATUS "annoy_rs: the C compiler is for ${_machine}: cargo builds for ${_of_machine} "
                 "(`rustup target add ${_of_machine}`)")
  set(${RESULT} "${_of_machine}" PARENT_SCOPE)
endfunction()
