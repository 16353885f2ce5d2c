# herald_library(NAME SOURCES a.cc ... [PUBLIC libs ...] [PRIVATE libs ...] [PCH base|grpc])
#
# A static library whose headers are included from the repository's root. Vendors' libraries go
# under PRIVATE, so that their headers cannot be reached from another folder.
function(herald_library name)
  cmake_parse_arguments(ARG "" "PCH" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  herald_precompile(${name} "${ARG_PCH}")
endfunction()

# herald_executable(NAME SOURCES a.cc ... LIBS libs ...)
function(herald_executable name)
  cmake_parse_arguments(ARG "" "PCH" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  herald_precompile(${name} "${ARG_PCH}")
endfunction()

# clang-tidy reads sources alone, and ThreadSanitizer.cmake takes away a macro that GCC holds a
# precompiled header against.
set(HERALD_PRECOMPILE ON)
if(HERALD_TIDY OR HERALD_SANITIZE MATCHES "thread")
  set(HERALD_PRECOMPILE OFF)
endif()

# Two precompiled headers for the whole build: plain (std, Abseil) and with gRPC.
function(herald_precompile name pch)
  if(NOT HERALD_PRECOMPILE)
    return()
  endif()
  if(pch STREQUAL "grpc")
    target_precompile_headers(${name} REUSE_FROM herald_pch_grpc)
  elseif(pch STREQUAL "base" OR pch STREQUAL "")
    target_precompile_headers(${name} REUSE_FROM herald_pch_base)
  endif()
endfunction()

if(HERALD_PRECOMPILE)
  add_library(herald_pch_base STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cc)
  target_link_libraries(herald_pch_base PUBLIC absl::statusor absl::strings absl::time)
  target_precompile_headers(herald_pch_base PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch_base.h)

  add_library(herald_pch_grpc STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cc)
  target_include_directories(herald_pch_grpc PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(herald_pch_grpc PUBLIC absl::statusor gRPC::grpc++ protobuf::libprotobuf)
  target_precompile_headers(herald_pch_grpc PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch_grpc.h)
endif()

# herald_test(NAME SOURCES a_test.cc ... LIBS libs ... [LABEL unit|postgres|e2e|fault])
#
# One executable, one ctest entry per test case. The label says what a test needs: `unit` nothing,
# `postgres` a server, `e2e` the built binaries, `fault` those plus kill -9. ALONE: it loads or times
# the machine, so ctest runs nothing beside it.
function(herald_test name)
  cmake_parse_arguments(ARG "ALONE" "LABEL;PCH;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  herald_precompile(${name} "${ARG_PCH}")
  # Each case is a ctest entry of its own; the list is read at test time, so that a build does not
  # have to start every binary.
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT} RUN_SERIAL ${ARG_ALONE}
    # Two properties, since a list of two variables comes apart on its way through the discovery.
    ENVIRONMENT "HERALD_BUILD_DIR=${CMAKE_BINARY_DIR}"
    ENVIRONMENT_MODIFICATION "HERALD_SOURCE_DIR=set:${CMAKE_SOURCE_DIR}")
endfunction()
