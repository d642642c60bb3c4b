"""Text to tree, with the standard library alone; imports only `errors`."""

from .grammar import parse, parse_expression
from .printer import label, print_block, print_node

__all__ = ["label", "parse", "parse_expression", "print_block", "print_node"]
