"""Numbers about draws: diagnostics, summaries, the verdict; imports only `errors`."""
