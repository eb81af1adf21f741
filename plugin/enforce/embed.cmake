# SPDX-License-Identifier: GPL-2.0-or-later
#
# cmake -D INPUT=FILE -D OUTPUT=HEADER -P embed.cmake: the bytes of a file as the elements of a C array.
file(READ "${INPUT}" bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
file(WRITE "${OUTPUT}" "/* SPDX-License-Identifier: GPL-2.0-or-later */\n/* Made by embed.cmake; 8 bytes, an instruction, a line */\n${bytes}\n")
