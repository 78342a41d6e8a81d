# What cargo has to be told so that it makes the shared library for musl, too.

# annoy_rs_musl(SYSTEM FLAGS UNWIND): options of cargo; and, where the C compiler has nothing that
# unwinds the stack, Rust's own library for that, which is to be part of the static one.
function(annoy_rs_musl SYSTEM FLAGS UNWIND)
  set(_flags "-C" "target-feature=-crt-static")
  set(${UNWIND} "" PARENT_SCOPE)
  # Debian's musl-gcc finds the libgcc_s of glibc, which it cannot link.
  set(_directory "${PROJECT_BINARY_DIR}/unwind")
  file(WRITE "${_directory}/probe.c" "int annoy_rs_probe;\n")
  execute_process(COMMAND "${CMAKE_C_COMPILER}" -shared -fPIC "${_directory}/probe.c" -lgcc_s -o "${_directory}/probe.so"
    RESULT_VARIABLE _failed OUTPUT_QUIET ERROR_QUIET)
  if(_failed)
    get_filename_component(_beside "${ANNOY_RS_CARGO}" DIRECTORY)
    find_program(ANNOY_RS_RUSTC rustc HINTS "${_beside}" DOC "The rustc of annoy_rs' cargo")
    execute_process(COMMAND "${ANNOY_RS_RUSTC}" --print target-libdir --target "${SYSTEM}"
      OUTPUT_VARIABLE _libdir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    set(_unwind "${_libdir}/self-contained/libunwind.a")
    if(NOT EXISTS "${_unwind}")
      message(FATAL_ERROR "annoy_rs: Rust's library for ${SYSTEM} is missing, whose libunwind.a ${CMAKE_C_COMPILER} "
                          "needs, as it has no libgcc_s of its own: `rustup target add ${SYSTEM}`.")
    endif()
    file(WRITE "${_directory}/libgcc_s.so" "INPUT(\"${_unwind}\")\n")
    list(APPEND _flags "-L" "native=${_directory}")
    set(${UNWIND} "${_unwind}" PARENT_SCOPE)
  endif()
  string(REPLACE ";" "\",\"" _list "${_flags}")
  set(${FLAGS} --config "target.${SYSTEM}.rustflags=[\"${_list}\"]" PARENT_SCOPE)
  if(NOT "$ENV{RUSTFLAGS}" STREQUAL "")
    message(WARNING "annoy_rs: cargo takes RUSTFLAGS from the environment instead of those that it needs for musl: "
                    "${_flags}. Unset it, or add them.")
  endif()
endfunction()
