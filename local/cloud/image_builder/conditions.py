"""Comparison and logical operators of `Assert` and `if`.

Source: Image Builder User Guide, "Use comparison operators in AWSTOE component documents" and "Use logical operators".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, cast

from local.cloud.image_builder.machine import Machine
from local.cloud.image_builder.workbench import ActionError

_TEXT: dict[str, Callable[[str, str], bool]] = {
    "stringEquals": lambda value, other: value == other,
    "stringLessThan": lambda value, other: value < other,
    "stringLessThanEquals": lambda value, other: value <= other,
    "stringGreaterThan": lambda value, other: value > other,
    "stringGreaterThanEquals": lambda value, other: value >= other,
    "patternMatches": lambda value, other: re.search(other, value) is not None,
}
_NUMBER: dict[str, Callable[[float, float], bool]] = {
    "numberEquals": lambda value, other: value == other,
    "numberLessThan": lambda value, other: value < other,
    "numberLessThanEquals": lambda value, other: value <= other,
    "numberGreaterThan": lambda value, other: value > other,
    "numberGreaterThanEquals": lambda value, other: value >= other,
}
_FILE_DIGESTS = {
    "fileMD5Equals": "md5",
    "fileSHA1Equals": "sha1",
    "fileSHA256Equals": "sha256",
    "fileSHA512Equals": "sha512",
}
_BRANCHES = ("then", "else", "value", "name", "path", "checksum", "caseInsensitive")


def holds(condition: dict[str, Any], machine: Machine) -> bool:
    """Whether a comparison or logical operator is true; its expressions are resolved already.

    Raises:
        ActionError: Unknown or several operators, or operands of the wrong type.
    """
    operators = [key for key in condition if key not in _BRANCHES]
    if len(operators) != 1:
        raise ActionError(f"one operator is needed, there are {len(operators)}: {', '.join(operators)}")
    operator = operators[0]
    operand: Any = condition[operator]
    if operator == "not":
        return not holds(_nested(operand), machine)
    if operator in ("and", "or"):
        results = (holds(_nested(entry), machine) for entry in cast("list[Any]", operand))
        return all(results) if operator == "and" else any(results)
    return _compares(operator, operand, condition, machine)


def _compares(operator: str, operand: Any, condition: dict[str, Any], machine: Machine) -> bool:
    value: Any = condition.get("value")
    if operator == "stringIsEmpty":
        return str(operand) == ""
    if operator == "stringIsWhitespace":
        return str(operand).strip() == ""
    if operator in _TEXT:
        return _TEXT[operator](str(value), str(operand))
    if operator in _NUMBER:
        try:
            return _NUMBER[operator](float(value), float(operand))
        except (TypeError, ValueError) as error:
            raise ActionError(f"{operator} needs numbers, not {value!r} and {operand!r}") from error
    if operator in ("fileExists", "folderExists"):
        path = machine.path(str(operand))
        return path.is_file() if operator == "fileExists" else path.is_dir()
    if operator in _FILE_DIGESTS:
        path = machine.path(str(condition.get("path", "")))
        if not path.is_file():
            return False
        digest = hashlib.new(_FILE_DIGESTS[operator], path.read_bytes(), usedforsecurity=False).hexdigest()
        return digest == str(operand if not isinstance(operand, dict) else condition.get("checksum")).lower()
    raise ActionError(f"the operator {operator} is not supported")


def _nested(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ActionError("a logical operator holds comparison operators")
    return cast("dict[str, Any]", value)
