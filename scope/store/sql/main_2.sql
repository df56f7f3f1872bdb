-- What requests were told of losses, so that no collector tells it twice. `lane` is -1 where none could count.
CREATE TABLE lane_losses (
    segment INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    reason TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (segment, lane, reason)
) WITHOUT ROWID;

-- What happened to a process outside its requests; scope/model/process_event.py tells the columns. `lane` and `position`
-- say where in its ring, so that nothing is stored twice; lane -1 is what the collector found out.
CREATE TABLE process_events (
    segment INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    waited_ns INTEGER NOT NULL,
    thread TEXT NOT NULL,
    name TEXT NOT NULL,
    file TEXT NOT NULL,
    line INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    collected INTEGER NOT NULL,
    left_over INTEGER NOT NULL,
    PRIMARY KEY (segment, lane, position)
) WITHOUT ROWID;
CREATE INDEX process_events_start ON process_events (start_ns);
