# Programs that kill at every step, and look at what is left. Not built with sanitizers or for coverage: both keep books about
# each process, which one that is killed cannot close, and neither leaves the instructions as they ship.
if(SCOPE_SANITIZE OR SCOPE_COVERAGE)
    return()
endif()

# The core compiled so that each store to shared memory is counted; the linker redirects its system calls.
set(SCOPE_CRASH_TESTS collector lane segment write)
set(SCOPE_CRASH_CALLS open close ftruncate fallocate linkat mmap munmap madvise unlink fork)
add_library(scope_counted OBJECT identity.c reader.c ring.c segment.c)
target_include_directories(scope_counted PUBLIC
    ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_LIST_DIR} ${CMAKE_CURRENT_LIST_DIR}/crash)
target_compile_definitions(scope_counted PUBLIC SCOPE_SHARED_HEADER="counted.h")
target_link_libraries(scope_counted PUBLIC scope_options)
foreach(name IN LISTS SCOPE_CRASH_TESTS)
    add_executable(crash_${name} ${CMAKE_CURRENT_LIST_DIR}/crash/test_crash_${name}.c ${CMAKE_CURRENT_LIST_DIR}/crash/crash.c)
    target_link_libraries(crash_${name} PRIVATE scope_counted)
    foreach(call IN LISTS SCOPE_CRASH_CALLS)
        target_link_options(crash_${name} PRIVATE -Wl,--wrap=${call})
    endforeach()
    add_test(NAME crash_${name} COMMAND crash_${name})
    set_tests_properties(crash_${name} PROPERTIES TIMEOUT 300)
endforeach()

# The objects that ship, instruction by instruction; and, for `make sweep`, the extension.
foreach(name IN ITEMS test_step step_extension)
    add_executable(${name} ${CMAKE_CURRENT_LIST_DIR}/step/${name}.c ${CMAKE_CURRENT_LIST_DIR}/step/step.c)
    target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_LIST_DIR})
    target_link_libraries(${name} PRIVATE scope_ring)
endforeach()
add_test(NAME step COMMAND test_step)
set_tests_properties(step PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
