#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON Schemas beside the readers of the same files.

Usage: schema.py RANGEGUARD SCHEMA_READERS SOURCE_DIR [ROUNDS [SEED]]

Documents are made from the schemas, and changed at random in one place. What a reader takes, its schema must take; what a
schema takes, its reader must take, but for what no schema can know (BEYOND).
"""
import copy, glob, json, os, random, re, subprocess, sys
import jsonschema

RANGEGUARD, READERS, SOURCE = sys.argv[1:4]
ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 300
STRANGE = ROUNDS // 6  # documents in each of whose objects a key is put that nobody knows
SEED = int(sys.argv[5]) if len(sys.argv) > 5 else random.randrange(10**9)
NAMES = ["network", "policy", "cluster", "agent"]
random.seed(SEED)

# What takes more than a look at one place: ranges beside each other, families, policies and files on the disk, text that
# has the form of an address and is none.
BEYOND = re.compile(
    # addresses beside each other
    r"overlaps range|is not in subnet|is before the range's first|is not of the (subnet|network)'s|must be of one family|in none of the ranges|"
    r"belongs to the pods of|touches reserved range|lies in reserved range|no usable address|do not fit into subnet|"
    r"no range gives an address of that family|more than one address of a family|has no source of its family|is the second source|hosts share need|is named twice|sources of a family|has two of one family|"
    r"no address for a container|can't be the source of|too small for IPv6|its only one is the gateway|is never given|"
    r"of a network's own range|size is \d+; it must be between|reserved range of a route|captures traffic of|"
    # texts that look like addresses, dates or names
    r"is not an IP address|is not a network in the form|needs a dst in the form|host bits set|bits set after its prefix|must be FIRST-LAST|"
    r"must be ADDRESS/LENGTH|must be an IP address|a destination must be|an element of nonMasq must be|base must be a CIDR|day of the calendar|"
    # names beside each other, files, and who calls
    r"names are unique|(No such file or|Not a|Is a) directory|there is none before it|can't be read|guard stands at .* already|is set, but no range is reserved|another IPAM|only one counts|"
    # words that are nearly another one
    r"^type is .*; did you mean")



class Readers:
    """What the program itself says of a document."""

    def __init__(self):
        self.process = subprocess.Popen([READERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def errors(self, name, document):
        self.process.stdin.write(f"{name} {json.dumps(document)}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class Maker:
    """Documents from a schema: of every kind of value that it describes some are made."""

    def __init__(self, schema):
        self.root = schema

    def resolve(self, schema):
        while isinstance(schema, dict) and "$ref" in schema:
            target = self.root
            for step in schema["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
        if isinstance(schema, dict) and "allOf" in schema and "type" not in schema:
            whole = self.resolve(schema["allOf"][0])
            for part in schema["allOf"][1:]:
                whole = {**whole, "properties": {**whole["properties"], **part["properties"]}}
            schema = whole
        return schema

    def make(self, schema, depth=0):
        schema = self.resolve(schema)
        if schema is True:
            return random.choice(["text", 1, True, ["text"], {"key": "text"}])
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return random.choice([v for v in schema["enum"] if v is not None] or schema["enum"])
        if "examples" in schema:
            return random.choice(schema["examples"])
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            return self.make_object(schema, depth)
        for alternatives in ("oneOf", "anyOf"):
            if alternatives in schema and kind is None:
                return self.make(random.choice(schema[alternatives]), depth)
        if kind == "array":
            return self.make_array(schema, depth)
        if kind in ("integer", "number"):
            low, high = schema.get("minimum", 0), schema.get("maximum", 10**6)
            return random.choice([low, high, (low + high) // 2] if "anyOf" not in schema else [0, 1500])
        return {"boolean": random.choice([True, False]), "string": "text"}[kind]

    def make_array(self, schema, depth):
        low = schema.get("minItems", 0)
        high = min(schema.get("maxItems", low + 2), low + 2 - min(depth // 4, 2)) if low else random.choice([0, 1, 1, 2])
        return [self.make(schema.get("items", True), depth + 1) for _ in range(max(low, min(high, schema.get("maxItems", high))))]

    def make_object(self, schema, depth):
        made, wanted = {}, list(schema.get("required", []))
        properties = schema.get("properties", {})
        for alternatives in ("oneOf", "anyOf"):
            choices = [c["required"] for c in schema.get(alternatives, []) if "required" in c]
            # Of those that exclude each other the keys of one alone
            if choices:
                chosen = random.choice(choices)
                wanted += chosen
                barred = set(sum(choices, [])) - set(chosen) if alternatives == "oneOf" else set()
                properties = {k: v for k, v in properties.items() if k not in barred}
        if "if" in schema or "additionalProperties" not in schema:
            properties = {k: v for k, v in properties.items()}
        for key, value in properties.items():
            if value is not True and (key in wanted or random.random() < (0.5 if depth < 2 else 0.35)):
                made[key] = self.make(value, depth + 1)
        for key, others in schema.get("dependentRequired", {}).items():
            if key in made:
                for other in others:
                    made.setdefault(other, self.make(properties[other], depth + 1))
        if "additionalProperties" in schema and schema["additionalProperties"] not in (False, True) and not properties:
            made["status"] = self.make(schema["additionalProperties"], depth + 1)
        if random.random() < 0.1 and schema.get("patternProperties"):
            made["x-note"] = "a comment"
        return made


def cohere(ipam):
    """Ranges that don't get into each other's way, with the keys that were made."""
    number = 0
    for entry in [ipam] + [r for ranges in ipam.get("ranges", []) for r in ranges]:
        for key, host in (("rangeStart", 10), ("rangeEnd", 250), ("gateway", 1), ("subnet", 0)):
            if entry is ipam and "subnet" not in ipam:
                entry.pop(key, None)
            elif key in entry:
                entry[key] = f"10.{20 + number}.0.{host}" + ("/24" if key == "subnet" else "")
        number += 1
    base = 20 if "subnet" in ipam else 21
    for i, fixed in enumerate(ipam.get("fixed", [])):
        fixed["addresses"] = [f"10.{base}.0.{100 + 10 * i + j}" for j in range(len(fixed["addresses"]))]
    for route in ipam.get("routes", []):
        route.update({"dst": "198.51.100.0/24"}, **({"gw": "169.254.1.1"} if "gw" in route else {}))
    if "blocks" in ipam:
        ipam["blocks"] = {"ipv4": 26}
    return ipam


def cohere_all(entry):
    """The same for an entry with pins and policies."""
    for i, pin in enumerate(entry.get("snat", [])):
        pin.update(name=f"pin{i}", source=["192.0.2.10"])
    for guard in (entry.get("guard"), entry.get("ipam", {}).get("guard")):
        if guard:
            guard.pop("required", None)
            guard.pop("policies", None)
            for reserved in guard.get("reserved", []):
                reserved.update({k: v for k, v in (("cidr", "10.99.0.0/24"), ("range", "10.98.0.1-10.98.0.9")) if k in reserved})
    if "ipam" in entry:
        cohere(entry["ipam"])
    return entry


def documents(name, maker, schema):
    """An endless stream of documents: of plugins alone, in lists, of each role."""
    defs = schema.get("$defs", {})
    while True:
        if name != "network":
            yield maker.make(schema)
            continue
        entry = maker.make(defs["rangeguard"])
        if random.random() < 0.3:
            entry = {**maker.make(defs["delegating"]), "type": "bridge"}
            entry["ipam"] = maker.make(defs["ipamOfDelegate"])
            if random.random() < 0.5:
                entry.pop("guard", None)
        if random.random() < 0.8:
            entry = cohere_all(entry)
        head = {"cniVersion": random.choice(["0.4.0", "1.0.0", "1.1.0"]), "name": "pods"}
        if random.random() < 0.5:
            yield {**head, "plugins": [{"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.8.0.0/24"}}, entry]
                   if "ipam" not in entry else [entry]}
        else:
            entry.setdefault("ipam", cohere(maker.make(defs["ipam"])))
            yield {**head, **entry}


def places(value, path=()):
    """All places in a document."""
    yield path
    if isinstance(value, dict):
        for key, member in value.items():
            if not key.startswith("x-"):
                yield from places(member, path + (key,))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from places(member, path + (index,))


def at(document, path):
    for step in path:
        document = document[step]
    return document


def free(path):
    """Whether nobody looks at what stands there, or it is another plugin's."""
    return any(step in ("args", "prevResult", "runtimeConfig", "disableCheck", "disableGC",
                        "loadOnlyInlinedPlugins", "cniVersions", "$schema") for step in path)


