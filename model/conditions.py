"""Condition operators of the policy language, as AWS evaluates them on a request's condition keys."""

from __future__ import annotations


class UnsupportedPolicyError(Exception):
    """A policy holds an operator, a condition key's form or an element that this model does not know."""
