"""Rules for Systems Manager's parameters."""

from __future__ import annotations

from dataclasses import replace

from pulumi_policy import Severity

from .rule import Resource, resource_rule
from .values import UNKNOWN, Findings, is_key_arn, look_up, require

PARAMETER = "aws:ssm/parameter:Parameter"

IMAGE = "aws:ec2:image"
"""The data type of a parameter that names an image: EC2 resolves it, so AWS takes it in plain text only."""


@resource_rule("ssm-parameter-require-customer-key", Severity.HIGH, ("CKV_AWS_337", "CKV2_AWS_34"), (PARAMETER,))
def require_customer_key(parameter: Resource) -> Findings:
    """Every parameter is encrypted under a customer key by its full ARN, unless it is declared to name an image."""
    kind = look_up(parameter.properties, "dataType")
    if kind == IMAGE:
        return
    for finding in _is_encrypted(parameter):
        # An unknown data type may turn out to be an image's.
        yield replace(finding, pending=finding.pending or kind is UNKNOWN)


def _is_encrypted(parameter: Resource) -> Findings:
    yield from require(
        look_up(parameter.properties, "type"),
        lambda value: value == "SecureString",
        f'the value is stored in plain text; set type to "SecureString", or data_type to "{IMAGE}" for an image.',
    )
    yield from require(
        look_up(parameter.properties, "keyId"),
        is_key_arn,
        "the parameter has no customer key; set key_id to the full ARN of the product's data key.",
    )
