# libregent-hive.so: the hive floor for programs of others, without the registry. Its API is hive/hive.h and the headers
# listed here; examples/hive_walk.cpp uses it. `cmake --install BUILD --component hive --prefix WHERE` installs it.
set(place ${CMAKE_CURRENT_BINARY_DIR})
file(WRITE ${place}/regent_hive.cpp "")
# What others may call: our C++ names, and none of the Rtl* and CRT routines that live in rtl too.
file(WRITE ${place}/regent_hive.map "{ global: extern \"C++\" { regent::*; typeinfo*for*regent::*; vtable*for*regent::*; }; local: *; };\n")
add_library(regent_hive_library SHARED ${place}/regent_hive.cpp)
set_target_properties(regent_hive_library PROPERTIES OUTPUT_NAME regent-hive VERSION ${PROJECT_VERSION} SOVERSION 0
                      LINK_DEPENDS "$<TARGET_FILE:regent_hive>;$<TARGET_FILE:regent_rtl>;${place}/regent_hive.map")
add_dependencies(regent_hive_library regent_hive regent_rtl)
target_include_directories(regent_hive_library PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>
                           $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>)
target_link_libraries(regent_hive_library PRIVATE regent_options -Wl,--whole-archive $<TARGET_FILE:regent_hive>
                      $<TARGET_FILE:regent_rtl> -Wl,--no-whole-archive -Wl,--version-script=${place}/regent_hive.map)

include(GNUInstallDirs)
set(REGENT_HIVE_HEADERS ${CMAKE_INSTALL_INCLUDEDIR}/regent-hive)
# From the folder of the .pc file to the prefix, so that an installed tree may be moved.
file(RELATIVE_PATH REGENT_HIVE_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(regent-hive.pc.in ${place}/regent-hive.pc @ONLY)
install(TARGETS regent_hive_library COMPONENT hive LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${place}/regent-hive.pc COMPONENT hive DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES hive.h hive_scan.h durability.h space.h finding.h name.h format.h live_cells.h deleted.h diff.h COMPONENT hive
        DESTINATION ${REGENT_HIVE_HEADERS}/hive)
install(FILES ${CMAKE_SOURCE_DIR}/src/rtl/assert.h ${CMAKE_SOURCE_DIR}/src/rtl/bytes.h ${CMAKE_SOURCE_DIR}/src/rtl/env.h
        ${CMAKE_SOURCE_DIR}/src/rtl/status.h ${CMAKE_SOURCE_DIR}/src/rtl/utf16.h COMPONENT hive
        DESTINATION ${REGENT_HIVE_HEADERS}/rtl)
install(FILES ${CMAKE_SOURCE_DIR}/include/nt/ntdef.h ${CMAKE_SOURCE_DIR}/include/nt/ntstatus.h COMPONENT hive
        DESTINATION ${REGENT_HIVE_HEADERS}/nt)
