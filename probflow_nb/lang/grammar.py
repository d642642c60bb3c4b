"""Grammar: tokens to tree, by binding powers (a Pratt parser), for formulas, priors and explicit statements.

The operators bind as they do in R, loosest first: `~`, `by`, `|` and `||`, `+ -`, `* / @`, `%in%`, `:`, unary
`+ -`, and `**` (also written `^`), which associates to the right. So `-a**2` is -(a**2), as in R and in
mathematics.
"""

from __future__ import annotations

from ..errors import ParseError, Span
from .source import quoted
from .tokens import Token, tokenize
from .tree import (
    Binary,
    Block,
    Call,
    Definition,
    Name,
    Node,
    Number,
    Statement,
    String,
    Subscript,
    Tilde,
    Unary,
)

BINDING: dict[str, tuple[int, int]] = {
    "by": (5, 6),
    "|": (10, 11),
    "||": (10, 11),
    "+": (20, 21),
    "-": (20, 21),
    "*": (30, 31),
    "/": (30, 31),
    "@": (30, 31),
    "%in%": (40, 41),
    ":": (50, 51),
    "**": (71, 70),
}
"""The (left, right) binding power of each infix operator; a larger right one associates to the left."""

UNARY = 60
"""The binding power of a prefix + or -."""

DEEPEST = 60
"""The most brackets, signs and right-hand operands that may stand inside each other."""


def parse(text: str) -> Block:
    """Return the tree of a whole model text; an empty text is a Block without statements.

    Raises ParseError, with the place, for whatever does not follow the grammar.
    """
    reader = _Reader(text)
    statements: list[Statement] = []
    while reader.here.kind != "end":
        if reader.here.kind == "newline":
            reader.take()
            continue
        statements.append(_statement(reader))
        if reader.here.kind not in ("newline", "end"):
            raise reader.unexpected()
    return Block(tuple(statements), text)


def parse_expression(text: str) -> Node:
    """Return the tree of a text that is one expression, such as `Machine[B]:temp` or `Poisson(link = log)`.

    Raises ParseError, with the place, for anything else.
    """
    reader = _Reader(text)
    node = _expression(reader, 0)
    if reader.here.kind != "end":
        raise reader.unexpected()
    return node


