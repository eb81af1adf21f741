# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run by cpack when packages are made. A .deb is an ar archive, into whose headers cpack writes the modes of its own
# temporary files, which the umask decides: it is put together again by ar, which has all of them the same (D).
foreach(package IN LISTS CPACK_PACKAGE_FILES)
  if(NOT package MATCHES "\\.deb$")
    continue()
  endif()
  set(parts "${package}.parts")
  file(REMOVE_RECURSE "${parts}")
  file(MAKE_DIRECTORY "${parts}")
  execute_process(COMMAND ar x "${package}" WORKING_DIRECTORY "${parts}" COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB members RELATIVE "${parts}" "${parts}/*")
  list(REMOVE_ITEM members debian-binary)
  list(SORT members)
  execute_process(COMMAND ar rcD "${package}.new" debian-binary ${members} WORKING_DIRECTORY "${parts}" COMMAND_ERROR_IS_FATAL ANY)
  file(RENAME "${package}.new" "${package}")
  file(REMOVE_RECURSE "${parts}")
endforeach()
