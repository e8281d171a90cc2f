"""One verb of the command line a file: arguments to a call, its result to stdout."""
