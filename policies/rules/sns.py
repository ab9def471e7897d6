"""Rules for SNS topics."""

from __future__ import annotations

from pulumi_policy import Severity

from .companions import companions, require_statement
from .configuration import Configuration
from .documents import refuses_plain_http
from .principals import bind_services, forbid_everybody, scope_accounts
from .rule import Resource, configured_resource_rule, resource_rule, stack_rule
from .values import Findings, is_key_arn, look_up, require

TOPIC = "aws:sns/topic:Topic"
POLICY = "aws:sns/topicPolicy:TopicPolicy"


@resource_rule("sns-topic-require-customer-key", Severity.HIGH, ("CKV_AWS_26", "SNS.1", "AWS-0095"), (TOPIC,))
def require_customer_key(topic: Resource) -> Findings:
    """Every topic encrypts its messages under a customer key by its full ARN."""
    yield from require(
        look_up(topic.properties, "kmsMasterKeyId"),
        is_key_arn,
        "the topic has no customer key; set kms_master_key_id to the full ARN of the product's data key.",
    )


@stack_rule("sns-topic-require-tls", Severity.MEDIUM, ("AwsSolutions-SNS3",))
def require_tls(resources: tuple[Resource, ...]) -> Findings:
    """Every topic's policy denies everybody to publish without TLS."""
    for topic in resources:
        if topic.type == TOPIC:
            yield from require_statement(
                topic,
                companions(resources, (POLICY,), "arn", topic, "arn"),
                # A topic's policy may not name `sns:*`; publishing is what carries content.
                lambda statement: refuses_plain_http(statement, {"SNS:Publish", "sns:Publish"}),
                "no TopicPolicy denies sns:Publish where aws:SecureTransport is false; add one.",
            )


@resource_rule(
    "sns-policy-forbid-public-principal",
    Severity.CRITICAL,
    ("CKV_AWS_169", "CKV_AWS_385"),
    (POLICY, TOPIC),
)
def forbid_public_principal(resource: Resource) -> Findings:
    """No topic's policy admits everybody, unless aws:PrincipalOrgID binds the statement to an organisation."""
    yield from forbid_everybody(resource, optional=resource.type == TOPIC)


@configured_resource_rule(
    "sns-policy-scope-accounts", Severity.CRITICAL, ("CKV_AWS_169",), (POLICY, TOPIC), field="product.notifications"
)
def scope_policy_accounts(policy: Resource, configuration: Configuration) -> Findings:
    """No topic's policy admits accounts or organisations outside the landing zone."""
    yield from scope_accounts(policy, "policy", configuration)


@configured_resource_rule("sns-policy-bind-services", Severity.HIGH, ("CKV_AWS_385",), (POLICY, TOPIC))
def bind_policy_services(policy: Resource, configuration: Configuration) -> Findings:
    """A topic's policy that admits an AWS service names the source and its account."""
    yield from bind_services(policy, "policy", configuration)
