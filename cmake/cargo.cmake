# Runs cargo and makes targets of what it built.

file(STRINGS "${PROJECT_SOURCE_DIR}/Cargo.toml" _annoy_rs_line REGEX "^rust-version *= *\"" LIMIT_COUNT 1)
string(REGEX MATCH "[0-9.]+" _annoy_rs_rust "${_annoy_rs_line}")

set(ANNOY_RS_BUILT "" CACHE PATH "Where the libraries are, in place of a run of cargo: release/dist.sh has them")
find_program(ANNOY_RS_CARGO cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin"
  DOC "The cargo that builds annoy_rs")
if(NOT ANNOY_RS_CARGO AND NOT ANNOY_RS_BUILT)
  message(FATAL_ERROR "annoy_rs: cargo not found, neither in PATH nor in ~/.cargo/bin. annoy_rs is built by Rust "
                      "${_annoy_rs_rust} or later: install it, or name its cargo with -DANNOY_RS_CARGO=PATH.")
endif()

# An optimised library unless debugging was asked for: a search without optimisation is of little
# use to anyone. Generators of several configurations have no CMAKE_BUILD_TYPE, and get the release
# library in all of them.
set(_annoy_rs_profile release)
set(_annoy_rs_profile_dir release)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(_annoy_rs_profile dev)
  set(_annoy_rs_profile_dir debug)
endif()

set(ANNOY_RS_CARGO_TARGET_DIR "${PROJECT_BINARY_DIR}/cargo" CACHE PATH "Where cargo puts what it builds of annoy_rs")
set(ANNOY_RS_CARGO_TARGET "$ENV{CARGO_BUILD_TARGET}" CACHE STRING "Target triple for cargo; empty for this machine")
include("${CMAKE_CURRENT_LIST_DIR}/target.cmake")
set(_annoy_rs_target)
set(_annoy_rs_host)
if(NOT ANNOY_RS_BUILT)
  annoy_rs_target(_annoy_rs_target _annoy_rs_host)
endif()
set(_annoy_rs_target_option)
set(_annoy_rs_environment --unset=CARGO_BUILD_TARGET)
set(_annoy_rs_cargo_out "${ANNOY_RS_CARGO_TARGET_DIR}/${_annoy_rs_profile_dir}")
if(_annoy_rs_target)
  set(_annoy_rs_target_option --target "${_annoy_rs_target}")
  set(_annoy_rs_cargo_out "${ANNOY_RS_CARGO_TARGET_DIR}/${_annoy_rs_target}/${_annoy_rs_profile_dir}")
  # What links for that system here.
  string(REPLACE "-" "_" _annoy_rs_linker "${_annoy_rs_target}")
  string(TOUPPER "CARGO_TARGET_${_annoy_rs_linker}_LINKER" _annoy_rs_linker)
  list(APPEND _annoy_rs_environment "${_annoy_rs_linker}=${CMAKE_C_COMPILER}")
endif()

# For musl, Rust makes no shared library unless told to.
include("${CMAKE_CURRENT_LIST_DIR}/musl.cmake")
set(_annoy_rs_unwind)
if("${_annoy_rs_target};${_annoy_rs_host}" MATCHES "^([^;]+-linux-musl[^;]*);|^;(.+-linux-musl.*)$")
  annoy_rs_musl("${CMAKE_MATCH_1}${CMAKE_MATCH_2}" _annoy_rs_flags _annoy_rs_unwind)
  list(APPEND _annoy_rs_target_option ${_annoy_rs_flags})
endif()

# The libraries as they will be installed: cargo's file has no version in its name, but its SONAME
# has, and that is the name a program looks for when it starts. CMake puts this directory into the
# RPATH of programs it links in-tree.
set(ANNOY_RS_STAGE "${PROJECT_BINARY_DIR}/stage")

# Rust's own library comes with line tables, 4 MB in every program that links it statically, and
# with the compiler's intermediate code. That is half of the file together, and not in what is
# installed.
set(_annoy_rs_archive "${_annoy_rs_cargo_out}/${ANNOY_RS_STATIC}")
set(_annoy_rs_strip)
if(_annoy_rs_unwind OR (CMAKE_STRIP AND _annoy_rs_profile STREQUAL "release"))
  set(_annoy_rs_archive "${PROJECT_BINARY_DIR}/${ANNOY_RS_STATIC}")
  set(_annoy_rs_strip
    COMMAND "${CMAKE_COMMAND}" -E copy "${_annoy_rs_cargo_out}/${ANNOY_RS_STATIC}" "${_annoy_rs_archive}")
endif()
if(_annoy_rs_unwind)
  list(APPEND _annoy_rs_strip
    COMMAND "${CMAKE_COMMAND}" "-DAR=${CMAKE_AR}" "-DTO=${_annoy_rs_archive}" "-DFROM=${_annoy_rs_unwind}"
            -P "${CMAKE_CURRENT_LIST_DIR}/join.cmake")
