"""Numbers to strings and figures, without IPython; imports only `posterior` and `errors`."""
