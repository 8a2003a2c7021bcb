BEGIN TRANSACTION;
CREATE TABLE claims (
    key TEXT PRIMARY KEY, type TEXT NOT NULL, subject TEXT NOT NULL, place TEXT NOT NULL,
    claimed_at TEXT NOT NULL, claim TEXT NOT NULL);
INSERT INTO "claims" VALUES('aaaa','Microsoft.Storage.BlobCreated','data/a.csv','1','2026-01-01T12:00:00.000000+00:00','{"key": "aaaa", "owner": "train-diabetes-aaaa", "type": "Microsoft.Storage.BlobCreated", "subject": "data/a.csv", "content": "aaaa", "claimed_at": "2026-01-01T12:00:00Z", "order": "1", "cause": ""}');
INSERT INTO "claims" VALUES('bbbb','Microsoft.Storage.BlobCreated','data/a.csv','2','2026-01-01T12:01:00.000000+00:00','{"key": "bbbb", "owner": "train-diabetes-bbbb", "type": "Microsoft.Storage.BlobCreated", "subject": "data/a.csv", "content": "bbbb", "claimed_at": "2026-01-01T12:01:00Z", "order": "2", "cause": ""}');
INSERT INTO "claims" VALUES('f1c8b4d4828a6436be9a588992159002','Microsoft.Storage.BlobCreated','data/a.csv','3','2026-01-01T12:02:00.000000+00:00','{"key": "f1c8b4d4828a6436be9a588992159002", "owner": "train-diabetes-f1c8b4d4828a", "type": "Microsoft.Storage.BlobCreated", "subject": "data/a.csv", "content": "aaaa", "claimed_at": "2026-01-01T12:02:00Z", "order": "3", "cause": "aaaa"}');
INSERT INTO "claims" VALUES('cccc','Microsoft.Storage.BlobCreated','no order','','2026-01-01T12:03:00.000000+00:00','{"key": "cccc", "owner": "train-diabetes-cccc", "type": "Microsoft.Storage.BlobCreated", "subject": "no order", "content": "cccc", "claimed_at": "2026-01-01T12:03:00Z", "order": "", "cause": ""}');
CREATE TABLE events (
    event_key TEXT PRIMARY KEY, channel TEXT NOT NULL, received_at TEXT NOT NULL,
    outcome TEXT, event TEXT NOT NULL);
INSERT INTO "events" VALUES('26201849062a4d8c05467b0cf3a71b8f','event-grid','2026-01-01T12:00:00.000000+00:00','started','{"event_key": "26201849062a4d8c05467b0cf3a71b8f", "channel": "event-grid", "payload": {"id": "1", "type": "Mlops.Test", "subject": "s1", "data": {}}, "received_at": "2026-01-01T12:00:00Z", "outcome": "started", "instance_ids": ["train-diabetes-a"], "code": null, "reason": null, "settled_at": "2026-01-01T12:00:00Z", "traceparent": "00-1"}');
INSERT INTO "events" VALUES('2d3f79a8d6686ff2abf693735569805c','event-grid','2026-01-01T12:01:00.000000+00:00','refused','{"event_key": "2d3f79a8d6686ff2abf693735569805c", "channel": "event-grid", "payload": {"id": "2", "type": "Mlops.Test", "subject": "s2", "data": {}}, "received_at": "2026-01-01T12:01:00Z", "outcome": "refused", "instance_ids": [], "code": "UNKNOWN_MODEL", "reason": "why", "settled_at": "2026-01-01T12:00:00Z", "traceparent": "00-1"}');
INSERT INTO "events" VALUES('dbd2bc0302f911ec48eac4a7c95e8512','event-grid','2026-01-01T12:02:00.000000+00:00',NULL,'{"event_key": "dbd2bc0302f911ec48eac4a7c95e8512", "channel": "event-grid", "payload": {"id": "3", "type": "Mlops.Test", "subject": "s3", "data": {}}, "received_at": "2026-01-01T12:02:00Z", "outcome": null, "instance_ids": [], "code": null, "reason": null, "settled_at": null, "traceparent": "00-1"}');
INSERT INTO "events" VALUES('21225728735b9fffe019bcc4082d3591','event-grid','2026-01-02T12:00:00.000000+00:00',NULL,'{"event_key": "21225728735b9fffe019bcc4082d3591", "channel": "event-grid", "payload": {"id": "4", "type": "Mlops.Test", "subject": "s4", "data": {}}, "received_at": "2026-01-02T12:00:00Z", "outcome": null, "instance_ids": [], "code": null, "reason": null, "settled_at": null, "traceparent": "00-1"}');
INSERT INTO "events" VALUES('ebcaf2958dbef572017ba4015ceb4abd','event-grid','2026-01-03T12:00:00.000000+00:00','repeated','{"event_key": "ebcaf2958dbef572017ba4015ceb4abd", "channel": "event-grid", "payload": {"id": "long", "text": "(61000 x)"}, "received_at": "2026-01-03T12:00:00Z", "outcome": "repeated", "instance_ids": [], "code": null, "reason": null, "settled_at": "2026-01-01T12:00:00Z", "traceparent": "00-1"}');
CREATE INDEX events_by_time ON events (received_at);
CREATE INDEX events_pending ON events (received_at) WHERE outcome IS NULL;
CREATE INDEX claims_by_subject ON claims (type, subject, place);
CREATE INDEX claims_by_time ON claims (claimed_at);
COMMIT;
