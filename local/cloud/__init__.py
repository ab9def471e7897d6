"""An emulated AWS: ministack, and in front of it what ministack lacks and this program needs."""
