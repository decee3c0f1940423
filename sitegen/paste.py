"""What a reader copies from a page, and what of it stands by itself.

The copy button gives a listing whole and of a session its code, without prompts
and outputs. A block that reads a name which only the blocks above it bind
continues from above: it is pasted after them, not alone.
"""

import ast
import builtins
import re
import symtable
import textwrap
from collections.abc import Iterator, Sequence

from sitegen.blocks import Block

KNOWN = {*dir(builtins), "__name__", "__doc__", "__file__"}


def copied(block: Block) -> str:
    """Return the text that the copy button of a block gives."""
    if not block.doctest:
        return block.code.strip("\n") + "\n"
    # What is no code, outputs and a lone `...`, leaves an empty line behind.
    rows = [
        line[4:] if line.startswith((">>> ", "... ")) else ""
        for line in textwrap.dedent(block.code).splitlines()
    ]
    return re.sub("\n\n+", "\n\n", "\n".join(rows)).strip("\n") + "\n"


def continues(page: Sequence[Block]) -> list[bool]:
    """Return of each block of a page whether it needs what stands above it."""
    above: set[str] = set()
    found = []
    for block in page:
        wanted, bound = names(copied(block))
        found.append(bool(wanted & above))
        above |= bound
    return found


def up_to(page: Sequence[Block], last: int) -> str:
    """Return the text that "copy everything up to here" gives."""
    return "\n".join(copied(block) for block in page[: last + 1])


def names(code: str) -> tuple[set[str], set[str]]:
    """Return the names that code wants from outside, and those it binds."""
    wanted: set[str] = set()
    late: set[str] = set()  # read by functions, when they are called
    bound: set[str] = set()
    for statement in ast.parse(code).body:
        table = symtable.symtable(ast.unparse(statement), "<copied>", "exec")
        own = {s.get_name() for s in table.get_symbols() if binds(s)}
        read = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
        if not isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr):
            read -= own  # a loop binds before it reads
        wanted |= read - bound
        bound |= own
        late |= {
            symbol.get_name()
            for inner in descendants(table)
            for symbol in inner.get_symbols()
            if symbol.is_global() and symbol.is_referenced()
        }
    return (wanted | late - bound) - KNOWN, bound


def binds(symbol: symtable.Symbol) -> bool:
    """Whether a name is bound where it stands."""
    return symbol.is_assigned() or symbol.is_imported()


def descendants(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """Yield the tables of all functions and classes within one."""
    for child in table.get_children():
        yield child
        yield from descendants(child)
