"""Tags of Image Builder's resources.

Source: API Reference, TagResource, UntagResource, ListTagsForResource.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.cloud.call import Call
from local.cloud.image_builder import errors
from local.cloud.image_builder.context import Context
from local.cloud.image_builder.store import Record
from local.cloud.image_builder.versions import ResourceArn, VersionError

TAG_MAXIMUM = 50
"""Tags on a resource (User Guide, "Quotas")."""


class Tagging:
    """The operations on tags."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.operations: Mapping[str, Callable[[Call], dict[str, Any]]] = {
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list,
        }

    def tag(self, call: Call) -> dict[str, Any]:
        """TagResource."""
        tags = self._resource(call).setdefault("tags", {})
        merged = {**tags, **call.parameters["tags"]}
        if len(merged) > TAG_MAXIMUM:
            raise errors.invalid_value("tags", f"A resource holds at most {TAG_MAXIMUM} tags.")
        reserved = [key for key in call.parameters["tags"] if key.lower().startswith("aws:")]
        if reserved:
            raise errors.invalid_value("tags", f"The prefix aws: is reserved: {', '.join(reserved)}.")
        tags.update(call.parameters["tags"])
        return {}

    def untag(self, call: Call) -> dict[str, Any]:
        """UntagResource."""
        tags = self._resource(call).setdefault("tags", {})
        for key in call.parameters["tagKeys"]:
            tags.pop(key, None)
        return {}

    def list(self, call: Call) -> dict[str, Any]:
        """ListTagsForResource."""
        return {"tags": dict(self._resource(call).get("tags", {}))}

    def _resource(self, call: Call) -> Record:
        arn = call.parameters["resourceArn"]
        try:
            kind = ResourceArn.parse(arn).kind.partition("/")[0]
        except VersionError as error:
            raise errors.invalid_value("resourceArn", str(error)) from error
        return self._context.shelf(call).get(kind, arn)
