"""Lambda functions (AWS Lambda API reference)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.provider.archives import zip_bytes
from local.provider.difference import SET, Comparison
from local.provider.errors import ProviderError
from local.provider.naming import AutoName
from local.provider.resource_type import ResourceType, Setting, Tagging
from local.provider.values import Blob
from local.provider.waiting import message_has, retrying, until
from local.provider.work import Work, input_shape

READY_TIMEOUT = 300.0
"""Seconds in which a function leaves the state Pending, or an update ends."""

ROLE_TIMEOUT = 60.0
"""Seconds for which a role made a moment ago may not be assumable yet."""

CODE = frozenset({"code", "s3Bucket", "s3Key", "s3ObjectVersion", "imageUri", "sourceCodeHash", "architectures"})
CONFIGURATION = frozenset(
    {
        "deadLetterConfig",
        "description",
        "environment",
        "ephemeralStorage",
        "fileSystemConfig",
        "handler",
        "imageConfig",
        "kmsKeyArn",
        "layers",
        "loggingConfig",
        "memorySize",
        "role",
        "runtime",
        "snapStart",
        "timeout",
        "tracingConfig",
        "vpcConfig",
    }
)
CREATED = (
    CODE
    | CONFIGURATION
    | {
        "capacityProviderConfig",
        "codeSigningConfigArn",
        "durableConfig",
        "name",
        "packageType",
        "publish",
        "publishTo",
        "sourceKmsKeyArn",
        "tags",
        "tenancyConfig",
    }
)

EMPTY = {
    "deadLetterConfig": {"TargetArn": ""},
    "description": "",
    "environment": {"Variables": {}},
    "fileSystemConfig": [],
    "kmsKeyArn": "",
    "layers": [],
    "vpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
"""How UpdateFunctionConfiguration is told to remove: what is left out stays as it was."""

RENAMES = {
    "name": "FunctionName",
    "fileSystemConfig": "FileSystemConfigs",
    "fileSystemConfig.arn": "Arn",
    "imageConfig.commands": "Command",
    "imageConfig.entryPoints": "EntryPoint",
    "kmsKeyArn": "KMSKeyArn",
    "sourceKmsKeyArn": "",
    "code": "",
    "arn": "FunctionArn",
    "codeSha256": "CodeSha256",
    "sourceCodeSize": "CodeSize",
    "durableConfig.retentionPeriod": "RetentionPeriodInDays",
    "snapStart.optimizationStatus": "OptimizationStatus",
}


def _passes(error: ClientError) -> bool:
    return any(
        test(error)
        for test in (
            message_has("InvalidParameterValueException", "cannot be assumed", "execution role", "KMS key is invalid"),
            message_has("ResourceConflictException", "in progress", "is currently in the following state: Pending"),
            message_has("KMSAccessDeniedException"),
        )
    )


def _code(work: Work) -> dict[str, Any]:
    inputs = work.inputs
    if inputs.get("code") is not None:
        if not isinstance(inputs["code"], Blob):
            raise ProviderError("code must be an archive or an asset")
        return {"ZipFile": zip_bytes(inputs["code"])}
    if inputs.get("imageUri"):
        return {"ImageUri": inputs["imageUri"]}
    named = {"S3Bucket": "s3Bucket", "S3Key": "s3Key", "S3ObjectVersion": "s3ObjectVersion"}
    code = {member: inputs[name] for member, name in named.items() if inputs.get(name)}
    if not {"S3Bucket", "S3Key"} <= code.keys():
        raise ProviderError("one of code, imageUri, or s3Bucket with s3Key is needed")
    return code


def _create(work: Work) -> str:
    sent = {name: value for name, value in work.inputs.items() if name in CREATED - CODE or name == "architectures"}
    parameters = work.mapper.to_aws(input_shape("lambda", "CreateFunction"), sent)
    if not parameters.get("Tags"):
        parameters.pop("Tags", None)
    code = _code(work)
    if work.inputs.get("sourceKmsKeyArn"):
        code["SourceKMSKeyArn"] = work.inputs["sourceKmsKeyArn"]
    answer = retrying(lambda: work.call("CreateFunction", **parameters, Code=code), _passes, ROLE_TIMEOUT)
    work.id = str(answer["FunctionName"])
    _until_ready(work)
    return work.id


def _until_ready(work: Work) -> None:
    def ready() -> bool:
        found = work.call("GetFunctionConfiguration", FunctionName=work.id)
        if found.get("State") == "Failed" or found.get("LastUpdateStatus") == "Failed":
            reason = found.get("StateReason") or found.get("LastUpdateStatusReason")
            raise ProviderError(f"function {work.id} failed: {reason}")
        return found.get("State", "Active") in ("Active", "Inactive") and found.get("LastUpdateStatus") != "InProgress"

    until(ready, f"function {work.id} to be ready", READY_TIMEOUT)


def _update_code(work: Work) -> None:
    code = _code(work)
    architectures = work.inputs.get("architectures")
    retrying(
        lambda: work.call("UpdateFunctionCode", FunctionName=work.id, Architectures=architectures, **code),
        _passes,
        ROLE_TIMEOUT,
    )
    _until_ready(work)
    _publish(work)


def _update_configuration(work: Work) -> None:
    sent = {name: value for name, value in work.inputs.items() if name in CONFIGURATION}
    parameters = work.mapper.to_aws(input_shape("lambda", "UpdateFunctionConfiguration"), sent)
    for name, empty in EMPTY.items():
        member = work.mapper.member(input_shape("lambda", "UpdateFunctionConfiguration"), name)
        if member and member not in parameters and name in work.changed:
            parameters[member] = empty
    retrying(
        lambda: work.call("UpdateFunctionConfiguration", FunctionName=work.id, **parameters), _passes, ROLE_TIMEOUT
    )
    _until_ready(work)
    _publish(work)


def _publish(work: Work) -> None:
    if work.inputs.get("publish"):
        work.call("PublishVersion", FunctionName=work.id)


def _set_concurrency(work: Work) -> None:
    reserved = work.inputs["reservedConcurrentExecutions"]
    if reserved == UNRESERVED:
        work.call("DeleteFunctionConcurrency", FunctionName=work.id)
    else:
        work.call("PutFunctionConcurrency", FunctionName=work.id, ReservedConcurrentExecutions=reserved)


def _set_code_signing(work: Work) -> None:
    arn = work.inputs.get("codeSigningConfigArn")
    if arn:
        work.call("PutFunctionCodeSigningConfig", FunctionName=work.id, CodeSigningConfigArn=arn)
    else:
        work.call("DeleteFunctionCodeSigningConfig", FunctionName=work.id)


UNRESERVED = -1
"""What pulumi-aws says for "no concurrency of its own"."""


def _read(work: Work) -> dict[str, Any]:
    answer = work.call("GetFunction", FunctionName=work.id)
    configuration = {name: value for name, value in answer["Configuration"].items() if value != ""}
    reserved = (answer.get("Concurrency") or {}).get("ReservedConcurrentExecutions")
    if reserved is None:
        reserved = work.call("GetFunctionConcurrency", FunctionName=work.id).get("ReservedConcurrentExecutions")
    arn = str(configuration["FunctionArn"])
    version = str(configuration.get("Version", "$LATEST"))
    if work.known("publish"):
        version = _latest_version(work)
    qualified = f"{arn}:{version}"
    layers = configuration.get("Layers") or ()
    properties = work.properties({name: value for name, value in configuration.items() if name != "Layers"})
    image = (configuration.get("ImageConfigResponse") or {}).get("ImageConfig")
    return {
        **properties,
        "imageConfig": work.properties({"ImageConfig": image}).get("imageConfig") if image else None,
        "imageUri": (answer.get("Code") or {}).get("ImageUri"),
        "layers": [layer["Arn"] for layer in layers],
        "reservedConcurrentExecutions": UNRESERVED if reserved is None else reserved,
        "description": configuration.get("Description", ""),
        "qualifiedArn": qualified,
        "version": version,
        "invokeArn": _invoke_arn(work, arn, "2015-03-31", "invocations"),
        "qualifiedInvokeArn": _invoke_arn(work, qualified, "2015-03-31", "invocations"),
        "responseStreamingInvokeArn": _invoke_arn(work, arn, "2021-11-15", "response-streaming-invocations"),
        "signingJobArn": configuration.get("SigningJobArn", ""),
        "signingProfileVersionArn": configuration.get("SigningProfileVersionArn", ""),
        "codeSigningConfigArn": _code_signing(work, configuration),
        "tags": answer.get("Tags") or {},
    }


def _code_signing(work: Work, configuration: Mapping[str, Any]) -> str | None:
    if configuration.get("PackageType") == "Image" or not work.known("codeSigningConfigArn"):
        return None
    answer = work.call("GetFunctionCodeSigningConfig", FunctionName=work.id)
    return answer.get("CodeSigningConfigArn") or None


def _invoke_arn(work: Work, arn: str, version: str, path: str) -> str:
    """What API Gateway calls (API Gateway API reference, PutIntegration, "uri")."""
    return f"arn:aws:apigateway:{work.region}:lambda:path/{version}/functions/{arn}/{path}"


def _latest_version(work: Work) -> str:
    pages = work.sessions.client("lambda", work.region).get_paginator("list_versions_by_function")
    versions = [item["Version"] for page in pages.paginate(FunctionName=work.id) for item in page["Versions"]]
    return max(versions, key=lambda item: int(item) if item.isdigit() else 0)


def _delete(work: Work) -> None:
    if work.known("skipDestroy"):
        return
    work.call("DeleteFunction", FunctionName=work.id)


def _tag_arn(work: Work) -> str:
    return f"arn:aws:lambda:{work.region}:{work.account}:function:{work.id}"


ROWS = (
    ResourceType(
        token="aws:lambda/function:Function",
        service="lambda",
        create=_create,
        created_with=CREATED,
        identify=lambda work, answer: str(answer),
        read=_read,
        settings=(
            Setting(CODE, _update_code),
            Setting(CONFIGURATION, _update_configuration),
            Setting(frozenset({"reservedConcurrentExecutions"}), _set_concurrency, after_create=True),
            Setting(frozenset({"codeSigningConfigArn"}), _set_code_signing),
        ),
        delete=_delete,
        tagging=Tagging(
            tag=lambda work, new: work.call("TagResource", Resource=_tag_arn(work), Tags=dict(new)),
            untag=lambda work, keys: work.call("UntagResource", Resource=_tag_arn(work), TagKeys=keys),
        ),
        local=frozenset({"skipDestroy", "publish", "useResourceTimeoutForPropagation"}),
        unread=frozenset(
            {"code", "publishTo", "s3Bucket", "s3Key", "s3ObjectVersion", "sourceCodeHash", "sourceKmsKeyArn"}
        ),
        volatile=frozenset(
            {"lastModified", "version", "qualifiedArn", "qualifiedInvokeArn", "codeSha256", "sourceCodeSize"}
        ),
        missing=("ResourceNotFoundException",),
        renames=RENAMES,
        defaults={
            "description": "",
            "memorySize": 128,
            "timeout": 3,
            "packageType": "Zip",
            "publish": False,
            "skipDestroy": False,
            "reservedConcurrentExecutions": UNRESERVED,
        },
        auto_name=AutoName(maximum=64, prefix_property=None),
        key=frozenset({"name"}),
        comparison=Comparison(
            {"architectures": SET, "vpcConfig.subnetIds": SET, "vpcConfig.securityGroupIds": SET},
            frozenset(
                {
                    "architectures",
                    "ephemeralStorage",
                    "tracingConfig",
                    "loggingConfig",
                    "loggingConfig.logGroup",
                    "loggingConfig.applicationLogLevel",
                    "loggingConfig.systemLogLevel",
                    "snapStart",
                    "snapStart.optimizationStatus",
                    "vpcConfig.vpcId",
                    "vpcConfig.ipv6AllowedForDualStack",
                    "sourceCodeHash",
                    "codeSha256",
                }
            ),
        ),
        import_id=lambda resource_id: {"name": resource_id},
    ),
)
