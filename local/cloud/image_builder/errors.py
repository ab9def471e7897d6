"""Image Builder's errors, with its codes and, where they are known, its words.

Wording of `invalid_value`, `in_use_by_others` and the instance profile's error: seen in issues of the Terraform AWS
provider (threads on ResourceDependencyException and on `InvalidParameterValueException`); the rest is ours.
"""

from __future__ import annotations

from local.cloud.call import ServiceError


def invalid_value(parameter: str, reason: str) -> ServiceError:
    """A parameter's value breaks a rule."""
    return ServiceError(
        "InvalidParameterValueException", f"The value supplied for parameter '{parameter}' is not valid. {reason}"
    )


def invalid_combination(parameter: str, reason: str) -> ServiceError:
    """Parameters contradict each other, or what they refer to."""
    return ServiceError(
        "InvalidParameterCombinationException", f"The value supplied for parameter '{parameter}' is not valid. {reason}"
    )


def invalid_request(reason: str) -> ServiceError:
    """The request cannot be carried out as things are."""
    return ServiceError("InvalidRequestException", reason)


def not_found(arn: str) -> ServiceError:
    """No resource has that ARN."""
    return ServiceError("ResourceNotFoundException", f"The resource with ARN '{arn}' does not exist.", 404)


def already_exists(arn: str) -> ServiceError:
    """A name or version is taken."""
    return ServiceError("ResourceAlreadyExistsException", f"The resource with ARN '{arn}' already exists.")


def in_use_by_others(arn: str) -> ServiceError:
    """Deletion of what another resource refers to."""
    return ServiceError(
        "ResourceDependencyException",
        f"Resource dependency error: The resource ARN '{arn}' has other resources depended on it.",
    )


def in_use(arn: str, reason: str) -> ServiceError:
    """A resource is at work."""
    return ServiceError("ResourceInUseException", f"The resource with ARN '{arn}' is in use: {reason}")


def dry_run() -> ServiceError:
    """A request with `dryRun` that would have succeeded."""
    return ServiceError("DryRunOperationException", "The request would have succeeded, but dryRun is set.", 412)
