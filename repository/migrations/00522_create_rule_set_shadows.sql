-- +goose Up
-- Shadow runs: a candidate set judges live cases beside the set in force. running is the database's half of "one running
-- shadow a set". The cursor is the last decision judged; attempts is the fence of the lease.
CREATE TABLE rule_set_shadows (
  id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule_set_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule_set_hash     CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status            VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  started_at        DATETIME(6) NOT NULL,
  ended_at          DATETIME(6) NULL,
  last_error        VARCHAR(1000) NOT NULL,
  cursor_at         DATETIME(6) NOT NULL,
  cursor_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  lease_owner       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  due_at            DATETIME(6) NOT NULL,
  attempts          INT NOT NULL,
  failures          INT NOT NULL,
  running           TINYINT GENERATED ALWAYS AS (CASE WHEN status = 'running' THEN 1 END) STORED,
  PRIMARY KEY (id),
  CONSTRAINT uk_rule_set_shadows_running UNIQUE (rule_set_id, running),
  KEY ix_rule_set_shadows_rule_set (rule_set_id, id),
  KEY ix_rule_set_shadows_due (status, due_at),
  CONSTRAINT fk_rule_set_shadows_rule_set FOREIGN KEY (rule_set_id) REFERENCES rule_sets (id),
  CONSTRAINT ck_rule_set_shadows_status CHECK (status IN ('running','stopped','failed')),
  CONSTRAINT ck_rule_set_shadows_ended CHECK ((status = 'running') = (ended_at IS NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
