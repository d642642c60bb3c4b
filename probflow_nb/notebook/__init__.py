"""The Jupyter floor: the extension, its magics and the progress bar; may import every floor below it.

extension   what `%load_ext probflow_nb` does
magics      `%%lme` and `%lme`
flags       the words on the magic's line, and the engine that they name
session     what the notebook holds: data frames and fits
listing     the table that `%lme` shows
progress    a bar in the notebook while a fit runs
"""
