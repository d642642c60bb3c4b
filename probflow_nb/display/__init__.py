"""Numbers to strings and figures, without IPython; imports only `posterior` and `errors`.

A `Card` holds all that a fit shows; `html`, `text`, `latex` and `markdown` each turn one Card into one string
and `bundle.mimebundle` into all four. `figures` and `caterpillar` draw; `progress` shows a run while it runs.
"""
