"""Arrays to density: parameters, covariance, the joint and the marginal; imports `spec`, `design`, `backend`."""
