# SPDX-License-Identifier: GPL-2.0-or-later
# For sed -z, on what scdoc makes: a paragraph after each indented text, none without text, which mandoc minds.
s/\n\.RE\n/\n.RE\n.P\n/g
:again
s/\n\.P\n\(\.P\n\|\.SH\|\.SS\|\.RS\|\.RE\)/\n\1/
tagain
s/\(\n\.\(SH\|SS\|TH\) [^\n]*\)\n\.P\n/\1\n/g
s/\n\.P\n*$/\n/
