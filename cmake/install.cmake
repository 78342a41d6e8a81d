# What `cmake --install` puts where. The prefix may be moved afterwards: nothing in it names it.
#
# `--component annoy_rs_runtime` is what programs need that are linked already,
# annoy_rs_development the rest.
include(CMakePackageConfigHelpers)

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME annoy_rs_development)
install(FILES "${PROJECT_SOURCE_DIR}/include/annoy.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
set(_annoy_rs_cpp "${PROJECT_SOURCE_DIR}/bindings/cpp/include")
install(FILES "${_annoy_rs_cpp}/annoy.hpp" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY "${_annoy_rs_cpp}/annoy" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
# A directory of its own: `annoy/annoylib.h` and `mman.h` in include/ itself would clash
# with a real Annoy.
install(FILES "${_annoy_rs_cpp}/annoylib.h" "${_annoy_rs_cpp}/annoylib_c.h" "${_annoy_rs_cpp}/annoylib_calls.h" "${_annoy_rs_cpp}/kissrandom.h"
  "${_annoy_rs_cpp}/mman.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/annoy_rs")
install(DIRECTORY "${_annoy_rs_cpp}/annoy" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/annoy_rs"
  FILES_MATCHING PATTERN "*.h")
install(FILES "${ANNOY_RS_STAGE}/${ANNOY_RS_LINK}" "${ANNOY_RS_STAGE}/${ANNOY_RS_STATIC}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(PROGRAMS "${ANNOY_RS_STAGE}/${ANNOY_RS_SHARED}" DESTINATION "${ANNOY_RS_SHARED_DIR}" COMPONENT annoy_rs_runtime)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/THIRD-PARTY-LICENSES.txt"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT annoy_rs_runtime)
# CMake strips by itself what it has linked itself.
if(CMAKE_STRIP AND NOT ANNOY_RS_BUILT)
  set(_annoy_rs_libdir "\${CMAKE_INSTALL_PREFIX}/${ANNOY_RS_SHARED_DIR}")
  if(IS_ABSOLUTE "${ANNOY_RS_SHARED_DIR}")
    set(_annoy_rs_libdir "${ANNOY_RS_SHARED_DIR}")
  endif()
  install(CODE "
    if(CMAKE_INSTALL_DO_STRIP)
      set(_file \"\$ENV{DESTDIR}${_annoy_rs_libdir}/${ANNOY_RS_SHARED}\")
      execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-unneeded \"\${_file}\" RESULT_VARIABLE _failed)
      if(_failed)
        message(FATAL_ERROR \"annoy_rs: ${CMAKE_STRIP} cannot strip \${_file}: \${_failed}\")
      endif()
    endif()" COMPONENT annoy_rs_runtime)
endif()

# The CMake package.
set(_annoy_rs_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/annoy_rs")
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/annoy_rs-config.cmake.in" "${PROJECT_BINARY_DIR}/annoy_rs-config.cmake"
  INSTALL_DESTINATION "${_annoy_rs_package_dir}"
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR ANNOY_RS_SHARED_DIR
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a new minor version may change the ABI.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/annoy_rs-config-version.cmake"
  VERSION "${PROJECT_VERSION}" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/annoy_rs-config.cmake" "${PROJECT_BINARY_DIR}/annoy_rs-config-version.cmake"
  DESTINATION "${_annoy_rs_package_dir}")

# The pkg-config file. Paths are relative to it unless the user gave absolute ones.
file(RELATIVE_PATH _annoy_rs_up "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" _annoy_rs_up "${_annoy_rs_up}")
set(ANNOY_RS_PC_PREFIX "\${pcfiledir}/${_annoy_rs_up}")
foreach(_annoy_rs_dir LIBDIR INCLUDEDIR)
  set(ANNOY_RS_PC_${_annoy_rs_dir} "\${prefix}/${CMAKE_INSTALL_${_annoy_rs_dir}}")
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${_annoy_rs_dir}}")
    set(ANNOY_RS_PC_${_annoy_rs_dir} "${CMAKE_INSTALL_${_annoy_rs_dir}}")
  endif()
endforeach()
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(ANNOY_RS_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
endif()
list(TRANSFORM ANNOY_RS_SYSTEM_LIBS PREPEND "-l" OUTPUT_VARIABLE ANNOY_RS_PC_LIBS_PRIVATE)
list(JOIN ANNOY_RS_PC_LIBS_PRIVATE " " ANNOY_RS_PC_LIBS_PRIVATE)
configure_file("${PROJECT_SOURCE_DIR}/cmake/annoy_rs.pc.in" "${PROJECT_BINARY_DIR}/annoy_rs.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/annoy_rs.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
