"""What AWS answered to a call that it refused."""

from __future__ import annotations

from botocore.exceptions import ClientError


def code_of(error: ClientError) -> str:
    """The error code that AWS answered."""
    return error.response.get("Error", {}).get("Code", "")


def reason_of(error: ClientError) -> str:
    """Code and message, as a report tells them."""
    return f"{code_of(error)}: {error.response.get('Error', {}).get('Message')}"
