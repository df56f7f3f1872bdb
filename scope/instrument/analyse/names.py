"""What a name in a module stands for, as a dotted name: ``time.sleep``, ``shop.prices.load``, ``httpx.Client.get``.

An instance goes by the name of its class: where ``client = httpx.Client()``, ``client.get`` is ``httpx.Client.get``.
What a value is, is taken from imports, definitions, annotations and calls of classes; what none of these tells stays
unknown.
"""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .functions import Def, Function
    from .source import Module

__all__ = ["Names", "Place"]

_LONGEST_CHAIN: Final = 20
_BUILTINS: Final = frozenset(dir(builtins))
_WRAPPERS: Final = frozenset({"Annotated", "Optional", "Final", "ClassVar", "Type", "type"})


class Names:
    """The bindings of all modules at their top level; re-exports are followed to where a thing was made."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._modules = {module.name: module for module in modules}
        self._bindings = {name: _bindings(module) for name, module in self._modules.items()}
        self._places: dict[str, Place] = {}
        self._values = {name: _Values() for name in self._modules}
        for name, module in self._modules.items():
            place = Place(self, name)
            self._values[name].read(module.tree.body, place)

    def at(self, function: Function) -> Place:
        """Where ``function`` looks names up."""
        if function.name in self._places:
            return self._places[function.name]
        place = Place(self, function.module, function.owner, _self_of(function), function.name)
        place.values.read_arguments(function.node, place)
        place.values.read_imports(function.nodes, self._modules[function.module])
        place.values.read(function.nodes, place)
        self._places[function.name] = place
        return place

    def in_module(self, module: str) -> Place:
        return Place(self, module)

    def bound(self, module: str, name: str) -> str | None:
        """What ``name`` is at the top level of ``module``."""
        return self._values[module].types.get(name) or self._bindings[module].get(name)

    def binding(self, module: str, name: str) -> str | None:
        return self._bindings[module].get(name)

    def origin(self, dotted: str) -> str:
        """Where the thing called ``dotted`` was made, through as many re-exports as there are."""
        for _ in range(_LONGEST_CHAIN):
            module, rest = self._split(dotted)
            if not module or not rest:
                return dotted
            head, _, tail = rest.partition(".")
            bound = self._bindings[module].get(head)
            if bound is None or bound == f"{module}.{head}":
                return dotted
            dotted = f"{bound}.{tail}" if tail else bound
        return dotted

    def _split(self, dotted: str) -> tuple[str, str]:
        """The longest module that ``dotted`` begins with, and what comes after."""
        parts = dotted.split(".")
        for count in range(len(parts), 0, -1):
            module = ".".join(parts[:count])
            if module in self._modules:
                return module, ".".join(parts[count:])
        return "", dotted


class Place:
    """A module or a function in it; :meth:`resolve` tells what an expression there is."""

    def __init__(self, names: Names, module: str, owner: str = "", myself: str = "", inside: str = "") -> None:
        self._names = names
        self._module = module
        self._owner = owner
        self._myself = myself
        self._inside = inside or module
        self.values = _Values()

    def resolve(self, node: ast.expr | None) -> str | None:
        """The dotted name of what ``node`` is, an instance by its class; None where nothing tells."""
        match node:
            case ast.Name(id=name):
                return self._name(name)
            case ast.Attribute(value=value, attr=attribute):
                base = self.resolve(value)
                return None if base is None else self._names.origin(f"{base}.{attribute}")
            case ast.Call(func=called):
                return self._result(self.resolve(called))
            case ast.Await(value=value):
                return self.resolve(value)
            case _:
                return None

    def path_of(self, name: str) -> str:
        """Where the variable ``name`` lives: the dotted name of what was bound to it, whatever its value is."""
        if name in self.values.imports:
            return self._names.origin(self.values.imports[name])
        if name in self.values.own:
            return f"{self._inside}.{name}"
        return self._names.origin(self._names.binding(self._module, name) or f"{self._module}.{name}")

    def path(self, node: ast.expr) -> str | None:
        """Where the variable or attribute ``node`` lives; None for what is neither."""
        match node:
            case ast.Name(id=name):
                return self.path_of(name)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name != self._myself:
                return self._names.origin(f"{self.path_of(name)}.{attribute}")
            case ast.Attribute(value=value, attr=attribute):
                base = self.resolve(value)
                return None if base is None else self._names.origin(f"{base}.{attribute}")
            case _:
                return None

    def annotated(self, node: ast.expr | None) -> str | None:
        """The class that an annotation names; of ``X | None``, ``Optional[X]`` and ``Annotated[X, ...]`` it is X."""
        match node:
            case ast.Constant(value=str(text)):
                return self._quoted(text)
            case ast.BinOp(left=left, op=ast.BitOr()):
                return self.annotated(left)
            case ast.Subscript(value=outer, slice=inside) if _last(outer) in _WRAPPERS:
                return self.annotated(inside.elts[0] if isinstance(inside, ast.Tuple) and inside.elts else inside)
            case ast.Subscript(value=outer):
                return self.resolve(outer)
            case _:
                return self.resolve(node)

    def _quoted(self, text: str) -> str | None:
        try:
            return self.annotated(ast.parse(text, mode="eval").body)
        except SyntaxError:
            return None

    def _name(self, name: str) -> str | None:
        if name == self._myself:
            return self._owner
        known = self.values.types.get(name) or self._names.bound(self._module, name)
        if known is None:
            return f"builtins.{name}" if name in _BUILTINS else None
        return self._names.origin(known)

    def _result(self, called: str | None) -> str | None:
        """What a call of ``called`` gives: an instance where it is called like a class, else nothing that is known."""
        return called if called and called.rpartition(".")[2].lstrip("_")[:1].isupper() else None


class _Values:
    """Classes of what variables hold, by their names; ``own`` are those that are bound here at all."""

    def __init__(self) -> None:
        self.types: dict[str, str] = {}
        self.imports: dict[str, str] = {}
        self.own: set[str] = set()

    def read_arguments(self, node: Def, place: Place) -> None:
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            self.own.add(argument.arg)
            self._take(argument.arg, place.annotated(argument.annotation))

    def read_imports(self, nodes: Iterable[ast.AST], module: Module) -> None:
        """What a function imports for itself hides what its module has under that name."""
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.imports.update(_imported(module, node))
        self.types.update(self.imports)

    def read(self, nodes: Iterable[ast.AST], place: Place) -> None:
        for node in nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.own.add(node.id)
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() | ast.Await() as value):
                    self._take(name, place.resolve(value))
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                    self._take(name, place.annotated(annotation))
                case ast.With(items=items) | ast.AsyncWith(items=items):
                    for item in items:
                        if isinstance(item.optional_vars, ast.Name):
                            self._take(item.optional_vars.id, place.resolve(item.context_expr))
                case _:
                    pass

    def _take(self, name: str, kind: str | None) -> None:
        if kind is not None:
            self.types[name] = kind


def _self_of(function: Function) -> str:
    """The name of the first parameter of a method."""
    decorators = {_last(each) for each in function.node.decorator_list}
    arguments = (*function.node.args.posonlyargs, *function.node.args.args)
    return arguments[0].arg if function.owner and arguments and "staticmethod" not in decorators else ""


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _bindings(module: Module) -> Mapping[str, str]:
    """What imports and definitions bind at the top level, also those under ``if`` and ``try``."""
    found: dict[str, str] = {}
    stack: list[ast.AST] = [module.tree]
    while stack:
        for child in ast.iter_child_nodes(stack.pop()):
            match child:
                case ast.Import() | ast.ImportFrom():
                    found.update(_imported(module, child))
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    found[name] = f"{module.name}.{name}"
                case ast.If() | ast.Try() | ast.With() | ast.ExceptHandler():
                    stack.append(child)
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    found.setdefault(name, f"{module.name}.{name}")
                case _:
                    pass
    return found


def _imported(module: Module, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """The names that an import binds, with what they stand for."""
    if isinstance(node, ast.ImportFrom):
        base = _base(module, node)
        yield from ((alias.asname or alias.name, f"{base}.{alias.name}".strip(".")) for alias in node.names)
        return
    for alias in node.names:
        top = alias.name.partition(".")[0]
        yield (alias.asname, alias.name) if alias.asname else (top, top)


def _base(module: Module, node: ast.ImportFrom) -> str:
    """The package that ``from ... import`` names, a relative one made absolute."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    up = node.level - 1 if module.is_package else node.level
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])
