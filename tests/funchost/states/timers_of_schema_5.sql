BEGIN TRANSACTION;
CREATE TABLE dead_letters(seq INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL,
      event TEXT NOT NULL, attempts INTEGER NOT NULL, reason TEXT NOT NULL, outcome TEXT NOT NULL,
      published TEXT NOT NULL, buried TEXT NOT NULL);
CREATE TABLE deliveries(seq INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL,
      event TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL,
      published TEXT NOT NULL);
CREATE TABLE entities(id TEXT PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL,
      updated TEXT NOT NULL);
CREATE TABLE inbox(seq INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL,
      execution TEXT, due REAL NOT NULL, timer INTEGER, event TEXT NOT NULL);
CREATE TABLE instances(id TEXT PRIMARY KEY, name TEXT NOT NULL, execution TEXT NOT NULL,
      status TEXT NOT NULL, input TEXT, output TEXT, custom TEXT, created TEXT NOT NULL,
      updated TEXT NOT NULL, parent TEXT, parent_execution TEXT, parent_task INTEGER, version TEXT NOT NULL DEFAULT '', trace TEXT NOT NULL DEFAULT '', caller TEXT NOT NULL DEFAULT '');
CREATE TABLE migrations(version INTEGER PRIMARY KEY, applied TEXT);
INSERT INTO "migrations" VALUES(1,'2026-11-30 01:58:56');
INSERT INTO "migrations" VALUES(2,'2026-11-30 01:58:56');
INSERT INTO "migrations" VALUES(3,'2026-11-30 01:58:56');
INSERT INTO "migrations" VALUES(4,'2026-11-30 01:58:56');
INSERT INTO "migrations" VALUES(5,'2026-11-30 01:58:56');
CREATE TABLE operations(seq INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL,
      name TEXT NOT NULL, input TEXT, instance TEXT, execution TEXT, request TEXT);
CREATE TABLE timers(function TEXT PRIMARY KEY, last TEXT NOT NULL, next TEXT NOT NULL);
INSERT INTO "timers" VALUES('hourly','2026-01-01T00:00:00.000000Z','2026-01-01T01:00:00.000000Z');
INSERT INTO "timers" VALUES('span','2026-01-01T00:00:00.000000Z','2026-01-01T01:00:00.000000Z');
INSERT INTO "timers" VALUES('daily','2026-01-01T00:00:00.000000Z','2026-01-02T00:00:00.000000Z');
CREATE TABLE turns(instance TEXT NOT NULL, turn INTEGER NOT NULL, events TEXT NOT NULL,
      PRIMARY KEY(instance, turn)) WITHOUT ROWID;
CREATE TABLE work(seq INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL,
      execution TEXT NOT NULL, task INTEGER NOT NULL, name TEXT NOT NULL, input TEXT);
CREATE INDEX inbox_due ON inbox(due);
CREATE INDEX inbox_instance ON inbox(instance);
CREATE INDEX work_instance ON work(instance);
CREATE INDEX deliveries_due ON deliveries(due);
CREATE INDEX operations_entity ON operations(entity, seq);
COMMIT;
