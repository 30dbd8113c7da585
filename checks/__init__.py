"""Our own checks of the source, run by `make lint`."""
