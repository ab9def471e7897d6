"""The Pulumi engine of the pinned version, and a Python language host for it where Pulumi's own cannot be had."""