endif()
if(CMAKE_STRIP AND _annoy_rs_profile STREQUAL "release")
  # Apple's strip knows short options only, and takes no sections away.
  set(_annoy_rs_sections --remove-section=.llvmbc --remove-section=.llvmcmd)
  if(APPLE)
    set(_annoy_rs_sections)
  endif()
  list(APPEND _annoy_rs_strip COMMAND "${CMAKE_STRIP}" -S ${_annoy_rs_sections} "${_annoy_rs_archive}")
endif()

# Always runs: cargo itself knows best what is out of date, and takes no time when nothing is. The
# files are only replaced when they differ, so that programs are not linked again without need.
# Cargo's own CARGO_BUILD_TARGET would move the output, so it is taken away: ANNOY_RS_CARGO_TARGET
# took it over above.
set(_annoy_rs_all)
if(_annoy_rs_top_level OR ANNOY_RS_INSTALL)
  set(_annoy_rs_all ALL)
endif()
set(_annoy_rs_run
  COMMAND "${CMAKE_COMMAND}" -E env ${_annoy_rs_environment} "${ANNOY_RS_CARGO}" build --lib --locked
          --profile ${_annoy_rs_profile} ${_annoy_rs_target_option}
          --manifest-path "${PROJECT_SOURCE_DIR}/Cargo.toml" --target-dir "${ANNOY_RS_CARGO_TARGET_DIR}")
if(ANNOY_RS_BUILT)
  set(_annoy_rs_run)
  set(_annoy_rs_strip)
  set(_annoy_rs_cargo_out "${ANNOY_RS_BUILT}")
  set(_annoy_rs_archive "${ANNOY_RS_BUILT}/${ANNOY_RS_STATIC}")
endif()
set(_annoy_rs_link COMMAND "${CMAKE_COMMAND}" -E create_symlink "${ANNOY_RS_SHARED}" "${ANNOY_RS_STAGE}/${ANNOY_RS_LINK}")
if(WIN32)
  set(_annoy_rs_link COMMAND "${CMAKE_COMMAND}" -E copy_if_different
    "${_annoy_rs_cargo_out}/${ANNOY_RS_LINK}" "${ANNOY_RS_STAGE}/${ANNOY_RS_LINK}")
endif()
add_custom_target(annoy_rs_cargo ${_annoy_rs_all}
  ${_annoy_rs_run}
  COMMAND "${CMAKE_COMMAND}" -E make_directory "${ANNOY_RS_STAGE}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different
          "${_annoy_rs_cargo_out}/${ANNOY_RS_CARGO_SHARED}" "${ANNOY_RS_STAGE}/${ANNOY_RS_SHARED}"
  ${_annoy_rs_strip}
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_annoy_rs_archive}" "${ANNOY_RS_STAGE}/${ANNOY_RS_STATIC}"
  ${_annoy_rs_link}
  BYPRODUCTS "${ANNOY_RS_STAGE}/${ANNOY_RS_SHARED}" "${ANNOY_RS_STAGE}/${ANNOY_RS_LINK}"
             "${ANNOY_RS_STAGE}/${ANNOY_RS_STATIC}"
  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
  COMMENT "Building annoy_rs ${ANNOY_RS_FULL_VERSION} with cargo (profile ${_annoy_rs_profile})"
  USES_TERMINAL
  VERBATIM)

# The same properties as cmake/annoy_rs-config.cmake.in gives them.
add_library(annoy_rs::annoy_rs SHARED IMPORTED GLOBAL)
set_target_properties(annoy_rs::annoy_rs PROPERTIES
  IMPORTED_LOCATION "${ANNOY_RS_STAGE}/${ANNOY_RS_SHARED}"
  IMPORTED_SONAME "${ANNOY_RS_SONAME}"
  INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include")
if(WIN32)
  set_target_properties(annoy_rs::annoy_rs PROPERTIES IMPORTED_IMPLIB "${ANNOY_RS_STAGE}/${ANNOY_RS_LINK}")
endif()
add_dependencies(annoy_rs::annoy_rs annoy_rs_cargo)

add_library(annoy_rs::static STATIC IMPORTED GLOBAL)
set_target_properties(annoy_rs::static PROPERTIES
  IMPORTED_LOCATION "${ANNOY_RS_STAGE}/${ANNOY_RS_STATIC}"
  IMPORTED_LINK_INTERFACE_LANGUAGES C
  INTERFACE_LINK_LIBRARIES "${ANNOY_RS_SYSTEM_LIBS}"
  INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include")
add_dependencies(annoy_rs::static annoy_rs_cargo)
