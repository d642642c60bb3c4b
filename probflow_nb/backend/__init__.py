"""The tensor library behind one small contract; imports only `errors`."""
