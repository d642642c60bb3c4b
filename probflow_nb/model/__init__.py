"""Arrays to density: covariance, the joint and the marginal; imports `spec`, `design`, `objects`, `backend`."""
