"""The command line: the only place that composes the library with transports and the simulator."""
