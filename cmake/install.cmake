# Installs the `weft` program, its systemd units, the libraries, their public headers under
# include/weft/ and the package that find_package(weft) finds.
include(CMakePackageConfigHelpers)

set(weft_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
foreach(library config signing fabric reliability gateway)
    install(TARGETS weft_${library} EXPORT weft
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
            FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft)
    # Users write <weft/fabric/fabric.hpp>; the headers name each other from the root of the tree.
    target_include_directories(weft_${library} INTERFACE
                               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
install(TARGETS weft RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# systemd looks there below /usr and /usr/local; the units name `weft` without a path, so that both
# find theirs.
install(FILES ${PROJECT_SOURCE_DIR}/packaging/systemd/weft-relay.service
              ${PROJECT_SOURCE_DIR}/packaging/systemd/weft-hub.service
        DESTINATION lib/systemd/system)
install(EXPORT weft NAMESPACE weft:: DESTINATION ${weft_cmake_dir})
# On its own: who builds a plugin needs none of weft's libraries.
install(TARGETS weft_plugin EXPORT weftPlugin)
install(EXPORT weftPlugin NAMESPACE weft:: DESTINATION ${weft_cmake_dir})
configure_package_config_file(cmake/weftConfig.cmake.in ${PROJECT_BINARY_DIR}/weftConfig.cmake
                              INSTALL_DESTINATION ${weft_cmake_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weftConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weftConfig.cmake ${PROJECT_BINARY_DIR}/weftConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/weftDependencies.cmake
        DESTINATION ${weft_cmake_dir})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "weft maintainers <maintainers@weft.invalid>")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
include(CPack)
