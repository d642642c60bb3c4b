"""The Jupyter floor: the extension, its magics and its widgets; may import every floor below it.

extension    what `%load_ext probflow_nb` does
magics       `%%lme` and `%lme`
flags        the words on the magic's line, and the engine that they name
commands     what `%lme` does: listing, showing, compare, forget, autoload
session      what the notebook holds: data frames and fits
progress     a bar where no widget can be shown
front        the widgets' JavaScript and style sheets, from static/
cell/        what a `%%lme` cell does: the worker thread, waiting, the background, its output
panel/       the controls of a training and its live pictures
walk/        the tabs above a result, and fit.explore()
completion/  what Tab and Shift-Tab answer
"""
