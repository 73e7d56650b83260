# SPDX-License-Identifier: MIT
# What pip installs, in one folder: the library and its programs beside the modules
# that need them. scikit-build-core adds what is in polyshm/.

# A wheel holds no links and no headers.
foreach(property VERSION SOVERSION PUBLIC_HEADER)
  set_property(TARGET polyshm PROPERTY ${property})
endforeach()

add_custom_target(polyshm_wheel)
add_dependencies(polyshm_wheel
  polyshm polyshm-helper polyshm-manager polyshm_python_abi)
install(TARGETS polyshm polyshm-helper polyshm-manager
  LIBRARY DESTINATION polyshm COMPONENT wheel NAMELINK_SKIP
  RUNTIME DESTINATION polyshm COMPONENT wheel)
install(FILES ${abi_module} DESTINATION polyshm/ffi COMPONENT wheel)

if(POLYSHM_PYTHON_EXTENSION)
  add_dependencies(polyshm_wheel polyshm_python)
  set_target_properties(polyshm_python PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS polyshm_python
    LIBRARY DESTINATION polyshm COMPONENT wheel)
endif()
