"""KMS keys: who may use which, across accounts and with grants. The keys themselves are ministack's."""
