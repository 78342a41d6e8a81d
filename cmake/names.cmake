# What the libraries are called, and what a program needs beside the static one.

# ANNOY_RS_SHARED: the shared library, by the name under which a program looks for it, which
# ANNOY_RS_SONAME has in full.
# ANNOY_RS_LINK: what a linker takes for it: a link to it, or on Windows what says what is in it.
# ANNOY_RS_STATIC: the static one. ANNOY_RS_CARGO_SHARED: what cargo calls the shared one.
# ANNOY_RS_SHARED_DIR: where it is installed.
file(STRINGS "${PROJECT_SOURCE_DIR}/include/annoy.h" _annoy_rs_abi REGEX "^#define ANNOY_ABI_VERSION [0-9]+$")
string(REGEX MATCH "[0-9]+$" _annoy_rs_abi "${_annoy_rs_abi}")
set(ANNOY_RS_SHARED_DIR "${CMAKE_INSTALL_LIBDIR}")
set(ANNOY_RS_STATIC libannoy_rs.a)
if(WIN32)
  set(ANNOY_RS_SHARED_DIR "${CMAKE_INSTALL_BINDIR}")
  set(ANNOY_RS_SHARED annoy_rs.dll)
  set(ANNOY_RS_LINK libannoy_rs.dll.a)
  if(MSVC)
    set(ANNOY_RS_LINK annoy_rs.dll.lib)
    set(ANNOY_RS_STATIC annoy_rs.lib)
  endif()
  set(ANNOY_RS_CARGO_SHARED annoy_rs.dll)
elseif(APPLE)
  set(ANNOY_RS_SHARED "libannoy_rs.${_annoy_rs_abi}.dylib")
  set(ANNOY_RS_LINK libannoy_rs.dylib)
  set(ANNOY_RS_CARGO_SHARED libannoy_rs.dylib)
else()
  set(ANNOY_RS_SHARED "libannoy_rs.so.${_annoy_rs_abi}")
  set(ANNOY_RS_LINK libannoy_rs.so)
  set(ANNOY_RS_CARGO_SHARED libannoy_rs.so)
endif()

set(ANNOY_RS_SONAME "${ANNOY_RS_SHARED}")
if(APPLE)
  set(ANNOY_RS_SONAME "@rpath/${ANNOY_RS_SHARED}")
endif()

# What `cargo rustc --crate-type staticlib -- --print native-static-libs` names, less what a C
# compiler links by itself (libc, libgcc_s, which has no static form, libSystem), and less libutil
# and libiconv, of which nothing is used.
if(WIN32)
  set(ANNOY_RS_SYSTEM_LIBS kernel32 ntdll userenv ws2_32 dbghelp)
elseif(APPLE)
  set(ANNOY_RS_SYSTEM_LIBS)
else()
  set(ANNOY_RS_SYSTEM_LIBS pthread dl m rt)
endif()
