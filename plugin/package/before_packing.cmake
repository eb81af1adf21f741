# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run by cpack when the files of a package are in place: what Debian's policy wants beside them, and the same times
# whoever packs and whenever (SOURCE_DATE_EPOCH, or the last commit).
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  execute_process(COMMAND git -c safe.directory=* -C "${CMAKE_CURRENT_LIST_DIR}" log -1 --format=%ct
    OUTPUT_VARIABLE epoch OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(failed OR epoch STREQUAL "")
    set(epoch 1)
  endif()
  set(ENV{SOURCE_DATE_EPOCH} "${epoch}")
endif()

file(READ "${CMAKE_CURRENT_LIST_DIR}/copyright" copyright)
file(GLOB components LIST_DIRECTORIES true "${CPACK_TEMPORARY_DIRECTORY}/*")
foreach(component IN LISTS components)
  if(NOT IS_DIRECTORY "${component}")
    continue()
  endif()
  get_filename_component(name "${component}" NAME)
  set(package rangeguard)
  if(name STREQUAL agent)
    set(package rangeguard-agent)
  endif()
  file(COPY "${CMAKE_CURRENT_LIST_DIR}/copyright" DESTINATION "${component}/usr/share/doc/${package}")
  if(CPACK_GENERATOR STREQUAL DEB)
    execute_process(COMMAND date -u -R -d "@$ENV{SOURCE_DATE_EPOCH}" OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE)
    set(changelog "${component}/usr/share/doc/${package}/changelog")
    file(WRITE "${changelog}" "${package} (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * See CHANGELOG.md.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
    execute_process(COMMAND gzip -9nf "${changelog}")
    file(COPY "${CMAKE_CURRENT_LIST_DIR}/${package}.lintian" DESTINATION "${component}/usr/share/lintian/overrides")
    file(RENAME "${component}/usr/share/lintian/overrides/${package}.lintian"
      "${component}/usr/share/lintian/overrides/${package}")
  endif()
  file(GLOB_RECURSE pages "${component}/usr/share/man/*")
  foreach(page IN LISTS pages)
    # The list of files of a tarball has been made already.
    if(NOT page MATCHES "\\.gz$" AND NOT CPACK_GENERATOR STREQUAL TGZ)
      execute_process(COMMAND gzip -9nf "${page}")
    endif()
  endforeach()
  file(GLOB programs "${component}/usr/sbin/*")
  foreach(program IN LISTS programs)
    execute_process(COMMAND strip --strip-unneeded "${program}")
  endforeach()
  execute_process(COMMAND chmod -R go-w,a+rX "${component}")
  execute_process(COMMAND find "${component}" -exec touch -h -d "@$ENV{SOURCE_DATE_EPOCH}" {} +)
endforeach()
