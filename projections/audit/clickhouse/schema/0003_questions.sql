-- A regulator's questions, each a view over rows that count and stand below the
-- checkpoint. They run with the rights, and under the row policies, of who asks.

CREATE VIEW IF NOT EXISTS ~.all_events SQL SECURITY INVOKER AS
SELECT position, id, type, subject, source, actor, controller, purposes, time, recorded, policy, rules, unproven, code, channels, ref
FROM ~.events FINAL
WHERE position < (SELECT argMax(next, (term, seq)) FROM ~.checkpoint);

CREATE VIEW IF NOT EXISTS ~.all_accesses SQL SECURITY INVOKER AS
SELECT position, id, source, account, subjects, action, reason, categories, count, time, recorded
FROM ~.accesses FINAL
WHERE position < (SELECT argMax(next, (term, seq)) FROM ~.checkpoint) AND time >= (SELECT max(time) FROM ~.horizon);

-- Who read, why, on what day, how often and about how many people (délib. CNIL
-- 2021-122). persons is exact up to some ten thousand, within 1 % above.
CREATE VIEW IF NOT EXISTS ~.reads_per_account SQL SECURITY INVOKER AS
SELECT day, account, reason, action, groupBitmapMerge(positions) AS reads, uniqArrayMerge(persons) AS persons
FROM ~.reads WHERE month >= (SELECT toYYYYMM(max(time)) FROM ~.horizon)
GROUP BY day, account, reason, action;

-- Consents asked, given, refused, withdrawn and expired by purpose and month, and
-- how many of those given lack proof (art. 7(1) GDPR).
CREATE VIEW IF NOT EXISTS ~.consents_per_purpose SQL SECURITY INVOKER AS
SELECT month, controller, arrayJoin(purposes) AS purpose, type, groupBitmapMerge(positions) AS number,
  groupBitmapMergeIf(positions, unproven) AS unproven
FROM ~.cells WHERE startsWith(type, 'consent.')
GROUP BY month, controller, purpose, type;

-- Requests of persons and when they were answered. late is: not within one month
-- (art. 12(3) GDPR, without extension), or not yet and the month has passed.
CREATE VIEW IF NOT EXISTS ~.request_delays SQL SECURITY INVOKER AS
SELECT position, id, subject, controller, asked, received, answered,
  dateDiff('day', received, ifNull(answered, now64(6, 'UTC'))) AS days,
  ifNull(answered, now64(6, 'UTC')) > addMonths(received, 1) AS late
FROM (
  SELECT r.position AS position, r.id AS id, r.subject AS subject, r.controller AS controller, r.asked AS asked, r.received AS received,
    minOrNullIf(a.time, a.position > r.position AND (asked, a.type) IN (('erasure', 'subject.erased'), ('erasure', 'part.redacted'),
      ('objection', 'opposition.registered'), ('restriction', 'restriction.placed'),
      ('access', 'export.produced'), ('portability', 'export.produced'))) AS answered
  FROM (
    SELECT position, id, subject, controller, if(type = 'erasure.ordered', 'erasure', toString(code)) AS asked, time AS received
    FROM ~.requests FINAL
    WHERE type IN ('request.received', 'erasure.ordered') AND position < (SELECT argMax(next, (term, seq)) FROM ~.checkpoint)
  ) AS r
  LEFT JOIN (
    SELECT subject, position, toString(type) AS type, time FROM ~.requests FINAL
    WHERE type NOT IN ('request.received', 'erasure.ordered') AND position < (SELECT argMax(next, (term, seq)) FROM ~.checkpoint)
  ) AS a ON a.subject = r.subject
  GROUP BY position, id, subject, controller, asked, received
);

-- Contacts by the year in which the person last acted, or was collected (délib.
-- CNIL 2021-131). Erased ones are left out; merged ones count each.
CREATE VIEW IF NOT EXISTS ~.contacts_by_year SQL SECURITY INVOKER AS
SELECT toYear(greatest(made, active)) AS year, kind, count() AS contacts
FROM (
  SELECT subject, max(made) AS made, max(active) AS active, max(erased) AS erased, argMaxMerge(kind) AS kind
  FROM ~.contacts GROUP BY subject
) WHERE erased = 0
GROUP BY year, kind;