def change(document):
    """The document, changed in one place; None: nothing could be changed there."""
    document = copy.deepcopy(document)
    candidates = [p for p in places(document) if p and not free(p)]
    if not candidates:
        return None
    path = random.choice(candidates)
    parent, key = at(document, path[:-1]), path[-1]
    value = parent[key]
    if path[0] == "plugins" and len(path) > 1 and "ipam" in document["plugins"][0] and path[1] == 0 \
            and document["plugins"][0].get("type") == "bridge" and document["plugins"][0]["ipam"]["type"] == "host-local":
        return None
    how = random.randrange(7)
    if how == 0 and isinstance(parent, dict):
        del parent[key]
    elif how == 1 and isinstance(parent, dict):
        parent[random.choice([key + "s", key.capitalize() if key[:1].islower() else key.lower(), "bogus"])] = parent.pop(key)
    elif how == 2:
        parent[key] = random.choice(["text", 7, True, [], {}, ["text"], {"key": 1}, "", -1, 10**12, 3.5, "/nowhere"])
    elif how == 3 and isinstance(value, list):
        value.append(random.choice(["text", 7, {}, [], False]))
    elif how == 4 and isinstance(value, dict):
        value[random.choice(["x-note", "cni.dev/x", "$schema", "comment", "X-note", "ref", "mtu"])] = "text"
    elif how == 5 and isinstance(value, str):
        parent[key] = random.choice([value.upper(), value + " ", " " + value, "", value[1:], value + value])
    elif how == 6 and isinstance(value, int) and not isinstance(value, bool):
        parent[key] = random.choice([value + 1, value - 1, -value, value * 10**7, str(value), value + 0.5])
    else:
        return None
    return document


