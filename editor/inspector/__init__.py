"""The inspector: the panel beside the canvas with the fields of one task, or of the workflow when none is chosen.

Its controls are never sent as a form. Each carries where its field stands and of which kind it is (`data-path`,
`data-kind`), and `static/js/editor/fields.js` makes operations of what was changed. Here live what the panel shows, the
names that an expression may use there, and what it would give with the values of the last run.
"""
