"""Component resources: they turn the model into resources, and decide nothing themselves."""
