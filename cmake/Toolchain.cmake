# Compiler flags, ccache and mold: one place, the same for every target, so that precompiled
# headers can be shared.
find_program(HERALD_CCACHE ccache)
if(HERALD_CCACHE)
  # The sloppiness that ccache needs to cache translation units which use a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${HERALD_CCACHE})
endif()

find_program(HERALD_MOLD mold)
if(HERALD_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-pthread -Wall -Wextra -Wconversion -Werror)
add_link_options(-pthread)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety)
else()
  add_compile_options(-fpch-preprocess)
  # At -O2, GCC 12 sees overflows inside std::string that are not there (GCC bugs 105329, 105651).
  add_compile_options("$<$<CONFIG:Release>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>")
endif()

set(HERALD_SANITIZE "" CACHE STRING "Sanitizers to compile with, comma separated")
if(HERALD_SANITIZE)
  add_compile_options(-fsanitize=${HERALD_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HERALD_SANITIZE})
  if(HERALD_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-array-bounds -Wno-stringop-overflow)  # as in a release
  endif()
  if(HERALD_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

option(HERALD_TIDY "Run clang-tidy on every compiled file" OFF)
if(HERALD_TIDY)
  set(CMAKE_CXX_CLANG_TIDY clang-tidy --quiet)
endif()
