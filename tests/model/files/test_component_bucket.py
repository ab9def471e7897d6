"""Documents in a bucket that is there already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from model.files.component_bucket import ComponentBucket, StoredDocument, documents_arns
from model.files.landing_zone import LandingZone
from model.files.loading import LANDING_ZONE_KEY, StackFile, validate
from model.files.problems import FileError
from model.files.recipe import RecipeComponent, read_components
from tests.model.files.journal import journal

REPOSITORY = Path(__file__).parents[3]
BUCKET = {"name": "golden-ami-component-nk", "prefix": "golden_ami_amf_components/"}
TEXT = "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - {name: Again, action: Reboot}\n"
KEPT = StoredDocument(TEXT.encode(), "v1", "AES256")


def read(landing_zone: LandingZone, stored: StoredDocument | None, *names: str) -> tuple[RecipeComponent, ...]:
    steps = [{"bucketDocument": name} for name in names or ("agent.yaml",)]
    product = journal(landing_zone, componentBucket=BUCKET, components={"build": steps})
    documents = None if stored is None else dict.fromkeys([step["bucketDocument"] for step in steps], stored)
    return read_components(product, landing_zone, REPOSITORY, documents)


def problems(landing_zone: LandingZone, stored: StoredDocument, *names: str) -> list[str]:
    with pytest.raises(FileError) as raised:
        read(landing_zone, stored, *names)
    return [str(problem) for problem in raised.value.problems]


def labels(components: tuple[RecipeComponent, ...]) -> list[str]:
    return [component.label for component in components]


def test_a_document_of_the_bucket_is_a_step_like_any_other(landing_zone: LandingZone) -> None:
    components = read(landing_zone, KEPT)
    assert labels(components) == ["update-os", "agent", "install-scripts", "clean-up", "test-boots-again"]
    assert components[1].text == TEXT


def test_a_component_is_called_after_its_document_in_words_that_arns_have(landing_zone: LandingZone) -> None:
    assert labels(read(landing_zone, KEPT, "linux/Install_jq.v2.yaml"))[1] == "install-jq-v2"


def test_two_documents_that_would_be_called_alike_are_told(landing_zone: LandingZone) -> None:
    (problem,) = problems(landing_zone, KEPT, "agent.yaml", "old/agent.yaml")
    address = "s3://golden-ami-component-nk/golden_ami_amf_components"
    assert f"{address}/old/agent.yaml would be called like {address}/agent.yaml; rename one of them" in problem


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (StoredDocument(TEXT.encode(), None, "AES256"), "is kept without versions in golden-ami-component-nk; turn"),
        (StoredDocument(TEXT.encode(), "null", "AES256"), "is kept without versions"),
        (StoredDocument(TEXT.encode(), "v1", None), "is not encrypted in golden-ami-component-nk; give the bucket"),
        (StoredDocument(refused="Forbidden (403)"), "cannot be read from golden-ami-component-nk: Forbidden (403)"),
    ],
)
def test_a_document_that_is_not_kept_safely_is_refused_at_its_step(
    landing_zone: LandingZone, stored: StoredDocument, told: str
) -> None:
    (problem,) = problems(landing_zone, stored)
    assert "components.build.0.bucketDocument: " in problem
    assert told in problem


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe", "is not UTF-8 text"),
        (TEXT.replace("Reboot", "Rebot").encode(), ":5: phases.0.steps.0.action: 'Rebot' is no action of AWSTOE"),
        (TEXT.replace("Reboot", "RebootX").encode() + b"#" * 70_000, "Image Builder reads at most 65536"),
    ],
)
def test_a_document_of_the_bucket_is_checked_as_own_ones_are(
    landing_zone: LandingZone, content: bytes, told: str
) -> None:
    (problem,) = problems(landing_zone, StoredDocument(content, "v1", "AES256"))
    assert problem.startswith("s3://golden-ami-component-nk/golden_ami_amf_components/agent.yaml:")
    assert told in problem


def test_where_nobody_asked_the_bucket_its_documents_are_left_out(landing_zone: LandingZone) -> None:
    assert "agent" not in labels(read(landing_zone, None))


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"components": {"finish": [{"bucketDocument": "a.yaml"}]}}, "components.finish.0.bucketDocument: lies in no"),
        ({"componentBucket": BUCKET}, "componentBucket: has no documents"),
        (
            {"componentBucket": {**BUCKET, "prefix": "parts"}, "components": {"build": [{"bucketDocument": "a.yaml"}]}},
            "componentBucket.prefix: must match",
        ),
        (
            {"componentBucket": BUCKET, "components": {"build": [{"bucketDocument": "/a.yaml"}]}},
            "components.build.0.bucketDocument: must match",
        ),
    ],
)
def test_a_bucket_and_its_documents_are_stated_together(
    landing_zone: LandingZone, stated: dict[str, Any], told: str
) -> None:
    with pytest.raises(FileError, match=told):
        journal(landing_zone, **stated)


def test_mandatory_steps_cannot_lie_in_a_products_bucket(landing_zone: LandingZone) -> None:
    values = landing_zone.model_dump(mode="json", by_alias=True)
    values["mandatoryComponents"] = {"windows": {"test": [{"bucketDocument": "a.yaml"}]}}
    with pytest.raises(FileError, match=r"mandatoryComponents\.windows\.test\.0\.bucketDocument: is for products only"):
        validate(LandingZone, LANDING_ZONE_KEY, values, StackFile("Pulumi.landing-zone.yaml", {}, None))


def test_permissions_name_the_documents_of_each_bucket_once() -> None:
    bucket, whole = ComponentBucket(**BUCKET), ComponentBucket(name="whole")
    assert documents_arns([whole, bucket, None, bucket]) == (
        "arn:aws:s3:::golden-ami-component-nk/golden_ami_amf_components/*",
        "arn:aws:s3:::whole/*",
    )
