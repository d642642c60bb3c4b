"""What a model is written in: distributions, parameters, modules; imports `spec`, `backend`."""
