"""What decides about launches from an image, read out of the resources of a product's stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from model.access import Grant, NamedPolicy, ResourceSide
from model.launch_access import Place

from .iam import ROLE, ROLE_POLICY
from .imagebuilder import DISTRIBUTION
from .kms import GRANT, KEYS
from .rule import Resource
from .symbols import key_arn
from .values import UNKNOWN, entries, look_up

KEY_OF_REGION = re.compile(r"\$\{imageKey\.([a-z0-9-]+)\}")
"""What stands, in a document that a component registers, for the image key of a Region."""


@dataclass(frozen=True)
class Promise:
    """A consumer role's ARN and the Regions in which the product file lets it launch.

    `create` tells whether the stack makes the role, `auto_scaling` whether the account's Auto Scaling launches too.
    """

    arn: str
    regions: tuple[str, ...]
    create: bool
    auto_scaling: bool

    @property
    def account(self) -> str:
        """Id of the role's account."""
        return self.arn.split(":")[4]

    @property
    def role(self) -> str:
        """The role's name without its path."""
        return self.arn.rsplit("/", 1)[-1]


def promises(pipeline: Resource) -> tuple[Promise, ...]:
    """What a product's component says its consumers can do."""
    return tuple(
        Promise(
            str(look_up(entry, "arn")),
            tuple(str(region) for region in entries(look_up(entry, "regions"))),
            look_up(entry, "create") is True,
            look_up(entry, "autoScaling") is True,
        )
        for entry in entries(look_up(pipeline.properties, "consumers"))
        if entry is not UNKNOWN
    )


def key_places(resources: tuple[Resource, ...], pipeline: Resource) -> Mapping[tuple[str, str], Place]:
    """By account and Region what a stack's distribution gives an account, where a key of the stack encrypts it."""
    hub = str(look_up(pipeline.properties, "account"))
    keys = tuple(resource for resource in resources if resource.type in KEYS)
    places: dict[tuple[str, str], Place] = {}
    for distribution in resources:
        if distribution.type != DISTRIBUTION:
            continue
        for entry in entries(look_up(distribution.properties, "distributions")):
            key = _key_of(entry, distribution, keys)
            arn = key_arn(key) if key else None
            if key is not None and arn is not None:
                side = _side(key, arn, resources)
                places.update({(place.account, place.region): place for place in _places(entry, hub, arn, side)})
    return places


def policies_of(promise: Promise, resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """The inline policies that a stack gives a consumer role."""
    roles = {
        resource.urn
        for resource in resources
        if resource.type == ROLE
        and resource.account == promise.account
        and look_up(resource.properties, "name") == promise.role
    }
    return tuple(
        resource
        for resource in resources
        if resource.type == ROLE_POLICY
        and resource.account == promise.account
        and (
            look_up(resource.properties, "role") == promise.role
            or bool(roles & resource.sources.get("role", frozenset()))
        )
    )


def document_of(policy: Resource, resources: tuple[Resource, ...]) -> Mapping[str, Any] | None:
    """A role's policy; None where it is unknown.

    One that is unknown for the sake of keys only is taken from what its component registers: the same document with
    `${imageKey.<Region>}` in the place of each key. Only keys that the policy's value comes from are put in.
    """
    stated = look_up(policy.properties, "policy")
    if stated is not UNKNOWN:
        return cast(dict[str, Any], json.loads(stated))
    known = {resource.urn: resource for resource in resources}
    registered = look_up(known[policy.parent].properties, "policies") if policy.parent in known else None
    document = look_up(registered, policy.name)
    sources = [known.get(urn) for urn in policy.sources.get("policy", frozenset())]
    arns = {source.region: key_arn(source) for source in sources if source is not None and source.type in KEYS}
    if not isinstance(document, dict) or not arns:
        return None
    text = KEY_OF_REGION.sub(lambda found: arns.get(found[1]) or found[0], json.dumps(document))
    return cast(dict[str, Any], json.loads(text))


def _key_of(entry: Any, distribution: Resource, keys: tuple[Resource, ...]) -> Resource | None:
    """The key of the stack that encrypts the copies of a Region.

    Where it is unknown, the rule about keys of Regions waits; who may launch under the Region's key is known already.
    """
    stated = look_up(entry, "amiDistributionConfiguration", "kmsKeyId")
    if stated is not UNKNOWN:
        return next((key for key in keys if key_arn(key) == stated), None)
    sources = distribution.sources.get("distributions", frozenset())
    return next((key for key in keys if key.urn in sources and key.region == look_up(entry, "region")), None)


def _places(entry: Any, hub: str, arn: str, side: ResourceSide) -> Iterator[Place]:
    region = str(look_up(entry, "region"))
    settings = look_up(entry, "amiDistributionConfiguration")
    tags = look_up(settings, "amiTags")
    shown = (
        {str(key): str(value) for key, value in cast(dict[str, Any], tags).items()} if isinstance(tags, dict) else {}
    )
    targets = [str(account) for account in entries(look_up(settings, "targetAccountIds"))]
    for account in targets or [hub]:
        yield Place(account, region, f"the distribution gives {account} a copy", arn, side, tags=shown, owner=account)
    for account in entries(look_up(settings, "launchPermission", "userIds")):
        # Tags of a shared image are its owner's own.
        yield Place(str(account), region, f"the hub {hub} shares its images", arn, side, owner=hub)


def _side(key: Resource, arn: str, resources: tuple[Resource, ...]) -> ResourceSide:
    stated = look_up(key.properties, "policy")
    document = json.loads(stated) if isinstance(stated, str) else None
    return ResourceSide(
        owner=key.account or arn.split(":")[4],
        policy=NamedPolicy(f"policy of {key.name}", document) if document else None,
        required=True,
        grants=tuple(_grant(resource) for resource in resources if _is_grant_of(resource, key, arn)),
    )


def _is_grant_of(resource: Resource, key: Resource, arn: str) -> bool:
    if resource.type != GRANT:
        return False
    stated = look_up(resource.properties, "keyId")
    return stated == arn or (stated is UNKNOWN and key.urn in resource.sources.get("keyId", frozenset()))


def _grant(resource: Resource) -> Grant:
    constraint = next(iter(entries(look_up(resource.properties, "constraints"))), None)
    return Grant(
        str(look_up(resource.properties, "granteePrincipal")),
        frozenset(str(each) for each in entries(look_up(resource.properties, "operations"))),
        look_up(constraint, "encryptionContextEquals"),
        look_up(constraint, "encryptionContextSubset"),
    )
