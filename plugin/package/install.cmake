# SPDX-License-Identifier: GPL-2.0-or-later
#
# Included by cmake --install, with cni_dir, program and strip set. The program goes into the CNI directory by rename: a
# runtime may execute the old file at this moment ("text file busy"), and must never find half of the new one.

set(etc /etc)
if(NOT CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?$")
  set(cni_dir "${CMAKE_INSTALL_PREFIX}${cni_dir}")
  set(etc "${CMAKE_INSTALL_PREFIX}/etc")
endif()
set(root "$ENV{DESTDIR}")

file(MAKE_DIRECTORY "${root}${cni_dir}")
file(COPY_FILE "${program}" "${root}${cni_dir}/.rangeguard.new")
if(CMAKE_INSTALL_DO_STRIP OR NOT root STREQUAL "")
  execute_process(COMMAND "${strip}" --strip-unneeded "${root}${cni_dir}/.rangeguard.new")
endif()
file(CHMOD "${root}${cni_dir}/.rangeguard.new"
  PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
file(RENAME "${root}${cni_dir}/.rangeguard.new" "${root}${cni_dir}/rangeguard")
message(STATUS "Installed: ${root}${cni_dir}/rangeguard")
list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${cni_dir}/rangeguard")

# People call it, too.
file(MAKE_DIRECTORY "${root}${CMAKE_INSTALL_PREFIX}/bin")
if(NOT cni_dir STREQUAL "${CMAKE_INSTALL_PREFIX}/bin")
  # Within a prefix the link may move with it.
  set(target "${cni_dir}/rangeguard")
  if(cni_dir MATCHES "^${CMAKE_INSTALL_PREFIX}/")
    file(RELATIVE_PATH target "${CMAKE_INSTALL_PREFIX}/bin" "${cni_dir}/rangeguard")
  endif()
  file(REMOVE "${root}${CMAKE_INSTALL_PREFIX}/bin/rangeguard")
  file(CREATE_LINK "${target}" "${root}${CMAKE_INSTALL_PREFIX}/bin/rangeguard" SYMBOLIC)
  message(STATUS "Installed: ${root}${CMAKE_INSTALL_PREFIX}/bin/rangeguard")
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${CMAKE_INSTALL_PREFIX}/bin/rangeguard")
endif()

# Where ADDs read policies when a configuration names none: only root writes there.
file(MAKE_DIRECTORY "${root}${etc}/rangeguard/reserved.d")
file(CHMOD "${root}${etc}/rangeguard" "${root}${etc}/rangeguard/reserved.d"
  PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
