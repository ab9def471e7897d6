"""Looking an object of S3 up, as AWS's provider does."""

from __future__ import annotations

import base64
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from local.provider.requests import Provider
from tests.local.provider.conftest import FakeSessions

TOKEN = "aws:s3/getObject:getObject"
BODY = "schemaVersion: 1.0\n"
OBJECT = {"bucket": "documents", "key": "components/agent.yaml"}


@pytest.fixture
def kept(sessions: FakeSessions) -> dict[str, Any]:
    """The head of the one object, which a test may change."""
    head: dict[str, Any] = {
        "ContentType": "binary/octet-stream",
        "ETag": '"0123"',
        "LastModified": datetime(2026, 11, 2, 10, tzinfo=UTC),
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "arn:aws:kms:us-east-1:111111111111:key/documents",
        "VersionId": "v1",
    }
    sessions.operations["HeadObject"] = lambda **_: head
    sessions.operations["GetObject"] = lambda **_: {"Body": io.BytesIO(BODY.encode())}
    sessions.operations["GetObjectTagging"] = lambda **_: {"TagSet": [{"Key": "team", "Value": "platform"}]}
    return head


def test_a_body_that_is_asked_for_comes_whatever_its_type(
    provider: Provider, sessions: FakeSessions, kept: dict[str, Any]
) -> None:
    found = provider.invoke(TOKEN, {**OBJECT, "downloadBody": "true"})
    assert base64.b64decode(found["bodyBase64"]).decode() == BODY
    assert (found["body"], found["versionId"], found["serverSideEncryption"]) == ("", "v1", "aws:kms")
    assert (found["sseKmsKeyId"], found["tags"]) == (kept["SSEKMSKeyId"], {"team": "platform"})
    # The version that the head names, so that body and head are of one upload.
    assert [call["VersionId"] for call in sessions.called("GetObject")] == ["v1"]


@pytest.mark.parametrize(
    ("type_", "download", "body"),
    [("text/yaml", None, BODY), ("application/yaml", None, BODY), ("image/png", None, ""), ("text/yaml", "false", "")],
)
def test_only_text_has_a_body_where_none_is_asked_for(
    provider: Provider, kept: dict[str, Any], type_: str, download: str | None, body: str
) -> None:
    kept["ContentType"] = type_
    found = provider.invoke(TOKEN, {**OBJECT, **({"downloadBody": download} if download else {})})
    assert (found["body"], found["bodyBase64"]) == (body, "")


def test_an_object_without_a_version_has_none(provider: Provider, kept: dict[str, Any]) -> None:
    del kept["VersionId"]
    assert provider.invoke(TOKEN, OBJECT)["versionId"] == ""
