"""What golden-ami decides without calling anything: names, policy documents, versions, distribution.

Only `model.files` needs pydantic, so that the functions in `runtime` can carry the rest without a compiled wheel.
"""
