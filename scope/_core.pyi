"""The native surface: ring, probes, context and correlation. The format is docs/design/wire.md's."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from types import CodeType, TracebackType
from typing import Any, Final, Generic, Literal, ParamSpec, Self, TypeAlias, TypeVar, final

_Parameters = ParamSpec("_Parameters")
_Value = TypeVar("_Value")
_Returned_co = TypeVar("_Returned_co", covariant=True)
_Description: TypeAlias = tuple[str, str, list[tuple[str, str, int, bool]]]

LOSS_REASONS: Final[tuple[str, ...]]
"""Names of the loss counters, in the order of the wire format."""

REQUEST_KEY: Final = "scope.request"
"""Where an ASGI scope holds its Request while it runs."""

MOUNTED_KEY: Final = "scope.mounted"
"""Key of the ASGI scope: the templates of the mounts and hosts passed so far, joined."""

SUMMARY_FIELDS: Final[tuple[str, ...]]
"""Names of the items of the tuples that a Correlator gives."""

# --- in the traced process ---------------------------------------------------------------------------------------

@final
class Session:
    """This process's segment, open for writing.

    Creates ``path`` (it must not exist; mode 0600). Sizes are in bytes; ``policy`` is a number of
    ``scope.wire.layout.POLICIES``; ``resource`` is what is true of every request. Raises OSError where the file
    cannot be made, ValueError for sizes that are out of range, with the reason.

    With the policy to block, a write that finds no room waits at most ``block_ms``, with the GIL released; not in a
    thread that runs an event loop, unless ``block_event_loops``.
    """

    def __new__(
        cls,
        path: str,
        *,
        lanes: int = 64,
        first_lane_bytes: int = 1048576,
        lane_bytes: int = 262144,
        block_bytes: int = 16384,
        definitions_bytes: int = 262144,
        policy: int = 0,
        block_ms: int = 1000,
        block_event_loops: bool = False,
        max_value_bytes: int = 256,
        max_attributes: int = 64,
        resource: Mapping[str, object] | None = None,
    ) -> Self: ...
    @property
    def path(self) -> str: ...
    @property
    def uuid(self) -> str: ...
    @property
    def control(self) -> int: ...
    def statistics(self) -> dict[str, int]:
        """requests, bytes (written), lanes (owned now), waiting (threads), lost (events), definitions.

        Raises ValueError once closed.
        """
    def set_overflow(self, policy: int, block_ms: int, block_event_loops: bool, /) -> None:
        """What a full lane does from its next block on, unless the collector wishes otherwise. Raises ValueError."""

    def close(self) -> None:
        """Unmap the segment; its file stays for the collector. Threads that wait for room wait no more."""

def set_session(session: Session | None, /) -> None:
    """Make ``session`` the one that this process writes to; None stops all writing until the starter runs."""

def get_session() -> Session | None: ...
def set_starter(starter: Callable[[], Session | None] | None, /) -> None:
    """What begins a session on the first request without one, in a forked child again. It is asked once."""

def set_complain(complain: Callable[[], object] | None, /) -> None:
    """What says that a session got no memory for events; it is called once, when the next request or task begins."""

def set_describe(describe: Callable[[BaseException], _Description] | None, /) -> None:
    """What turns an exception into its type's name, its message and its frames (file, function, line, in-app)."""

def set_secret_names(is_secret: Callable[[str], bool] | None, /) -> None:
    """What says whether an attribute is withheld because of its name, beyond the names that always are."""

def set_steered(steered: Callable[[], object] | None, /) -> None:
    """What is called, as a request begins, once the collector has said that other functions are to be recorded."""

def start() -> bool:
    """Begin a session by the starter where there is none; whether there is one."""

def set_conditions(table: tuple[tuple[str | None, str | None, str | None, str | None] | None, ...], /) -> None:
    """What the numbers of conditions mean, from 1 on: (method, route, id, ticket) of requests, where None is any.

    None in place of all of them is a number without a meaning.
    ``ticket`` is the path of a file: whichever request makes it, of all processes, is the only one that meets the
    condition. Conditions that were in the table before keep what is known of them.
    """

def set_call_limits(per_function: int, per_request: int, /) -> None:
    """How many calls of one instrumented function, and of all, one request records; the others are counted."""

