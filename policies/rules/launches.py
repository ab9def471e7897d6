"""Rules over a product's whole stack: who can launch from its image, judged on the documents that will be deployed.

`model.access` predicts what AWS decides; here its input is read out of the resources of a stack. A key that a preview
has yet to make is judged by its symbol.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pulumi_policy import Severity

from model.access import (
    NamedPolicy,
    Permissions,
    Principal,
    Request,
    ResourceSide,
    UnsupportedPolicyError,
    decide,
)
from model.launch_access import KEY_USE, Answer, LaunchAccess, Launcher, Place, Row
from model.names import auto_scaling_role_arn
from model.planned_launches import AUTO_SCALING_POLICY, LEFT_TO_EXISTING_ROLES

from .configuration import Configuration
from .launch_documents import Promise, document_of, key_places, policies_of, promises
from .rule import Resource, configured_stack_rule, stack_rule
from .values import Finding, Findings

PIPELINE = "golden-ami:product:ProductPipeline"


@stack_rule("stack-launches-require-access", Severity.HIGH, ("golden-ami",), field="product.consumers")
def require_access(resources: tuple[Resource, ...]) -> Findings:
    """Every consumer role can launch the image in every Region that the product file promises it."""
    for pipeline in resources:
        if pipeline.type == PIPELINE:
            places = key_places(resources, pipeline)
            for promise in promises(pipeline):
                yield from _kept(promise, places, resources, pipeline)


@configured_stack_rule(
    "stack-launches-forbid-strangers", Severity.CRITICAL, ("golden-ami",), field="product.distribution"
)
def forbid_strangers(resources: tuple[Resource, ...], configuration: Configuration) -> Findings:
    """Nobody outside the landing zone can use an image's key, whatever their own account allows them.

    Grants are for `kms-grant-scope-accounts` to tell.
    """
    stranger = _stranger(configuration)
    for pipeline in resources:
        if pipeline.type != PIPELINE or not configuration.accounts:
            continue
        sides = {place.key_arn: place.key for place in key_places(resources, pipeline).values()}
        for arn, side in sides.items():
            if side.policy is None:
                yield Finding(f"{pipeline.name}: the policy of {arn} admits nobody else.", True, pipeline.urn)
                continue
            for what in _open_to(stranger, arn, side):
                yield Finding(f"{pipeline.name}: {what}; name the accounts of the landing zone.", urn=pipeline.urn)


def _kept(
    promise: Promise, places: Mapping[tuple[str, str], Place], resources: tuple[Resource, ...], pipeline: Resource
) -> Findings:
    held = tuple(place for region in promise.regions if (place := places.get((promise.account, region))) is not None)
    for region in promise.regions:
        if (promise.account, region) not in places:
            yield Finding(
                f"{pipeline.name}: {promise.arn} is promised the image in {region}, where the distribution gives its "
                "account none under a key of this stack; mend the distribution configuration.",
                urn=pipeline.urn,
            )
    launchers, pending = _launchers(promise, resources)
    product = str(pipeline.properties.get("product"))
    for place in held:
        for row in LaunchAccess(product, launchers, (place,)).rows():
            if not row.holds:
                waits = pending or place.key.policy is None
                yield Finding(f"{pipeline.name}: {_told(row)}", pending=waits, urn=pipeline.urn)


def _launchers(promise: Promise, resources: tuple[Resource, ...]) -> tuple[tuple[Launcher, ...], bool]:
    """The consumer, and what launches in its name; whether one of its policies is unknown."""
    found = policies_of(promise, resources)
    documents = {policy.name: document_of(policy, resources) for policy in found}
    consumer = Launcher(
        Permissions(
            Principal(promise.arn),
            tuple(NamedPolicy(name, document) for name, document in documents.items() if document is not None),
        ),
        passes=(promise.arn,) if promise.create else (),
        own=frozenset() if promise.create else LEFT_TO_EXISTING_ROLES,
    )
    scaling = Launcher(
        Permissions(
            Principal(auto_scaling_role_arn(promise.account)),
            (NamedPolicy("AWS's own policy AutoScalingServiceRolePolicy", AUTO_SCALING_POLICY),),
        ),
        reads=("ssm:GetParameters",),
    )
    return (consumer, scaling) if promise.auto_scaling else (consumer,), None in documents.values()


def _told(row: Row) -> str:
    failing = {step: cell for step, cell in row.cells.items() if not cell.answer.holds}
    steps = "; ".join(
        f"{step} {'cannot be judged' if cell.answer is Answer.NOT_JUDGED else 'fails'}: {', '.join(cell.missing)}"
        for step, cell in failing.items()
    )
    return f"{row.principal} cannot launch in {row.region}: {steps}"


def _stranger(configuration: Configuration) -> str:
    """An account that is not in the landing zone."""
    return next(account for digit in "9876543210" if (account := digit * 12) not in configuration.accounts)


def _open_to(account: str, arn: str, side: ResourceSide) -> Iterator[str]:
    """What an administrator of another account may do with a key."""
    everything = NamedPolicy(
        "AdministratorAccess", {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    )
    administrator = Permissions(Principal(f"arn:aws:iam::{account}:role/administrator"), (everything,))
    region = arn.split(":")[3]
    for action in (*KEY_USE, "kms:CreateGrant", "kms:PutKeyPolicy"):
        for context in ({}, {"kms:ViaService": f"ec2.{region}.amazonaws.com", "kms:GrantIsForAWSResource": "true"}):
            request = Request(action, arn, {"aws:RequestedRegion": region, **context})
            try:
                decision = decide(administrator, request, side)
            except UnsupportedPolicyError as error:
                yield f"the policy of {arn} cannot be judged: {error}"
                return
            if decision.allowed:
                yield f"any account may call {action} on {arn} ({', '.join(decision.deciding)})"
                return
