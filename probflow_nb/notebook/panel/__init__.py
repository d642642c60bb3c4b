"""The controls of a training and its live pictures, one widget.

engine_form  engines, their options, seed and device as a form to fill in, and what was filled in read back
forms        an engine's options as the fields of a form, and the engine that a filled-in form means
live         draws so far as small curves that a page can draw, a few kilobytes each time
panel        the controls of a training and its pictures while it runs, as a widget; one line once it is over
panel_words  a training's snapshot as plain values that the panel shows, and a person's numbers read back
"""