def set_least(outside_step_ns: int, gc_pause_ns: int, /) -> None:
    """How long a step outside any request, and a pause for garbage collection, must be to be recorded."""

def gc_pause(phase: str, info: Mapping[str, int], /) -> None:
    """For ``gc.callbacks``: records long collections, of the thread's request or else of the process."""

def set_value_limits(value_bytes: int, call_bytes: int, /) -> None:
    """How many bytes of one value, and of a call's arguments or local variables, are recorded. Raises ValueError."""

def set_never_types(types: Mapping[str, tuple[str, ...]], /) -> None:
    """Withhold values of these types and of those derived from them: by the last part of their names, their modules.

    A module stands for those within it, too. Takes a dict. Raises TypeError.
    """

def shedding() -> tuple[int, list[tuple[str, int]]]:
    """The level of shedding, and which functions it takes out, with the most calls that one request made of each."""

def set_taken_out(names: list[str], /) -> None:
    """These functions have lost their probes, and all others have theirs: traces tell of it from now on."""

def say_goodbye() -> None:
    """For ``atexit``: records that the process is about to end; nothing where it has no session."""

def pause(paused: bool, /) -> None:
    """Begin no request and no task while true; those under way are recorded to their end."""

def loop_method(
    original: Callable[..., Any], mode: Literal["call_soon", "call_at", "call_later"], /
) -> Callable[..., Any]:
    """What takes the place of an event loop's method that takes a callback.

    The callback is wrapped: its call is a step, and where that belongs to a request, how long it ran, and how long it
    could have run before, is recorded. ``mode`` says what comes before the callback: nothing, the time of the loop in
    seconds at which it is due, or the seconds until then. ValueError for any other.
    """

def queued(call: Callable[_Parameters, _Returned_co], /) -> Callable[_Parameters, _Returned_co]:
    """``call``, to be handed to a thread: its wait until it is called, and its run, are recorded."""

def define_code(module: str, qualname: str, file: str, line: int, kind: int, /) -> int:
    """A number for a code site, good for the life of the process and its forks; 0 where there are too many."""

def redact(text: str, /) -> str:
    """A text without what has the name or the shape of a secret. Raises UnicodeEncodeError for a surrogate."""

@final
class Request:
    """One ASGI scope, or one task outside any, while it runs."""

    @property
    def id(self) -> str:
        """The correlation id: the caller's where it was valid, else the trace id."""
    @property
    def trace_id(self) -> str:
        """The W3C trace id, 32 hex digits."""
    @property
    def span_id(self) -> str:
        """The W3C id of the root span, 16 hex digits."""
    @property
    def traceparent(self) -> str:
        """The W3C header for a call made from the current span."""
    @property
    def tracestate(self) -> str | None:
        """The caller's, to be passed on."""
    @property
    def route(self) -> str | None: ...
    @property
    def response_started(self) -> bool: ...
    @property
    def response_header(self) -> tuple[bytes, bytes] | None:
        """Name and value of the correlation header; None for a task."""
    def annotate(self, attributes: Mapping[str, object], /) -> None:
        """Attach attributes (a dict) to the request's root span."""
    def set_route(self, template: str, /) -> None:
        """Name the route by its full template, ``/users/{id}``."""
    def wrap_send(self, send: Callable[[Any], Awaitable[None]], /) -> Callable[[Any], Awaitable[None]]: ...
    def wrap_receive(self, receive: Callable[[], Awaitable[Any]], /) -> Callable[[], Awaitable[Any]]: ...
    def activate(self) -> object:
        """Make this the current request of the running context; the result is for :meth:`deactivate`."""
    def deactivate(self, before: object, /) -> None: ...
    def end(self, outcome: int, /) -> None:
        """Write the end, unless it is written."""
    def fail(self, error: BaseException, /) -> int:
        """Write the end for an exception that escaped; the outcome."""

@final
class Tracer:
    """Runs ASGI applications as requests: ``tracer(app, scope, receive, send)``, awaited like the application itself.

    ``header`` is the name of the correlation header, in lower case; ``trust``: take over the caller's ids. A scope that
    is traced already, or for which ``is_excluded`` returns true, runs as it is. ``settle`` is called once, before the
    first exchange.
    """

    def __new__(
        cls,
        header: bytes,
        trust: bool,
        is_excluded: Callable[[MutableMapping[str, Any]], bool] | None = None,
        settle: Callable[[], object] | None = None,
        /,
    ) -> Self: ...
    def __call__(
        self,
        app: Callable[[Any, Any, Any], Awaitable[None]],
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
        /,
    ) -> Awaitable[None]: ...

