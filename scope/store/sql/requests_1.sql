-- Tables that main.db (for requests still open) and every slice (for finished ones) have in common, so that one query
-- reads both. Text of the vocabulary (kind, state, outcome) is stored as filters and JSON write it.

-- A traced process. `uuid` is its segment's.
CREATE TABLE segments (
    number INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    pid INTEGER NOT NULL,
    service TEXT NOT NULL,
    host TEXT NOT NULL,
    started_ns INTEGER NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0
);

-- What many requests have in common; a request refers to one row here instead of repeating it.
CREATE TABLE shapes (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT NOT NULL,
    flags INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    status INTEGER,
    method TEXT NOT NULL,
    route TEXT,
    error TEXT
);

-- Names of the spans of the requests of a shape; at most 64 and those given inline.
CREATE TABLE span_names (
    shape INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (shape, name)
) WITHOUT ROWID;

-- `request` is the number of the segment << 44 | the request's key there: its identity. `id` is null when it is the trace
-- id. `span_id` and `remote_parent` are unsigned 64-bit numbers stored as signed ones; 0 means none, also for
-- `first_byte_ns`. `block` is where the records are (null while the request is open).
CREATE TABLE requests (
    request INTEGER PRIMARY KEY,
    shape INTEGER NOT NULL,
    block INTEGER,
    trace_id BLOB NOT NULL,
    span_id INTEGER NOT NULL,
    remote_parent INTEGER NOT NULL,
    id TEXT,
    path TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    first_byte_ns INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    spans INTEGER NOT NULL,
    events INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    tracing_ns INTEGER NOT NULL,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL,
    messages_in INTEGER NOT NULL,
    messages_out INTEGER NOT NULL,
    loop_wait_ns INTEGER NOT NULL,
    thread_wait_ns INTEGER NOT NULL,
    longest_step_ns INTEGER NOT NULL
);

-- Searchable attributes of the requests' spans; `number` is null where the value is none. In the order of the requests,
-- because values are as random as ids: finding one reads this table of a slice through, which is quicker than it sounds.
CREATE TABLE attributes (
    request INTEGER NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    number,
    PRIMARY KEY (request, key, text)
) WITHOUT ROWID;

-- Which requests recorded an exception of which group.
CREATE TABLE exceptions (
    fingerprint TEXT NOT NULL,
    request INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, request)
) WITHOUT ROWID;

-- Definition entries of the segments, as they are on the wire.
CREATE TABLE definitions (
    segment INTEGER NOT NULL,
    number INTEGER NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (segment, number)
) WITHOUT ROWID;
