# Library, headers, program, CMake package and pkg-config file.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mesocl)

install(TARGETS libmesocl EXPORT mesocl-targets)
install(TARGETS mesocl)
install(DIRECTORY include/mesocl ${PROJECT_BINARY_DIR}/include/mesocl
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

install(EXPORT mesocl-targets FILE mesocl-config.cmake NAMESPACE mesocl:: DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mesocl-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mesocl-config-version.cmake DESTINATION ${package_dir})

# The pkg-config file finds the prefix from its own place, so an installed tree can be moved.
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_from_pkgconfig /prefix/${pkgconfig_dir} /prefix)
configure_file(cmake/mesocl.pc.in mesocl.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/mesocl.pc DESTINATION ${pkgconfig_dir})
