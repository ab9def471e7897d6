"""The two kinds of files that people write, as pydantic models, and how they are read."""
