"""Rules for EBS: volumes and snapshots under customer keys, and what a Region asks of all of them."""

from __future__ import annotations

from pulumi_policy import Severity

from .rule import Resource, resource_rule
from .values import Findings, is_key_arn, is_true, look_up, require

VOLUME = "aws:ebs/volume:Volume"
SNAPSHOT_COPY = "aws:ebs/snapshotCopy:SnapshotCopy"
DEFAULT_ENCRYPTION = "aws:ebs/encryptionByDefault:EncryptionByDefault"
SNAPSHOT_BLOCK = "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess"


@resource_rule(
    "ebs-volume-require-customer-key",
    Severity.HIGH,
    ("CKV_AWS_3", "CKV_AWS_189", "CKV2_AWS_2", "AWS-0026", "AWS-0027", "EC2.3"),
    (VOLUME,),
)
def require_volume_key(volume: Resource) -> Findings:
    """Every volume is encrypted under a customer key by its full ARN."""
    yield from encryption("the volume", volume.properties)


@resource_rule("ebs-snapshot-require-customer-key", Severity.HIGH, ("CKV_AWS_183",), (SNAPSHOT_COPY,))
def require_snapshot_key(snapshot: Resource) -> Findings:
    """Every copy of a snapshot is encrypted under a customer key by its full ARN."""
    yield from encryption("the copy", snapshot.properties)


@resource_rule("ebs-region-enable-encryption", Severity.HIGH, ("CKV_AWS_106", "EC2.7"), (DEFAULT_ENCRYPTION,))
def enable_encryption(region: Resource) -> Findings:
    """No Region is told to leave new volumes unencrypted; the provider's own default is to encrypt."""
    yield from require(
        look_up(region.properties, "enabled"),
        lambda value: value is None or is_true(value),
        "new volumes of the Region are not encrypted; set enabled to true or leave it out.",
    )


@resource_rule("ebs-region-block-public-snapshots", Severity.CRITICAL, ("EC2.182",), (SNAPSHOT_BLOCK,))
def block_public_snapshots(region: Resource) -> Findings:
    """No snapshot of a Region is public, those that were shared before included."""
    yield from require(
        look_up(region.properties, "state"),
        lambda value: value == "block-all-sharing",
        'snapshots may be public; set state to "block-all-sharing".',
    )


def encryption(what: str, settings: object, path: str = "") -> Findings:
    """Findings unless settings encrypt under a customer key; `path` leads to them in a program."""
    yield from require(
        look_up(settings, "encrypted"), is_true, f"{what} is not encrypted; set {path}encrypted to true."
    )
    yield from require(
        look_up(settings, "kmsKeyId"),
        is_key_arn,
        f"{what} names no customer key; set {path}kms_key_id to the full ARN of a key of its Region.",
    )
