"""What a `%%lme` cell does: waits, runs in the background, shows its output, binds its name.

awaiting      a `%%lme` cell that waits for its fit while the notebook's event loop goes on
background    the stand-in that a name holds while its fit is still being made
binding       where the notebook holds a fit, and how a newer one takes its place there
cell_output   what a `%%lme` cell shows - the panel with the walk as one display, and below it the static form
leaving       worker threads that a Python which goes home does not trip over
order         what one `%%lme` cell asks for, read and checked as far as that goes without computing anything
pace          how fast a run goes, and how often it may be looked at; a pause counts no time
training      one model whose runs are pulled on a worker thread, so that the notebook stays free meanwhile
waiting_cell  the life of a `%%lme` cell on a worker thread - waited for, left in the background, or not begun
"""
