"""`manage.py benchmark`: what this site adds to its model server, in time, processor, memory and bytes.

The driver is a process of its own: pages without a browser, and clients that ask the model server directly, which is
the floor. Every token has a number, and the demo model server's journal tells when it was sent; both processes read
the same clock. What frames say is read after a run, so that measuring takes little of what is measured.
"""


class Failed(Exception):
    """A measurement that came to nothing. ``str()`` is half a sentence that says why."""
