"""Layer versions, on a Lambda in memory."""

from __future__ import annotations

import hashlib
import io
import zipfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.provider.errors import ProviderError
from local.provider.requests import Provider
from local.provider.values import ARCHIVE, ASSET, SIGNATURE, Blob

LAYER = "urn:pulumi:dev::golden-ami::aws:lambda/layerVersion:LayerVersion::functions"
ARN = "arn:aws:lambda:us-east-1:111111111111:layer:functions"


def archive(content: str) -> Blob:
    asset = Blob({SIGNATURE: ASSET, "text": content, "hash": content})
    return Blob({SIGNATURE: ARCHIVE, "assets": {"python/one.py": asset}, "hash": f"hash of {content}"})


INPUTS: Mapping[str, Any] = {
    "layerName": "functions",
    "code": archive("one = 1"),
    "compatibleRuntimes": ["python3.13"],
    "compatibleArchitectures": ["x86_64"],
    "description": "What the functions import",
}


class FakeLayers:
    """Versions of one layer."""

    def __init__(self, sessions: Any, refusal: Callable[..., ClientError]) -> None:
        self.versions: dict[int, dict[str, Any]] = {}
        self._refusal = refusal
        sessions.operations.update(
            PublishLayerVersion=self.publish,
            GetLayerVersion=self.get,
            DeleteLayerVersion=lambda **p: self.versions.pop(p["VersionNumber"], None),
        )

    def publish(self, **parameters: Any) -> dict[str, Any]:
        number = len(self.versions) + 1
        content = parameters.pop("Content").get("ZipFile", b"from S3")
        parameters.pop("LayerName")
        digest = b64encode(hashlib.sha256(content).digest()).decode()
        self.versions[number] = {
            **parameters,
            "LayerArn": ARN,
            "LayerVersionArn": f"{ARN}:{number}",
            "Version": number,
            "CreatedDate": "2026-11-02T10:00:00.000+0000",
            "Content": {"CodeSha256": digest, "CodeSize": len(content), "Location": "https://example.com"},
        }
        return self.versions[number]

    def get(self, **parameters: Any) -> dict[str, Any]:
        if parameters["VersionNumber"] not in self.versions:
            raise self._refusal("ResourceNotFoundException", "no such version")
        return self.versions[parameters["VersionNumber"]]


@pytest.fixture
def layers(sessions: Any, refusal: Callable[..., ClientError]) -> FakeLayers:
    return FakeLayers(sessions, refusal)


def test_a_layer_version_is_known_by_its_arn_with_its_number(provider: Provider, layers: FakeLayers) -> None:
    resource_id, outputs = provider.create(LAYER, INPUTS, preview=False)
    assert (resource_id, outputs["arn"], outputs["layerArn"]) == (f"{ARN}:1", f"{ARN}:1", ARN)
    assert (outputs["version"], outputs["createdDate"]) == ("1", "2026-11-02T10:00:00.000+0000")
    assert outputs["codeSha256"] == layers.versions[1]["Content"]["CodeSha256"]
    assert outputs["sourceCodeSize"] == layers.versions[1]["Content"]["CodeSize"]


def test_the_archive_is_sent_as_a_zip(provider: Provider, sessions: Any) -> None:
    sent: list[bytes] = []

    def publish(**parameters: Any) -> dict[str, Any]:
        sent.append(parameters["Content"]["ZipFile"])
        raise ProviderError("enough")

    sessions.operations["PublishLayerVersion"] = publish
    with pytest.raises(ProviderError, match="enough"):
        provider.create(LAYER, INPUTS, preview=False)
    with zipfile.ZipFile(io.BytesIO(sent[0])) as file:
        assert {name: file.read(name) for name in file.namelist()} == {"python/one.py": b"one = 1"}


def test_the_same_layer_changes_nothing_afterwards(provider: Provider, layers: FakeLayers) -> None:
    resource_id, state = provider.create(LAYER, INPUTS, preview=False)
    assert not provider.diff(LAYER, INPUTS, state, INPUTS, ()).kinds
    _, read, inputs = provider.read(LAYER, resource_id, state, INPUTS)
    assert inputs == INPUTS
    assert not provider.diff(LAYER, INPUTS, read, INPUTS, ()).kinds


@pytest.mark.parametrize(
    "change",
    [
        {"code": archive("one = 2")},
        {"layerName": "others"},
        {"compatibleRuntimes": ["python3.14"]},
        {"compatibleArchitectures": ["arm64"]},
        {"description": "Other"},
        {"licenseInfo": "Apache-2.0"},
        {"sourceCodeHash": "told by hand"},
        {"skipDestroy": True},
    ],
)
def test_every_change_makes_a_new_version_before_the_old_one_goes(
    provider: Provider, layers: FakeLayers, change: Mapping[str, Any]
) -> None:
    _, state = provider.create(LAYER, INPUTS, preview=False)
    found = provider.diff(LAYER, {**INPUTS, **change}, state, INPUTS, ())
    assert found.replaces == set(change)
    assert not found.delete_first


def test_a_deleted_layer_version_is_gone(provider: Provider, layers: FakeLayers) -> None:
    resource_id, state = provider.create(LAYER, INPUTS, preview=False)
    provider.delete(LAYER, resource_id, state, INPUTS)
    assert provider.read(LAYER, resource_id, state, INPUTS) == ("", {}, {})


def test_a_layer_version_that_is_to_be_kept_stays(provider: Provider, layers: FakeLayers) -> None:
    inputs = {**INPUTS, "skipDestroy": True}
    resource_id, state = provider.create(LAYER, inputs, preview=False)
    provider.delete(LAYER, resource_id, state, inputs)
    assert set(layers.versions) == {1}


def test_code_may_lie_in_a_bucket(provider: Provider, layers: FakeLayers) -> None:
    place = {"s3Bucket": "code", "s3Key": "layer.zip", "s3ObjectVersion": "7"}
    inputs = {**{name: value for name, value in INPUTS.items() if name != "code"}, **place}
    _, state = provider.create(LAYER, inputs, preview=False)
    assert not provider.diff(LAYER, inputs, state, inputs, ()).kinds
    with pytest.raises(ProviderError, match="code, or s3Bucket with s3Key, is needed"):
        provider.create(LAYER, {"layerName": "functions"}, preview=False)


def test_an_imported_layer_version_is_read_by_its_arn(provider: Provider, layers: FakeLayers) -> None:
    resource_id, _ = provider.create(LAYER, INPUTS, preview=False)
    _, state, inputs = provider.read(LAYER, resource_id, {}, {})
    assert (inputs["layerName"], inputs["compatibleRuntimes"]) == ("functions", ["python3.13"])
    assert state["arn"] == resource_id
    with pytest.raises(ProviderError, match="ARN with its number"):
        provider.read(LAYER, ARN, {}, {})


def test_a_layers_name_and_its_arn_are_one(provider: Provider, layers: FakeLayers) -> None:
    inputs = {**INPUTS, "layerName": ARN}
    resource_id, state = provider.create(LAYER, inputs, preview=False)
    _, read, _ = provider.read(LAYER, resource_id, state, inputs)
    assert not provider.diff(LAYER, inputs, read, inputs, ()).kinds
    assert not provider.diff(LAYER, INPUTS, read, INPUTS, ()).kinds
