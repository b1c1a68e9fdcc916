-- The tables of the history of runs.
CREATE TABLE IF NOT EXISTS runs (
  id TEXT, folder TEXT PRIMARY KEY, size INTEGER, changed INTEGER,  -- changed: nanoseconds since the epoch
  started TEXT, finished TEXT, seconds REAL, record_mode TEXT, front TEXT, harness TEXT,
  complete INTEGER, selection TEXT, damage TEXT,                    -- selection: JSON, damage: why it cannot be read
  parts TEXT,                                                       -- JSON, of a merged run: the ids that it was made of
  stopped_early INTEGER                                             -- by design: its answer was known
);
CREATE TABLE IF NOT EXISTS lines (                                  -- a run x suite x target, counts are of groups
  folder TEXT REFERENCES runs ON DELETE CASCADE, suite TEXT, target TEXT,
  passed INTEGER, failed INTEGER, errors INTEGER, skipped INTEGER, total INTEGER, attempts INTEGER,
  tokens INTEGER, thoughts INTEGER, ttft_s REAL, latency_s REAL, cost_usd REAL,  -- sums, medians in seconds, NULL: not known
  sources TEXT, simulated INTEGER,
  PRIMARY KEY (folder, suite, target)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS groups (                                 -- a case x target x axes of a run, counts are of attempts
  folder TEXT REFERENCES runs ON DELETE CASCADE, suite TEXT, target TEXT, id TEXT, "case" TEXT, axes TEXT, status TEXT,
  passed INTEGER, failed INTEGER, errors INTEGER, skipped INTEGER, total INTEGER, attempts INTEGER,
  tokens INTEGER, thoughts INTEGER, ttft_s REAL, latency_s REAL, cost_usd REAL,
  sources TEXT, simulated INTEGER,
  PRIMARY KEY (folder, id)
) WITHOUT ROWID;
