"""The routes of FastAPI and Starlette applications: decorators, calls and lists, under all prefixes.

What holds routes (an application, a router) is known by where its variable lives. First every module and function is
looked through for routes and for holders put into holders; then each route is given the prefixes on the ways from it up
to a holder that nothing holds.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .constants import Constants
    from .functions import Function
    from .names import Names, Place
    from .source import Module

__all__ = ["Route", "find_routes"]

_METHODS: Final = frozenset(["get", "post", "put", "patch", "delete", "head", "options", "trace"])
_OTHER_DECORATORS: Final = frozenset(["api_route", "route", "websocket", "websocket_route"])
_ADDING: Final = frozenset(["add_api_route", "add_route", "add_websocket_route", "add_api_websocket_route"])
_HOLDERS: Final = frozenset(["FastAPI", "APIRouter", "Starlette", "Router"])
_LISTED: Final = frozenset(["Route", "APIRoute", "WebSocketRoute", "APIWebSocketRoute", "Mount", "Host"])
_LONGEST_WAY: Final = 20
_NOWHERE: Final = ""


@dataclass(frozen=True, slots=True)
class Route:
    """``handler`` is a dotted name, empty where it is not known; ``methods`` are empty for a WebSocket."""

    path: str
    methods: tuple[str, ...]
    handler: str
    file: str
    line: int

    @property
    def label(self) -> str:
        return f"{'|'.join(self.methods) or 'WS'} {self.path}"


def find_routes(
    modules: Iterable[Module], functions: Sequence[Function], names: Names, constants: Constants
) -> list[Route]:
    """Every route, in order of file and line; one that is reached under two prefixes is there twice."""
    found = _Found()
    by_file: dict[str, list[Function]] = defaultdict(list)
    for function in functions:
        by_file[function.file].append(function)
        if made := _returned(function):
            found.makes(function.name, made)
    searches = [
        search
        for module in modules
        for search in (
            _Search(module, names.in_module(module.name), names, constants, found, list(_top(module.tree))),
            *(
                _Search(module, names.at(each), names, constants, found, each.nodes, each)
                for each in by_file[module.file]
            ),
        )
    ]
    for step in (_Search.find_holders, _Search.find_routes):
        for search in searches:
            step(search)
    return sorted(set(found.routes()), key=lambda route: (route.file, route.line, route.path))


class _Found:
    """Routes by their holder, and holders by what holds them."""

    def __init__(self) -> None:
        self._routes: dict[str, list[Route]] = defaultdict(list)
        self._above: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._own_prefix: dict[str, str] = {}
        self._made: dict[str, str] = {}

    def add(self, holder: str, route: Route) -> None:
        self._routes[holder].append(route)

    def put(self, below: str, above: str, prefix: str) -> None:
        self._above[below].append((above, prefix))

    def hold(self, holder: str, prefix: str) -> None:
        self._own_prefix[holder] = prefix

    def makes(self, function: str, variable: str) -> None:
        self._made[function] = f"{function}.{variable}"

    def made_by(self, function: str | None) -> str | None:
        """The holder that a function gives back, if it gives back one of its variables."""
        return self._made.get(function or "")

    def is_holder(self, name: str) -> bool:
        return name in self._own_prefix

    def routes(self) -> Iterator[Route]:
        for holder, routes in self._routes.items():
            for prefix in self._prefixes(holder, ()):
                for route in routes:
                    yield Route(prefix + route.path or "/", route.methods, route.handler, route.file, route.line)

    def _prefixes(self, holder: str, way: tuple[str, ...]) -> Iterator[str]:
        own = self._own_prefix.get(holder, "")
        above = self._above.get(holder, [])
        if not above:
            yield own
        if holder in way or len(way) > _LONGEST_WAY:
            return
        for parent, prefix in above:
            for outer in self._prefixes(parent, (*way, holder)):
                yield outer + prefix + own


class _Search:
    """One module or function being looked through."""

    def __init__(
        self,
        module: Module,
        place: Place,
        names: Names,
        constants: Constants,
        found: _Found,
        nodes: Sequence[ast.AST],
        function: Function | None = None,
    ) -> None:
        self._nodes = nodes
        self._function = function
        self._module = module
        self._place = place
        self._names = names
        self._constants = constants
        self._found = found
        self._lists: dict[str, ast.expr] = {}
        self._aliases: dict[str, Sequence[ast.expr]] = {}
        self._seen: set[int] = set()

    def find_holders(self) -> None:
        for node in self._nodes:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.List() as value):
                    self._lists[name] = value
                case ast.For(target=ast.Name(id=name), iter=ast.List(elts=elements) | ast.Tuple(elts=elements)):
                    self._aliases[name] = elements
                case (
                    ast.Assign(targets=[target], value=ast.Call() as call)
                    | ast.AnnAssign(target=target, value=ast.Call() as call)
                ):
                    self._assigned(target, call)
                case _:
                    pass

    def find_routes(self) -> None:
        calls = [node for node in self._nodes if isinstance(node, ast.Call)]
        for call in calls:
            self._called(call)
        for call in calls:
            if id(call) not in self._seen and self._last(call.func) in _LISTED:
                self._listed(call, _NOWHERE, "")
        if self._function is not None:
            self._decorated(self._function)

    def _decorated(self, function: Function) -> None:
        """The routes that decorators make of ``function``."""
        outer = self._names.in_module(self._module.name)
        for decorator in function.node.decorator_list:
            match decorator:
                case ast.Call(func=ast.Attribute(value=value, attr=attribute)) if (
                    attribute in _METHODS or attribute in _OTHER_DECORATORS
                ):
                    holder = self._enclosing(function, value) or outer.path(value) or ""
                    path = self._path(decorator)
                    if path is not None and (self._found.is_holder(holder) or _looks_like_one(value)):
                        self._add(holder, path, _methods(decorator, attribute), function.name, decorator.lineno)
                case _:
                    pass

    def _enclosing(self, function: Function, value: ast.expr) -> str | None:
        """The holder that is a variable of a function around this one."""
        prefix = function.name.rpartition(".")[0]
        while isinstance(value, ast.Name) and prefix:
            if self._found.is_holder(f"{prefix}.{value.id}"):
                return f"{prefix}.{value.id}"
            prefix = prefix.rpartition(".")[0]
        return None

    # --- what is made and called --------------------------------------------------------------------------------------

    def _assigned(self, target: ast.expr, call: ast.Call) -> None:
        name = self._place.path(target)
        if name is None:
            return
        if made := self._found.made_by(self._place.resolve(call.func)):
            self._found.hold(name, "")
            self._found.put(made, name, "")
            return
        if self._last(call.func) not in _HOLDERS:
            return
        self._found.hold(name, self._constants.text(_argument(call, "prefix"), self._place) or "")
        self._list(_argument(call, "routes"), name, "")

    def _called(self, call: ast.Call) -> None:
        if not isinstance(call.func, ast.Attribute):
            return
        holder = self._place.path(call.func.value) or ""
        method = call.func.attr
        if method == "include_router":
            prefix = self._constants.text(_argument(call, "prefix"), self._place) or ""
            self._put(_argument(call, "router", 0), holder, prefix)
        elif method == "mount":
            self._put(_argument(call, "app", 1), holder, (self._path(call) or "").rstrip("/"))
        elif method in _ADDING:
            handler = _argument(call, "endpoint", 1) or _argument(call, "route", 1)
            path = self._path(call)
            if path is not None:
                methods = _methods(call, "websocket" if "websocket" in method else "route")
                self._add(holder, path, methods, self._handler(handler), call.lineno)

    def _put(self, below: ast.expr | None, above: str, prefix: str) -> None:
        for each in self._unrolled(below):
            if isinstance(each, ast.Call):
                self._list(_argument(each, "routes"), above, prefix)
                if made := self._found.made_by(self._place.resolve(each.func)):
                    self._found.put(made, above, prefix)
            elif name := self._place.path(each):
                self._found.put(name, above, prefix)

    def _unrolled(self, node: ast.expr | None) -> Iterator[ast.expr]:
        """``node``; where it is a loop's variable or an attribute of one, what it is in every turn."""
        match node:
            case ast.Name(id=name) if name in self._aliases:
                yield from self._aliases[name]
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in self._aliases:
                yield from (ast.Attribute(each, attribute, ast.Load()) for each in self._aliases[name])
            case ast.expr():
                yield node
            case None:
                pass

    # --- lists of routes ----------------------------------------------------------------------------------------------

    def _list(self, node: ast.expr | None, holder: str, prefix: str) -> None:
        if isinstance(node, ast.Name):
            node = self._lists.get(node.id)
        if not isinstance(node, ast.List | ast.Tuple):
            return
        for each in node.elts:
            if isinstance(each, ast.Call):
                self._listed(each, holder, prefix)
            elif isinstance(each, ast.Starred):
                self._list(each.value, holder, prefix)

    def _listed(self, call: ast.Call, holder: str, prefix: str) -> None:
        kind = self._last(call.func)
        if kind not in _LISTED:
            return
        self._seen.add(id(call))
        path = "" if kind == "Host" else self._path(call)
        if kind in {"Mount", "Host"}:
            inner = prefix + (path or "").rstrip("/")
            self._list(_argument(call, "routes"), holder, inner)
            self._put(_argument(call, "app", 1), holder, inner)
        elif path is not None:
            methods = _methods(call, "websocket" if "WebSocket" in kind else "route")
            self._add(holder, prefix + path, methods, self._handler(_argument(call, "endpoint", 1)), call.lineno)

    # --- parts --------------------------------------------------------------------------------------------------------

    def _add(self, holder: str, path: str, methods: tuple[str, ...], handler: str, line: int) -> None:
        self._found.add(holder, Route(path, methods, handler, self._module.file, line))

    def _path(self, call: ast.Call) -> str | None:
        return self._constants.text(_argument(call, "path", 0), self._place)

    def _handler(self, node: ast.expr | None) -> str:
        if isinstance(node, ast.Call) and self._last(node.func) == "partial" and node.args:
            node = node.args[0]
        return self._place.resolve(node) or ""

    def _last(self, node: ast.expr) -> str:
        """The last part of what is called, by whatever name it was imported."""
        return (self._place.resolve(node) or "").rpartition(".")[2]


def _top(tree: ast.Module) -> Iterator[ast.AST]:
    """What runs when the module is imported, classes included."""
    stack: list[ast.AST] = list(reversed(tree.body))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))


def _returned(function: Function) -> str | None:
    """The variable that a function gives back last."""
    returned = [node.value for node in function.nodes if isinstance(node, ast.Return)]
    return returned[-1].id if returned and isinstance(returned[-1], ast.Name) else None


def _argument(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[position] if position is not None and len(call.args) > position else None


def _methods(call: ast.Call, attribute: str) -> tuple[str, ...]:
    if attribute in _METHODS:
        return (attribute.upper(),)
    if "websocket" in attribute:
        return ()
    given = _argument(call, "methods")
    elements = given.elts if isinstance(given, ast.List | ast.Tuple | ast.Set) else []
    named = tuple(
        each.value.upper() for each in elements if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )
    return named or ("GET",)


def _looks_like_one(node: ast.expr) -> bool:
    """Whether something of unknown make is called like what holds routes."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.endswith(("app", "router", "api"))
