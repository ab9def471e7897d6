"""How long a product's records are kept."""

LOG_RETENTION = 365
"""Days that logs are kept (Security Hub CloudWatch.16)."""
