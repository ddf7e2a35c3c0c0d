function(run)
    execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output
                    ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "failed: ${ARGV}\n${output}")
    endif()
    set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${WEFT_BUILD} --prefix ${WORK}/prefix)
if(NOT EXISTS ${WORK}/prefix/lib/systemd/system/weft-relay.service)
    message(FATAL_ERROR "the unit of the relay was not installed")
endif()
set(flags "")
if(SANITIZE)
    set(flags "-fsanitize=${SANITIZE}")
endif()
run(${CMAKE_COMMAND} -S ${OUTSIDE} -B ${WORK}/build -G Ninja -DCMAKE_PREFIX_PATH=${WORK}/prefix
    "-DCMAKE_CXX_FLAGS=${flags}")
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/prefix/bin/weft init --dir ${WORK}/setup --name outside.host1)
execute_process(COMMAND ${WORK}/build/outside WORKING_DIRECTORY ${WORK}/setup RESULT_VARIABLE result
                OUTPUT_VARIABLE output ERROR_VARIABLE errors)
if(NOT result EQUAL 0 OR NOT output MATCHES "org.weft.dev.git.commit from outside.host1: 2f1c9e")
    message(FATAL_ERROR "the outside program said (exit ${result}):\n${output}${errors}")
endif()

# The example plugin, as its author would build it: nothing but the header is looked for.
run(${CMAKE_COMMAND} -S ${PLUGIN} -B ${WORK}/plugin -G Ninja -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS=${flags}" -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON)
run(${CMAKE_COMMAND} --build ${WORK}/plugin)
run(${WORK}/build/load_plugin ${WORK}/plugin/commit_counter.so)
if(NOT output MATCHES "it counted: {\"ann\":1}")
    message(FATAL_ERROR "the loaded plugin said:\n${output}")
endif()
