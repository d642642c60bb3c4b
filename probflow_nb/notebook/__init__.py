"""The Jupyter floor: the extension, its magics and the progress bar; imports `api`, `fit`, `inference`, `display`."""
