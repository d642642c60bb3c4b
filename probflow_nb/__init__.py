"""Multilevel models in the notebook: from a line of text to a posterior.

The floors, bottom to top; a floor imports from those named after the arrow, never upward
(`tests/test_layers.py` holds this):

    errors       messages with carets under the fault                    <- nothing
    lang         text -> tree: source, tokens, grammar, printer          <- errors
    spec         tree -> meaning, without data: ModelSpec                <- lang
    design       meaning + data -> arrays: y, X, group blocks, moments   <- spec
    backend      the tensor library behind one small contract            <- errors
    posterior    numbers: draws, diagnostics, summary, verdict           <- errors
    model        arrays -> density: parameters, covariance, log joint    <- spec design backend
    inference    density -> draws: engines and the loop that pulls them  <- model posterior
    display      numbers -> strings and figures                          <- posterior
    predict, fit the frozen result and what it answers                   <- all of the above
    api          lme(text, data, ...): the pipeline                      <- all of the above
    notebook     magics, progress bar: the only Jupyter floor            <- api
    datasets     small real data sets with their sources                 <- nothing
"""
