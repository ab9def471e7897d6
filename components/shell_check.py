"""shellcheck for the bash of component documents of one's own, before Image Builder gets them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from model.files.component_document import DocumentFile
from model.files.problems import FileError, Problem
from model.files.recipe import RecipeComponent
from runtime.functions.shell_lint import find_shell_errors


def check_shell(components: Iterable[RecipeComponent]) -> None:
    """Refuse documents whose bash has errors; raises `FileError`, and `ShellcheckError` where it cannot be checked.

    The ready-made documents are checked by the project's own tests.
    """
    placed = [(each.placed.step, each.document) for each in components if each.placed is not None]
    own = [document for step, document in placed if document is not None and step.ready_made is None]
    documents = {document.name: document for document in own}
    problems = [problem for document in documents.values() for problem in _problems(document)]
    if problems:
        raise FileError(problems)


def _problems(document: DocumentFile) -> Iterator[Problem]:
    for place, script in document.content.shell_scripts():
        for finding in find_shell_errors(document.name, script):
            line = finding.line or 1
            message = f"line {line} of the script: {finding.message} ({finding.rule}); correct the script"
            yield document.problem(place, message)
