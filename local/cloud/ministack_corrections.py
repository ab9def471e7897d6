"""What ministack's evaluator and accounts get wrong and this program depends on, put right at start-up.

Everything here reaches into ministack, and only here; each correction says what AWS does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from ministack.core import iam_actions
from ministack.core import iam_evaluator as evaluator
from ministack.services import iam, s3

from local.cloud import resource_arns
from local.cloud.function_corrections import layer_arn

KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
MANAGED_POLICY_PREFIX = "arn:aws:iam::aws:policy"


def role_arn_of(principal_arn: str) -> str:
    """The IAM ARN behind a session: `aws:PrincipalArn` holds the role's own ARN, with its path, not the session's.

    Source: IAM User Guide, "AWS global condition context keys", aws:PrincipalArn.
    """
    if ":assumed-role/" not in principal_arn:
        return principal_arn
    account = principal_arn.split(":")[4]
    name = principal_arn.split("/")[1]
    return role_arn_by_name(account, name) or f"arn:aws:iam::{account}:role/{name}"


def correct_principal_arn() -> None:
    """Let `aws:PrincipalArn` be the role of a session; ministack gives the session."""
    original = evaluator._resolve_condition_key  # pyright: ignore[reportPrivateUsage]

    def resolve(key: str, context: evaluator.EvalContext) -> Any:
        if key.lower() == "aws:principalarn":
            return role_arn_of(context.principal_arn)
        return original(key, context)

    evaluator._resolve_condition_key = resolve  # pyright: ignore[reportPrivateUsage]


def add_organization_keys(path_of: Callable[[str], str | None]) -> None:
    """Let policies see where in an organisation a principal's account is; ministack has none with several accounts.

    `path_of` tells an account's place as `aws:PrincipalOrgPaths` names it, or None.
    """
    original = evaluator._resolve_condition_key  # pyright: ignore[reportPrivateUsage]

    def resolve(key: str, context: evaluator.EvalContext) -> Any:
        match key.lower():
            case "aws:principalorgid":
                path = path_of(context.principal_account)
                return path.split("/")[0] if path else None
            case "aws:principalorgpaths":
                path = path_of(context.principal_account)
                return [path] if path else None
            case _:
                return original(key, context)

    evaluator._resolve_condition_key = resolve  # pyright: ignore[reportPrivateUsage]


def correct_resource_arns() -> None:
    """Let policies see the ARNs that AWS derives from a request; ministack leaves out paths, profiles and groups."""
    original = iam_actions.extract_resource_arn

    def derive(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        operation, fields = _request_fields(headers, body, query_params)
        found: str | None = None
        match service:
            case "iam":
                found = resource_arns.iam_arn(
                    operation,
                    fields,
                    account_id,
                    lambda role: role_arn_by_name(account_id, role),
                    lambda profile: _profile_arn(account_id, profile),
                )
            case "events":
                found = resource_arns.events_arn(fields, region, account_id)
            case "sns":
                found = resource_arns.sns_arn(fields)
            case "logs":
                found = resource_arns.logs_arn(operation, fields, region, account_id)
            case "lambda":
                made = resource_arns.lambda_arn(path, _json(body), region, account_id)
                found = made or layer_arn(path, region, account_id)
            case "monitoring":
                found = resource_arns.cloudwatch_arn(operation, fields, region, account_id)
            case "states":
                found = resource_arns.states_arn(operation, fields)
            case "ec2":
                found = resource_arns.ec2_arn(operation, fields, region, account_id)
            case _:
                pass
        return found or original(service, method, path, headers, body, query_params, region, account_id)

    iam_actions.extract_resource_arn = derive


def add_key_condition() -> None:
    """Let policies see the key that a new object states; ministack leaves out the condition key for it.

    Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3", PutObject.
    """
    original = iam_actions.s3_service_context

    def with_key(
        iam_action: str, query_params: dict[str, Any] | None, path: str = "", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        context = original(iam_action, query_params, path, headers)
        key = (headers or {}).get(KEY_HEADER)
        return {**context, f"s3:{KEY_HEADER}": key} if iam_action == "s3:PutObject" and key else context

    iam_actions.s3_service_context = with_key


def _request_fields(headers: dict[str, str], body: bytes, query_params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    target = headers.get("x-amz-target")
    if target:
        return target.rsplit(".", 1)[-1], _json(body)
    fields = {name: value[0] if isinstance(value, list) else value for name, value in query_params.items()}
    return str(fields.get("Action", "")), fields


def _json(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body or b"{}")
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return cast(dict[str, Any], content) if isinstance(content, dict) else {}


def role_arn_by_name(account: str, name: str) -> str | None:
    """ARN of a role, with its path; None where no such role is."""
    role: dict[str, Any] | None = iam._roles.get_scoped(account, None, name)  # pyright: ignore[reportPrivateUsage]
    return role["Arn"] if role else None


def _profile_arn(account: str, name: str) -> str | None:
    found = iam._instance_profiles.get_scoped(account, None, name)  # pyright: ignore[reportPrivateUsage]
    return cast(dict[str, Any], found)["Arn"] if found else None


def bucket_owner(bucket: str) -> str | None:
    """Account of a bucket, whoever asks; None where no such bucket is."""
    return s3._bucket_owner_account(bucket)  # pyright: ignore[reportPrivateUsage]


def add_managed_policies() -> None:
    """Know AWS's managed policies by their own documents, of which ministack has a few only.

    ministack could make up any that it does not know, but those would grant everything. moto has copies of all.
    """
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    known: dict[str, Any] = iam._aws_managed_policies  # pyright: ignore[reportPrivateUsage]
    template = next(iter(known.values()))
    for name, policy in json.loads(aws_managed_policies_data).items():
        arn = f"{MANAGED_POLICY_PREFIX}{policy['Path']}{name}"
        version = policy["DefaultVersionId"]
        versioned = next(iter(template["Versions"].values()))
        document = {**versioned, "VersionId": version, "IsDefaultVersion": True}
        document["Document"] = json.dumps(policy["Document"])
        known[arn] = {
            **template,
            "Arn": arn,
            "PolicyName": name,
            "Path": policy["Path"],
            "DefaultVersionId": version,
            "Versions": {version: document},
            "Description": "",
        }
