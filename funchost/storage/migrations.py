"""The ordered schema steps of the host's store; never edit one that was released."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE instances(id TEXT PRIMARY KEY, name TEXT NOT NULL, execution TEXT NOT NULL,
      status TEXT NOT NULL, input TEXT, output TEXT, custom TEXT, created TEXT NOT NULL,
      updated TEXT NOT NULL, parent TEXT, parent_execution TEXT, parent_task INTEGER);
    CREATE TABLE history(instance TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL,
      PRIMARY KEY(instance, seq));
    CREATE TABLE inbox(seq INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL,
      execution TEXT, due REAL NOT NULL, timer INTEGER, event TEXT NOT NULL);
    CREATE INDEX inbox_due ON inbox(due);
    CREATE INDEX inbox_instance ON inbox(instance);
    CREATE TABLE work(seq INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL,
      execution TEXT NOT NULL, task INTEGER NOT NULL, name TEXT NOT NULL, input TEXT);
    CREATE INDEX work_instance ON work(instance);
    CREATE TABLE deliveries(seq INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL,
      event TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL,
      published TEXT NOT NULL);
    CREATE INDEX deliveries_due ON deliveries(due);
    CREATE TABLE dead_letters(seq INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL,
      event TEXT NOT NULL, attempts INTEGER NOT NULL, reason TEXT NOT NULL, outcome TEXT NOT NULL,
      published TEXT NOT NULL, buried TEXT NOT NULL);
    """,
    """
    CREATE TABLE entities(id TEXT PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL,
      updated TEXT NOT NULL);
    CREATE TABLE operations(seq INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL,
      name TEXT NOT NULL, input TEXT, instance TEXT, execution TEXT, request TEXT);
    CREATE INDEX operations_entity ON operations(entity, seq);
    """,
    # One row per turn: a turn is stored, replayed and cut as a whole.
    """
    CREATE TABLE turns(instance TEXT NOT NULL, turn INTEGER NOT NULL, events TEXT NOT NULL,
      PRIMARY KEY(instance, turn)) WITHOUT ROWID;
    INSERT INTO turns SELECT instance, 0, '[' || group_concat(event, ',') || ']'
      FROM (SELECT * FROM history ORDER BY instance, seq) GROUP BY instance;
    DROP TABLE history;
    """,
    """
    CREATE TABLE timers(function TEXT PRIMARY KEY, last TEXT NOT NULL, next TEXT NOT NULL);
    ALTER TABLE instances ADD COLUMN version TEXT NOT NULL DEFAULT '';
    """,
    # The orchestration's own trace parent, and its caller's.
    """
    ALTER TABLE instances ADD COLUMN trace TEXT NOT NULL DEFAULT '';
    ALTER TABLE instances ADD COLUMN caller TEXT NOT NULL DEFAULT '';
    """,
    # The list of instances is in the order of ids, by every filter.
    """
    CREATE INDEX instances_status ON instances(status, id, created);
    CREATE INDEX instances_created ON instances(created, status, id);
    """,
    """
    CREATE TABLE warnings(seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
      instance TEXT NOT NULL, cause TEXT NOT NULL, remedy TEXT NOT NULL, at TEXT NOT NULL,
      UNIQUE(instance, kind));
    CREATE TABLE answers(seq INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL,
      kind INTEGER NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, event TEXT NOT NULL);
    CREATE INDEX answers_instance ON answers(instance);
    ALTER TABLE entities ADD COLUMN present INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE entities ADD COLUMN created TEXT NOT NULL DEFAULT '';
    UPDATE entities SET created=updated;
    """,
    # The time from which a timer's next occurrence was counted.
    "ALTER TABLE timers ADD COLUMN updated TEXT NOT NULL DEFAULT ''",
    # The last execution of each instance that continued as new.
    """
    CREATE TABLE formers(instance TEXT PRIMARY KEY, execution TEXT NOT NULL, input TEXT,
      following TEXT, events TEXT NOT NULL) WITHOUT ROWID
    """,
    # The lists of entities are in the order of ids, by every filter.
    """
    CREATE INDEX entities_created ON entities(created, id);
    CREATE INDEX entities_updated ON entities(updated, id);
    CREATE INDEX entities_present ON entities(id) WHERE present=1;
    """,
    # 1 for an instance that may have been rewound: earlier versions did not store this.
    "ALTER TABLE instances ADD COLUMN rewound INTEGER NOT NULL DEFAULT 1",
)
