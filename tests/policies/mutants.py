"""Every way in which one setting of a captured stack is taken out or widened, generated from the stack itself."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from policies.rules.rule import Resource
from policies.rules.values import UNKNOWN

STRANGER = "999999999999"
"""An account that no landing zone of the tests holds."""

IMAGE_BUILDER = "arn:aws:imagebuilder:us-east-1"
KEY_PROPERTIES = ("kmsKeyId", "kmsKeyArn", "kmsMasterKeyId")
FLAGS = ("encrypted", "enableKeyRotation")
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
NEVER_DELETED = ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey", "aws:s3/bucket:Bucket")
WORSE = {
    ("aws:kms/grant:Grant", "granteePrincipal"): f"arn:aws:iam::{STRANGER}:role/any",
    ("aws:lambda/permission:Permission", "principal"): "*",
    ("aws:s3/bucketVersioning:BucketVersioning", "status"): "Suspended",
    ("aws:s3/bucket:Bucket", "forceDestroy"): True,
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn"): ADMINISTRATOR,
    ("aws:kms/key:Key", "deletionWindowInDays"): 7,
    ("aws:kms/replicaKey:ReplicaKey", "deletionWindowInDays"): 7,
}
"""What single properties of types are changed to."""

PROTECTION = (
    "blockPublicAcls",
    "blockPublicPolicy",
    "ignorePublicAcls",
    "restrictPublicBuckets",
    "objectOwnership",
    "httpTokens",
    "httpPutResponseHopLimit",
    "deadLetterConfig",
    "retentionInDays",
    "sseAlgorithm",
    "sourceArn",
    "sourceAccount",
    "securityGroupIds",
    "subnetId",
)
DOCUMENTS = ("policy", "assumeRolePolicy")
REPEATING = ("aws:s3/bucket:Bucket",)
"""Types whose state repeats what other resources of the stack set."""


@dataclass(frozen=True)
class Mutant:
    """A stack in which one thing of one resource is worse; `name` says what and where."""

    name: str
    resources: tuple[Resource, ...]
    changed: Resource


def mutants(resources: tuple[Resource, ...]) -> Iterator[Mutant]:
    """All mutants of a stack, in a fixed order."""
    for index, resource in enumerate(resources):
        if not resource.type.startswith("aws:"):
            continue
        for what, changed in _of_resource(resource):
            several = list(resources)
            several[index] = changed
            yield Mutant(f"{resource.type.rpartition(':')[2]} {resource.name}: {what}", tuple(several), changed)


def _of_resource(resource: Resource) -> Iterator[tuple[str, Resource]]:
    if resource.type in NEVER_DELETED:
        yield "unprotected", replace(resource, protected=False)
    for path in _paths(resource.properties):
        name = next(part for part in reversed(path) if isinstance(part, str))
        value = _at(resource.properties, path)
        if name in KEY_PROPERTIES and (value is UNKNOWN or (isinstance(value, str) and value)):
            yield f"{path} removed", _with(resource, path, None)
            yield f"{path} is AWS's own key", _with(resource, path, "alias/aws/ebs")
        if (resource.type, name) in WORSE and isinstance(path[-1], str):
            worse = WORSE[resource.type, name]
            yield f"{path} is {worse}", _with(resource, path, worse)
        if resource.type in REPEATING:
            continue
        # A component's flag only tells that it has a key.
        if (name in FLAGS and value in (True, "true") and len(path) != 1) or (name == "enableKeyRotation" and value):
            yield f"{path} off", _with(resource, path, False if value is True else "false")
            yield f"{path} removed", _with(resource, path, None)
        if name in PROTECTION and value and isinstance(path[-1], str):
            yield f"{path} removed", _with(resource, path, None)
        if name in ("targetAccountIds", "userIds") and isinstance(path[-1], int):
            yield f"{path} is a stranger", _with(resource, path, STRANGER)
        if name == "parentImage":
            yield f"{path} is a stranger's", _with(resource, path, f"{IMAGE_BUILDER}:{STRANGER}:image/base/x.x.x")
            yield f"{path} is of nobody knows whom", _with(resource, path, "ami-0123456789abcdef0")
        if name in DOCUMENTS and isinstance(value, str) and value.startswith("{"):
            for what, document in _of_document(json.loads(value)):
                yield f"{name} {what}", _with(resource, path, json.dumps(document))


def _of_document(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, statement in enumerate(document["Statement"]):
        sid = statement.get("Sid", index)

        def changed(position: int = index, **elements: Any) -> dict[str, Any]:
            altered = copy.deepcopy(document)
            altered["Statement"][position].update(elements)
            return altered

        if statement["Effect"] == "Deny":
            rest = [other for other in document["Statement"] if other is not statement]
            yield f"{sid} left out", {**document, "Statement": rest}
            continue
        for operator, keys in statement.get("Condition", {}).items():
            for key in keys:
                fewer = copy.deepcopy(statement["Condition"])
                del fewer[operator][key]
                yield f"{sid} without {key}", changed(Condition={name: left for name, left in fewer.items() if left})
                if not operator.startswith("Bool"):
                    wide = copy.deepcopy(statement["Condition"])
                    wide[operator][key] = "*"
                    yield f"{sid} with any {key}", changed(Condition=wide)
        if "Principal" in statement:
            yield f"{sid} for everybody", changed(Principal="*")
            yield f"{sid} for a stranger", changed(Principal={"AWS": f"arn:aws:iam::{STRANGER}:root"})
        elif statement.get("Resource") != "*":
            yield f"{sid} on everything", changed(Resource="*")
        if "Principal" not in statement:
            yield f"{sid} everything", changed(Action="*", Resource="*")


def _paths(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield (*above, key)
            yield from _paths(entry, (*above, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield (*above, index)
            yield from _paths(entry, (*above, index))


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _with(resource: Resource, path: tuple[str | int, ...], value: Any) -> Resource:
    """The resource with another value at a path; None takes it out."""
    properties = copy.deepcopy(resource.properties)
    inner = _at(properties, path[:-1])
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return replace(resource, properties=properties)
