"""What a model says of its response and its parameters, draw by draw; imports `inference` and the floors below it.

values     every parameter's draws by name, with names along their axes
response   the contract: the response at some rows for some draws, and what is asked of it
mixed      the response of a compiled mixed model
program    the response of a model of one's own
prior      draws of the parameters from their priors
"""
