"""Text to tree, with the standard library alone; imports only `errors`."""
