#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A small client of the Container Runtime Interface: what kubelet asks of containerd, from a shell.

Usage: cri.py SOCKET COMMAND [ARGUMENT…], where cri_pb2 (protoc --python_out of cri.proto) is on PYTHONPATH.

  run NAME [KEY=VALUE…]  RunPodSandbox of pod NAME in namespace "default"; its id. KEY=VALUE: annotations;
                         hostPort=N: a port mapping
  run-many N             N of them at once, named pod-0 …; a line "ID" or "error: …" each
  status ID              its addresses, one a line
  stop ID | remove ID    StopPodSandbox, RemovePodSandbox
  remove-all             stops and removes all, at once
  list                   ids
  pod-cidr CIDR[,CIDR]   UpdateRuntimeConfig
  network-ready          the condition NetworkReady: "true", or its message
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import cri_pb2 as cri
import grpc

DEADLINE_S = float(os.environ.get("CRI_DEADLINE_S", "120"))
# kubelet starts several pods at a time; more than this only wait inside of containerd
AT_ONCE = 100


def call(channel, method, request, response_type):
    """One call of runtime.v1.RuntimeService; raises grpc.RpcError."""
    stub = channel.unary_unary(
        f"/runtime.v1.RuntimeService/{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=response_type.FromString,
    )
    return stub(request, timeout=DEADLINE_S)


def run(channel, name, options=()):
    """RunPodSandbox; its id."""
    config = cri.PodSandboxConfig(
        metadata=cri.PodSandboxMetadata(name=name, uid=f"uid-{name}", namespace="default"),
        hostname=name,
        linux=cri.LinuxPodSandboxConfig(cgroup_parent="/" + os.environ["TEST_CGROUP"]),
    )
    for option in options:
        key, value = option.split("=", 1)
        if key == "hostPort":
            config.port_mappings.append(cri.PortMapping(container_port=80, host_port=int(value)))
        else:
            config.annotations[key] = value
    return call(channel, "RunPodSandbox", cri.RunPodSandboxRequest(config=config), cri.RunPodSandboxResponse).pod_sandbox_id


def run_or_error(channel, name):
    """The id, or what went wrong. As kubelet does, again while the plugin says so (a lock that others held for 5 s)."""
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            return run(channel, name)
        except grpc.RpcError as error:
            if "try again" not in error.details() or time.monotonic() > end:
                return f"error: {error.details()}"


def stop(channel, sandbox):
    call(channel, "StopPodSandbox", cri.PodSandboxRequest(pod_sandbox_id=sandbox), cri.Empty)


def remove(channel, sandbox):
    call(channel, "RemovePodSandbox", cri.PodSandboxRequest(pod_sandbox_id=sandbox), cri.Empty)


def list_ids(channel):
    return [item.id for item in call(channel, "ListPodSandbox", cri.Empty(), cri.ListPodSandboxResponse).items]


def stop_and_remove(channel, sandbox):
    stop(channel, sandbox)
    remove(channel, sandbox)


def addresses(channel, sandbox):
    status = call(channel, "PodSandboxStatus", cri.PodSandboxRequest(pod_sandbox_id=sandbox), cri.PodSandboxStatusResponse)
    network = status.status.network
    return [network.ip] + [additional.ip for additional in network.additional_ips]


def network_ready(channel):
    for condition in call(channel, "Status", cri.Empty(), cri.StatusResponse).status.conditions:
        if condition.type == "NetworkReady":
            return "true" if condition.status else condition.message
    return "no condition NetworkReady"


def main(arguments):
    socket, command, *rest = arguments
    with grpc.insecure_channel(f"unix://{socket}") as channel, ThreadPoolExecutor(AT_ONCE) as pool:
        if command == "run":
            print(run(channel, rest[0], rest[1:]))
        elif command == "run-many":
            names = [f"pod-{i}" for i in range(int(rest[0]))]
            for line in pool.map(lambda name: run_or_error(channel, name), names):
                print(line, flush=True)
        elif command == "status":
            print("\n".join(addresses(channel, rest[0])))
        elif command == "stop":
            stop(channel, rest[0])
        elif command == "remove":
            remove(channel, rest[0])
        elif command == "remove-all":
            list(pool.map(lambda sandbox: stop_and_remove(channel, sandbox), list_ids(channel)))
        elif command == "list":
            print("\n".join(list_ids(channel)))
        elif command == "pod-cidr":
            config = cri.RuntimeConfig(network_config=cri.NetworkConfig(pod_cidr=rest[0]))
            call(channel, "UpdateRuntimeConfig", cri.UpdateRuntimeConfigRequest(runtime_config=config), cri.Empty)
        elif command == "network-ready":
            print(network_ready(channel))
        else:
            sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except grpc.RpcError as error:
        sys.exit(error.details())
