"""Objects of text content, as pulumi-aws's BucketObjectv2 makes them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.provider.errors import ProviderError
from local.provider.requests import Provider
from tests.local.provider.conftest import FakeSessions

URN = "urn:pulumi:dev::golden-ami::aws:s3/bucketObjectv2:BucketObjectv2::document"
UNTAGGED = {"overrideProvider": {"defaultTags": {"tags": {}}}}
INPUTS = {"bucket": "scripts", "key": "components/agent.yaml", "content": "phases: []", **UNTAGGED}


class Store:
    """A versioned bucket: every put is another version."""

    def __init__(self, sessions: FakeSessions) -> None:
        self.versions: list[dict[str, Any]] = []
        sessions.operations |= {
            "PutObject": self.put,
            "HeadObject": self.head,
            "GetObjectTagging": lambda **_: {"TagSet": []},
        }

    def put(self, **given: Any) -> dict[str, Any]:
        self.versions.append(given)
        return {}

    def head(self, **_: Any) -> dict[str, Any]:
        if not self.versions:
            missing: Any = {"Error": {"Code": "404"}, "ResponseMetadata": {"HTTPStatusCode": 404}}
            raise ClientError(missing, "HeadObject")
        newest = self.versions[-1]
        given = {
            name: newest[name] for name in ("ContentType", "SSEKMSKeyId", "ServerSideEncryption") if name in newest
        }
        return {"ETag": f'"{len(newest["Body"])}"', "VersionId": str(len(self.versions)), **given}


@pytest.fixture
def store(sessions: FakeSessions) -> Store:
    return Store(sessions)


def test_an_object_is_its_text_with_version_and_address(provider: Provider, store: Store) -> None:
    inputs, faults = provider.check(URN, b"seed", {**INPUTS, "contentType": "application/yaml", "kmsKeyId": "key"}, {})
    assert faults == []
    name, state = provider.create(URN, inputs, preview=False)
    assert name == "components/agent.yaml"
    assert store.versions[0]["Body"] == b"phases: []"
    assert (state["versionId"], state["etag"], state["arn"]) == (
        "1",
        "10",
        "arn:aws:s3:::scripts/components/agent.yaml",
    )
    assert (state["contentType"], state["kmsKeyId"], state["serverSideEncryption"]) == (
        "application/yaml",
        "key",
        "aws:kms",
    )


def test_changed_content_is_another_version_in_place_and_another_key_another_object(
    provider: Provider, store: Store
) -> None:
    inputs, _ = provider.check(URN, b"seed", INPUTS, {})
    name, state = provider.create(URN, inputs, preview=False)
    news, _ = provider.check(URN, b"seed", {**INPUTS, "content": "phases: [1]"}, inputs)
    found = provider.diff(URN, news, state, inputs, ())
    assert (set(found.names), found.replaces) == ({"content"}, set())
    changed = provider.update(URN, name, news, state, inputs, (), preview=False)
    assert (changed["versionId"], store.versions[1]["Body"]) == ("2", b"phases: [1]")
    moved, _ = provider.check(URN, b"seed", {**INPUTS, "key": "components/other.yaml"}, inputs)
    assert set(provider.diff(URN, moved, state, inputs, ()).replaces) == {"key"}


def test_default_tags_that_an_object_may_not_take_are_refused(provider: Provider, store: Store) -> None:
    inputs, _ = provider.check(URN, b"seed", {key: INPUTS[key] for key in ("bucket", "key", "content")}, {})
    with pytest.raises(ProviderError, match=r"set overrideProvider\.defaultTags\.tags to none"):
        provider.create(URN, inputs, preview=False)
    assert store.versions == []


def test_an_object_without_text_is_refused(provider: Provider) -> None:
    _, faults = provider.check(URN, b"seed", {key: INPUTS[key] for key in ("bucket", "key")}, {})
    assert ["content" in fault.reason for fault in faults] == [True]


def test_what_is_gone_is_told(provider: Provider, store: Store) -> None:
    inputs, _ = provider.check(URN, b"seed", INPUTS, {})
    name, state = provider.create(URN, inputs, preview=False)
    store.versions.clear()
    assert provider.read(URN, name, state, inputs)[0] == ""
