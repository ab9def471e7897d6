"""What ministack gets wrong of Lambda and this program depends on, put right at start-up.

As in `ministack_corrections`, each correction says what AWS does.
"""

from __future__ import annotations

import zipfile
from types import SimpleNamespace
from typing import Any

from ministack.core import iam_actions, lambda_runtime
from ministack.services import lambda_svc

LAYER_ACTIONS = {
    ("GET", 1): "ListLayers",
    ("GET", 3): "ListLayerVersions",
    ("POST", 3): "PublishLayerVersion",
    ("GET", 4): "GetLayerVersion",
    ("DELETE", 4): "DeleteLayerVersion",
}
"""By method and parts of the path from `layers` on (Lambda API Reference; Service Authorization Reference, Lambda)."""


SETTING_ACTIONS = {
    "event-invoke-config": {
        "DELETE": "DeleteFunctionEventInvokeConfig",
        "GET": "GetFunctionEventInvokeConfig",
        "POST": "UpdateFunctionEventInvokeConfig",
        "PUT": "PutFunctionEventInvokeConfig",
    },
    "concurrency": {
        "DELETE": "DeleteFunctionConcurrency",
        "GET": "GetFunctionConcurrency",
        "PUT": "PutFunctionConcurrency",
    },
}
"""By the last part of a function's path and the method (same sources)."""


def correct_function_actions() -> None:
    """Let policies decide on layers' versions and on retries by actions of their own.

    ministack takes all reading of layers for ListLayers, and changes of retries for changes of the function.
    """
    original = iam_actions._lambda_action  # pyright: ignore[reportPrivateUsage]

    def derive(method: str, path: str) -> str | None:
        setting = SETTING_ACTIONS.get(path.rstrip("/").rsplit("/", 1)[-1])
        if setting and "/functions/" in path:
            return setting.get(method)
        parts = layer_parts(path)
        return LAYER_ACTIONS.get((method, len(parts))) if parts else original(method, path)

    iam_actions._lambda_action = derive  # pyright: ignore[reportPrivateUsage]


def layer_parts(path: str) -> list[str]:
    """The parts of a path from `layers` on (`layers`, name, `versions`, number); empty for other paths."""
    parts = [part for part in path.split("/") if part]
    return parts[1:5] if parts[1:2] == ["layers"] else []


def layer_arn(path: str, region: str, account: str) -> str | None:
    """ARN of the layer, or of its version where the path names one."""
    parts = layer_parts(path)
    if len(parts) < 2:
        return None
    version = f":{parts[3]}" if len(parts) > 3 else ""
    return f"arn:aws:lambda:{region}:{account}:layer:{parts[1]}{version}"


def correct_file_modes() -> None:
    """Unpack code and layers with their files' modes.

    Source: Lambda Developer Guide, "Working with .zip file archives", file permissions.
    """

    class ModeKeepingZipFile(zipfile.ZipFile):
        def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
            lambda_svc._extract_zip_preserving_mode(self, path)  # pyright: ignore[reportPrivateUsage]

    known: dict[str, Any] = {**vars(zipfile), "ZipFile": ModeKeepingZipFile}
    lambda_runtime.zipfile = SimpleNamespace(**known)  # pyright: ignore[reportAttributeAccessIssue]
