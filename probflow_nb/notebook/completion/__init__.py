"""Completion and Shift-Tab inside our cells.

body_completion     what can stand at the cursor in a model text, the likeliest first
body_note           what the name at the cursor means in a model text
column_note         what a column holds, and what it can do in a model
column_roles        which columns of a frame can be factors, from a small sample of their rows
completion          the matcher that answers for our cells in IPython's completer, and for nothing else
completion_context  what a model text says around the cursor, also while it does not parse
cursor              where in a cell a person is typing, if it is a cell of ours at all
inspection          Shift-Tab on a name inside our cells, answered through the kernel's own reply
line_completion     what can stand at the cursor behind `%%lme` and `%lme`, the likeliest first
line_note           what a word behind `%%lme` and `%lme` means
meanwhile           completion and Shift-Tab in our cells are answered while another cell awaits its fit
note                what Shift-Tab shows of a name, as plain text and as HTML
prior_targets       what may stand left of a prior's `~`, by what the rest of the text says
scene               what the notebook around a cell holds, as far as completion and inspection look at it
shared_beginning    what JupyterLab can list where all the words begin alike
vocabulary          the words of the language with a line of help each, taken from the tables that define them
"""
