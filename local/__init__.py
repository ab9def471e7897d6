"""An AWS and an engine on this machine, for development and tests; the program never imports it."""
