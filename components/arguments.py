"""What the arguments of all components have in common."""

from pydantic import BaseModel, ConfigDict


class ComponentArgs(BaseModel):
    """Base of every component's arguments: frozen, nothing unknown; outputs may stand where the field says so."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True)
