# What ThreadSanitizer needs to know of Debian's libraries, none of which is instrumented.
if(HERALD_SANITIZE MATCHES "thread")
  # Protobuf's headers lay out maps differently under this sanitizer, and its library does not. Of the
  # standard library's the switch stays on.
  add_compile_options(-U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)

  # Abseil's mutexes are announced by tsan.cc, which wraps the functions that it names in all
  # that is linked from here on.
  file(STRINGS ${CMAKE_SOURCE_DIR}/cmake/tsan.cc wrapped REGEX "^WRAP\\(")
  list(TRANSFORM wrapped REPLACE "^WRAP\\([a-z]+, ([A-Za-z0-9_]+).*" "-Wl,--wrap=\\1")
  add_library(herald_tsan STATIC ${CMAKE_SOURCE_DIR}/cmake/tsan.cc)
  target_link_libraries(herald_tsan PUBLIC absl::synchronization)
  add_link_options(${wrapped})
  link_libraries($<BUILD_INTERFACE:herald_tsan>)
endif()
