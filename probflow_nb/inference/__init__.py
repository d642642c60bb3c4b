"""Density to draws: the engines and the one loop that pulls them; imports `model`, `posterior`."""
