"""Asking S3 for a product's component documents."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.runtime import mocks

from components.stored_documents import stored_documents
from model.files.component_bucket import StoredDocument
from model.files.landing_zone import LandingZone
from tests.model.files.journal import journal

HELD: dict[str, Any] = {
    "bodyBase64": base64.b64encode(b"schemaVersion: 1.0").decode(),
    "versionId": "v1",
    "serverSideEncryption": "aws:kms",
}


class Bucket(mocks.Mocks):
    """A bucket with one document."""

    def __init__(self, held: dict[str, Any]) -> None:
        self.held = held
        self.asked: list[dict[str, Any]] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        self.asked.append(dict(args.args))
        if args.args["key"] != "parts/agent.yaml":
            return {}, [("", "reading S3 Bucket (documents) Object (parts/gone.yaml): couldn't find resource")]
        return self.held, []


def answers(landing_zone: LandingZone, bucket: Bucket, *names: str) -> dict[str, StoredDocument]:
    """What the bucket is found to hold of documents that a product names in several stages."""
    steps = [{"bucketDocument": name} for name in names]
    given = {"componentBucket": {"name": "documents", "prefix": "parts/"}, "components": {"build": steps}}
    product = journal(landing_zone, **(given if names else {}))
    asyncio.set_event_loop(asyncio.new_event_loop())
    mocks.set_mocks(bucket, project="golden-ami", stack="test")
    found: dict[str, StoredDocument] = {}

    @pulumi.runtime.test
    def program() -> None:
        found.update(stored_documents(product, aws.Provider("hub", region="us-east-1")))

    program()
    return found


def test_a_document_comes_with_its_version_and_encryption(landing_zone: LandingZone) -> None:
    bucket = Bucket(HELD)
    found = answers(landing_zone, bucket, "agent.yaml")
    assert found == {"agent.yaml": StoredDocument(b"schemaVersion: 1.0", "v1", "aws:kms")}
    # A type that is no text would leave the body out.
    assert bucket.asked == [{"bucket": "documents", "key": "parts/agent.yaml", "downloadBody": "true"}]


@pytest.mark.parametrize("missing", ["versionId", "serverSideEncryption"])
def test_what_s3_does_not_tell_is_none(landing_zone: LandingZone, missing: str) -> None:
    found = answers(landing_zone, Bucket({**HELD, missing: ""}), "agent.yaml")["agent.yaml"]
    assert (found.version_id, found.encryption).count(None) == 1


def test_a_document_that_cannot_be_read_says_why(landing_zone: LandingZone) -> None:
    found = answers(landing_zone, Bucket(HELD), "gone.yaml", "agent.yaml")
    assert "couldn't find resource" in (found["gone.yaml"].refused or "")
    assert found["agent.yaml"].refused is None


def test_a_product_without_a_bucket_asks_nothing(landing_zone: LandingZone) -> None:
    bucket = Bucket(HELD)
    assert answers(landing_zone, bucket) == {}
    assert bucket.asked == []
