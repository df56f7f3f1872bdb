-- slices/<start>.db: the requests that began within one slice of time, readable by itself.

CREATE TABLE slice (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL
);

-- The one index that every insert pays for. Ids are random: an index on them would touch a page of its own for every
-- request, which costs more than all the rest; the directories of the blocks serve look-ups by id instead.
CREATE INDEX requests_start ON requests (start_ns);

-- The records of many requests, one request after the other, compressed as one. The other columns are the directory, in
-- the same order: `requests` (signed 64-bit, little-endian), `sizes` (unsigned 32-bit, little-endian, ascending: bytes of
-- records), `traces` (16 bytes each), `spans` (8 bytes each, big-endian), `ids` (each preceded by a line feed, and one at
-- the end; null where no request has one). Where 16 or more requests have the same size they are a bundle (scope/store/
-- bundles.py tells its layout). Numbers of blocks grow over all slices in the order of storing.
CREATE TABLE blocks (
    block INTEGER PRIMARY KEY,
    requests BLOB NOT NULL,
    sizes BLOB NOT NULL,
    traces BLOB NOT NULL,
    spans BLOB NOT NULL,
    ids TEXT,
    data BLOB NOT NULL
);

-- Records that came after their request had been stored, compressed. `position` is the ring position of the first one.
CREATE TABLE pieces (
    request INTEGER NOT NULL,
    position INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (request, position)
);

-- What main.db has yet to take over of the last batch stored here: rows for statements that the writer names. A slice
-- commits first, so after a crash this says what main.db misses; it is ignored where progress.batch has reached `batch`.
CREATE TABLE journal (
    batch INTEGER NOT NULL,
    statement TEXT NOT NULL,
    c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, c24
);
