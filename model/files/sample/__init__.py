"""The configuration of AWS's sample aws-cdk-golden-ami-pipeline, and what becomes of it here (seed 002)."""
