# SPDX-License-Identifier: GPL-2.0-or-later
#
# cmake -DBUILD_DIR=… -P install.cmake: installs twice below a directory of its own; the second time it replaces the
# first program by another file of that name, and nothing else is left beside it.
string(RANDOM LENGTH 12 name)
set(root "$ENV{TMPDIR}")
if(NOT root)
  set(root /tmp)
endif()
set(root "${root}/rangeguard-install-${name}")
set(ENV{DESTDIR} "${root}")

foreach(round first second)
  execute_process(COMMAND ${CMAKE_COMMAND} --install "${BUILD_DIR}" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB_RECURSE installed RELATIVE "${root}" LIST_DIRECTORIES false "${root}/*" "${root}/.*" "${root}/opt/cni/bin/.*")
  execute_process(COMMAND stat -c %a:%i "${root}/opt/cni/bin/rangeguard" OUTPUT_VARIABLE ${round} COMMAND_ERROR_IS_FATAL ANY)
  # The agent's parts, the link that people call and what they read go below the prefix.
  list(FILTER installed EXCLUDE REGEX "(/bin/rangeguard|/share/(doc|man)/.*)$")
  list(APPEND installed opt/cni/bin/rangeguard)
  if(NOT EXISTS "${root}/opt/cni/bin/rangeguard" OR NOT IS_DIRECTORY "${root}/etc/rangeguard/reserved.d")
    message(FATAL_ERROR "program or directory for policies missing")
  endif()
  list(FILTER installed EXCLUDE REGEX "(/sbin/rangeguard-agent|/lib/systemd/system/rangeguard-agent\\.(service|socket))$")
  if(NOT installed STREQUAL "opt/cni/bin/rangeguard")
    message(FATAL_ERROR "installed: ${installed}")
  endif()
  if(NOT ${round} MATCHES "^755:")
    message(FATAL_ERROR "mode and inode: ${${round}}")
  endif()
endforeach()
if(first STREQUAL second)
  message(FATAL_ERROR "written over in place: a runtime that executes it would get \"text file busy\"")
endif()
file(REMOVE_RECURSE "${root}")
