"""Lambda functions: each handler parses, wires and calls; its logic takes clients and is safe to repeat."""
