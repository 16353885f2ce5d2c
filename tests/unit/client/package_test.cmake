# Installs the package from BUILD_DIR, builds the example against it as somebody else would, and runs
# it where nothing listens (port 1 of loopback): a client that was linked right says so and ends.
# cmake -DBUILD_DIR=… -DWORK_DIR=… -DEXAMPLE_DIR=… -DCXX_FLAGS=… -P package_test.cmake
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --component herald-client --prefix ${WORK_DIR}/prefix)
run(${CMAKE_COMMAND} -S ${EXAMPLE_DIR} -B ${WORK_DIR}/build -G Ninja
  -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}")
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)

set(ENV{HERALD_ADDR} 127.0.0.1:1)
set(ENV{HERALD_TOKEN} none)
execute_process(COMMAND ${WORK_DIR}/build/send_email
  RESULT_VARIABLE code ERROR_VARIABLE said OUTPUT_QUIET)
message("${said}")
if(NOT code EQUAL 1 OR NOT said MATCHES "connect")
  message(FATAL_ERROR "send_email ended with ${code}")
endif()
