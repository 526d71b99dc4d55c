-- +goose Up
-- Replays of rule sets over past decisions. The id is that of the job that does it.
CREATE TABLE rule_set_replays (
  id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule_set_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule_set_hash     CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_day          DATE NOT NULL,
  to_day            DATE NOT NULL,
  product_code      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  region_prefix     VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  requested_by      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  requested_by_name VARCHAR(100) NOT NULL,
  requested_at      DATETIME(6) NOT NULL,
  finished_at       DATETIME(6) NULL,
  report            JSON NULL,
  PRIMARY KEY (id),
  KEY ix_rule_set_replays_rule_set (rule_set_id, id),
  CONSTRAINT fk_rule_set_replays_job FOREIGN KEY (id) REFERENCES jobs (id),
  CONSTRAINT fk_rule_set_replays_rule_set FOREIGN KEY (rule_set_id) REFERENCES rule_sets (id),
  CONSTRAINT ck_rule_set_replays_period CHECK (to_day >= from_day),
  CONSTRAINT ck_rule_set_replays_report CHECK ((report IS NULL) = (finished_at IS NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
