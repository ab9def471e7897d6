"""A declarative Jenkinsfile as its blocks, by a grammar of Groovy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import dedent
from typing import cast

import dekobon_tree_sitter_groovy
from tree_sitter import Language, Node, Parser

# A capsule, which the grammar's stubs call a number.
GROOVY = Language(cast(object, dekobon_tree_sitter_groovy.language()))
COMMENTS = ("line_comment", "block_comment")


class GroovyError(Exception):
    """What was read is no Groovy, or runs a shell with what Groovy put into its command."""


@dataclass
class Block:
    """A call with what it holds: `stage('Check') {…}`, `when {…}`, `sh '…'`."""

    name: str
    text: str
    body: list[Block] = field(default_factory=list["Block"])
    commands: list[str] = field(default_factory=list[str])
    """What `sh` runs in it, in order."""

    def named(self, name: str) -> list[Block]:
        """The blocks of a name that it holds itself."""
        return [block for block in self.body if block.name == name]


def parse(source: str) -> list[Block]:
    """The blocks of a Jenkinsfile; raises `GroovyError`."""
    root = Parser(GROOVY).parse(source.encode()).root_node
    wrong = next((node for node in _nodes(root) if node.is_error or node.is_missing), None)
    if root.has_error or wrong:
        raise GroovyError(f"line {(wrong or root).start_point.row + 1} is no Groovy")
    return _blocks(root)


def _blocks(parent: Node) -> list[Block]:
    found: list[Block] = []
    last_row = -1
    for statement in parent.named_children:
        if statement.type in COMMENTS:
            continue
        node = statement.named_children[0] if statement.type == "expression_statement" else statement
        # The grammar takes `agent none` and `stage('Check') {…}` for two statements.
        if statement.start_point.row != last_row:
            found.append(Block(_name(node), ""))
        block = found[-1]
        block.text += _text(statement)
        block.commands += _commands(statement)
        for closure in [node, *node.named_children]:
            if closure.type == "closure":
                block.body += _blocks(closure)
        last_row = statement.end_point.row
    return found


def _name(node: Node) -> str:
    if node.type == "pipeline_statement":
        return "pipeline"
    first = node.named_children[0] if node.named_children else node
    return _text(first) if first.type == "identifier" else node.type


def _commands(node: Node) -> Iterator[str]:
    for call in _nodes(node):
        if call.type in ("command_chain", "method_invocation") and _text(call.named_children[0]) == "sh":
            named = [part for part in _nodes(call) if part.type == "named_argument"]
            stated = [part.named_children[1] for part in named if _text(part.named_children[0]) == "script"]
            literal = next(part for part in stated or call.named_children if part.type == "string_literal")
            yield _shell(_text(literal))


def _shell(literal: str) -> str:
    for quotes in ("'''", "'"):
        if literal.startswith(quotes):
            return dedent(literal.removeprefix(quotes).removesuffix(quotes)).strip()
    raise GroovyError(f"Groovy would put values into a shell command; take single quotes: {literal}")


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _text(node: Node) -> str:
    return (node.text or b"").decode()
