#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first process of a virtual machine: runs the part that the kernel's arguments name (rangeguard.part=SCRIPT), which
# writes to the second serial line, and switches the machine off, or on again if the part says so (exit status 99).
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8

# argument NAME: its value among those of the kernel
argument()
{
	sed -n "s/.*rangeguard\.$1=\([^ ]*\).*/\1/p" /proc/cmdline
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
ln -s /proc/self/fd /dev/fd
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
stty -F /dev/ttyS1 raw
ip link set lo up
export RANGEGUARD=/work/rangeguard RANGEGUARD_VM_SECONDS
RANGEGUARD_VM_SECONDS=$(argument seconds)
status=0
cd /work || exit
setsid "/work/tests/vm/$(argument part)" >/dev/ttyS1 2>&1 </dev/null || status=$?
sync
if ((status == 99)); then
	exec busybox reboot -f
fi
exec busybox poweroff -f