def begin_request(scope: MutableMapping[str, Any], header: bytes, trust: bool, /) -> Request | None:
    """Begin the request of an ASGI scope; None while capture is off. Nothing in ``scope`` makes it raise.

    ``header`` is the name of the correlation header, in lower case; ``trust``: take over the caller's ids.
    """

def current_request() -> Request | None:
    """The request that this code runs for; None outside any and where capture is suppressed."""

def current_span_id() -> str | None:
    """The W3C id of the current span, 16 hex digits."""

def annotate(**attributes: object) -> None:
    """Attach attributes to the current span; nothing outside a request.

    Strings, numbers, booleans, None, bytes, and lists and dicts of them are kept, bounded; of other objects the
    type's name. What looks secret, by its name or by its shape, is withheld.
    """

def record_error(error: BaseException, /) -> None:
    """Record an exception that was handled, on the current span; once, however many spans it passed."""

@final
class Span:
    """A span around a block; for ``with`` and ``async with``, once. ``kind`` is a :class:`~scope.model.SpanKind`."""

    def __new__(cls, name: str, kind: int = 0, attributes: Mapping[str, object] | None = None, /) -> Self: ...
    @property
    def name(self) -> str: ...
    @property
    def span_id(self) -> str | None:
        """The W3C id while the span is open, else None."""
    def annotate(self, **attributes: object) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> Literal[False]: ...
    def __aenter__(self) -> Awaitable[Self]: ...
    def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> Awaitable[Literal[False]]: ...
    def resume(self) -> object:
        """Make the span of a generator current while its body runs; the result is for :meth:`suspend`."""
    def suspend(self, before: object, /) -> None: ...
    def finish(self, error: BaseException | None, /) -> None:
        """End the span, suspended."""

def span(name: str, /, **attributes: object) -> Span:
    """A span around a block of code: ``with span("price basket", items=3):``, also with ``async with``.

    Outside any request it is a trace of its own. An exception that leaves the block is recorded and passes unchanged.
    """

def mark(name: str, /, **attributes: object) -> None:
    """Record a moment within the current span; nothing outside a request."""

def activation(site: int, /) -> Span:
    """The span of one call of a probed coroutine or generator."""

def suppress() -> object:
    """Capture nothing in this context until :func:`restore` is given the result."""

def restore(before: object, /) -> None: ...

