"""shellcheck for the bash of component documents of one's own, before Image Builder gets them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import yaml

from model.files.problems import FileError, Problem, dotted, line_of
from model.files.recipe import RecipeComponent
from runtime.functions.shell_lint import find_shell_errors


def check_shell(components: Iterable[RecipeComponent]) -> None:
    """Refuse documents whose bash has errors; raises `FileError`, and `ShellcheckError` where it cannot be checked.

    The ready-made documents are checked by the project's own tests.
    """
    documents = {component.file: component for component in components if _is_own(component)}
    problems = [problem for component in documents.values() for problem in _problems(component)]
    if problems:
        raise FileError(problems)


def _is_own(component: RecipeComponent) -> bool:
    return component.placed is not None and component.placed.step.document is not None


def _problems(component: RecipeComponent) -> Iterator[Problem]:
    if component.document is None or component.text is None:
        return
    root = yaml.compose(component.text)
    for place, script in component.document.shell_scripts():
        for finding in find_shell_errors(component.file, script):
            line = finding.line or 1
            message = f"line {line} of the script: {finding.message} ({finding.rule}); correct the script"
            yield Problem(component.file, line_of(root, place), dotted(place), message)
