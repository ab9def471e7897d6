"""Rules for IAM: no policy without bounds, no role that anybody may assume."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from pulumi_policy import Severity

from .conditions import account_in, bound_by_prefix, bound_values, limited_values
from .configuration import Configuration
from .documents import Statement, forbid, statements, values
from .principals import admits_everybody, allows_grants, bind_grants, bind_other_accounts, bind_services, scope_accounts
from .rule import Resource, configured_resource_rule, resource_rule
from .values import Findings, entries, is_given, look_up

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"

WITHOUT_RESOURCES = (
    "autoscaling:describe*",
    "ec2:describe*",
    "inspector2:listfindings",
    "inspector2:listcoverage",
    "logs:createlogdelivery",
    "logs:deletelogdelivery",
    "logs:describelogdeliveries",
    "logs:describelogdestinations",
    "logs:describeloggroups",
    "logs:describeresourcepolicies",
    "logs:getlogdelivery",
    "logs:listlogdeliveries",
    "logs:putresourcepolicy",
    "logs:updatelogdelivery",
    "ssm:describeinstanceinformation",
    "ssm:getcommandinvocation",
    "ssm:listcommandinvocations",
    "ssm:listcommands",
    "tag:getresources",
    "xray:getsamplingrules",
    "xray:getsamplingtargets",
    "xray:puttelemetryrecords",
    "xray:puttracesegments",
)
"""Actions that know no resource, so that nothing but `*` can be stated (Service Authorization Reference)."""

IDENTITY_POLICIES = (
    "aws:iam/policy:Policy",
    ROLE_POLICY,
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
)


@resource_rule(
    "iam-policy-forbid-service-wildcard",
    Severity.CRITICAL,
    ("CKV_AWS_62", "CKV_AWS_63", "CKV_AWS_288", "CKV_AWS_355", "CKV2_AWS_40", "IAM.1", "IAM.21"),
    (*IDENTITY_POLICIES, ROLE),
)
def forbid_service_wildcard(policy: Resource) -> Findings:
    """No identity policy allows all of a service's actions, or all but some, on everything."""
    for document in identity_documents(policy):
        yield from forbid(document, _is_unbounded, "it allows all actions on everything; name actions or resources.")


@resource_rule("iam-policy-scope-pass-role", Severity.HIGH, ("CKV_AWS_110", "CKV_AWS_286"), (*IDENTITY_POLICIES, ROLE))
def scope_pass_role(policy: Resource) -> Findings:
    """No identity policy lets every role be passed on."""
    for document in identity_documents(policy):
        yield from forbid(document, _passes_every_role, "it passes every role on; name the roles in Resource.")


@resource_rule("iam-role-bound-trust", Severity.CRITICAL, ("CKV_AWS_60", "CKV_AWS_61", "CKV_AWS_283"), (ROLE,))
def bound_trust(role: Resource) -> Findings:
    """No role trusts everybody, unless aws:PrincipalOrgID binds the statement to an organisation."""
    yield from forbid(
        look_up(role.properties, "assumeRolePolicy"),
        admits_everybody,
        "everybody may assume the role; name principals or add aws:PrincipalOrgID.",
    )


@resource_rule(
    "iam-policy-scope-resources",
    Severity.HIGH,
    ("CKV_AWS_108", "CKV_AWS_111", "CKV_AWS_289", "CKV_AWS_290", "CKV_AWS_355", "CKV_AWS_356", "KMS.1", "KMS.2"),
    (*IDENTITY_POLICIES, ROLE),
)
def scope_resources(policy: Resource) -> Findings:
    """No identity policy allows on everything what can be allowed on named resources."""
    for document in identity_documents(policy):
        yield from forbid(
            document,
            _names_no_resource,
            "it allows on everything what can be allowed on less; name resources, if by a pattern.",
        )


@resource_rule("iam-policy-bind-pass-role", Severity.HIGH, ("CKV_AWS_110", "CKV_AWS_286"), (*IDENTITY_POLICIES, ROLE))
def bind_pass_role(policy: Resource) -> Findings:
    """An identity policy that passes roles on names the service they are passed to."""
    for document in identity_documents(policy):
        yield from forbid(
            document, _passes_to_anything, "it passes roles to any service; add iam:PassedToService to its conditions."
        )


