"""`make run`, as `python -m chatsite.launch`: prepares what is missing, then becomes the process manager."""


class InTheWay(Exception):
    """The site cannot start. ``str()`` is a sentence that says why, and what to do."""
