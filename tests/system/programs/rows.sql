.bail on
PRAGMA journal_mode = DELETE;
CREATE TABLE account(id INTEGER PRIMARY KEY, name TEXT NOT NULL, region INTEGER, balance INTEGER);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO account SELECT i, printf('name-%06d', (i * 7919) % 100003), i % 37, (i * 31337) % 10007 FROM n;
COMMIT;
CREATE INDEX account_region ON account(region, balance);
SELECT count(*), sum(balance), min(name), max(name) FROM account;
SELECT region, count(*), sum(balance), max(balance) FROM account GROUP BY region ORDER BY region;
CREATE TABLE transfer(id INTEGER PRIMARY KEY, source INTEGER REFERENCES account(id), amount INTEGER);
INSERT INTO transfer SELECT id, id, balance / 10 FROM account WHERE balance % 3 = 0;
UPDATE account SET balance = balance - (SELECT amount FROM transfer WHERE transfer.id = account.id)
	WHERE id IN (SELECT source FROM transfer);
SELECT count(*), sum(amount) FROM transfer;
SELECT sum(balance) FROM account;
DELETE FROM account WHERE region = 5;
SELECT name, balance FROM account ORDER BY balance DESC, name LIMIT 20;
BEGIN;
DELETE FROM account;
ROLLBACK;
SELECT count(*) FROM account;
SELECT a.region, count(*) FROM account a JOIN transfer t ON t.source = a.id GROUP BY a.region HAVING count(*) > 900 ORDER BY 1;
VACUUM;
PRAGMA integrity_check;
