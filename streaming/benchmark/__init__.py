"""`make benchmark`: measures what this site adds to its model server, in time, processor, memory and bytes.

The driver is a separate process: it has pages without a browser, and clients that ask the model server directly, which
give the floor. Every token has a number, and the demo model server's journal records when it was sent; both processes
read the same clock. Frames are parsed after a run, so that measuring takes little of what is measured.
"""


class Failed(Exception):
    """A measurement failed. ``str()`` says why, as part of a sentence."""
