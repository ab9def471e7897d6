"""Every statement of every document is necessary: taken out, exactly what it is for goes wrong."""

from __future__ import annotations

import re

import pytest
from tests.stacks.permissions.image_statements import IMAGE_STATEMENTS
from tests.stacks.permissions.upload_statements import UPLOAD_STATEMENTS

from tests.stacks.permissions.classification import Classified, Purpose, RefusedError
from tests.stacks.permissions.documents import documents
from tests.stacks.world import Deployed, World

pytestmark = pytest.mark.stack

CLASSIFIED = (*UPLOAD_STATEMENTS, *IMAGE_STATEMENTS)
PROBES = list(dict.fromkeys((one.probe, one.purpose is Purpose.GUARD, one.place, one.says) for one in CLASSIFIED))


def test_every_statement_of_every_document_is_classified_once(world: World) -> None:
    deployed = [(name, entry["Sid"]) for name, one in documents(world).items() for entry in one.read()["Statement"]]
    assert sorted((one.document, one.sid) for one in CLASSIFIED) == sorted(deployed)


@pytest.mark.parametrize(
    ("probe", "guarded", "place", "says"), PROBES, ids=lambda value: getattr(value, "__name__", "")
)
def test_as_it_is_deployed_each_probe_is_allowed_or_guarded_against(
    world: World, ledger_image: Deployed, probe: object, guarded: bool, place: str, says: str
) -> None:
    assert callable(probe)
    if not guarded:
        probe(world)
        return
    with pytest.raises(RefusedError) as caught:
        probe(world)
    assert caught.value.place == place
    assert re.search(says, caught.value.text)


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
