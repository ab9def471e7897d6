"""Rules for SQS queues."""

from __future__ import annotations

from pulumi_policy import Severity

from .companions import companions, require_statement
from .configuration import Configuration
from .documents import refuses_plain_http
from .principals import bind_services, forbid_everybody, scope_accounts
from .rule import Resource, configured_resource_rule, resource_rule, stack_rule
from .values import Findings, is_key_arn, look_up, require

QUEUE = "aws:sqs/queue:Queue"
POLICY = "aws:sqs/queuePolicy:QueuePolicy"


@resource_rule("sqs-queue-require-customer-key", Severity.HIGH, ("CKV_AWS_27", "SQS.1", "AWS-0096"), (QUEUE,))
def require_customer_key(queue: Resource) -> Findings:
    """Every queue encrypts its messages under a customer key by its full ARN."""
    yield from require(
        look_up(queue.properties, "kmsMasterKeyId"),
        is_key_arn,
        "the queue has no customer key; set kms_master_key_id to the full ARN of the product's data key.",
    )


@stack_rule("sqs-queue-require-tls", Severity.MEDIUM, ("AwsSolutions-SQS4",))
def require_tls(resources: tuple[Resource, ...]) -> Findings:
    """Every queue's policy denies everybody what comes without TLS."""
    for queue in resources:
        if queue.type == QUEUE:
            yield from require_statement(
                queue,
                companions(resources, (POLICY,), "queueUrl", queue, "url"),
                lambda statement: refuses_plain_http(statement, {"*", "sqs:*", "SQS:*"}),
                "no QueuePolicy denies sqs:* where aws:SecureTransport is false; add one.",
            )


@resource_rule(
    "sqs-policy-forbid-public-principal",
    Severity.CRITICAL,
    ("CKV_AWS_168", "CKV_AWS_387"),
    (POLICY, QUEUE),
)
def forbid_public_principal(resource: Resource) -> Findings:
    """No queue's policy admits everybody, unless aws:PrincipalOrgID binds the statement to an organisation."""
    yield from forbid_everybody(resource, optional=resource.type == QUEUE)


@configured_resource_rule("sqs-policy-scope-accounts", Severity.CRITICAL, ("CKV_AWS_168",), (POLICY, QUEUE))
def scope_policy_accounts(policy: Resource, configuration: Configuration) -> Findings:
    """No queue's policy admits accounts or organisations outside the landing zone."""
    yield from scope_accounts(policy, "policy", configuration)


@configured_resource_rule("sqs-policy-bind-services", Severity.HIGH, ("CKV_AWS_387",), (POLICY, QUEUE))
def bind_policy_services(policy: Resource, configuration: Configuration) -> Findings:
    """A queue's policy that admits an AWS service names the source and its account."""
    yield from bind_services(policy, "policy", configuration)