def strange(document):
    """The document with a key that nobody knows, in each of its objects in turn: a schema that takes it there is seen, by no luck."""
    for path in places(document):
        if isinstance(at(document, path), dict) and not free(path) and "bogus" not in at(document, path):
            copied = copy.deepcopy(document)
            at(copied, path)["bogus"] = "text"
            yield copied


def misplaced(document):
    """The document with each key of a plugin's own beside the list of plugins, where no plugin gets it."""
    for plugin in document.get("plugins", []):
        for key in set(plugin) - {"type", "name", "cniVersion"}:
            yield {**copy.deepcopy(document), key: copy.deepcopy(plugin[key])}


def is_null_or_real(document):
    """null counts as absent and 5.0 as no integer: in both the schemas differ from the readers on purpose."""
    return re.search(r"\bnull\b|\b\d+\.0\b", json.dumps(document)) is not None


def disagreement(validator, readers, name, document):
    """A text about it, or None."""
    complaints = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:120]}" for e in validator.iter_errors(document)]
    errors = readers.errors(name, document)
    if not errors and complaints and not is_null_or_real(document):
        return f"the reader takes what the schema refuses: {complaints[:3]}"
    told = [e for e in errors if not BEYOND.search(e[3])]
    if told and not complaints:
        return f"the schema takes what the reader refuses: {told[:3]}"
    return None