@final
class Probe(Generic[_Parameters, _Returned_co]):
    """A synchronous function whose calls are recorded within requests."""

    __wrapped__: Callable[_Parameters, _Returned_co]
    def __new__(cls, wrapped: Callable[_Parameters, _Returned_co], site: int, /) -> Self: ...
    def __call__(self, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Returned_co: ...

@final
class Handler(Generic[_Parameters, _Returned_co]):
    """A coroutine function with a span around each run within a request. ``kind`` is the span's."""

    __wrapped__: Callable[_Parameters, Awaitable[_Returned_co]]
    def __new__(cls, wrapped: Callable[_Parameters, Awaitable[_Returned_co]], name: str, kind: int, /) -> Self: ...
    def __call__(self, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Awaitable[_Returned_co]: ...

@final
class RouteHook(Generic[_Parameters]):
    """In place of ``handle`` of a class of routes: names the request by the route's ``path_format``.

    ``learn`` is called with a route whose attribute ``learned`` is not true, ``report`` with a route and what went
    wrong. ``within``: the keys under which a scope holds what serves an included route in its place, if it does; the
    hook then names only these, as the class's own ``handle`` calls that of a class whose hook names the others.
    """

    def __new__(
        cls,
        wrapped: Callable[_Parameters, Awaitable[None]],
        learned: str,
        learn: Callable[[Any], object],
        report: Callable[[Any, Exception], object],
        within: tuple[str, str] | None = None,
        /,
    ) -> Self: ...
    def __call__(self, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Awaitable[None]: ...

@final
class StackHook(Generic[_Parameters]):
    """In place of ``__call__`` of an application's outermost middleware: opens the request.

    ``learn`` gives what is known of a middleware whose attribute ``learned`` is None: an object whose ``enter`` runs
    the application as a request, or is None, and which is told to ``prepare`` it where another opened the request.
    """

    def __new__(
        cls, wrapped: Callable[_Parameters, Awaitable[None]], learned: str, learn: Callable[[Any], object], /
    ) -> Self: ...
    def __call__(self, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Awaitable[None]: ...

def monitoring_callbacks() -> dict[str, Callable[..., object]]:
    """What ``sys.monitoring`` is to call, by the event's name; empty where the engine does not know the interpreter."""

def monitor(code: CodeType, probe: CodeProbe | None, /) -> bool:
    """Give a code object the probe that its events are for, or none; whether recorded calls of it are under way.

    Raises NotImplementedError where :func:`monitoring_callbacks` is empty.
    """

def monitored(code: CodeType, /) -> CodeProbe | None:
    """The probe that :func:`monitor` gave."""

@final
class CodeProbe:
    """A constant of an instrumented function's code, which enters it with ``with`` around its body.

    ``name`` is what traces call the function where its calls are held back; ``generator`` says that it is one;
    ``level`` is the number of how deep it is recorded. ``cases`` are numbers of conditions with their levels; the first
    that the request meets decides instead. ``probe @ values`` enters it with the values of its ``arguments``; what it
    gives is to be entered with ``with`` then.
    """

    def __new__(
        cls,
        name: str,
        site: int,
        generator: bool,
        level: int,
        cases: tuple[tuple[int, int], ...] = (),
        arguments: tuple[str, ...] = (),
        /,
    ) -> Self: ...
    def __matmul__(self, values: tuple[object, ...], /) -> object: ...
    def __enter__(self) -> None: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...

@final
class YieldPoint:
    """A constant at the yields of an instrumented generator. ``point @ value`` is ``value``."""

    def __matmul__(self, value: _Value, /) -> _Value: ...
    def __enter__(self) -> None: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...

SUSPEND: Final[YieldPoint]
"""``yield SUSPEND @ value``: the generator is about to be suspended."""
RESUME: Final[YieldPoint]
"""``RESUME @ (yield ...)``: it goes on."""
DELEGATE: Final[YieldPoint]
"""``yield from DELEGATE @ inner``: it delegates."""
CATCH: Final[YieldPoint]
"""``with CATCH:`` around a yield at which an exception may be handled: it goes on by that exception."""

@final
class CapturePoint:
    """A constant where values of an instrumented function are seen."""

    def __matmul__(self, value: _Value, /) -> _Value | tuple[_Value]: ...

RESULT: Final[CapturePoint]
"""``return (RESULT @ value)[0]``: what the function returns."""
LOCALS: Final[CapturePoint]
"""``LOCALS @ line``: its local variables before that line."""
LINE: Final[CapturePoint]
"""``LINE @ line``: that line begins."""

# --- in the collector --------------------------------------------------------------------------------------------

@final
class Segment:
    """A segment mapped for reading; every field is validated before use.

    Raises OSError where the file cannot be opened; ValueError, with what is wrong, where it is no segment, of another
    version, damaged, unfinished or another user's.
    """

    def __new__(cls, path: str, /) -> Self: ...
    @property
    def path(self) -> str: ...
    @property
    def uuid(self) -> str: ...
    @property
    def pid(self) -> int: ...
    @property
    def start_ticks(self) -> int: ...
    @property
    def clocks(self) -> tuple[int, int, int]:
        """Monotonic, boottime and realtime clock in ns, read together when the segment was made."""
    def alive(self) -> bool:
        """False once the owner is proven dead; a stopped process is alive."""
    def definitions(self) -> list[bytes]:
        """The definition entries, header included, that came since the last call."""
    def heads(self) -> tuple[int, ...]:
        """Per lane: the position read up to, and the next event's number plus one, 0 if unknown."""
    def restore_heads(self, heads: Sequence[int], /) -> None: ...
    def publish_heads(self, heads: Sequence[int], /) -> None:
        """Tell the writers up to where their events are stored: what :meth:`heads` gave when those were handed over."""
    def set_control(self, value: int, /) -> None: ...
    def losses(self) -> dict[str, int]:
        """Events that the writers counted as lost, by reason."""
    def told(self) -> tuple[tuple[int, str, int], ...]:
        """Losses that the correlator's requests were told of: lane (-1: none could count it), reason, events."""

    def restore_told(self, rows: tuple[tuple[int, str, int], ...], /) -> None:
        """Count as told of what :meth:`told` gave when that was stored."""
    def statistics(self) -> dict[str, int]: ...
    def close(self) -> None: ...

def transpose(rows: Sequence[tuple[Any, ...]], width: int, /) -> tuple[tuple[Any, ...], ...]:
    """The columns of ``rows``, which are tuples of ``width`` items. Raises ValueError where they are not."""

def interlace(columns: Iterable[Iterable[Any]], /) -> list[Any]:
    """The items of ``columns`` row by row, in a flat list. Raises ValueError where their lengths differ."""

def bundle(rows: Sequence[bytes], /) -> bytes:
    """Byte strings of one length as one, without what they have in common; :mod:`scope.store.bundles` reads it.

    Raises ValueError for none, and for lengths that differ.
    """

@final
class Correlator:
    """Groups the events of many segments by request, without decoding them.

    ``max_bytes`` bounds what it holds until that is taken, half of it what it holds of open requests: the oldest of the
    segment that has most are cut. ``pass_bytes`` bounds what is read of a segment in one pass.
    """

    def __new__(cls, *, max_bytes: int = 33554432, pass_bytes: int = 1073741824) -> Self: ...
    def add(self, segment: Segment, number: int, /) -> int:
        """Read one more segment, called ``number`` in tuples; the result is its slot."""
    def remove(self, slot: int, /) -> None: ...
    def drain(self, slot: int, /) -> tuple[int, bool]:
        """One pass: the events read, and whether it came to its end; if not, the next call goes on with it.

        Raises ValueError where the file was cut while it was read.
        """
    def wait(self, percent: int, poll_s: float, most_s: float, /) -> int:
        """Sleep until some lane holds ``percent`` of its capacity that was not read, looking every ``poll_s``.

        Returns what the fullest one holds, also where that is less after ``most_s``.
        """
    def keeps_waiting(self) -> bool:
        """Whether a writer waits for room that it would have if what was read were stored and published."""

    def abort(self, slot: int, /) -> None:
        """The owner is dead: its open requests end as aborted."""
    def finished(self, slot: int, /) -> int:
        """How many requests of a segment are finished and held."""
    def take(self, limit: int, slot: int = ..., /) -> list[tuple[Any, ...]]:
        """Up to ``limit`` finished requests, of one segment where it is given; they are no longer held."""
    def take_open(self) -> list[tuple[Any, ...]]:
        """Requests not finished that changed since they were last taken; their bytes are no longer held."""
    def take_process(self, slot: int, /) -> list[tuple[int, int, bytes]]:
        """What a segment's process wrote of no request since the last call: lane, position, records.

        Of the records the last is the event's, before it stands its lane's where that is known.
        """
    def latest(self, slot: int, /) -> int:
        """Unix time in ns of the latest event that was read of a segment; 0 before the first."""
    def set_costs(self, rows: Sequence[tuple[int, int, int]], /) -> None:
        """What recording costs a traced process, until now nothing; events taken in before keep what they had.

        Each row is a record type, picoseconds of an event, and of each word of payload beyond the least that the type
        has. Row 0 is a call that was held back, row 1 a message of the exchange.
        """
    def costs(self, slot: int, /) -> tuple[int, int, int]:
        """What the events that were read of a segment have cost its process, in nanoseconds.

        All; of that, what can be left out: functions, also calls that were held back; of that, values.
        """
    def restore(self, slot: int, key: int, piece: bytes, /) -> bool:
        """Take back a piece of an open request that an earlier collector stored; false where it is damaged."""
    def sweep(self) -> int:
        """End what cannot end by itself: records that came late, requests whose end was lost.

        Returns the number of requests of which later events were read than the beginning; it comes with the next pass.
        """
    def losses(self, slot: int, /) -> dict[str, int]:
        """Events lost in a segment by reason, those that were overwritten before they were read included."""
    def statistics(self) -> dict[str, int]:
        """events, stray, malformed, finished, open, bytes, refused, standing, cut, of_process."""
