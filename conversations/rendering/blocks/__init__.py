"""The block structure of Markdown: parses a text into a tree of quotes, lists, paragraphs, code, tables and so on."""

from .block import Block, Definition, Kind
from .reader import BlockReader, read_blocks

__all__ = ["Block", "BlockReader", "Definition", "Kind", "read_blocks"]
