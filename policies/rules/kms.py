"""Rules for KMS keys: they rotate, last, and are open to nobody outside."""

from __future__ import annotations

from typing import Any, cast

from pulumi_policy import Severity

from .conditions import account_in, bound_by_prefix
from .configuration import Configuration
from .documents import Statement, forbid, statements, values
from .principals import (
    admits_other_account,
    allows_grants,
    bind_grants,
    bind_other_accounts,
    bind_services,
    forbid_everybody,
    scope_accounts,
)
from .rule import Resource, configured_resource_rule, resource_rule
from .values import UNKNOWN, Finding, Findings, is_given, is_true, look_up, require

KEY = "aws:kms/key:Key"
REPLICA = "aws:kms/replicaKey:ReplicaKey"
EXTERNAL = "aws:kms/externalKey:ExternalKey"
EXTERNAL_REPLICA = "aws:kms/replicaExternalKey:ReplicaExternalKey"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"
GRANT = "aws:kms/grant:Grant"
KEYS = (KEY, REPLICA, EXTERNAL, EXTERNAL_REPLICA)

POLICY_MAXIMUM = 32_768
"""Bytes that a key policy may hold (KMS Developer Guide, "Quotas")."""

DELETION_WINDOW = 30
"""Days that a key waits before it is gone: AWS's default and its longest. All data under it goes with it."""


@resource_rule("kms-key-enable-rotation", Severity.MEDIUM, ("CKV_AWS_7", "KMS.4"), (KEY,))
def enable_rotation(key: Resource) -> Findings:
    """Every symmetric key rotates each year; a replica follows its primary."""
    kind = look_up(key.properties, "customerMasterKeySpec")
    if kind is not UNKNOWN and kind not in (None, "", "SYMMETRIC_DEFAULT"):
        return
    yield from require(
        look_up(key.properties, "enableKeyRotation"), is_true, "the key does not rotate; set enable_key_rotation."
    )


@resource_rule(
    "kms-key-require-policy",
    Severity.HIGH,
    ("CKV2_AWS_64",),
    (KEY, REPLICA, EXTERNAL, EXTERNAL_REPLICA, KEY_POLICY),
    # A key without a policy of its own shows AWS's default policy once it is made.
    recheck=False,
)
def require_policy(key: Resource) -> Findings:
    """Every key is made with a policy that says who may use it."""
    policy = look_up(key.properties, "policy")
    yield from require(
        policy, lambda value: isinstance(statements(value), list), "the key has no readable policy; set policy."
    )


@resource_rule(
    "kms-key-forbid-public-principal",
    Severity.CRITICAL,
    ("CKV_AWS_33", "KMS.5", "AWS-0065"),
    (KEY, REPLICA, EXTERNAL, EXTERNAL_REPLICA, KEY_POLICY),
)
def forbid_public_principal(key: Resource) -> Findings:
    """No key policy admits everybody, unless aws:PrincipalOrgID binds the statement to an organisation."""
    # A missing policy is for `kms-key-require-policy` to tell.
    yield from forbid_everybody(key, optional=True)


@resource_rule(
    "kms-key-require-deletion-window",
    Severity.MEDIUM,
    ("KMS.3",),
    (KEY, REPLICA, EXTERNAL, EXTERNAL_REPLICA),
)
def require_deletion_window(key: Resource) -> Findings:
    """A key that is to be deleted waits 30 days, so that a mistake can be taken back."""
    yield from require(
        look_up(key.properties, "deletionWindowInDays"),
        lambda value: value is None or value >= DELETION_WINDOW,
        f"the key may go after fewer than {DELETION_WINDOW} days; set deletion_window_in_days to {DELETION_WINDOW}.",
    )


@resource_rule("kms-key-require-protection", Severity.CRITICAL, ("KMS.3",), KEYS)
def require_protection(key: Resource) -> Findings:
    """Every key is protected: the engine refuses to delete it, and with it every image under it."""
    if not key.protected:
        yield Finding("the key may be deleted by an update; set protect=True in its options.")


@resource_rule(
    "kms-key-bound-size",
    Severity.HIGH,
    ("AWS.KMS.quota-key-policy-document-size",),
    (*KEYS, KEY_POLICY),
    field="product.distribution",
)
def bound_size(key: Resource) -> Findings:
    """Every key policy keeps within AWS's 32,768 bytes."""
    policy = look_up(key.properties, "policy")
    if policy is UNKNOWN:
        yield Finding(f"the policy must take at most {POLICY_MAXIMUM:,} bytes.", pending=True)
    if isinstance(policy, str) and (size := len(policy.encode())) > POLICY_MAXIMUM:
        yield Finding(
            f"the policy takes {size:,} bytes, {size - POLICY_MAXIMUM:,} over AWS's {POLICY_MAXIMUM:,}; "
            "state fewer `distribution` accounts and `consumers`, or an organisation."
        )