def load(name):
    """As the program prints it, which is as it stands in the tree."""
    printed = subprocess.run([RANGEGUARD, "schema", name], capture_output=True, text=True, check=True).stdout
    with open(f"{SOURCE}/plugin/schema/{name}.json", encoding="utf-8") as file:
        assert printed == file.read(), f"{name}: not what stands in the tree"
    schema = json.loads(printed)
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def fuzz(name, schema, readers):
    """Made and changed documents; the number of failures."""
    validator, maker = jsonschema.Draft202012Validator(schema), Maker(schema)
    stream, failures, counts = documents(name, maker, schema), [], {"taken": 0, "refused": 0}
    for number in range(ROUNDS):
        document = next(stream)
        changed = [c for c in (change(document) for _ in range(3)) if c is not None]
        for candidate in [document] + changed + (list(strange(document)) + list(misplaced(document)) if number < STRANGE else []):
            text = disagreement(validator, readers, name, candidate)
            counts["refused" if readers.errors(name, candidate) else "taken"] += 1
            if text:
                failures.append(f"{name}: {text}\n    {json.dumps(candidate)}")
    print(f"{name}: {counts['taken']} taken, {counts['refused']} refused by the reader")
    assert min(counts.values()) > ROUNDS / 50, f"{name}: the documents are all of one kind"
    return failures


def tables():
    """The tables of keys in the readers' sources: each key of theirs stands in a schema."""
    known = set(re.findall(r'"([^"]+)": ', "".join(open(f, encoding="utf-8").read() for f in glob.glob(f"{SOURCE}/plugin/schema/*.json"))))
    failures = []
    for file in glob.glob(f"{SOURCE}/plugin/netconf/*.c") + [f"{SOURCE}/plugin/{f}" for f in (
            "policy/policy.c", "policy/import_spec.c", "policy/import_columns.c", "agent/config.c", "agent/cluster_config.c")]:
        for table in re.findall(r"\w*keys\[\] = \{([^}]*)\}", open(file, encoding="utf-8").read()):
            failures += [f"{os.path.basename(file)}: key {k} stands in no schema" for k in re.findall(r'"([^"]+)"', table)
                         if k not in known and not k.startswith("rangeguard.dev/")]
    return failures


def examples():
    """What is shown to people, and what validate prints of it."""
    failures = []
    network, policy, findings = (jsonschema.Draft202012Validator(load(n)) for n in ("network", "policy", "findings"))
    files = glob.glob(f"{SOURCE}/conf-examples/*.conflist") + glob.glob(f"{SOURCE}/conf-examples/[!io]*/*.conflist")
    policies = glob.glob(f"{SOURCE}/conf-examples/**/policy.json", recursive=True)
    assert len(files) > 10 and len(policies) > 3
    for validator, paths in ((network, files), (policy, policies)):
        for path in paths:
            failures += [f"{path}: {e.message[:200]}" for e in validator.iter_errors(json.load(open(path, encoding="utf-8")))]
    output = subprocess.run([RANGEGUARD, "validate", "--format", "json", f"{SOURCE}/conf-examples"], capture_output=True, text=True).stdout
    failures += [f"findings: {e.message[:200]}" for e in findings.iter_errors(json.loads(output))]
    for name, path in (("cluster", "cluster/cluster.json"), ("agent", "docker/agent.json")):
        with open(f"{SOURCE}/conf-examples/{path}", encoding="utf-8") as file:
            failures += [f"{path}: {e.message[:200]}" for e in jsonschema.Draft202012Validator(load(name)).iter_errors(json.load(file))]
    return failures


def main():
    print(f"seed {SEED}")
    readers, failures = Readers(), tables() + examples()
    network, policy, agent = (load(n)["$defs"] for n in ("network", "policy", "agent"))
    for name in ("reservedEntry", "grantedEntry", "address", "cidr"):
        assert network[name] == policy[name] == agent[name], f"{name} is not the same in all schemas"
    assert network["guard"] == agent["guard"], "guard is not the same in both schemas"
    for name in NAMES:
        failures += fuzz(name, load(name), readers)
    for failure in failures[:20]:
        print(f"FAILED {failure}")
    print(f"{len(failures)} disagreements")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
