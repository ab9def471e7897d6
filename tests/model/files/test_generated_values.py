"""A new kind of field is drawn, or fails with its name."""

from __future__ import annotations

import pytest

from model.files.fields import FileModel
from tests.model.files.generated_values import UnknownTypeError, Values, fields_of


class Novel(FileModel):
    """A model with a type that no file had before."""

    new_field: frozenset[int]


def test_a_type_that_nothing_draws_fails_with_the_fields_name() -> None:
    with pytest.raises(UnknownTypeError, match=r"Novel\.newField: nothing draws values of frozenset"):
        Values().of_field(fields_of(Novel)["newField"])
