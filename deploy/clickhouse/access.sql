-- Who may do what in the audit dataset (database greffe), for a server whose users
-- are made by SQL. users.xml says the same for one that reads them from a file.
-- Run as an administrator, with the passwords' SHA-256 in place of the parameters:
--   clickhouse-client --param_greffe=… --param_officer=… --param_inspector=… --queries-file access.sql
-- Every statement may be run again. The engine of the tests makes no users by SQL:
-- there the syntax of this file is checked, and what users.xml says is enforced.

CREATE SETTINGS PROFILE IF NOT EXISTS greffe_service SETTINGS async_insert = 0, max_memory_usage = 4000000000;

CREATE SETTINGS PROFILE IF NOT EXISTS greffe_inspection SETTINGS
  readonly = 2 CONST,
  max_memory_usage = 2000000000 MIN 1 MAX 2000000000,
  max_execution_time = 60 MIN 1 MAX 60,
  max_threads = 2,
  max_result_rows = 10000000 MIN 1 MAX 10000000,
  final = 0 CONST;

-- The service: makes and writes the tables.
CREATE ROLE IF NOT EXISTS greffe_service SETTINGS PROFILE 'greffe_service';
GRANT SELECT, INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE ON greffe.* TO greffe_service;
GRANT TABLE ENGINE ON MergeTree TO greffe_service;
GRANT TABLE ENGINE ON ReplacingMergeTree TO greffe_service;
GRANT TABLE ENGINE ON AggregatingMergeTree TO greffe_service;
GRANT TABLE ENGINE ON Memory TO greffe_service;
-- With replicated=true also ReplicatedMergeTree, ReplicatedReplacingMergeTree and ReplicatedAggregatingMergeTree.
GRANT SELECT ON system.parts TO greffe_service;
GRANT SELECT ON system.tables TO greffe_service;

-- The data protection officer: everything, nothing changed.
CREATE ROLE IF NOT EXISTS greffe_officer SETTINGS PROFILE 'greffe_inspection';
GRANT SELECT ON greffe.* TO greffe_officer;

-- Inspections: the questions and the tables under them. What a row policy below
-- does not allow a user is not seen.
CREATE ROLE IF NOT EXISTS greffe_inspection SETTINGS PROFILE 'greffe_inspection';
GRANT SELECT ON greffe.all_events TO greffe_inspection;
GRANT SELECT ON greffe.all_accesses TO greffe_inspection;
GRANT SELECT ON greffe.reads_per_account TO greffe_inspection;
GRANT SELECT ON greffe.consents_per_purpose TO greffe_inspection;
GRANT SELECT ON greffe.request_delays TO greffe_inspection;
GRANT SELECT ON greffe.events TO greffe_inspection;
GRANT SELECT ON greffe.accesses TO greffe_inspection;
GRANT SELECT ON greffe.consents TO greffe_inspection;
GRANT SELECT ON greffe.requests TO greffe_inspection;
GRANT SELECT ON greffe.cells TO greffe_inspection;
GRANT SELECT ON greffe.reads TO greffe_inspection;
GRANT SELECT ON greffe.checkpoint TO greffe_inspection;
GRANT SELECT ON greffe.horizon TO greffe_inspection;

CREATE QUOTA IF NOT EXISTS greffe_inspection KEYED BY user_name
  FOR INTERVAL 1 hour MAX queries = 500, result_rows = 50000000, execution_time = 1800
  TO greffe_inspection, greffe_officer;

CREATE USER IF NOT EXISTS greffe IDENTIFIED WITH sha256_hash BY {greffe:String};
GRANT greffe_service TO greffe;
CREATE USER IF NOT EXISTS greffe_officer_1 IDENTIFIED WITH sha256_hash BY {officer:String};
GRANT greffe_officer TO greffe_officer_1;

-- Rows: the service and the officer see all; an inspection sees none, but for what
-- a policy of its own gives it.
CREATE ROW POLICY IF NOT EXISTS greffe_all ON greffe.events USING 1 AS PERMISSIVE TO greffe_service, greffe_officer;
CREATE ROW POLICY IF NOT EXISTS greffe_all ON greffe.consents USING 1 AS PERMISSIVE TO greffe_service, greffe_officer;
CREATE ROW POLICY IF NOT EXISTS greffe_all ON greffe.requests USING 1 AS PERMISSIVE TO greffe_service, greffe_officer;
CREATE ROW POLICY IF NOT EXISTS greffe_all ON greffe.cells USING 1 AS PERMISSIVE TO greffe_service, greffe_officer;
CREATE ROW POLICY IF NOT EXISTS greffe_all ON greffe.accesses USING 1 AS PERMISSIVE TO greffe_service, greffe_officer;
CREATE ROW POLICY IF NOT EXISTS greffe_all ON greffe.reads USING 1 AS PERMISSIVE TO greffe_service, greffe_officer;
CREATE ROW POLICY IF NOT EXISTS greffe_none ON greffe.events USING 0 AS PERMISSIVE TO greffe_inspection;
CREATE ROW POLICY IF NOT EXISTS greffe_none ON greffe.consents USING 0 AS PERMISSIVE TO greffe_inspection;
CREATE ROW POLICY IF NOT EXISTS greffe_none ON greffe.requests USING 0 AS PERMISSIVE TO greffe_inspection;
CREATE ROW POLICY IF NOT EXISTS greffe_none ON greffe.cells USING 0 AS PERMISSIVE TO greffe_inspection;
CREATE ROW POLICY IF NOT EXISTS greffe_none ON greffe.accesses USING 0 AS PERMISSIVE TO greffe_inspection;
CREATE ROW POLICY IF NOT EXISTS greffe_none ON greffe.reads USING 0 AS PERMISSIVE TO greffe_inspection;

-- One inspection, of controller acme and the year 2026. A user of its own for each,
-- with its scope and period, until the day after it ends.
CREATE USER IF NOT EXISTS inspector_acme_2026 IDENTIFIED WITH sha256_hash BY {inspector:String}
  VALID UNTIL '2027-06-30';
GRANT greffe_inspection TO inspector_acme_2026;
CREATE ROW POLICY IF NOT EXISTS acme_2026 ON greffe.events
  USING controller = 'acme' AND time >= '2026-01-01 00:00:00' AND time < '2027-01-01 00:00:00' AS PERMISSIVE TO inspector_acme_2026;
CREATE ROW POLICY IF NOT EXISTS acme_2026 ON greffe.consents
  USING controller = 'acme' AND time >= '2026-01-01 00:00:00' AND time < '2027-01-01 00:00:00' AS PERMISSIVE TO inspector_acme_2026;
CREATE ROW POLICY IF NOT EXISTS acme_2026 ON greffe.requests
  USING controller = 'acme' AND time >= '2026-01-01 00:00:00' AND time < '2027-01-01 00:00:00' AS PERMISSIVE TO inspector_acme_2026;
CREATE ROW POLICY IF NOT EXISTS acme_2026 ON greffe.cells
  USING controller = 'acme' AND month >= 202601 AND month <= 202612 AS PERMISSIVE TO inspector_acme_2026;
-- Accesses and their counts have no controller: the period alone bounds them.
CREATE ROW POLICY IF NOT EXISTS acme_2026 ON greffe.accesses
  USING time >= '2026-01-01 00:00:00' AND time < '2027-01-01 00:00:00' AS PERMISSIVE TO inspector_acme_2026;
CREATE ROW POLICY IF NOT EXISTS acme_2026 ON greffe.reads
  USING month >= 202601 AND month <= 202612 AS PERMISSIVE TO inspector_acme_2026;
