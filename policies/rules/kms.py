"""Rules for KMS keys: they rotate, last, and are open to nobody outside."""

from __future__ import annotations

from pulumi_policy import Severity

from .documents import statements
from .principals import forbid_everybody
from .rule import Resource, resource_rule
from .values import UNKNOWN, Findings, is_true, look_up, require

KEY = "aws:kms/key:Key"
REPLICA = "aws:kms/replicaKey:ReplicaKey"
EXTERNAL = "aws:kms/externalKey:ExternalKey"
EXTERNAL_REPLICA = "aws:kms/replicaExternalKey:ReplicaExternalKey"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"

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
