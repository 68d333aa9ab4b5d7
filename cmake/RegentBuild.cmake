# What every target of the house shares: language level, warnings, output folders, and the helpers that floors use.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 17)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

find_program(RG_CCACHE ccache)
if(RG_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${RG_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${RG_CCACHE})
endif()

option(RG_WERROR "Treat warnings as errors" ON)

add_library(regent_options INTERFACE)
# The contracts are C headers in NT's own style (casts in macros); our warnings are for our sources.
target_include_directories(regent_options SYSTEM INTERFACE ${CMAKE_SOURCE_DIR}/include)
target_include_directories(regent_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(regent_options INTERFACE
  -Wall -Wextra -Wshadow
  $<$<COMPILE_LANGUAGE:CXX>:-Wpedantic;-Wconversion;-Wold-style-cast;-Wnon-virtual-dtor>
  # Part of -Wconversion in clang only.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>
  $<$<BOOL:${RG_WERROR}>:-Werror>
  # clang finds a deprecated function inside libstdc++ 12's own stable_sort; g++ watches over our uses.
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-deprecated-declarations>
  # NT's layouts are read through several types, as the compilers of Windows allow.
  -fno-strict-aliasing
  -fno-omit-frame-pointer)
target_link_libraries(regent_options INTERFACE Threads::Threads)
option(RG_CALLBACKS "Announce registry operations to callbacks; OFF only to measure what that costs" ON)
if(NOT RG_CALLBACKS)
  target_compile_definitions(regent_options INTERFACE RG_NO_CALLBACKS)
endif()

# regent_sanitize(<target> <PRIVATE|INTERFACE>): what a sanitizer build adds. Everything that shares memory with
# instrumented code takes it, also what does not use regent_options: drivers, programs in the Windows dialect.
function(regent_sanitize target scope)
  if(RG_SANITIZE)
    target_compile_options(${target} ${scope} -fsanitize=${RG_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(${target} ${scope} -fsanitize=${RG_SANITIZE})
  endif()
endfunction()
regent_sanitize(regent_options INTERFACE)

# regent_timeout(<seconds> <tests>...): sanitized programs are given five times as long.
function(regent_timeout seconds)
  if(RG_SANITIZE)
    math(EXPR seconds "${seconds} * 5")
  endif()
  set_tests_properties(${ARGN} PROPERTIES TIMEOUT ${seconds})
endfunction()

# regent_floor(<name> SOURCES ... [DEPENDS <lower floors>...]): one static library for src/<name>.
function(regent_floor name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(regent_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(regent_${name} PUBLIC regent_options)
  foreach(dep ${ARG_DEPENDS})
    target_link_libraries(regent_${name} PUBLIC regent_${dep})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY RG_FLOORS regent_${name})
endfunction()

# regent_test(<name> SOURCES ... LIBS ... [LABELS ...]): a GoogleTest program, known to ctest as one test.
function(regent_test name)
  if(NOT RG_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} regent_options GTest::gtest GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS quick)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}")
  regent_timeout(${ARG_TIMEOUT} ${name})
endfunction()

include(${CMAKE_CURRENT_LIST_DIR}/RegentDriver.cmake)

# Drivers as Windows images, built for the tests: by clang (RegentDriver.cmake), and by mingw-w64 as foreign ones.
set(RG_PE_DRIVERS ${CMAKE_BINARY_DIR}/drivers-pe)
set(RG_MINGW_DRIVERS ${CMAKE_BINARY_DIR}/drivers-mingw)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  find_program(RG_MINGW_C NAMES x86_64-w64-mingw32-gcc)
  find_path(RG_MINGW_DDK ntddk.h PATHS /usr/share/mingw-w64/include/ddk /usr/x86_64-w64-mingw32/include/ddk
            NO_DEFAULT_PATH)
endif()
