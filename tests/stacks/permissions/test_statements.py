"""Every statement of every document is necessary: taken out, exactly what it is for goes wrong."""

from __future__ import annotations

import re

import pytest

from model.names import LOCK_KEY
from tests.stacks.permissions.classification import Classified, Probe, Purpose, RefusedError
from tests.stacks.permissions.documents import documents
from tests.stacks.permissions.image_statements import IMAGE_STATEMENTS, RECORDED_IMAGE_STATEMENTS
from tests.stacks.permissions.upload_probes import names
from tests.stacks.permissions.upload_statements import RECORDED_UPLOAD_STATEMENTS, UPLOAD_STATEMENTS
from tests.stacks.waiting import until
from tests.stacks.world import Deployed, World

pytestmark = pytest.mark.stack

CLASSIFIED = (*UPLOAD_STATEMENTS, *IMAGE_STATEMENTS)
RECORDED = {**RECORDED_UPLOAD_STATEMENTS, **RECORDED_IMAGE_STATEMENTS}
ALLOWED = list(dict.fromkeys(one.probe for one in CLASSIFIED if one.purpose is not Purpose.GUARD))
GUARDED = [one for one in CLASSIFIED if one.purpose is Purpose.GUARD]


@pytest.fixture(autouse=True)
def no_lock(world: World) -> None:
    """Let the functions that work end; from one that could not give its lock back, take it."""
    s3, bucket = world.client("s3"), names(world).bucket

    def free() -> bool:
        return s3.list_objects_v2(Bucket=bucket, Prefix=LOCK_KEY)["KeyCount"] == 0

    try:
        until(free, "the lock is free", timeout=5)
    except TimeoutError:
        s3.delete_object(Bucket=bucket, Key=LOCK_KEY)


def test_every_statement_of_every_document_is_classified_once(world: World) -> None:
    deployed = [(name, entry["Sid"]) for name, one in documents(world).items() for entry in one.read()["Statement"]]
    assert sorted([*((one.document, one.sid) for one in CLASSIFIED), *RECORDED]) == sorted(deployed)


@pytest.mark.parametrize("probe", ALLOWED, ids=lambda probe: probe.__name__)
def test_as_it_is_deployed_nothing_is_refused(world: World, ledger_image: Deployed, probe: Probe) -> None:
    probe(world)


@pytest.mark.parametrize("statement", GUARDED, ids=str)
def test_as_it_is_deployed_what_a_statement_guards_against_is_refused(
    world: World, ledger_image: Deployed, statement: Classified
) -> None:
    with pytest.raises(RefusedError) as caught:
        statement.probe(world)
    assert caught.value.place == statement.place
    assert re.search(statement.says, caught.value.text)


@pytest.mark.parametrize("statement", CLASSIFIED, ids=str)
def test_without_the_statement_exactly_what_it_is_for_goes_wrong(
    world: World, ledger_image: Deployed, statement: Classified
) -> None:
    document = documents(world)[statement.document]
    with document.changed(statement.change or document.without(statement.sid)):
        if statement.purpose is Purpose.GUARD:
            statement.probe(world)
            return
        with pytest.raises(RefusedError) as caught:
            statement.probe(world)
    assert caught.value.place == statement.place
    assert re.search(statement.says, caught.value.text), caught.value.text
