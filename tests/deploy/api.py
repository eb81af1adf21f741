#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""api.py PORT: as much of a Kubernetes API server as `kubectl apply --dry-run=client` asks for: which kinds there are. It
holds no object."""

import http.server
import json
import sys


def resource(name, kind, namespaced, group="", version="v1"):
    return {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "group": group, "version": version,
            "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"]}


GROUPS = {
    "apps": [resource("daemonsets", "DaemonSet", True, "apps")],
    "rbac.authorization.k8s.io": [resource("roles", "Role", True, "rbac.authorization.k8s.io")],
}
DOCUMENTS = {
    "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [
        resource("namespaces", "Namespace", False), resource("configmaps", "ConfigMap", True),
        resource("serviceaccounts", "ServiceAccount", True)]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
        {"name": group, "versions": [{"groupVersion": group + "/v1", "version": "v1"}],
         "preferredVersion": {"groupVersion": group + "/v1", "version": "v1"}} for group in GROUPS]},
}
for group, resources in GROUPS.items():
    DOCUMENTS["/apis/" + group + "/v1"] = {"kind": "APIResourceList", "groupVersion": group + "/v1", "resources": resources}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        document = DOCUMENTS.get(self.path.split("?")[0])
        body = document or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        data = json.dumps(body).encode()
        self.send_response(200 if document else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
