-- main.db: everything that is not of one slice of time.

-- How far the store has come. `batch`: number of the last batch that is here whole. `block`: number of the last block in
-- any slice. `dropped_ns`: end of the newest slice that retention removed.
CREATE TABLE progress (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    batch INTEGER NOT NULL,
    block INTEGER NOT NULL,
    dropped_ns INTEGER NOT NULL
);
INSERT INTO progress VALUES (1, 0, 0, 0);

-- The slices, disjoint in the time of their requests' start. `block` is the last one in it.
CREATE TABLE slices (
    start_ns INTEGER PRIMARY KEY,
    end_ns INTEGER NOT NULL,
    block INTEGER NOT NULL DEFAULT 0
);

-- Which segments have requests in which slice.
CREATE TABLE residents (
    segment INTEGER NOT NULL,
    slice_ns INTEGER NOT NULL,
    PRIMARY KEY (segment, slice_ns)
) WITHOUT ROWID;

-- Ring position of every lane up to where its events are stored: unsigned 64-bit numbers, little-endian.
CREATE TABLE heads (
    segment INTEGER PRIMARY KEY,
    lanes BLOB NOT NULL
);

CREATE TABLE losses (
    segment INTEGER NOT NULL,
    reason TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (segment, reason)
) WITHOUT ROWID;

-- What open requests have written so far: at most a piece in each batch, in the order of the batches. `position` is the
-- ring position of its first record.
CREATE TABLE pieces (
    request INTEGER NOT NULL,
    position INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (request, position)
) WITHOUT ROWID;

-- Rows of open requests are removed one by one when these end.
CREATE INDEX exceptions_request ON exceptions (request);

-- What the rollups count by. `method` is one of the well-known ones or '*', so that callers cannot make rows.
CREATE TABLE endpoints (
    id INTEGER PRIMARY KEY,
    service TEXT NOT NULL,
    kind TEXT NOT NULL,
    method TEXT NOT NULL,
    route TEXT,
    UNIQUE (service, kind, method, route)
);

-- Finished requests by the minute of their start (since 1970) and the bin of their duration.
CREATE TABLE minutes (
    minute INTEGER NOT NULL,
    endpoint INTEGER NOT NULL,
    bin INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL,
    PRIMARY KEY (minute, endpoint, bin)
) WITHOUT ROWID;

CREATE TABLE hours (
    hour INTEGER NOT NULL,
    endpoint INTEGER NOT NULL,
    bin INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL,
    PRIMARY KEY (hour, endpoint, bin)
) WITHOUT ROWID;

-- Exceptions by fingerprint: type, innermost frame of the application, route. Message, line and exemplar (an id) are those
-- of the latest.
CREATE TABLE faults (
    fingerprint TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    file TEXT NOT NULL,
    function TEXT NOT NULL,
    line INTEGER NOT NULL,
    route TEXT,
    message TEXT NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL,
    exemplar TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE fault_minutes (
    minute INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (minute, fingerprint)
) WITHOUT ROWID;