@resource_rule(
    "iam-policy-bind-wildcards",
    Severity.HIGH,
    ("CKV_AWS_111", "CKV_AWS_289", "CKV_AWS_290"),
    (*IDENTITY_POLICIES, ROLE),
)
def bind_wildcards(policy: Resource) -> Findings:
    """An identity policy that changes EC2's instances, images or snapshots of any id says by their tags which."""
    for document in identity_documents(policy):
        yield from forbid(
            document, _changes_any, "it changes whatever there is; add ec2:ResourceTag/… or ec2:CreateAction."
        )


@resource_rule("iam-policy-bind-tags", Severity.MEDIUM, ("CKV_AWS_111",), (*IDENTITY_POLICIES, ROLE))
def bind_tags(policy: Resource) -> Findings:
    """An identity policy that tags EC2's resources says with which tags."""
    for document in identity_documents(policy):
        yield from forbid(document, _tags_anyhow, "any tag may be set; limit aws:TagKeys, or state aws:RequestTag/… .")


@resource_rule("iam-policy-bind-launches", Severity.HIGH, ("CKV_AWS_386",), (*IDENTITY_POLICIES, ROLE))
def bind_launches(policy: Resource) -> Findings:
    """An identity policy that launches from images of any id says by their tags or owner which."""
    for document in identity_documents(policy):
        yield from forbid(
            document, _launches_any, "it launches from whatever image there is; add ec2:ResourceTag/… or ec2:Owner."
        )


@resource_rule("iam-policy-bind-listing", Severity.LOW, ("CKV_AWS_108",), (*IDENTITY_POLICIES, ROLE))
def bind_listing(policy: Resource) -> Findings:
    """An identity policy that lists a bucket says below which prefix."""
    for document in identity_documents(policy):
        yield from forbid(document, lists_everything, "all of the bucket may be listed; add s3:prefix.")


@resource_rule("iam-policy-bind-key-use", Severity.MEDIUM, ("KMS.2",), (*IDENTITY_POLICIES, ROLE))
def bind_key_use(policy: Resource) -> Findings:
    """An identity policy uses another account's key for volumes, with grants, or else through a named service."""
    for document in identity_documents(policy):
        found = statements(document)
        if found is None or (isinstance(found, list) and any(allows_grants(each) for each in found)):
            continue
        yield from forbid(
            document,
            lambda each: _uses_foreign_key(each, policy.account),
            "another account's key may be used for anything; add kms:ViaService.",
        )


@resource_rule("iam-role-bind-roles", Severity.HIGH, ("CKV_AWS_61",), (ROLE,))
def bind_trusted_roles(role: Resource) -> Findings:
    """A role that another account assumes names the roles there."""
    yield from bind_other_accounts(role, "assumeRolePolicy")


@resource_rule("iam-policy-bind-grants", Severity.CRITICAL, ("CKV_AWS_109", "CKV_AWS_111"), (*IDENTITY_POLICIES, ROLE))
def bind_policy_grants(policy: Resource) -> Findings:
    """An identity policy lets grants be made for AWS resources only, or for named grantees."""
    for document in identity_documents(policy):
        yield from bind_grants(document)


@configured_resource_rule("iam-role-scope-trust", Severity.CRITICAL, ("CKV_AWS_60", "CKV_AWS_61"), (ROLE,))
def scope_trust(role: Resource, configuration: Configuration) -> Findings:
    """No role trusts accounts or organisations outside the landing zone."""
    yield from scope_accounts(role, "assumeRolePolicy", configuration)


@configured_resource_rule("iam-role-bind-services", Severity.HIGH, ("CKV_AWS_60",), (ROLE,))
def bind_trusted_services(role: Resource, configuration: Configuration) -> Findings:
    """A role that an AWS service assumes names the account for which it does so."""
    yield from bind_services(role, "assumeRolePolicy", configuration)


def identity_documents(resource: Resource) -> list[object]:
    """The identity policies that a resource carries; a role may carry several."""
    if resource.type != ROLE:
        return [look_up(resource.properties, "policy")]
    inline = [look_up(policy, "policy") for policy in entries(look_up(resource.properties, "inlinePolicies"))]
    return [document for document in inline if is_given(document)]


