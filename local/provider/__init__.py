"""The `aws` plugin that is used where the real one cannot be downloaded: a table of resource types over botocore."""
