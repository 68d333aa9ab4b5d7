# regent_add_driver(<name> [PE] SOURCES <files>... [OPTIONS <compiler options>...] [DIRECTORY <folder>])
# A registry filter driver from WDK-style sources: <folder>/<name>.so by the project's C compiler, or with PE a true
# <name>.sys by clang-19 and lld-19. The target is driver_<name>, or driver_pe_<name>. Both are tools/regent-cc.
set(RG_REGENT_CC ${CMAKE_CURRENT_LIST_DIR}/../tools/regent-cc)
find_program(RG_CLANG_PE NAMES clang-19)
find_program(RG_LLD_LINK NAMES lld-link-19)
if(RG_CLANG_PE AND RG_LLD_LINK AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(RG_PE_KIT TRUE)
endif()

# regent_exceptions(<target>): structured exceptions (__try) in the C and C++ sources of an ELF driver's own target.
set(RG_REGENT_SEH ${CMAKE_CURRENT_LIST_DIR}/../tools/regent_seh.py)
function(regent_exceptions target)
  foreach(language C CXX)
    set(launcher ${RG_REGENT_SEH} ${CMAKE_${language}_COMPILER_LAUNCHER}) # ccache, where it is installed
    set_target_properties(${target} PROPERTIES ${language}_COMPILER_LAUNCHER "${launcher}")
  endforeach()
  get_target_property(sources ${target} SOURCES)
  set_property(SOURCE ${sources} TARGET_DIRECTORY ${target} APPEND PROPERTY OBJECT_DEPENDS ${RG_REGENT_SEH})
endfunction()

function(regent_add_driver name)
  cmake_parse_arguments(ARG "PE" "DIRECTORY" "SOURCES;OPTIONS;DEPENDS" ${ARGN})
  set(kind elf)
  set(target driver_${name})
  if(NOT ARG_DIRECTORY)
    set(ARG_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  endif()
  set(output ${ARG_DIRECTORY}/${name}.so)
  if(ARG_PE)
    set(kind pe)
    set(target driver_pe_${name})
    set(output ${ARG_DIRECTORY}/${name}.sys)
  endif()
  list(TRANSFORM ARG_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ REGEX "^[^/]" OUTPUT_VARIABLE sources)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${ARG_DIRECTORY}
    COMMAND ${CMAKE_COMMAND} -E env REGENT=$<TARGET_FILE:regent_cli> CC=${CMAKE_C_COMPILER} ${RG_REGENT_CC} --${kind}
            -o ${output} ${ARG_OPTIONS} ${sources}
    DEPENDS ${sources} ${ARG_DEPENDS} ${RG_REGENT_CC} ${RG_REGENT_SEH} regent_cli VERBATIM COMMAND_EXPAND_LISTS)
  add_custom_target(${target} DEPENDS ${output})
endfunction()
