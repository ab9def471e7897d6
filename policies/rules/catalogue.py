"""Every rule of the pack, in the order of the services."""

from __future__ import annotations

from pulumi_policy import Severity

from . import (
    ebs,
    ec2,
    escalation,
    events,
    iam,
    imagebuilder,
    kms,
    lambda_,
    launch_settings,
    launches,
    logs,
    s3,
    s3_buckets,
    scheduler,
    sns,
    sqs,
    ssm,
    stacks,
    states,
)
from .configuration import Configuration
from .rule import Resource, ResourceRule, StackRule, configured_stack_rule
from .values import Finding, Findings

RESOURCE_RULES: tuple[ResourceRule, ...] = (
    imagebuilder.require_encrypted_volumes,
    imagebuilder.require_key_in_every_region,
    imagebuilder.forbid_public_images,
    imagebuilder.require_component_key,
    imagebuilder.require_metadata_tokens,
    imagebuilder.require_network,
    imagebuilder.scope_accounts,
    imagebuilder.scope_base_owner,
    kms.enable_rotation,
    kms.require_policy,
    kms.forbid_public_principal,
    kms.require_deletion_window,
    kms.require_protection,
    kms.bound_size,
    kms.scope_key_accounts,
    kms.bind_key_services,
    kms.bind_key_roles,
    kms.bind_key_grants,
    kms.forbid_other_grants,
    kms.bind_use,
    kms.scope_grantee,
    s3.forbid_public_principal,
    s3.scope_policy_accounts,
    s3.bind_policy_roles,
    s3.bind_listing,
    s3_buckets.require_protection,
    s3_buckets.forbid_wildcard_action,
    s3_buckets.forbid_public_grants,
    ssm.require_customer_key,
    sns.require_customer_key,
    sns.forbid_public_principal,
    sns.scope_policy_accounts,
    sns.bind_policy_services,
    sqs.require_customer_key,
    sqs.forbid_public_principal,
    sqs.scope_policy_accounts,
    sqs.bind_policy_services,
    scheduler.require_customer_key,
    events.require_dead_letters,
    logs.require_customer_key,
    logs.require_retention,
    lambda_.require_customer_key,
    lambda_.require_dead_letters,
    lambda_.require_trace,
    lambda_.require_supported_runtime,
    lambda_.forbid_secrets,
    lambda_.require_concurrency_limit,
    lambda_.require_vpc,
    lambda_.require_code_signing,
    lambda_.bind_source,
    lambda_.require_url_authentication,
    states.require_customer_key,
    states.require_log,
    states.require_trace,
    ec2.forbid_world_ingress,
    ec2.require_description,
    ec2.forbid_public_launch,
    ec2.forbid_world_egress,
    ec2.require_encrypted_volumes,
    ec2.require_copy_key,
    launch_settings.require_metadata_tokens,
    launch_settings.forbid_public_address,
    launch_settings.forbid_secrets,
    launch_settings.require_encrypted_volumes,
    ebs.require_volume_key,
    ebs.require_snapshot_key,
    ebs.enable_encryption,
    ebs.block_public_snapshots,
    iam.forbid_service_wildcard,
    iam.scope_pass_role,
    iam.bound_trust,
    iam.scope_resources,
    iam.bind_pass_role,
    iam.bind_policy_grants,
    iam.bind_wildcards,
    iam.bind_tags,
    iam.bind_launches,
    iam.bind_listing,
    iam.bind_key_use,
    iam.bind_trusted_roles,
    iam.scope_trust,
    iam.bind_trusted_services,
    escalation.forbid_escalation,
    escalation.scope_credentials,
    escalation.scope_reading,
    escalation.scope_sharing,
    escalation.forbid_administration,
)
"""Rules about single resources; the engine asks them before it makes or changes a resource."""


@configured_stack_rule("stack-resources-recheck-state", Severity.CRITICAL, ("CKV_AWS_199", "CKV_AWS_200"))
def recheck_state(resources: tuple[Resource, ...], configuration: Configuration) -> Findings:
    """Every resource of the stack's final state keeps the rules, whether or not this update touched it."""
    for resource in resources:
        for rule in RESOURCE_RULES:
            if not rule.recheck or resource.type not in rule.types:
                continue
            for finding in rule.findings(resource, configuration.of_rule(rule.name)):
                message = f"{resource.name} ({rule.name}): {finding.message}"
                yield Finding(message, finding.pending, resource.urn, rule.name, finding.statement)


STACK_RULES: tuple[StackRule, ...] = (
    s3.require_customer_key,
    s3.require_versioning,
    s3.block_public_access,
    s3.disable_acls,
    s3.require_tls,
    s3.require_own_key,
    s3.require_one_builder,
    s3_buckets.require_access_log,
    s3_buckets.require_lifecycle,
    s3_buckets.require_upload_abort,
    s3_buckets.require_replication,
    sns.require_tls,
    sqs.require_tls,
    stacks.require_account,
    stacks.require_tags,
    launches.require_access,
    launches.forbid_strangers,
    recheck_state,
)
"""Rules about stacks; the engine asks them at the end of a preview and of an update."""