def head_room(key: Resource) -> int | None:
    """Bytes that a key's policy may still grow by; None where the policy is not known."""
    policy = look_up(key.properties, "policy")
    return POLICY_MAXIMUM - len(policy.encode()) if isinstance(policy, str) else None


@configured_resource_rule(
    "kms-key-scope-accounts",
    Severity.CRITICAL,
    ("CKV_AWS_33", "KMS.5", "AWS-0065"),
    (*KEYS, KEY_POLICY),
    field="product.distribution",
)
def scope_key_accounts(key: Resource, configuration: Configuration) -> Findings:
    """No key of images admits anybody outside the landing zone, a key of data at most named roles of others.

    A key whose policy names no grants is one of data; launching from an image takes a grant.
    """
    found = statements(look_up(key.properties, "policy"))
    data = isinstance(found, list) and not any(allows_grants(each) for each in found)
    yield from scope_accounts(key, "policy", configuration, guests=data)


@configured_resource_rule("kms-key-bind-services", Severity.HIGH, ("KMS.5",), (*KEYS, KEY_POLICY))
def bind_key_services(key: Resource, configuration: Configuration) -> Findings:
    """A key policy that admits an AWS service names the source and its account, or the encryption context."""
    yield from bind_services(key, "policy", configuration)


@resource_rule(
    "kms-key-bind-roles", Severity.CRITICAL, ("CKV_AWS_33", "AWS-0065"), (*KEYS, KEY_POLICY), field="product.consumers"
)
def bind_key_roles(key: Resource) -> Findings:
    """A key policy that admits another account names the roles in it."""
    yield from bind_other_accounts(key)


@resource_rule("kms-key-bind-grants", Severity.CRITICAL, ("CKV_AWS_33",), (*KEYS, KEY_POLICY))
def bind_key_grants(key: Resource) -> Findings:
    """A key policy lets grants be made for AWS resources only, or for named grantees."""
    yield from bind_grants(look_up(key.properties, "policy"))


@resource_rule("kms-key-bind-use", Severity.HIGH, ("CKV_AWS_33",), (*KEYS, KEY_POLICY))
def bind_use(key: Resource) -> Findings:
    """Another account uses a key for volumes, with grants, or else through a named service for a named content.

    A key whose policy names no grants is one of data, of which another account gets what a service hands it.
    """
    policy = look_up(key.properties, "policy")
    found = statements(policy)
    if isinstance(found, list) and any(allows_grants(each) for each in found):
        return
    if found is not None and key.account:
        yield from forbid(
            policy,
            lambda each: admits_other_account(each, key.account) and not _through_service(each),
            "another account may use the key itself; add kms:ViaService and kms:EncryptionContext:… .",
        )


def _through_service(statement: Statement) -> bool:
    return bound_by_prefix(statement, "kms:viaservice") and bound_by_prefix(statement, "kms:encryptioncontext:")


@resource_rule("kms-key-forbid-other-grants", Severity.CRITICAL, ("CKV_AWS_33",), (*KEYS, KEY_POLICY))
def forbid_other_grants(key: Resource) -> Findings:
    """A key whose policy lets grants be made denies everybody those that are neither for AWS resources nor foreseen."""
    found = statements(look_up(key.properties, "policy"))
    if not isinstance(found, list):
        yield from (Finding("the policy is not known yet.", pending=True),) if found is UNKNOWN else ()
        return
    if any(allows_grants(each) for each in found) and not any(_denies_other_grants(each) for each in found):
        yield Finding(
            "grants may be made for anybody by whom identity policies let; deny kms:CreateGrant where "
            "kms:GrantIsForAWSResource is false, but for named grantees."
        )


def _denies_other_grants(statement: Statement) -> bool:
    conditions = statement.get("Condition")
    if not isinstance(conditions, dict) or statement.get("Effect") != "Deny" or statement.get("Principal") != "*":
        return False
    stated = cast(dict[str, Any], conditions)
    denied = "kms:CreateGrant" in values(statement.get("Action"))
    # Another condition beside these would let grants pass wherever it does not hold.
    others = {"BoolIfExists", "StringNotEquals"} >= stated.keys()
    exceptions = look_up(stated, "StringNotEquals")
    named = exceptions is None or list(cast(dict[str, Any], exceptions)) == ["kms:GranteePrincipal"]
    return denied and others and named and stated.get("BoolIfExists") == {"kms:GrantIsForAWSResource": "false"}


@configured_resource_rule(
    "kms-grant-scope-accounts", Severity.CRITICAL, ("KMS.5",), (GRANT,), field="product.consumers"
)
def scope_grantee(grant: Resource, configuration: Configuration) -> Findings:
    """No key is granted to anybody outside the landing zone."""
    grantee = look_up(grant.properties, "granteePrincipal")
    if configuration.accounts:
        yield from require(
            grantee,
            lambda value: is_given(value) and account_in(str(value)) in configuration.accounts,
            f"the key is granted to {'nobody yet known' if grantee is UNKNOWN else grantee}; "
            "name a role of the landing zone's accounts in grantee_principal.",
        )
