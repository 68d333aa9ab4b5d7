# The callback engine's part of the cm floor; included by CMakeLists.txt.
set(cm_callback_sources callback.cpp callback_altitude.cpp callback_context.cpp callback_exports.cpp
  callback_input.cpp callback_profile.cpp callback_registry.cpp callback_verify.cpp)
