"""Asking AWS through a provider before anything is declared, where a refusal is an answer too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


class RefusedError(Exception):
    """What the provider answered to a function that it refused; a mistake in the program is none."""


def asked(function: Callable[[], Answer]) -> Answer:
    """What a function of the aws package answers; raises `RefusedError`."""
    try:
        return function()
    except Exception as error:
        # Pulumi has no type of its own for a function that failed; a mistake in the program has one.
        if type(error) is not Exception or not str(error).startswith("invoke of "):
            raise
        raise RefusedError(str(error)) from None