def _is_unbounded(statement: Statement) -> bool:
    if statement.get("Effect") != "Allow" or not _on_everything(statement):
        return False
    wide = any(action == "*" or str(action).endswith(":*") for action in values(statement.get("Action")))
    return wide or "NotAction" in statement


def _passes_every_role(statement: Statement) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    patterns = [str(action).lower() for action in values(statement.get("Action"))]
    passes = any(fnmatchcase("iam:passrole", pattern) for pattern in patterns)
    every_role = any(str(resource).endswith(":role/*") for resource in values(statement.get("Resource")))
    return passes and (every_role or _on_everything(statement))


def _names_no_resource(statement: Statement) -> bool:
    if statement.get("Effect") != "Allow" or not _on_everything(statement):
        return False
    actions = [str(action).lower() for action in values(statement.get("Action"))]
    return not all(any(fnmatchcase(action, known) for known in WITHOUT_RESOURCES) for action in actions) or not actions


CHANGES = (
    "ec2:createtags",
    "ec2:deletesnapshot",
    "ec2:deletetags",
    "ec2:deregisterimage",
    "ec2:modifyimageattribute",
    "ec2:modifysnapshotattribute",
    "ec2:rebootinstances",
    "ec2:startinstances",
    "ec2:stopinstances",
    "ec2:terminateinstances",
    "ssm:sendcommand",
)
"""What changes EC2's resources that are there already."""

_ANY_ID = re.compile(r"arn:aws[a-z-]*:ec2:[^:]*:[^:]*:(image|instance|network-interface|snapshot|volume)/\*")
_ANY_IMAGE = re.compile(r"arn:aws[a-z-]*:ec2:[^:]*:[^:]*:image/\*")


def _names(statement: Statement, actions: tuple[str, ...]) -> bool:
    """Whether a statement allows one of some actions, given in lower case."""
    patterns = [str(action).lower() for action in values(statement.get("Action"))]
    allowed = any(fnmatchcase(action, pattern) for pattern in patterns for action in actions)
    return statement.get("Effect") == "Allow" and allowed


def _on_any(statement: Statement, ids: re.Pattern[str]) -> bool:
    return any(ids.fullmatch(str(resource)) for resource in values(statement.get("Resource")))


def _changes_any(statement: Statement) -> bool:
    bound = bound_by_prefix(statement, "aws:resourcetag/", "ec2:resourcetag/", "ssm:resourcetag/", "ec2:createaction")
    return _names(statement, CHANGES) and _on_any(statement, _ANY_ID) and not bound


def _tags_anyhow(statement: Statement) -> bool:
    limited = limited_values(statement, "aws:tagkeys") or bound_by_prefix(statement, "aws:requesttag/")
    return _names(statement, ("ec2:createtags",)) and not limited


def _launches_any(statement: Statement) -> bool:
    bound = bound_by_prefix(statement, "ec2:resourcetag/", "aws:resourcetag/", "ec2:owner")
    return _names(statement, ("ec2:runinstances",)) and _on_any(statement, _ANY_IMAGE) and not bound


def _uses_foreign_key(statement: Statement, own: str) -> bool:
    keys = [str(resource) for resource in values(statement.get("Resource")) if ":kms:" in str(resource)]
    foreign = any(account_in(key) not in (own, None) for key in keys)
    uses = _names(statement, ("kms:decrypt", "kms:encrypt", "kms:generatedatakey"))
    return uses and foreign and not bound_by_prefix(statement, "kms:viaservice")


def lists_everything(statement: Statement) -> bool:
    """Whether a statement lets a bucket be listed without a prefix."""
    return _names(statement, ("s3:listbucket", "s3:listbucketversions")) and not bound_by_prefix(statement, "s3:prefix")


def _passes_to_anything(statement: Statement) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    patterns = [str(action).lower() for action in values(statement.get("Action"))]
    passes = any(fnmatchcase("iam:passrole", pattern) for pattern in patterns)
    return passes and not bound_values(statement, "iam:passedtoservice")


def _on_everything(statement: Statement) -> bool:
    return "*" in values(statement.get("Resource")) or "NotResource" in statement
