"""Rules for IAM: nobody gains more than was given, neither by IAM itself nor through what others may do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from pulumi_policy import Severity

from .conditions import bound_by_prefix, bound_values
from .documents import Statement, forbid, statements, values
from .escalation_actions import CREDENTIALS, GAINS, GAINS_TOGETHER, GIVES_ITSELF, READING, SHARING
from .iam import IDENTITY_POLICIES, ROLE, ROLE_POLICY, identity_documents
from .rule import Resource, resource_rule
from .values import Findings, entries, look_up, require

ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive",
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive",
)

ADMINISTRATION = ("AdministratorAccess", "IAMFullAccess")
"""AWS's policies that allow everything, or to give oneself everything."""

_OWN = {
    ROLE_POLICY: ("role", "role"),
    "aws:iam/userPolicy:UserPolicy": ("user", "user"),
    "aws:iam/groupPolicy:GroupPolicy": ("group", "group"),
    ROLE: ("name", "role"),
}
"""In which property a policy says whose it is, and as which kind ARNs name that."""

_TYPE = re.compile(r"[a-z][a-z0-9-]*[/:]")
"""What stands before the name in most ARNs: `role/`, `function:`."""


@resource_rule(
    "iam-policy-forbid-escalation",
    Severity.CRITICAL,
    (
        "CKV_AWS_110",
        "CKV_AWS_286",
        "CKV_AWS_289",
        "iam_policy_allows_privilege_escalation",
        "iam_inline_policy_allows_privilege_escalation",
    ),
    (*IDENTITY_POLICIES, ROLE),
)
def forbid_escalation(policy: Resource) -> Findings:
    """No identity policy lets its holder act as whomever there is, or give itself more than it was given.

    Named resources, resources with stated tags, a permissions boundary that must be there, and named policies to attach
    are narrow enough.
    """
    for document in identity_documents(policy):
        known = statements(document)
        allowed = known if isinstance(known, list) else []
        yield from forbid(
            document,
            lambda each, allowed=allowed: _gains(each, allowed) or _gives_itself(each, policy),
            "its holder may gain what it was not given; name the resources in Resource, or add "
            "iam:PermissionsBoundary or iam:PolicyARN to its conditions.",
        )


@resource_rule(
    "iam-policy-scope-credentials", Severity.HIGH, ("CKV_AWS_107", "CKV_AWS_287"), (*IDENTITY_POLICIES, ROLE)
)
def scope_credentials(policy: Resource) -> Findings:
    """No identity policy hands out credentials of whomever there is."""
    yield from _scope(policy, CREDENTIALS, "it hands out credentials of whomever there is; name whose in Resource.")


@resource_rule("iam-policy-scope-reading", Severity.HIGH, ("CKV_AWS_108", "CKV_AWS_288"), (*IDENTITY_POLICIES, ROLE))
def scope_reading(policy: Resource) -> Findings:
    """No identity policy reads whatever data there is: it names buckets, parameters, secrets and snapshots."""
    yield from _scope(policy, READING, "it reads whatever there is; name what in Resource, if by a prefix.")


@resource_rule("iam-policy-scope-sharing", Severity.HIGH, ("CKV_AWS_109", "CKV_AWS_289"), (*IDENTITY_POLICIES, ROLE))
def scope_sharing(policy: Resource) -> Findings:
    """No identity policy decides who else may use whatever there is."""
    yield from _scope(policy, SHARING, "it lets others use whatever there is; name what in Resource, if by a prefix.")


@resource_rule(
    "iam-attachment-forbid-administration",
    Severity.CRITICAL,
    ("CKV_AWS_274", "CKV_AWS_275", "CKV2_AWS_56"),
    (*ATTACHMENTS, ROLE),
)
def forbid_administration(attachment: Resource) -> Findings:
    """Nobody is given one of AWS's policies that allow everything, or to give oneself everything."""
    properties = attachment.properties
    several = "managedPolicyArns" if attachment.type == ROLE else "policyArns"
    arns = entries(look_up(properties, several))
    if attachment.type in ATTACHMENTS and "policyArn" in properties:
        arns = [look_up(properties, "policyArn")]
    for arn in arns:
        yield from require(
            arn,
            lambda value: not _administers(str(value)),
            f"{arn if isinstance(arn, str) else 'the policy'} lets its holder do everything; "
            "attach a policy that names what is needed.",
        )


def _scope(policy: Resource, actions: tuple[str, ...], message: str) -> Findings:
    for document in identity_documents(policy):
        yield from forbid(
            document, lambda each: _allows(each, actions) and _is_wide(each) and not _narrowed(each), message
        )


def _gains(statement: Statement, document: Iterable[Statement]) -> bool:
    """Whether a statement lets its holder act as whomever there is, alone or with what else the document allows."""
    if not _is_wide(statement) or _narrowed(statement):
        return False
    if _allows(statement, GAINS):
        return True
    others = tuple(document)
    return any(
        _allows(statement, (action,)) and any(_allows(other, further) for other in others)
        for action, further in GAINS_TOGETHER.items()
    )


def _gives_itself(statement: Statement, policy: Resource) -> bool:
    """Whether a statement lets the very role, user or group that holds it be given more."""
    name, kind = _OWN.get(policy.type, ("", ""))
    own = look_up(policy.properties, name)
    if not isinstance(own, str) or not own or _narrowed(statement) or not _allows(statement, GIVES_ITSELF):
        return False
    named = [str(resource).rpartition(f":{kind}/")[2] for resource in values(statement.get("Resource"))]
    return any(fnmatchcase(own, pattern.rpartition("/")[2]) for pattern in named if pattern)


def _allows(statement: Statement, actions: Iterable[str]) -> bool:
    """Whether a statement allows one of some actions, given in lower case."""
    if statement.get("Effect") != "Allow":
        return False
    without = [str(pattern).lower() for pattern in values(statement.get("NotAction"))]
    if without:
        return any(not any(fnmatchcase(action, pattern) for pattern in without) for action in actions)
    patterns = [str(pattern).lower() for pattern in values(statement.get("Action"))]
    return any(fnmatchcase(action, pattern) for action in actions for pattern in patterns)


def _is_wide(statement: Statement) -> bool:
    """Whether a statement is about resources of any name."""
    return "NotResource" in statement or any(_names_none(str(each)) for each in values(statement.get("Resource")))


def _names_none(resource: str) -> bool:
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return True
    # In a bucket's ARN, the only ones of S3's without a Region, no type stands before the name.
    name = parts[5] if parts[2] == "s3" and not parts[3] else _TYPE.sub("", parts[5], count=1)
    return name.startswith(("*", "?"))


def _narrowed(statement: Statement) -> bool:
    """Whether conditions bind a statement to a permissions boundary, to resources by their tags, or to policies."""
    attached = bound_values(statement, "iam:policyarn")
    return (
        bool(bound_values(statement, "iam:permissionsboundary"))
        or bound_by_prefix(statement, "aws:resourcetag/", "ec2:resourcetag/", "iam:resourcetag/", "ssm:resourcetag/")
        or (bool(attached) and not any(_administers(arn) for arn in attached))
    )


def _administers(policy: str) -> bool:
    """Whether an ARN, or a pattern of ARNs, is that of a policy that allows everything."""
    name = policy.rpartition("/")[2]
    aws_owned = ":iam::aws:" in policy or "*" in policy
    wide = any(fnmatchcase(each, name) or name.startswith(f"{each}-") for each in ADMINISTRATION)
    return aws_owned and wide
