"""Tree to meaning, without data: both texts lower to one frozen ModelSpec; imports `lang` and `errors`."""
