-- Whether a ticket was given with the reason of an access. Rows written before have
-- none: their facts do not say.

ALTER TABLE ~.accesses ADD COLUMN IF NOT EXISTS ticketed Bool CODEC(ZSTD(1)) AFTER reason;

CREATE OR REPLACE VIEW ~.all_accesses SQL SECURITY INVOKER AS
SELECT position, id, source, account, subjects, action, reason, ticketed, categories, count, time, recorded
FROM ~.accesses FINAL
WHERE position < (SELECT argMax(next, (term, seq)) FROM ~.checkpoint) AND time >= (SELECT max(time) FROM ~.horizon);
