# SPDX-License-Identifier: GPL-2.0-or-later
#
# cmake -DSCDOC=… -DINPUT=… -DOUTPUT=… -P page.cmake: one man page. Its date is that of the release (SOURCE_DATE_EPOCH, or
# the last commit). scdoc begins each section with an empty paragraph, which mandoc minds.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  get_filename_component(directory "${INPUT}" DIRECTORY)
  execute_process(COMMAND git -c safe.directory=* -C "${directory}" log -1 --format=%ct
    OUTPUT_VARIABLE epoch OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(epoch)
    set(ENV{SOURCE_DATE_EPOCH} "${epoch}")
  endif()
endif()
execute_process(COMMAND "${SCDOC}" INPUT_FILE "${INPUT}" OUTPUT_FILE "${OUTPUT}.raw" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND sed -z -f "${CMAKE_CURRENT_LIST_DIR}/page.sed" "${OUTPUT}.raw"
  OUTPUT_FILE "${OUTPUT}" COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE "${OUTPUT}.raw")
