-- What requests were told of losses, so that no collector tells it twice. `lane` is -1 where none could count.
CREATE TABLE lane_losses (
    segment INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    reason TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (segment, lane, reason)
) WITHOUT ROWID;