class _Reader:
    """A place in the tokens of one text; the only thing here that changes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0
        self.brackets: list[Token] = []

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    @property
    def ahead(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.here
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def fail(self, message: str, span: Span, hint: str | None = None) -> ParseError:
        return ParseError(message, text=self.text, span=span, hint=hint)

    def shown(self, token: Token) -> str:
        return quoted(self.text[token.span.start : token.span.stop])

    def unexpected(self) -> ParseError:
        """Say what is wrong with a token that cannot go on after a finished expression."""
        token = self.here
        before = self.tokens[self.at - 1]
        if token.kind in ("|", "||"):
            hint = "Put brackets round the whole group term: y ~ x + (1 | g)."
            return self.fail(f"{self.shown(token)} stands outside brackets.", token.span, hint)
        if self.brackets and (token.kind in ("end", "newline") or self._later_line(token)):
            return self.fail("The bracket `(` is never closed.", self.brackets[-1].span)
        if token.kind == ")":
            return self.fail("The bracket `)` closes nothing.", token.span, "Delete it, or open one before.")
        if token.kind == "~" and self.brackets:
            return self.fail("`~` stands inside brackets.", self.brackets[-1].span | token.span)
        if token.kind in ("~", "="):
            message = "A statement has one `~` or one `=`, but this is a second."
            return self.fail(message, token.span, "Write one statement a line.")
        if token.kind == ",":
            return self.fail("The comma stands outside the brackets of a call.", token.span)
        if token.kind == "level":
            hint = "Write a factor's level after its name: Machine[B]."
            return self.fail(f"{self.shown(token)} does not follow a name.", token.span, hint)
        if token.kind in ("newline", "end"):
            return self.fail("The statement has no `~`.", self._line(), "Write a model as response ~ terms.")
        hint = "Write + between two terms; put a name that holds spaces in backquotes."
        return self.fail(
            f"There is no operator between {self.shown(before)} and {self.shown(token)}.", token.span, hint
        )

    def missing(self) -> ParseError:
        """Say what is wrong where an expression should begin."""
        token = self.here
        before = self.tokens[self.at - 1] if self.at else None
        if token.kind in ("end", "newline") and self.brackets and (before is None or before.kind == "("):
            return self.fail("The bracket `(` is never closed.", self.brackets[-1].span)
        if before is None or before.kind == "newline":
            if token.kind == "~":
                hint = "Write the response first: y ~ x."
                return self.fail("There is nothing on the left of `~`.", token.span, hint)
            if token.kind == "end":
                return self.fail("The text is empty.", token.span)
            return self.fail(f"A statement cannot begin with {self.shown(token)}.", token.span)
        if token.kind in ("|", "||"):
            hint = "Write 1 for an intercept that varies: (1 | g)."
            return self.fail(f"There is nothing on the left of {self.shown(token)}.", token.span, hint)
        if before.kind in ("|", "||"):
            hint = "Name the grouping factor: (1 | g)."
            return self.fail(f"There is nothing on the right of {self.shown(before)}.", before.span, hint)
        if before.kind == "(" and token.kind == ")":
            return self.fail("The brackets are empty.", before.span | token.span)
        if token.kind in ("end", "newline"):
            return self.fail(f"Nothing follows {self.shown(before)}.", before.span)
        return self.fail(f"{self.shown(token)} cannot follow {self.shown(before)}.", token.span)

    def _line(self) -> Span:
        """The span of the statement that ends here."""
        first = self.at
        while first > 0 and self.tokens[first - 1].kind != "newline":
            first -= 1
        return self.tokens[first].span | self.tokens[max(first, self.at - 1)].span

    def _later_line(self, token: Token) -> bool:
        return "\n" in self.text[self.tokens[self.at - 1].span.stop : token.span.start]


def _statement(reader: _Reader) -> Statement:
    """Read `left ~ right` or `name = value`."""
    left = _expression(reader, 0)
    sign = reader.here
    if sign.kind == "~":
        reader.take()
        right = _expression(reader, 0)
        return Tilde(left, right, left.span | right.span)
    if sign.kind == "=" and isinstance(left, Name):
        reader.take()
        value = _expression(reader, 0)
        return Definition(left.name, value, left.span | value.span, left.span)
    if sign.kind == "=":
        message = f"{quoted(reader.text[left.span.start : left.span.stop])} is not a name that can be defined."
        raise reader.fail(message, left.span, "Write a formula or a prior with ~ in place of =.")
    raise reader.unexpected()


def _expression(reader: _Reader, least: int) -> Node:
    """Read an expression whose operators all bind at least as strongly as `least`."""
    reader.depth += 1
    if reader.depth > DEEPEST:
        message = f"More than {DEEPEST} brackets and signs stand inside each other here."
        raise reader.fail(message, reader.here.span, "Take away brackets that are not needed.")
    node = _operand(reader)
    while True:
        token = reader.here
        operator = "by" if token.kind == "name" and token.value == "by" else token.kind
        left, right = BINDING.get(operator, (-1, -1))
        if left < least or (operator in ("|", "||") and not reader.brackets):
            break
        reader.take()
        operand = _expression(reader, right)
        node = Binary(operator, node, operand, node.span | operand.span)
    reader.depth -= 1
    return node


def _operand(reader: _Reader) -> Node:
    """Read what can stand before or after an infix operator."""
    token = reader.here
    if token.kind in ("+", "-"):
        reader.take()
        operand = _expression(reader, UNARY)
        return Unary(token.kind, operand, token.span | operand.span)
    if token.kind == "(":
        return _bracketed(reader)
    if token.kind == "number":
        reader.take()
        return Number(float(token.value), token.span)
    if token.kind == "string":
        reader.take()
        return String(token.value, token.span)
    if token.kind not in ("name", "quoted name"):
        raise reader.missing()
    reader.take()
    node: Node = Name(token.value, token.span, token.kind == "quoted name")
    if reader.here.kind == "(":
        node = _call(reader, token)
    if reader.here.kind == "level":
        level = reader.take()
        node = Subscript(node, level.value, node.span | level.span)
    return node


def _bracketed(reader: _Reader) -> Node:
    """Read an expression in round brackets; its span takes the brackets in."""
    opening = reader.take()
    reader.brackets.append(opening)
    node = _expression(reader, 0)
    if reader.here.kind != ")":
        raise reader.unexpected()
    closing = reader.take()
    reader.brackets.pop()
    return _respanned(node, opening.span | closing.span)


def _respanned(node: Node, span: Span) -> Node:
    """Return a bar term with the span of its brackets; other nodes keep their own, for narrower carets."""
    if isinstance(node, Binary) and node.operator in ("|", "||"):
        return Binary(node.operator, node.left, node.right, span)
    return node


def _call(reader: _Reader, function: Token) -> Call:
    """Read the arguments of a call, whose name is already taken."""
    opening = reader.take()
    reader.brackets.append(opening)
    arguments: list[Node] = []
    keywords: list[tuple[str, Node]] = []
    names: list[Span] = []
    while reader.here.kind != ")" or arguments or keywords:
        _argument(reader, arguments, keywords, names)
        if reader.here.kind != ",":
            break
        reader.take()
    if reader.here.kind != ")":
        raise reader.unexpected()
    closing = reader.take()
    reader.brackets.pop()
    span = function.span | closing.span
    return Call(function.value, tuple(arguments), tuple(keywords), span, function.span, tuple(names))


def _argument(reader: _Reader, arguments: list[Node], keywords: list[tuple[str, Node]], names: list[Span]) -> None:
    """Read one argument, `value` or `keyword = value`, into the right list."""
    token = reader.here
    if token.kind == "name" and reader.ahead.kind == "=":
        if any(token.value == name for name, _ in keywords):
            raise reader.fail(f"The argument {reader.shown(token)} is given twice.", token.span)
        reader.take()
        reader.take()
        names.append(token.span)
        keywords.append((token.value, _expression(reader, 0)))
        return
    node = _expression(reader, 0)
    if keywords:
        message = "An argument without a name follows one with a name."
        raise reader.fail(message, node.span, "Write the arguments without names first.")
    arguments.append(node)
