"""Studies that are not run yet: simulated data, power, and calibration of a model and its engine; imports `api`."""
