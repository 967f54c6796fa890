"""`make run` is `python -m chatsite.launch`: it prepares what is missing, then becomes the process manager."""


class InTheWay(Exception):
    """The site cannot start; ``str()`` says why and what to do."""
