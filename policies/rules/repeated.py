"""Policies that the state of their owner repeats.

A policy that is a resource of its own also shows in what it belongs to, once that was refreshed: in a role, a queue, a
topic or a bucket. Judged there too, each finding would come twice, and a waiver for the policy would not cover it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from . import s3, sns, sqs
from .companions import companions
from .iam import ROLE, ROLE_POLICY
from .rule import Resource
from .values import entries, look_up


@dataclass(frozen=True)
class _Owner:
    """A type that shows its policy, and the types that carry it: whose `name_property` is the owner's `identity`."""

    identity: str
    policies: tuple[str, ...]
    name_property: str


_OWNERS = {
    sqs.QUEUE: _Owner("url", (sqs.POLICY,), "queueUrl"),
    sns.TOPIC: _Owner("arn", (sns.POLICY,), "arn"),
    **dict.fromkeys(s3.BUCKET, _Owner("bucket", s3.POLICY, "bucket")),
}


def without_repeated(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The resources, each policy once: where the stack has it by itself, it is judged there.

    What only its owner shows was attached by somebody else, or stated in place, and stays.
    """
    known = tuple(resources)
    return tuple(_once(resource, known) for resource in known)


def _once(resource: Resource, known: tuple[Resource, ...]) -> Resource:
    if resource.type == ROLE:
        return _without_own_policies(resource, known)
    owner = _OWNERS.get(resource.type)
    if owner is None or "policy" not in resource.properties:
        return resource
    if not companions(known, owner.policies, owner.name_property, resource, owner.identity).found:
        return resource
    return replace(resource, properties={**resource.properties, "policy": None})


def _without_own_policies(role: Resource, known: tuple[Resource, ...]) -> Resource:
    inline = entries(look_up(role.properties, "inlinePolicies"))
    own = companions(known, (ROLE_POLICY,), "role", role, "name").found
    names = {look_up(policy.properties, "name") for policy in own}
    foreign = [policy for policy in inline if look_up(policy, "name") not in names]
    if len(foreign) == len(inline):
        return role
    return replace(role, properties={**role.properties, "inlinePolicies": foreign})
